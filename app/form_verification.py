"""Checks of what a sitting was given: every form is what its seed draws, and what was decided about it has happened."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import fetch_all, fetch_one
from core.ids import ItemId
from exam_server.events import AnyEvent, Created, FormReplaced
from exam_server.sitting import Sitting
from exam_server.withdrawal import fate_of
from question_bank.assembly import ALGORITHM, prove
from question_bank.blueprint_store import load_blueprint
from question_bank.forms import Form
from question_bank.pool import Pool
from question_bank.pool_store import load_snapshot

MOST_POOLS = 8


class FormCheck:
    """Remembers the pools that forms were drawn from: many forms have one."""

    def __init__(self) -> None:
        self._pools: dict[str, Pool] = {}

    async def faults(self, connection: AsyncConnection, sitting: Sitting, events: Sequence[AnyEvent]) -> list[str]:
        """What is wrong with the forms of a sitting. Raises NotFound, Conflict where a pool can't be had."""
        found = []
        for event in events:
            if isinstance(event, Created | FormReplaced) and not await self._proved(connection, event.form):
                found.append("a form is not what its seed draws")
        return [f"sitting {sitting.id}: {fault}" for fault in found + await _undone(connection, sitting)]

    async def _proved(self, connection: AsyncConnection, form: Form) -> bool:
        if form.algorithm != ALGORITHM:
            return True  # only the release that drew it can draw it again
        pool = self._pools.get(form.snapshot)
        if pool is None:
            if len(self._pools) >= MOST_POOLS:
                self._pools.clear()
            pool = self._pools[form.snapshot] = await load_snapshot(connection, form.snapshot)
        return prove(form, await load_blueprint(connection, form.blueprint, form.blueprint_version), pool)


async def _undone(connection: AsyncConnection, sitting: Sitting) -> list[str]:
    """What was decided and carried out, and the log does not have."""
    found = []
    cases = await fetch_all(
        connection,
        "SELECT item_id, fate FROM exam_server.withdrawal_case WHERE sitting_id = :id ORDER BY item_id",
        id=sitting.id,
    )
    found += [
        f"item {case['item_id']} was withdrawn, and is not {case['fate']}"
        for case in cases
        if fate_of(sitting, ItemId(case["item_id"])) != case["fate"]
    ]
    row = await fetch_one(connection, _DECIDED, id=sitting.id)
    if row is None:
        return [*found, "it is not found from its items"]
    if not row["replacing"]:
        entries = sitting.form.entries
        if (row["items"], row["versions"]) != ([e.item for e in entries], [e.version for e in entries]):
            found.append("it is found from other items than it has")
    if row["called_off"] and sitting.status != "ended":
        found.append("its window was cancelled, and it goes on")
    return found


_DECIDED = """
    SELECT f.items, f.versions,
           EXISTS (SELECT FROM exam_server.withdrawal WHERE applied_at IS NULL) AS replacing,
           EXISTS (SELECT FROM exam_server.booking b JOIN exam_server.window_change c ON c.window_id = b.window_id
                   WHERE b.id = s.booking_id AND c.kind = 'cancelled' AND c.applied_at IS NOT NULL) AS called_off
    FROM exam_server.sitting s JOIN exam_server.form f ON f.sitting_id = s.id WHERE s.id = :id
"""
