"""Windows cancelled or moved: every sitting follows, whoever holds it, and nothing is lost when a process dies."""

from collections.abc import AsyncIterator

import pytest

from core.access.roles import Principal
from core.database import Database, execute, fetch_all
from core.errors import Unavailable
from core.ids import SittingId, WindowId
from core.moments import HOUR, MINUTE
from exam_server import closing, scheduling
from exam_server.commands import Admit, Attach, Command, Start
from exam_server.conclusion import load_outcome
from exam_server.event_log import EventLog
from exam_server.events import AnyEvent, CloseMoved, Ended
from exam_server.ruling import Ruling
from exam_server.store import load_notes
from tests.stores.cabinet.centre import EXAM, Centre
from tests.stores.exam_server.conftest import Engine
from tests.stores.exam_server.test_preparation import Office
from tests.stores.exam_server.test_scheduling import code_of

REASON = "В классе отключили электричество."


@pytest.fixture
def office(centre: Centre, engine: Engine) -> Office:
    return Office(centre, engine)


@pytest.fixture
async def boss(centre: Centre) -> Principal:
    return await centre.person("boss")


@pytest.fixture
async def elsewhere(database_url: str, database: Database, centre: Centre) -> AsyncIterator[Engine]:
    """The engine of another process."""
    log = EventLog(database_url)
    await log.start()
    yield Engine(log, database, centre.clock)
    await log.close()


class Desk:
    """Decides about windows as the timetable does."""

    def __init__(self, centre: Centre, boss: Principal) -> None:
        self.centre = centre
        self.boss = boss

    async def cancel(self, window: WindowId, reason: str = REASON) -> None:
        async with self.centre.database.transaction() as connection:
            await closing.cancel_window(connection, window, self.boss.id, reason, self.centre.clock.now())

    async def move(self, window: WindowId, closes_in: int, reason: str = REASON) -> None:
        now = self.centre.clock.now()
        async with self.centre.database.transaction() as connection:
            await closing.move_close(connection, window, now + closes_in, self.boss.id, reason, now)


@pytest.fixture
def desk(centre: Centre, boss: Principal) -> Desk:
    return Desk(centre, boss)


async def seat(centre: Centre, window: WindowId, name: str) -> SittingId:
    candidate = await centre.person(name)
    await centre.admit(candidate)
    return await centre.enter(candidate, await centre.book(candidate, window))


async def progress_of(database: Database, window: WindowId) -> list[tuple[int, int, bool]]:
    """Of each decision, the latest first: sittings that followed, sittings it is for, whether it is carried out."""
    async with database.transaction() as connection:
        changes = (await closing.list_changes(connection, [window]))[window]
    return [(change.followed, change.reach, change.applied_at is not None) for change in changes]


async def ends(engine: Engine, sitting: SittingId) -> list[AnyEvent]:
    return [event for event in await engine.events(sitting) if isinstance(event, Ended | CloseMoved)]


async def test_a_cancelled_window_ends_what_runs_and_what_was_ready(
    centre: Centre, office: Office, engine: Engine, elsewhere: Engine, desk: Desk, database: Database
) -> None:
    window, other = await centre.window(), await centre.window()
    ready, running = await seat(centre, window, "ready"), await seat(centre, window, "running")
    spared = await seat(centre, other, "spared")
    await elsewhere.order(running, Admit("person"), Attach("browser01"), Start(1))
    await desk.cancel(window)
    await desk.cancel(window, "Второй раз.")
    await office.closing.sweep()
    for sitting in (ready, running):
        (end,) = await ends(engine, sitting)
        assert isinstance(end, Ended)
        assert (end.reason, end.by) == ("window_cancelled", desk.boss.id)
        async with database.transaction() as connection:
            notes = await load_notes(connection, sitting)
        assert end.note is not None
        assert (notes[end.note].kind, notes[end.note].body) == ("window_cancelled", REASON)
    assert await ends(engine, spared) == []
    await elsewhere.rounds.compare()
    await office.closing.sweep()
    assert len(await ends(engine, running)) == 1
    assert await office.conclusion.sweep() == 2
    async with database.transaction() as connection:
        for sitting in (ready, running):
            outcome = await load_outcome(connection, sitting)
            assert outcome is not None
            assert (outcome.state, outcome.passed, outcome.retake_on) == ("cancelled", None, None)
        rows = await fetch_all(connection, "SELECT candidate FROM exam_server.sitting WHERE id = :id", id=running)
        assert await scheduling.past_attempts(connection, rows[0]["candidate"], EXAM.id) == []
        (change,) = (await closing.list_changes(connection, [window]))[window]
    assert (change.kind, change.reason, change.applied_at) == ("cancelled", REASON, centre.clock.now())


