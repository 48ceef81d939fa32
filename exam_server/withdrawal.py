"""An item that is withdrawn in the middle of a window: from then on nobody is given it.

New forms are drawn without it; whoever has not begun gets another form; from who has begun and not seen it, it is taken
out. Who has seen it keeps it, and somebody decides later whether it counts.
"""

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.clock import Clock
from core.database import Database, execute, fetch_all, fetch_one
from core.errors import Conflict
from core.ids import ItemId, PersonId, SittingId
from core.moments import Moment
from core.randomness import fresh_seed
from exam_server import store
from exam_server.closing import read_reason
from exam_server.commands import ReplaceForm, Withdraw
from exam_server.conduct import Conduct
from exam_server.consequences import CHUNK, Consequences
from exam_server.sitting import Sitting
from question_bank.assembly import assemble
from question_bank.blueprint_store import load_blueprint
from question_bank.forms import Form
from question_bank.pool_store import PreparedPools, save_snapshot
from question_bank.store import withdraw_item

Fate: TypeAlias = Literal["replaced", "removed", "kept"]
"""replaced: the sitting has another form; removed: taken out unseen; kept: it had been shown, or all was over."""


class Withdrawal(Struct, frozen=True):
    """Who withdrew an item and why, and how far it has come: sittings by their fate, and those still to be seen to.

    `over`: sittings that had the item and were over before it was withdrawn.
    """

    item: ItemId
    reason: str
    decided_by: PersonId
    decided_at: Moment
    applied_at: Moment | None
    replaced: int
    removed: int
    kept: int
    left: int
    over: int

    @property
    def going(self) -> bool:
        """Whether there is anything left to do."""
        return self.applied_at is None or self.left > 0


class Reach(Struct, frozen=True):
    """Sittings that have an item: with a form drawn whose candidate has not come in, entered and not over, over."""

    drawn: int
    entered: int
    over: int


async def foresee(connection: AsyncConnection, item: ItemId) -> Reach:
    """Whom a withdrawal would concern now."""
    row = await fetch_one(
        connection,
        """SELECT count(*) FILTER (WHERE s.next_deadline IS NOT NULL AND s.entered_at IS NULL) AS drawn,
                  count(*) FILTER (WHERE s.next_deadline IS NOT NULL AND s.entered_at IS NOT NULL) AS entered,
                  count(*) FILTER (WHERE s.next_deadline IS NULL AND s.entered_at IS NOT NULL) AS over
           FROM exam_server.form f JOIN exam_server.sitting s ON s.id = f.sitting_id
           WHERE f.items @> ARRAY[CAST(:item AS text)]""",
        item=item,
    )
    assert row is not None
    return Reach(row["drawn"], row["entered"], row["over"])


async def withdraw(connection: AsyncConnection, item: ItemId, by: PersonId, reason: str, at: Moment) -> None:
    """Withdraw an item from the bank; once is enough. The sittings that have it follow in `Withdrawals`.

    When this is committed no form is drawn with it any more, and none is being drawn. Raises NotFound, Invalid.
    """
    reason = read_reason(reason)
    await withdraw_item(connection, item)
    fresh = await execute(
        connection,
        """INSERT INTO exam_server.withdrawal (item_id, reason, decided_by, decided_at)
           VALUES (:item, :reason, :by, :at) ON CONFLICT DO NOTHING""",
        item=item,
        reason=reason,
        by=by,
        at=at,
    )
    if fresh:
        await journal.record(connection, f"person:{by}", "bank.item_withdrawn", f"item:{item}", {"reason": reason}, at)


async def load_withdrawal(connection: AsyncConnection, item: ItemId) -> Withdrawal | None:
    row = await fetch_one(connection, f"{_WITHDRAWAL} WHERE d.item_id = :item", item=item)
    return None if row is None else Withdrawal(**row)


async def list_withdrawals(connection: AsyncConnection, limit: int = 200) -> list[Withdrawal]:
    """The latest first."""
    rows = await fetch_all(connection, f"{_WITHDRAWAL} ORDER BY d.decided_at DESC, d.item_id LIMIT :limit", limit=limit)
    return [Withdrawal(**row) for row in rows]


async def list_kept(connection: AsyncConnection, item: ItemId, limit: int = 500) -> list[SittingId]:
    """Sittings in which the item was shown before: whether it counts there is for somebody to decide."""
    rows = await fetch_all(
        connection,
        """SELECT sitting_id FROM exam_server.withdrawal_case WHERE item_id = :item AND fate = 'kept'
           ORDER BY sitting_id LIMIT :limit""",
        item=item,
        limit=limit,
    )
    return [SittingId(row["sitting_id"]) for row in rows]


