"""Long logs, read with room for everybody else in between: a candidate may make one as long as they like."""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import islice

from core.ids import SittingId
from exam_server.chain import Row, follow_chain
from exam_server.events import AnyEvent
from exam_server.sitting import Sitting, evolve, fold

AT_A_TURN = 1_000
"""Events that are read or folded at a stretch, some 20 ms of work."""


async def read_in_turns(sitting_id: SittingId, rows: list[Row]) -> list[AnyEvent]:
    """All events of a sitting in order, every link checked. Raises chain.BrokenChain."""
    following = follow_chain(sitting_id, rows)
    events = list(islice(following, AT_A_TURN))
    while some := list(islice(following, AT_A_TURN)):
        await asyncio.sleep(0)
        events += some
    return events


async def fold_in_turns(sitting_id: SittingId, events: Iterable[AnyEvent]) -> Sitting:
    """A sitting from all its events, oldest first. Raises what their reading raises, and ValueError as `fold` does."""
    rest: Iterator[AnyEvent] = iter(events)
    state = fold(sitting_id, islice(rest, AT_A_TURN))
    while some := list(islice(rest, AT_A_TURN)):
        await asyncio.sleep(0)
        for event in some:
            state = evolve(state, event)
    return state
