"""How many candidates two cores carry, each answering every 30 seconds, without cameras.

    python -m benchmarks.capacity --candidates 10000 --drive 5000

So many as `--drive` says are really there, on real connections to one server process and one PostgreSQL: they begin,
keep quiet for a while but for their page's ping every 5 seconds, then each answers and goes on to the next item every
30 seconds. The CPU of server and PostgreSQL in each part gives what a start, a quiet connection and an answer cost;
what is beyond `--drive` is arithmetic with these figures, and is called that. The last line is JSON:

    candidates            how many were really driven: `driven`; p99_ms and refused are theirs
    refused               starts, answers and steps that did not get what they asked for, and connections lost
    start_ms_cpu          from the handshake to the first item, server and PostgreSQL
    idle_us_cpu           a connected candidate for a second: ping, held sitting, timers
    answer_us_cpu         an answer, acknowledged
    step_us_cpu           an answer and going on to the next item
    cpu_share_at_driven   of both cores together while everybody answers, the client's own share left out
    by_arithmetic         how many candidates server and PostgreSQL would carry on two cores at `load` of their time
    carries               whether by_arithmetic reaches --candidates
    times_less_per_answer, times_less_per_start   beside Moodle 4.5: 22 ms and 120 ms of a server's CPU
"""

import argparse
import asyncio
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import uvloop

from benchmarks.hall import Hall, Seat, open_hall, served
from benchmarks.processes import cpu_seconds, family_cpu_seconds, pin
from benchmarks.visitors import Page, allow_files, open_page, percentile_ms

PING_SECONDS = 5.0
CORES = 2
LOAD = 0.75
"""Of the cores' time that is planned with: the rest is for what comes all at once."""
MOODLE_ANSWER_US, MOODLE_START_MS = 22_000.0, 120.0
PATIENCE = 30.0


class Candidate:
    """A page with a ping every 5 seconds, and somebody who answers now and then."""

    def __init__(self, seat: Seat, port: int, random: Random) -> None:
        self.seat = seat
        self.port = port
        self.random = random
        self.delays: list[float] = []
        self.failures = 0
        self.answers = 0
        self.page: Page | None = None
        self._seq = 0
        self._item: dict[str, Any] | None = None
        self._shown = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self._stopped = asyncio.Event()

    async def begin(self, after: float) -> None:
        await asyncio.sleep(after)
        try:
            self.page = await open_page(self.seat, self.port, self._hear)
            await self._ask(b'{"type":"start","seq":%d}', self._shown)
        except Exception:
            self.failures += 1

    async def ping(self, seconds: float) -> None:
        """Every 5 seconds for so long, beginning at any moment of them."""
        end = perf_counter() + seconds
        await asyncio.sleep(self.random.random() * PING_SECONDS)
        while perf_counter() < end and self.page is not None:
            self.page.say(b'{"type":"ping","sent":1}')
            await asyncio.sleep(PING_SECONDS)

    async def answer(self, seconds: float, every: float, steps: bool) -> None:
        """Every so many seconds for so long; with `steps` it goes on to the next item each time."""
        end = perf_counter() + seconds
        pause = self.random.random() * every
        while self._item is not None and perf_counter() + pause < end:
            await asyncio.sleep(pause)
            pause, item = every, self._item
            choice = self.random.choice(item["content"]["stages"][0]["choices"])["id"]
            body = b'"position":%d,"stage":0,"value":["%b"]}' % (item["position"], choice.encode())
            try:
                began = perf_counter()
                await self._ask(b'{"type":"respond","seq":%d,' + body, self._acknowledged)
                self.delays.append(perf_counter() - began)
                self.answers += 1
                if steps:
                    place = (item["position"] + 1) % 80
                    await self._ask(b'{"type":"show","seq":%d,"position":' + b"%d}" % place, self._shown)
            except TimeoutError:
                self.failures += 1

    async def _ask(self, message: bytes, told: asyncio.Event) -> None:
        assert self.page is not None
        self._seq += 1
        told.clear()
        self.page.say(message % self._seq)
        async with asyncio.timeout(PATIENCE):
            await told.wait()

    def _hear(self, page: Page, message: dict[str, Any]) -> None:
        match message["type"]:
            case "ack":
                self._acknowledged.set()
            case "item":
                self._item = message["item"]
                self._shown.set()
            case "refused":
                self.failures += 1


