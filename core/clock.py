"""The only reader of time. Everything else is told what time it is."""

import time
from typing import Protocol

from core.moments import Moment, Span


class Clock(Protocol):
    """Anything that can say what time it is."""

    def now(self) -> Moment:
        """The current moment in milliseconds since the epoch, UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> Moment:
        return time.time_ns() // 1_000_000


class ManualClock:
    """A clock that stands until it is moved: for tests and for the simulated history."""

    def __init__(self, start: Moment) -> None:
        self._now = start

    def now(self) -> Moment:
        return self._now

    def advance(self, span: Span) -> Moment:
        """Move forward by a span and return the new moment."""
        self._now += span
        return self._now

    def set(self, moment: Moment) -> None:
        self._now = moment


def elapsed_seconds() -> float:
    """A monotonic reading in seconds, for measuring how long something took."""
    return time.perf_counter()
