"""What follows from a change to a sitting once it is durable: open pages hear of it, an ended one is concluded."""

import asyncio

import msgspec
import structlog
from msgspec import Struct

from core.errors import Unavailable
from core.ids import SittingId
from core.live import Live
from core.moments import Moment
from exam_server.camera import Observation
from exam_server.conclusion import Conclusion
from exam_server.events import AnyEvent, Ended, EndReason
from exam_server.sitting import Sitting, Status

ROOM = "room"
"""The channel on which every sitting's changes are heard."""

_log = structlog.get_logger()


class SittingNews(Struct, frozen=True, tag_field="kind", tag="sitting"):
    """How far a sitting is, for staff. `position` counts from 0; None when nothing is on screen."""

    sitting: SittingId
    at: Moment
    status: Status
    position: int | None
    items: int
    answered: int
    connected: bool
    ended: EndReason | None


def describe(sitting: Sitting) -> SittingNews:
    return SittingNews(
        sitting=sitting.id,
        at=sitting.last_at,
        status=sitting.status,
        position=sitting.current,
        items=len(sitting.items),
        answered=sum(1 for item in sitting.items if any(item.answers)),
        connected=sitting.connected,
        ended=sitting.end_reason,
    )


class Aftermath:
    """Takes changes from the conduct without holding it up, and works through them in order."""

    def __init__(self, live: Live, observation: Observation, conclusion: Conclusion) -> None:
        self._live = live
        self._observation = observation
        self._conclusion = conclusion
        self._news: asyncio.Queue[Sitting] = asyncio.Queue()
        self._ended: asyncio.Queue[Sitting] = asyncio.Queue()

    def note(self, sitting: Sitting, events: tuple[AnyEvent, ...]) -> None:
        """Called by the conduct after a commit."""
        self._news.put_nowait(sitting)
        if any(type(event) is Ended for event in events):
            self._ended.put_nowait(sitting)

    async def tell(self) -> None:
        """Publish changes, for ever."""
        while True:
            sitting = await self._news.get()
            message = msgspec.json.encode(describe(sitting))
            await self._live.publish(ROOM, message)
            await self._live.publish(f"sitting:{sitting.id}", message)

    async def conclude(self) -> None:
        """Close the observation of ended sittings and conclude them, for ever. What fails is swept up later."""
        while True:
            sitting = await self._ended.get()
            try:
                await self._observation.end(sitting.id, sitting.ended_at or sitting.last_at)
                await self._conclusion.conclude(sitting.id)
            except Unavailable:
                _log.warning("aftermath.put_off", sitting=sitting.id)
            except Exception:
                _log.exception("aftermath.failed", sitting=sitting.id)

    async def settle(self) -> None:
        """Conclude what ended so far and nobody has begun on: for the end of a process and for simulations."""
        while not self._ended.empty():
            sitting = self._ended.get_nowait()
            await self._observation.end(sitting.id, sitting.ended_at or sitting.last_at)
            await self._conclusion.conclude(sitting.id)
