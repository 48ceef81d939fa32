"""Practice runs: begun at any moment without a booking, and what explains their items. Nothing here serves an exam."""

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import fetch_one
from core.errors import Conflict, Forbidden, NotFound, TooMany
from core.ids import BlueprintId, ChoiceId, PersonId, SittingId
from core.moments import DAY, Moment, Span
from exam_server.allowances import load_allowances
from exam_server.events import NO_ALLOWANCE
from exam_server.media import NO_KEY, Exhibit, address_all
from exam_server.preparation import create
from exam_server.scheduling import line_up
from exam_server.sitting import Sitting
from exam_server.store import Draft, create_sittings, load_card, load_sitting, unknown_sitting
from question_bank.assembly import assemble
from question_bank.blueprint_store import load_blueprint
from question_bank.candidate_copy import CandidateItem, order_choices
from question_bank.explanation_store import load_explanation, load_explanations
from question_bank.explanations import Explained, ExplainedStage
from question_bank.pool_store import PreparedPools, save_snapshot

OPEN_FOR: Span = DAY
"""How long after it was begun a run may be worked on, whatever its own limit."""
MOST_RUNS = 100
"""Runs that a candidate may begin within RUNS_WITHIN: each is kept for ever, and takes a moment to be made."""
RUNS_WITHIN: Span = DAY

SENTENCES = {
    "practice_open": "Сначала завершите начатую тренировку: сразу две не идут.",
    "too_many_runs": "За сутки вы начали слишком много тренировок. Продолжите завтра.",
    "unknown_practice": "Такой тренировки нет. Выберите другую из списка.",
}


class OpenRun(Struct, frozen=True):
    """The run that a candidate has not finished."""

    sitting: SittingId
    blueprint: BlueprintId
    title: str


class Explanation(Struct, frozen=True):
    """What a candidate is told about a locked item: the own answers by stage, the right ones, and why."""

    position: int
    content: CandidateItem
    """Choices in this candidate's order."""
    answers: tuple[tuple[ChoiceId, ...], ...]
    stages: tuple[ExplainedStage, ...]
    explanation: str
    sources: tuple[str, ...]
    requirement: str
    requirement_title: str
    media: tuple[Exhibit, ...] = ()
    """Where the pictures can be fetched."""


class Signing(Struct, frozen=True):
    """The key that addresses of pictures are signed with, and until when they are good."""

    key: bytes
    until: Moment


NOT_SIGNED = Signing(NO_KEY, 0)
"""Explanations without addresses of their pictures."""


async def find_open(connection: AsyncConnection, candidate: PersonId) -> OpenRun | None:
    """The candidate's unfinished run; there is one at a time."""
    row = await fetch_one(
        connection,
        """SELECT s.id, s.blueprint_id, b.content ->> 'title' AS title FROM exam_server.sitting s
           JOIN question_bank.blueprint b ON b.id = s.blueprint_id AND b.version = s.blueprint_version
           WHERE s.candidate = :candidate AND s.practice AND s.booking_id IS NULL AND s.next_deadline IS NOT NULL
           ORDER BY s.id DESC LIMIT 1""",
        candidate=candidate,
    )
    return None if row is None else OpenRun(SittingId(row["id"]), BlueprintId(row["blueprint_id"]), row["title"])


async def begin_run(
    connection: AsyncConnection,
    blueprint_id: BlueprintId,
    candidate: PersonId,
    *,
    pools: PreparedPools,
    seed: int,
    now: Moment,
) -> SittingId:
    """A new run, or the unfinished one of the same exam.

    Raises NotFound for an exam that is not practice, Conflict: `practice_open` while a run of another one is
    unfinished, `blueprint_unfillable` where the practice pool is too small; TooMany (`too_many_runs`).
    """
    await line_up(connection, candidate)
    unfinished = await find_open(connection, candidate)
    if unfinished is not None:
        if unfinished.blueprint == blueprint_id:
            return unfinished.sitting
        raise Conflict("practice_open", SENTENCES["practice_open"])
    blueprint = await load_blueprint(connection, blueprint_id)
    if not blueprint.practice:
        raise NotFound("unknown_practice", SENTENCES["unknown_practice"])
    before = await fetch_one(
        connection,
        """SELECT count(*) FILTER (WHERE blueprint_id = :blueprint) AS runs,
                  count(*) FILTER (WHERE created_at > :since) AS lately
           FROM exam_server.sitting WHERE candidate = :candidate AND practice""",
        candidate=candidate,
        blueprint=blueprint.id,
        since=now - RUNS_WITHIN,
    )
    assert before is not None
    if before["lately"] >= MOST_RUNS:
        raise TooMany("too_many_runs", SENTENCES["too_many_runs"])
    pool = await pools.pool(connection, blueprint)
    await save_snapshot(connection, pool, now)
    allowances = await load_allowances(connection, blueprint.id, [candidate])
    form = assemble(blueprint, pool, seed)
    created = create(candidate, blueprint, form, now, now + OPEN_FOR, allowances.get(candidate, NO_ALLOWANCE), now)
    (made,) = await create_sittings(connection, [Draft(None, before["runs"] + 1, created, now)])
    return made


