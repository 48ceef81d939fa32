"""Windows that staff cancel or let close at another time, bookings given back, and what that means for the sittings."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict, Invalid
from core.ids import PersonId, SittingId, WindowId
from core.moments import DAY, MINUTE, SECOND, Moment, Span
from exam_server import timing
from exam_server.commands import MoveClose, Stop
from exam_server.consequences import CHUNK, Consequences
from exam_server.scheduling import unknown_window
from exam_server.sitting import Sitting

ChangeKind: TypeAlias = Literal["cancelled", "close_moved"]

LONGEST_WINDOW: Span = 31 * DAY
SHORTEST_REASON, LONGEST_REASON = 3, 2_000
GIVEN_BACK = "Запись на тестирование отменена."


class WindowChange(Struct, frozen=True):
    """What staff decided about a window, and when the last of its sittings had followed.

    `reach`: the sittings it is for; `followed`: how many of them have followed so far.
    """

    window: WindowId
    kind: ChangeKind
    closes_at: Moment | None
    reason: str
    decided_by: PersonId
    decided_at: Moment
    applied_at: Moment | None
    reach: int = 0
    followed: int = 0


def read_reason(reason: str) -> str:
    """A reason as it is kept. Raises Invalid (`reason_missing`)."""
    reason = reason.strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise Invalid(
            "reason_missing",
            "Напишите причину: её прочитают те, кого это касается.",
            fields={"reason": f"От {SHORTEST_REASON} до {LONGEST_REASON} знаков."},
        )
    return reason


async def cancel_window(connection: AsyncConnection, window: WindowId, by: PersonId, reason: str, at: Moment) -> None:
    """Cancel a window; once is enough. Its sittings end in `Closing`.

    Raises NotFound, Invalid (`reason_missing`), Conflict (`window_over`).
    """
    reason = read_reason(reason)
    row = await _lock(connection, window)
    if row["cancelled_at"] is not None:
        return
    if row["closes_at"] <= at:
        raise Conflict("window_over", "Это время уже прошло: отменять нечего.")
    await execute(connection, 'UPDATE exam_server."window" SET cancelled_at = :at WHERE id = :id', at=at, id=window)
    await _record(connection, window, "cancelled", None, by, reason, at)


async def move_close(
    connection: AsyncConnection, window: WindowId, closes_at: Moment, by: PersonId, reason: str, at: Moment
) -> None:
    """Let a window close at another moment; its sittings follow in `Closing`.

    Raises NotFound, Invalid (`reason_missing`, `bad_window`), Conflict (`window_over`, `window_cancelled`).
    """
    reason = read_reason(reason)
    row = await _lock(connection, window)
    if row["cancelled_at"] is not None:
        raise Conflict("window_cancelled", "Это время уже отменено.")
    if row["closes_at"] <= at:
        raise Conflict("window_over", "Это время уже прошло. Назначьте новое.")
    if row["closes_at"] == closes_at:
        return
    if closes_at < at + MINUTE or not 0 < closes_at - row["opens_at"] <= LONGEST_WINDOW:
        raise Invalid(
            "bad_window",
            "Так закрыть нельзя. Укажите время позже начала и не раньше чем через минуту.",
            fields={"closes_at": "Позже начала, не раньше чем через минуту, не дольше 31 дня."},
        )
    await execute(
        connection, 'UPDATE exam_server."window" SET closes_at = :closes WHERE id = :id', closes=closes_at, id=window
    )
    await _record(connection, window, "close_moved", closes_at, by, reason, at)


async def list_changes(connection: AsyncConnection, windows: Sequence[WindowId]) -> dict[WindowId, list[WindowChange]]:
    """What was decided about each of these windows, the latest first."""
    rows = await fetch_all(
        connection,
        """SELECT window_id AS window, kind, closes_at, reason, decided_by, decided_at, applied_at, reach, followed
           FROM exam_server.window_change WHERE window_id = ANY(CAST(:ids AS bigint[])) ORDER BY id DESC""",
        ids=list(windows),
    )
    found: dict[WindowId, list[WindowChange]] = {}
    for row in rows:
        found.setdefault(WindowId(row["window"]), []).append(WindowChange(**row))
    return found


async def load_cancel_reasons(connection: AsyncConnection, windows: Sequence[WindowId]) -> dict[WindowId, str]:
    """Why each of these windows was cancelled, of those that were."""
    changes = await list_changes(connection, windows)
    return {
        window: change.reason for window, listed in changes.items() for change in listed if change.kind == "cancelled"
    }


async def _lock(connection: AsyncConnection, window: WindowId) -> RowMapping:
    """The window, which nobody enters or prepares before the transaction ends."""
    row = await fetch_one(
        connection,
        """SELECT opens_at, closes_at, cancelled_at FROM exam_server."window" WHERE id = :id FOR UPDATE""",
        id=window,
    )
    if row is None:
        raise unknown_window()
    return row


async def _record(
    connection: AsyncConnection,
    window: WindowId,
    kind: ChangeKind,
    closes_at: Moment | None,
    by: PersonId,
    reason: str,
    at: Moment,
) -> None:
    await execute(
        connection,
        f"""INSERT INTO exam_server.window_change (window_id, kind, closes_at, reason, decided_by, decided_at, reach)
            VALUES (:window, :kind, :closes, :reason, :by, :at, (SELECT count(*) {_REACHED}))""",
        window=window,
        kind=kind,
        closes=closes_at,
        reason=reason,
        by=by,
        at=at,
    )
    fields = {"reason": reason} | ({} if closes_at is None else {"closes_at": str(closes_at)})
    await journal.record(connection, f"person:{by}", f"planning.window_{kind}", f"window:{window}", fields, at)


class Closing(Consequences):
    """Ends the sittings of cancelled windows and of bookings given back, and moves the close of the others."""

    turn = "closing"

    async def _carry_out(self) -> None:
        await self._end_given_back()
        async with self._database.transaction() as connection:
            rows = await fetch_all(
                connection,
                """SELECT c.id, c.window_id, c.kind, c.reason, c.decided_by FROM exam_server.window_change c
                   WHERE c.applied_at IS NULL ORDER BY c.id""",
            )
        for row in rows:
            window, by = WindowId(row["window_id"]), PersonId(row["decided_by"])
            if await self._apply(row["id"], window, row["kind"], by, row["reason"]):
                async with self._database.transaction() as connection:
                    await execute(
                        connection,
                        "UPDATE exam_server.window_change SET applied_at = :at WHERE id = :id",
                        at=self._clock.now(),
                        id=row["id"],
                    )

    async def _apply(self, change: int, window: WindowId, kind: ChangeKind, by: PersonId, reason: str) -> bool:
        last, whole = SittingId(0), True
        await self._begin(change, window)
        while True:
            async with self._database.transaction() as connection:
                rows = await fetch_all(
                    connection,
                    f"SELECT s.id, w.closes_at {_REACHED} AND s.id > :last ORDER BY s.id LIMIT :limit",
                    window=window,
                    last=last,
                    limit=CHUNK,
                )
            sittings = [SittingId(row["id"]) for row in rows]
            if not sittings:
                return whole
            if kind == "cancelled":
                failed = await self._stop(sittings, by, reason)
            else:
                failed = await self._move(sittings, rows[0]["closes_at"], by, reason)
            whole &= not failed
            last = sittings[-1]
            async with self._database.transaction() as connection:
                await execute(
                    connection,
                    "UPDATE exam_server.window_change SET followed = followed + :more WHERE id = :id",
                    more=len(sittings) - len(failed),
                    id=change,
                )

    async def _begin(self, change: int, window: WindowId) -> None:
        """Count anew what is left: a sitting that was ended is not met again, one whose close was moved is."""
        async with self._database.transaction() as connection:
            await execute(
                connection,
                f"""UPDATE exam_server.window_change c
                    SET followed = n.before, reach = n.before + n."left"
                    FROM (SELECT CASE d.kind WHEN 'cancelled' THEN d.followed ELSE 0 END AS before,
                                 (SELECT count(*) {_REACHED}) AS "left"
                          FROM exam_server.window_change d WHERE d.id = :id) n
                    WHERE c.id = :id""",
                id=change,
                window=window,
            )

    async def _stop(self, sittings: Sequence[SittingId], by: PersonId, reason: str) -> set[SittingId]:
        notes = await self._write_notes(sittings, by, "window_cancelled", reason)
        return await self._each(
            sittings, lambda sitting: self._conduct.order(sitting, Stop(by, notes[sitting], "window_cancelled"))
        )

    async def _move(
        self, sittings: Sequence[SittingId], closes_at: Moment, by: PersonId, reason: str
    ) -> set[SittingId]:
        notes = await self._write_notes(sittings, by, "close_moved", reason)

        async def move(sitting: SittingId) -> None:
            state = (await self._conduct.hold(sitting)).state
            due = close_of(state, closes_at, self._clock.now())
            if state.closes_at != due:
                await self._conduct.order(sitting, MoveClose(due, by, notes[sitting]))

        return await self._each(sittings, move)

    async def _end_given_back(self) -> None:
        """A booking given back has no use for its form."""
        last = SittingId(0)
        while True:
            async with self._database.transaction() as connection:
                rows = await fetch_all(
                    connection,
                    """SELECT s.id, s.candidate FROM exam_server.sitting s
                       JOIN exam_server.booking b ON b.id = s.booking_id
                       WHERE s.entered_at IS NULL AND s.next_deadline IS NOT NULL AND b.cancelled_at IS NOT NULL
                         AND s.id > :last
                       ORDER BY s.id LIMIT :limit""",
                    last=last,
                    limit=CHUNK,
                )
            for row in rows:
                last = SittingId(row["id"])
                await self._stop([last], PersonId(row["candidate"]), GIVEN_BACK)
            if len(rows) < CHUNK:
                return


def close_of(sitting: Sitting, closes_at: Moment, now: Moment) -> Moment:
    """When a sitting closes whose window closes at a moment: with its allowance, and not in the past."""
    return max(closes_at + timing.gain(sitting.rules, sitting.allowance), now + SECOND)


_REACHED = """FROM exam_server.booking b JOIN exam_server."window" w ON w.id = b.window_id
    JOIN exam_server.sitting s ON s.booking_id = b.id
    WHERE b.window_id = :window AND s.next_deadline IS NOT NULL"""
