"""Beginning, answering, moving about, ending: each rule by example."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.ids import ChoiceId
from core.moments import MINUTE
from exam_server import timing
from exam_server.commands import (
    Admit,
    Advance,
    Attach,
    Command,
    Detach,
    Extend,
    Flag,
    LockStage,
    Respond,
    Settle,
    Show,
    Start,
    Stop,
    Submit,
)
from exam_server.events import Attached, Detached, Ended, ItemLocked, RespondedLate, Shown, Started
from exam_server.rulings import ATTACH_BURST, MAX_LATE, MAX_SEQ_STEP, MAX_STREAMS
from exam_server.sitting import ATTACH_EVERY
from tests.histories.sittings import (
    CHOICE,
    FIRST,
    NOW,
    PROCTOR,
    SECOND_BROWSER,
    UNFOLDING,
    Drive,
    make_created,
    make_form,
    make_rules,
)

# --- numbering ------------------------------------------------------------------------------------------


def test_a_repeated_edit_is_accepted_and_changes_nothing() -> None:
    drive = Drive().start()
    drive.do(drive.answer(0, "a"))
    before = drive.state
    assert drive.do(replace(drive.answer(0, "b"), seq=drive.seq)) == ()
    assert drive.do(Start(1)) == ()
    assert drive.state == before


def test_a_repeated_edit_of_an_ended_sitting_is_still_acknowledged() -> None:
    drive = Drive().start()
    drive.do(Submit(0))
    assert drive.do(Submit(drive.seq)) == ()
    assert drive.do(Respond(1, 0, 0, ())) == ()


@pytest.mark.parametrize("seq", [-1, MAX_SEQ_STEP + 2, 2**53])
def test_a_number_out_of_reach_is_refused(seq: int) -> None:
    drive = Drive().start()
    assert drive.attempt(Flag(seq, 0, True)) == ((), "bad_seq")
    assert drive.attempt(Respond(seq, 0, 0, ())) == ((), "bad_seq")


def test_each_browser_counts_for_itself() -> None:
    drive = Drive().start()
    drive.do(Respond(40, 0, 0, (ChoiceId("0.0.a"),)))
    drive.do(Attach(SECOND_BROWSER))
    assert drive.state.items[0].answers == (("0.0.a",),)
    drive.do(Respond(1, 0, 0, (ChoiceId("0.0.b"),)))
    assert drive.state.streams == {FIRST: 40, SECOND_BROWSER: 1}
    drive.do(Attach(FIRST))
    assert drive.do(Respond(40, 0, 0, (ChoiceId("0.0.c"),))) == ()
    assert drive.state.items[0].answers == (("0.0.b",),)


def test_a_refused_edit_does_not_use_up_its_number() -> None:
    drive = Drive().start()
    assert drive.attempt(Respond(9, 1, 0, (ChoiceId("1.0.a"),)))[1] == "item_not_open"
    assert drive.state.streams[FIRST] == 1


# --- beginning ------------------------------------------------------------------------------------------


def test_nothing_goes_before_the_start() -> None:
    drive = Drive()
    drive.do(Attach(FIRST))
    assert drive.attempt(Start(1))[1] == "not_admitted"
    drive.do(Admit("person"))
    for command in (Respond(1, 0, 0, ()), Show(1, 0), LockStage(1, 0, 0), Flag(1, 0, True), Submit(1)):
        assert drive.attempt(command) == ((), "not_started")
    assert drive.attempt(Extend(MINUTE, PROCTOR, 1))[1] == "not_started"
    assert drive.do(Start(1)) == (Started(NOW, 1), Shown(NOW, 0))
    assert drive.attempt(Start(2))[1] == "already_started"


def test_a_sitting_that_nobody_started_ends_with_its_window() -> None:
    drive = Drive(make_created(closes_at=NOW + MINUTE))
    drive.do(Admit("person"))
    assert drive.do(Settle(), NOW + 70_000) == ()
    assert drive.do(Settle(), NOW + 70_001) == (Ended(NOW + MINUTE, "not_started"),)


def test_admission_counts_once() -> None:
    drive = Drive()
    drive.do(Admit("person"))
    assert drive.do(Admit("biometrics")) == ()
    assert drive.state.admitted == "person"


# --- answers --------------------------------------------------------------------------------------------


def test_an_answer_can_be_changed_and_taken_back() -> None:
    drive = Drive().start()
    for letter in "ab":
        drive.do(drive.answer(0, letter))
        assert drive.state.items[0].answers == ((f"0.0.{letter}",),)
    drive.do(Respond(0, 0, 0, ()))
    assert drive.state.items[0].answers == ((),)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (Respond(0, 99, 0, ()), "unknown_item"),
        (Respond(0, 0, 1, ()), "unknown_option"),
        (Respond(0, 0, 0, (ChoiceId("1.0.a"),)), "unknown_option"),
        (Respond(0, 0, 0, (ChoiceId("0.0.a"), ChoiceId("0.0.b"))), "wrong_count"),
        (Respond(0, 1, 0, (ChoiceId("1.0.a"),)), "item_not_open"),
        (Respond(0, 2, 1, (ChoiceId("2.1.a"),)), "item_not_open"),
        (Show(0, 3), "unknown_item"),
        (Flag(0, 3, True), "unknown_item"),
        (LockStage(0, 0, 1), "stage_not_open"),
        (LockStage(0, 0, 0), "stage_unanswered"),
        (LockStage(0, 1, 0), "item_not_open"),
    ],
)
def test_a_stray_command_is_refused_and_the_exam_goes_on(command: Command, code: str) -> None:
    drive = Drive().start()
    before = drive.state
    assert drive.attempt(command) == ((), code)
    assert drive.state == before


def test_actions_are_chosen_once_each_and_in_the_candidates_order() -> None:
    drive = Drive(make_created(make_form(UNFOLDING))).start()
    ordered = tuple(ChoiceId(f"0.0.{letter}") for letter in "cab")
    drive.do(Respond(0, 0, 0, ordered))
    assert drive.state.items[0].answers[0] == ordered
    assert drive.attempt(Respond(0, 0, 0, (ordered[0], ordered[0])))[1] == "wrong_count"


def test_flags_only_where_the_blueprint_has_them() -> None:
    drive = Drive().start()
    drive.do(Flag(0, 1, True))
    assert [item.flagged for item in drive.state.items] == [False, True, False]
    drive.do(Flag(0, 1, False))
    assert not drive.state.items[1].flagged
    assert Drive(make_created(rules=make_rules(flags=False))).start().attempt(Flag(0, 0, True))[1] == "flags_off"


# --- stages ---------------------------------------------------------------------------------------------


def test_a_stage_opens_when_the_one_before_is_locked() -> None:
    drive = Drive(make_created(make_form(UNFOLDING, CHOICE))).start()
    assert drive.attempt(drive.answer(0, stage=1))[1] == "stage_not_open"
    drive.do(drive.answer(0, stage=0))
    assert drive.attempt(drive.answer(0, stage=1))[1] == "stage_not_open"
    drive.do(LockStage(0, 0, 0))
    assert drive.attempt(drive.answer(0, stage=0))[1] == "stage_locked"
    assert drive.attempt(LockStage(0, 0, 0))[1] == "stage_locked"
    drive.do(drive.answer(0, stage=1))
    drive.do(LockStage(0, 0, 1))
    drive.do(drive.answer(0, stage=2))
    drive.do(LockStage(0, 0, 2))
    assert drive.state.items[0].locked
    assert drive.attempt(drive.answer(0, stage=2))[1] == "item_locked"
    assert drive.do(Advance()) == (Shown(NOW, 1),)


def test_leaving_a_case_and_coming_back_keeps_its_stage() -> None:
    drive = Drive(make_created(make_form(UNFOLDING, CHOICE))).start()
    drive.do(drive.answer(0))
    drive.do(LockStage(0, 0, 0))
    drive.do(Show(0, 1))
    drive.do(Show(0, 0))
    assert drive.state.items[0].stage == 1
    assert drive.attempt(drive.answer(0, stage=0))[1] == "stage_locked"


def test_the_last_lock_completes_the_sitting() -> None:
    drive = Drive(make_created(make_form(CHOICE))).start()
    drive.do(drive.answer(0))
    assert drive.do(LockStage(0, 0, 0))[1:] == (Ended(NOW, "completed"),)


# --- moving about ---------------------------------------------------------------------------------------


def test_a_linear_exam_goes_forward_only() -> None:
    drive = Drive(make_created(rules=make_rules("linear"))).start()
    assert drive.attempt(Show(0, 2))[1] == "going_back_off"
    assert drive.do(Show(0, 1)) == (ItemLocked(NOW, 0), Shown(NOW, 1, drive.seq))
    assert drive.attempt(Show(0, 0))[1] == "item_locked"
    assert drive.attempt(drive.answer(0))[1] == "item_locked"
    drive.do(Show(0, 2))
    assert drive.attempt(Show(0, 3))[1] == "unknown_item"


def test_a_linear_exam_without_an_item_on_screen_goes_on_with_the_next() -> None:
    drive = Drive(make_created(rules=make_rules("linear"))).start()
    drive.do(Settle(), NOW + 62_001)
    assert drive.state.current is None
    assert drive.attempt(Show(0, 2))[1] == "going_back_off"
    drive.do(Show(0, 1))
    assert drive.state.current == 1


def test_a_free_exam_goes_anywhere_and_each_clock_runs_only_on_screen() -> None:
    drive = Drive().start()
    drive.do(Show(0, 2), NOW + 10_000)
    assert timing.item_deadline(drive.state) == NOW + 70_000
    drive.do(Show(0, 0), NOW + 30_000)
    assert timing.item_deadline(drive.state) == NOW + 80_000  # ten of its sixty seconds were spent
    assert drive.state.items[2].spent == 20_000


def test_advance_goes_round_in_a_free_exam() -> None:
    drive = Drive(make_created(make_form(CHOICE, CHOICE, CHOICE))).start()
    drive.do(Show(0, 2))
    drive.do(drive.answer(2))
    drive.do(LockStage(0, 2, 0))
    assert drive.do(Advance()) == (Shown(NOW, 0),)
    assert drive.do(Advance()) == ()


# --- the end --------------------------------------------------------------------------------------------


def test_submission_within_the_grace_counts_as_submission() -> None:
    drive = Drive(make_created(rules=make_rules(exam_limit=30_000))).start()
    drive.do(Submit(0), NOW + 31_000)
    assert drive.state.end_reason == "submitted"
    assert drive.state.ended_at == NOW + 31_000


def test_a_proctor_can_end_a_sitting_once() -> None:
    drive = Drive().start()
    assert drive.do(Stop(PROCTOR, 3)) == (Ended(NOW, "proctor", by=PROCTOR, note=3),)
    assert drive.attempt(Stop(PROCTOR, 4))[1] == "ended"
    assert drive.attempt(Extend(MINUTE, PROCTOR, 4))[1] == "ended"


def test_an_answer_after_the_end_is_kept_and_not_scored() -> None:
    drive = Drive(make_created(rules=make_rules(exam_limit=30_000))).start()
    drive.do(drive.answer(0, "a"), NOW + 20_000)
    events = drive.do(drive.answer(0, "b"), NOW + 33_000)
    assert events[0] == Ended(NOW + 30_000, "exam_time")
    assert events[1:] == (RespondedLate(NOW + 33_000, 0, 0, (ChoiceId("0.0.b"),), drive.seq),)
    assert drive.state.items[0].answers == (("0.0.a",),)
    assert len(drive.state.late) == 1


def test_an_answer_to_an_expired_item_is_kept_and_not_scored() -> None:
    drive = Drive().start()
    drive.do(Settle(), NOW + 62_001)
    drive.do(Advance())
    drive.do(drive.answer(0, "b"))
    assert isinstance(drive.events[-1], RespondedLate)
    assert drive.state.items[0].answers == ((),)


@pytest.mark.parametrize("last", [Submit(0), Stop(PROCTOR, 1)])
def test_an_answer_after_a_submission_is_no_evidence(last: Command) -> None:
    drive = Drive().start()
    drive.do(last)
    assert drive.attempt(drive.answer(0)) == ((), "ended")


def test_an_answer_to_an_item_the_candidate_closed_is_no_evidence() -> None:
    linear = Drive(make_created(rules=make_rules("linear", exam_limit=30_000))).start()
    linear.do(Show(0, 1))
    assert linear.attempt(linear.answer(0), NOW + 40_000)[1] == "ended"
    drive = Drive(make_created(rules=make_rules(exam_limit=30_000))).start()
    drive.do(drive.answer(0))
    drive.do(LockStage(0, 0, 0))
    assert drive.attempt(drive.answer(0), NOW + 40_000)[1] == "ended"


def test_an_answer_to_an_item_never_seen_is_no_evidence() -> None:
    drive = Drive(make_created(rules=make_rules(exam_limit=30_000))).start()
    assert drive.attempt(drive.answer(1), NOW + 40_000)[1] == "ended"


def test_late_evidence_is_bounded() -> None:
    drive = Drive(make_created(rules=make_rules(exam_limit=30_000))).start()
    for _ in range(MAX_LATE):
        drive.do(drive.answer(0), NOW + 40_000)
    assert drive.attempt(drive.answer(0)) == ((), "too_late")


# --- pages ----------------------------------------------------------------------------------------------


def test_a_newer_page_takes_over_and_the_older_ones_loss_means_nothing() -> None:
    drive = Drive().start()
    assert drive.do(Attach(SECOND_BROWSER)) == (Detached(NOW), Attached(NOW, SECOND_BROWSER, 2))
    assert drive.do(Detach(1)) == ()
    assert drive.state.connected
    assert drive.do(Detach(2)) == (Detached(NOW),)
    assert drive.do(Detach(2)) == ()


def test_too_many_devices_are_turned_away_without_harm_to_the_page_that_is_on() -> None:
    drive = Drive().start()
    for number in range(MAX_STREAMS - 1):
        drive.do(Attach(f"browser-{number}"), drive.now + ATTACH_EVERY)
    before = drive.state
    assert before.connected
    assert drive.attempt(Attach("one-more")) == ((), "too_many_devices")
    assert drive.state == before
    drive.do(Attach(FIRST))


def test_so_many_pages_may_attach_at_once_and_then_one_after_another() -> None:
    drive = Drive()
    for _ in range(ATTACH_BURST):
        drive.do(Attach(FIRST))
    before = drive.state
    for stream in (FIRST, SECOND_BROWSER):
        assert drive.attempt(Attach(stream)) == ((), "busy")
    assert drive.attempt(Attach(FIRST), NOW + ATTACH_EVERY - 1) == ((), "busy")
    assert drive.state == before
    drive.do(Attach(FIRST), NOW + ATTACH_EVERY)
    assert drive.attempt(Attach(FIRST))[1] == "busy"
    for _ in range(ATTACH_BURST):
        drive.do(Attach(FIRST), NOW + MINUTE)


@given(st.lists(st.integers(0, 3 * ATTACH_EVERY), min_size=ATTACH_BURST, max_size=4 * ATTACH_BURST))
def test_however_pages_come_they_attach_no_faster_than_the_pace(pauses: list[int]) -> None:
    drive = Drive().start()
    for pause in pauses:
        drive.attempt(Attach(FIRST), drive.now + pause)
    came = [event.at for event in drive.events if isinstance(event, Attached)]
    for first, since in enumerate(came):
        for count, at in enumerate(came[first:], 1):
            assert count <= ATTACH_BURST + (at - since) / ATTACH_EVERY


@given(st.lists(st.integers(ATTACH_EVERY, 3 * ATTACH_EVERY), max_size=60), st.integers(0, ATTACH_BURST - 2))
def test_who_comes_now_and_then_is_never_turned_away(pauses: list[int], reloads: int) -> None:
    drive = Drive().start()
    for _ in range(reloads):
        drive.do(Attach(FIRST))
    for pause in pauses:
        drive.do(Attach(SECOND_BROWSER), drive.now + pause)
