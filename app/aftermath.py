"""What follows from a change to a sitting once it is durable: open pages hear of it, an ended one is concluded."""

import asyncio

import structlog

from core.errors import Unavailable
from core.live import ROOM, Live, channel_of
from exam_server.camera import Observation
from exam_server.conclusion import Conclusion
from exam_server.events import AnyEvent, Ended
from exam_server.sitting import Sitting

NEWS = b'{"kind":"sitting"}'
"""A sitting has changed: time to read it again."""

_log = structlog.get_logger()


class Aftermath:
    """Takes changes from the conduct without holding it up: tells of them at once, works through ends in order."""

    def __init__(self, live: Live, observation: Observation, conclusion: Conclusion) -> None:
        self._live = live
        self._observation = observation
        self._conclusion = conclusion
        self._ended: asyncio.Queue[Sitting] = asyncio.Queue()

    def note(self, sitting: Sitting, events: tuple[AnyEvent, ...]) -> None:
        """Called by the conduct after a commit."""
        self._live.publish(ROOM, NEWS)
        self._live.publish(channel_of(sitting.id), NEWS)
        if any(type(event) is Ended for event in events):
            self._ended.put_nowait(sitting)

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
