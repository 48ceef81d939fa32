"""When a candidate with a booking can come in, and that nobody else learns of it."""

import pytest

from core.access.roles import Principal
from core.moments import DAY, HOUR, MINUTE
from exam_server.closing import cancel_window
from exam_server.scheduling import cancel_booking
from exam_server.waiting import Waiting
from tests.stores.cabinet.centre import EXAM, Centre
from tests.stores.exam_server.conftest import Engine
from tests.stores.exam_server.test_preparation import Office
from tests.stores.exam_server.test_scheduling import code_of


@pytest.fixture
def office(centre: Centre, engine: Engine) -> Office:
    return Office(centre, engine)


@pytest.fixture
def waiting(centre: Centre) -> Waiting:
    return Waiting(centre.database, centre.clock, 3)


async def test_it_opens_with_the_window_and_ends_with_coming_in(
    centre: Centre, candidate: Principal, office: Office, waiting: Waiting
) -> None:
    booking = await centre.book(candidate, await centre.window(opens_in=HOUR))
    early = await waiting.view(booking, candidate)
    assert (early.state, early.title, early.opens_at) == ("waiting", EXAM.title, centre.clock.now() + HOUR)
    await office.preparation.sweep()
    prepared = await office.prepared(candidate)
    assert await waiting.find_booking(prepared, candidate.id) == booking
    centre.clock.advance(HOUR - 1)
    assert (await waiting.view(booking, candidate)).state == "waiting"
    centre.clock.advance(1)
    assert (await waiting.view(booking, candidate)).state == "open"
    assert await centre.enter(candidate, booking) == prepared
    entered = await waiting.view(booking, candidate)
    assert (entered.state, entered.sitting, entered.hindrance) == ("entered", prepared, None)
    assert await code_of(waiting.find_booking(prepared, candidate.id)) == "unknown_sitting"


async def test_nobody_else_learns_of_it(centre: Centre, candidate: Principal, office: Office, waiting: Waiting) -> None:
    booking = await centre.book(candidate, await centre.window(opens_in=HOUR))
    await office.preparation.sweep()
    prepared = await office.prepared(candidate)
    stranger = await centre.person("stranger")
    assert await code_of(waiting.view(booking, stranger)) == "unknown_booking"
    assert await code_of(waiting.find_booking(prepared, stranger.id)) == "unknown_sitting"
    async with centre.database.transaction() as connection:
        await cancel_booking(connection, booking, candidate.id, centre.clock.now())
    assert await code_of(waiting.view(booking, candidate)) == "unknown_booking"
    assert await code_of(waiting.find_booking(prepared, candidate.id)) == "unknown_sitting"


async def test_what_stands_in_the_way_by_then_is_told_beforehand(
    centre: Centre, candidate: Principal, waiting: Waiting
) -> None:
    window = await centre.window(opens_in=2 * DAY)
    outsider = await centre.person("outsider")
    booking = await centre.book(outsider, window)
    found = await waiting.view(booking, outsider)
    assert found.hindrance is not None
    assert (found.state, found.hindrance.code) == ("hindered", "not_admitted")
    mine = await centre.book(candidate, window)
    assert (await waiting.view(mine, candidate)).state == "waiting"
    async with centre.database.transaction() as connection:
        await cancel_window(connection, window, outsider.id, "Нет света.", centre.clock.now())
    cancelled = await waiting.view(mine, candidate)
    assert cancelled.hindrance is not None
    assert (cancelled.state, cancelled.hindrance.code) == ("hindered", "window_cancelled")


async def test_a_window_that_is_over_is_not_waited_for(centre: Centre, candidate: Principal, waiting: Waiting) -> None:
    booking = await centre.book(candidate, await centre.window(opens_in=HOUR))
    window = (await waiting.view(booking, candidate)).closes_at
    centre.clock.advance(window - centre.clock.now() + MINUTE)
    found = await waiting.view(booking, candidate)
    assert found.hindrance is not None
    assert (found.state, found.hindrance.code) == ("hindered", "too_late")
