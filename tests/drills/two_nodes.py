"""Two server processes on one PostgreSQL; one is killed, and all its candidates go on at the other.

    python -m tests.drills.two_nodes --clients 300 --rounds 2

The candidates stand half at each, and one whose connection breaks tries the other server next, as behind a load
balancer. After each kill the dead process is started again, and the next round kills the one that has everybody.
`recovered_s` is from the kill until all are connected again, `carried` how many the other server took over.
"""

import argparse
import asyncio
from typing import Any

from core.clock import elapsed_seconds
from tests.drills.clients import Crowd
from tests.drills.place import Place, hold


async def drill(place: Place, options: argparse.Namespace) -> dict[str, Any]:
    servers = [await place.serve(), await place.serve()]
    crowd = Crowd(place.seats, [server.port for server in servers])
    await crowd.arrive()
    recovered, carried = [], []
    for number in range(options.rounds):
        await crowd.answer(options.clients * 6)
        dead = servers[number % 2]
        there = [candidate for candidate in crowd.candidates if candidate.live and candidate.port == dead.port]
        began = elapsed_seconds()
        await asyncio.to_thread(dead.kill)
        await crowd.lose(there)
        await crowd.gather()
        recovered.append(round(elapsed_seconds() - began, 2))
        carried.append(len(there))
        await crowd.answer(options.clients * 4)
        await asyncio.to_thread(dead.start)
    await crowd.answer(options.clients * 2)
    await crowd.finish()
    return {
        **await place.reckon(crowd.candidates),
        "reconnects": crowd.reconnects,
        "carried": carried,
        "recovered_s": recovered,
        "ack_p50_ms": crowd.percentile_ms(0.5),
        "ack_p99_ms": crowd.percentile_ms(0.99),
    }


if __name__ == "__main__":
    hold(drill, "Two server processes, one is killed.", clients=300, rounds=2)
