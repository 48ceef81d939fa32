"""Writes what the pipeline decided, in order.

The pipeline never waits for the database: writes queue here, and while the database is away they wait. Stills are
written apart, each after the row it belongs to, so that files that cannot be written hold up nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import Database
from core.errors import Unavailable

LARGEST_BATCH: Final = 100
LARGEST_BACKLOG: Final = 64_000_000
"""Bytes of stills that wait to be stored; above it stills are left out, and that is counted."""
FIRST_WAIT_SECONDS: Final = 0.2
LONGEST_WAIT_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)

Work = Callable[[AsyncConnection], Awaitable[None]]
"""Writes on a connection; may be repeated."""


@dataclass(frozen=True, slots=True)
class _Row:
    work: Work
    then: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class _Still:
    work: Work
    size: int


@dataclass(frozen=True, slots=True)
class _Marker:
    """Reached once everything before it in the queue is done."""

    reached: asyncio.Future[None]

    def reach(self) -> None:
        if not self.reached.done():
            self.reached.set_result(None)


class Recorder:
    """The one writer of a pipeline. `failed`: writes that can never succeed; `refused_stills`: those left out."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: asyncio.Queue[_Row | _Still | tuple[_Marker, bool]] = asyncio.Queue()
        self._stills: asyncio.Queue[_Still | _Marker] = asyncio.Queue()
        self._backlog = 0
        self.refused_stills = 0
        self.failed = 0

    def submit(self, work: Work, then: Callable[[], None] | None = None) -> None:
        """Queue a write; `then` is called after its commit and must not raise."""
        self._rows.put_nowait(_Row(work, then))

    def submit_still(self, work: Work, size: int) -> bool:
        """Queue a write with a file, after the writes submitted so far; it keeps `size` bytes in memory.

        False when there is no room for them.
        """
        if self._backlog + size > LARGEST_BACKLOG:
            self.refused_stills += 1
            return False
        self._backlog += size
        self._rows.put_nowait(_Still(work, size))
        return True

    async def flush(self) -> None:
        """Wait until everything submitted so far is stored, except stills, which may follow."""
        await self._reach(stills=False)

    async def flush_stills(self) -> None:
        """Wait until everything submitted so far is stored, stills too."""
        await self._reach(stills=True)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as lanes:
            lanes.create_task(self._write_rows(), name="proctoring-rows")
            lanes.create_task(self._write_stills(), name="proctoring-stills")

    async def _reach(self, stills: bool) -> None:
        marker = _Marker(asyncio.get_running_loop().create_future())
        self._rows.put_nowait((marker, stills))
        await marker.reached

    async def _write_rows(self) -> None:
        while True:
            batch = [await self._rows.get()]
            while len(batch) < LARGEST_BATCH and not self._rows.empty():
                batch.append(self._rows.get_nowait())
            rows = [one for one in batch if isinstance(one, _Row)]
            if rows:
                await self._write(rows)
            for one in batch:
                if isinstance(one, _Still):
                    self._stills.put_nowait(one)
                elif isinstance(one, tuple):
                    marker, stills = one
                    if stills:
                        self._stills.put_nowait(marker)
                    else:
                        marker.reach()

    async def _write_stills(self) -> None:
        while True:
            one = await self._stills.get()
            if isinstance(one, _Marker):
                one.reach()
                continue
            try:
                await self._write([_Row(one.work)])
            finally:
                self._backlog -= one.size

    async def _write(self, batch: list[_Row]) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                async with self._database.transaction() as connection:
                    for row in batch:
                        await row.work(connection)
            except Exception as error:
                if _passes(error):
                    _log.warning("proctoring_write_put_off", error=repr(error), waiting=self._rows.qsize())
                    await asyncio.sleep(wait)
                    wait = min(LONGEST_WAIT_SECONDS, wait * 2)
                elif len(batch) > 1:
                    for row in batch:
                        await self._write([row])
                    return
                else:
                    self.failed += 1
                    _log.exception("proctoring_write_failed")
                    return
            else:
                for row in batch:
                    if row.then is not None:
                        row.then()
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
