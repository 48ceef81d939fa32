"""Jobs go on whatever happens to them, and end when they are told to."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from app import jobs
from app.jobs import Jobs
from core import outbox
from core.clock import ManualClock
from core.database import Database
from core.errors import Unavailable
from exam_server.conclusion import Conclusion
from exam_server.deadlines import Deadlines
from exam_server.rounds import Rounds

PATIENCE = 5.0


class Work:
    """Counts its rounds; each of the first ones fails in its own way."""

    def __init__(self, *troubles: BaseException) -> None:
        self.troubles = list(troubles)
        self.rounds = 0
        self.reached = asyncio.Event()
        self.wanted = len(troubles) + 2

    async def __call__(self) -> int:
        self.rounds += 1
        if self.rounds >= self.wanted:
            self.reached.set()
        if self.troubles:
            raise self.troubles.pop(0)
        return self.rounds


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses take no time; what is waited for are events."""
    for name in ("DEADLINES_EVERY", "COMPARE_EVERY", "SWEEP_EVERY", "CONCLUDE_EVERY", "DELIVER_EVERY", "TIDY_EVERY"):
        monkeypatch.setattr(jobs, name, 0.001)
    real = asyncio.sleep

    async def nap(seconds: float, result: Any = None) -> Any:
        return await real(min(seconds, 0.001), result)

    monkeypatch.setattr(asyncio, "sleep", nap)


@pytest.mark.parametrize(
    "trouble", [Unavailable("database_away", "Нет базы."), OSError("reset"), ValueError("a fault"), KeyError("x")]
)
async def test_a_job_that_fails_is_done_again(trouble: BaseException) -> None:
    work = Work(trouble, trouble)
    task = asyncio.create_task(jobs._repeat(0.001, work))
    await asyncio.wait_for(work.reached.wait(), PATIENCE)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_job_ends_when_it_is_told_to() -> None:
    work = Work()
    task = asyncio.create_task(jobs._repeat(0.001, work))
    await asyncio.wait_for(work.reached.wait(), PATIENCE)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def test_an_endless_job_is_begun_again_whether_it_fails_or_ends() -> None:
    work = Work(ValueError("a fault"))

    async def job() -> None:
        await work()

    task = asyncio.create_task(jobs._repeat(0.0, jobs._endless(job)))
    await asyncio.wait_for(work.reached.wait(), PATIENCE)
    assert work.rounds >= 3
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


class Engine:
    """Stands for deadlines, rounds and conclusion: knows which of their jobs were done."""

    def __init__(self, done: Callable[[str], None]) -> None:
        self._done = done

    def settle_due(self) -> None:
        self._done("settle")

    async def compare(self) -> None:
        self._done("compare")

    async def sweep(self) -> int:
        self._done("sweep")
        return 0


async def test_every_job_runs_and_one_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    wanted = {"settle", "compare", "sweep", "conclude", "deliver", "more"}
    everything = asyncio.Event()

    def done(name: str) -> None:
        seen.add(name)
        if seen >= wanted:
            everything.set()

    class Broken(Engine):
        async def compare(self) -> None:
            done("compare")
            raise ValueError("this one always fails")

    class Sweeper(Engine):
        async def sweep(self) -> int:
            done("conclude")
            return 0

    async def deliver(database: Database, handlers: object) -> int:
        done("deliver")
        return 0

    async def more() -> None:
        done("more")
        await asyncio.Event().wait()

    monkeypatch.setattr(outbox, "deliver", deliver)
    work = Jobs(
        cast(Database, object()),
        ManualClock(0),
        cast(Deadlines, Engine(done)),
        cast(Rounds, Broken(done)),
        cast(Conclusion, Sweeper(done)),
        {},
    )
    work.start(more)
    await asyncio.wait_for(everything.wait(), PATIENCE)
    await asyncio.wait_for(work.stop(), PATIENCE)
    assert all(task.done() for task in work._tasks)
