"""`python -m tests.simulation --seeds 1000`: the last line printed is one JSON object; exit code 1 on any violation."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from hashlib import sha256
from multiprocessing import get_context
from operator import attrgetter

from core.clock import elapsed_seconds
from tests.simulation.plants import PLANTS
from tests.simulation.play import Outcome, play, play_share

SHOWN = 5
"""Violations printed of one seed."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds to play")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--seed", type=int, help="play exactly this one")
    parser.add_argument("--trace", action="store_true", help="with --seed: print everything that happens")
    parser.add_argument("--perfect", action="store_true", help="with --seed: nothing goes wrong")
    parser.add_argument("--plant", choices=sorted(PLANTS), default="none", help="a bug to be found")
    parser.add_argument("--processes", type=int, default=1, help="cores to spread the seeds over")
    asked = parser.parse_args()
    begun, worked = elapsed_seconds(), cpu_seconds()
    outcomes = []
    for outcome in _play(asked):
        outcomes.append(outcome)
        if outcome.violations:
            print(f"seed {outcome.seed}: {len(outcome.violations)} violations")
            for violation in outcome.violations[:SHOWN]:
                print(f"  {violation}", flush=True)
            plant = "" if asked.plant == "none" else f" --plant {asked.plant}"
            print(f"  again: python -m tests.simulation --seed {outcome.seed}{plant}")
    seconds = elapsed_seconds() - begun
    worked = cpu_seconds() - worked
    hours = sum(outcome.hours for outcome in outcomes)
    report: dict[str, object] = {
        "seeds": len(outcomes),
        "sittings": sum(outcome.sittings for outcome in outcomes),
        "simulated_hours": round(hours, 1),
        "answers": sum(outcome.answers for outcome in outcomes),
        "late": sum(outcome.late for outcome in outcomes),
        "faults": sum(outcome.faults for outcome in outcomes),
        "orders": sum(outcome.orders for outcome in outcomes),
        "violations": sum(len(outcome.violations) for outcome in outcomes),
        "failing_seeds": sum(bool(outcome.violations) for outcome in outcomes),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(worked, 1),
        "hours_per_minute": round(hours / seconds * 60),
        "hours_per_cpu_minute": round(hours / worked * 60),
        "processes": asked.processes,
    }
    traces = "".join(outcome.digest for outcome in sorted(outcomes, key=attrgetter("seed")))
    report["digest"] = outcomes[0].digest if asked.seed is not None else sha256(traces.encode()).hexdigest()
    if asked.plant != "none":
        report["plant"] = asked.plant
    print(json.dumps(report))
    return 1 if report["violations"] else 0


def cpu_seconds() -> float:
    """What this process and those it started have worked, on all cores."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _play(asked: argparse.Namespace) -> Iterator[Outcome]:
    if asked.seed is not None:
        yield from play([asked.seed], asked.plant, asked.trace, asked.perfect)
        return
    seeds = range(asked.first, asked.first + asked.seeds)
    if asked.processes == 1:
        yield from play(seeds, asked.plant)
        return
    shares = [(list(seeds[start :: asked.processes * 8]), asked.plant) for start in range(asked.processes * 8)]
    with get_context("spawn").Pool(asked.processes) as pool:
        for outcomes in pool.imap(play_share, shares):
            yield from outcomes


if __name__ == "__main__":
    sys.exit(main())
