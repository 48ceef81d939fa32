"""Durable answers per server CPU-second, beside plain echo on the same server in the same run.

    python -m benchmarks.answers --connections 500 --seconds 10
    python -m benchmarks.answers --open-loop 2000 --connections 2000 --seconds 10

One answer in flight per connection. Five rounds, each an echo and a durable part in turn; the medians are printed. The
server is pinned to one core; the client and PostgreSQL, which runs with fsync and synchronous_commit on, to another
where there are two. With --open-loop answers come at that rate a second whether or not earlier ones were
acknowledged, and benchmarks.open_loop says what is printed. The last line is one JSON object:

    durable_per_cpu_s   acknowledged answers per CPU-second of the server process
    echo_per_cpu_s      echoed messages of the same size per CPU-second of the same process, by plain ASGI
    ratio               median over the rounds of durable / echo
    direct_ratio        the same against an echo by the short way that exam messages take (app.sockets)
    pipelined_ratio     the same against the plain echo with `in_flight` messages under way on each connection
    ack_p50_ms, ack_p99_ms   from sending an answer to its acknowledgement, at the client, one in flight
    db_us_per_answer    CPU of all PostgreSQL processes per answer, microseconds
    client_cpu_share    of one core, in the durable parts: well below 1 means that the client was not the limit
"""

import argparse
import asyncio
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import uvloop
from msgspec import Struct

from benchmarks.hall import Hall, Plan, open_hall
from benchmarks.open_loop import measure_open_loop
from benchmarks.processes import await_port, cpu_seconds, family_cpu_seconds, free_port, pin
from benchmarks.talkers import connect, fall_silent
from benchmarks.visitors import allow_files, percentile_ms

EXAM, PLAIN_ECHO, DIRECT_ECHO = "", "ws/plain-echo", "ws/direct-echo"


class Part(Struct):
    """What one part of a round came to: messages per CPU-second, and for answers what was measured beside them."""

    per_cpu_s: float
    per_s: float
    delays: list[float]
    db_us: float
    client_share: float


async def talk(hall: Hall, port: int, server: int, path: str, in_flight: int, seconds: float) -> Part:
    """Connect everybody, let them talk, and reckon after a moment to warm up."""
    talkers = await connect(hall.seats, port, path)
    for talker in talkers:
        talker.run(in_flight)
    await asyncio.sleep(min(1.0, seconds / 5))
    for talker in talkers:
        talker.forget()
    used, database, own, began = cpu_seconds(server), family_cpu_seconds(hall.postmaster), own_cpu(), perf_counter()
    await asyncio.sleep(seconds)
    counted, wall = sum(talker.counted for talker in talkers), perf_counter() - began
    part = Part(
        per_cpu_s=counted / (cpu_seconds(server) - used),
        per_s=counted / wall,
        delays=[delay for talker in talkers for delay in talker.delays],
        db_us=(family_cpu_seconds(hall.postmaster) - database) / counted * 1e6,
        client_share=(own_cpu() - own) / wall,
    )
    await fall_silent(talkers)
    return part


async def measure(hall: Hall, port: int, server: int, seconds: float, rounds: int, in_flight: int) -> dict[str, Any]:
    """Alternate the parts and condense them."""
    found: dict[str, list[Part]] = {}
    for number in range(rounds):
        for name, path, flight in (
            ("echo", PLAIN_ECHO, 1),
            ("durable", EXAM, 1),
            ("direct echo", DIRECT_ECHO, 1),
            ("pipelined echo", PLAIN_ECHO, in_flight),
            ("pipelined", EXAM, in_flight),
        ):
            part = await talk(hall, port, server, path, flight, seconds)
            found.setdefault(name, []).append(part)
            print(
                f"round {number + 1}: {name} {part.per_cpu_s:.0f} per CPU-second, {part.per_s:.0f}/s, "
                f"client {part.client_share:.2f} of a core",
                flush=True,
            )
    durable = found["durable"]
    delays = [delay for part in durable for delay in part.delays]

    def speed(name: str) -> int:
        return round(statistics.median(part.per_cpu_s for part in found[name]))

    def ratio(name: str, to: str) -> float:
        pairs = zip(found[name], found[to], strict=True)
        return round(statistics.median(part.per_cpu_s / other.per_cpu_s for part, other in pairs), 3)

    return {
        "connections": len(hall.seats),
        "rounds": rounds,
        "seconds": seconds,
        "durable_per_cpu_s": speed("durable"),
        "echo_per_cpu_s": speed("echo"),
        "ratio": ratio("durable", "echo"),
        "direct_echo_per_cpu_s": speed("direct echo"),
        "direct_ratio": ratio("durable", "direct echo"),
        "in_flight": in_flight,
        "pipelined_per_cpu_s": speed("pipelined"),
        "pipelined_ratio": ratio("pipelined", "pipelined echo"),
        "ack_p50_ms": percentile_ms(delays, 0.5),
        "ack_p99_ms": percentile_ms(delays, 0.99),
        "db_us_per_answer": round(statistics.median(part.db_us for part in durable), 1),
        "client_cpu_share": round(statistics.median(part.client_share for part in durable), 2),
    }


def own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextlib.contextmanager
def served(kind: str, hall: Hall, core: int, folder: Path) -> Iterator[tuple[int, int]]:
    """A process of benchmarks.answers_server: its port and its id."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.answers_server", kind, hall.url, str(port), str(core), str(folder)]
    with subprocess.Popen(command) as server:
        try:
            await_port(port, server)
            yield port, server.pid
        finally:
            server.terminate()


def main() -> None:
    """Start PostgreSQL and the server, measure, stop both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--in-flight", type=int, default=16)
    parser.add_argument("--open-loop", type=float, default=0.0, metavar="RATE")
    options = parser.parse_args()
    allow_files(options.connections + 1_000)
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="answers-") as name:
        folder = Path(name)
        with open_hall(folder, options.connections, Plan(started=True)) as hall:
            pin(hall.postmaster, cores[-1])  # its children too: their caches are not the server's
            pin(os.getpid(), cores[-1])
            found: dict[str, Any] = {}
            if options.open_loop:
                for prefix, kind in (("", "together"), ("single_", "one-by-one")):
                    with served(kind, hall, cores[0], folder) as (port, server):
                        part = uvloop.run(measure_open_loop(hall, port, server, options.open_loop, options.seconds))
                    print(kind, part, flush=True)
                    found.update({prefix + key: value for key, value in part.items()})
                found = {"connections": options.connections, "seconds": options.seconds, **found}
            else:
                with served("together", hall, cores[0], folder) as (port, server):
                    found = uvloop.run(measure(hall, port, server, options.seconds, options.rounds, options.in_flight))
            print(json.dumps(found))


if __name__ == "__main__":
    main()
