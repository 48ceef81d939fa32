"""What a process looks after from time to time: what others wrote to the sittings it holds, and whether the clocks
agree; deadlines that nobody settled; sittings that nobody is at any more.
"""

import asyncio
from collections.abc import Sequence

import structlog

from core.clock import Clock
from core.ids import SittingId
from core.moments import MINUTE, Span
from exam_server import timing
from exam_server.commands import Settle
from exam_server.conduct import Conduct
from exam_server.held import Held
from exam_server.source import Source

REST: Span = 10 * MINUTE
"""How long a sitting that nobody is connected to is held."""

_log = structlog.get_logger()


class Rounds:
    """Made again and again by the jobs of a process."""

    def __init__(self, conduct: Conduct, source: Source, clock: Clock) -> None:
        self._conduct = conduct
        self._source = source
        self._clock = clock

    async def sweep(self, limit: int = 200) -> int:
        """Settle sittings that nobody settled in time, whoever holds them: the log's key decides who was first."""
        before = self._clock.now() - timing.BROKEN_GRACE - timing.SWEEP_MARGIN
        overdue = await self._source.overdue(before, limit)
        fates = await asyncio.gather(
            *(self._conduct.order(sitting_id, Settle()) for sitting_id in overdue), return_exceptions=True
        )
        for sitting_id, fate in zip(overdue, fates, strict=True):
            if isinstance(fate, BaseException):
                _log.error("rounds.sweep_failed", sitting=sitting_id, error=repr(fate))
            self._conduct.forget(sitting_id)
        return len(overdue)

    async def compare(self) -> None:
        """Notice what other processes wrote to sittings held here, and whether the clocks agree; let go of the rest."""
        self._let_go()
        asked = self._clock.now()
        there = await self._source.moment()
        here = self._clock.now()
        self._conduct.clock_off = max(0, asked - there, there - here)
        await self._catch_up(self._conduct.all())

    async def catch_up(self, sitting_id: SittingId) -> None:
        """Another process wrote to a sitting: where it is held here, read it again now."""
        held = self._conduct.find(sitting_id)
        if held is not None:
            await self._catch_up([held])

    async def _catch_up(self, some: Sequence[Held]) -> None:
        before = {held.id: held.version for held in some if held.flight is None and not held.reloading}
        versions = await self._source.versions(list(before)) if before else {}
        for held in some:
            version = before.get(held.id)
            if held.version == version and held.flight is None and versions.get(held.id, 0) > version:
                if held.line is None:
                    self._conduct.forget(held.id)  # to read along would cost its whole log each time
                else:
                    self._conduct.reload(held)

    def _let_go(self) -> None:
        """Forget sittings that nobody is at and that have ended or rested long; the sweep settles their deadlines."""
        now = self._clock.now()
        for held in self._conduct.all():
            if held.line is None and (held.state.status == "ended" or now - held.state.last_at > REST):
                self._conduct.forget(held.id)
