"""The shell around the state machine, over a log whose every answer the test decides."""

import asyncio
from collections.abc import Iterable, Mapping

import pytest
from msgspec.structs import replace

from core.errors import NotFound, Unavailable
from core.ids import ChoiceId, ItemId
from core.moments import HOUR, MINUTE, SECOND
from exam_server.commands import Extend, LockStage, ReplaceForm, Show, Stop
from exam_server.events import Attached, Detached, Extended, ItemExpired, Responded, Shown
from question_bank.candidate_copy import CandidateItem
from tests.histories.memory import Line, Owner, quiet
from tests.histories.sittings import (
    CANDIDATE,
    CHOICE,
    FIRST,
    NOW,
    PROCTOR,
    SECOND_BROWSER,
    SITTING,
    make_created,
    make_form,
)
from tests.unit.exam_server.room import OTHER, Room, answer, overtake

# --- nothing leaves before it is durable ------------------------------------------------------------------


async def test_an_answer_is_acknowledged_when_it_is_durable_and_not_before() -> None:
    room = await Room().enter()
    room.say(answer(2))
    await quiet()
    assert room.line.told == []
    room.log.land()
    assert room.line.acks() == [2]
    assert room.stored.items[0].answers == (("0.0.a",),)


async def test_the_next_item_waits_for_its_commit() -> None:
    room = await Room().enter()
    room.say(Show(2, 1))
    await quiet()
    assert room.line.told == []
    room.log.land()
    assert room.line.kinds() == ["ack", "item"]


async def test_a_snapshot_waits_for_its_commit() -> None:
    room = Room()
    line = Line(room.log, SITTING, FIRST)
    task = asyncio.ensure_future(room.owner.conduct.attach(SITTING, line, FIRST))
    await quiet()
    assert not task.done()
    assert line.told == []
    room.log.land()
    await task
    assert line.kinds() == ["snapshot"]


async def test_the_end_waits_for_its_commit() -> None:
    room = await Room(make_created(make_form(CHOICE))).enter()
    room.say(answer(2), LockStage(3, 0, 0))
    room.log.land()
    assert room.line.kinds() == ["ack"]
    room.log.land()
    assert room.line.told[1:] == [{"type": "ack", "seq": 3}, {"type": "ended", "reason": "completed"}]


async def test_whoever_watches_is_shown_only_what_is_durable() -> None:
    room = await Room().enter()
    room.owner.changes.clear()
    room.say(Show(2, 1), answer(3, position=1))
    room.log.land()  # the answer is decided by now, and on its way
    (state, events), *more = room.owner.changes
    assert (events, more) == ((Shown(NOW, 1, 2),), [])
    assert state.items[1].answers == ((),)


async def test_an_order_returns_when_it_is_durable() -> None:
    room = await Room().enter()
    task = asyncio.ensure_future(room.owner.conduct.order(SITTING, Extend(MINUTE, PROCTOR, 1)))
    await quiet()
    assert not task.done()
    room.log.land()
    ruling = await task
    assert ruling.events == (Extended(NOW, MINUTE, PROCTOR, 1),)
    assert room.line.kinds() == ["deadlines"]


async def test_a_refusal_waits_for_what_it_was_judged_by() -> None:
    room = await Room().enter()
    room.say(Show(2, 1), answer(3, position=0))
    await quiet()
    assert room.line.told == []
    room.log.land_all()
    assert room.line.refusals() == [("item_not_open", 3)]


# --- acknowledgements -------------------------------------------------------------------------------------


async def test_sittings_do_not_wait_for_each_other() -> None:
    room = Room()
    room.log.create(OTHER, make_created())
    room = await room.enter()
    other = Line(room.log, OTHER, FIRST)
    task = asyncio.ensure_future(room.owner.conduct.attach(OTHER, other, FIRST))
    await quiet()
    room.say(answer(2))
    room.log.land(1)
    assert room.line.acks() == [2]
    assert not task.done()
    room.log.land()
    await task


# --- overtaken, unknown, refused ----------------------------------------------------------------------------


async def test_an_overtaken_answer_is_decided_again_with_its_own_moment() -> None:
    room = await Room().enter()
    room.clock.set(NOW + 59 * SECOND)
    room.say(answer(2))
    await overtake(room, Extend(SECOND, PROCTOR, 1))
    room.clock.set(NOW + 90 * SECOND)  # long after the deadline; the answer was in time
    room.log.land()
    await quiet()
    room.log.land_all()
    assert room.line.acks() == [2]
    assert room.log.events(SITTING)[-4:] == [
        Extended(NOW + 59 * SECOND, SECOND, PROCTOR, 1),
        Responded(NOW + 59 * SECOND, 0, 0, (ChoiceId("0.0.a"),), 2),
        ItemExpired(NOW + 61 * SECOND, 0),
        Shown(NOW + 90 * SECOND, 1),
    ]


