"""Beats, the outages that their gaps prove, and time given back to sittings that nobody holds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from core.clock import ManualClock, SystemClock, elapsed_seconds
from core.database import Database, execute, fetch_all
from core.ids import SittingId
from core.moments import MINUTE, SECOND
from exam_server import outages
from exam_server.commands import Admit, Attach, CompensateOutage, Start
from exam_server.conduct import Conduct
from exam_server.event_log import EventLog
from exam_server.events import OutageCompensated
from exam_server.outages import SHORTEST_OUTAGE, Amends, Outage, Pulse
from exam_server.source import DatabaseSource
from tests.stores.exam_server.conftest import Engine


class Process:
    """A pulse and the conduct that it makes sure."""

    def __init__(self, url: str, database: Database, log: EventLog, node: str) -> None:
        self.able = True
        self.conduct = Conduct(log, DatabaseSource(database), SystemClock())
        self.pulse = Pulse(url, node, SystemClock(), self.conduct.deadlines, lambda: self.able)

    @property
    def sure_until(self) -> int:
        return self.conduct.deadlines._sure_until or 0

    @property
    def known(self) -> tuple[CompensateOutage, ...]:
        return self.conduct.deadlines._outages


@pytest.fixture
async def processes(database_url: str, database: Database, log: EventLog) -> AsyncIterator[list[Process]]:
    made = [Process(database_url, database, log, node) for node in ("a", "b", "c")]
    yield made
    for process in made:
        await process.pulse.close()


async def recorded(database: Database) -> list[Outage]:
    async with database.transaction() as connection:
        rows = await fetch_all(connection, "SELECT began_at, ended_at FROM exam_server.outage ORDER BY began_at")
    return [Outage(row["began_at"], row["ended_at"]) for row in rows]


async def beats(database: Database) -> dict[str, int]:
    async with database.transaction() as connection:
        rows = await fetch_all(connection, "SELECT node, at FROM exam_server.beat")
    return {row["node"]: row["at"] for row in rows}


async def age(database: Database, span: int) -> None:
    """Let the last beats lie further back."""
    async with database.transaction() as connection:
        await execute(connection, "UPDATE exam_server.beat SET at = at - :span", span=span)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    end = elapsed_seconds() + 20
    while not await condition():
        assert elapsed_seconds() < end
        await asyncio.sleep(0.01)


async def test_the_first_beat_ever_proves_nothing(processes: list[Process], database: Database) -> None:
    before = SystemClock().now()
    await processes[0].pulse.begin()
    assert await recorded(database) == []
    assert processes[0].known == ()
    assert before < processes[0].sure_until <= SystemClock().now() + outages.SURE_FOR
    assert set(await beats(database)) == {"a"}


async def test_a_gap_is_recorded_once_and_known_to_every_process_after_its_beat(
    processes: list[Process], database: Database
) -> None:
    await processes[0].pulse.begin()
    await age(database, 20 * SECOND)
    last = (await beats(database))["a"]
    await asyncio.gather(*(process.pulse.begin() for process in processes))
    (outage,) = await recorded(database)
    assert outage.began_at == last
    assert 20 * SECOND <= outage.ended_at - outage.began_at < MINUTE
    assert [process.known for process in processes] == [(outage.command,)] * 3
    for process in processes:
        await process.pulse.beat()
    assert await recorded(database) == [outage]


async def test_a_gap_that_is_shorter_is_none(processes: list[Process], database: Database) -> None:
    await processes[0].pulse.begin()
    await age(database, SHORTEST_OUTAGE - 4 * SECOND)
    await processes[1].pulse.begin()
    assert await recorded(database) == []


async def test_while_another_process_beats_the_service_is_there(processes: list[Process], database: Database) -> None:
    for process in processes[:2]:
        await process.pulse.begin()
    async with database.transaction() as connection:
        await execute(connection, "UPDATE exam_server.beat SET at = at - 60000 WHERE node = 'a'")
    await processes[0].pulse.beat()
    assert await recorded(database) == []


async def test_outages_never_overlap(database: Database) -> None:
    async with database.transaction() as connection:
        await execute(connection, "INSERT INTO exam_server.outage VALUES (1000, 9000), (9000, 20000)")
        added = await execute(connection, "INSERT INTO exam_server.outage VALUES (1500, 8000) ON CONFLICT DO NOTHING")
    assert added == 0


async def test_beats_of_processes_long_gone_are_cleared_away(processes: list[Process], database: Database) -> None:
    async with database.transaction() as connection:
        await execute(connection, "INSERT INTO exam_server.beat VALUES ('old', 1000)")
    await processes[0].pulse.begin()
    assert set(await beats(database)) == {"a"}


async def test_a_process_that_cannot_commit_does_not_beat_and_one_whose_connection_broke_beats_again(
    processes: list[Process], database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "BEAT_EVERY", 5)
    process, witness = processes[:2]
    await process.pulse.begin()
    running = asyncio.ensure_future(process.pulse.run())
    admin = await asyncpg.connect(database_url)
    try:
        first = (await beats(database))["a"]

        async def moved() -> bool:
            return (await beats(database))["a"] > first

        await until(moved)
        process.able = False
        await witness.pulse.begin()
        still = await beats(database)
        for _ in range(20):
            await witness.pulse.beat()
        assert (await beats(database))["a"] <= still["b"] + SECOND
        assert (await beats(database))["b"] > still["b"]
        process.able = True
        assert await admin.fetchval(
            """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE application_name = 'pulse' AND datname = current_database()"""
        )
        first = (await beats(database))["a"]
        await until(moved)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await admin.close()


@pytest.mark.parametrize(
    ("before", "now", "known", "own"),
    [
        (0, 6_000, [], Outage(0, 6_000)),
        (0, 4_999, [], None),
        (0, 6_000, [Outage(0, 5_900)], None),
        (500, 30_000, [Outage(0, 10_000)], Outage(10_000, 30_000)),
        (500, 14_000, [Outage(0, 10_000)], None),
        (20_000, 30_000, [Outage(0, 10_000)], Outage(20_000, 30_000)),
    ],
)
def test_what_one_process_went_through_alone(before: int, now: int, known: list[Outage], own: Outage | None) -> None:
    assert outages._alone(before, now, known) == own


async def test_sittings_that_nobody_holds_have_their_time_back_once(
    database: Database, clock: ManualClock, engine: Engine, prepared: SittingId
) -> None:
    await engine.order(prepared, Admit("biometrics"), Attach("browser01", False), Start(1))
    before = await engine.stored(prepared)
    began = clock.now() + SECOND
    clock.advance(30 * SECOND)
    async with database.transaction() as connection:
        await execute(
            connection, "INSERT INTO exam_server.outage VALUES (:began, :ended)", began=began, ended=clock.now()
        )
    engine.conduct.forget(prepared)
    other = Engine(engine.log, database, clock)
    amends = [Amends(database, clock, one.conduct) for one in (engine, other)]
    await asyncio.gather(*(one.sweep() for one in amends))
    for one in amends:
        await one.sweep()
    after = await engine.stored(prepared)
    assert after.outages == ((began, began + 29 * SECOND),)
    assert after.deadline is not None
    assert before.deadline is not None
    assert after.deadline == before.deadline + 29 * SECOND
    assert [type(event) for event in await engine.events(prepared)].count(OutageCompensated) == 1
    async with database.transaction() as connection:
        (row,) = await fetch_all(connection, "SELECT applied_at FROM exam_server.outage")
    assert row["applied_at"] == clock.now()


async def test_a_sitting_that_has_not_begun_gets_nothing(
    database: Database, clock: ManualClock, engine: Engine, prepared: SittingId
) -> None:
    async with database.transaction() as connection:
        await execute(
            connection,
            "INSERT INTO exam_server.outage VALUES (:began, :ended)",
            began=clock.now() - MINUTE,
            ended=clock.now() + 1,
        )
    await Amends(database, clock, engine.conduct).sweep()
    assert OutageCompensated not in [type(event) for event in await engine.events(prepared)]
