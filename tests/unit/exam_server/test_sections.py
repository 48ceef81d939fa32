"""Sections, breaks, remarks, answers that waited on another device, practice: each rule by example."""

import pytest
from msgspec.structs import replace

from core.ids import ItemId
from core.moments import DAY, HOUR, MINUTE, SECOND
from exam_server import timing
from exam_server.commands import (
    Advance,
    Attach,
    CloseSection,
    Detach,
    EndBreak,
    Help,
    LockStage,
    Question,
    Respond,
    Settle,
    Show,
    Start,
    TakeBreak,
    Withdraw,
)
from exam_server.events import (
    BreakBegun,
    BreakOver,
    Ended,
    ItemExpired,
    ItemLocked,
    Questioned,
    Responded,
    SectionClosed,
    SectionExpired,
    Shown,
    StageLocked,
)
from exam_server.rulings import MAX_REMARKS, following_item
from question_bank.forms import Navigation, SectionRule
from tests.histories.sittings import (
    CHOICE,
    FIRST,
    NOW,
    SECOND_BROWSER,
    UNFOLDING,
    Drive,
    make_created,
    make_form,
    make_rules,
)

TWO = (SectionRule(2, 90 * SECOND), SectionRule(2))


def sectioned(navigation: str = "free", breaks: int = 0) -> Drive:
    rules = make_rules(navigation, sections=TWO, breaks=breaks, break_limit=5 * MINUTE)  # type: ignore[arg-type]
    return Drive(make_created(make_form(CHOICE, CHOICE, CHOICE, CHOICE), rules)).start()


# --- sections -------------------------------------------------------------------------------------------


def test_going_to_and_fro_stays_within_the_section() -> None:
    drive = sectioned()
    drive.do(Show(0, 1))
    drive.do(Show(0, 0))
    assert drive.attempt(Show(0, 2))[1] == "other_section"
    assert following_item(drive.state) == 1


def test_a_section_is_left_for_good_and_the_next_one_begins_when_the_candidate_opens_it() -> None:
    drive = sectioned()
    assert drive.attempt(CloseSection(0, 1))[1] == "other_section"
    assert drive.do(CloseSection(0, 0), NOW + 30 * SECOND)[0].at == NOW + 30 * SECOND
    assert drive.state.between
    assert drive.do(Advance()) == (), "the next section began by itself"
    assert timing.section_deadline(drive.state) is None
    assert drive.attempt(Show(0, 0))[1] == "item_locked"
    drive.do(Show(0, 3), NOW + 50 * SECOND)
    assert (drive.state.section_started_at, drive.state.current) == (NOW + 50 * SECOND, 3)
    assert drive.attempt(CloseSection(0, 1))[1] == "last_section"


def test_a_section_out_of_time_locks_and_the_exam_goes_on() -> None:
    drive = sectioned()
    drive.do(Show(0, 1), NOW + 50 * SECOND)
    assert drive.do(Settle(), NOW + 93 * SECOND) == (SectionExpired(NOW + 90 * SECOND, 0),)
    assert [item.locked for item in drive.state.items] == [True, True, False, False]
    assert drive.state.between
    drive.do(Settle(), NOW + 3 * HOUR)
    assert drive.state.end_reason == "exam_time"


def test_an_answer_in_the_grace_of_a_section_counts_and_a_later_one_is_evidence() -> None:
    drive = sectioned()
    drive.do(Show(0, 1), NOW + 50 * SECOND)
    assert isinstance(drive.do(drive.answer(1), NOW + 92 * SECOND)[0], Responded)
    drive.do(drive.answer(1, "b"), NOW + 92 * SECOND + 1)
    assert len(drive.state.late) == 1
    assert drive.state.items[1].answers == (("1.0.a",),)


@pytest.mark.parametrize("navigation", ["free", "linear"])
def test_the_grace_of_the_exam_is_no_time_for_a_new_look(navigation: Navigation) -> None:
    rules = make_rules(navigation, exam_limit=90 * SECOND)
    drive = Drive(make_created(make_form(CHOICE, CHOICE, CHOICE), rules)).start()
    drive.do(Show(0, 1), NOW + 50 * SECOND)
    assert drive.attempt(Show(0, 2), NOW + 91 * SECOND)[1] == "item_locked"
    assert isinstance(drive.do(drive.answer(1), NOW + 91 * SECOND)[0], Responded)
    drive.do(LockStage(0, 1, 0))
    assert drive.do(Advance()) == (), "the next item came after the end"


def test_the_last_item_of_a_section_closes_it() -> None:
    rules = make_rules("linear", sections=(SectionRule(1), SectionRule(1)))
    drive = Drive(make_created(make_form(UNFOLDING, CHOICE), rules)).start()
    for stage in range(3):
        drive.do(drive.answer(0, "a", stage))
        events = drive.do(LockStage(0, 0, stage))
    assert events[1:] == (SectionClosed(NOW, 0),)
    assert drive.do(Show(0, 1)) == (Shown(NOW, 1, drive.seq),)


