"""The cabinet's home: of all a candidate's bookings the one that is next, and how far along the path it is."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from cabinet import outcomes
from cabinet.bookings import Standing, hindrance_at, load_blueprints, load_standings, ref_of
from cabinet.outcomes import Fate
from core.access.roles import Principal
from core.ids import BlueprintId, BookingId
from core.moments import Moment, Span
from exam_server import timing
from exam_server.allowances import load_allowances
from exam_server.closing import load_cancel_reasons
from exam_server.conclusion import Outcome, load_outcomes
from exam_server.eligibility import Hindrance
from exam_server.events import NO_ALLOWANCE, Allowance
from exam_server.scheduling import Booking, Window, list_admissions, list_bookings, today_in
from exam_server.sitting import Sitting
from exam_server.store import load_sitting
from question_bank.blueprints import Blueprint
from scoring.decision import attempts_left
from scoring.practice_store import load_practice
from scoring.results import Result
from scoring.store import load_results

Stage: TypeAlias = Literal["cancelled", "hindered", "waiting", "open", "missed"] | Fate
"""Where a booking stands: before the sitting one of the first five, from then on the sitting's fate."""

StepState: TypeAlias = Literal["done", "current", "next"]

STEPS = ("admission", "booking", "exam", "decision", "register")

# What a person can or must do about it now comes first, then what only time or others can do.
_URGENCY: dict[Stage, int] = {
    "running": 0,
    "open": 1,
    "computing": 2,
    "hindered": 3,
    "waiting": 3,
    "cancelled": 3,
    "review": 4,
    "preliminary": 4,
    "failed": 5,
    "passed": 5,
    "annulled": 5,
    "absent": 5,
    "missed": 5,
}
_AHEAD = 3
"""Up to this urgency there is something ahead; beyond it all that could happen has happened."""

_REACHED: dict[Stage, int] = {
    "cancelled": 1,
    "hindered": 2,
    "waiting": 2,
    "open": 2,
    "missed": 1,
    "running": 2,
    "absent": 1,
    "computing": 3,
    "review": 3,
    "preliminary": 3,
    "passed": 4,
    "failed": 1,
    "annulled": 1,
}
"""The step that a stage stands at. A new attempt begins with choosing a date again."""


class Progress(Struct, frozen=True):
    """One booking and how far it has come."""

    booking: Booking
    blueprint: Blueprint
    stage: Stage
    standing: Standing
    attempts_left: int
    days_left: int
    """Calendar days where the candidate lives until the window opens; 0 on the day itself and after."""
    hindrance: Hindrance | None = None
    deadline: Moment | None = None
    """When a running sitting must be finished, or begun where it has not been."""
    begun: bool = False
    outcome: Outcome | None = None
    result: Result | None = None
    cancel_reason: str = ""
    """What staff wrote where they cancelled the window."""
    replaced: bool = False
    """A later booking of the same exam stands in its place."""
    available: Span = 0
    """How long the exam will be for who enters now."""

    @property
    def curtailed(self) -> bool:
        """Whether the window closes before the exam's own time is over."""
        return self.stage == "open" and self.available < self.blueprint.exam_limit

    @property
    def window(self) -> Window:
        return self.booking.window

    @property
    def day(self) -> Moment:
        """When the exam was: of a sitting its own beginning, before that the window's."""
        return self.window.opens_at if self.booking.entered_at is None else self.booking.entered_at

    @property
    def missing(self) -> tuple[str, ...]:
        """The documents that admission waits for."""
        return self.standing.missing or ()

    @property
    def retake_on(self) -> date | None:
        """The first day of a new attempt; None where there is no wait."""
        return max((a.retake_on for a in self.standing.attempts if a.retake_on is not None), default=None)

    @property
    def passed(self) -> bool:
        """Whether this exam is passed, in this sitting or in another."""
        return any(attempt.passed for attempt in self.standing.attempts)


class Home(Struct, frozen=True):
    """What the cabinet opens with."""

    next: Progress | None
    ahead: tuple[Progress, ...]
    """Other bookings that something is still to happen with."""
    earlier: tuple[Progress, ...]
    """What has been, the latest first."""
    practice: tuple[Progress, ...]
    admissions: dict[str, tuple[str, ...]]
    """What is missing for admission, by speciality."""

    @property
    def admitted(self) -> bool:
        """Whether the candidate may take some exam."""
        return any(not missing for missing in self.admissions.values())

    @property
    def missing(self) -> tuple[str, ...]:
        """Documents that any admission waits for."""
        return tuple(dict.fromkeys(document for missing in self.admissions.values() for document in missing))


def stage_before(window: Window, hindrance: Hindrance | None, now: Moment) -> Stage:
    """Where a booking stands whose sitting has not been made."""
    if window.cancelled_at is not None:
        return "cancelled"
    if now >= window.closes_at:
        return "missed"
    match hindrance:
        case None:
            return "open"
        case "too_early":
            return "waiting"
        case _:
            return "hindered"


def is_ahead(progress: Progress) -> bool:
    """Whether something is still to be done or to happen before the sitting is over."""
    if progress.stage == "cancelled":
        return not (progress.replaced or progress.passed)
    return _URGENCY[progress.stage] <= _AHEAD and not (progress.stage == "hindered" and progress.hindrance == "passed")


