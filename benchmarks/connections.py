"""Memory of an idle candidate beside that of a bare WebSocket on the same server, and a storm of reconnections.

    python -m benchmarks.connections --connections 5000

Every candidate is attached to a running sitting of 80 items, all forms drawn differently, and says nothing. The bare
WebSocket runs in a process of its own in the same run: uvicorn with the same protocol, loop and settings, and an
application that echoes. Then all connections are cut at once and come back as the page does. The last line is JSON:

    kib_per_connection   growth of the server's resident memory per candidate, KiB, garbage collected
    bare_kib             the same per bare WebSocket
    ratio                one by the other
    refused              attempts of the storm that did not end in a snapshot
    storm_seconds        from the cut until everybody is back
    storm_p99_ms         from an attempt to its snapshot, at the client
    storm_cpu_s          CPU of the server process meanwhile, seconds
"""

import argparse
import asyncio
import json
import os
import signal
import tempfile
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import uvloop

from benchmarks.hall import Hall, Plan, open_hall, served
from benchmarks.processes import cpu_seconds, pin, resident_kib
from benchmarks.visitors import Page, allow_files, come_back, in_turn, open_page, percentile_ms

SETTLED_SECONDS = 2.0
"""For what connecting leaves behind to be done with."""
AT_ONCE = 64


async def weigh(server: int) -> int:
    """Resident memory once the garbage is gone, KiB."""
    os.kill(server, signal.SIGUSR1)
    await asyncio.sleep(SETTLED_SECONDS)
    return resident_kib(server)


async def fill(hall: Hall, port: int, server: int, count: int, path: str) -> tuple[list[Page], float]:
    """Connect everybody: the pages, and KiB for each."""
    pages: list[Page] = []

    async def come(number: int) -> None:
        pages.append(await open_page(hall.seats[number], port, path=path))

    await in_turn(min(count, 20), 1, come)  # what is made once is not a connection's
    for page in pages:
        page.cut()
    pages.clear()
    before = await weigh(server)
    await in_turn(count, AT_ONCE, come)
    return pages, (await weigh(server) - before) / count


async def storm(hall: Hall, port: int, server: int, pages: list[Page]) -> dict[str, Any]:
    """Cut everybody off; they come back by themselves."""
    delays: list[float] = []
    cpu, began = cpu_seconds(server), perf_counter()
    for page in pages:
        page.cut()
    seats = hall.seats[: len(pages)]
    back = await asyncio.gather(*(come_back(seat, port, Random(n), delays) for n, seat in enumerate(seats)))
    found = {
        "refused": sum(failures for _, failures in back),
        "storm_seconds": round(perf_counter() - began, 2),
        "storm_p99_ms": percentile_ms(delays, 0.99),
        "storm_cpu_s": round(cpu_seconds(server) - cpu, 2),
    }
    for page, _ in back:
        page.cut()
    return found


async def measure(hall: Hall, folder: Path, count: int, core: int) -> dict[str, Any]:
    with served("bare", core, folder) as (port, server):
        pages, bare = await fill(hall, port, server, count, "bare")
        for page in pages:
            page.cut()
    with served("app", core, folder, hall.url) as (port, server):
        pages, ours = await fill(hall, port, server, count, "")
        print(f"bare {bare:.1f}, candidate {ours:.1f} KiB", flush=True)
        found = await storm(hall, port, server, pages)
    return {
        "connections": count,
        "kib_per_connection": round(ours, 1),
        "bare_kib": round(bare, 1),
        "ratio": round(ours / bare, 2),
        **found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of an idle candidate, and a storm of reconnections.")
    parser.add_argument("--connections", type=int, default=5_000)
    options = parser.parse_args()
    allow_files(options.connections + 1_000)
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="connections-") as name:
        folder = Path(name)
        with open_hall(folder, options.connections, Plan(started=True)) as hall:
            pin(os.getpid(), cores[-1])
            print(json.dumps(uvloop.run(measure(hall, folder, options.connections, cores[0]))))


if __name__ == "__main__":
    main()
