"""Owners in small over a real event log: what they write, and what has to stand there afterwards."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import asyncpg
import asyncpg.pool

from core.ids import ChoiceId, SittingId
from core.moments import HOUR, to_datetime
from exam_server.chain import Row, follow_chain, link
from exam_server.event_log import Commit, EventLog, Fate
from exam_server.events import AnyEvent, Responded, encode_batch
from tests.histories.sittings import NOW, first_row, make_created

Session: TypeAlias = "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy"
SITTINGS = [SittingId(number) for number in range(1, 9)]


@asynccontextmanager
async def opened(url: str, count: int = 1, connections: int = 1) -> AsyncIterator[list[EventLog]]:
    logs = [EventLog(url, connections) for _ in range(count)]
    try:
        for log in logs:
            await log.start()
        yield logs
    finally:
        await asyncio.gather(*(log.close() for log in logs))


async def begin(connection: asyncpg.Connection, sittings: Iterable[SittingId]) -> None:
    """Sittings with their first rows, without the bookings behind them."""
    await connection.execute("ALTER TABLE exam_server.sitting DROP CONSTRAINT sitting_booking_id_fkey")
    for sitting in sittings:
        row = first_row(sitting, make_created())
        await connection.execute(
            """INSERT INTO exam_server.sitting (id, booking_id, candidate, blueprint_id, blueprint_version, attempt,
                                                created_at, next_deadline)
               OVERRIDING SYSTEM VALUE VALUES ($1, $1, 70, 'bp', 1, 1, $2, $3)""",
            sitting,
            NOW,
            to_datetime(NOW + HOUR),
        )
        await connection.execute(
            "INSERT INTO exam_server.log VALUES ($1, 0, $2, $3, $4)", sitting, row.prev, row.digest, row.events
        )


async def stored(connection: Session, sitting: SittingId) -> list[Row]:
    found = await connection.fetch(
        "SELECT version, prev, digest, events FROM exam_server.log WHERE sitting_id = $1 ORDER BY version", sitting
    )
    return [Row(*row) for row in found]


async def events_of(connection: asyncpg.Connection, sitting: SittingId) -> list[AnyEvent]:
    """Every event; raises BrokenChain unless the whole log verifies."""
    return list(follow_chain(sitting, await stored(connection, sitting)))


def next_row(sitting: SittingId, last: Row, *events: AnyEvent) -> Row:
    data = encode_batch(events)
    return Row(last.version + 1, last.digest, link(sitting, last.version + 1, last.digest, data), data)


@dataclass
class Told:
    """A commit that tells whoever wants to know."""

    sitting_id: SittingId
    version: int
    prev: bytes
    digest: bytes
    events: bytes
    due: datetime | None
    due_changed: bool
    done: Callable[[Fate], None]


def commit(
    sitting: SittingId, row: Row, done: Callable[[Fate], None], due: int | None = None, due_changed: bool = False
) -> Commit:
    return Told(
        sitting,
        row.version,
        row.prev,
        row.digest,
        row.events,
        None if due is None else to_datetime(due),
        due_changed,
        done,
    )


async def write(log: EventLog, sitting: SittingId, row: Row, due: int | None = None, due_changed: bool = False) -> Fate:
    """Append one row and wait for its fate."""
    fate: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()
    log.append(commit(sitting, row, fate.set_result, due, due_changed))
    return await asyncio.wait_for(fate, 30)


class Hand:
    """An owner in small: writes numbered answers to a sitting, reads again whenever it was overtaken."""

    def __init__(self, log: EventLog, pool: asyncpg.Pool, name: str) -> None:
        self.log = log
        self.pool = pool
        self.name = name
        self.acknowledged: list[tuple[SittingId, int]] = []
        self.overtaken = 0

    async def work(self, sitting: SittingId, numbers: Iterable[int]) -> None:
        last: Row | None = None
        for number in numbers:
            fate: Fate = "overtaken"
            while fate != "durable":
                if last is None:
                    async with self.pool.acquire() as connection:
                        rows = await stored(connection, sitting)
                    last = rows[-1]
                    if (self.name, number) in authors(list(follow_chain(sitting, rows))):
                        break  # an earlier try got through
                row = next_row(sitting, last, Responded(NOW, 0, 0, (ChoiceId(self.name),), number))
                fate = await write(self.log, sitting, row)
                self.overtaken += fate == "overtaken"
                last = row if fate == "durable" else None
            self.acknowledged.append((sitting, number))


def authors(events: Iterable[AnyEvent]) -> list[tuple[str, int]]:
    return [(event.value[0], event.seq) for event in events if isinstance(event, Responded)]


async def check(session: asyncpg.Connection, hands: list[Hand], sittings: Iterable[SittingId]) -> None:
    """Every acknowledged answer stands exactly once in a chain that verifies, and nothing else does."""
    for sitting in sittings:
        found = Counter(authors(await events_of(session, sitting)))
        promised = Counter((hand.name, number) for hand in hands for at, number in hand.acknowledged if at == sitting)
        assert found == promised
