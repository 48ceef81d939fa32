"""What became of a sitting, as its candidate may see it: never an item, a key, or which responses were wrong."""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Literal, TypeAlias

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import NotFound
from core.ids import PersonId, SittingId
from core.moments import Moment, Span
from exam_server import timing
from exam_server.closing import load_cancel_reasons
from exam_server.conclusion import Outcome, load_outcome
from exam_server.protocols import SignedProtocol, load_sitting_protocol
from exam_server.scheduling import past_attempts
from exam_server.sitting import Sitting
from exam_server.store import NO_SITTING, SittingCard, load_card, load_sitting
from proctoring.store import review_of
from question_bank.blueprint_store import load_blueprint
from question_bank.blueprints import Blueprint
from question_bank.requirement_store import list_requirements
from scoring.decision import ItemMark, WeakArea, attempts_left
from scoring.practice_store import load_practice
from scoring.results import Result
from scoring.store import load_results

Fate: TypeAlias = Literal[
    "running", "computing", "absent", "cancelled", "review", "preliminary", "passed", "failed", "annulled"
]
"""How far a sitting has come, in the order in which it happens; the last three are final."""

LEAST_ITEMS = 3
"""An area of fewer items is not shown by itself: its points would tell which response was wrong."""


class Area(Struct, frozen=True):
    """Points of one requirement area; an empty title stands for the small areas taken together."""

    title: str
    earned: Fraction
    maximum: int
    weak: bool
    """Below the cut."""

    @property
    def share(self) -> Fraction:
        return self.earned / self.maximum


class View(Struct, frozen=True):
    """All that a result page says."""

    card: SittingCard
    blueprint: Blueprint
    fate: Fate
    sitting: Sitting
    outcome: Outcome | None
    result: Result | None
    areas: tuple[Area, ...]
    """The weakest first."""
    attempts_left: int
    protocol: SignedProtocol | None
    cancel_reason: str = ""
    """What staff wrote where they cancelled it; they may have cancelled nothing."""

    @property
    def withdrawn(self) -> int:
        """How many items were taken out before the candidate saw them."""
        return sum(item.withdrawn for item in self.sitting.items)

    @property
    def late(self) -> int:
        """How many answers came after their deadline and are not counted, unless the commission admits them."""
        return sum(not one.admitted for one in self.sitting.late)

    @property
    def time_used(self) -> Span | None:
        """From the start to the end; None for a sitting that did not have both."""
        if self.sitting.started_at is None or self.sitting.ended_at is None:
            return None
        return self.sitting.ended_at - self.sitting.started_at

    @property
    def advice_ranked(self) -> bool:
        """Whether the page may say which of the advised areas is the weakest."""
        return self.result is not None and may_rank(self.result.marks, self.result.advice)


def fate_of(sitting_over: bool, outcome: Outcome | None, review_open: bool) -> Fate:
    """The one word for a sitting: `sitting_over` that nothing can be answered any more."""
    if outcome is None:
        return "computing" if sitting_over else "running"
    match outcome.state:
        case "absent":
            return "absent"
        case "cancelled":
            return "cancelled"
        case "annulled":
            return "annulled"
        case "preliminary":
            return "review" if review_open else "preliminary"
        case "confirmed":
            return "passed" if outcome.passed else "failed"


def fate_of_practice(sitting: Sitting, result: Result | None, now: Moment) -> Fate:
    """The same for a practice run, which has no outcome."""
    if result is not None:
        return "passed" if result.decision.passed else "failed"
    if not is_over(sitting, now):
        return "running"
    if sitting.end_reason == "window_cancelled":
        return "cancelled"
    return "absent" if sitting.started_at is None else "computing"


def is_over(sitting: Sitting, now: Moment) -> bool:
    """Whether the exam has ended, or its time is up and only the bookkeeping is left."""
    return sitting.status == "ended" or now > timing.exam_deadline(sitting) + timing.BROKEN_GRACE


def group_areas(
    marks: Sequence[ItemMark], titles: Mapping[str, str], cut: int, least: int = LEAST_ITEMS
) -> tuple[Area, ...]:
    """Points by requirement, the weakest first; unscored items do not count.

    Areas of fewer than `least` items are taken together, with the next smallest one if need be, so that no
    line stands for fewer items than that unless the whole exam does.
    """
    by_requirement: dict[str, list[ItemMark]] = {}
    for mark in marks:
        if mark.weight:
            by_requirement.setdefault(mark.requirement, []).append(mark)
    small: list[ItemMark] = []
    areas: list[Area] = []
    together: list[str] = []
    for code, own in sorted(by_requirement.items(), key=lambda area: (len(area[1]), area[0])):
        if len(own) < least or 0 < len(small) < least:
            small += own
            together.append(titles.get(code, code))
        else:
            areas.append(_area(titles.get(code, code), own, cut))
    if small:
        areas.append(_area(together[0] if len(together) == 1 else "", small, cut))
    return tuple(sorted(areas, key=lambda area: (area.share, -area.maximum, area.title)))


def may_rank(marks: Sequence[ItemMark], advised: Sequence[WeakArea], least: int = LEAST_ITEMS) -> bool:
    """Whether each of these areas had so many scored items that being weaker than another means something."""
    items = Counter(mark.requirement for mark in marks if mark.weight)
    return all(items[area.requirement] >= least for area in advised)


async def load_view(
    connection: AsyncConnection, sitting_id: SittingId, candidate: PersonId, now: Moment, attempts_allowed: int
) -> View:
    """The result of the candidate's own sitting. Raises NotFound for anybody else's, as for none at all."""
    card = await load_card(connection, sitting_id)
    if card.candidate != candidate or card.entered_at is None:
        raise NotFound(NO_SITTING.code, NO_SITTING.message)
    blueprint = await load_blueprint(connection, card.blueprint, card.blueprint_version)
    sitting = await load_sitting(connection, sitting_id)
    outcome = await load_outcome(connection, sitting_id)
    load = load_practice if card.practice else load_results
    result = (await load(connection, [sitting_id])).get(sitting_id)
    if card.practice:
        fate = fate_of_practice(sitting, result, now)
    else:
        fate = fate_of(is_over(sitting, now), outcome, await is_under_review(connection, outcome))
    titles = {entry.code: entry.title for entry in await list_requirements(connection, blueprint.speciality)}
    used = len(await past_attempts(connection, candidate, blueprint.id))
    reasons = await load_cancel_reasons(connection, [] if card.window is None else [card.window])
    return View(
        card,
        blueprint,
        fate,
        sitting,
        outcome,
        result,
        () if result is None else group_areas(result.marks, titles, result.decision.cut),
        attempts_left(attempts_allowed, used),
        await load_sitting_protocol(connection, sitting_id),
        reasons.get(card.window, "") if card.window is not None else "",
    )


async def is_under_review(connection: AsyncConnection, outcome: Outcome | None) -> bool:
    """Whether a preliminary outcome waits for a person who looks at the recording."""
    if outcome is None or outcome.state != "preliminary" or not outcome.flagged:
        return False
    return (await review_of(connection, outcome.sitting)).holds_outcome


def _area(title: str, marks: Sequence[ItemMark], cut: int) -> Area:
    earned = sum((mark.weight * mark.score for mark in marks), Fraction(0))
    maximum = sum(mark.weight for mark in marks)
    return Area(title, earned, maximum, 100 * earned < cut * maximum)
