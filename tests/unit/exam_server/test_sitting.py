"""The state machine: every command in every state, and whole random histories."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.moments import HOUR, MINUTE, SECOND
from exam_server.commands import (
    Admit,
    Attach,
    CloseSection,
    Command,
    Detach,
    LockStage,
    Pause,
    Settle,
    Show,
    Stop,
    Submit,
    TakeBreak,
)
from exam_server.events import Admitted, AnyEvent, Created, Detached
from exam_server.sitting import evolve, fold
from question_bank.forms import SectionRule
from tests.histories.reader import check_step, play
from tests.histories.sittings import (
    CHOICE,
    FIRST,
    NOW,
    PROCTOR,
    SITTING,
    UNFOLDING,
    Drive,
    Step,
    commands,
    creations,
    last_moments,
    long,
    make_created,
    make_form,
    make_rules,
    steps,
    thorough,
)


@given(creations(), long(steps(), 50))
@thorough(120)
def test_any_history_keeps_the_rules(created: Created, history: list[Step]) -> None:
    drive = Drive(created)
    drive.do(Admit("biometrics"))
    drive.do(Attach(FIRST))
    play(drive, history)


@given(creations(), long(steps(), 60))
@thorough(200)
def test_any_history_of_a_begun_sitting_keeps_the_rules(created: Created, history: list[Step]) -> None:
    play(Drive(created).start(), history)


@given(creations(), long(last_moments(), 12))
@thorough(150)
def test_nothing_is_won_by_pressing_around_a_deadline(created: Created, history: list[Step]) -> None:
    play(Drive(created).start(), history)


# --- every state, every command -------------------------------------------------------------------------


def some_states() -> dict[str, Drive]:
    form = make_form(CHOICE, UNFOLDING, CHOICE)
    linear = make_created(form, make_rules("linear"))
    states = {"new": Drive(linear), "admitted": Drive(linear), "running": Drive(linear).start()}
    states["admitted"].do(Admit("person"))
    endings: dict[str, Command] = {"submitted": Submit(0), "stopped": Stop(PROCTOR, 1)}
    for name, command in endings.items():
        states[name] = Drive(make_created(form)).start()
        states[name].do(command)
    states["free"] = Drive(make_created(form)).start()
    states["in a case"] = Drive(make_created(form)).start()
    states["in a case"].do(Show(0, 1))
    states["in a case"].do(states["in a case"].answer(1))
    states["in a case"].do(LockStage(0, 1, 0))
    states["cut off"] = Drive(make_created(form)).start()
    states["cut off"].do(Detach(1))
    states["nothing on screen"] = Drive(linear).start()
    states["nothing on screen"].do(Settle(), NOW + 63 * SECOND)
    states["out of time"] = Drive(linear).start()
    states["out of time"].do(Settle(), NOW + 2 * HOUR)
    sections = make_created(form, make_rules(sections=(SectionRule(1, MINUTE), SectionRule(2)), breaks=1))
    halts: dict[str, Command] = {"paused": Pause(PROCTOR, 1), "on a break": TakeBreak(0), "between": CloseSection(0, 0)}
    for name, halting in halts.items():
        states[name] = Drive(sections).start()
        states[name].do(halting, NOW + 10 * SECOND)
    states["ended with late answers"] = Drive(linear).start()
    states["ended with late answers"].do(Settle(), NOW + 2 * HOUR)
    states["ended with late answers"].do(states["ended with late answers"].answer(0))
    states["never came"] = Drive(linear)
    states["never came"].do(Settle(), NOW + 30 * HOUR)
    return states


STATES = some_states()


def test_the_states_tried_are_all_there_are() -> None:
    assert {drive.state.status for drive in STATES.values()} == {"ready", "running", "ended"}
    assert {drive.state.end_reason for drive in STATES.values()} >= {None, "submitted", "proctor", "not_started"}


@pytest.mark.parametrize("name", STATES)
@given(command=commands(), ahead=st.integers(-1, 2), moment=st.sampled_from([0, 59_999, 61_000, 70_001, 4_000_000]))
@thorough(60)
def test_every_command_has_an_answer_in_every_state(name: str, command: Command, ahead: int, moment: int) -> None:
    state = STATES[name].state
    now = max(NOW + moment, state.last_at)
    for aim in ("any", "current"):
        fitted = Step(wait=None, command=command, ahead=ahead, aim=aim, picks=(0,)).fit(state)  # type: ignore[arg-type]
        check_step(state, fitted, now)


# --- the fold -------------------------------------------------------------------------------------------


def test_a_log_begins_with_its_creation() -> None:
    wrong: list[list[AnyEvent]] = [[], [Admitted(NOW, "person")], [Detached(NOW), make_created()]]
    for events in wrong:
        with pytest.raises(ValueError, match="does not begin"):
            fold(SITTING, events)


def test_a_second_creation_has_no_place() -> None:
    drive = Drive()
    with pytest.raises(ValueError, match="no place"):
        evolve(drive.state, make_created())
