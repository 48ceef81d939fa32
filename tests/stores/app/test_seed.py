"""The demo is whole after one call, open for exams now, and left alone by the next start."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from app.demo import seed
from app.demo.bank_files import read_bank
from app.demo.people import CANDIDATES, PASSWORD, STAFF
from app.demo.pilots import ENEMIES, PILOTED
from app.demo.seed import FINE, FULL, QUICK, SECTIONED, WINDOW_LENGTH, demo_blueprints
from core.access.people import find_person, sign_in
from core.access.roles import Role
from core.blobs import Blobs
from core.clock import ManualClock
from core.database import Database, fetch_all
from core.moments import DAY, HOUR
from exam_server.practice import begin_run
from exam_server.preparation import enter
from exam_server.scheduling import list_admissions, list_bookings
from exam_server.store import load_sitting
from question_bank.assembly import assemble
from question_bank.blueprint_store import load_blueprint
from question_bank.catalogue import list_items
from question_bank.pool_store import PreparedPools
from question_bank.supply import weigh_supply


def test_the_demo_is_as_large_as_it_has_to_be() -> None:
    bank = read_bank()
    four = [item for item in bank.items if item.kind == "four_option"]
    cases = [item for item in bank.items if item.kind == "case"]
    assert len(four) >= 150
    assert len(cases) >= 8
    assert sum(1 for item in cases if len(item.stages) > 1) >= 3
    assert len({item.speciality for item in bank.items}) >= 3
    assert {blueprint.length for blueprint in demo_blueprints() if not blueprint.practice} == {12, 14, 20, 80}
    assert {blueprint.speciality for blueprint in demo_blueprints() if blueprint.practice} == {
        item.speciality for item in bank.items
    }
    for blueprint in demo_blueprints():
        blueprint.validate()


def test_somebody_signs_in_for_every_role() -> None:
    assert {role for person in (*STAFF, *CANDIDATES) for role in person.roles} == set(Role)
    assert all(len(person.roles) == 1 for person in (*STAFF, *CANDIDATES))


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs.in_folder(tmp_path / "blobs", {"k": bytes(32)})


async def test_an_empty_database_becomes_the_demo(database: Database, clock: ManualClock, blobs: Blobs) -> None:
    async with database.transaction() as connection:
        assert not await seed.is_seeded(connection)
    await seed.seed(database, clock, blobs)
    await seed.keep_windows_open(database, clock)
    async with database.transaction() as connection:
        assert await seed.is_seeded(connection)
        assert (await list_items(connection)).total == len(read_bank().items) + 2, "and what methodologists are writing"
        chair = await find_person(connection, "predsedatel")
        given = await fetch_all(connection, "SELECT login FROM core.person WHERE password_given")
        candidates = [await find_person(connection, person.login) for person in CANDIDATES]
        assert not given, "nobody of the demo is asked for another password"
        windows = {exam: await seed.current_window(connection, exam, clock.now()) for exam in (SECTIONED, QUICK, FULL)}
        assert await seed.current_window(connection, QUICK, clock.now() - 2 * HOUR) is None
    assert chair is not None
    assert chair.roles == {Role.COMMISSION_CHAIR}
    assert None not in windows.values()
    assert await sign_in(database, STAFF[0].login, PASSWORD, "127.0.0.1", clock.now())

    # Each of the demo's candidates can enter each of its exams now.
    pools = PreparedPools()
    for number, candidate in enumerate(candidates):
        assert candidate is not None
        async with database.transaction() as connection:
            bookings = await list_bookings(connection, candidate.id)
            assert {booking.window.id for booking in bookings} == set(windows.values())
            assert all(missing == () for missing in (await list_admissions(connection, candidate.id)).values())
            for booking in bookings:
                sitting = await enter(
                    connection,
                    booking.id,
                    candidate.id,
                    pools=pools,
                    seed=number,
                    now=clock.now(),
                    attempts_allowed=3,
                )
                state = await load_sitting(connection, sitting)
                blueprint = await load_blueprint(connection, booking.window.blueprint)
                assert len(state.items) == blueprint.length

    # One exam uses all that a blueprint can ask for, and no cap of its own stands in its way.
    async with database.transaction() as connection:
        fine = await load_blueprint(connection, FINE)
        pool = await pools.pool(connection, fine)
        assert {item.item for item in pool.items if item.pilot} == PILOTED
        assert set(pool.pairs) == {(min(pair), max(pair)) for pair in ENEMIES}
        assert not any(cell.missing or cell.worn for cell in weigh_supply(fine, pool.supply))
        for number in range(30):
            form = assemble(fine, pool, number)
            assert sum(entry.weight == 0 for entry in form.entries) == fine.pilots

    # Each of its practice exams can be begun without one.
    for exam in (blueprint for blueprint in demo_blueprints() if blueprint.practice):
        async with database.transaction() as connection:
            someone = await seed.add_person(connection, replace(CANDIDATES[0], login=f"k-{exam.id}"), clock.now())
            run = await begin_run(connection, exam.id, someone, pools=pools, seed=1, now=clock.now())
            assert len((await load_sitting(connection, run)).items) == exam.length

    # Another start changes nothing while a window stays open long enough; then there is a new one.
    async def count() -> int:
        async with database.transaction() as connection:
            rows = await fetch_all(connection, 'SELECT count(*) AS n FROM exam_server."window"')
        return int(rows[0]["n"])

    before = await count()
    clock.advance(DAY)
    await seed.keep_windows_open(database, clock)
    assert await count() == before
    clock.advance(WINDOW_LENGTH)
    await seed.keep_windows_open(database, clock)
    assert await count() > before
    async with database.transaction() as connection:
        renewed = {exam: await seed.current_window(connection, exam, clock.now()) for exam in (SECTIONED, QUICK, FULL)}
    assert not set(renewed.values()) & {None, *windows.values()}

    made = await seed.add_candidates(database, clock, 2)
    assert len({person.login for person in made}) == 2
    token = await sign_in(database, made[1].login, made[1].password, "127.0.0.1", clock.now())
    assert token
    async with database.transaction() as connection:
        fresh = await find_person(connection, made[0].login)
        assert fresh is not None
        assert [booking.window.id for booking in await list_bookings(connection, fresh.id)] == [renewed[QUICK]]


async def test_a_demo_is_whole_or_not_there(
    database: Database, clock: ManualClock, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("the process dies in the middle")

    monkeypatch.setattr(seed, "add_person", fail)
    with pytest.raises(RuntimeError):
        await seed.seed(database, clock, blobs)
    async with database.transaction() as connection:
        assert not await seed.is_seeded(connection)
        assert (await list_items(connection)).total == 0
