"""SIGKILL the server again and again under load: what was acknowledged is there, and everybody goes on.

    python -m tests.drills.crash --clients 300 --kills 5

`recovered_s` is from each kill until every candidate is connected again, the server's own start included.
"""

import argparse
import asyncio
from random import Random
from typing import Any

from core.clock import elapsed_seconds
from tests.drills.clients import Crowd
from tests.drills.place import Place, hold


async def drill(place: Place, options: argparse.Namespace) -> dict[str, Any]:
    server = await place.serve()
    crowd = Crowd(place.seats, [server.port])
    await crowd.arrive()
    random, recovered, away = Random(1), [], []
    for _ in range(options.kills):
        await crowd.answer(options.clients * 4)
        await asyncio.sleep(random.random())
        began = elapsed_seconds()
        away.append(round(await place.restart(server), 2))
        await crowd.gather()
        recovered.append(round(elapsed_seconds() - began, 2))
    await crowd.answer(options.clients * 2)
    await crowd.finish()
    return {
        **await place.reckon(crowd.candidates),
        "reconnects": crowd.reconnects,
        "away_s": away,
        "recovered_s": recovered,
        "ack_p50_ms": crowd.percentile_ms(0.5),
        "ack_p99_ms": crowd.percentile_ms(0.99),
    }


if __name__ == "__main__":
    hold(drill, "SIGKILL the server again and again under load.", clients=300, kills=5)
