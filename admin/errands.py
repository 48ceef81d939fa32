"""Long work that a person began at a desk, done in this process while the person may go away."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from core.errors import AccreditationError, Conflict

MOST_AT_ONCE = 2
"""In one process: exams are served beside."""

_log = structlog.get_logger()


class Errands:
    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self._most = most
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def begin(self, work: Callable[[Callable[[int], None]], Coroutine[Any, Any, object]]) -> int:
        """Have it done; returns with the number by which it goes, as soon as it tells it.

        What it raises before that is raised here, what it raises later is logged. Raises Conflict (`desk_busy`).
        """
        if self._closed or len(self._tasks) >= self._most:
            raise Conflict("desk_busy", "Сейчас обрабатываются другие файлы. Повторите через минуту.")
        begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def tell(number: int) -> None:
            if not begun.done():
                begun.set_result(number)

        task = asyncio.create_task(work(tell), name="errand")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        waited: list[asyncio.Future[Any]] = [task, begun]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if begun.done():
            return begun.result()
        await task
        raise RuntimeError("an errand ended without a number")

    async def settle(self) -> None:
        """Wait until all of it is done."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """End it where it is: whoever does it cleans up."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await self.settle()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            if isinstance(error, AccreditationError):
                _log.info("errand.refused", code=error.code)
            else:
                _log.error("errand.failed", error=repr(error), exc_info=error)
