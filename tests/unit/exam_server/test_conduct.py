"""The shell around the state machine, over a log whose every answer the test decides."""

import asyncio

import pytest

from core.clock import ManualClock
from core.errors import AccreditationError, NotFound, Unavailable
from core.ids import ChoiceId, SittingId
from core.moments import HOUR, MINUTE, SECOND, Moment
from exam_server import conduct as engine
from exam_server import timing
from exam_server.commands import (
    Admit,
    CandidateCommand,
    CompensateOutage,
    Extend,
    Flag,
    LockStage,
    Pause,
    Respond,
    Resume,
    Settle,
    Show,
    Start,
    Stop,
)
from exam_server.conduct import REST
from exam_server.events import (
    Attached,
    Created,
    Detached,
    Ended,
    Extended,
    ItemExpired,
    OutageCompensated,
    Responded,
    RespondedLate,
    Shown,
)
from exam_server.held import MAX_WAITING, Held
from exam_server.rulings import MAX_STREAMS
from exam_server.sitting import Sitting
from tests.histories.memory import Line, MemoryLog, Owner, hurry, quiet
from tests.histories.sittings import (
    CHOICE,
    FIRST,
    NOW,
    PROCTOR,
    SECOND_BROWSER,
    SITTING,
    UNFOLDING,
    make_created,
    make_form,
    make_rules,
)

OTHER = SittingId(8)


class Room:
    """A sitting that is under way on one owner, with its page."""

    def __init__(self, created: Created | None = None) -> None:
        self.clock = ManualClock(NOW)
        self.log = MemoryLog()
        self.log.create(SITTING, created or make_created())
        self.owner = Owner(self.log, self.clock)
        self.held: Held
        self.line: Line

    async def enter(self) -> "Room":
        await self.order(Admit("biometrics"))
        self.held, self.line = await self.owner.attach(SITTING, FIRST)
        self.say(Start(1))
        self.log.land_all()
        assert self.line.kinds() == ["snapshot", "ack", "deadlines", "item"]
        self.line.told.clear()
        return self

    async def order(self, command: Admit | Extend | Pause | Resume | Stop | Settle, owner: Owner | None = None) -> None:
        task = asyncio.ensure_future((owner or self.owner).conduct.order(SITTING, command))
        await quiet()
        self.log.land_all()
        ruling = await task
        assert ruling.refusal is None

    def say(self, *commands: CandidateCommand, line: Line | None = None) -> None:
        for command in commands:
            self.owner.conduct.receive(self.held, line or self.line, command, self.clock.now())

    @property
    def stored(self) -> Sitting:
        return self.log.state(SITTING)


def answer(seq: int, letter: str = "a", position: int = 0) -> Respond:
    return Respond(seq, position, 0, (ChoiceId(f"{position}.0.{letter}"),))


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


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


async def test_what_comes_in_while_a_commit_is_under_way_goes_together_into_the_next() -> None:
    room = await Room().enter()
    rows = len(room.log.rows[SITTING])
    room.say(*(answer(seq, "abcd"[seq % 4]) for seq in range(2, 12)))
    room.log.land_all()
    assert room.line.acks() == [2, 11], "one acknowledgement covers all edits of a commit"
    assert len(room.log.rows[SITTING]) == rows + 2


async def test_a_run_of_edits_is_acknowledged_at_once_but_never_past_another_word() -> None:
    room = await Room(make_created(make_form(CHOICE, UNFOLDING))).enter()
    room.say(answer(2), answer(3), answer(4), answer(5, "z"), answer(6), answer(7), Show(8, 1), answer(9, position=1))
    assert room.line.told == []
    room.log.land_all()
    told = [(message["type"], message.get("seq")) for message in room.line.told]
    assert told == [("ack", 2), ("ack", 4), ("refused", 5), ("ack", 8), ("item", None), ("ack", 9)]


async def test_a_repeated_edit_is_acknowledged_again_and_stored_once() -> None:
    room = await Room().enter()
    room.say(answer(2), answer(2, "b"))
    room.log.land_all()
    room.say(answer(2, "c"))
    assert room.line.acks() == [2, 2]
    assert [event for event in room.log.events(SITTING) if isinstance(event, Responded)] == [
        Responded(NOW, 0, 0, (ChoiceId("0.0.a"),), 2)
    ]


