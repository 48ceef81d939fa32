"""What candidates are given beside an exam's limits, decided before it: more time, more breaks. Never a diagnosis.

An allowance holds for every booking of the exam. It goes into the sitting when its form is drawn; a later change goes
through the engine, so that a running countdown follows at once.
"""

from collections.abc import Iterable
from typing import ClassVar

from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.database import execute, fetch_all, fetch_one
from core.errors import Invalid
from core.ids import BlueprintId, PersonId, SittingId
from core.moments import MINUTE, Moment
from exam_server import interventions
from exam_server.closing import close_of, read_reason
from exam_server.commands import MoveClose, SetAllowance
from exam_server.consequences import Consequences
from exam_server.events import Allowance
from exam_server.scheduling import line_up


class Given(Struct, frozen=True):
    """A candidate's allowance at one exam, with who decided it and why: a document, never a diagnosis."""

    candidate: PersonId
    blueprint: BlueprintId
    allowance: Allowance
    reason: str
    decided_by: PersonId
    decided_at: Moment
    applied_at: Moment | None
    """When the last sitting had it."""


async def give_allowance(
    connection: AsyncConnection,
    candidate: PersonId,
    blueprint: BlueprintId,
    allowance: Allowance,
    by: PersonId,
    reason: str,
    at: Moment,
) -> None:
    """Decide what a candidate is given at an exam, instead of what was decided before; NO_ALLOWANCE takes it back.

    Sittings that are there already follow in `Allowances`. Raises Invalid with the fields that are wrong.
    """
    reason = read_reason(reason)
    check_allowance(allowance)
    # Whoever enters, and whoever draws a form for this candidate just now, is waited for, and has the old one.
    await line_up(connection, candidate)
    await execute(
        connection,
        "SELECT 1 FROM exam_server.booking WHERE candidate = :candidate ORDER BY id FOR UPDATE",
        candidate=candidate,
    )
    await execute(
        connection,
        """INSERT INTO exam_server.allowance
               (candidate, blueprint_id, percent, extra, breaks, reason, decided_by, decided_at)
           VALUES (:candidate, :blueprint, :percent, :extra, :breaks, :reason, :by, :at)
           ON CONFLICT (candidate, blueprint_id) DO UPDATE
           SET percent = :percent, extra = :extra, breaks = :breaks, reason = :reason, decided_by = :by,
               decided_at = :at, applied_at = NULL""",
        candidate=candidate,
        blueprint=blueprint,
        percent=allowance.percent,
        extra=allowance.extra,
        breaks=allowance.breaks,
        reason=reason,
        by=by,
        at=at,
    )
    await journal.record(
        connection,
        f"person:{by}",
        "planning.allowance_given",
        f"person:{candidate}",
        {
            "exam": blueprint,
            "percent": str(allowance.percent),
            "minutes": str(allowance.extra // MINUTE),
            "breaks": str(allowance.breaks),
        },
        at,
    )


def check_allowance(allowance: Allowance) -> None:
    """Raise Invalid (`bad_allowance`) with the fields that are out of bounds."""
    fields = {}
    if not 100 <= allowance.percent <= interventions.MOST_PERCENT:
        fields["percent"] = f"От 100 до {interventions.MOST_PERCENT}."
    if not 0 <= allowance.extra <= interventions.MOST_EXTRA:
        fields["extra"] = f"От 0 до {interventions.MOST_EXTRA // MINUTE}."
    if not 0 <= allowance.breaks <= interventions.MOST_BREAKS:
        fields["breaks"] = f"От 0 до {interventions.MOST_BREAKS}."
    if fields:
        raise Invalid("bad_allowance", "Такие условия задать нельзя. Исправьте отмеченное.", fields=fields)


async def load_allowances(
    connection: AsyncConnection, blueprint: BlueprintId, candidates: Iterable[PersonId]
) -> dict[PersonId, Allowance]:
    """The allowances of those candidates who have one at this exam."""
    rows = await fetch_all(
        connection,
        """SELECT candidate, percent, extra, breaks FROM exam_server.allowance
           WHERE blueprint_id = :blueprint AND candidate = ANY(CAST(:candidates AS bigint[]))""",
        blueprint=blueprint,
        candidates=list(candidates),
    )
    return {PersonId(row["candidate"]): _allowance(row) for row in rows}


async def list_allowances(connection: AsyncConnection, limit: int = 500) -> list[Given]:
    """Those that give anything, the latest decision first."""
    rows = await fetch_all(
        connection,
        f"""{_GIVEN} WHERE percent > 100 OR extra > 0 OR breaks > 0
            ORDER BY decided_at DESC, candidate, blueprint_id LIMIT :limit""",
        limit=limit,
    )
    return [_given(row) for row in rows]


class Progress(Struct, frozen=True):
    """How far decisions have come. `waiting`: decisions that some sitting still has to follow.

    `reach`: sittings not over whose candidates are given something; `left`: those of them that do not have it yet.
    """

    waiting: int
    reach: int
    left: int


async def load_progress(connection: AsyncConnection) -> Progress:
    row = await fetch_one(
        connection,
        """SELECT (SELECT count(*) FROM exam_server.allowance WHERE applied_at IS NULL) AS waiting,
                  count(*) AS reach, count(*) FILTER (WHERE a.applied_at IS NULL) AS "left"
           FROM exam_server.allowance a
           JOIN exam_server.sitting s ON s.candidate = a.candidate AND s.blueprint_id = a.blueprint_id
           WHERE s.next_deadline IS NOT NULL
             AND (a.applied_at IS NULL OR a.percent > 100 OR a.extra > 0 OR a.breaks > 0)""",
    )
    assert row is not None
    return Progress(**row)


class Allowances(Consequences):
    """Brings allowances that were decided late to the sittings that are there already."""

    turn: ClassVar[str] = "allowances"

    async def _carry_out(self) -> None:
        async with self._database.transaction() as connection:
            rows = await fetch_all(connection, f"{_GIVEN} WHERE applied_at IS NULL ORDER BY decided_at")
        for given in map(_given, rows):
            if await self._apply(given):
                async with self._database.transaction() as connection:
                    await execute(
                        connection,
                        """UPDATE exam_server.allowance SET applied_at = :now
                           WHERE candidate = :candidate AND blueprint_id = :blueprint AND decided_at = :decided""",
                        now=self._clock.now(),
                        candidate=given.candidate,
                        blueprint=given.blueprint,
                        decided=given.decided_at,
                    )

    async def _apply(self, given: Given) -> bool:
        async with self._database.transaction() as connection:
            rows = await fetch_all(
                connection,
                """SELECT s.id, w.closes_at FROM exam_server.sitting s
                   JOIN exam_server.booking b ON b.id = s.booking_id
                   JOIN exam_server."window" w ON w.id = b.window_id
                   WHERE s.candidate = :candidate AND s.blueprint_id = :blueprint
                     AND s.next_deadline IS NOT NULL AND b.cancelled_at IS NULL AND w.cancelled_at IS NULL""",
                candidate=given.candidate,
                blueprint=given.blueprint,
            )
        closes = {SittingId(row["id"]): Moment(row["closes_at"]) for row in rows}
        if not closes:
            return True
        notes = await self._write_notes(list(closes), given.decided_by, "allowance", given.reason)

        async def follow(sitting: SittingId) -> None:
            state = (await self._conduct.hold(sitting)).state
            if state.allowance != given.allowance:
                await self._conduct.order(sitting, SetAllowance(given.allowance, given.decided_by, notes[sitting]))
                state = (await self._conduct.hold(sitting)).state
            due = close_of(state, closes[sitting], self._clock.now())
            if state.closes_at != due and state.status != "ended":
                await self._conduct.order(sitting, MoveClose(due, given.decided_by, notes[sitting]))

        return not await self._each(list(closes), follow)


_GIVEN = """SELECT candidate, blueprint_id, percent, extra, breaks, reason, decided_by, decided_at, applied_at
    FROM exam_server.allowance"""


def _allowance(row: RowMapping) -> Allowance:
    return Allowance(row["percent"], row["extra"], row["breaks"])


def _given(row: RowMapping) -> Given:
    return Given(
        PersonId(row["candidate"]),
        BlueprintId(row["blueprint_id"]),
        _allowance(row),
        row["reason"],
        PersonId(row["decided_by"]),
        row["decided_at"],
        row["applied_at"],
    )
