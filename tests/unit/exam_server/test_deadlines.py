"""Deadlines are settled at their moment, and what our own outages took is given back before."""

import asyncio

from core.ids import ChoiceId
from core.moments import HOUR, MINUTE, SECOND
from exam_server import timing
from exam_server.commands import CompensateOutage, Extend
from exam_server.events import Ended, ItemExpired, OutageCompensated, Responded, RespondedLate, Shown
from tests.histories.memory import Owner, quiet
from tests.histories.sittings import (
    CHOICE,
    FIRST,
    NOW,
    PROCTOR,
    SECOND_BROWSER,
    SITTING,
    make_created,
    make_form,
    make_rules,
)
from tests.unit.exam_server.room import SURE, Room, answer, land, settle_at

# --- at their moment --------------------------------------------------------------------------------------


async def test_a_live_page_gets_its_next_item_after_deadline_and_grace() -> None:
    room = await Room(make_created(rules=make_rules("linear"))).enter()
    await settle_at(room, NOW + 62_000)
    assert room.line.told == []
    await settle_at(room, NOW + 62_001)
    assert room.line.kinds() == ["closed", "item"]
    assert room.log.events(SITTING)[-2:] == [ItemExpired(NOW + 60_000, 0), Shown(NOW + 62_001, 1)]
    assert room.line.told[-1]["item"]["deadline"] == NOW + 122_001


async def test_without_a_page_items_wait_to_be_shown() -> None:
    room = await Room(make_created(rules=make_rules("linear"))).enter()
    room.owner.conduct.detach(room.held, room.line)
    room.log.land_all()
    await settle_at(room, NOW + 69_000)
    assert room.stored.current == 0
    await settle_at(room, NOW + 71_000)
    assert room.log.events(SITTING)[-1] == ItemExpired(NOW + 60_000, 0)
    _, line = await room.owner.attach(SITTING, FIRST)
    assert line.told[0]["item"]["position"] == 1


async def test_a_deadline_that_moved_is_settled_when_it_comes() -> None:
    room = await Room().enter()
    await room.order(Extend(MINUTE, PROCTOR, 1))
    await settle_at(room, NOW + 63_000)
    assert room.stored.items[0].expired is False
    await settle_at(room, NOW + 122_001)
    assert room.stored.items[0].expired is True


async def test_the_exam_ends_when_nobody_says_anything() -> None:
    room = await Room(make_created(make_form(CHOICE, limit=3 * HOUR))).enter()
    await settle_at(room, NOW + HOUR + 2_001)
    assert room.log.events(SITTING)[-1] == Ended(NOW + HOUR, "exam_time")
    assert room.line.kinds() == ["ended"]
    assert room.log.due[SITTING] is None


async def test_an_answer_within_the_grace_counts_and_one_after_it_is_evidence() -> None:
    room = await Room(make_created(rules=make_rules("linear"))).enter()
    room.clock.set(NOW + 62_000)
    room.say(answer(2))
    room.log.land_all()
    assert room.stored.items[0].answers == (("0.0.a",),)
    room.clock.set(NOW + 62_001)
    room.say(answer(3, "b"))
    room.log.land_all()
    assert room.line.acks() == [2, 3]
    assert [event for event in room.log.events(SITTING) if isinstance(event, RespondedLate)]
    assert "late" in room.line.kinds()
    assert room.stored.items[0].answers == (("0.0.a",),)


async def test_an_answer_that_waited_for_the_database_counts_by_its_receipt() -> None:
    room = await Room().enter()
    room.say(answer(2))
    room.owner.source.away = True
    room.log.land_unheard()
    await room.owner.source.refused.wait()
    room.clock.set(NOW + 61_999)
    room.say(answer(3, "b"))
    room.clock.set(NOW + 5 * MINUTE)
    room.owner.conduct.deadlines.settle_due()
    room.owner.source.away = False
    await quiet()
    room.log.land_all()
    assert room.line.acks() == [2, 3]
    assert Responded(NOW + 61_999, 0, 0, (ChoiceId("0.0.b"),), 3) in room.log.events(SITTING)


async def test_who_merely_holds_a_sitting_leaves_its_deadline_to_the_process_that_has_the_page() -> None:
    """An answer in time may be on its way there, while the database is slow or away."""
    room = await Room().enter()
    other = Owner(room.log, room.clock)
    held = await other.conduct.hold(SITTING)
    room.clock.set(NOW + 61_000)
    room.say(answer(2))
    room.clock.set(NOW + 70_000)
    for _ in range(2):
        other.conduct.deadlines.settle_due()
        await quiet()
        assert not other.pipe.sent
        await other.rounds.compare()  # what was written there since is looked at, and settles nothing either
        other.conduct.reload(held)
        await quiet()
    room.log.land_all()
    assert room.stored.items[0].answers == (("0.0.a",),)