async def test_a_repeated_edit_is_not_acknowledged_before_the_first_one_is_durable() -> None:
    room = await Room().enter()
    room.say(answer(2))
    room.say(answer(2))
    await quiet()
    assert room.line.told == []
    room.log.land()
    assert room.line.acks() == [2]


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


async def overtake(room: Room, command: Extend | Stop | Settle) -> None:
    """Another process writes to the sitting while a commit of ours is under way."""
    ours, room.log.on_its_way = room.log.on_its_way, []
    await room.order(command, Owner(room.log, room.clock))
    room.log.on_its_way = ours


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


# --- the database away --------------------------------------------------------------------------------------


async def test_while_the_database_is_away_a_bounded_number_waits_and_then_the_page_keeps_the_rest() -> None:
    room = await Room().enter()
    most = MAX_WAITING + 1  # one is on its way
    room.say(*(answer(seq, "abcd"[seq % 4]) for seq in range(2, most + 12)))
    await quiet()
    assert room.line.refusals() == [("busy", seq) for seq in range(most + 2, most + 12)]
    assert room.line.acks() == []
    room.log.land_all()
    assert room.line.acks() == [2, most + 1]
    room.say(*(answer(seq, "abcd"[seq % 4]) for seq in range(most + 2, most + 12)))
    room.log.land_all()
    assert room.line.acks()[-1] == most + 11
    stored = [event.seq for event in room.log.events(SITTING) if isinstance(event, Responded)]
    assert stored == list(range(2, most + 12))


async def test_an_edit_that_was_turned_away_is_not_covered_by_a_later_acknowledgement() -> None:
    room = await Room().enter()
    room.log.full = True
    room.say(answer(2, "a"))
    room.log.full = False
    room.say(answer(3, "b"))
    room.log.land_all()
    assert room.line.refusals() == [("busy", 2), ("busy", 3)]
    room.say(answer(2, "a"), answer(3, "b"), answer(4, "c"))
    room.log.land_all()
    assert room.line.acks() == [2, 4]


async def test_a_repeated_edit_that_was_turned_away_holds_nothing_up() -> None:
    room = await Room().enter()
    room.say(answer(2))
    room.log.full = True
    room.say(answer(2))
    room.log.full = False
    room.say(answer(3))
    room.log.land_all()
    assert room.line.refusals() == [("busy", 2)]
    assert room.line.acks() == [2, 3]


async def test_a_page_that_comes_back_need_not_repeat_what_was_turned_away() -> None:
    room = await Room().enter()
    room.log.full = True
    room.say(answer(2))
    room.log.full = False
    room.held, room.line = await room.owner.attach(SITTING, FIRST)
    room.say(answer(3))
    room.log.land_all()
    assert room.line.acks() == [3]


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


async def test_a_sitting_can_not_be_taken_while_the_database_is_away() -> None:
    room = Room()
    room.owner.source.away = True
    with pytest.raises(Unavailable):
        await room.owner.conduct.hold(SITTING)
    room.owner.source.away = False
    assert (await room.owner.conduct.hold(SITTING)).state == room.stored


async def test_a_sitting_that_does_not_exist() -> None:
    with pytest.raises(NotFound):
        await Room().owner.conduct.hold(SittingId(404))


async def test_many_who_want_the_same_sitting_share_one_reading() -> None:
    room = Room()
    held = await asyncio.gather(*(room.owner.conduct.hold(SITTING) for _ in range(5)))
    assert len({id(one) for one in held}) == room.owner.conduct.held == 1


# --- pages --------------------------------------------------------------------------------------------------


async def test_a_newer_page_takes_over_and_the_older_one_is_told_when_that_is_durable() -> None:
    room = await Room().enter()
    older = room.line
    room.say(answer(2))
    newer = Line(room.log, SITTING, SECOND_BROWSER)
    task = asyncio.ensure_future(room.owner.conduct.attach(SITTING, newer, SECOND_BROWSER))
    await quiet()
    room.say(answer(3), line=older)
    assert older.told == []
    room.log.land_all()
    await task
    assert older.kinds() == ["ack", "taken_over"]
    assert older.closed == 4001
    assert newer.kinds() == ["snapshot"]
    assert room.stored.streams == {FIRST: 2, SECOND_BROWSER: 0}


