"""What staff may do to a sitting, each rule by example."""

import pytest

from core.ids import ItemId
from core.moments import DAY, HOUR, MINUTE, SECOND
from exam_server import timing
from exam_server.commands import (
    AdmitLate,
    Advance,
    AnswerHelp,
    Command,
    Extend,
    Help,
    MoveClose,
    Pause,
    ReadNotice,
    ReplaceForm,
    Resume,
    SetAllowance,
    Settle,
    Show,
    Stop,
    Submit,
    Tell,
    Withdraw,
)
from exam_server.events import (
    Allowance,
    Ended,
    HelpAnswered,
    ItemWithdrawn,
    LateAdmitted,
    RespondedLate,
    Resumed,
    Shown,
)
from exam_server.interventions import MAX_UNREAD
from tests.histories.sittings import (
    CHOICE,
    NOW,
    PROCTOR,
    UNFOLDING,
    Drive,
    deadline_of,
    make_created,
    make_form,
    make_rules,
)


def begun(navigation: str = "free", closes_at: int = NOW + DAY) -> Drive:
    rules = make_rules(navigation)  # type: ignore[arg-type]
    return Drive(make_created(make_form(CHOICE, CHOICE, CHOICE), rules, closes_at)).start()


# --- pause ----------------------------------------------------------------------------------------------


def test_a_pause_stops_every_clock_and_the_item_comes_back_with_the_time_it_had() -> None:
    drive = begun()
    drive.do(Show(0, 1), NOW + 10 * SECOND)
    drive.do(Pause(PROCTOR, 1), NOW + 25 * SECOND)
    assert drive.state.current is None
    drive.do(Settle(), NOW + 5 * HOUR)
    assert drive.state.status == "running"
    assert drive.do(Resume(PROCTOR)) == (Resumed(NOW + 5 * HOUR, PROCTOR),)
    assert drive.do(Advance()) == (Shown(NOW + 5 * HOUR, 1),)
    assert timing.item_deadline(drive.state) == NOW + 5 * HOUR + 45 * SECOND
    assert timing.exam_deadline(drive.state) == NOW + HOUR + 5 * HOUR - 25 * SECOND
    assert drive.state.items[1].spent == 15 * SECOND, "response time counts a pause"


def test_while_it_is_paused_an_edit_is_put_off_and_nothing_ends_it_but_the_window() -> None:
    drive = begun(closes_at=NOW + 2 * HOUR)
    drive.do(Pause(PROCTOR, 1), NOW + SECOND)
    for command in (drive.answer(0), Show(0, 1), Submit(0)):
        assert drive.attempt(command)[1] == "paused"
    assert drive.attempt(Pause(PROCTOR, 2))[1] == "paused"
    assert deadline_of(drive.state) == NOW + 2 * HOUR
    assert drive.do(Settle(), NOW + 3 * HOUR) == (Ended(NOW + 2 * HOUR, "window_closed"),)


def test_what_was_never_paused_can_not_go_on() -> None:
    assert begun().attempt(Resume(PROCTOR))[1] == "not_paused"
    assert Drive().attempt(Pause(PROCTOR, 1))[1] == "not_started"


def test_time_given_during_a_pause_is_for_the_item_that_comes_back() -> None:
    drive = begun()
    drive.do(Pause(PROCTOR, 1), NOW + 50 * SECOND)
    drive.do(Extend(30 * SECOND, PROCTOR, 2), NOW + 60 * SECOND)
    drive.do(Resume(PROCTOR), NOW + 80 * SECOND)
    drive.do(Advance())
    assert timing.item_deadline(drive.state) == NOW + 80 * SECOND + 40 * SECOND


# --- allowances and the window --------------------------------------------------------------------------


def test_an_allowance_stretches_every_limit_at_once_and_can_be_changed_back() -> None:
    drive = begun()
    drive.do(SetAllowance(Allowance(150), PROCTOR, 1), NOW + 10 * SECOND)
    assert timing.item_deadline(drive.state) == NOW + 90 * SECOND
    assert timing.exam_deadline(drive.state) == NOW + 90 * MINUTE
    drive.do(SetAllowance(Allowance(100, 20 * MINUTE), PROCTOR, 2), NOW + 11 * SECOND)
    assert timing.exam_deadline(drive.state) == NOW + 80 * MINUTE
    assert timing.item_deadline(drive.state) == NOW + 80 * SECOND, "minutes for the whole help no single item"
    drive.do(SetAllowance(Allowance(), PROCTOR, 3), NOW + 12 * SECOND)
    assert timing.item_deadline(drive.state) == NOW + MINUTE


def test_an_allowance_counts_from_the_beginning_where_the_sitting_was_made_with_it() -> None:
    drive = Drive(make_created())
    drive.do(SetAllowance(Allowance(200), PROCTOR, 1))
    drive.start()
    assert timing.exam_deadline(drive.state) == NOW + 2 * HOUR