def choose_next(bookings: Iterable[Progress]) -> Progress | None:
    """The one thing that the home page is about. Ahead the soonest counts, behind the latest."""

    def urgency(progress: Progress) -> tuple[bool, int, int, int]:
        ahead, opens_at = is_ahead(progress), progress.window.opens_at
        return not ahead, _URGENCY[progress.stage], opens_at if ahead else -opens_at, -progress.booking.id

    return min(bookings, key=urgency, default=None)


def find_path(progress: Progress | None, admitted: bool) -> tuple[StepState, ...]:
    """The state of each of STEPS."""
    if progress is None:
        reached = 1 if admitted else 0
    elif progress.stage == "passed" and (progress.outcome is None or progress.outcome.register_number is not None):
        reached = len(STEPS)
    elif progress.hindrance in ("not_admitted", "documents_missing"):
        reached = 0
    else:
        reached = _REACHED[progress.stage]
    return tuple("done" if n < reached else "current" if n == reached else "next" for n in range(len(STEPS)))


def time_left(window: Window, blueprint: Blueprint, allowance: Allowance, now: Moment) -> Span:
    """How long the exam is for who begins now: all of it, or until the window closes."""
    gain = timing.gain(blueprint.rules, allowance)
    longest = blueprint.exam_limit + timing.gain(blueprint.rules, replace(allowance, breaks=0))
    return max(0, min(longest, window.closes_at + gain - now))


def days_between(now: Moment, then: Moment, zone: str) -> int:
    """Midnights of the zone from now until then; 0 where then is not later."""
    return max(0, (today_in(then, zone) - today_in(now, zone)).days)


async def load_home(connection: AsyncConnection, candidate: Principal, now: Moment, attempts_allowed: int) -> Home:
    """Everything the home page says, read in the caller's transaction."""
    bookings = await list_bookings(connection, candidate.id)
    admissions = await list_admissions(connection, candidate.id)
    progress = await _load_progress(connection, candidate, bookings, now, attempts_allowed)
    real = [one for one in progress if not one.blueprint.practice]
    first = choose_next(real)
    rest = [one for one in real if one is not first]
    return Home(
        first,
        tuple(sorted((one for one in rest if is_ahead(one)), key=lambda one: one.window.opens_at)),
        tuple(one for one in rest if not is_ahead(one)),
        tuple(one for one in progress if one.blueprint.practice),
        admissions,
    )


async def _load_progress(
    connection: AsyncConnection, candidate: Principal, bookings: Sequence[Booking], now: Moment, attempts_allowed: int
) -> list[Progress]:
    blueprints = await load_blueprints(connection, [booking.window for booking in bookings])
    standings = await load_standings(connection, candidate.id, blueprints.values())
    sittings = [booking.sitting for booking in bookings if booking.sitting is not None]
    found = await load_outcomes(connection, sittings)
    results = {**await load_results(connection, sittings), **await load_practice(connection, sittings)}
    reasons = await load_cancel_reasons(
        connection, [booking.window.id for booking in bookings if booking.window.cancelled_at is not None]
    )
    newest: dict[BlueprintId, BookingId] = {}
    for booking in bookings:
        newest[booking.window.blueprint] = max(booking.id, newest.get(booking.window.blueprint, booking.id))
    made = []
    for booking in bookings:
        about: dict[str, Any] = {
            "cancel_reason": reasons.get(booking.window.id, ""),
            "replaced": booking.id != newest[booking.window.blueprint],
        }
        blueprint = blueprints[ref_of(booking.window)]
        standing = standings[BlueprintId(blueprint.id)]
        left = attempts_left(attempts_allowed, len(standing.attempts))
        days = days_between(now, booking.window.opens_at, candidate.zone)
        if booking.sitting is None:
            hindrance = hindrance_at(booking.window, blueprint, standing, attempts_allowed, now, candidate.zone)
            stage = stage_before(booking.window, hindrance, now)
            reason = hindrance if stage == "hindered" else None
            if stage == "open":
                given = (await load_allowances(connection, blueprint.id, [candidate.id])).get(candidate.id)
                about["available"] = time_left(booking.window, blueprint, given or NO_ALLOWANCE, now)
            made.append(Progress(booking, blueprint, stage, standing, left, days, reason, **about))
            continue
        outcome = found.get(booking.sitting)
        live = None if outcome is not None or booking.ended else await load_sitting(connection, booking.sitting)
        if blueprint.practice:
            state = live or await load_sitting(connection, booking.sitting)
            fate = outcomes.fate_of_practice(state, results.get(booking.sitting), now)
        else:
            over = live is None or outcomes.is_over(live, now)
            fate = outcomes.fate_of(over, outcome, await outcomes.is_under_review(connection, outcome))
        if live is not None and booking.window.cancelled_at is not None:
            fate = "cancelled"
        made.append(
            Progress(
                booking,
                blueprint,
                fate,
                standing,
                left,
                days,
                deadline=None if live is None else timing.exam_deadline(live),
                begun=_has_begun(live),
                outcome=outcome,
                result=results.get(booking.sitting),
                **about,
            )
        )
    return made


def _has_begun(sitting: Sitting | None) -> bool:
    return sitting is not None and sitting.started_at is not None