async def test_a_page_that_was_taken_over_can_not_answer_any_more() -> None:
    room = await Room().enter()
    older = room.line
    older.close = lambda code, reason: None  # type: ignore[method-assign]
    room.held, room.line = await room.owner.attach(SITTING, SECOND_BROWSER)
    older.told.clear()
    room.say(answer(2), line=older)
    assert older.kinds() == ["taken_over"]
    room.log.land_all()
    assert room.stored.streams[FIRST] == 1


async def test_the_older_pages_loss_means_nothing_any_more() -> None:
    room = await Room().enter()
    older = room.line
    room.held, room.line = await room.owner.attach(SITTING, SECOND_BROWSER)
    room.owner.conduct.detach(room.held, older)
    await quiet()
    assert room.log.on_its_way == []
    assert room.held.line is room.line


async def test_a_lost_page_is_written_down() -> None:
    room = await Room().enter()
    room.clock.advance(5_000)
    room.owner.conduct.detach(room.held, room.line)
    room.log.land()
    assert room.log.events(SITTING)[-1] == Detached(NOW + 5_000)
    assert room.held.line is None


async def test_two_pages_that_attach_at_once_and_are_overtaken_leave_the_newer_one_on() -> None:
    room = await Room().enter()
    first = room.line
    second, third = Line(room.log, SITTING, SECOND_BROWSER), Line(room.log, SITTING, "browser3")
    tasks = [asyncio.ensure_future(room.owner.conduct.attach(SITTING, line, line.stream)) for line in (second, third)]
    await quiet()
    await overtake(room, Extend(SECOND, PROCTOR, 1))
    room.log.land()
    await quiet()
    room.log.land_all()
    await asyncio.gather(*tasks)
    assert (first.closed, second.closed, third.closed) == (4001, 4001, None)
    assert room.held.line is third
    assert room.stored.stream == "browser3"


async def test_a_page_on_another_process_takes_over() -> None:
    room = await Room().enter()
    elsewhere = Owner(room.log, room.clock)
    _, newer = await elsewhere.attach(SITTING, SECOND_BROWSER)
    room.say(answer(2))
    room.log.land_all()
    await quiet()
    room.log.land_all()
    assert room.line.kinds() == ["taken_over"]
    assert room.line.closed == 4001
    assert newer.kinds() == ["snapshot"]
    assert room.stored.streams[FIRST] == 1


async def test_of_two_pages_that_attach_on_two_processes_at_once_the_later_one_stays() -> None:
    room = await Room().enter()
    elsewhere = Owner(room.log, room.clock)
    here, there = Line(room.log, SITTING, "here"), Line(room.log, SITTING, "there")
    task = asyncio.ensure_future(room.owner.conduct.attach(SITTING, here, "here"))
    await quiet()
    ours, room.log.on_its_way = room.log.on_its_way, []
    for _ in range(2):  # twice, so that their epoch is past ours
        await elsewhere.attach(SITTING, "there")
    _, there = await elsewhere.attach(SITTING, "there")
    room.log.on_its_way = ours
    room.log.land()
    await quiet()
    room.log.land_all()
    await task
    assert here.closed is None
    assert here.kinds() == ["snapshot"]
    assert room.line.closed == 4001
    await elsewhere.conduct.compare()
    await quiet()
    assert there.kinds()[-1] == "taken_over"


async def test_one_device_too_many_does_not_disturb_the_page_that_is_on() -> None:
    room = await Room().enter()
    for number in range(MAX_STREAMS - 1):
        room.held, room.line = await room.owner.attach(SITTING, f"browser-{number}")
    line = Line(room.log, SITTING, "one-more")
    with pytest.raises(AccreditationError, match="too_many_devices"):
        await room.owner.conduct.attach(SITTING, line, "one-more")
    assert room.held.line is room.line
    assert room.held.state.connected
    assert room.line.closed is None


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


async def test_a_page_sees_what_was_done_elsewhere() -> None:
    room = await Room().enter()
    await room.order(Extend(MINUTE, PROCTOR, 1), Owner(room.log, room.clock))
    await room.owner.conduct.compare()
    await quiet()
    (snapshot,) = room.line.told
    assert snapshot["type"] == "snapshot"
    assert snapshot["deadline"] == NOW + HOUR + MINUTE
    await room.order(Stop(PROCTOR, 2), Owner(room.log, room.clock))
    await room.owner.conduct.compare()
    await quiet()
    assert room.line.told[-1]["ended"] == "proctor"


