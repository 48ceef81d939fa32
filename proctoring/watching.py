"""One camera while it is watched: its slot, its counters, what was seen. In memory only; the store has the rest."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from core.errors import AccreditationError
from core.ids import SittingId
from core.moments import Moment
from proctoring.detectors.identity import Embedding
from proctoring.evidence import Ring
from proctoring.frames import Size
from proctoring.incidents import IncidentState
from proctoring.signals import Kind, Watched


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that waits. `at`: receipt."""

    jpeg: bytes
    size: Size
    at: Moment


@dataclass(slots=True)
class Showing:
    """An open incident's stills so far. `after_at`: when the last one is due, None once taken; `newest_at`: receipt
    of the newest one kept."""

    kind: Kind
    began_at: Moment
    after_at: Moment | None
    newest_at: Moment = 0


class Counters(msgspec.Struct, frozen=True):
    """Frames of one stretch of watching."""

    received: int
    processed: int
    dropped: int
    broken: int


class Watch:
    """A stretch of watching one camera. `number`: its id in the store.

    Belongs to the event loop, except that a worker takes the `slot` under the pipeline's lock. `received` =
    `processed` + `dropped` + `broken` + those that wait or are being looked at.
    """

    def __init__(
        self,
        number: int,
        sitting: SittingId,
        state: IncidentState,
        reference: Embedding | None,
        refused: Callable[[AccreditationError], None] | None,
    ) -> None:
        self.number = number
        self.sitting = sitting
        self.state = state
        self.reference = reference
        self.refused = refused
        self.watched = Watched()
        self.ring = Ring()
        self.slot: Frame | None = None
        self.in_work = False
        self.closing = False
        self.received = 0
        self.processed = 0
        self.dropped = 0
        self.broken = 0
        self.gap_reason = ""
        self._dropped_at_frame = 0
        self._broken_at_frame = 0
        self._showing: dict[tuple[Kind, Moment], Showing] = {}
        self._resting: list[asyncio.Future[None]] = []

    def refer(self, reference: Embedding) -> None:
        """Compare with another picture from now on, at once."""
        self.reference = reference
        self.watched = Watched()

    @property
    def counters(self) -> Counters:
        return Counters(self.received, self.processed, self.dropped, self.broken)

    def note_seen(self) -> None:
        """A frame was looked at."""
        self.processed += 1
        self._dropped_at_frame = self.dropped
        self._broken_at_frame = self.broken

    @property
    def why_unseen(self) -> str:
        """What became of the frames since the last one that was looked at: overload, broken, silent."""
        if self.dropped > self._dropped_at_frame:
            return "overload"
        return "broken" if self.broken > self._broken_at_frame else "silent"

    def show(self, kind: Kind, began_at: Moment, after_at: Moment) -> Showing:
        """An incident has opened."""
        showing = self._showing[kind, began_at] = Showing(kind, began_at, after_at)
        return showing

    def due(self, now: Moment) -> Iterator[Showing]:
        """Incidents whose last still is due; each is named once."""
        for showing in self._showing.values():
            if showing.after_at is not None and showing.after_at <= now:
                showing.after_at = None
                yield showing

    def conceal(self, kind: Kind, began_at: Moment) -> Showing | None:
        """An incident has closed; what it still lacks its last still of, if it does."""
        showing = self._showing.pop((kind, began_at), None)
        return None if showing is None or showing.after_at is None else showing

    async def rest(self) -> None:
        """Wait until no frame waits and none is being looked at."""
        if self.in_work:
            resting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._resting.append(resting)
            await resting

    def wake(self) -> None:
        """No frame waits and none is being looked at."""
        for resting in self._resting:
            if not resting.done():
                resting.set_result(None)
        self._resting.clear()
