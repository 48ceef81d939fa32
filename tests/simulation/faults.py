"""What goes wrong, how often, and for how long: drawn from the seed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.world import World


class Faults:
    def __init__(self, world: "World") -> None:
        self.world = world
        self.count = 0

    def begin(self) -> None:
        pass

    def end(self) -> None:
        pass
