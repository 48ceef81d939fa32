"""Windows a candidate may choose from, and taking, moving or giving back a place in one."""

from collections.abc import Iterable
from datetime import date

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.access.roles import Principal
from core.database import fetch_one
from core.errors import Conflict
from core.ids import BlueprintId, BookingId, PersonId, SittingId, WindowId
from core.moments import Moment
from exam_server import scheduling
from exam_server.eligibility import SENTENCES, Circumstances, Hindrance, PastAttempt, find_hindrance
from exam_server.scheduling import Booking, Window, list_admissions, list_windows, past_attempts, today_in
from question_bank.blueprint_store import load_blueprint
from question_bank.blueprints import Blueprint

MOST_WINDOWS = 1_000

BlueprintRef = tuple[BlueprintId, int]


class Standing(Struct, frozen=True):
    """What speaks for and against a candidate at one exam. `missing` is None where nobody decided yet."""

    missing: tuple[str, ...] | None
    attempts: tuple[PastAttempt, ...]


class Offer(Struct, frozen=True):
    """A window as one candidate sees it."""

    window: Window
    blueprint: Blueprint
    hindrance: Hindrance | None
    """Why this candidate can't book it, free places aside."""
    booked: bool
    """The candidate has a place in it and has not entered yet."""
    used: bool
    """The candidate has entered already: a window is for one attempt."""
    moves: bool
    """Booking it gives back the place the candidate has in another window of the same exam."""
    retake_on: date | None = None
    """The first day of a new attempt, where there is a wait."""

    @property
    def free(self) -> int:
        """Places left."""
        return max(0, self.window.capacity - self.window.taken)

    @property
    def bookable(self) -> bool:
        """Whether the candidate can take a place in it now."""
        return self.hindrance is None and not self.booked and not self.used and self.free > 0


class Offers(Struct, frozen=True):
    """`exams`: what there is to filter by; `hidden`: how many windows are of specialities of no concern."""

    offers: tuple[Offer, ...]
    exams: tuple[Blueprint, ...]
    hidden: int
    admitted: bool


def ref_of(window: Window) -> BlueprintRef:
    return window.blueprint, window.blueprint_version


async def load_blueprints(connection: AsyncConnection, windows: Iterable[Window]) -> dict[BlueprintRef, Blueprint]:
    """The blueprints these windows were planned over, by id and version."""
    refs = sorted({ref_of(window) for window in windows})
    return {ref: await load_blueprint(connection, *ref) for ref in refs}


async def load_standings(
    connection: AsyncConnection, candidate: PersonId, blueprints: Iterable[Blueprint]
) -> dict[BlueprintId, Standing]:
    """How the candidate stands at each of these exams."""
    admissions = await list_admissions(connection, candidate)
    specialities = {blueprint.id: blueprint.speciality for blueprint in blueprints}
    return {
        exam: Standing(admissions.get(speciality), tuple(await past_attempts(connection, candidate, exam)))
        for exam, speciality in sorted(specialities.items())
    }


def hindrance_at(
    window: Window, blueprint: Blueprint, standing: Standing, attempts_allowed: int, now: Moment, zone: str
) -> Hindrance | None:
    """What stands in the way at the window: now if it is open, else when it opens.

    A wait that is over by then is none; `too_early` says that nothing but time is missing.
    """
    circumstances = Circumstances(
        missing=standing.missing,
        cancelled=window.cancelled_at is not None,
        opens_at=window.opens_at,
        closes_at=window.closes_at,
        attempts=standing.attempts,
        attempts_allowed=attempts_allowed,
        practice=blueprint.practice,
    )
    return find_hindrance(circumstances, now, today_in(max(now, window.opens_at), zone))


def obstacle(
    window: Window, blueprint: Blueprint, standing: Standing, attempts_allowed: int, now: Moment, zone: str
) -> Hindrance | None:
    """Why a place may not be taken: as hindrance_at, but a window may be booked before it opens.

    One that is open for days may be booked where the wait for a new attempt ends while it is open.
    """
    hindrance = hindrance_at(window, blueprint, standing, attempts_allowed, now, zone)
    if hindrance == "waiting":
        last_day = today_in(window.closes_at - 1, zone)
        if all(attempt.retake_on is None or attempt.retake_on <= last_day for attempt in standing.attempts):
            return None
    return None if hindrance == "too_early" else hindrance


