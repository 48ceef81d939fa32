"""Plays seeds and adds up what was seen."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import structlog
from msgspec import Struct

from tests.simulation.pages import Pages
from tests.simulation.plants import PLANTS
from tests.simulation.world import World

ABREAST = 32
"""Seeds that are played side by side."""


class Outcome(Struct, frozen=True):
    """One seed. `digest` is that of everything that happened."""

    seed: int
    sittings: int
    hours: float
    answers: int
    late: int
    faults: int
    orders: int
    violations: tuple[str, ...]
    digest: str


class Stage:
    """A JavaScript engine and a planted bug, or none; plays many seeds side by side. What one seed's day is like does
    not depend on the others.
    """

    def __init__(self, plant: str = "none") -> None:
        self._plant = PLANTS[plant]()
        self._pages = Pages(self._plant.spoiled)

    def play(self, seeds: Iterable[int], trace: bool = False, perfect: bool = False) -> Iterator[Outcome]:
        """`perfect`: one process, and nothing goes wrong. The outcomes come as they are ready."""
        days: list[tuple[World, Iterator[None]]] = []
        try:
            with self._plant.planted(), unheard():
                yield from self._go_through(days, iter(seeds), trace, perfect)
        finally:
            for world, _ in days:
                world.end()

    def _go_through(
        self, days: list[tuple[World, Iterator[None]]], waiting: Iterator[int], trace: bool, perfect: bool
    ) -> Iterator[Outcome]:
        while True:
            for seed in islice(waiting, ABREAST - len(days)):
                world = World(seed, self._plant, trace, perfect)
                days.append((world, world.run()))
            over = [world for world, run in days if next(run, self) is self]
            days[:] = [day for day in days if day[0] not in over]
            yield from map(outcome, over)
            if not days and not over:
                return
            asked = [world.timeline.asked.popleft() for world, _ in days]
            for (world, _), told in zip(days, self._pages.do(asked) if asked else (), strict=True):
                world.heed(*told)

    def close(self) -> None:
        self._pages.close()


def outcome(world: World) -> Outcome:
    seen = world.witness
    return Outcome(
        world.seed,
        len(world.candidates),
        seen.hours(),
        seen.counts["answers"],
        seen.counts["late"],
        world.faults.count,
        world.staff.count,
        tuple(world.timeline.violations),
        world.timeline.digest,
    )


def play(seeds: Iterable[int], plant: str = "none", trace: bool = False, perfect: bool = False) -> Iterator[Outcome]:
    stage = Stage(plant)
    try:
        yield from stage.play(seeds, trace, perfect)
    finally:
        stage.close()


def play_share(share: tuple[list[int], str]) -> list[Outcome]:
    """Some seeds with a plant, in a process of their own."""
    return list(play(*share))


@contextmanager
def unheard() -> Iterator[None]:
    """The engine's log lines about what goes wrong here belong to nobody."""
    before = structlog.get_config()

    def drop(logger: Any, name: str, event: Any) -> Any:
        raise structlog.DropEvent

    structlog.configure(processors=[drop])
    try:
        yield
    finally:
        structlog.configure(**before)
