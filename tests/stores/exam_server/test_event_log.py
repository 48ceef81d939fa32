"""Group commit on a real PostgreSQL: racing owners, killed backends, spoilt rows.

What is acknowledged is stored, once, in a chain that verifies.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count, takewhile
from random import Random

import asyncpg
import asyncpg.pool
import pytest

from core.ids import SittingId
from core.moments import HOUR, from_datetime, to_datetime
from exam_server import event_log
from exam_server.chain import Row
from exam_server.event_log import EventLog, Fate
from exam_server.events import Detached
from tests.histories.sittings import NOW, first_row, make_created
from tests.stores.exam_server.hands import (
    SITTINGS,
    Hand,
    begin,
    check,
    commit,
    events_of,
    next_row,
    opened,
    stored,
    write,
)


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the test's own, with the first row of every sitting written."""
    connection = await asyncpg.connect(database_url)
    await begin(connection, SITTINGS)
    yield connection
    await connection.close()


class Heard:
    """A record of events that lets a test wait for the first warning."""

    def __init__(self, warned: asyncio.Event) -> None:
        self.warned = warned

    def warning(self, event: str, **fields: object) -> None:
        self.warned.set()

    def info(self, event: str, **fields: object) -> None: ...

    def error(self, event: str, **fields: object) -> None: ...


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set as soon as an event log finds its database away, deadlocked or in any other trouble."""
    event = asyncio.Event()
    monkeypatch.setattr(event_log, "_log", Heard(event))
    return event


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries that follow each other without a pause worth the name."""
    monkeypatch.setattr(event_log, "RETRY_FIRST", 0.001)
    monkeypatch.setattr(event_log, "RETRY_MOST", 0.01)


# --- one owner ----------------------------------------------------------------------------------------------


async def test_rows_are_written_and_the_chain_verifies(session: asyncpg.Connection, database_url: str) -> None:
    async with opened(database_url) as [log]:
        last = first_row(SITTINGS[0], make_created())
        for number in range(20):
            last = next_row(SITTINGS[0], last, Detached(NOW + number))
            assert await write(log, SITTINGS[0], last) == "durable"
    events = await events_of(session, SITTINGS[0])
    assert events[1:] == [Detached(NOW + number) for number in range(20)]


async def test_a_row_in_place_of_another_is_overtaken_and_changes_nothing(
    session: asyncpg.Connection, database_url: str
) -> None:
    sitting, first = SITTINGS[0], first_row(SITTINGS[0], make_created())
    ours, theirs = next_row(sitting, first, Detached(NOW + 1)), next_row(sitting, first, Detached(NOW + 2))
    async with opened(database_url) as [log]:
        assert await write(log, sitting, ours) == "durable"
        assert await write(log, sitting, theirs, NOW, True) == "overtaken"
        assert await write(log, sitting, ours) == "overtaken"  # repeated after a lost answer
        behind = next_row(sitting, theirs, Detached(NOW + 3))
        assert await write(log, sitting, behind) == "overtaken"  # its predecessor never came to be
        ahead = next_row(sitting, next_row(sitting, ours, Detached(NOW)), Detached(NOW))
        assert await write(log, sitting, ahead) == "overtaken"  # leaves a gap
    assert (await stored(session, sitting))[1:] == [ours]
    assert await session.fetchval("SELECT next_deadline FROM exam_server.sitting WHERE id = 1") == to_datetime(
        NOW + HOUR
    )


async def test_of_two_rows_for_one_sitting_in_a_batch_none_is_said_to_be_durable(
    session: asyncpg.Connection, database_url: str
) -> None:
    sitting, other = SITTINGS[:2]
    first = first_row(sitting, make_created())
    one, two = next_row(sitting, first, Detached(NOW + 1)), next_row(sitting, first, Detached(NOW + 2))
    beside = next_row(other, first_row(other, make_created()), Detached(NOW))
    async with opened(database_url) as [log]:
        fates = await asyncio.gather(write(log, sitting, one), write(log, sitting, two), write(log, other, beside))
        assert list(fates) == ["overtaken", "overtaken", "durable"]
    (row,) = (await stored(session, sitting))[1:]
    assert row in (one, two)


