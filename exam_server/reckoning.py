"""What the log of an ended sitting comes to: which items and responses count, and the result that follows."""

from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from core.access.people import person
from core.ids import ChoiceId, ItemId, PersonId
from core.moments import Moment
from exam_server.sitting import Sitting
from question_bank.blueprint_store import load_blueprint
from question_bank.blueprints import Blueprint
from question_bank.forms import Form
from question_bank.requirement_store import list_requirements
from question_bank.store import load_items
from scoring.results import Result, work_out


def gather_responses(sitting: Sitting) -> dict[ItemId, dict[int, Sequence[ChoiceId]]]:
    """The responses that count, by item and stage; late ones only where the commission has admitted them."""
    return {
        entry.item: {stage: value for stage, value in enumerate(progress.answers) if value}
        for entry, progress in zip(sitting.form.entries, sitting.items, strict=True)
    }


def is_called_off(sitting: Sitting) -> bool:
    """Cancelled by staff; or begun, and all that would have counted was withdrawn, so there is nothing to decide by."""
    if sitting.end_reason == "window_cancelled":
        return True
    return sitting.started_at is not None and not any(entry.weight for entry in counted_form(sitting).entries)


def counted_form(sitting: Sitting) -> Form:
    """The form without what was withdrawn unseen: that counts neither for nor against anybody."""
    places = zip(sitting.form.entries, sitting.items, strict=True)
    return replace(sitting.form, entries=tuple(entry for entry, progress in places if not progress.withdrawn))


async def reckon(
    connection: AsyncConnection, sitting: Sitting, retake_days: int, now: Moment
) -> tuple[Result, Blueprint]:
    """The result of an ended sitting as its log stands."""
    assert sitting.ended_at is not None
    blueprint = await load_blueprint(connection, sitting.form.blueprint, sitting.form.blueprint_version)
    form = counted_form(sitting)
    refs = [(entry.item, entry.version) for entry in form.entries]
    titles = {r.code: r.title for r in await list_requirements(connection, blueprint.speciality)}
    result = work_out(
        sitting=sitting.id,
        person=sitting.candidate,
        form=form,
        blueprint=blueprint,
        items=await load_items(connection, refs),
        responses=gather_responses(sitting),
        titles=titles,
        ended=sitting.ended_at,
        zone=await zone_of(connection, sitting.candidate),
        retake_days=retake_days,
        decided_at=now,
    )
    return result, blueprint


async def zone_of(connection: AsyncConnection, candidate: PersonId) -> str:
    who = await person(connection, candidate)
    return who.zone if who is not None else "UTC"