class Meter:
    """CPU of the server process and of PostgreSQL, seconds, since it was made."""

    def __init__(self, hall: Hall, server: int) -> None:
        self._hall = hall
        self._server = server
        self._began = perf_counter()
        self._at = self._read()

    def _read(self) -> tuple[float, float]:
        return cpu_seconds(self._server), family_cpu_seconds(self._hall.postmaster)

    def read(self) -> tuple[float, float, float]:
        """Server, PostgreSQL, and how many seconds it took."""
        server, database = self._read()
        return server - self._at[0], database - self._at[1], perf_counter() - self._began


async def measure(hall: Hall, port: int, server: int, options: argparse.Namespace) -> dict[str, Any]:
    crowd = [Candidate(seat, port, Random(number)) for number, seat in enumerate(hall.seats)]
    count = len(crowd)

    meter = Meter(hall, server)
    await asyncio.gather(*(one.begin(number * options.within / count) for number, one in enumerate(crowd)))
    starting = meter.read()
    print(f"everybody has begun: {starting[0]:.1f} s of server, {starting[1]:.1f} s of PostgreSQL", flush=True)

    parts: dict[str, tuple[float, float, float]] = {}
    answers: dict[str, int] = {}
    for part in ("idle", "answers", "steps"):
        before, meter = sum(one.answers for one in crowd), Meter(hall, server)
        pings = asyncio.gather(*(one.ping(options.seconds) for one in crowd))
        if part != "idle":
            await asyncio.gather(*(one.answer(options.seconds, options.every, part == "steps") for one in crowd))
        await pings
        parts[part], answers[part] = meter.read(), sum(one.answers for one in crowd) - before
        used = parts[part]
        print(f"{part}: {used[0]:.1f} + {used[1]:.1f} s of CPU in {used[2]:.1f} s, {answers[part]} answers", flush=True)
    lost = sum(one.page is None or one.page.gone.done() for one in crowd)
    delays = [delay for one in crowd for delay in one.delays]
    for one in crowd:
        if one.page is not None:
            one.page.cut()

    idle = _rate(parts["idle"]) / count
    answer = (_rate(parts["answers"]) - idle * count) * parts["answers"][2] / answers["answers"]
    step = (_rate(parts["steps"]) - idle * count) * parts["steps"][2] / answers["steps"]
    start = sum(starting[:2]) / count
    most = CORES * LOAD / (idle + step / options.every)
    return {
        "candidates": count,
        "driven": count,
        "wanted": options.candidates,
        "answers": sum(answers.values()),
        "p50_ms": percentile_ms(delays, 0.5),
        "p99_ms": percentile_ms(delays, 0.99),
        "refused": sum(one.failures for one in crowd) + lost,
        "start_ms_cpu": round(start * 1e3, 2),
        "idle_us_cpu": round(idle * 1e6, 1),
        "answer_us_cpu": round(answer * 1e6, 1),
        "step_us_cpu": round(step * 1e6, 1),
        "cpu_share_at_driven": round(_rate(parts["steps"]) / CORES, 3),
        "load": LOAD,
        "by_arithmetic": round(most),
        "carries": most >= options.candidates,
        "times_less_per_answer": round(MOODLE_ANSWER_US / (answer * 1e6)),
        "times_less_per_start": round(MOODLE_START_MS / (start * 1e3)),
    }


def _rate(used: Sequence[float]) -> float:
    """Cores that server and PostgreSQL took together."""
    return (used[0] + used[1]) / used[2]


def main() -> None:
    parser = argparse.ArgumentParser(description="How many candidates two cores carry, without cameras.")
    parser.add_argument("--candidates", type=int, default=10_000, help="how many are wished for")
    parser.add_argument("--drive", type=int, default=5_000, help="how many are really there")
    parser.add_argument("--every", type=float, default=30.0, help="seconds from one answer of a candidate to the next")
    parser.add_argument("--within", type=float, default=20.0, help="seconds over which they begin")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each part")
    options = parser.parse_args()
    allow_files(options.drive + 1_000)
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="capacity-") as name:
        folder = Path(name)
        with open_hall(folder, options.drive) as hall, served("app", cores[0], folder, hall.url) as (port, server):
            pin(os.getpid(), cores[-1])
            print(json.dumps(uvloop.run(measure(hall, port, server, options))))


if __name__ == "__main__":
    main()
