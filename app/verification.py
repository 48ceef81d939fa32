"""Checks every digest chain, and that each result equals the fold of its log."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import Database
from core.errors import NotFound
from core.ids import SittingId
from exam_server import store
from exam_server.chain import BrokenChain
from exam_server.conclusion import gather_responses, load_outcome
from question_bank.blueprint_store import load_blueprint
from question_bank.store import load_items
from scoring.decision import decide
from scoring.results import mark_form
from scoring.store import load_result


@dataclass
class Report:
    """How many sittings were looked at and what was wrong."""

    sittings: int = 0
    events: int = 0
    results: int = 0
    faults: list[str] = field(default_factory=list)

    def as_json(self) -> str:
        found = {"sittings": self.sittings, "events": self.events, "results": self.results, "faults": len(self.faults)}
        return json.dumps(found)


async def verify(url: str, chosen: Sequence[SittingId] | None) -> Report:
    """Verify the chosen sittings, or all of them."""
    report = Report()
    database = Database(url)
    try:
        async with database.transaction() as connection:
            numbers = await store.all_sittings(connection) if chosen is None else chosen
        for sitting_id in numbers:
            async with database.transaction() as connection:
                await _verify_one(connection, sitting_id, report)
    finally:
        await database.close()
    return report


async def _verify_one(connection: AsyncConnection, sitting_id: SittingId, report: Report) -> None:
    report.sittings += 1
    try:
        report.events += len(await store.load_events(connection, sitting_id))
        sitting = await store.load_sitting(connection, sitting_id)
    except (BrokenChain, ValueError, NotFound) as error:
        report.faults.append(str(error))
        return
    outcome = await load_outcome(connection, sitting_id)
    if outcome is None or outcome.state == "absent":
        return
    recorded = await load_result(connection, sitting_id)
    blueprint = await load_blueprint(connection, sitting.form.blueprint, sitting.form.blueprint_version)
    items = await load_items(connection, [(entry.item, entry.version) for entry in sitting.form.entries])
    marks = mark_form(sitting.form, items, gather_responses(sitting))
    report.results += 1
    if decide(marks, blueprint.cut) != recorded.decision or marks != recorded.marks:
        report.faults.append(f"sitting {sitting_id}: the result does not follow from the log")
    if outcome.passed != recorded.decision.passed:
        report.faults.append(f"sitting {sitting_id}: the outcome differs from the result")
