"""What others wrote, what nobody settled, what nobody is at: looked after from time to time."""

import pytest

from core.errors import Unavailable
from core.moments import HOUR, MINUTE, SECOND
from exam_server.commands import Extend, Settle, Stop
from exam_server.events import Ended
from exam_server.rounds import REST
from tests.histories.memory import Owner, quiet
from tests.histories.sittings import NOW, PROCTOR, SITTING, UNFOLDING, make_created, make_form, make_rules
from tests.unit.exam_server.room import OTHER, Room, answer


async def test_a_page_sees_what_was_done_elsewhere() -> None:
    room = await Room().enter()
    await room.order(Extend(MINUTE, PROCTOR, 1), Owner(room.log, room.clock))
    await room.owner.rounds.compare()
    await quiet()
    (snapshot,) = room.line.told
    assert snapshot["type"] == "snapshot"
    assert snapshot["deadline"] == NOW + HOUR + MINUTE
    await room.order(Stop(PROCTOR, 2), Owner(room.log, room.clock))
    await room.owner.rounds.compare()
    await quiet()
    assert room.line.told[-1]["ended"] == "proctor"


async def test_a_page_gets_its_next_item_when_another_process_settled() -> None:
    room = await Room(make_created(rules=make_rules("linear"))).enter()
    room.clock.advance(63 * SECOND)
    elsewhere = Owner(room.log, room.clock)
    await room.order(Settle(), elsewhere)
    await room.owner.rounds.compare()
    await quiet()
    room.log.land_all()
    assert room.line.kinds() == ["snapshot", "item"]
    assert room.stored.current == 1


async def test_who_merely_holds_a_sitting_that_goes_on_elsewhere_lets_it_go() -> None:
    room = await Room().enter()
    elsewhere = Owner(room.log, room.clock)
    await elsewhere.conduct.hold(SITTING)
    await elsewhere.rounds.compare()
    assert elsewhere.conduct.held == 1
    room.say(answer(2))
    room.log.land()
    await elsewhere.rounds.compare()
    assert elsewhere.conduct.held == 0


async def test_comparing_leaves_alone_what_nobody_else_touched() -> None:
    room = await Room().enter()
    room.say(answer(2))
    await room.owner.rounds.compare()
    room.log.land()
    await room.owner.rounds.compare()
    await quiet()
    assert room.line.kinds() == ["ack"]


@pytest.mark.parametrize(("ahead", "takes"), [(100, True), (-100, True), (101, False), (-101, False)])
async def test_a_machine_whose_clock_is_off_takes_no_sittings(ahead: int, takes: bool) -> None:
    room = Room()
    room.owner.source.ahead = ahead
    await room.owner.rounds.compare()
    if takes:
        assert await room.owner.conduct.hold(SITTING)
    else:
        with pytest.raises(Unavailable):
            await room.owner.conduct.hold(SITTING)


async def test_a_sweep_settles_what_no_owner_did_and_keeps_nothing() -> None:
    room = await Room(make_created(make_form(UNFOLDING, limit=3 * HOUR))).enter()
    sweeper = Owner(room.log, room.clock)
    room.log.by_itself = True
    room.clock.set(NOW + HOUR + 25_000)
    assert await sweeper.rounds.sweep() == 0
    room.clock.set(NOW + HOUR + 25_001)
    assert await sweeper.rounds.sweep() == 1
    assert room.log.events(SITTING)[-1] == Ended(NOW + HOUR, "exam_time")
    assert sweeper.conduct.held == 0
    assert await sweeper.rounds.sweep() == 0


async def test_a_sweep_that_meets_a_broken_sitting_goes_on_with_the_others() -> None:
    room = Room(make_created(closes_at=NOW + MINUTE))
    room.log.create(OTHER, make_created(closes_at=NOW + MINUTE))
    room.log.rows[SITTING] = room.log.rows[OTHER]  # does not verify as this sitting's
    room.log.by_itself = True
    room.clock.set(NOW + HOUR)
    assert await room.owner.rounds.sweep() == 2
    assert room.log.due == {SITTING: NOW + MINUTE, OTHER: None}


async def test_a_sitting_that_nobody_is_at_is_let_go_after_a_while() -> None:
    room = await Room().enter()
    room.owner.conduct.detach(room.held, room.line)
    room.log.land()
    await room.owner.rounds.compare()
    assert room.owner.conduct.held == 1
    room.clock.advance(REST + 1)
    await room.owner.rounds.compare()
    assert room.owner.conduct.held == 0


async def test_a_sitting_that_is_over_is_let_go_as_soon_as_nobody_is_at_it() -> None:
    room = await Room().enter()
    await room.order(Stop(PROCTOR, 1))
    await room.owner.rounds.compare()
    assert room.owner.conduct.held == 1, "its page is shown how it ended"
    room.owner.conduct.detach(room.held, room.line)
    room.log.land_all()
    await room.owner.rounds.compare()
    assert room.owner.conduct.held == 0
