"""Windows, places in them, and the sitting that a place turns into."""

import asyncio
from collections.abc import Awaitable
from datetime import date

import pytest

from core.access.roles import Principal
from core.database import Database, fetch_one
from core.errors import AccreditationError, Conflict, Invalid, NotFound
from core.ids import BookingId, PersonId, SittingId, WindowId
from core.moments import DAY, HOUR, MINUTE, to_datetime
from exam_server import scheduling
from exam_server.eligibility import SENTENCES, PastAttempt
from exam_server.scheduling import today_in
from exam_server.store import load_events, load_sitting
from proctoring.review import Ruling
from tests.stores.cabinet.centre import EXAM, NURSING, PRACTICE, Centre
from tests.stores.exam_server.conftest import warm


async def code_of(work: Awaitable[object]) -> str:
    """The code that something is refused with."""
    with pytest.raises(AccreditationError) as refusal:
        await work
    assert refusal.value.message
    return refusal.value.code


# --- windows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lasts", "capacity"), [(0, 5), (-HOUR, 5), (HOUR, 0), (HOUR, -1)])
async def test_a_window_that_makes_no_sense_is_refused(centre: Centre, lasts: int, capacity: int) -> None:
    with pytest.raises(Invalid):
        await centre.window(lasts=lasts, capacity=capacity)


async def test_windows_are_listed_until_they_close_the_earliest_first(centre: Centre, database: Database) -> None:
    later = await centre.window(opens_in=DAY)
    now = await centre.window(lasts=HOUR)
    async with database.transaction() as connection:
        listed = await scheduling.list_windows(connection, centre.clock.now())
        first = await scheduling.list_windows(connection, centre.clock.now(), limit=1)
        after = await scheduling.list_windows(connection, centre.clock.now() + HOUR)
        window = await scheduling.load_window(connection, now)
    assert [window.id for window in listed] == [now, later]
    assert first == listed[:1]
    assert [window.id for window in after] == [later]
    assert window == listed[0]
    assert (window.blueprint, window.taken, window.capacity, window.cancelled_at) == (EXAM.id, 0, 10, None)


async def test_an_unknown_window(centre: Centre, candidate: Principal, database: Database) -> None:
    async with database.transaction() as connection:
        with pytest.raises(NotFound):
            await scheduling.load_window(connection, WindowId(404))
    with pytest.raises(NotFound):
        await centre.book(candidate, WindowId(404))


# --- places ---------------------------------------------------------------------------------------------------


async def test_asking_again_gives_the_same_place(centre: Centre, candidate: Principal, database: Database) -> None:
    window = await centre.window(capacity=1)
    assert await centre.book(candidate, window) == await centre.book(candidate, window)
    async with database.transaction() as connection:
        assert (await scheduling.load_window(connection, window)).taken == 1


async def test_the_last_place_goes_to_one_of_those_who_come_together(centre: Centre, database: Database) -> None:
    window = await centre.window(capacity=2)
    people = [await centre.person(f"k{number}") for number in range(4)]
    await warm(database, len(people))
    fates = await asyncio.gather(*(centre.book(one, window) for one in people), return_exceptions=True)
    refused = [fate for fate in fates if isinstance(fate, Conflict)]
    assert [fate.code for fate in refused] == ["window_full", "window_full"]
    async with database.transaction() as connection:
        assert (await scheduling.load_window(connection, window)).taken == 2


async def test_a_window_that_is_over_or_cancelled_takes_nobody(centre: Centre, candidate: Principal) -> None:
    window = await centre.window(lasts=HOUR)
    cancelled = await centre.window()
    await centre.cancel_window(cancelled)
    assert await code_of(centre.book(candidate, cancelled)) == "window_over"
    centre.clock.advance(HOUR)
    assert await code_of(centre.book(candidate, window)) == "window_over"