def test_a_window_can_be_made_longer_but_not_closed_in_the_past() -> None:
    drive = begun(closes_at=NOW + 30 * MINUTE)
    assert timing.exam_deadline(drive.state) == NOW + 30 * MINUTE
    drive.do(MoveClose(NOW + 2 * HOUR, PROCTOR, 1))
    assert timing.exam_deadline(drive.state) == NOW + HOUR
    assert drive.attempt(MoveClose(NOW, PROCTOR, 2))[1] == "bad_moment"


# --- words ----------------------------------------------------------------------------------------------


def test_messages_wait_until_they_are_read_and_only_so_many() -> None:
    drive = begun()
    for note in range(MAX_UNREAD):
        drive.do(Tell("message", PROCTOR, note))
    assert drive.attempt(Tell("message", PROCTOR, 99))[1] == "too_many_notices"
    drive.do(ReadNotice(0, 7))
    assert [one.note for one in drive.state.unread] == [note for note in range(MAX_UNREAD) if note != 7]
    assert drive.attempt(ReadNotice(0, 7))[1] == "unknown_notice"


def test_a_call_for_help_lasts_until_somebody_answers() -> None:
    drive = begun()
    drive.do(Help(0), NOW + SECOND)
    drive.do(Help(0, 3), NOW + 2 * SECOND)
    assert drive.state.help_since == NOW + SECOND
    assert drive.do(AnswerHelp(PROCTOR)) == (HelpAnswered(drive.now, PROCTOR),)
    assert drive.do(AnswerHelp(PROCTOR)) == ()


# --- forms ----------------------------------------------------------------------------------------------


def test_a_withdrawn_item_is_shown_to_nobody_who_has_not_seen_it() -> None:
    drive = begun("linear")
    assert drive.do(Withdraw(ItemId("i1")), NOW + SECOND) == (ItemWithdrawn(NOW + SECOND, 1),)
    assert drive.attempt(Show(0, 1))[1] == "item_locked"
    drive.do(Show(0, 2))
    assert drive.do(Withdraw(ItemId("i2"))) == (), "who has seen it keeps it"
    assert drive.do(Withdraw(ItemId("i1"))) == ()


def test_with_the_last_open_item_withdrawn_the_sitting_is_complete() -> None:
    drive = Drive(make_created(make_form(CHOICE, CHOICE), make_rules("linear"))).start()
    drive.do(Settle(), NOW + 63 * SECOND)
    events = drive.do(Withdraw(ItemId("i1")), NOW + 64 * SECOND)
    assert events == (ItemWithdrawn(drive.now, 1), Ended(drive.now, "completed"))


def test_a_form_can_be_replaced_until_the_start() -> None:
    drive = Drive()
    drive.do(ReplaceForm(make_form(UNFOLDING)))
    assert len(drive.state.items) == 1
    assert begun().attempt(ReplaceForm(make_form(UNFOLDING)))[1] == "already_begun"


# --- after the end --------------------------------------------------------------------------------------


def test_only_the_commission_counts_a_late_answer_and_only_once() -> None:
    drive = begun()
    drive.do(Settle(), NOW + 2 * HOUR)
    drive.do(drive.answer(0, "b"))
    assert isinstance(drive.events[-1], RespondedLate)
    assert not any(drive.state.items[0].answers)
    assert drive.do(AdmitLate(0, PROCTOR, 8)) == (LateAdmitted(drive.now, 0, PROCTOR, 8),)
    assert drive.state.items[0].answers == (("0.0.b",),)
    for number in (0, 1, -1):
        assert drive.attempt(AdmitLate(number, PROCTOR, 8))[1] == "unknown_late"
    assert begun().attempt(AdmitLate(0, PROCTOR, 8))[1] == "not_ended"


def test_a_window_cancelled_by_staff_ends_what_has_not_begun_too() -> None:
    fresh = Drive()
    assert fresh.do(Stop(PROCTOR, 1, "window_cancelled")) == (Ended(NOW, "window_cancelled", by=PROCTOR, note=1),)


STAFF: tuple[Command, ...] = (
    Extend(SECOND, PROCTOR, 1),
    Pause(PROCTOR, 1),
    Resume(PROCTOR),
    SetAllowance(Allowance(150), PROCTOR, 1),
    MoveClose(NOW + DAY, PROCTOR, 1),
    Tell("message", PROCTOR, 1),
    ReplaceForm(make_form(CHOICE)),
    Stop(PROCTOR, 1),
)


@pytest.mark.parametrize("command", STAFF, ids=lambda command: type(command).__name__)
def test_an_ended_sitting_is_left_alone(command: Command) -> None:
    drive = begun()
    drive.do(Submit(0))
    assert drive.attempt(command)[1] == "ended"