def test_a_section_of_which_everything_was_withdrawn_is_passed_over() -> None:
    drive = sectioned()
    for name in ("i2", "i3"):
        drive.do(Withdraw(ItemId(name)))
    events = drive.do(CloseSection(0, 0))
    assert events[1:] == (Ended(NOW, "completed"),)


# --- breaks ---------------------------------------------------------------------------------------------


def test_a_break_stops_the_clocks_and_locks_what_was_seen() -> None:
    drive = sectioned(breaks=1)
    assert drive.do(TakeBreak(0), NOW + 20 * SECOND) == (
        BreakBegun(NOW + 20 * SECOND, NOW + 20 * SECOND + 5 * MINUTE, drive.seq),
    )
    assert drive.attempt(drive.answer(0))[1] == "on_break"
    assert drive.do(EndBreak(0), NOW + 80 * SECOND) == (BreakOver(NOW + 80 * SECOND, drive.seq),)
    assert drive.attempt(Show(0, 0))[1] == "item_locked"
    assert drive.do(Advance()) == (Shown(NOW + 80 * SECOND, 1),)
    assert timing.section_deadline(drive.state) == NOW + 150 * SECOND
    assert timing.exam_deadline(drive.state) == NOW + HOUR + MINUTE
    assert drive.attempt(TakeBreak(0))[1] == "no_breaks_left"


def test_a_break_that_runs_out_ends_at_its_moment_without_any_grace() -> None:
    drive = sectioned(breaks=1)
    drive.do(TakeBreak(0), NOW + 20 * SECOND)
    over = NOW + 20 * SECOND + 5 * MINUTE
    assert drive.do(Settle(), over) == ()
    assert drive.do(Settle(), over + 1) == (BreakOver(over),)
    assert drive.attempt(EndBreak(0))[1] == "not_on_break"


def test_a_break_between_sections_locks_nothing_more() -> None:
    drive = sectioned(breaks=1)
    drive.do(CloseSection(0, 0), NOW + 20 * SECOND)
    drive.do(TakeBreak(0), NOW + 30 * SECOND)
    drive.do(EndBreak(0), NOW + 60 * SECOND)
    assert drive.state.between
    drive.do(Show(0, 2))
    assert timing.section_deadline(drive.state) is None


def test_no_break_where_nothing_would_be_left_after_it() -> None:
    drive = sectioned(breaks=1)
    drive.do(CloseSection(0, 0))
    drive.do(Show(0, 2))
    drive.do(Show(0, 3))
    assert drive.attempt(TakeBreak(0))[1] == "nothing_left"


# --- the start ------------------------------------------------------------------------------------------


def test_nothing_begins_before_its_window_opens() -> None:
    created = make_created()
    drive = Drive(replace(created, opens_at=NOW + MINUTE))
    drive.do(Attach(FIRST))
    assert drive.attempt(Start(0), NOW + MINUTE - 1)[1] == "too_early"


# --- remarks --------------------------------------------------------------------------------------------


def test_a_remark_is_kept_with_the_item_and_changes_nothing_else() -> None:
    drive = sectioned()
    before = drive.state.items[0]
    assert drive.do(Question(0, 0, 5)) == (Questioned(NOW, 0, 5, drive.seq),)
    assert drive.state.items[0] == replace(before, questioned=True)
    assert drive.attempt(Question(0, 1, 6))[1] == "item_not_open", "a remark on what was never shown"
    assert drive.attempt(Question(0, 9, 6))[1] == "unknown_item"


def test_remarks_are_bounded() -> None:
    drive = sectioned()
    for note in range(MAX_REMARKS):
        drive.do(Question(0, 0, note))
    assert drive.attempt(Question(0, 0, 1))[1] == "too_many_remarks"
    assert drive.attempt(Help(0))[1] == "too_many_remarks"


# --- two devices, and the grace -------------------------------------------------------------------------


def test_an_answer_that_waited_on_one_device_does_not_replace_a_newer_one_of_another() -> None:
    drive = sectioned()
    old = replace(drive.answer(0, "a"), epoch=1)
    drive.do(Attach(SECOND_BROWSER))
    drive.do(replace(drive.answer(0, "b"), seq=1, epoch=2))
    drive.do(Attach(FIRST))
    drive.seq = 1
    assert drive.attempt(old)[1] == "superseded"
    assert drive.state.items[0].answers == (("0.0.b",),)
    drive.do(replace(drive.answer(0, "c"), epoch=3))
    assert drive.state.items[0].answers == (("0.0.c",),)


def test_an_answer_that_waited_for_the_line_on_its_own_device_counts() -> None:
    drive = sectioned()
    waited = replace(drive.answer(0, "a"), epoch=1)
    drive.do(Attach(FIRST))
    drive.do(waited)
    assert drive.state.items[0].answers == (("0.0.a",),)