async def test_who_merely_holds_a_sitting_settles_it_in_the_end() -> None:
    room = await Room().enter()
    other = Owner(room.log, room.clock)
    await other.conduct.hold(SITTING)
    room.clock.set(NOW + 62_001 + timing.SWEEP_MARGIN)
    other.conduct.deadlines.settle_due()
    await quiet()
    room.log.land_all()
    assert room.stored.items[0].expired


async def test_a_deadline_whose_settling_could_not_be_stored_is_looked_at_again() -> None:
    room = await Room().enter()
    other = Owner(room.log, room.clock)
    await other.conduct.hold(SITTING)
    deadlines = other.conduct.deadlines
    assert deadlines.next_at is not None
    room.clock.set(deadlines.next_at)
    deadlines.settle_due()
    room.log.refuse()
    await quiet()
    assert room.log.on_its_way == []
    deadlines.settle_due()
    room.log.land_all()
    assert room.log.events(SITTING)[-1] == ItemExpired(NOW + 60_000, 0)


# --- our own outages --------------------------------------------------------------------------------------


async def test_a_deadline_that_fell_into_an_outage_is_not_settled_before_the_outage_is_made_good() -> None:
    room = await Room().enter()
    conduct = room.owner.conduct
    conduct.deadlines.assure(NOW + SURE, [])
    room.clock.set(NOW + 63 * SECOND)
    conduct.deadlines.settle_due()
    room.say(answer(2))
    await land(room)
    assert room.line.told == [], "whether the service was away is not known yet"
    outage = CompensateOutage(NOW + 30 * SECOND, 33 * SECOND)
    conduct.deadlines.assure(room.clock.now() + SURE, [outage])
    await land(room)
    kinds = [type(event) for event in room.log.events(SITTING)][-2:]
    assert kinds == [OutageCompensated, Responded]
    assert room.line.acks() == [2]
    assert room.stored.items[0].answers == (("0.0.a",),)
    conduct.deadlines.assure(room.clock.now() + SURE, [outage])
    await land(room)
    assert room.stored.outages == ((outage.began_at, outage.began_at + outage.span),), "once is enough"


async def test_without_an_outage_what_waited_is_settled_as_it_would_have_been() -> None:
    room = await Room().enter()
    room.owner.conduct.deadlines.assure(NOW + SURE, [])
    room.clock.set(NOW + 63 * SECOND)
    room.say(answer(2))
    room.owner.conduct.deadlines.settle_due()
    await land(room)
    assert type(room.log.events(SITTING)[-1]) is Shown
    room.owner.conduct.deadlines.assure(room.clock.now() + SURE, [])
    await land(room)
    events = room.log.events(SITTING)
    assert [event.at for event in events if isinstance(event, ItemExpired)] == [NOW + 60 * SECOND]
    assert any(isinstance(event, RespondedLate) for event in events)
    assert "late" in room.line.kinds()


async def test_while_a_process_is_sure_deadlines_are_settled_at_their_moment() -> None:
    room = await Room().enter()
    room.clock.set(NOW + 63 * SECOND)
    room.owner.conduct.deadlines.assure(room.clock.now() + SURE, [])
    room.owner.conduct.deadlines.settle_due()
    await land(room)
    assert ItemExpired in [type(event) for event in room.log.events(SITTING)]


async def test_a_process_that_reads_a_sitting_makes_outages_good_first() -> None:
    room = await Room().enter()
    heir = Owner(room.log, room.clock)
    room.clock.set(NOW + 10 * MINUTE)
    outage = CompensateOutage(NOW + 30 * SECOND, 9 * MINUTE + 30 * SECOND)
    heir.conduct.deadlines.assure(room.clock.now() + SURE, [outage])
    _, line = await heir.attach(SITTING, FIRST)
    await land(room)
    events = room.log.events(SITTING)
    assert ItemExpired not in [type(event) for event in events]
    assert [event.span for event in events if isinstance(event, OutageCompensated)] == [outage.span]
    assert line.told[0]["item"]["deadline"] == NOW + 60 * SECOND + outage.span


async def test_of_two_outages_that_are_learned_of_at_once_neither_lets_run_out_what_fell_into_the_other() -> None:
    room = await Room().enter()
    deadlines = room.owner.conduct.deadlines
    deadlines.assure(NOW + SURE, [])
    room.clock.set(NOW + 85 * SECOND)
    outages = [CompensateOutage(NOW + 10 * SECOND, 10 * SECOND), CompensateOutage(NOW + 25 * SECOND, 60 * SECOND)]
    deadlines.assure(room.clock.now() + SURE, outages)
    await land(room)
    assert ItemExpired not in [type(event) for event in room.log.events(SITTING)]
    assert room.stored.extra == 70 * SECOND


