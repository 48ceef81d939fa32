"""Answers that come when they come: arrivals do not wait for acknowledgements.

Arrivals are random (exponential gaps, a candidate drawn for each), at one rate for all connections together. Delays
count from the moment an answer was due, so that a client or server that falls behind shows. Measured are

    offered_per_s, achieved_per_s   answers due, and acknowledged, per second of the measured time
    ack_p50_ms, ack_p99_ms          from the moment an answer was due to its acknowledgement; one that never came
                                    counts with the time it was waited for
    ack_p99_ms_of_a_second          the median over the seconds of the p99 of answers due in each: what it is while
                                    nothing else keeps client, server or disk from working
    us_per_answer                   CPU of the server process per acknowledged answer, microseconds
    client_stall_ms                 the longest that the client itself was kept from running meanwhile: on a machine
                                    that others use, delays of that length are not the server's

for the log as it is, and under `single_…` for one that commits each answer in a transaction of its own.
"""

import asyncio
import contextlib
import statistics
from collections import defaultdict
from collections.abc import Sequence
from random import Random
from time import perf_counter

from benchmarks.hall import Hall
from benchmarks.processes import cpu_seconds
from benchmarks.talkers import Talker, connect, fall_silent
from benchmarks.visitors import percentile_ms

WARM_UP = 1.0
TICK = 0.005
PATIENCE = 10.0
"""Seconds to wait for what was not acknowledged at the end."""


async def measure_open_loop(hall: Hall, port: int, server: int, rate: float, seconds: float) -> dict[str, float]:
    talkers = await connect(hall.seats, port)
    random = Random(1)
    await _arrive(talkers, rate, min(WARM_UP, seconds), random)
    for talker in talkers:
        talker.forget()
    before, used = sum(len(talker.sent) for talker in talkers), cpu_seconds(server)
    stall = asyncio.create_task(_longest_stall())
    offered = await _arrive(talkers, rate, seconds, random)
    stall.cancel()
    achieved, used = sum(talker.counted for talker in talkers), cpu_seconds(server) - used
    await fall_silent(talkers, PATIENCE)
    now = perf_counter()
    dues = [due for talker in talkers for due in (*talker.dues, *talker.sent)]
    delays = [delay for talker in talkers for delay in (*talker.delays, *(now - due for due in talker.sent))]
    assert len(delays) == offered + before
    first, seconds_of = min(dues), defaultdict[int, list[float]](list)
    for due, delay in zip(dues, delays, strict=True):
        seconds_of[int(due - first)].append(delay)
    return {
        "offered_per_s": round(offered / seconds, 1),
        "achieved_per_s": round(achieved / seconds, 1),
        "ack_p50_ms": percentile_ms(delays, 0.5),
        "ack_p99_ms": percentile_ms(delays, 0.99),
        "ack_p99_ms_of_a_second": statistics.median(percentile_ms(some, 0.99) for some in seconds_of.values()),
        "us_per_answer": round(used / max(1, achieved) * 1e6, 1),
        "client_stall_ms": round(await stall * 1e3, 1),
    }


async def _longest_stall() -> float:
    """Until cancelled: by how much a short sleep was exceeded at most, seconds."""
    longest, last = 0.0, perf_counter()
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(TICK)
            now = perf_counter()
            longest, last = max(longest, now - last - TICK), now
    return longest


async def _arrive(talkers: Sequence[Talker], rate: float, seconds: float, random: Random) -> int:
    """Let answers arrive for so long; how many."""
    began, count = perf_counter(), 0
    due = began + random.expovariate(rate)
    while due < began + seconds:
        pause = due - perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        random.choice(talkers).say(due)
        count += 1
        due += random.expovariate(rate)
        if count % 100 == 0:
            await asyncio.sleep(0)  # acknowledgements are heard even when there is no pause
    return count
