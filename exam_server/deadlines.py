"""When what is held here is settled: at deadline and grace, and only while this process knows of every outage.

A deadline that fell into an outage of our own must not be settled before the outage is made good. So whatever would
settle one waits while this process is not sure, and what waited is decided once it is.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence

from core.clock import Clock
from core.ids import SittingId
from core.moments import Moment
from exam_server import timing
from exam_server.commands import CompensateOutage, Settle
from exam_server.held import Held, Pending
from exam_server.settlement import made_good


class Deadlines:
    """Of the sittings of one conduct: `take` and `decide` are what it does with a command, waiting or at once."""

    def __init__(
        self,
        clock: Clock,
        held: Mapping[SittingId, Held],
        take: Callable[[Held, Pending], None],
        decide: Callable[[Held, Pending], None],
    ) -> None:
        self._clock = clock
        self._held = held
        self._take = take
        self._decide = decide
        self._wakes: list[tuple[Moment, SittingId]] = []
        self._sure_until: Moment | None = None
        self._outages: tuple[CompensateOutage, ...] = ()
        self._unsure: list[Held] = []

    @property
    def next_at(self) -> Moment | None:
        """When there is next something to settle, or to look at at least."""
        return self._wakes[0][0] if self._wakes else None

    def follow(self, held: Held) -> None:
        """The deadline of a sitting may be another one now."""
        deadline = held.state.deadline
        wake = None if deadline is None else deadline + timing.grace(held.state, deadline) + 1
        if wake is not None and held.elsewhere:
            wake += timing.SWEEP_MARGIN
        if wake != held.wake:
            held.wake = wake
            if wake is not None:
                heapq.heappush(self._wakes, (wake, held.id))

    def settle_due(self) -> None:
        """Settle every held sitting whose deadline and grace have passed."""
        now = self._clock.now()
        while self._wakes and self._wakes[0][0] <= now:
            wake, sitting_id = heapq.heappop(self._wakes)
            held = self._held.get(sitting_id)
            if held is not None and held.wake == wake:
                self._take(held, Pending(Settle(), now, None))

    # --- being sure ---------------------------------------------------------------------------------------

    def put_off(self, held: Held, received: Moment) -> bool:
        """Would a decision settle a deadline that may have fallen into an outage? Then it has to wait from now on."""
        if self._sure_until is None or received <= self._sure_until or not held.overdue(received):
            return False
        self._unsettle(held)
        return True

    def _unsettle(self, held: Held) -> None:
        held.unsure = True
        self._unsure.append(held)

    def assure(self, until: Moment, outages: Sequence[CompensateOutage], own: CompensateOutage | None = None) -> None:
        """Deadlines may be settled until then: these are all outages of late, and they are made good first.

        `own`: this process alone was cut off, which concerns the pages that it has. Without this ever being called
        deadlines are settled at all times.
        """
        self._sure_until = until
        if self._outages != (known := tuple(outages)):
            self._outages = known
            for held in self._held.values():
                if not held.reloading:
                    self.make_good(held)
        for held in self._held.values():
            if own is not None and held.line is not None:
                # for this page: where it turns out to have gone on elsewhere meanwhile, it lost nothing here
                held.waiting.insert(0, Pending(own, self._clock.now(), held.line))
                if not held.reloading and not held.unsure:
                    self._unsettle(held)
        unsure, self._unsure = self._unsure, []
        for held in unsure:
            held.unsure = False
            if not held.reloading:
                waiting, held.waiting = held.waiting, []
                for pending in waiting:
                    self._take(held, pending)

    def make_good(self, held: Held) -> None:
        """Give back the time of every outage that the sitting has not had yet, before anything else is decided.

        Each by the moment at which the next one began, and none by one of which this process is not sure: what fell
        into another one, known or not, is not settled before its turn.
        """
        now = self._clock.now()
        sure = now if self._sure_until is None else min(now, self._sure_until)
        moments = (*(later.began_at for later in self._outages[1:]), sure)
        for outage, until in zip(self._outages, moments, strict=False):
            if held.state.status == "running" and not made_good(held.state, outage.began_at):
                self._decide(held, Pending(outage, until, None))
