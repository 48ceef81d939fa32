"""Thousands of candidates who begin in the same second.

    python -m benchmarks.starts --candidates 2000

The sittings are made, their forms drawn and the candidates admitted before the clock starts; the server process has
read none of them. One start is then everything from nothing to the first question: TCP and WebSocket handshake, the
login looked up, the sitting's log read, verified and folded (a form of 80 items), the attachment and the address of
the page stored, the snapshot sent; `start` received, decided, stored, acknowledged, and the first item sent. Arrivals
are spread over `--within` seconds, whether or not the server keeps up. The last line is JSON:

    starts_per_cpu_s     candidates with a first item per CPU-second of the server process
    db_ms_per_start      CPU of all PostgreSQL processes per start, ms
    p50_ms, p99_ms       from a candidate's arrival to the first item, at the client
    seconds              from the first arrival until everybody has one
    refused              candidates for whom the first attempt came to nothing
    times_less           of the 120 ms that Moodle 4.5 takes of a server's CPU for a start of 60 items: how many times
                         less, PostgreSQL counted
"""

import argparse
import asyncio
import json
import os
import tempfile
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import uvloop

from benchmarks.hall import Hall, Seat, open_hall, served
from benchmarks.processes import cpu_seconds, family_cpu_seconds, pin
from benchmarks.visitors import Page, allow_files, open_page, percentile_ms

WARM = 20
"""Candidates who begin beforehand: pools are connected and code is warm then."""
PATIENCE = 60.0
MOODLE_MS = 120.0


async def begin(seat: Seat, port: int, after: float = 0.0) -> tuple[float, Page] | None:
    """Arrive, start, see the first item: after how many seconds; None where it came to nothing."""
    await asyncio.sleep(after)
    began = perf_counter()
    shown = asyncio.get_running_loop().create_future()

    def heard(page: Page, message: dict[str, Any]) -> None:
        if message["type"] == "snapshot":
            page.say(b'{"type":"start","seq":1}')
        elif message["type"] == "item" and not shown.done():
            shown.set_result(perf_counter())

    try:
        async with asyncio.timeout(PATIENCE):
            page = await open_page(seat, port, heard)
            return await shown - began, page
    except Exception:
        return None


async def measure(hall: Hall, port: int, server: int, within: float) -> dict[str, Any]:
    for seat in hall.seats[:WARM]:
        assert await begin(seat, port) is not None
    seats, random = hall.seats[WARM:], Random(1)
    cpu, database, began = cpu_seconds(server), family_cpu_seconds(hall.postmaster), perf_counter()
    found = await asyncio.gather(*(begin(seat, port, random.random() * within) for seat in seats))
    seconds = perf_counter() - began
    cpu, database = cpu_seconds(server) - cpu, family_cpu_seconds(hall.postmaster) - database
    begun = [one for one in found if one is not None]
    delays = [delay for delay, _ in begun]
    for _, page in begun:
        page.cut()
    return {
        "candidates": len(seats),
        "within_s": within,
        "starts_per_cpu_s": round(len(begun) / cpu),
        "db_ms_per_start": round(database / len(begun) * 1e3, 2),
        "p50_ms": percentile_ms(delays, 0.5),
        "p99_ms": percentile_ms(delays, 0.99),
        "seconds": round(seconds, 2),
        "refused": len(found) - len(begun),
        "times_less": round(MOODLE_MS / ((cpu + database) / len(begun) * 1e3)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Thousands of candidates who begin in the same second.")
    parser.add_argument("--candidates", type=int, default=2_000)
    parser.add_argument("--within", type=float, default=1.0)
    options = parser.parse_args()
    allow_files(options.candidates + 1_000)
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="starts-") as name:
        folder = Path(name)
        with open_hall(folder, options.candidates + WARM) as hall, served("app", cores[0], folder, hall.url) as where:
            pin(os.getpid(), cores[-1])
            print(json.dumps(uvloop.run(measure(hall, *where, options.within))))


if __name__ == "__main__":
    main()