async def test_deadlines_move_together_with_their_rows(session: asyncpg.Connection, database_url: str) -> None:
    async def due() -> int | None:
        value = await session.fetchval("SELECT next_deadline FROM exam_server.sitting WHERE id = $1", SITTINGS[0])
        return None if value is None else from_datetime(value)

    async with opened(database_url) as [log]:
        row = next_row(SITTINGS[0], first_row(SITTINGS[0], make_created()), Detached(NOW))
        await write(log, SITTINGS[0], row, NOW + 77_123, True)
        assert await due() == NOW + 77_123
        row = next_row(SITTINGS[0], row, Detached(NOW))
        await write(log, SITTINGS[0], row, None, False)
        assert await due() == NOW + 77_123
        row = next_row(SITTINGS[0], row, Detached(NOW))
        await write(log, SITTINGS[0], row, None, True)
        assert await due() is None


async def test_whatever_waits_goes_in_few_statements_however_it_is_sorted(
    session: asyncpg.Connection, database_url: str
) -> None:
    rows = await thousand(session)
    before = await session.fetchval("SELECT count(DISTINCT xmin::text) FROM exam_server.log")
    order = list(rows)
    Random(3).shuffle(order)
    fates: list[Fate] = []
    async with opened(database_url) as [log]:
        for sitting in order:
            log.append(commit(sitting, next_row(sitting, rows[sitting], Detached(NOW)), fates.append))
    assert fates == ["durable"] * 1_000
    after = await session.fetchval("SELECT count(DISTINCT xmin::text) FROM exam_server.log")
    assert after - before == 1


async def test_few_that_come_one_by_one_share_a_commit(
    session: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "REST", 1.0)
    first = {sitting: next_row(sitting, first_row(sitting, make_created()), Detached(NOW)) for sitting in SITTINGS}
    before = await session.fetchval("SELECT count(DISTINCT xmin::text) FROM exam_server.log")
    async with opened(database_url) as [log]:
        assert await write(log, SITTINGS[0], first[SITTINGS[0]]) == "durable"  # nobody was before it
        writing = []
        for sitting in SITTINGS[1:]:
            writing.append(asyncio.create_task(write(log, sitting, first[sitting])))
            await asyncio.sleep(0)  # the writer has its turn
        assert await asyncio.gather(*writing) == ["durable"] * (len(SITTINGS) - 1)
    after = await session.fetchval("SELECT count(DISTINCT xmin::text) FROM exam_server.log")
    assert after - before == 2


async def test_a_rest_ends_where_enough_wait_and_where_the_log_is_closed(
    session: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "REST", 3_600.0)
    monkeypatch.setattr(event_log, "ENOUGH", 2)
    first = {sitting: next_row(sitting, first_row(sitting, make_created()), Detached(NOW)) for sitting in SITTINGS}
    alone, *enough, last = SITTINGS[:4]
    async with opened(database_url) as [log]:
        assert await write(log, alone, first[alone]) == "durable"
        assert await asyncio.gather(*(write(log, sitting, first[sitting]) for sitting in enough)) == ["durable"] * 2
        writing = asyncio.create_task(write(log, last, first[last]))
    assert await writing == "durable"


async def thousand(session: asyncpg.Connection) -> dict[SittingId, Row]:
    """First rows of a thousand sittings more."""
    rows = {SittingId(number): first_row(SittingId(number), make_created()) for number in range(100, 1_100)}
    await session.executemany(
        "INSERT INTO exam_server.log VALUES ($1, 0, $2, $3, $4)",
        [(sitting, row.prev, row.digest, row.events) for sitting, row in rows.items()],
    )
    return rows


async def test_owners_that_come_from_opposite_ends_do_not_deadlock(
    session: asyncpg.Connection, database_url: str, warned: asyncio.Event
) -> None:
    rows = await thousand(session)
    fates: Counter[tuple[SittingId, Fate]] = Counter()
    async with opened(database_url, 2) as logs:
        for _ in range(4):
            writing = []
            for number, log in enumerate(logs):
                for sitting in sorted(rows, reverse=number == 1):
                    row = next_row(sitting, rows[sitting], Detached(NOW + number))
                    fate: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()
                    log.append(commit(sitting, row, fate.set_result))
                    writing.append((sitting, fate))
            fates.update([(sitting, await fate) for sitting, fate in writing])
            for sitting in rows:
                rows[sitting] = (await stored(session, sitting))[-1]
    assert not warned.is_set(), "they deadlocked"
    assert fates == Counter({(sitting, fate): 4 for sitting in rows for fate in ("durable", "overtaken")})


