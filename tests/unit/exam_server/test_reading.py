"""Reading a sitting, and reading it again, whatever the database does meanwhile."""

import pytest

from core.errors import NotFound
from core.ids import SittingId
from core.moments import SECOND
from exam_server.commands import Extend
from exam_server.held import MAX_WAITING
from tests.histories.memory import quiet
from tests.histories.sittings import PROCTOR, SITTING
from tests.unit.exam_server.room import Room, answer, overtake


async def test_what_goes_wrong_while_reading_again_is_tried_again() -> None:
    room = await Room().enter()
    room.say(answer(2))
    await overtake(room, Extend(SECOND, PROCTOR, 1))
    good = room.log.rows[SITTING]
    room.log.rows[SITTING] = [good[0], *good[2:]]  # reads as a broken chain
    room.log.land()
    await quiet()
    assert room.line.acks() == []
    room.log.rows[SITTING] = good
    await quiet()
    room.log.land_all()
    assert room.line.acks() == [2]


async def test_reading_again_waits_for_the_database() -> None:
    room = await Room().enter()
    room.say(answer(2))
    room.owner.source.away = True
    room.log.land_unheard()
    await room.owner.source.refused.wait()
    room.say(*(answer(seq) for seq in range(3, 3 + MAX_WAITING + 1)))
    await quiet()
    assert room.line.refusals() == [("busy", 3 + MAX_WAITING)]
    room.owner.source.away = False
    await quiet()
    room.log.land_all()
    assert room.line.acks() == [2, 3, 2 + MAX_WAITING]


async def test_a_sitting_that_does_not_exist() -> None:
    with pytest.raises(NotFound):
        await Room().owner.conduct.hold(SittingId(404))
