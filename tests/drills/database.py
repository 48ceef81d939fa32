"""Kill PostgreSQL in the middle of the load: it comes back, the server goes on, and nobody is thrown out.

    python -m tests.drills.database --clients 300 --kills 4

Every process of PostgreSQL is killed at once and started again after `--away` seconds, on the same port. `recovered_s`
is from its return until an edit of every candidate who had one waiting is acknowledged. `dropped` counts connections
that did not survive it: none has to, since the server only waits.
"""

import argparse
import asyncio
from typing import Any

from core.clock import elapsed_seconds
from tests.drills.clients import Crowd
from tests.drills.place import Place, hold

IN_FLIGHT = 0.3
"""Seconds for acknowledgements that were on their way when PostgreSQL died."""


async def drill(place: Place, options: argparse.Namespace) -> dict[str, Any]:
    server = await place.serve()
    crowd = Crowd(place.seats, [server.port])
    await crowd.arrive()
    recovered, meanwhile = [], []
    for _ in range(options.kills):
        await crowd.answer(options.clients * 8)
        await asyncio.to_thread(place.postgres.kill)
        await asyncio.sleep(IN_FLIGHT)
        before = crowd.acknowledged
        await asyncio.sleep(options.away)
        meanwhile.append(crowd.acknowledged - before)
        await asyncio.to_thread(place.postgres.resume)
        back = elapsed_seconds()
        await crowd.unburden()
        recovered.append(round(elapsed_seconds() - back, 2))
    await crowd.answer(options.clients * 2)
    dropped = crowd.reconnects
    await crowd.finish()
    found = await place.reckon(crowd.candidates)
    return {
        **found,
        "acknowledged_meanwhile": meanwhile,
        "dropped": dropped,
        "recovered_s": recovered,
        "ack_p50_ms": crowd.percentile_ms(0.5),
        "broken": found["broken"] + ["acknowledged_meanwhile"] * any(meanwhile),
    }


if __name__ == "__main__":
    hold(drill, "Kill PostgreSQL in the middle of the load.", clients=300, kills=4, away=3.0)
