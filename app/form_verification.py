"""Checks of what a sitting was given: every form is what its seed draws, and what was decided about it has happened."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import Database, fetch_all, fetch_one
from core.ids import ItemId, SittingId
from exam_server.events import AnyEvent, Created, FormReplaced
from exam_server.sitting import Sitting
from exam_server.store import load_events
from exam_server.withdrawal import fate_of
from question_bank import fixed_forms
from question_bank.assembly import ALGORITHM, prove
from question_bank.blueprint_store import load_blueprint
from question_bank.fixed_form_store import load_fixed
from question_bank.fixed_forms import prove_fixed
from question_bank.forms import Form
from question_bank.pool import Pool
from question_bank.pool_store import load_snapshot

MOST_POOLS = 8


Verdict = Literal["same", "different", "old"]
"""old: only the release that drew the form can draw it again."""


class Proof(Struct, frozen=True):
    """A form that was drawn again from its seed, and what came of it."""

    form: Form
    verdict: Verdict
    pool: int = 0
    """How many items it was drawn from."""


class FormCheck:
    """Remembers the pools that forms were drawn from: many forms have one."""

    def __init__(self) -> None:
        self._pools: dict[str, Pool] = {}

    async def faults(self, connection: AsyncConnection, sitting: Sitting, events: Sequence[AnyEvent]) -> list[str]:
        """What is wrong with the forms of a sitting. Raises NotFound, Conflict where a pool can't be had."""
        found = [
            "a form is not what its seed draws"
            for form in forms_of(events)
            if (await self.prove(connection, form)).verdict == "different"
        ]
        return [f"sitting {sitting.id}: {fault}" for fault in found + await _undone(connection, sitting)]

    async def prove(self, connection: AsyncConnection, form: Form) -> Proof:
        """Draw a form again. Raises NotFound, Conflict where what it was drawn from can't be had."""
        if form.algorithm == fixed_forms.ALGORITHM:
            fixed, items = await load_fixed(connection, form.snapshot)
            blueprint = await load_blueprint(connection, form.blueprint, form.blueprint_version)
            return Proof(form, "same" if prove_fixed(form, fixed, blueprint, items) else "different", len(items))
        if form.algorithm != ALGORITHM:
            return Proof(form, "old")
        pool = self._pools.get(form.snapshot)
        if pool is None:
            if len(self._pools) >= MOST_POOLS:
                self._pools.clear()
            pool = self._pools[form.snapshot] = await load_snapshot(connection, form.snapshot)
        blueprint = await load_blueprint(connection, form.blueprint, form.blueprint_version)
        return Proof(form, "same" if prove(form, blueprint, pool) else "different", len(pool))


def forms_of(events: Sequence[AnyEvent]) -> list[Form]:
    """The forms that a sitting was given, one after the other; the last one held."""
    return [event.form for event in events if isinstance(event, Created | FormReplaced)]


async def prove_forms(url: str, sitting: SittingId) -> list[Proof]:
    """Every form of a sitting drawn again. Raises NotFound, Conflict, Unavailable, chain.BrokenChain."""
    database, check = Database(url), FormCheck()
    try:
        async with database.transaction() as connection:
            events = await load_events(connection, sitting)
            return [await check.prove(connection, form) for form in forms_of(events)]
    finally:
        await database.close()


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
