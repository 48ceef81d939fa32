"""Virtual time: what happens next, in the order of its moment. One seed, one order, nothing waits."""

import hashlib
import heapq
from collections import deque
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from core.moments import Moment, Span
from tests.histories.sittings import NOW as START
from tests.simulation.pages import Asked

__all__ = ["START", "Timeline"]


class Timeline:
    """Milliseconds since the beginning of the simulation, and everything that is going to happen."""

    def __init__(self, seed: int, trace: bool = False) -> None:
        self.random = Random(seed)
        self.now: int = 0
        self.trace = trace
        self.asked: deque[Asked] = deque()
        """What the pages have to do before anything else happens, one after the other."""
        self.violations: list[str] = []
        self._heap: list[tuple[int, int, Callable[..., object], tuple[Any, ...]]] = []
        self._count = 0
        self._digest = hashlib.sha256()

    @property
    def moment(self) -> Moment:
        """The true time, which no simulated clock has to agree with."""
        return START + self.now

    @property
    def digest(self) -> str:
        """Of everything noted so far: the same seed gives the same one."""
        return self._digest.hexdigest()

    def at(self, when: int, do: Callable[..., object], *values: Any) -> None:
        """Plan something; what is planned for one moment happens in the order of planning."""
        self._count += 1
        heapq.heappush(self._heap, (max(when, self.now), self._count, do, values))

    def later(self, span: Span, do: Callable[..., object], *values: Any) -> None:
        self.at(self.now + span, do, *values)

    def run(self, end: int) -> Iterator[None]:
        """Everything up to and including `end`; pauses where the pages have to do something first: see `asked`."""
        still = 0
        while self._heap and self._heap[0][0] <= end:
            when, _, do, values = heapq.heappop(self._heap)
            still = still + 1 if when == self.now else 0
            if still > 100_000:
                raise RuntimeError(f"time stands still at {when}: {do}")
            self.now = when
            do(*values)
            while self.asked:
                yield
        self.now = max(self.now, end)

    def note(self, *what: object) -> None:
        """One line of the trace."""
        line = f"{self.now} {' '.join(map(str, what))}"
        self._digest.update(line.encode())
        if self.trace:
            print(line)

    def blame(self, what: str) -> None:
        """A rule was broken."""
        self.note("VIOLATION", what)
        self.violations.append(f"{self.now / 1000:.3f} s: {what}")

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high."""
        return low + int(self.random.random() * (high - low + 1))

    def chance(self, share: float) -> bool:
        return self.random.random() < share
