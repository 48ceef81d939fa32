"""The small exam centre of the cabinet's tests, and the real engine over the same database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from core.access.roles import Principal
from core.blobs import Blobs
from core.clock import ManualClock
from core.database import Database, fetch_one
from core.ids import SittingId
from core.moments import Moment
from core.web.pages import Pages
from exam_server.commands import Command
from exam_server.conduct import Conduct
from exam_server.event_log import EventLog
from exam_server.events import AnyEvent
from exam_server.rounds import Rounds
from exam_server.sitting import Sitting
from exam_server.source import DatabaseSource
from exam_server.store import load_events, load_sitting
from proctoring.store import Reference, record_reference
from tests.stores.cabinet.centre import Centre


class Engine:
    """A conduct as one process has it, on a hand-moved clock, with what it told about."""

    def __init__(
        self, log: EventLog, database: Database, clock: ManualClock, source: DatabaseSource | None = None
    ) -> None:
        self.changes: list[tuple[Sitting, tuple[AnyEvent, ...]]] = []
        self.log = log
        self._database = database
        source = source or DatabaseSource(database)
        self.conduct = Conduct(log, source, clock, lambda state, events: self._note(state, events))
        self.rounds = Rounds(self.conduct, source, clock)

    def _note(self, state: Sitting, events: tuple[AnyEvent, ...]) -> None:
        self.changes.append((state, events))

    async def order(self, sitting: SittingId, *commands: Command) -> None:
        for command in commands:
            ruling = await self.conduct.order(sitting, command)
            assert ruling.refusal is None, (command, ruling.refusal)

    async def stored(self, sitting: SittingId) -> Sitting:
        async with self._database.transaction() as connection:
            return await load_sitting(connection, sitting)

    async def events(self, sitting: SittingId) -> list[AnyEvent]:
        async with self._database.transaction() as connection:
            return await load_events(connection, sitting)


async def warm(database: Database, count: int) -> None:
    """Open so many connections, so that those who start at once afterwards really do."""
    together = asyncio.Barrier(count)

    async def wait() -> None:
        async with database.transaction() as connection:
            await fetch_one(connection, "SELECT 1")
            await together.wait()

    await asyncio.gather(*(wait() for _ in range(count)))


class Pictures:
    """Stands for the camera side of the entrance; `refusal` is what it says of the next picture, `meanwhile` what
    happens while it looks, `blobs` where pictures are really kept."""

    def __init__(self) -> None:
        self.looked = 0
        self.taken: list[tuple[SittingId, bytes, Moment]] = []
        self.refusal: Exception | None = None
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        self.blobs: Blobs | None = None

    async def judge_reference(self, jpeg: bytes) -> Reference:
        self.looked += 1
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.refusal is not None:
            raise self.refusal
        return Reference(b"\x01" * 512, "names-1", 150.0, 5.0, 100.0)

    async def keep_reference(
        self, connection: AsyncConnection, sitting: SittingId, reference: Reference, jpeg: bytes, at: Moment
    ) -> None:
        if self.blobs is not None:
            await record_reference(connection, self.blobs, sitting, reference, jpeg, at)
        self.taken.append((sitting, jpeg, at))


@pytest.fixture(scope="session")
def pages() -> Pages:
    return Pages(["cabinet"])


@pytest.fixture
async def centre(database: Database, clock: ManualClock, pages: Pages) -> Centre:
    centre = Centre(database, clock, pages)
    await centre.fill()
    return centre


@pytest.fixture
async def candidate(centre: Centre) -> Principal:
    """Admitted in nursing, lives four hours east of Moscow."""
    candidate = await centre.person("kim", given_name="Вера")
    await centre.admit(candidate)
    return candidate


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[EventLog]:
    log = EventLog(database_url)
    await log.start()
    yield log
    await log.close()


@pytest.fixture
def engine(log: EventLog, database: Database, clock: ManualClock) -> Engine:
    return Engine(log, database, clock)


@pytest.fixture
async def prepared(centre: Centre, candidate: Principal) -> SittingId:
    """A sitting of the candidate's that has not begun."""
    return await centre.enter(candidate, await centre.book(candidate, await centre.window()))
