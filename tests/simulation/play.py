"""Plays seeds and adds up what was seen."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from msgspec import Struct

from tests.simulation.pages import Pages
from tests.simulation.plants import PLANTS
from tests.simulation.world import World


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
    """A JavaScript engine and a planted bug, or none; plays one seed after the other."""

    def __init__(self, plant: str = "none") -> None:
        self._plant = PLANTS[plant]()
        self._pages = Pages(self._plant.spoiled)

    def play(self, seed: int, trace: bool = False, perfect: bool = False) -> Outcome:
        """`perfect`: one process, and nothing goes wrong."""
        with self._plant.planted(), unheard():
            world = World(seed, self._pages, self._plant, trace, perfect)
            world.run()
        seen = world.witness
        return Outcome(
            seed,
            len(world.candidates),
            seen.hours(),
            seen.counts["answers"],
            seen.counts["late"],
            world.faults.count,
            world.staff.count,
            tuple(world.timeline.violations),
            world.timeline.digest,
        )

    def close(self) -> None:
        self._pages.close()


@contextmanager
def stage(plant: str = "none") -> Iterator[Stage]:
    made = Stage(plant)
    try:
        yield made
    finally:
        made.close()


def play(seeds: Iterable[int], plant: str = "none") -> Iterator[Outcome]:
    with stage(plant) as made:
        for seed in seeds:
            yield made.play(seed)


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