async def test_nobody_enters_a_window_that_was_cancelled_after_its_forms_were_drawn(
    centre: Centre, candidate: Principal, office: Office, desk: Desk
) -> None:
    window = await centre.window(opens_in=HOUR)
    booking = await centre.book(candidate, window)
    await office.preparation.sweep()
    await desk.cancel(window)
    centre.clock.advance(HOUR)
    assert await code_of(centre.enter(candidate, booking)) == "window_cancelled"
    await office.closing.sweep()
    assert (await office.stored(await office.prepared(candidate))).end_reason == "window_cancelled"


async def test_a_crash_in_the_middle_is_made_good(
    centre: Centre, office: Office, engine: Engine, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = await centre.window()
    sittings = [await seat(centre, window, f"k{number}") for number in range(5)]
    await desk.cancel(window)
    assert await progress_of(centre.database, window) == [(0, 5, False)]
    real = engine.conduct.order

    async def order(sitting: SittingId, command: Command) -> Ruling:
        if sitting in sittings[2:]:
            raise Unavailable("gone", "Процесса больше нет.")
        return await real(sitting, command)

    monkeypatch.setattr(engine.conduct, "order", order)
    await office.closing.sweep()
    assert [len(await ends(engine, sitting)) for sitting in sittings] == [1, 1, 0, 0, 0]
    assert await progress_of(centre.database, window) == [(2, 5, False)]
    monkeypatch.undo()
    await office.closing.sweep()
    assert [len(await ends(engine, sitting)) for sitting in sittings] == [1, 1, 1, 1, 1]
    assert await progress_of(centre.database, window) == [(5, 5, True)]


async def test_the_close_moves_for_everybody_with_their_allowance(
    centre: Centre, office: Office, engine: Engine, elsewhere: Engine, desk: Desk, database: Database
) -> None:
    window = await centre.window(lasts=2 * HOUR)
    plain = await seat(centre, window, "plain")
    slow = await centre.person("slow")
    await centre.admit(slow)
    async with database.transaction() as connection:
        await execute(
            connection,
            "INSERT INTO exam_server.allowance VALUES (:who, :exam, 150, 0, 0, 'Решение № 7', 1, 0, 0)",
            who=slow.id,
            exam=EXAM.id,
        )
    longer = await centre.enter(slow, await centre.book(slow, window))
    await elsewhere.order(longer, Admit("person"), Attach("browser01"), Start(1))
    now = centre.clock.now()
    assert (await office.stored(longer)).closes_at == now + 2 * HOUR + 20 * MINUTE
    await desk.move(window, HOUR)
    await office.closing.sweep()
    await office.closing.sweep()
    assert [len(await ends(engine, sitting)) for sitting in (plain, longer)] == [1, 1]
    assert await progress_of(database, window) == [(2, 2, True)]
    assert (await office.stored(plain)).closes_at == now + HOUR
    assert (await office.stored(longer)).closes_at == now + HOUR + 20 * MINUTE
    async with database.transaction() as connection:
        assert (await scheduling.load_window(connection, window)).closes_at == now + HOUR
    await elsewhere.rounds.compare()
    centre.clock.advance(HOUR + MINUTE)
    await engine.rounds.sweep()
    end = (await ends(engine, plain))[-1]
    assert isinstance(end, Ended)
    assert (end.reason, end.at) == ("not_started", now + HOUR)


async def test_the_last_of_several_moves_counts(centre: Centre, office: Office, engine: Engine, desk: Desk) -> None:
    window = await centre.window(lasts=2 * HOUR)
    sitting = await seat(centre, window, "k")
    await desk.move(window, HOUR)
    await desk.move(window, 3 * HOUR)
    await desk.move(window, 3 * HOUR)
    await office.closing.sweep()
    assert [event.closes_at for event in await ends(engine, sitting) if isinstance(event, CloseMoved)] == [
        centre.clock.now() + 3 * HOUR
    ]


async def test_what_can_not_be_done_is_refused(centre: Centre, desk: Desk) -> None:
    window, over = await centre.window(), await centre.window(lasts=MINUTE)
    assert await code_of(desk.cancel(WindowId(404))) == "unknown_window"
    assert await code_of(desk.cancel(window, "  ")) == "reason_missing"
    assert await code_of(desk.move(window, HOUR, "")) == "reason_missing"
    assert await code_of(desk.move(window, MINUTE - 1)) == "bad_window"
    assert await code_of(desk.move(window, 32 * 24 * HOUR)) == "bad_window"
    await desk.cancel(window)
    assert await code_of(desk.move(window, HOUR)) == "window_cancelled"
    centre.clock.advance(MINUTE)
    assert await code_of(desk.cancel(over)) == "window_over"
    assert await code_of(desk.move(over, HOUR)) == "window_over"
