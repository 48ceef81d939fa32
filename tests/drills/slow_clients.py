"""Clients that stop reading, or read a byte a second, beside healthy ones: nobody waits for them.

    python -m tests.drills.slow_clients --clients 200 --slow 40 --rate 12

The slow ones go on asking for item after item, `--rate` a second, so that what they should read piles up: first in
the kernel, then in the server's bounded queue, until it drops them. Then they read again, notice, come back and go on.
The healthy ones' acknowledgements are timed before (`calm_p99_ms`) and meanwhile (`healthy_p99_ms`). `kib_per_slow` is
by how much the server's memory grew at its highest, per slow client; `dropped` how many of them the server hung up on.
"""

import argparse
import asyncio
import contextlib
import socket
from typing import Any

from benchmarks.hall import Plan
from benchmarks.processes import resident_kib
from core.clock import elapsed_seconds
from core.moments import HOUR
from tests.drills.clients import Candidate, Crowd, Line
from tests.drills.place import Place, hold

PLAN = Plan(length=60, bank=120, limits=(HOUR,))
"""Nothing runs out of time here: whatever the slow ones ask for is given."""
SMALL = 4_096
"""Bytes that the kernel may take in for a slow client."""
FLOOD_RATE = 20
"""Messages a second that the server takes for long; whoever asks for more at once needs a wider allowance."""
STALL_AT_MOST = 60.0
MOST_KIB = 1_024
"""What one slow client may cost the server at its highest, KiB."""


class Slow(Candidate):
    """Stops reading and goes on asking, until the server has had enough."""

    stalled = 0
    dropped = False

    def dial(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        made.setblocking(False)
        self._socket = made
        return made

    async def stall(self, rate: float, trickle: bool) -> None:
        """Ask without reading what is said, or only a byte a second, until hung up on or out of patience."""
        line, self.window = self.line, 10_000
        assert line is not None
        line.transport.underlying_transport.pause_reading()
        with self._socket.dup() as tap:
            end, second, position = elapsed_seconds() + STALL_AT_MOST, elapsed_seconds(), 0
            while elapsed_seconds() < end and not self.dropped:
                self.edit("show", position := (position + 1) % 60)
                self.stalled += 1
                self.heard_at = elapsed_seconds()  # silence is what it wants
                await asyncio.sleep(1 / rate)
                if trickle and elapsed_seconds() - second > 1:
                    second = elapsed_seconds()
                    with contextlib.suppress(OSError):
                        tap.recv(1)
                self.dropped = _is_over(tap)
        self._come_to(line)

    def _come_to(self, line: Line) -> None:
        """What was not read is given up with its connection; everything unconfirmed is sent once more."""
        self.window = 1
        line.hang_up()


def _is_over(tap: socket.socket) -> bool:
    """Has the other end closed? Seen without reading: TCP_INFO's state is not ESTABLISHED any more."""
    return tap.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1


async def drill(place: Place, options: argparse.Namespace) -> dict[str, Any]:
    server = await place.serve(**({"FLOOD_BURST": "1000000"} if options.rate > FLOOD_RATE else {}))
    crowd = Crowd(place.seats[options.slow :], [server.port])
    slow = Crowd(place.seats[: options.slow], [server.port], kind=Slow)
    await crowd.arrive()
    await slow.arrive()
    began = elapsed_seconds()
    await asyncio.sleep(options.calm)
    calm_end, before, most = elapsed_seconds(), resident_kib(server.pid), 0
    stalling = [one for one in slow.candidates if isinstance(one, Slow)]
    stalls = asyncio.gather(*(one.stall(options.rate, number % 2 == 0) for number, one in enumerate(stalling)))
    while not stalls.done():
        most = max(most, resident_kib(server.pid))
        await asyncio.sleep(0.1)
    await stalls
    end = elapsed_seconds()
    await slow.gather()
    back = slow.reconnects
    await slow.answer(options.slow * 2)
    await slow.finish()
    await crowd.finish()
    found = await place.reckon([*crowd.candidates, *slow.candidates])
    dropped = sum(one.dropped for one in stalling)
    kib = round((most - before) / options.slow, 1)
    broken = {
        "dropped": dropped < options.slow,
        "came_back": back < options.slow,
        "healthy_dropped": crowd.reconnects > 0,
        "kib_per_slow": kib > MOST_KIB,
    }
    return {
        **found,
        "dropped": dropped,
        "came_back": back,
        "healthy_dropped": crowd.reconnects,
        "calm_p99_ms": crowd.percentile_ms(0.99, began, calm_end),
        "healthy_p99_ms": crowd.percentile_ms(0.99, calm_end, end),
        "kib_per_slow": kib,
        "stalled_s": round(end - calm_end, 1),
        "broken": found["broken"] + [name for name, is_broken in broken.items() if is_broken],
    }


if __name__ == "__main__":
    hold(drill, "Clients that do not read, beside healthy ones.", PLAN, clients=200, slow=40, rate=12.0, calm=5.0)
