"""The short way of an ordinary answer is the long way, shortened: same event, same state, same bytes."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.ids import ChoiceId
from core.moments import MINUTE, SECOND
from exam_server.commands import Respond, Submit
from exam_server.events import SCHEMA, Batch, Created, Responded, _encoder, encode_batch
from exam_server.held import Held
from exam_server.open_stage import open_stage
from exam_server.ruling import Ruling
from exam_server.rulings import decide
from exam_server.sitting import evolve, fold
from tests.histories.sittings import (
    CHOICE,
    NOW,
    SITTING,
    Drive,
    Step,
    creations,
    last_moments,
    long,
    make_created,
    make_form,
    steps,
    thorough,
)


@given(creations(), long(st.tuples(st.one_of(steps(), last_moments()), st.integers(0, 3)), 60))
@thorough(200)
def test_whatever_it_takes_would_have_been_decided_so(created: Created, history: list[tuple[Step, int]]) -> None:
    drive = Drive(created).start()
    held = Held(drive.state, 0, b"", {}, {})
    for step, epoch in history:
        drive.now = max(NOW, step.wait.until(drive.now, drive.state))
        command = step.fit(drive.state)
        if isinstance(command, Respond):
            command = replace(command, epoch=epoch)
        answer = held.answer(command, drive.now) if isinstance(command, Respond) else None
        ruling = decide(drive.state, command, max(drive.now, drive.state.last_at))
        if answer is not None:
            assert ruling == Ruling((answer,))
            assert encode_batch([answer]) == _encoder.encode(Batch(SCHEMA, (answer,)))
        drive.record(ruling.events)
        if answer is None and ruling.events:
            state = held.state
            for event in ruling.events:
                state = evolve(state, event)
            held.state = state
        if step.ahead % 2:  # a look in between must not matter
            assert held.state == drive.state
    assert held.state == drive.state == fold(SITTING, drive.events)


def test_an_everyday_answer_takes_the_short_way_and_its_replacement_too() -> None:
    drive = Drive(make_created(make_form(CHOICE, CHOICE, limit=MINUTE))).start()
    held = Held(drive.state, 0, b"", {}, {})
    for seq, letter in enumerate("abca", 2):
        value = (ChoiceId(f"0.0.{letter}"),)
        at = NOW + seq * SECOND
        assert held.answer(Respond(seq, 0, 0, value), at) == Responded(at, 0, 0, value, seq)
    assert held.state.items[0].answers == (("0.0.a",),)
    assert held.state.streams == {held.state.stream: 5}


def test_a_clock_that_went_back_does_not_take_the_answer_with_it() -> None:
    drive = Drive(make_created(make_form(CHOICE))).start()
    held = Held(drive.state, 0, b"", {}, {})
    value = (ChoiceId("0.0.a"),)
    assert held.answer(Respond(2, 0, 0, value), NOW + SECOND) == Responded(NOW + SECOND, 0, 0, value, 2)
    assert held.answer(Respond(3, 0, 0, value), NOW) == Responded(NOW + SECOND, 0, 0, value, 3)


def test_there_is_none_before_the_start_or_after_the_end() -> None:
    drive = Drive(make_created(make_form(CHOICE)))
    assert open_stage(drive.state) is None
    drive.start()
    assert open_stage(drive.state) is not None
    drive.do(Submit(0))
    assert open_stage(drive.state) is None