async def test_a_page_gets_its_next_item_when_another_process_settled() -> None:
    room = await Room(make_created(rules=make_rules("linear"))).enter()
    room.clock.advance(63 * SECOND)
    elsewhere = Owner(room.log, room.clock)
    await room.order(Settle(), elsewhere)
    await room.owner.conduct.compare()
    await quiet()
    room.log.land_all()
    assert room.line.kinds() == ["snapshot", "item"]
    assert room.stored.current == 1


async def test_who_merely_holds_a_sitting_that_goes_on_elsewhere_lets_it_go() -> None:
    room = await Room().enter()
    elsewhere = Owner(room.log, room.clock)
    await elsewhere.conduct.hold(SITTING)
    await elsewhere.conduct.compare()
    assert elsewhere.conduct.held == 1
    room.say(answer(2))
    room.log.land()
    await elsewhere.conduct.compare()
    assert elsewhere.conduct.held == 0


async def test_comparing_leaves_alone_what_nobody_else_touched() -> None:
    room = await Room().enter()
    room.say(answer(2))
    await room.owner.conduct.compare()
    room.log.land()
    await room.owner.conduct.compare()
    await quiet()
    assert room.line.kinds() == ["ack"]


@pytest.mark.parametrize(("ahead", "takes"), [(100, True), (-100, True), (101, False), (-101, False)])
async def test_a_machine_whose_clock_is_off_takes_no_sittings(ahead: int, takes: bool) -> None:
    room = Room()
    room.owner.source.ahead = ahead
    await room.owner.conduct.compare()
    if takes:
        assert await room.owner.conduct.hold(SITTING)
    else:
        with pytest.raises(Unavailable):
            await room.owner.conduct.hold(SITTING)


# --- time -----------------------------------------------------------------------------------------------------


async def settle_at(room: Room, moment: Moment) -> None:
    room.clock.set(moment)
    room.owner.conduct.settle_due()
    await quiet()
    room.log.land_all()


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
    room.owner.conduct.settle_due()
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
        other.conduct.settle_due()
        await quiet()
        assert not other.pipe.sent
        await other.conduct.compare()  # what was written there since is looked at, and settles nothing either
        other.conduct._reload(held)
        await quiet()
    room.log.land_all()
    assert room.stored.items[0].answers == (("0.0.a",),)


async def test_who_merely_holds_a_sitting_settles_it_in_the_end() -> None:
    room = await Room().enter()
    other = Owner(room.log, room.clock)
    await other.conduct.hold(SITTING)
    room.clock.set(NOW + 62_001 + timing.SWEEP_MARGIN)
    other.conduct.settle_due()
    await quiet()
    room.log.land_all()
    assert room.stored.items[0].expired


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


async def test_a_sweep_settles_what_no_owner_did_and_keeps_nothing() -> None:
    room = await Room(make_created(make_form(UNFOLDING, limit=3 * HOUR))).enter()
    sweeper = Owner(room.log, room.clock)
    room.log.by_itself = True
    room.clock.set(NOW + HOUR + 25_000)
    assert await sweeper.conduct.sweep() == 0
    room.clock.set(NOW + HOUR + 25_001)
    assert await sweeper.conduct.sweep() == 1
    assert room.log.events(SITTING)[-1] == Ended(NOW + HOUR, "exam_time")
    assert sweeper.conduct.held == 0
    assert await sweeper.conduct.sweep() == 0


async def test_a_sweep_that_meets_a_broken_sitting_goes_on_with_the_others() -> None:
    room = Room(make_created(closes_at=NOW + MINUTE))
    room.log.create(OTHER, make_created(closes_at=NOW + MINUTE))
    room.log.rows[SITTING] = room.log.rows[OTHER]  # does not verify as this sitting's
    room.log.by_itself = True
    room.clock.set(NOW + HOUR)
    assert await room.owner.conduct.sweep() == 2
    assert room.log.due == {SITTING: NOW + MINUTE, OTHER: None}


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