async def test_everything_behind_an_overtaken_commit_keeps_its_order() -> None:
    room = await Room().enter()
    room.say(answer(2, "a"), answer(3, "b"), answer(3, "d"), answer(4, "c"))
    await overtake(room, Extend(SECOND, PROCTOR, 1))
    room.log.land()
    room.say(answer(5, "d"))  # comes in while the log is read again
    await quiet()
    room.log.land_all()
    assert room.line.acks() == [2, 5]
    values = [event.value for event in room.log.events(SITTING) if isinstance(event, Responded)]
    assert values == [("0.0.a",), ("0.0.b",), ("0.0.c",), ("0.0.d",)]


async def test_a_commit_that_got_through_although_its_answer_was_lost_counts_once() -> None:
    room = await Room().enter()
    task = asyncio.ensure_future(room.owner.conduct.order(SITTING, Extend(MINUTE, PROCTOR, 5)))
    await quiet()
    room.say(answer(2))
    room.log.land_unheard()
    await quiet()
    room.log.land_all()
    assert (await task).events == (Extended(NOW, MINUTE, PROCTOR, 5),)
    assert room.stored.extra == MINUTE
    assert room.line.acks() == [2]


async def test_a_proctor_whose_answer_was_lost_is_not_told_that_the_sitting_had_ended_already() -> None:
    room = await Room().enter()
    task = asyncio.ensure_future(room.owner.conduct.order(SITTING, Stop(PROCTOR, 5)))
    await quiet()
    room.log.land_unheard()
    await quiet()
    assert (await task).refusal is None
    assert room.line.kinds() == ["ended"]


async def test_a_page_whose_attachment_was_not_heard_of_attaches_once() -> None:
    room = Room()
    line = Line(room.log, SITTING, FIRST)
    task = asyncio.ensure_future(room.owner.conduct.attach(SITTING, line, FIRST))
    await quiet()
    room.log.land_unheard()
    await task
    assert room.stored.epoch == 1
    assert line.kinds() == ["snapshot"]


async def test_a_row_that_can_never_be_stored_is_told_and_the_page_has_to_come_back() -> None:
    room = await Room().enter()
    room.say(answer(2), answer(3))
    order = asyncio.ensure_future(room.owner.conduct.order(SITTING, Extend(MINUTE, PROCTOR, 5)))
    await quiet()
    room.log.refuse()
    assert room.line.refusals() == [("internal", 2), ("internal", 3)]
    assert room.line.closed == 1011
    with pytest.raises(Unavailable):
        await order
    assert room.stored.streams == {FIRST: 1}
    room.held, room.line = await room.owner.attach(SITTING, FIRST)
    room.say(answer(2))
    room.log.land_all()
    assert room.line.acks() == [2]


async def test_a_page_whose_attachment_can_not_be_stored_is_not_left_half_attached() -> None:
    room = await Room().enter()
    newer = Line(room.log, SITTING, SECOND_BROWSER)
    task = asyncio.ensure_future(room.owner.conduct.attach(SITTING, newer, SECOND_BROWSER))
    await quiet()
    room.log.refuse()
    with pytest.raises(Unavailable):
        await task
    await quiet()
    room.log.land_all()
    assert room.held.line is None
    assert room.stored.stream == FIRST


# --- the database away --------------------------------------------------------------------------------------


async def test_a_sitting_can_not_be_taken_while_the_database_is_away() -> None:
    room = Room()
    room.owner.source.away = True
    with pytest.raises(Unavailable):
        await room.owner.conduct.hold(SITTING)
    room.owner.source.away = False
    assert (await room.owner.conduct.hold(SITTING)).state == room.stored


async def test_to_anybody_but_its_candidate_there_is_no_such_sitting() -> None:
    room = Room()
    conduct = room.owner.conduct
    for _ in range(2):  # whether it is held or not
        with pytest.raises(NotFound):
            await conduct.hold_for(SITTING, PROCTOR)
        assert (await conduct.hold_for(SITTING, CANDIDATE)).state == room.stored
    assert room.owner.source.given == [SITTING]


async def test_a_stranger_who_asks_in_the_same_moment_changes_nothing_for_the_candidate_and_for_staff() -> None:
    room = Room()
    conduct = room.owner.conduct
    asked = [conduct.hold(SITTING, PROCTOR), conduct.hold(SITTING, CANDIDATE), conduct.hold(SITTING)]
    stranger, candidate, staff = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(stranger, NotFound)
    assert candidate is staff is conduct.find(SITTING)


async def test_a_log_that_was_read_for_others_is_not_given_to_a_stranger_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = Room()
    rows = room.owner.source.rows
    monkeypatch.setattr(room.owner.source, "rows", lambda sitting, candidate=None: rows(sitting))
    with pytest.raises(NotFound):
        await room.owner.conduct.hold(SITTING, PROCTOR)
    assert room.owner.conduct.held == 0


async def test_many_who_want_the_same_sitting_share_one_reading() -> None:
    room = Room()
    held = await asyncio.gather(*(room.owner.conduct.hold(SITTING) for _ in range(5)))
    assert len({id(one) for one in held}) == room.owner.conduct.held == 1


# --- two processes on one sitting ---------------------------------------------------------------------------


