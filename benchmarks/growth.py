"""Does an answer cost more where more sittings are held, and how punctual are thousands of deadlines?

    python -m benchmarks.growth --sittings 100 1000 5000 --deadlines 5000

**Answers.** A server process for each number of held, connected sittings, all on one PostgreSQL in the same run. In
turn, round after round, each gets answers from as many pages at a time (`--in-flight`), going round all of its
sittings. What the process uses when nothing is said is taken off: the cost of idle sittings is not an answer's, and is
printed beside it.

**Timers.** Candidates begin spread over `--minute` seconds, each with an item on screen that locks as many seconds
later: so many deadlines within a minute. Nobody says a word; the error is the moment at which the page hears that the
item is closed, less deadline and grace (one machine, one clock). The last line is JSON:

    cpu_us_per_answer    of the server process, for each number of sittings: median over the rounds
    cpu_ratio            highest of them / lowest
    idle_cpu             share of a core that holding so many costs, the regular look at the log included
    timer_p50_ms, timer_p99_ms, timer_most_ms, timers   errors of the deadlines, and how many there were
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import statistics
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from time import perf_counter, time
from typing import Any

import uvloop

from benchmarks.hall import Hall, Plan, Seat, open_hall, served
from benchmarks.processes import cpu_seconds, pin
from benchmarks.visitors import Page, allow_files, in_turn, open_page, percentile_ms

AT_ONCE = 64
GRACE_MS = 2_000
"""On a live connection, as the rules have it."""
SETTLE_SECONDS = 2.0


class Answering:
    """A page that answers the item on screen when it is told to."""

    def __init__(self) -> None:
        self.page: Page
        self.seq = 0
        self.body = b""
        self.acknowledged: asyncio.Future[None] | None = None

    def hear(self, page: Page, message: dict[str, Any]) -> None:
        if message["type"] == "snapshot":
            item = message["item"]
            self.seq = message["seq"]
            choice = item["content"]["stages"][0]["choices"][0]["id"]
            self.body = b',"position":%d,"stage":0,"value":["%b"]}' % (item["position"], choice.encode())
        elif message["type"] == "ack" and self.acknowledged is not None:
            self.acknowledged.set_result(None)
            self.acknowledged = None

    async def answer(self) -> None:
        self.seq += 1
        told = self.acknowledged = asyncio.get_running_loop().create_future()
        self.page.say(b'{"type":"respond","seq":%d' % self.seq + self.body)
        await told


class Level:
    """A server process with so many pages at it."""

    def __init__(self, port: int, server: int, seats: Sequence[Seat]) -> None:
        self.port = port
        self.server = server
        self.seats = seats
        self.pages: list[Answering] = []
        self.costs: list[float] = []
        self.idle: list[float] = []

    async def fill(self) -> None:
        async def come(number: int) -> None:
            answering = Answering()
            answering.page = await open_page(self.seats[number], self.port, answering.hear)
            self.pages.append(answering)

        await in_turn(len(self.seats), AT_ONCE, come)

    async def rest(self, seconds: float) -> None:
        used = cpu_seconds(self.server)
        await asyncio.sleep(seconds)
        self.idle.append((cpu_seconds(self.server) - used) / seconds)

    async def work(self, seconds: float, in_flight: int) -> None:
        turn, count, end = deque(self.pages), 0, perf_counter() + seconds

        async def go() -> None:
            nonlocal count
            while perf_counter() < end:
                answering = turn.popleft()  # the one that has been quiet for longest
                await answering.answer()
                turn.append(answering)
                count += 1

        began, used = perf_counter(), cpu_seconds(self.server)
        await asyncio.gather(*(go() for _ in range(min(in_flight, len(self.pages)))))
        used, spent = cpu_seconds(self.server) - used, perf_counter() - began
        self.costs.append((used - self.idle[-1] * spent) / count * 1e6)


async def compare(levels: Sequence[Level], seconds: float, rounds: int, in_flight: int) -> dict[str, Any]:
    for level in levels:
        await level.fill()
    await asyncio.sleep(SETTLE_SECONDS)
    for number in range(rounds):
        for level in levels:
            await level.rest(seconds / 2)
            await level.work(seconds, in_flight)
        costs = ", ".join(f"{len(level.seats)}: {level.costs[-1]:.1f}" for level in levels)
        print(f"round {number + 1}: us per answer at {costs}", flush=True)
    medians = [statistics.median(level.costs) for level in levels]
    for level in levels:
        for answering in level.pages:
            answering.page.cut()
    return {
        "sittings": [len(level.seats) for level in levels],
        "cpu_us_per_answer": [round(cost, 1) for cost in medians],
        "cpu_ratio": round(max(medians) / min(medians), 3),
        "idle_cpu": [round(statistics.median(level.idle), 3) for level in levels],
    }


async def watch(seat: Seat, port: int, after: float, patience: float) -> float | None:
    """Begin, wait for the item to be closed: by how many ms that was off. None where it was not heard of."""
    await asyncio.sleep(after)
    closed = asyncio.get_running_loop().create_future()
    deadline: list[int] = []

    def heard(page: Page, message: dict[str, Any]) -> None:
        match message["type"]:
            case "snapshot":
                page.say(b'{"type":"start","seq":1}')
            case "item" if not deadline:
                deadline.append(message["item"]["deadline"])
            case "closed" if not closed.done():
                closed.set_result(time() * 1e3 - deadline[0] - GRACE_MS)

    page = await open_page(seat, port, heard)
    try:
        async with asyncio.timeout(patience):
            error: float = await closed
            return error
    except TimeoutError:
        return None
    finally:
        page.cut()


async def keep_time(seats: Sequence[Seat], port: int, minute: float) -> dict[str, Any]:
    random = Random(1)
    found = await asyncio.gather(*(watch(seat, port, random.random() * minute, minute + 30) for seat in seats))
    errors = [error / 1e3 for error in found if error is not None]
    return {
        "timers": len(errors),
        "unheard": len(found) - len(errors),
        "within_s": minute,
        "early": sum(error < 0 for error in errors),
        "timer_p50_ms": percentile_ms(errors, 0.5),
        "timer_p99_ms": percentile_ms(errors, 0.99),
        "timer_most_ms": percentile_ms(errors, 1.0),
    }


@contextlib.contextmanager
def held(hall: Hall, sittings: Sequence[int], core: int, folder: Path) -> Iterator[list[Level]]:
    """A server process for each number of sittings."""
    with contextlib.ExitStack() as stack:
        seats, levels = iter(hall.seats), []
        for number, count in enumerate(sittings):
            place = folder / f"server-{number}"
            place.mkdir()
            port, server = stack.enter_context(served("app", core, place, hall.url))
            levels.append(Level(port, server, list(itertools.islice(seats, count))))
        yield levels


def main() -> None:
    parser = argparse.ArgumentParser(description="The cost of an answer by sittings held; the error of deadlines.")
    parser.add_argument("--sittings", type=int, nargs="+", default=[100, 1_000, 5_000])
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--deadlines", type=int, default=5_000)
    parser.add_argument("--minute", type=float, default=60.0)
    options = parser.parse_args()
    allow_files(sum(options.sittings) + options.deadlines + 1_000)
    cores = sorted(os.sched_getaffinity(0))
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="growth-") as name:
        folder = Path(name)
        with (
            open_hall(folder, sum(options.sittings), Plan(started=True)) as hall,
            held(hall, options.sittings, cores[0], folder) as levels,
        ):
            os.sched_setaffinity(0, {cores[-1]})
            found |= uvloop.run(compare(levels, options.seconds, options.rounds, options.in_flight))
    os.sched_setaffinity(0, set(cores))
    with tempfile.TemporaryDirectory(prefix="growth-") as name:
        folder = Path(name)
        timed = Plan(limits=(round(options.minute * 1e3),))
        with (
            open_hall(folder, options.deadlines, timed) as hall,
            served("app", cores[0], folder, hall.url) as (port, _),
        ):
            pin(os.getpid(), cores[-1])
            found |= uvloop.run(keep_time(hall.seats, port, options.minute))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
