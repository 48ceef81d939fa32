"""What processes tell each other about sittings: who wrote to one says so, and who else holds it reads it again.

Nothing depends on it: owners compare versions once a second anyway. It only makes a proctor's act at one process
reach the candidate's page at another within a fraction of that second.
"""

from contextlib import suppress

from core.errors import Unavailable
from core.ids import SittingId
from core.live import Live
from core.randomness import fresh_token
from exam_server.rounds import Rounds

CHANNEL = "engine"


class Neighbours:
    """The processes beside this one, reached over `live`."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._name = fresh_token(9)

    def tell(self, sitting: SittingId) -> None:
        """More than a plain answer was written here."""
        self._live.publish(CHANNEL, f"{self._name} {sitting}".encode())

    async def listen(self, rounds: Rounds) -> None:
        """Read again at once what is held here and they wrote to, for ever."""
        async with self._live.subscribe(CHANNEL) as hints:
            async for hint in hints:
                name, _, sitting = hint.decode().partition(" ")
                if name == self._name:
                    continue
                with suppress(Unavailable, OSError):  # the comparison of every second will see it
                    await rounds.catch_up(SittingId(int(sitting)))
