"""A long log is read and folded a part at a time."""

import asyncio
from collections.abc import Awaitable

import pytest

from exam_server import turns
from exam_server.chain import follow_chain
from exam_server.commands import Flag
from exam_server.turns import fold_in_turns, read_in_turns
from tests.histories.memory import Owner
from tests.histories.sittings import SITTING
from tests.unit.exam_server.room import Room


async def test_a_long_log_is_read_with_room_for_others_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "AT_A_TURN", 3)
    room = await Room().enter()
    for seq in range(2, 12):
        room.say(Flag(seq, 0, seq % 2 == 0))
        room.log.land_all()
    rows, events = room.log.rows[SITTING], room.log.events(SITTING)
    for work in (read_in_turns(SITTING, rows), fold_in_turns(SITTING, events)):
        assert await passed_during(work) >= len(events) // 3
    heir = Owner(room.log, room.clock)
    loading = asyncio.ensure_future(heir.conduct.hold(SITTING))
    assert await passed_during(loading) > len(events) // 3
    assert loading.result().state == room.stored


async def passed_during(work: Awaitable[object]) -> int:
    """How often everybody else had a turn before it was done."""
    task = asyncio.ensure_future(work)
    passed = 0
    while not task.done():
        await asyncio.sleep(0)
        passed += 1
    await task
    return passed


async def test_in_turns_the_same_events_and_the_same_state_come_out(monkeypatch: pytest.MonkeyPatch) -> None:
    room = await Room().enter()
    for seq in range(2, 9):
        room.say(Flag(seq, 0, seq % 2 == 0))
        room.log.land_all()
    rows, events = room.log.rows[SITTING], room.log.events(SITTING)
    for stretch in (1, 2, len(events) - 1, len(events), len(events) + 1):
        monkeypatch.setattr(turns, "AT_A_TURN", stretch)
        assert await read_in_turns(SITTING, rows) == events
        assert await fold_in_turns(SITTING, events) == room.stored
        assert await fold_in_turns(SITTING, follow_chain(SITTING, rows)) == room.stored


async def test_a_log_without_a_beginning_is_refused_as_it_is_at_a_stretch() -> None:
    with pytest.raises(ValueError, match="does not begin"):
        await fold_in_turns(SITTING, [])