async def test_what_waits_is_written_before_the_log_closes(session: asyncpg.Connection, database_url: str) -> None:
    fates: list[Fate] = []
    log = EventLog(database_url)
    await log.start()
    row = next_row(SITTINGS[0], first_row(SITTINGS[0], make_created()), Detached(NOW))
    log.append(commit(SITTINGS[0], row, fates.append))
    assert fates == []
    await log.close()
    assert fates == ["durable"]
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'event-log' AND datname = current_database()"
    assert await until(lambda: session.fetchval(left), 0) == 0


async def until(ask: Callable[[], Awaitable[int]], wanted: int) -> int:
    """PostgreSQL takes a moment to notice that a client is gone; the query itself is the wait."""
    for _ in range(2_000):
        if await ask() == wanted:
            return wanted
    return await ask()


async def test_a_log_that_is_full_says_so(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "MAX_WAITING", 2)
    log = EventLog(database_url)
    row = first_row(SITTINGS[0], make_created())
    log.append(commit(SITTINGS[0], row, print))
    assert not log.full
    log.append(commit(SITTINGS[1], row, print))
    assert log.full


async def test_a_wrong_address_is_known_at_the_start() -> None:
    with pytest.raises(OSError):  # noqa: PT011
        await EventLog("postgresql://nobody@127.0.0.1:1/nowhere").start()


# --- many owners --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connections", [1, 2])
async def test_four_owners_racing_never_fork_a_sitting(
    session: asyncpg.Connection, database_url: str, connections: int, warned: asyncio.Event
) -> None:
    async with (
        opened(database_url, 4, connections) as logs,
        asyncpg.create_pool(database_url, min_size=1, max_size=4) as pool,
    ):
        hands = [Hand(log, pool, f"owner{number}") for number, log in enumerate(logs)]
        order = SITTINGS[:]
        jobs = []
        for number, hand in enumerate(hands):
            Random(number).shuffle(order)
            jobs += [hand.work(sitting, range(1, 13)) for sitting in order]
        await asyncio.gather(*jobs)
    assert not warned.is_set(), "a deadlock, or worse"
    await check(session, hands, SITTINGS)
    assert sum(len(hand.acknowledged) for hand in hands) == 4 * 12 * len(SITTINGS)
    assert sum(hand.overtaken for hand in hands) > 50, "they did not race"


async def test_the_race_would_be_lost_without_the_check_on_the_predecessor(
    session: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unchecked, checks = re.subn(r"\n +WHERE \(SELECT p\.digest .*\)=b\.prev", "", event_log.APPEND)
    assert checks == 1
    monkeypatch.setattr(event_log, "APPEND", unchecked)
    first = first_row(SITTINGS[0], make_created())
    ours, theirs = (next_row(SITTINGS[0], first, Detached(NOW + number)) for number in (1, 2))
    async with opened(database_url) as [log]:
        await write(log, SITTINGS[0], ours)
        assert await write(log, SITTINGS[0], next_row(SITTINGS[0], theirs, Detached(NOW))) == "durable"
    with pytest.raises(ValueError, match="version 2 does not verify"):
        await events_of(session, SITTINGS[0])


# --- killed backends ----------------------------------------------------------------------------------------


async def test_killed_backends_lose_nothing_and_double_nothing(
    session: asyncpg.Connection, database_url: str, hasty: None
) -> None:
    killer = await asyncpg.connect(database_url)
    killed = 0
    async with opened(database_url, 2, 2) as logs, asyncpg.create_pool(database_url, min_size=1, max_size=4) as pool:
        hands = [Hand(log, pool, f"owner{number}") for number, log in enumerate(logs)]

        def numbers() -> Iterator[int]:
            """Until there was trouble enough."""
            return takewhile(lambda number: number <= 5 or killed < 60, count(1))

        jobs = asyncio.gather(*(hand.work(sitting, numbers()) for hand in hands for sitting in SITTINGS))
        while not jobs.done():
            killed += await killer.fetchval(
                """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE application_name = 'event-log' AND datname = current_database()
                     AND state = 'active' AND random() < 0.1"""
            )
        await jobs
    await killer.close()
    await check(session, hands, SITTINGS)


def trouble(log: EventLog) -> str:
    return "away" if log.away else "none"


async def test_a_server_that_is_away_is_waited_for(
    session: asyncpg.Connection, database_url: str, hasty: None, warned: asyncio.Event
) -> None:
    name = await session.fetchval("SELECT current_database()")
    async with opened(database_url) as [log]:
        elsewhere = await asyncpg.connect(database_url.rpartition("/")[0] + "/postgres")
        await elsewhere.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'event-log'"
        )
        row = next_row(SITTINGS[0], first_row(SITTINGS[0], make_created()), Detached(NOW))
        writing = asyncio.ensure_future(write(log, SITTINGS[0], row))
        await asyncio.wait_for(warned.wait(), 10)
        assert trouble(log) == "away"
        assert not writing.done()
        await elsewhere.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await elsewhere.close()
        assert await writing == "durable"
        assert trouble(log) == "none"
    assert len(await stored(session, SITTINGS[0])) == 2