class Withdrawals(Consequences):
    """Takes withdrawn items out of the sittings that have them, whoever holds those."""

    turn: ClassVar[str] = "withdrawals"

    def __init__(self, database: Database, clock: Clock, conduct: Conduct, pools: PreparedPools) -> None:
        super().__init__(database, clock, conduct)
        self._pools = pools

    async def _carry_out(self) -> None:
        # One item after the other: a form drawn for the first may have the second, and is found when its turn comes.
        async with self._database.transaction() as connection:
            rows = await fetch_all(
                connection,
                """SELECT item_id FROM exam_server.withdrawal WHERE applied_at IS NULL
                   ORDER BY decided_at, item_id""",
            )
        for row in rows:
            if await self._apply(ItemId(row["item_id"])):
                async with self._database.transaction() as connection:
                    await execute(
                        connection,
                        "UPDATE exam_server.withdrawal SET applied_at = :at WHERE item_id = :item",
                        at=self._clock.now(),
                        item=row["item_id"],
                    )

    async def _apply(self, item: ItemId) -> bool:
        """Whether all sittings have been seen to. Those that are being taken come first."""
        failed: set[SittingId] = set()
        while True:
            async with self._database.transaction() as connection:
                rows = await fetch_all(
                    connection,
                    f"""SELECT s.id {_AFFECTED} AND s.id <> ALL(CAST(:failed AS bigint[]))
                        ORDER BY s.entered_at IS NULL, s.id LIMIT :limit""",
                    item=item,
                    failed=sorted(failed),
                    limit=CHUNK,
                )
            sittings = [SittingId(row["id"]) for row in rows]
            if not sittings:
                return not failed
            failed |= set(sittings) - await self._take_out(item, sittings)

    async def _take_out(self, item: ItemId, sittings: Sequence[SittingId]) -> set[SittingId]:
        """Take an item out of these sittings; those where it worked."""
        held = await self._hold(sittings)
        forms = await self._draw_again([one for one in held if one.status == "ready" and _has(one, item)])
        states: dict[SittingId, Sitting] = {}

        async def take_out(sitting_id: SittingId) -> None:
            if sitting_id in forms:
                await self._conduct.order(sitting_id, ReplaceForm(forms[sitting_id]))
            await self._conduct.order(sitting_id, Withdraw(item))
            states[sitting_id] = (await self._conduct.hold(sitting_id)).state

        await self._each(sittings, take_out)
        async with self._database.transaction() as connection:
            await store.record_forms(connection, {sitting.id: sitting.form for sitting in states.values()})
            await execute(
                connection,
                """INSERT INTO exam_server.withdrawal_case (item_id, sitting_id, fate, decided_at)
                   SELECT :item, sitting, fate, :at
                   FROM unnest(CAST(:sittings AS bigint[]), CAST(:fates AS text[])) AS t(sitting, fate)
                   ON CONFLICT DO NOTHING""",
                item=item,
                sittings=list(states),
                fates=[fate_of(sitting, item) for sitting in states.values()],
                at=self._clock.now(),
            )
        return set(states)

    async def _draw_again(self, sittings: Sequence[Sitting]) -> dict[SittingId, Form]:
        """Another form for each from what the bank has now. Where that is not enough, the place is to stay empty."""
        forms: dict[SittingId, Form] = {}
        exams = {(sitting.form.blueprint, sitting.form.blueprint_version) for sitting in sittings}
        for exam in sorted(exams):
            async with self._database.transaction() as connection:
                blueprint = await load_blueprint(connection, *exam)
                pool = await self._pools.pool(connection, blueprint)
                await save_snapshot(connection, pool, self._clock.now())
            for sitting in sittings:
                if (sitting.form.blueprint, sitting.form.blueprint_version) == exam:
                    try:
                        forms[sitting.id] = assemble(blueprint, pool, fresh_seed())
                    except Conflict:
                        break
                    await asyncio.sleep(0)  # a form takes a millisecond, and candidates at work come first
        return forms


def fate_of(sitting: Sitting, item: ItemId) -> Fate:
    """What became of an item in a sitting that has been seen to."""
    for entry, progress in zip(sitting.form.entries, sitting.items, strict=True):
        if entry.item == item:
            return "removed" if progress.withdrawn else "kept"
    return "replaced"


def _has(sitting: Sitting, item: ItemId) -> bool:
    return any(
        entry.item == item and not progress.withdrawn
        for entry, progress in zip(sitting.form.entries, sitting.items, strict=True)
    )


_AFFECTED = """FROM exam_server.form f JOIN exam_server.sitting s ON s.id = f.sitting_id
    WHERE f.items @> ARRAY[CAST(:item AS text)] AND s.next_deadline IS NOT NULL
      AND NOT EXISTS (SELECT FROM exam_server.withdrawal_case c WHERE c.item_id = :item AND c.sitting_id = s.id)"""
_WITHDRAWAL = """
    SELECT d.item_id AS item, d.reason, d.decided_by, d.decided_at, d.applied_at,
           f.replaced, f.removed, f.kept, n."left", n.over
    FROM exam_server.withdrawal d
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE c.fate = 'replaced') AS replaced,
               count(*) FILTER (WHERE c.fate = 'removed') AS removed,
               count(*) FILTER (WHERE c.fate = 'kept') AS kept
        FROM exam_server.withdrawal_case c WHERE c.item_id = d.item_id) f
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE s.next_deadline IS NOT NULL) AS "left",
               count(*) FILTER (WHERE s.next_deadline IS NULL AND s.entered_at IS NOT NULL) AS over
        FROM exam_server.form m JOIN exam_server.sitting s ON s.id = m.sitting_id
        WHERE m.items @> ARRAY[d.item_id]
          AND NOT EXISTS (SELECT FROM exam_server.withdrawal_case c
                          WHERE c.item_id = d.item_id AND c.sitting_id = s.id)) n
"""
