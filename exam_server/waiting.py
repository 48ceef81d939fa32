"""The way in of a booking whose candidate has not come in: when it opens, and what stands in the way by then."""

from typing import Literal, TypeAlias

from msgspec import Struct

from core.access.roles import Principal
from core.clock import Clock
from core.database import Database, fetch_one
from core.errors import Conflict
from core.ids import BookingId, PersonId, SittingId
from core.moments import Moment
from exam_server.scheduling import find_reason_to_wait, load_booking, past_attempts
from exam_server.store import unknown_sitting
from question_bank.blueprint_store import load_blueprint

State: TypeAlias = Literal["waiting", "open", "hindered", "entered"]


class Wait(Struct, frozen=True):
    """What a candidate may know of a booking before coming in, which is nothing of a form. Moments in ms."""

    booking: BookingId
    state: State
    title: str
    speciality: str
    place: str
    opens_at: Moment
    closes_at: Moment
    now: Moment
    practice: bool
    sitting: SittingId | None = None
    """There once the candidate has come in."""
    hindrance: Conflict | None = None
    """Why it is shut to this candidate even when it is open."""


class Waiting:
    """Tells candidates when they can come in. It makes nothing and changes nothing."""

    def __init__(self, database: Database, clock: Clock, attempts: int) -> None:
        self._database = database
        self._clock = clock
        self._attempts = attempts

    async def view(self, booking_id: BookingId, candidate: Principal) -> Wait:
        """Raises NotFound for a booking that is not this candidate's, or was given back."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            booking = await load_booking(connection, booking_id, candidate.id)
            window = booking.window
            blueprint = await load_blueprint(connection, window.blueprint, window.blueprint_version)
            hindrance = None
            if booking.sitting is None:
                attempts = await past_attempts(connection, candidate.id, blueprint.id)
                # A wait between two attempts may be over by the time it opens.
                by_then = max(now, window.opens_at)
                hindrance = await find_reason_to_wait(
                    connection, booking, blueprint, attempts, by_then, self._attempts, candidate.zone
                )
        return Wait(
            booking_id,
            state_of(booking.sitting, hindrance, window.opens_at, now),
            blueprint.title,
            blueprint.speciality_title,
            window.place,
            window.opens_at,
            window.closes_at,
            now,
            blueprint.practice,
            booking.sitting,
            hindrance,
        )

    async def find_booking(self, sitting: SittingId, candidate: PersonId) -> BookingId:
        """The booking of a sitting that is prepared for this candidate, who has not come in.

        Raises NotFound for every other sitting.
        """
        async with self._database.transaction() as connection:
            row = await fetch_one(
                connection,
                """SELECT b.id FROM exam_server.sitting s JOIN exam_server.booking b ON b.id = s.booking_id
                   WHERE s.id = :sitting AND s.candidate = :candidate AND s.entered_at IS NULL
                     AND b.cancelled_at IS NULL""",
                sitting=sitting,
                candidate=candidate,
            )
        if row is None:
            raise unknown_sitting()
        return BookingId(row["id"])


def state_of(sitting: SittingId | None, hindrance: Conflict | None, opens_at: Moment, now: Moment) -> State:
    """Where the candidate stands before the door."""
    if sitting is not None:
        return "entered"
    if hindrance is not None:
        return "hindered"
    return "waiting" if now < opens_at else "open"
