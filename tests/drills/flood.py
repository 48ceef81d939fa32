"""Clients that flood, send garbage, send too much, and connect in a tight loop: the healthy ones lose nothing.

    python -m tests.drills.flood --clients 200 --bad 20 --load 30

Each bad client has a sitting of its own, which is not to end by it: afterwards they sit their exam as others do.
`ended` counts sittings that anything but their own candidate ended.
"""

import argparse
import asyncio
import os
from collections.abc import Callable
from typing import Any

from picows import WSMsgType

from core.clock import elapsed_seconds
from core.database import Database
from exam_server.events import Ended
from exam_server.store import load_events
from tests.drills.clients import Candidate, Crowd, Line
from tests.drills.place import Place, hold

GARBAGE: tuple[tuple[WSMsgType, bytes], ...] = (
    (WSMsgType.TEXT, b"{"),
    (WSMsgType.TEXT, b""),
    (WSMsgType.TEXT, b'{"type":"submit"}'),
    (WSMsgType.TEXT, b'{"type":"submit","seq":-1}'),
    (WSMsgType.TEXT, b'{"type":"submit","seq":1e300}'),
    (WSMsgType.TEXT, b'{"type":"respond","seq":9007199254740993,"position":0,"stage":0,"value":[]}'),
    (WSMsgType.TEXT, b'{"type":"end","seq":1}'),
    (WSMsgType.TEXT, b'{"x":' + b"[" * 8_000),
    (WSMsgType.TEXT, b"\xff\xfe\xfd"),
    (WSMsgType.BINARY, b"\x00" * 512),
    (WSMsgType.CONTINUATION, b"no beginning"),
)
LARGE, TOO_LARGE = b"x" * 20_000, b"x" * 1_200_000
AT_ONCE = 60
"""Messages that a flooding client writes before it lets others have a turn."""


class Bad(Candidate):
    """Behaves as badly as its number says, then sits the exam."""

    abused = 0

    async def misbehave(self, number: int, seconds: float) -> None:
        end = elapsed_seconds() + seconds
        way: Callable[[Line, int], None] = (flood, litter, overfill, slam)[number % 4]
        turn = 0
        while elapsed_seconds() < end:
            if self.line is not None:
                way(self.line, turn := turn + 1)
                self.abused += 1
            await asyncio.sleep(0.01)

    async def _pause(self, failures: int) -> None:
        await asyncio.sleep(0.01 if self.resting else 0.2)


def flood(line: Line, turn: int) -> None:
    for _ in range(AT_ONCE):
        line.transport.send(WSMsgType.TEXT, b'{"type":"ping","sent":1}')


def litter(line: Line, turn: int) -> None:
    line.transport.send(*GARBAGE[turn % len(GARBAGE)])
    line.transport.send(WSMsgType.BINARY, os.urandom(200))


def overfill(line: Line, turn: int) -> None:
    line.transport.send(WSMsgType.TEXT, TOO_LARGE if turn % 5 == 0 else LARGE)


def slam(line: Line, turn: int) -> None:
    line.hang_up()


async def drill(place: Place, options: argparse.Namespace) -> dict[str, Any]:
    server = await place.serve()
    crowd = Crowd(place.seats[options.bad :], [server.port])
    bad = Crowd(place.seats[: options.bad], [server.port], kind=Bad)
    await crowd.arrive()
    await bad.arrive()
    began = elapsed_seconds()
    await asyncio.sleep(options.calm)
    calm_end = elapsed_seconds()
    abusers = [candidate for candidate in bad.candidates if isinstance(candidate, Bad)]
    await asyncio.gather(*(one.misbehave(number, options.load) for number, one in enumerate(abusers)))
    end = elapsed_seconds()
    await bad.gather()
    await bad.answer(options.bad * 2)
    everybody = [*crowd.candidates, *bad.candidates]
    await bad.finish(submit=0)
    await crowd.finish(submit=0)
    found = await place.reckon(everybody)
    ended = await count_ends(place, everybody)
    broken = {"ended": ended > 0, "healthy_dropped": crowd.reconnects > 0, "abused": not all(a.abused for a in abusers)}
    return {
        **found,
        "ended": ended,
        "abused": sum(one.abused for one in abusers),
        "healthy_dropped": crowd.reconnects,
        "reconnects": bad.reconnects,
        "calm_p99_ms": crowd.percentile_ms(0.99, began, calm_end),
        "healthy_p99_ms": crowd.percentile_ms(0.99, calm_end, end),
        "broken": found["broken"] + [name for name, is_broken in broken.items() if is_broken],
    }


async def count_ends(place: Place, candidates: list[Candidate]) -> int:
    """Sittings that have ended, although nobody submitted and no exam is over."""
    database = Database(place.postgres.url, pool_size=1)
    try:
        async with database.transaction() as connection:
            logs = [await load_events(connection, candidate.seat.sitting) for candidate in candidates]
    finally:
        await database.close()
    return sum(any(type(event) is Ended for event in log) for log in logs)


if __name__ == "__main__":
    hold(drill, "Clients that misbehave, beside healthy ones.", clients=200, bad=20, load=30.0, calm=5.0)
