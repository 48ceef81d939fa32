"""What waits of one sitting: acknowledgements never run ahead, and what was turned away is never overtaken."""

from core.ids import ChoiceId
from core.moments import SECOND
from exam_server.commands import CompensateOutage, Flag, Help, Pause, Resume, Show
from exam_server.events import Responded
from exam_server.held import MAX_WAITING
from tests.histories.memory import quiet
from tests.histories.sittings import CHOICE, FIRST, NOW, PROCTOR, SITTING, UNFOLDING, make_created, make_form
from tests.unit.exam_server.room import SURE, Room, answer, land


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


async def test_only_so_much_waits_for_it_to_be_known_and_nothing_of_it_is_lost() -> None:
    room = await Room().enter()
    conduct = room.owner.conduct
    conduct.deadlines.assure(NOW + SURE, [])
    room.clock.set(NOW + 63 * SECOND)
    most = MAX_WAITING
    room.say(*(answer(seq) for seq in range(2, 2 + most + 2)))
    assert room.line.refusals() == [("busy", 2 + most), ("busy", 3 + most)]
    conduct.deadlines.assure(room.clock.now() + SURE, [CompensateOutage(NOW + 30 * SECOND, 33 * SECOND)])
    await land(room)
    room.say(answer(3 + most), answer(2 + most, "b"), answer(3 + most))
    await land(room)
    assert room.line.refusals()[2:] == [("busy", 3 + most)], "an edit overtook one that was turned away"
    assert room.line.acks()[-1] == 3 + most
    assert room.stored.streams[FIRST] == 3 + most


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


async def test_a_call_for_help_passes_a_pause_once_the_page_has_numbered_anew_what_it_put_off() -> None:
    room = await Room().enter()
    await room.order(Pause(PROCTOR, 1))
    room.say(answer(2, "a"), Help(3))
    room.log.land_all()
    assert room.line.refusals() == [("paused", 2), ("busy", 3)], "two is to come again, as far as anybody knows"
    room.say(Help(3, instead=1))
    assert room.line.refusals()[2:] == [("busy", 3)], "another number"
    room.say(Help(3, instead=2))
    room.log.land_all()
    assert room.line.acks()[-1] == 3
    assert room.stored.help_since is not None
    await room.order(Resume(PROCTOR))
    room.say(answer(4, "a"))
    room.log.land_all()
    assert room.stored.items[0].answers == (("0.0.a",),)
