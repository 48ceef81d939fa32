"""Every test ends: one whose set-up, call or tear-down takes too long fails and says what it waits for.

The alarm is raised in the main thread, wherever it waits: in an event loop, for a thread, for a process. What
cannot be interrupted so, a call into C that never returns, is left to pytest's `faulthandler_timeout`.
"""

import asyncio
import gc
import inspect
import signal
import sys
import threading
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

SECONDS = 180
AGAIN = 60
"""Seconds until the next alarm: a tear-down has further steps, and each of them may hang."""


class TooLong(BaseException):
    """No Exception: nothing that a test catches, retries or shrinks may swallow it."""


class Limit:
    """A pytest plugin."""

    def __init__(self, seconds: float = SECONDS, again: float = AGAIN) -> None:
        self._seconds = seconds
        self._again = again

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, object, object]:
        with alarmed("the set-up", self._seconds, self._again):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        with alarmed("the call", self._seconds, self._again):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        with alarmed("the tear-down", self._seconds, self._again):
            return (yield)

    def pytest_enter_pdb(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def alarmed(what: str, seconds: float, again: float = AGAIN) -> Iterator[None]:
    """Raise TooLong in the main thread once the block lasts longer than so many seconds. For the main thread only."""

    def ring(_: int, __: FrameType | None) -> None:
        raise TooLong(f"{what} takes more than {seconds} s\n{waits()}")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, again)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def waits() -> str:
    """Where every other thread and every task of the running loop is."""
    here = threading.get_ident()
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    told = []
    for ident, frame in sys._current_frames().items():
        if ident != here:
            told.append(f"thread {names.get(ident, ident)}:\n" + "".join(traceback.format_stack(frame)[-8:]))
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:
        tasks = set()
    for task in tasks:
        told.append(f"task {task.get_name()}:\n" + "".join(f"  {line}\n" for line in _awaits(task.get_coro())))
    return "\n".join(told)


def _awaits(awaitable: Any) -> Iterator[str]:
    """The frames of a coroutine that waits, from the outermost to what it waits for."""
    while awaitable is not None:
        frame = next(
            (found for kind in ("cr", "gi", "ag") if (found := getattr(awaitable, f"{kind}_frame", None))), None
        )
        if frame is not None:
            yield f'File "{frame.f_code.co_filename}", line {frame.f_lineno}, in {frame.f_code.co_name}'
        for name in ("cr_await", "gi_yieldfrom", "ag_await"):
            if hasattr(awaitable, name):
                awaitable = getattr(awaitable, name)
                break
        else:
            # A step of an asynchronous generator, as fixtures are, says of which one it is to nobody else.
            inner = (one for one in gc.get_referents(awaitable) if inspect.isasyncgen(one) or inspect.iscoroutine(one))
            awaitable = next(inner, None)
