"""Writes what the pipeline decided, in order, and tells the live channel once it is stored.

The pipeline never waits for the database: writes queue here, and while the database is away they wait.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import msgspec
import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import Database
from core.errors import Unavailable
from core.live import Live

LARGEST_BATCH: Final = 100
LARGEST_BACKLOG: Final = 64_000_000
"""Bytes of stills that wait for the database; above it stills are left out, and that is counted."""
FIRST_WAIT_SECONDS: Final = 0.2
LONGEST_WAIT_SECONDS: Final = 5.0
NEWS_KEPT: Final = 2_000

_log = structlog.get_logger(__name__)


class Told(msgspec.Struct, frozen=True):
    """A message for a live channel."""

    channel: str
    message: bytes


Work = Callable[[AsyncConnection], Awaitable[Told | None]]
"""Writes on a connection, may be repeated, and returns what to tell after the commit."""


class Announcer:
    """Publishes without anybody waiting; what nobody could take in time is forgotten, oldest first."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._waiting: deque[Told] = deque(maxlen=NEWS_KEPT)
        self._some = asyncio.Event()

    def tell(self, told: Told) -> None:
        self._waiting.append(told)
        self._some.set()

    async def run(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            await self.flush()

    async def flush(self) -> None:
        while self._waiting:
            told = self._waiting.popleft()
            await self._live.publish(told.channel, told.message)


class Recorder:
    """The one writer of a pipeline."""

    def __init__(self, database: Database, announcer: Announcer) -> None:
        self._database = database
        self._announcer = announcer
        self._queue: asyncio.Queue[tuple[Work, int]] = asyncio.Queue()
        self._backlog = 0
        self.refused_stills = 0
        self.failed = 0

    def submit(self, work: Work, size: int = 0) -> bool:
        """Queue a write that keeps `size` bytes in memory; False when there is no room for them."""
        if size and self._backlog + size > LARGEST_BACKLOG:
            self.refused_stills += 1
            return False
        self._backlog += size
        self._queue.put_nowait((work, size))
        return True

    async def flush(self) -> None:
        """Wait until everything submitted so far is stored."""
        await self._queue.join()

    async def run(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < LARGEST_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                await self._write([work for work, _ in batch])
            finally:
                for _, size in batch:
                    self._backlog -= size
                    self._queue.task_done()

    async def _write(self, batch: list[Work]) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                async with self._database.transaction() as connection:
                    told = [await work(connection) for work in batch]
            except Exception as error:
                if _passes(error):
                    _log.warning("database_away", waiting=len(batch) + self._queue.qsize())
                    await asyncio.sleep(wait)
                    wait = min(LONGEST_WAIT_SECONDS, wait * 2)
                elif len(batch) > 1:
                    for work in batch:
                        await self._write([work])
                    return
                else:
                    self.failed += 1
                    _log.exception("proctoring_write_failed")
                    return
            else:
                for one in told:
                    if one is not None:
                        self._announcer.tell(one)
                return


def _passes(error: Exception) -> bool:
    """Whether the same write may succeed later."""
    if isinstance(error, IntegrityError | DataError | ProgrammingError):
        return False
    return isinstance(error, Unavailable | DBAPIError | OSError)


async def stop(task: asyncio.Task[None]) -> None:
    """Cancel a loop and wait until it is gone."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