def test_an_answer_that_waited_in_one_window_counts_after_a_newer_one_of_the_same_browser() -> None:
    drive = sectioned()
    waited = replace(drive.answer(0, "a"), epoch=1)
    drive.do(Attach(FIRST))
    drive.do(replace(drive.answer(0, "b"), epoch=2))
    assert drive.state.items[0].epoch == 2
    drive.do(waited)
    assert drive.state.items[0].answers == (("0.0.a",),)


def test_hanging_up_before_every_deadline_soon_gains_nothing() -> None:
    rules = make_rules("linear")
    drive = Drive(make_created(make_form(*[CHOICE] * 12), rules, NOW + DAY)).start()
    gained = 0
    for position in range(12):
        deadline = timing.item_deadline(drive.state)
        assert deadline is not None
        drive.do(Detach(drive.state.epoch), deadline - 1)
        events = drive.do(drive.answer(position), deadline + 9_000)
        gained += sum(event.at - deadline for event in events if isinstance(event, Responded))
        drive.do(Settle(), deadline + 11_000)
        drive.do(Attach(FIRST))
        drive.do(Advance())
    assert gained <= timing.MOST_GRACE + timing.BROKEN_GRACE


def test_response_time_first_answer_and_revisions_are_kept() -> None:
    drive = sectioned()
    drive.do(drive.answer(0, "a"), NOW + 7 * SECOND)
    drive.do(drive.answer(0, "b"), NOW + 9 * SECOND)
    drive.do(Show(0, 1), NOW + 10 * SECOND)
    drive.do(Show(0, 0), NOW + 30 * SECOND)
    drive.do(Respond(0, 0, 0, ()), NOW + 31 * SECOND)
    drive.do(Show(0, 1), NOW + 35 * SECOND)
    item = drive.state.items[0]
    assert (item.first_at, item.revisions, item.spent) == (NOW + 7 * SECOND, 3, 15 * SECOND)


# --- practice that explains each item -------------------------------------------------------------------


def explaining(navigation: Navigation = "linear") -> Drive:
    drive = Drive(make_created(make_form(CHOICE, UNFOLDING, CHOICE), make_rules(navigation, explanations="item")))
    drive.do(Attach(FIRST))
    drive.do(Start(0))
    return drive


def explained(drive: Drive) -> int | None:
    return drive.state.explaining


def test_practice_asks_for_no_admission() -> None:
    drive = explaining()
    assert drive.state.admitted is None
    assert (drive.state.status, drive.state.current) == ("running", 0)


def test_an_item_that_was_checked_is_explained_before_the_next_ones_clock_runs() -> None:
    drive = explaining()
    assert explained(drive) is None
    drive.do(drive.answer(0))
    assert drive.do(LockStage(0, 0, 0)) == (StageLocked(NOW, 0, 0, drive.seq),)
    assert explained(drive) == 0
    assert drive.do(Advance(), NOW + 50 * SECOND) == (), "the next item came by itself"
    assert timing.item_deadline(drive.state) is None
    assert drive.do(Show(0, 1)) == (Shown(NOW + 50 * SECOND, 1, drive.seq),)
    assert timing.item_deadline(drive.state) == NOW + 110 * SECOND
    assert explained(drive) is None


def test_leaving_an_item_explains_it_and_the_same_edit_again_leads_no_further() -> None:
    drive = explaining()
    left = Show(2, 1)
    assert drive.do(left) == (ItemLocked(NOW, 0, 2),)
    assert drive.do(left) == ()
    assert (drive.state.current, explained(drive)) == (None, 0)
    assert drive.do(Show(3, 1)) == (Shown(NOW, 1, 3),)


def test_an_item_out_of_time_is_explained_too() -> None:
    drive = explaining()
    assert drive.do(Settle(), NOW + 62_001) == (ItemExpired(NOW + 60 * SECOND, 0),)
    assert drive.do(Advance()) == ()
    assert explained(drive) == 0


def test_a_case_is_explained_once_its_last_stage_is_locked() -> None:
    drive = explaining("free")
    drive.do(Show(0, 1))
    for stage in range(3):
        assert explained(drive) is None
        drive.do(drive.answer(1, stage=stage))
        drive.do(LockStage(0, 1, stage))
    assert explained(drive) == 1


def test_with_everything_locked_practice_is_over() -> None:
    drive = Drive(make_created(make_form(CHOICE), make_rules(explanations="item")))
    drive.do(Attach(FIRST))
    drive.do(Start(0))
    drive.do(drive.answer(0))
    assert drive.do(LockStage(0, 0, 0))[-1] == Ended(NOW, "completed")
    assert explained(drive) is None


def test_an_exam_never_stops_to_explain() -> None:
    rules = replace(make_rules("linear", explanations="item"), practice=False)
    drive = Drive(make_created(make_form(CHOICE, CHOICE), rules)).start()
    assert drive.do(Show(0, 1)) == (ItemLocked(NOW, 0), Shown(NOW, 1, drive.seq))
    assert explained(drive) is None