async def test_a_sitting_that_nobody_is_at_is_let_go_after_a_while() -> None:
    room = await Room().enter()
    room.owner.conduct.detach(room.held, room.line)
    room.log.land()
    await room.owner.conduct.compare()
    assert room.owner.conduct.held == 1
    room.clock.advance(REST + 1)
    await room.owner.conduct.compare()
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


async def test_a_long_log_is_read_with_room_for_others_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "AT_A_TURN", 3)
    room = await Room().enter()
    for seq in range(2, 12):
        room.say(Flag(seq, 0, seq % 2 == 0))
        room.log.land_all()
    heir = Owner(room.log, room.clock)
    reading = asyncio.ensure_future(heir.conduct.hold(SITTING))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > len(room.log.events(SITTING)) // 3
    assert reading.result().state == room.stored


# --- our own outages --------------------------------------------------------------------------------------

SURE = 1_800


async def land(room: Room) -> None:
    """Everything that can become durable, and what follows from it."""
    for _ in range(4):
        await quiet()
        room.log.land_all()
    await quiet()


async def test_a_deadline_that_fell_into_an_outage_is_not_settled_before_the_outage_is_made_good() -> None:
    room = await Room().enter()
    conduct = room.owner.conduct
    conduct.assure(NOW + SURE, [])
    room.clock.set(NOW + 63 * SECOND)
    conduct.settle_due()
    room.say(answer(2))
    await land(room)
    assert room.line.told == [], "whether the service was away is not known yet"
    outage = CompensateOutage(NOW + 30 * SECOND, 33 * SECOND)
    conduct.assure(room.clock.now() + SURE, [outage])
    await land(room)
    kinds = [type(event) for event in room.log.events(SITTING)][-2:]
    assert kinds == [OutageCompensated, Responded]
    assert room.line.acks() == [2]
    assert room.stored.items[0].answers == (("0.0.a",),)
    conduct.assure(room.clock.now() + SURE, [outage])
    await land(room)
    assert room.stored.outages == (outage.began_at,), "once is enough"


async def test_only_so_much_waits_for_it_to_be_known_and_nothing_of_it_is_lost() -> None:
    room = await Room().enter()
    conduct = room.owner.conduct
    conduct.assure(NOW + SURE, [])
    room.clock.set(NOW + 63 * SECOND)
    most = MAX_WAITING
    room.say(*(answer(seq) for seq in range(2, 2 + most + 2)))
    assert room.line.refusals() == [("busy", 2 + most), ("busy", 3 + most)]
    conduct.assure(room.clock.now() + SURE, [CompensateOutage(NOW + 30 * SECOND, 33 * SECOND)])
    await land(room)
    room.say(answer(3 + most), answer(2 + most, "b"), answer(3 + most))
    await land(room)
    assert room.line.refusals()[2:] == [("busy", 3 + most)], "an edit overtook one that was turned away"
    assert room.line.acks()[-1] == 3 + most
    assert room.stored.streams[FIRST] == 3 + most


async def test_without_an_outage_what_waited_is_settled_as_it_would_have_been() -> None:
    room = await Room().enter()
    room.owner.conduct.assure(NOW + SURE, [])
    room.clock.set(NOW + 63 * SECOND)
    room.say(answer(2))
    room.owner.conduct.settle_due()
    await land(room)
    assert type(room.log.events(SITTING)[-1]) is Shown
    room.owner.conduct.assure(room.clock.now() + SURE, [])
    await land(room)
    events = room.log.events(SITTING)
    assert [event.at for event in events if isinstance(event, ItemExpired)] == [NOW + 60 * SECOND]
    assert any(isinstance(event, RespondedLate) for event in events)
    assert "late" in room.line.kinds()


async def test_while_a_process_is_sure_deadlines_are_settled_at_their_moment() -> None:
    room = await Room().enter()
    room.clock.set(NOW + 63 * SECOND)
    room.owner.conduct.assure(room.clock.now() + SURE, [])
    room.owner.conduct.settle_due()
    await land(room)
    assert ItemExpired in [type(event) for event in room.log.events(SITTING)]


