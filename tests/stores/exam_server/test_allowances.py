"""Allowances decided before the exam, and what a late decision means for a sitting that is there already."""

import pytest

from core.access.roles import Principal
from core.database import Database
from core.moments import HOUR, MINUTE
from exam_server import timing
from exam_server.allowances import Allowances, give_allowance, list_allowances
from exam_server.commands import Admit, Attach, Start
from exam_server.events import NO_ALLOWANCE, Allowance, AllowanceSet, CloseMoved
from tests.stores.cabinet.centre import EXAM, Centre
from tests.stores.exam_server.conftest import Engine
from tests.stores.exam_server.test_preparation import Office
from tests.stores.exam_server.test_scheduling import code_of

HALF_MORE = Allowance(150, 0, 1)


class Desk:
    def __init__(self, centre: Centre, boss: Principal, candidate: Principal, engine: Engine) -> None:
        self.centre = centre
        self.boss = boss
        self.candidate = candidate
        self.allowances = Allowances(centre.database, centre.clock, engine.conduct)

    async def give(self, allowance: Allowance, reason: str = "Заключение № 7") -> None:
        async with self.centre.database.transaction() as connection:
            await give_allowance(
                connection,
                self.candidate.id,
                EXAM.id,
                allowance,
                self.boss.id,
                reason,
                self.centre.clock.now(),
            )
        await self.allowances.hasten(30)


@pytest.fixture
async def desk(centre: Centre, candidate: Principal, engine: Engine) -> Desk:
    return Desk(centre, await centre.person("boss"), candidate, engine)


@pytest.fixture
def office(centre: Centre, engine: Engine) -> Office:
    return Office(centre, engine)


async def test_decided_before_it_is_in_the_sitting_from_the_beginning(
    centre: Centre, candidate: Principal, office: Office, desk: Desk, database: Database
) -> None:
    await desk.give(HALF_MORE)
    sitting = await office.stored(
        await centre.enter(candidate, await centre.book(candidate, await centre.window(lasts=HOUR)))
    )
    assert sitting.allowance == HALF_MORE
    assert sitting.closes_at == centre.clock.now() + HOUR + 20 * MINUTE + 10 * MINUTE
    async with database.transaction() as connection:
        (given,) = await list_allowances(connection)
    assert (given.candidate, given.blueprint, given.allowance) == (candidate.id, EXAM.id, HALF_MORE)
    assert (given.reason, given.decided_by, given.applied_at) == (
        "Заключение № 7",
        desk.boss.id,
        centre.clock.now(),
    )


async def test_decided_later_it_comes_through_the_engine(
    centre: Centre, candidate: Principal, office: Office, engine: Engine, desk: Desk, database: Database
) -> None:
    window = await centre.window(lasts=HOUR)
    sitting = await centre.enter(candidate, await centre.book(candidate, window))
    opened = centre.clock.now()
    await engine.order(sitting, Admit("person"), Attach("browser01"), Start(1))
    centre.clock.advance(30 * MINUTE)
    await desk.give(HALF_MORE)
    await desk.give(HALF_MORE)
    events = [event for event in await engine.events(sitting) if isinstance(event, AllowanceSet | CloseMoved)]
    assert [type(event) for event in events] == [AllowanceSet, CloseMoved]
    state = await office.stored(sitting)
    assert timing.exam_deadline(state) == opened + 60 * MINUTE
    assert state.closes_at == opened + HOUR + 30 * MINUTE
    await desk.give(NO_ALLOWANCE, "Отозвано")
    state = await office.stored(sitting)
    assert (timing.exam_deadline(state), state.closes_at) == (opened + 40 * MINUTE, opened + HOUR)
    async with database.transaction() as connection:
        assert await list_allowances(connection) == []


@pytest.mark.parametrize(
    ("allowance", "reason", "code"),
    [
        (Allowance(99), "Заключение", "bad_allowance"),
        (Allowance(401), "Заключение", "bad_allowance"),
        (Allowance(extra=-1), "Заключение", "bad_allowance"),
        (Allowance(extra=7 * HOUR), "Заключение", "bad_allowance"),
        (Allowance(breaks=21), "Заключение", "bad_allowance"),
        (HALF_MORE, " ", "reason_missing"),
    ],
)
async def test_what_makes_no_sense_is_refused(desk: Desk, allowance: Allowance, reason: str, code: str) -> None:
    assert await code_of(desk.give(allowance, reason)) == code