async def test_a_process_that_makes_an_outage_good_while_it_is_not_sure_settles_nothing_with_it() -> None:
    room = await Room().enter()
    other = Owner(room.log, room.clock)
    other.conduct.deadlines.assure(NOW + 20 * SECOND + SURE, [CompensateOutage(NOW + 10 * SECOND, 10 * SECOND)])
    room.clock.set(NOW + 85 * SECOND)
    await other.conduct.hold(SITTING)
    await land(room)
    assert room.log.events(SITTING)[-1] == OutageCompensated(
        NOW + 20 * SECOND + SURE, 10 * SECOND, NOW + 10 * SECOND, NOW + 20 * SECOND
    )


async def test_two_processes_give_the_time_back_once() -> None:
    room = await Room().enter()
    other = Owner(room.log, room.clock)
    await other.conduct.hold(SITTING)
    room.clock.set(NOW + 50 * SECOND)
    outage = CompensateOutage(NOW + 20 * SECOND, 30 * SECOND)
    for owner in (room.owner, other):
        owner.conduct.deadlines.assure(room.clock.now() + SURE, [outage])
    await land(room)
    assert [type(event) for event in room.log.events(SITTING)].count(OutageCompensated) == 1
    assert (await other.conduct.hold(SITTING)).state == room.stored


async def test_what_cut_off_one_process_is_made_good_to_the_pages_it_has() -> None:
    room = await Room().enter()
    other = Owner(room.log, room.clock)
    await other.conduct.hold(SITTING)
    room.clock.set(NOW + 63 * SECOND)
    own = CompensateOutage(NOW + 40 * SECOND, 23 * SECOND)
    other.conduct.deadlines.assure(room.clock.now() + SURE, [], own)
    await land(room)
    assert OutageCompensated not in [type(event) for event in room.log.events(SITTING)]
    room.owner.conduct.deadlines.assure(NOW + SURE, [])
    room.say(answer(2))
    room.owner.conduct.deadlines.assure(room.clock.now() + SURE, [], own)
    await land(room)
    assert room.stored.outages == ((own.began_at, own.began_at + own.span),)
    assert room.line.acks() == [2]
    assert room.stored.items[0].answers == (("0.0.a",),), "the time was given back before what waited was decided"


async def test_what_two_processes_went_through_at_the_same_time_is_given_to_a_page_of_both_once() -> None:
    room = await Room().enter()
    other = Owner(room.log, room.clock)
    room.clock.set(NOW + 10 * SECOND)
    room.owner.conduct.deadlines.assure(room.clock.now() + SURE, [], CompensateOutage(NOW, 10 * SECOND))
    await land(room)
    room.clock.set(NOW + 11 * SECOND)  # the page goes on at a process that is cut off from the 5th to the 12th second
    going_on = asyncio.ensure_future(other.attach(SITTING, FIRST))
    await land(room)
    await going_on
    room.clock.set(NOW + 12 * SECOND)
    other.conduct.deadlines.assure(room.clock.now() + SURE, [], CompensateOutage(NOW + 5 * SECOND, 7 * SECOND))
    await land(room)
    assert [event.span for event in room.log.events(SITTING) if isinstance(event, OutageCompensated)] == [
        10 * SECOND,
        2 * SECOND,
    ]
    assert room.stored.extra == 12 * SECOND


async def test_who_went_on_elsewhere_while_a_process_was_cut_off_gets_nothing_for_it() -> None:
    room = await Room().enter()
    other = Owner(room.log, room.clock)
    room.clock.set(NOW + 42 * SECOND)
    going_on = asyncio.ensure_future(other.attach(SITTING, SECOND_BROWSER))
    await land(room)
    await going_on
    room.clock.set(NOW + 58 * SECOND)
    own = CompensateOutage(NOW + 40 * SECOND, 18 * SECOND)
    room.owner.conduct.deadlines.assure(room.clock.now() + SURE, [], own)
    for _ in range(50):
        await land(room)
    assert room.line.closed == 4001, "the page that was left was not told"
    assert OutageCompensated not in [type(event) for event in room.log.events(SITTING)]


async def test_an_outage_is_made_good_before_what_a_reload_decides_again() -> None:
    room = await Room().enter()
    conduct = room.owner.conduct
    conduct.deadlines.assure(NOW + SURE, [])
    room.say(answer(2))
    room.owner.source.away = True
    room.log.on_its_way.pop().done("overtaken")
    await asyncio.wait_for(room.owner.source.refused.wait(), 5)
    room.clock.set(NOW + 2 * MINUTE)
    room.say(answer(3, "b"))
    conduct.deadlines.assure(room.clock.now() + SURE, [CompensateOutage(NOW + 10 * SECOND, 110 * SECOND)])
    assert room.log.on_its_way == [], "what the sitting is by now is not known yet"
    room.owner.source.away = False
    for _ in range(50):
        await quiet()
        room.log.land_all()
    assert room.line.acks()[-1] == 3
    assert room.stored.items[0].answers == (("0.0.b",),)
    assert ItemExpired not in [type(event) for event in room.log.events(SITTING)]