async def test_a_process_that_reads_a_sitting_makes_outages_good_first() -> None:
    room = await Room().enter()
    heir = Owner(room.log, room.clock)
    room.clock.set(NOW + 10 * MINUTE)
    outage = CompensateOutage(NOW + 30 * SECOND, 9 * MINUTE + 30 * SECOND)
    heir.conduct.assure(room.clock.now() + SURE, [outage])
    _, line = await heir.attach(SITTING, FIRST)
    await land(room)
    events = room.log.events(SITTING)
    assert ItemExpired not in [type(event) for event in events]
    assert [event.span for event in events if isinstance(event, OutageCompensated)] == [outage.span]
    assert line.told[0]["item"]["deadline"] == NOW + 60 * SECOND + outage.span


async def test_two_processes_give_the_time_back_once() -> None:
    room = await Room().enter()
    other = Owner(room.log, room.clock)
    await other.conduct.hold(SITTING)
    room.clock.set(NOW + 50 * SECOND)
    outage = CompensateOutage(NOW + 20 * SECOND, 30 * SECOND)
    for owner in (room.owner, other):
        owner.conduct.assure(room.clock.now() + SURE, [outage])
    await land(room)
    assert [type(event) for event in room.log.events(SITTING)].count(OutageCompensated) == 1
    assert (await other.conduct.hold(SITTING)).state == room.stored


async def test_what_cut_off_one_process_is_made_good_to_the_pages_it_has() -> None:
    room = await Room().enter()
    other = Owner(room.log, room.clock)
    await other.conduct.hold(SITTING)
    room.clock.set(NOW + 63 * SECOND)
    own = CompensateOutage(NOW + 40 * SECOND, 23 * SECOND)
    other.conduct.assure(room.clock.now() + SURE, [], own)
    await land(room)
    assert OutageCompensated not in [type(event) for event in room.log.events(SITTING)]
    room.owner.conduct.assure(NOW + SURE, [])
    room.say(answer(2))
    room.owner.conduct.assure(room.clock.now() + SURE, [], own)
    await land(room)
    assert room.stored.outages == (own.began_at,)
    assert room.line.acks() == [2]


async def test_who_went_on_elsewhere_while_a_process_was_cut_off_gets_nothing_for_it() -> None:
    room = await Room().enter()
    other = Owner(room.log, room.clock)
    room.clock.set(NOW + 42 * SECOND)
    going_on = asyncio.ensure_future(other.attach(SITTING, SECOND_BROWSER))
    await land(room)
    await going_on
    room.clock.set(NOW + 58 * SECOND)
    own = CompensateOutage(NOW + 40 * SECOND, 18 * SECOND)
    room.owner.conduct.assure(room.clock.now() + SURE, [], own)
    for _ in range(50):
        await land(room)
    assert room.line.closed == 4001, "the page that was left was not told"
    assert OutageCompensated not in [type(event) for event in room.log.events(SITTING)]


async def test_an_outage_is_made_good_before_what_a_reload_decides_again(monkeypatch: pytest.MonkeyPatch) -> None:
    room = await Room().enter()
    conduct = room.owner.conduct
    conduct.assure(NOW + SURE, [])
    room.say(answer(2))
    room.owner.source.away = True
    room.log.on_its_way.pop().done("overtaken")
    await asyncio.wait_for(room.owner.source.refused.wait(), 5)
    room.clock.set(NOW + 2 * MINUTE)
    room.say(answer(3, "b"))
    conduct.assure(room.clock.now() + SURE, [CompensateOutage(NOW + 10 * SECOND, 110 * SECOND)])
    room.owner.source.away = False
    for _ in range(50):
        await quiet()
        room.log.land_all()
    assert room.line.acks()[-1] == 3
    assert room.stored.items[0].answers == (("0.0.b",),)
    assert ItemExpired not in [type(event) for event in room.log.events(SITTING)]


async def test_an_answer_that_a_pause_put_off_is_not_covered_by_what_was_sent_behind_it() -> None:
    room = await Room().enter()
    await room.order(Pause(PROCTOR, 1))
    room.say(answer(2, "a"), Flag(3, 0, True))
    room.log.land_all()
    assert room.line.refusals() == [("paused", 2), ("busy", 3)]
    await room.order(Resume(PROCTOR))
    room.say(answer(2, "a"), Flag(3, 0, True))
    room.log.land_all()
    assert room.stored.items[0].answers == (("0.0.a",),)
    assert room.stored.streams[FIRST] == 3
