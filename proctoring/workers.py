"""Threads that look at frames: each with detectors of its own, fed from one queue."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import structlog

from core.errors import Unavailable
from proctoring.inspection import Inspector
from proctoring.models import Models

Task = Callable[[Inspector], None]

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Workers:
    """A fixed number of threads. Tasks begin in the order they were given."""

    def __init__(self, models: Models, count: int) -> None:
        self._models = models
        self._count = count
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stopped = False

    async def start(self) -> None:
        """Begin; returns when every thread has loaded its detectors, or raises what kept one from it."""
        ready: list[Future[None]] = []
        for number in range(self._count):
            loaded: Future[None] = Future()
            thread = threading.Thread(target=self._run, args=(loaded,), name=f"frames-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)
            ready.append(loaded)
        await asyncio.gather(*(asyncio.wrap_future(loaded) for loaded in ready))

    async def stop(self) -> None:
        """Let every thread finish what was queued, and end."""
        self._stopped = True
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        self._threads.clear()

    def give(self, task: Task) -> None:
        self._tasks.put(task)

    async def ask(self, question: Callable[[Inspector], T]) -> T:
        """Run something on a worker thread and return or raise what it does. Raises Unavailable once stopped."""
        if self._stopped:
            raise Unavailable("frames_stopped", "Сервер перезапускается. Повторите через минуту.")
        answer: Future[T] = Future()

        def run(inspector: Inspector) -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                answer.set_result(question(inspector))
            except BaseException as error:
                answer.set_exception(error)

        self._tasks.put(run)
        return await asyncio.wrap_future(answer)

    def _run(self, loaded: Future[None]) -> None:
        try:
            inspector = Inspector(self._models)
        except BaseException as error:
            loaded.set_exception(error)
            return
        loaded.set_result(None)
        while (task := self._tasks.get()) is not None:
            try:
                task(inspector)
            except Exception:
                _log.exception("frame_task_failed")