async def test_a_database_that_only_reads_is_waited_for(
    session: asyncpg.Connection, database_url: str, hasty: None, warned: asyncio.Event
) -> None:
    """A standby, or one made read-only for maintenance: no page is told that its answer can never be stored."""
    name = await session.fetchval("SELECT current_database()")
    await session.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    async with opened(database_url) as [log]:
        row = next_row(SITTINGS[0], first_row(SITTINGS[0], make_created()), Detached(NOW))
        writing = asyncio.ensure_future(write(log, SITTINGS[0], row))
        await asyncio.wait_for(warned.wait(), 10)
        assert not writing.done()
        await session.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        assert await writing == "durable"


# --- spoilt rows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spoilt", ["by a constraint", "by its type", "by a missing value"])
async def test_a_spoilt_row_is_found_and_no_other_sitting_suffers(
    session: asyncpg.Connection, database_url: str, spoilt: str
) -> None:
    bad = SITTINGS[4]
    rows = {sitting: next_row(sitting, first_row(sitting, make_created()), Detached(NOW)) for sitting in SITTINGS}
    fates: dict[SittingId, Fate] = {}
    commits = [
        commit(sitting, rows[sitting], lambda fate, sitting=sitting: fates.__setitem__(sitting, fate))  # type: ignore[misc]
        for sitting in SITTINGS
    ]
    match spoilt:
        case "by a constraint":
            await session.execute(f"ALTER TABLE exam_server.log ADD CHECK (sitting_id <> {bad} OR version = 0)")
        case "by its type":
            commits[4].version = 2**40
        case "by a missing value":
            commits[4].events = None  # type: ignore[assignment]
    async with opened(database_url) as [log]:
        for one in commits:
            log.append(one)
    assert fates == {sitting: "refused" if sitting == bad else "durable" for sitting in SITTINGS}
    for sitting in SITTINGS:
        assert len(await stored(session, sitting)) == (1 if sitting == bad else 2)


async def test_one_sittings_fault_on_being_told_does_not_stop_the_others(
    session: asyncpg.Connection, database_url: str
) -> None:
    def fail(fate: Fate) -> None:
        raise RuntimeError("a fault of this sitting's owner")

    fates: list[Fate] = []
    rows = [next_row(sitting, first_row(sitting, make_created()), Detached(NOW)) for sitting in SITTINGS[:3]]
    async with opened(database_url) as [log]:
        log.append(commit(SITTINGS[0], rows[0], fail))
        log.append(commit(SITTINGS[1], rows[1], fates.append))
        assert await write(log, SITTINGS[2], rows[2]) == "durable"
    assert fates == ["durable"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE exam_server.log SET events = '' WHERE sitting_id = 1",
        "UPDATE exam_server.log SET version = version + 1",
        "DELETE FROM exam_server.log WHERE sitting_id = 1",
        "DELETE FROM exam_server.log WHERE false",
        "TRUNCATE exam_server.log",
    ],
)
async def test_rows_of_the_log_are_never_changed(session: asyncpg.Connection, change: str) -> None:
    with pytest.raises(asyncpg.RaiseError, match="never changed"):
        await session.execute(change)
    assert await session.fetchval("SELECT count(*) FROM exam_server.log") == len(SITTINGS)