async def test_two_processes_never_fork_a_sitting() -> None:
    room = await Room().enter()
    elsewhere = Owner(room.log, room.clock)
    for seq in range(2, 30):
        room.say(answer(seq))
        order = asyncio.ensure_future(elsewhere.conduct.order(SITTING, Extend(SECOND, PROCTOR, seq)))
        await quiet()
        while not order.done() or room.line.acks()[-1:] != [seq]:
            room.log.land(seq % len(room.log.on_its_way))
            await quiet()
        await order
    events = room.log.events(SITTING)  # raises when a link does not verify
    assert [event.seq for event in events if isinstance(event, Responded)] == list(range(2, 30))
    assert [event.note for event in events if isinstance(event, Extended)] == list(range(2, 30))


# --- the log and the clock --------------------------------------------------------------------------------


async def test_a_clock_that_goes_back_does_not_take_the_log_back() -> None:
    room = await Room().enter()
    room.clock.set(NOW + 30_000)
    room.say(answer(2))
    room.clock.set(NOW - HOUR)
    room.say(answer(3))
    room.log.land_all()
    assert room.log.events(SITTING)[-1].at == NOW + 30_000
    assert room.line.acks() == [2, 3]


async def test_the_table_of_deadlines_follows_the_log() -> None:
    room = await Room().enter()
    assert room.log.due[SITTING] == NOW + MINUTE
    room.clock.advance(10_000)
    room.say(Show(2, 1))
    room.log.land_all()
    assert room.log.due[SITTING] == NOW + 70_000 == room.stored.deadline
    room.say(answer(3, position=1))
    assert [commit.due_changed for commit in room.log.on_its_way] == [False]


async def test_what_is_in_use_is_not_forgotten() -> None:
    room = await Room().enter()
    room.owner.conduct.forget(SITTING)
    assert room.owner.conduct.held == 1
    room.owner.conduct.detach(room.held, room.line)
    room.owner.conduct.forget(SITTING)
    assert room.owner.conduct.held == 1
    room.log.land()
    room.owner.conduct.forget(SITTING)
    assert room.owner.conduct.held == 0


async def test_a_crash_loses_nothing_acknowledged() -> None:
    room = await Room().enter()
    room.say(answer(2))
    room.log.land()
    room.say(answer(3, "b"))
    room.log.on_its_way.clear()  # the process is gone, and with it what it had decided
    room.clock.advance(SECOND)
    successor = Owner(room.log, room.clock)
    _, line = await successor.attach(SITTING, FIRST)
    assert line.told[0]["seq"] == 2
    assert line.told[0]["item"]["answers"] == [["0.0.a"]]
    assert Detached(NOW) in room.log.events(SITTING)
    assert isinstance(room.log.events(SITTING)[-1], Attached)


# --- a process that leaves --------------------------------------------------------------------------------


async def test_a_page_is_sent_elsewhere_once_everything_it_sent_is_acknowledged() -> None:
    room = await Room().enter()
    room.say(answer(2), answer(3, "b"))
    leaving = asyncio.ensure_future(room.owner.conduct.leave())
    await quiet()
    room.say(answer(4, "c"))
    assert room.line.told == [], "the page keeps what comes now and takes it to the next process"
    assert not leaving.done()
    room.log.land()
    assert room.line.acks() == [2], "the second answer is on its way"
    assert not leaving.done()
    room.log.land()
    async with asyncio.timeout(5):
        await leaving
    assert room.line.acks() == [2, 3]
    assert room.line.closed == 1012
    assert room.stored.items[0].answers == (("0.0.b",),)


async def test_a_process_that_leaves_takes_no_page_and_no_sitting() -> None:
    room = await Room().enter()
    room.log.create(OTHER, make_created())
    async with asyncio.timeout(5):
        await room.owner.conduct.leave()
    assert room.line.closed == 1012
    for sitting in (SITTING, OTHER):
        with pytest.raises(Unavailable) as refused:
            await room.owner.conduct.attach(sitting, Line(room.log, sitting, SECOND_BROWSER), SECOND_BROWSER)
        assert refused.value.code == "moving"
    room.owner.conduct.detach(room.held, room.line)
    room.log.land_all()
    assert not room.stored.connected
    assert await room.owner.conduct.hold(SITTING) is room.held, "what is held can still be acted upon"


async def test_a_form_that_is_replaced_is_known_to_whoever_holds_the_sitting_by_then() -> None:
    """Two of one process that hold the same sitting would write its rows side by side."""
    room = Room()
    conduct, source = room.owner.conduct, room.owner.source
    await conduct.hold(SITTING)
    read, copies_of = asyncio.Event(), source.copies

    async def wait_for_copies(refs: Iterable[tuple[ItemId, int]]) -> Mapping[tuple[ItemId, int], CandidateItem]:
        await read.wait()
        return await copies_of(refs)

    source.copies = wait_for_copies  # type: ignore[method-assign]
    form = replace(make_created().form, seed=99)
    replacing = asyncio.ensure_future(conduct.order(SITTING, ReplaceForm(form)))
    await quiet()
    conduct.forget(SITTING)
    read.set()
    held = await conduct.hold(SITTING)
    await quiet()
    room.log.land_all()
    assert (await replacing).refusal is None
    assert held.state.form == room.stored.form == form