async def explain(
    connection: AsyncConnection,
    sitting_id: SittingId,
    candidate: PersonId,
    position: int,
    signing: Signing = NOT_SIGNED,
) -> Explanation:
    """The explanation of one item of the candidate's own run, by what is durable.

    Raises NotFound for a sitting or an item that is not the candidate's, and for one of the exam's pool; Forbidden
    where nothing is explained; Conflict (`item_not_locked`, `item_not_seen`) before its time.
    """
    card = await load_card(connection, sitting_id)
    if card.candidate != candidate:
        raise unknown_sitting()
    if not card.practice:
        raise not_practice()
    sitting = await load_sitting(connection, sitting_id)
    check_explained(sitting, position)
    entry = sitting.form.entries[position]
    found = await load_explanation(connection, (entry.item, entry.version))
    return _explanation(sitting, position, found, signing)


async def explain_run(
    connection: AsyncConnection, sitting_id: SittingId, candidate: PersonId, signing: Signing = NOT_SIGNED
) -> list[Explanation]:
    """Everything of the candidate's own ended run that may be explained, in the order of the form.

    Raises NotFound for a sitting that is not the candidate's, Forbidden for an exam.
    """
    card = await load_card(connection, sitting_id)
    if card.candidate != candidate:
        raise unknown_sitting()
    sitting = await load_sitting(connection, sitting_id)
    if not card.practice or not sitting.rules.practice:
        raise not_practice()
    if sitting.status != "ended" or sitting.rules.explanations == "none":
        return []
    seen = [(place, entry) for place, entry in enumerate(sitting.form.entries) if sitting.items[place].visited]
    found = await load_explanations(connection, [(entry.item, entry.version) for _, entry in seen])
    return [
        _explanation(sitting, place, found[entry.item, entry.version], signing)
        for place, entry in seen
        if (entry.item, entry.version) in found
    ]


def _explanation(sitting: Sitting, position: int, found: Explained, signing: Signing) -> Explanation:
    entry = sitting.form.entries[position]
    return Explanation(
        position,
        order_choices(found.content, tuple(stage.choices for stage in entry.stages)),
        sitting.items[position].answers,
        found.stages,
        found.explanation,
        found.sources,
        found.requirement,
        found.requirement_title,
        address_all(signing.key, sitting.id, sitting.candidate, position, found.assets, signing.until),
    )


def check_explained(sitting: Sitting, position: int) -> None:
    """Raise unless this item may be explained to its candidate as the sitting stands."""
    if not sitting.rules.practice:
        raise not_practice()
    if sitting.rules.explanations == "none":
        raise Forbidden("explanations_off", "В этой тренировке пояснения не показывают: она идёт как экзамен.")
    if not 0 <= position < len(sitting.items):
        raise NotFound("unknown_item", "Такого задания нет в вашем наборе.")
    item = sitting.items[position]
    if not item.visited:
        raise Conflict("item_not_seen", "Это задание вам не показывали. Оно ещё может встретиться в тренировке.")
    if sitting.status != "ended" and not (sitting.rules.explanations == "item" and item.locked):
        when = "ответите на задание" if sitting.rules.explanations == "item" else "завершите тренировку"
        raise Conflict("item_not_locked", f"Пояснение откроется, когда вы {when}.")


def not_practice() -> Forbidden:
    """A new error each time: one that is raised keeps the frames it went through."""
    return Forbidden("not_practice", "Задания экзамена не поясняют. Пояснения есть только в тренировке.")
