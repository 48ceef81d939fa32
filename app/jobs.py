"""Work in the background: deadlines, takeovers, sweeps, the outbox. Each job is a loop that survives its errors."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import wraps

import structlog

from core import blobs, journal, outbox
from core.access.logins import forget_expired
from core.access.people import forget_failures
from core.clock import Clock
from core.database import Database
from core.errors import Unavailable
from core.moments import DAY
from core.outbox import Handler
from exam_server.conclusion import Conclusion
from exam_server.deadlines import Deadlines
from exam_server.rounds import Rounds

DEADLINES_EVERY = 0.02
COMPARE_EVERY = 1.0
SWEEP_EVERY = 2.0
CONCLUDE_EVERY = 5.0
DELIVER_EVERY = 0.5
PREPARE_EVERY = 15.0
EXPOSURE_EVERY = 30.0
CONSEQUENCES_EVERY = 5.0
TIDY_EVERY = 600.0
FLEETING_TOPICS = (journal.TOPIC, blobs.DISCARDED)
"""Topics with keys that never come again: what was sent of them need not be kept to know it."""

_log = structlog.get_logger()


class Jobs:
    """The loops of one process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        deadlines: Deadlines,
        rounds: Rounds,
        conclusion: Conclusion,
        handlers: Mapping[str, Handler],
        sweeps: Sequence[tuple[float, Callable[[], Awaitable[object]]]] = (),
    ) -> None:
        """`sweeps`: more jobs to do again and again, each with the seconds between."""
        self._database = database
        self._clock = clock
        self._deadlines = deadlines
        self._rounds = rounds
        self._conclusion = conclusion
        self._handlers = handlers
        self._sweeps = sweeps
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, *more: Callable[[], Awaitable[None]]) -> None:
        """Begin every job; `more` are endless ones of others."""
        self._tasks = [
            asyncio.create_task(_repeat(DEADLINES_EVERY, self._settle), name="deadlines"),
            asyncio.create_task(_repeat(COMPARE_EVERY, self._rounds.compare), name="compare"),
            asyncio.create_task(_repeat(SWEEP_EVERY, self._rounds.sweep), name="sweep"),
            asyncio.create_task(_repeat(CONCLUDE_EVERY, self._conclusion.sweep), name="conclude"),
            asyncio.create_task(_repeat(DELIVER_EVERY, self._deliver), name="outbox"),
            asyncio.create_task(_repeat(TIDY_EVERY, self._tidy), name="tidy"),
            *(asyncio.create_task(_repeat(seconds, job), name=_name(job)) for seconds, job in self._sweeps),
            *(asyncio.create_task(_repeat(0.0, _endless(job)), name=_name(job)) for job in more),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _settle(self) -> None:
        self._deadlines.settle_due()

    async def _deliver(self) -> None:
        while await outbox.deliver(self._database, self._handlers):
            pass

    async def _tidy(self) -> None:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await forget_expired(connection, now)
            await forget_failures(connection, now)
            await outbox.forget_sent(connection, FLEETING_TOPICS, now - DAY)


async def _repeat(seconds: float, job: Callable[[], Awaitable[object]]) -> None:
    """Do a job again and again. While the database is away it is only put off; other errors are logged."""
    while True:
        try:
            await job()
        except (Unavailable, OSError) as error:
            _log.warning("job.put_off", job=_name(job), error=repr(error))
            await asyncio.sleep(1.0)
        except Exception:
            _log.exception("job.failed", job=_name(job))
            await asyncio.sleep(1.0)
        await asyncio.sleep(seconds)


def _endless(job: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """The job, for which even a quiet end is a failure."""

    @wraps(job)
    async def watched() -> None:
        await job()
        raise RuntimeError("an endless job has ended")

    return watched


def _name(job: Callable[[], Awaitable[object]]) -> str:
    return getattr(job, "__qualname__", "job")