async def list_offers(
    connection: AsyncConnection,
    candidate: Principal,
    now: Moment,
    attempts_allowed: int,
    exam: str | None = None,
    everything: bool = False,
) -> Offers:
    """Windows open or to come, the earliest first.

    Those of specialities the candidate has no admission in are left out unless `everything` is wanted; `exam`
    is the id of one blueprint to see alone.
    """
    planned = await list_windows(connection, now, MOST_WINDOWS)
    windows = [window for window in planned if window.cancelled_at is None]
    blueprints = await load_blueprints(connection, windows)
    standings = await load_standings(connection, candidate.id, blueprints.values())
    mine = await scheduling.list_bookings(connection, candidate.id)
    movable = {booking.window.blueprint: booking for booking in mine if is_movable(booking, now)}
    held = {booking.window.id: booking for booking in mine}
    shown: list[Offer] = []
    hidden = 0
    for window in windows:
        blueprint = blueprints[ref_of(window)]
        standing = standings[window.blueprint]
        booking = held.get(window.id)
        if booking is None and standing.missing is None and not blueprint.practice and not everything:
            hidden += 1
            continue
        moved = movable.get(window.blueprint)
        shown.append(
            Offer(
                window,
                blueprint,
                obstacle(window, blueprint, standing, attempts_allowed, now, candidate.zone),
                booked=booking is not None and booking.sitting is None,
                used=booking is not None and booking.sitting is not None,
                moves=moved is not None and moved.window.id != window.id,
                retake_on=max((a.retake_on for a in standing.attempts if a.retake_on is not None), default=None),
            )
        )
    exams = {offer.blueprint.id: offer.blueprint for offer in shown}
    return Offers(
        tuple(offer for offer in shown if exam is None or offer.blueprint.id == exam),
        tuple(sorted(exams.values(), key=lambda blueprint: (blueprint.practice, blueprint.title))),
        hidden,
        any(standing.missing is not None for standing in standings.values()),
    )


def is_movable(booking: Booking, now: Moment) -> bool:
    """Whether the place can still be given back for another: not entered, and its window has not opened."""
    return booking.sitting is None and booking.window.cancelled_at is None and now < booking.window.opens_at


async def book_window(
    connection: AsyncConnection, window_id: WindowId, candidate: Principal, now: Moment, attempts_allowed: int
) -> BookingId:
    """Take a place; a place in a later window of the same exam is given back for it. Asking again changes nothing.

    One exam has one place at a time. Raises NotFound, Conflict: `window_full`, `window_over`, the Hindrance that
    stands in the way, or `already_booked` while another window of the exam is open.
    """
    await scheduling.line_up(connection, candidate.id)
    window = await scheduling.load_window(connection, window_id)
    mine = await scheduling.list_bookings(connection, candidate.id)
    held = next((booking for booking in mine if booking.window.id == window_id), None)
    if held is not None:
        return held.id
    blueprint = await load_blueprint(connection, *ref_of(window))
    standing = (await load_standings(connection, candidate.id, [blueprint]))[blueprint.id]
    hindrance = obstacle(window, blueprint, standing, attempts_allowed, now, candidate.zone)
    if hindrance is not None and hindrance not in ("window_cancelled", "too_late"):
        raise Conflict(hindrance, SENTENCES[hindrance])
    others = [booking for booking in mine if booking.window.blueprint == window.blueprint and booking.sitting is None]
    if any(_is_open(booking.window, now) for booking in others):
        raise Conflict(
            "already_booked",
            "Вы уже записаны на это тестирование, и войти можно прямо сейчас. Откройте его с главной страницы.",
        )
    made = await scheduling.book(connection, window_id, candidate.id, now)
    for booking in others:
        if is_movable(booking, now):
            await give_back(connection, booking.id, candidate, now)
    await journal.record(
        connection, f"person:{candidate.id}", "booking.made", f"booking:{made}", {"window": window_id}, now
    )
    return made


async def give_back(connection: AsyncConnection, booking: BookingId, candidate: Principal, now: Moment) -> None:
    """Cancel the candidate's own booking. Raises NotFound, Conflict (`booking_entered`, `window_opened`)."""
    await scheduling.cancel_booking(connection, booking, candidate.id, now)
    await journal.record(connection, f"person:{candidate.id}", "booking.cancelled", f"booking:{booking}", {}, now)


def _is_open(window: Window, now: Moment) -> bool:
    return window.cancelled_at is None and window.opens_at <= now < window.closes_at


async def find_running(connection: AsyncConnection, candidate: PersonId) -> SittingId | None:
    """The sitting, or run of practice, that the candidate has come into and that is not over."""
    row = await fetch_one(
        connection,
        """SELECT id FROM exam_server.sitting
           WHERE candidate = :candidate AND entered_at IS NOT NULL AND next_deadline IS NOT NULL
           ORDER BY id DESC LIMIT 1""",
        candidate=candidate,
    )
    return None if row is None else SittingId(row["id"])