class Desk:
    """Cancels places as the cabinet does."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre

    async def cancel(self, booking: BookingId, candidate: Principal) -> None:
        async with self.centre.database.transaction() as connection:
            await scheduling.cancel_booking(connection, booking, candidate.id, self.centre.clock.now())

    async def bookings(self, candidate: Principal) -> list[BookingId]:
        async with self.centre.database.transaction() as connection:
            return [booking.id for booking in await scheduling.list_bookings(connection, candidate.id)]


async def test_a_place_given_back_is_free_again(centre: Centre, candidate: Principal) -> None:
    window = await centre.window(opens_in=DAY, capacity=1)
    booking = await centre.book(candidate, window)
    other = await centre.person("other")
    assert await code_of(centre.book(other, window)) == "window_full"
    await Desk(centre).cancel(booking, candidate)
    assert await Desk(centre).bookings(candidate) == []
    await centre.book(other, window)
    assert await code_of(centre.enter(candidate, booking)) == "unknown_booking"


async def test_a_place_is_taken_and_given_back_only_so_often(centre: Centre, candidate: Principal) -> None:
    window = await centre.window(opens_in=DAY)
    for _ in range(scheduling.MOST_BOOKINGS - 1):
        await Desk(centre).cancel(await centre.book(candidate, window), candidate)
    last = await centre.book(candidate, window)
    assert await centre.book(candidate, window) == last, "who has a place keeps it"
    await Desk(centre).cancel(last, candidate)
    assert await code_of(centre.book(candidate, window)) == "too_many_bookings"
    other = await centre.person("other")
    assert await centre.book(other, window) > last
    assert await centre.book(candidate, await centre.window(opens_in=2 * DAY)) > last


async def test_a_place_can_not_be_given_back_when_it_is_too_late(centre: Centre, candidate: Principal) -> None:
    desk = Desk(centre)
    booking = await centre.book(candidate, await centre.window())
    assert await code_of(desk.cancel(booking, candidate)) == "window_opened"
    await centre.enter(candidate, booking)
    assert await code_of(desk.cancel(booking, candidate)) == "booking_entered"
    cancelled = await centre.window()
    booking = await centre.book(candidate, cancelled)
    await centre.cancel_window(cancelled)
    await desk.cancel(booking, candidate)


async def test_nobody_cancels_or_enters_for_somebody_else(centre: Centre, candidate: Principal) -> None:
    booking = await centre.book(candidate, await centre.window(opens_in=DAY))
    other = await centre.person("other")
    await centre.admit(other)
    assert await code_of(Desk(centre).cancel(booking, other)) == "unknown_booking"
    assert await code_of(centre.enter(other, booking)) == "unknown_booking"
    assert await code_of(centre.enter(candidate, BookingId(404))) == "unknown_booking"
    assert await Desk(centre).bookings(candidate) == [booking]


async def test_admission_is_decided_anew(centre: Centre, database: Database) -> None:
    somebody = await centre.person("somebody")
    async with database.transaction() as connection:
        assert await scheduling.list_admissions(connection, somebody.id) == {}
    await centre.admit(somebody, "диплом", "заявление")
    await centre.admit(somebody, "диплом")
    async with database.transaction() as connection:
        assert await scheduling.list_admissions(connection, somebody.id) == {NURSING: ("диплом",)}


# --- from a place to a sitting -----------------------------------------------------------------------------------


async def test_the_sitting_is_made_once(centre: Centre, candidate: Principal, database: Database) -> None:
    window = await centre.window(lasts=3 * HOUR)
    booking = await centre.book(candidate, window)
    closes_at = centre.clock.now() + 3 * HOUR
    await warm(database, 3)
    fates = await asyncio.gather(*(centre.enter(candidate, booking) for _ in range(3)))
    assert len(set(fates)) == 1
    assert await centre.enter(candidate, booking) == fates[0]
    async with database.transaction() as connection:
        sitting = await load_sitting(connection, fates[0])
        events = await load_events(connection, fates[0])
        row = await fetch_one(connection, "SELECT next_deadline, attempt FROM exam_server.sitting")
    assert (sitting.status, sitting.candidate, len(sitting.items)) == ("ready", candidate.id, EXAM.length)
    assert (sitting.closes_at, sitting.rules) == (closes_at, EXAM.rules)
    assert len(events) == 1
    assert len({entry.item for entry in sitting.form.entries}) == EXAM.length
    assert row is not None
    assert (row["next_deadline"], row["attempt"]) == (to_datetime(closes_at), 1)


async def test_two_bookings_entered_at_once_give_one_attempt(centre: Centre, candidate: Principal) -> None:
    bookings = [await centre.book(candidate, await centre.window()) for _ in range(2)]
    await warm(centre.database, 2)
    fates = await asyncio.gather(*(centre.enter(candidate, one) for one in bookings), return_exceptions=True)
    refused = [fate for fate in fates if isinstance(fate, Conflict)]
    assert [fate.code for fate in refused] == ["in_progress"]


async def test_whoever_is_not_admitted_does_not_enter(centre: Centre) -> None:
    somebody = await centre.person("somebody")
    booking = await centre.book(somebody, await centre.window())
    assert await code_of(centre.enter(somebody, booking)) == "not_admitted"
    await centre.admit(somebody, "диплом")
    with pytest.raises(Conflict) as refusal:
        await centre.enter(somebody, booking)
    assert refusal.value.code == "documents_missing"
    assert refusal.value.message == SENTENCES["documents_missing"]
    await centre.admit(somebody)
    await centre.enter(somebody, booking)


async def test_the_window_decides_when(centre: Centre, candidate: Principal) -> None:
    early = await centre.book(candidate, await centre.window(opens_in=HOUR, lasts=HOUR))
    gone = await centre.window()
    cancelled = await centre.book(candidate, gone)
    await centre.cancel_window(gone)
    assert await code_of(centre.enter(candidate, cancelled)) == "window_cancelled"
    assert await code_of(centre.enter(candidate, early)) == "too_early"
    centre.clock.advance(HOUR - 1)
    assert await code_of(centre.enter(candidate, early)) == "too_early"
    centre.clock.advance(1)
    await centre.enter(candidate, early)
    late = await centre.book(candidate, await centre.window(opens_in=0, lasts=HOUR))
    centre.clock.advance(HOUR)
    assert await code_of(centre.enter(candidate, late)) == "in_progress"
    other = await centre.person("other")
    await centre.admit(other)
    window = await centre.window(lasts=MINUTE)
    booking = await centre.book(other, window)
    centre.clock.advance(MINUTE)
    assert await code_of(centre.enter(other, booking)) == "too_late"


async def take(centre: Centre, candidate: Principal, right: int) -> SittingId:
    return await centre.take(candidate, await centre.book(candidate, await centre.window()), right)


async def test_a_failed_attempt_is_followed_by_a_wait(centre: Centre, candidate: Principal) -> None:
    await take(centre, candidate, 3)
    booking = await centre.book(candidate, await centre.window(lasts=40 * DAY))
    assert await code_of(centre.enter(candidate, booking)) == "waiting"
    centre.clock.advance(29 * DAY)
    assert await code_of(centre.enter(candidate, booking)) == "waiting"
    centre.clock.advance(DAY)
    await centre.enter(candidate, booking)


async def test_attempts_are_used_up(centre: Centre, candidate: Principal, database: Database) -> None:
    for _ in range(centre.settings.attempts):
        await take(centre, candidate, 3)
        centre.clock.advance(31 * DAY)
    booking = await centre.book(candidate, await centre.window())
    assert await code_of(centre.enter(candidate, booking)) == "attempts_used"
    async with database.transaction() as connection:
        attempts = await scheduling.past_attempts(connection, candidate.id, EXAM.id)
    assert [attempt.passed for attempt in attempts] == [False, False, False]


async def test_whoever_has_passed_need_not_come_again(centre: Centre, candidate: Principal) -> None:
    await take(centre, candidate, 20)
    booking = await centre.book(candidate, await centre.window())
    assert await code_of(centre.enter(candidate, booking)) == "passed"


async def test_an_absence_does_not_count_and_an_annulled_attempt_does(
    centre: Centre, candidate: Principal, database: Database
) -> None:
    absent = await centre.enter(candidate, await centre.book(candidate, await centre.window(lasts=HOUR)))
    async with database.transaction() as connection:
        assert await scheduling.past_attempts(connection, candidate.id, EXAM.id) == [PastAttempt(None, None)]
    centre.clock.advance(2 * HOUR)
    await centre.settle(absent)
    await centre.conclude(absent)
    async with database.transaction() as connection:
        assert await scheduling.past_attempts(connection, candidate.id, EXAM.id) == []
    flagged = await centre.take(candidate, await centre.book(candidate, await centre.window()), 20, flagged=True)
    await centre.judge(flagged, Ruling.ANNUL)
    await centre.sign(flagged)
    async with database.transaction() as connection:
        (attempt,) = await scheduling.past_attempts(connection, candidate.id, EXAM.id)
    assert attempt.passed is False
    booking = await centre.book(candidate, await centre.window(lasts=40 * DAY))
    assert await code_of(centre.enter(candidate, booking)) == "waiting"
    centre.clock.advance(31 * DAY)
    await centre.enter(candidate, booking)


async def test_practice_asks_for_nothing(centre: Centre) -> None:
    somebody = await centre.person("somebody")
    for _ in range(centre.settings.attempts + 1):
        await centre.take(somebody, await centre.book(somebody, await centre.window(PRACTICE)), 0)


@pytest.mark.parametrize(
    ("zone", "day"),
    [("UTC", 22), ("Asia/Kamchatka", 23), ("America/Los_Angeles", 22), ("Europe/Moscow", 23), ("Etc/GMT+12", 22)],
)
def test_the_day_depends_on_where_one_is(zone: str, day: int) -> None:
    late_evening_in_utc = 1_795_338_000_000 + 14 * HOUR
    assert today_in(late_evening_in_utc, zone) == date(2026, 11, day)


async def test_a_booking_is_read_as_it_stands(centre: Centre, candidate: Principal, database: Database) -> None:
    window = await centre.window()
    booking = await centre.book(candidate, window)
    sitting = await centre.enter(candidate, booking)
    async with database.transaction() as connection:
        (found,) = await scheduling.list_bookings(connection, candidate.id)
        assert await scheduling.list_bookings(connection, PersonId(404)) == []
    assert (found.id, found.window.id, found.sitting, found.ended) == (booking, window, sitting, False)
    assert found.window.taken == 1
