"""Checks every digest chain, that each result equals the fold of its log, and that each form was drawn as it says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from app.form_verification import FormCheck
from core.clock import Clock, SystemClock
from core.database import Database, execute
from core.errors import Unavailable
from core.ids import SittingId
from core.moments import MINUTE, Moment, Span
from exam_server import store
from exam_server.conclusion import load_outcome
from exam_server.events import AnyEvent, LateAdmitted
from exam_server.reckoning import counted_form, gather_responses, is_called_off
from exam_server.sitting import Sitting, fold
from question_bank.blueprint_store import load_blueprint
from question_bank.store import load_items
from scoring.decision import decide
from scoring.practice_store import load_practice
from scoring.results import Result, mark_form
from scoring.store import load_result

CONCLUDED_WITHIN: Span = MINUTE
"""An ended sitting has its outcome by then, and an admitted answer is counted; until then it may be worked on."""


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


async def verify(url: str, chosen: Sequence[SittingId] | None, clock: Clock | None = None) -> Report:
    """Verify the chosen sittings, or all of them. Raises Unavailable when the database is away.

    Whatever else goes wrong with a sitting is a fault of that sitting, and the others are still looked at.
    """
    report, forms = Report(), FormCheck()
    now = (clock or SystemClock()).now()
    database = Database(url)
    try:
        async with database.transaction() as connection:
            numbers = await store.all_sittings(connection) if chosen is None else chosen
        for sitting_id in numbers:
            report.sittings += 1
            try:
                async with database.transaction() as connection:
                    # Log and result of one moment: a late answer may be admitted right now.
                    await execute(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    report.faults += await _verify_one(connection, sitting_id, report, forms, now)
            except Unavailable:
                raise
            except Exception as error:  # what is damaged may fail in any way
                report.faults.append(f"sitting {sitting_id}: {error!r}")
    finally:
        await database.close()
    return report


async def _verify_one(
    connection: AsyncConnection, sitting_id: SittingId, report: Report, forms: FormCheck, now: Moment
) -> list[str]:
    events = await store.load_events(connection, sitting_id)
    report.events += len(events)
    sitting = fold(sitting_id, events)
    faults = await _verify_outcome(connection, sitting, events, report, now)
    return faults + await forms.faults(connection, sitting, events)


async def _verify_outcome(
    connection: AsyncConnection, sitting: Sitting, events: Sequence[AnyEvent], report: Report, now: Moment
) -> list[str]:
    sitting_id = sitting.id
    if (await store.load_card(connection, sitting_id)).practice:
        return await _verify_practice(connection, sitting, report, now)
    outcome = await load_outcome(connection, sitting_id)
    if outcome is None:
        late = sitting.ended_at is not None and now - sitting.ended_at > CONCLUDED_WITHIN
        return [f"sitting {sitting_id}: ended without an outcome"] if late else []
    if sitting.ended_at is None:
        return [f"sitting {sitting_id}: an outcome without an end"]
    if outcome.state == "absent":
        return [] if sitting.started_at is None else [f"sitting {sitting_id}: begun, but recorded as absent"]
    if outcome.state == "cancelled":
        return [] if is_called_off(sitting) else [f"sitting {sitting_id}: recorded as cancelled, and was not"]
    admitted_at = max((event.at for event in events if isinstance(event, LateAdmitted)), default=None)
    if (
        admitted_at is not None
        and now - admitted_at <= CONCLUDED_WITHIN
        and await store.stale(connection, [sitting_id])
    ):
        return []
    return await _verify_result(connection, sitting, outcome.passed, report)


async def _verify_practice(connection: AsyncConnection, sitting: Sitting, report: Report, now: Moment) -> list[str]:
    result = (await load_practice(connection, [sitting.id])).get(sitting.id)
    if result is not None:
        return await _compare(connection, sitting, result, report)
    late = sitting.ended_at is not None and now - sitting.ended_at > CONCLUDED_WITHIN
    missing = late and sitting.started_at is not None and not is_called_off(sitting)
    return [f"sitting {sitting.id}: practice ended without a result"] if missing else []


async def _verify_result(
    connection: AsyncConnection, sitting: Sitting, passed: bool | None, report: Report
) -> list[str]:
    recorded = await load_result(connection, sitting.id)
    faults = await _compare(connection, sitting, recorded, report)
    if passed != recorded.decision.passed:
        faults.append(f"sitting {sitting.id}: the outcome differs from the result")
    return faults


async def _compare(connection: AsyncConnection, sitting: Sitting, recorded: Result, report: Report) -> list[str]:
    blueprint = await load_blueprint(connection, sitting.form.blueprint, sitting.form.blueprint_version)
    form = counted_form(sitting)
    items = await load_items(connection, [(entry.item, entry.version) for entry in form.entries])
    marks = mark_form(form, items, gather_responses(sitting))
    report.results += 1
    if decide(marks, blueprint.cut) != recorded.decision or marks != recorded.marks:
        return [f"sitting {sitting.id}: the result does not follow from the log"]
    return []
