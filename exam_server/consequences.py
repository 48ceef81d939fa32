"""Decisions that reach many sittings: written down first, then carried out sitting by sitting.

What was begun is finished by any process, as often as it takes: every step is harmless when it is done again.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

import structlog

from core.clock import Clock
from core.database import Database, fetch_all, take_turn
from core.ids import PersonId, SittingId
from exam_server.conduct import Conduct
from exam_server.sitting import Sitting

AT_ONCE = 24
"""Sittings that are acted on at the same moment. Their rows go into the log together."""
CHUNK = 200
"""Sittings that are listed at a time."""
PATIENCE = 2.0
"""Seconds that a page waits for a decision to be carried out; then it follows what goes on by itself."""

_log = structlog.get_logger()


class Consequences(ABC):
    """One kind of decision. One process at a time carries out what waits."""

    turn: ClassVar[str]

    def __init__(self, database: Database, clock: Clock, conduct: Conduct) -> None:
        self._database = database
        self._clock = clock
        self._conduct = conduct
        self._sweeps: set[asyncio.Task[None]] = set()

    async def sweep(self) -> None:
        """Carry out what waits, unless somebody is at it."""
        async with self._database.transaction() as connection:
            if await take_turn(connection, self.turn):
                await self._carry_out()

    async def hasten(self, seconds: float = PATIENCE) -> None:
        """Begin now, and wait for it no longer than so many seconds."""
        sweep = asyncio.create_task(self.sweep(), name=self.turn)
        self._sweeps.add(sweep)
        sweep.add_done_callback(self._over)
        await asyncio.wait({sweep}, timeout=seconds)

    def _over(self, sweep: "asyncio.Task[None]") -> None:
        self._sweeps.discard(sweep)
        if not sweep.cancelled() and (error := sweep.exception()) is not None:
            _log.warning("consequences.put_off", turn=self.turn, error=repr(error))

    @abstractmethod
    async def _carry_out(self) -> None:
        """Everything that waits."""

    async def _hold(self, sittings: Sequence[SittingId]) -> list[Sitting]:
        """Those of them that can be read now: many logs are read with one statement."""
        found = await asyncio.gather(*(self._conduct.hold(sitting) for sitting in sittings), return_exceptions=True)
        return [held.state for held in found if not isinstance(held, BaseException)]

    async def _each(
        self, sittings: Sequence[SittingId], act: Callable[[SittingId], Awaitable[object]]
    ) -> set[SittingId]:
        """Act on each sitting; those for which it did not work."""
        await self._hold(sittings)
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(sitting: SittingId) -> None:
            async with slots:
                try:
                    await act(sitting)
                finally:
                    self._conduct.forget(sitting)

        fates = await asyncio.gather(*(one(sitting) for sitting in sittings), return_exceptions=True)
        failed = set()
        for sitting, fate in zip(sittings, fates, strict=True):
            if isinstance(fate, BaseException):
                _log.error("consequences.failed", turn=self.turn, sitting=sitting, error=repr(fate))
                failed.add(sitting)
        return failed

    async def _write_notes(
        self, sittings: Sequence[SittingId], author: PersonId, kind: str, body: str
    ) -> dict[SittingId, int]:
        """The same reason, written down with each of the sittings; the ids of the notes."""
        async with self._database.transaction() as connection:
            rows = await fetch_all(
                connection,
                """INSERT INTO exam_server.note (sitting_id, author, kind, body, written_at)
                   SELECT id, :author, :kind, :body, :at FROM unnest(CAST(:ids AS bigint[])) AS id
                   RETURNING sitting_id, id""",
                ids=list(sittings),
                author=author,
                kind=kind,
                body=body,
                at=self._clock.now(),
            )
        return {SittingId(row["sitting_id"]): row["id"] for row in rows}
