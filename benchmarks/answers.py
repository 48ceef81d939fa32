"""Durable answers per server CPU-second, beside plain echo on the same server in the same run.

    python -m benchmarks.answers --connections 200 --seconds 10

One answer in flight per connection. Five rounds, each an echo part and a durable part in turn; the medians are
printed. The server is pinned to one core and the client to another where there are two. PostgreSQL runs with
fsync and synchronous_commit on. The last line is one JSON object:

    durable_per_cpu_s   acknowledged answers per CPU-second of the server process
    echo_per_cpu_s      echoed messages of the same size per CPU-second of the same process
    ratio               median over the rounds of durable / echo
    ack_p50_ms, ack_p99_ms   from sending an answer to its acknowledgement, at the client
    db_us_per_answer    CPU of all PostgreSQL processes per answer, microseconds
    client_cpu_share    of one core, in the durable parts: well below 1 means that the client was not the limit
"""

import argparse
import asyncio
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.answers_server import Place, prepare
from benchmarks.processes import cpu_seconds, family_cpu_seconds, pin

PAYLOAD = b'{"type":"respond","seq":%d,"position":0,"stage":0,"value":["%b"]}'


class Talker(WSListener):
    """One connection with one message in flight: answers, or echoes of the same bytes."""

    def __init__(self, answers: bool, choices: tuple[bytes, ...]) -> None:
        self.answers = answers
        self.choices = choices
        self.seq = 0
        self.counted = 0
        self.running = False
        self.sent_at = 0.0
        self.delays: list[float] = []
        self.ready = asyncio.get_running_loop().create_future()
        self.idle = asyncio.get_running_loop().create_future()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        if not self.answers:
            self.ready.set_result(None)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before it was ready"))
        elif self.running:
            self.idle.set_exception(ConnectionError("closed in the middle"))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != WSMsgType.TEXT:
            return
        if self.running:
            self.delays.append(perf_counter() - self.sent_at)
            self.counted += 1
            self.say()
            return
        payload = frame.get_payload_as_bytes()
        if not self.ready.done():
            message = json.loads(payload)
            if message["type"] == "snapshot":
                self.seq = message["seq"]
                self.ready.set_result(None)
        elif not self.idle.done():
            if self.answers and not payload.startswith(b'{"type":"ack"'):
                self.idle.set_exception(RuntimeError(payload.decode()))
            else:
                self.idle.set_result(None)

    def say(self) -> None:
        self.seq += 1
        self.sent_at = perf_counter()
        self.transport.send(WSMsgType.TEXT, PAYLOAD % (self.seq, self.choices[self.seq % len(self.choices)]))

    def begin(self) -> None:
        self.idle = asyncio.get_running_loop().create_future()
        self.running = True
        self.say()


async def talk(
    port: int, place: Place, answers: bool, connections: int, seconds: float
) -> tuple[int, list[float], float]:
    """Run one part: how many were answered, their delays in seconds, and the server's CPU seconds."""
    talkers: list[Talker] = []
    for number in range(connections):
        sitting, token = place.sittings[number]
        path = f"ws/sittings/{sitting}?stream=benchmark0" if answers else "ws/plain-echo"
        talker = Talker(answers, place.choices)
        await ws_connect(
            lambda talker=talker: talker,
            f"ws://127.0.0.1:{port}/{path}",
            extra_headers={"Cookie": f"login={token}", "Origin": f"http://127.0.0.1:{port}"},
        )
        talkers.append(talker)
        await talker.ready
    for talker in talkers:
        talker.begin()
    await asyncio.sleep(min(1.0, seconds / 5))
    for talker in talkers:
        talker.delays.clear()
    before, server = sum(t.counted for t in talkers), cpu_seconds(place.server)
    await asyncio.sleep(seconds)
    counted, used = sum(t.counted for t in talkers) - before, cpu_seconds(place.server) - server
    delays = [delay for talker in talkers for delay in talker.delays]
    for talker in talkers:
        talker.running = False
    await asyncio.gather(*(talker.idle for talker in talkers))
    for talker in talkers:
        talker.transport.disconnect()
    return counted, delays, used


async def measure(port: int, place: Place, connections: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Alternate echo and durable parts and condense them."""
    echo, durable, ratios, database, shares = [], [], [], [], []
    delays: list[float] = []
    for number in range(rounds):
        count, _, used = await talk(port, place, False, connections, seconds)
        echo.append(count / used)
        data, mine, wall = family_cpu_seconds(place.postmaster), own_cpu(), perf_counter()
        count, late, used = await talk(port, place, True, connections, seconds)
        durable.append(count / used)
        ratios.append(durable[-1] / echo[-1])
        database.append((family_cpu_seconds(place.postmaster) - data) / count * 1e6)
        shares.append((own_cpu() - mine) / (perf_counter() - wall))
        delays += late
        print(
            f"round {number + 1}: echo {echo[-1]:.0f}, durable {durable[-1]:.0f} per CPU-second, "
            f"ratio {ratios[-1]:.3f}, {count / seconds:.0f} answers/s, client {shares[-1]:.2f} of a core",
            flush=True,
        )
    delays.sort()
    return {
        "connections": connections,
        "rounds": rounds,
        "seconds": seconds,
        "durable_per_cpu_s": round(statistics.median(durable)),
        "echo_per_cpu_s": round(statistics.median(echo)),
        "ratio": round(statistics.median(ratios), 3),
        "ack_p50_ms": round(delays[len(delays) // 2] * 1e3, 2),
        "ack_p99_ms": round(delays[int(len(delays) * 0.99)] * 1e3, 2),
        "db_us_per_answer": round(statistics.median(database), 1),
        "client_cpu_share": round(statistics.median(shares), 2),
    }


def own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server accepts connections. Raises RuntimeError when it ends instead."""
    while server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.05)
    raise RuntimeError("the server did not start")


def main() -> None:
    """Start PostgreSQL and the server, measure, stop both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="answers-") as folder, prepare(Path(folder), options.connections) as place:
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.answers_server", place.url, str(port), str(cores[0]), folder]
        with subprocess.Popen(command) as server:
            try:
                await_port(port, server)
                place.server = server.pid
                pin(os.getpid(), cores[-1])
                print(
                    json.dumps(uvloop.run(measure(port, place, options.connections, options.seconds, options.rounds)))
                )
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
