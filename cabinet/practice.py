"""Practice in the cabinet: what can be begun, past runs, and errors by requirement, the weakest first."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import NotFound
from core.ids import BlueprintId, ItemId, PersonId, SittingId
from core.moments import Moment
from exam_server.practice import NOT_SIGNED, Explanation, OpenRun, Signing, explain_run, find_open
from exam_server.store import NO_SITTING
from question_bank.blueprint_store import list_blueprints, load_blueprint
from question_bank.blueprints import Blueprint
from question_bank.requirement_store import list_requirements
from scoring.decision import ItemMark
from scoring.practice_store import list_practice, load_practice
from scoring.results import Result

IN_DETAIL = 10
"""Runs, the latest ones, whose errors are shown in full; the plots go back further."""

AreaKey = tuple[str, str]
"""A speciality and the code of one of its requirements."""


class Run(Struct, frozen=True):
    """A finished run."""

    result: Result
    blueprint: Blueprint

    @property
    def sitting(self) -> SittingId:
        return self.result.sitting

    @property
    def at(self) -> Moment:
        return self.result.decided_at

    @property
    def share(self) -> Fraction:
        return self.result.decision.raw / self.result.decision.maximum


class Point(Struct, frozen=True):
    """What share of an area was right in one run."""

    sitting: SittingId
    at: Moment
    share: Fraction


class Mistake(Struct, frozen=True):
    """An item that was not answered wholly right, as it was answered the last time it went wrong."""

    at: Moment
    times: int
    """In how many runs it went wrong."""
    mended: bool
    """The newest answer to it is right."""
    explanation: Explanation


class AreaHistory(Struct, frozen=True):
    """One requirement over all runs. `share`: of all its points that could be earned; `points`: oldest first."""

    code: str
    title: str
    speciality_title: str
    share: Fraction
    points: tuple[Point, ...]
    mistakes: tuple[Mistake, ...]


class Practice(Struct, frozen=True):
    """What the practice page shows."""

    exams: tuple[Blueprint, ...]
    unfinished: OpenRun | None
    runs: tuple[Run, ...]
    """The latest first."""
    areas: tuple[AreaHistory, ...]
    """The weakest first."""


class RunItem(Struct, frozen=True):
    """One item of a run: its mark, and its explanation where it was seen and the run explains anything."""

    position: int
    mark: ItemMark
    explanation: Explanation | None

    @property
    def right(self) -> bool:
        return self.mark.score == 1

    @property
    def partly(self) -> bool:
        return 0 < self.mark.score < 1


class RunView(Struct, frozen=True):
    run: Run
    items: tuple[RunItem, ...]
    titles: Mapping[str, str]
    """Of the requirements, by code."""


def share_of(marks: Iterable[ItemMark]) -> Fraction | None:
    """The share of the points earned; None where none could be."""
    earned, maximum = Fraction(0), 0
    for mark in marks:
        earned += mark.weight * mark.score
        maximum += mark.weight
    return earned / maximum if maximum else None


def gather_areas(
    runs: Sequence[Run],
    explained: Mapping[SittingId, Mapping[ItemId, Explanation]],
    titles: Mapping[AreaKey, str],
) -> tuple[AreaHistory, ...]:
    """Marks of all runs (the latest first) by requirement, the weakest first."""
    marks: dict[AreaKey, list[tuple[Run, ItemMark]]] = {}
    for run in runs:
        for mark in run.result.marks:
            if mark.weight:
                marks.setdefault((run.blueprint.speciality, mark.requirement), []).append((run, mark))
    areas = []
    for (speciality, code), own in marks.items():
        share = share_of(mark for _, mark in own)
        assert share is not None
        title = titles.get((speciality, code), code)
        points = _points(own)
        areas.append(
            AreaHistory(code, title, own[0][0].blueprint.speciality_title, share, points, _mistakes(own, explained))
        )
    return tuple(sorted(areas, key=lambda area: (area.share, -len(area.mistakes), area.code)))


async def load_practice_page(
    connection: AsyncConnection, candidate: PersonId, signing: Signing = NOT_SIGNED
) -> Practice:
    """Everything the practice page says, read in the caller's transaction."""
    exams = tuple(blueprint for blueprint in await list_blueprints(connection) if blueprint.practice)
    runs = await _load_runs(connection, await list_practice(connection, candidate))
    explained: dict[SittingId, Mapping[ItemId, Explanation]] = {}
    for run in runs[:IN_DETAIL]:
        found = await explain_run(connection, run.sitting, candidate, signing)
        explained[run.sitting] = {one.content.item: one for one in found}
    titles = {(one.speciality, one.code): one.title for one in await list_requirements(connection)}
    return Practice(exams, await find_open(connection, candidate), runs, gather_areas(runs, explained, titles))


async def load_run(
    connection: AsyncConnection, sitting: SittingId, candidate: PersonId, signing: Signing = NOT_SIGNED
) -> RunView | None:
    """One finished run; None while it has no result. Raises NotFound for anybody else's, Forbidden for an exam."""
    explained = {one.position: one for one in await explain_run(connection, sitting, candidate, signing)}
    result = (await load_practice(connection, [sitting])).get(sitting)
    if result is None:
        return None
    if result.person != candidate:
        raise NotFound(NO_SITTING.code, NO_SITTING.message)
    (run,) = await _load_runs(connection, [result])
    titles = {one.code: one.title for one in await list_requirements(connection, run.blueprint.speciality)}
    items = tuple(RunItem(place, mark, explained.get(place)) for place, mark in enumerate(result.marks))
    return RunView(run, items, titles)


async def _load_runs(connection: AsyncConnection, results: Sequence[Result]) -> tuple[Run, ...]:
    refs = {(result.blueprint, result.blueprint_version) for result in results}
    blueprints: dict[tuple[BlueprintId, int], Blueprint] = {
        ref: await load_blueprint(connection, *ref) for ref in sorted(refs)
    }
    return tuple(Run(result, blueprints[result.blueprint, result.blueprint_version]) for result in results)


def _points(own: Sequence[tuple[Run, ItemMark]]) -> tuple[Point, ...]:
    """One for each run, the oldest first."""
    by_run: dict[SittingId, tuple[Run, list[ItemMark]]] = {}
    for run, mark in own:
        by_run.setdefault(run.sitting, (run, []))[1].append(mark)
    points = []
    for run, marks in reversed(by_run.values()):
        share = share_of(marks)
        assert share is not None
        points.append(Point(run.sitting, run.at, share))
    return tuple(points)


def _mistakes(
    own: Sequence[tuple[Run, ItemMark]], explained: Mapping[SittingId, Mapping[ItemId, Explanation]]
) -> tuple[Mistake, ...]:
    """Items that went wrong in the runs that are explained, those not mended yet first."""
    by_item: dict[ItemId, list[tuple[Run, ItemMark]]] = {}
    for run, mark in own:
        by_item.setdefault(mark.item, []).append((run, mark))
    found = []
    for item, answers in by_item.items():
        wrong = [run for run, mark in answers if mark.score < 1 and item in explained.get(run.sitting, {})]
        if wrong:
            mended = answers[0][1].score == 1
            found.append(Mistake(wrong[0].at, len(wrong), mended, explained[wrong[0].sitting][item]))
    return tuple(sorted(found, key=lambda one: (one.mended, -one.times, -one.at)))
