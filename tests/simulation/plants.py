"""Bugs that are planted to see whether they are found. Each changes the running program, never the product."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from core.clock import Clock
from exam_server.event_log import Log
from exam_server.source import Source
from tests.simulation.node import WatchedConduct


class Plant:
    """No bug. `conduct` makes a process's conduct, `spoiled` changes the page's queue, `planted` the modules."""

    spoiled: Mapping[str, str] = {}
    conduct: Callable[[Log, Source, Clock], WatchedConduct] = WatchedConduct

    @contextmanager
    def planted(self) -> Iterator[None]:
        yield


PLANTS: dict[str, type[Plant]] = {"none": Plant}
