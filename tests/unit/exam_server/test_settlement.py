"""What time alone decides: deadlines with their grace, and time given back, each rule by example."""

from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.moments import DAY, HOUR, MINUTE, SECOND
from exam_server import timing
from exam_server.commands import (
    Advance,
    Attach,
    CompensateOutage,
    Detach,
    Extend,
    Pause,
    Resume,
    Settle,
    Show,
    TakeBreak,
)
from exam_server.events import (
    BreakOver,
    Detached,
    Ended,
    ItemExpired,
    OutageCompensated,
    Responded,
    RespondedLate,
    Shown,
)
from exam_server.settlement import uncovered
from exam_server.sitting import fold
from tests.histories.sittings import CHOICE, FIRST, NOW, PROCTOR, SITTING, Drive, make_created, make_form, make_rules

Interval: TypeAlias = tuple[int, int]


@pytest.mark.parametrize(("after", "accepted"), [(0, True), (2_000, True), (2_001, False)])
def test_grace_on_a_live_connection(after: int, accepted: bool) -> None:
    drive = Drive().start()
    drive.do(drive.answer(0), NOW + 60_000 + after)
    assert isinstance(drive.events[-1], Responded) is accepted
    assert isinstance(drive.events[-1], RespondedLate) is not accepted


@pytest.mark.parametrize(("after", "accepted"), [(2_001, True), (10_000, True), (10_001, False)])
@pytest.mark.parametrize("back_at", [61_000, 62_001])
def test_grace_where_the_connection_was_down_across_the_deadline(after: int, accepted: bool, back_at: int) -> None:
    drive = Drive().start()
    drive.do(Detach(1), NOW + 50_000)
    drive.do(Attach(FIRST), NOW + back_at)
    drive.do(drive.answer(0), NOW + 60_000 + after)
    assert isinstance(drive.events[-1], Responded) is accepted


def test_a_short_break_before_the_deadline_gives_no_longer_grace() -> None:
    drive = Drive().start()
    drive.do(Detach(1), NOW + 50_000)
    drive.do(Attach(FIRST), NOW + 60_000)
    drive.do(drive.answer(0), NOW + 62_001)
    assert isinstance(drive.events[-1], RespondedLate)


def test_a_crash_counts_as_a_break_since_the_last_event() -> None:
    drive = Drive().start()
    drive.do(Attach(FIRST, orphaned=True), NOW + 65_000)
    assert Detached(NOW) in drive.events
    drive.do(drive.answer(0), NOW + 69_000)
    assert isinstance(drive.events[-1], Responded)


def test_looking_again_does_not_give_an_item_more_time() -> None:
    drive = Drive().start()
    drive.do(Show(0, 0), NOW + 59_000)
    assert timing.item_deadline(drive.state) == NOW + 60_000
    for after in (60_500, 62_000):
        assert drive.attempt(Show(0, 0), NOW + after) == ((), "item_locked")
    drive.do(drive.answer(0), NOW + 62_500)
    assert isinstance(drive.events[-1], RespondedLate)


def test_an_item_left_within_its_grace_has_no_time_for_another_visit() -> None:
    drive = Drive().start()
    assert drive.do(Show(0, 1), NOW + 61_000) == (ItemExpired(NOW + 60_000, 0), Shown(NOW + 61_000, 1, drive.seq))
    assert drive.attempt(Show(0, 0), NOW + 62_000)[1] == "item_locked"


def test_moving_on_within_the_grace_does_not_end_an_exam_that_item_time_would_end() -> None:
    for navigation in ("linear", "free"):
        drive = Drive(make_created(rules=make_rules(navigation, "finish"))).start()
        drive.do(Show(0, 1), NOW + 61_000)
        assert drive.state.status == "running"
        assert drive.state.items[0].locked


def test_an_item_out_of_time_locks_at_its_deadline_and_the_next_one_waits_to_be_shown() -> None:
    drive = Drive(make_created(rules=make_rules("linear"))).start()
    drive.do(drive.answer(0), NOW + 59_000)
    assert drive.do(Settle(), NOW + 62_000) == ()
    assert drive.do(Settle(), NOW + 62_001) == (ItemExpired(NOW + 60_000, 0),)
    assert drive.state.items[0].answers == (("0.0.a",),)
    assert drive.state.current is None
    assert drive.do(Advance(), NOW + 90_000) == (Shown(NOW + 90_000, 1),)
    assert timing.item_deadline(drive.state) == NOW + 150_000


def test_where_item_time_ends_the_attempt() -> None:
    drive = Drive(make_created(rules=make_rules("linear", "finish"))).start()
    assert drive.do(Settle(), NOW + 62_001) == (Ended(NOW + 60_000, "item_time"),)


def test_the_last_item_out_of_time_completes_the_sitting() -> None:
    drive = Drive(make_created(make_form(CHOICE), make_rules("linear"))).start()
    assert drive.do(Settle(), NOW + 62_001) == (ItemExpired(NOW + 60_000, 0), Ended(NOW + 60_000, "completed"))


def test_the_exam_clock_ends_everything() -> None:
    drive = Drive(make_created(rules=make_rules(exam_limit=90_000))).start()
    drive.do(Show(0, 1), NOW + 50_000)
    assert drive.do(Settle(), NOW + 92_000) == ()
    assert drive.do(Settle(), NOW + 92_001) == (Ended(NOW + 90_000, "exam_time"),)
    assert drive.state.deadline is None


def test_the_window_closes_over_a_running_exam() -> None:
    drive = Drive(make_created(closes_at=NOW + 30_000)).start()
    assert drive.do(Settle(), NOW + 32_001) == (Ended(NOW + 30_000, "window_closed"),)


def test_long_absence_expires_the_item_and_then_the_exam() -> None:
    drive = Drive(make_created(rules=make_rules("linear"))).start()
    drive.do(Detach(1), NOW + 1_000)
    assert drive.do(Settle(), NOW + 2 * HOUR) == (ItemExpired(NOW + 60_000, 0), Ended(NOW + HOUR, "exam_time"))


def test_time_given_back_moves_exam_and_item() -> None:
    drive = Drive().start()
    drive.do(Extend(5 * MINUTE, PROCTOR, 4), NOW + 10_000)
    assert timing.item_deadline(drive.state) == NOW + MINUTE + 5 * MINUTE
    assert timing.exam_deadline(drive.state) == NOW + HOUR + 5 * MINUTE
    drive.do(Show(0, 1))
    assert timing.item_deadline(drive.state) == NOW + 10_000 + MINUTE


def test_time_given_back_within_the_grace_saves_the_item() -> None:
    drive = Drive().start()
    drive.do(Extend(MINUTE, PROCTOR, 4), NOW + 61_000)
    assert drive.do(Settle(), NOW + 100_000) == ()


def test_time_given_back_never_outlasts_the_window() -> None:
    drive = Drive(make_created(closes_at=NOW + HOUR + MINUTE)).start()
    drive.do(Extend(MINUTE, PROCTOR, 4))
    assert drive.attempt(Extend(1, PROCTOR, 5)) == ((), "past_window")
    assert timing.exam_deadline(drive.state) == NOW + HOUR + MINUTE


@pytest.mark.parametrize("span", [0, -1, 24 * HOUR + 1, 2**80])
def test_a_span_that_makes_no_sense_is_refused(span: int) -> None:
    assert Drive().start().attempt(Extend(span, PROCTOR, 1)) == ((), "bad_span")


def test_a_clock_that_goes_back_does_not_take_time_from_the_log() -> None:
    drive = Drive().start()
    drive.do(drive.answer(0), NOW + 30_000)
    drive.do(drive.answer(0, "b"), NOW - 5_000)
    assert drive.events[-1].at == NOW + 30_000
    assert drive.state.items[0].answers == (("0.0.b",),)


# --- our own outages ------------------------------------------------------------------------------------


def test_an_outage_is_made_good_before_anything_it_let_run_out_is_settled() -> None:
    drive = Drive().start()
    events = drive.do(CompensateOutage(NOW + 30 * SECOND, 5 * MINUTE), NOW + 30 * SECOND + 5 * MINUTE)
    assert events == (OutageCompensated(drive.now, 5 * MINUTE, NOW + 30 * SECOND, drive.now),)
    assert timing.item_deadline(drive.state) == NOW + MINUTE + 5 * MINUTE
    assert timing.exam_deadline(drive.state) == NOW + HOUR + 5 * MINUTE


def test_the_same_outage_counts_once() -> None:
    drive = Drive().start()
    outage = CompensateOutage(NOW + 10 * SECOND, 20 * SECOND)
    drive.do(outage, NOW + 30 * SECOND)
    assert drive.do(outage, NOW + 31 * SECOND) == ()
    assert drive.state.extra == 20 * SECOND


def test_what_had_run_out_before_the_outage_stays_so() -> None:
    drive = Drive().start()
    drive.do(Detach(1), NOW + SECOND)
    events = drive.do(CompensateOutage(NOW + 75 * SECOND, 10 * MINUTE), NOW + 12 * MINUTE)
    assert events[0] == ItemExpired(NOW + MINUTE, 0)
    assert isinstance(events[1], OutageCompensated)


def test_an_outage_before_the_start_counts_from_the_start_and_one_in_a_pause_not_at_all() -> None:
    drive = Drive().start()
    drive.do(CompensateOutage(NOW - 20 * SECOND, 30 * SECOND), NOW + 11 * SECOND)
    assert drive.state.extra == 10 * SECOND
    drive.do(Pause(PROCTOR, 1))
    assert drive.do(CompensateOutage(drive.now, MINUTE), drive.now + MINUTE) == ()


def test_an_outage_in_a_pause_is_not_given_back_once_the_pause_is_over_either() -> None:
    drive = Drive().start()
    drive.do(Pause(PROCTOR, 1), NOW + 10 * SECOND)
    outage = CompensateOutage(NOW + 20 * SECOND, MINUTE)
    drive.do(Resume(PROCTOR), NOW + 2 * MINUTE)
    assert drive.do(outage, NOW + 2 * MINUTE + SECOND) == ()
    assert drive.state.extra == 110 * SECOND


def test_of_an_outage_that_a_pause_was_a_part_of_the_rest_is_given_back() -> None:
    drive = Drive().start()
    drive.do(Pause(PROCTOR, 1), NOW + 10 * SECOND)
    drive.do(Resume(PROCTOR), NOW + 40 * SECOND)
    events = drive.do(CompensateOutage(NOW + 20 * SECOND, 30 * SECOND), NOW + 50 * SECOND)
    assert events == (OutageCompensated(NOW + 50 * SECOND, 10 * SECOND, NOW + 20 * SECOND, NOW + 50 * SECOND),)
    assert drive.state.extra == 40 * SECOND


def test_a_break_that_an_outage_outlasted_gives_back_what_came_after_it() -> None:
    drive = Drive(make_created(rules=make_rules(breaks=1, break_limit=MINUTE))).start()
    drive.do(TakeBreak(0), NOW + 10 * SECOND)
    outage = CompensateOutage(NOW + 30 * SECOND, 90 * SECOND)
    events = drive.do(outage, NOW + 2 * MINUTE)
    assert events == (
        OutageCompensated(NOW + 2 * MINUTE, 50 * SECOND, NOW + 30 * SECOND, NOW + 2 * MINUTE),
        BreakOver(NOW + 70 * SECOND),
    )
    assert drive.do(outage, NOW + 3 * MINUTE) == ()
    assert drive.state.extra == 50 * SECOND + MINUTE


def test_more_than_can_be_given_back_at_once_is_not_given_at_all() -> None:
    for span, given_back in ((timing.LONGEST_EXTENSION, True), (timing.LONGEST_EXTENSION + 1, False)):
        drive = Drive(make_created(closes_at=NOW + 3 * DAY)).start()
        events = drive.do(CompensateOutage(NOW + SECOND, span), NOW + SECOND + span)
        assert isinstance(events[0], OutageCompensated) is given_back


SPANS = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda ends: (min(ends), max(ends)))


@given(SPANS, st.lists(SPANS, max_size=6))
def test_what_is_uncovered_is_what_none_of_the_intervals_has(whole: tuple[int, int], covered: list[Interval]) -> None:
    moments = {at for at in range(*whole) if not any(since <= at < until for since, until in covered)}
    assert uncovered(*whole, covered) == len(moments)


@given(st.lists(SPANS, max_size=6, unique_by=lambda span: span[0]), SPANS)
def test_however_outages_overlap_each_moment_is_given_back_once(outages: list[Interval], paused: Interval) -> None:
    """A pause gives back the time it took; outages add what lies outside it, and after the start."""
    start = 10
    drive = Drive(make_created(make_form(CHOICE, limit=HOUR)))
    drive.now = NOW + start * SECOND
    drive.start()
    pause = range(max(paused[0], start), max(paused[1], start))
    drive.do(Pause(PROCTOR, 1), NOW + pause.start * SECOND)
    drive.do(Resume(PROCTOR), NOW + pause.stop * SECOND)
    drive.now = max(drive.now, NOW + 60 * SECOND)
    lost = set(pause)
    for began, ended in outages:
        drive.do(CompensateOutage(NOW + began * SECOND, (ended - began) * SECOND))
        lost.update(range(max(began, start), ended))
        assert drive.state.extra == len(lost) * SECOND
        assert drive.do(CompensateOutage(NOW + began * SECOND, (ended - began) * SECOND)) == ()
    assert fold(SITTING, drive.events) == drive.state


def test_an_outage_of_an_older_log_lasts_as_long_as_it_gave() -> None:
    drive = Drive().start()
    drive.record((OutageCompensated(NOW + 30 * SECOND, 10 * SECOND, NOW + 20 * SECOND),))
    drive.do(CompensateOutage(NOW + 25 * SECOND, 15 * SECOND), NOW + 40 * SECOND)
    assert drive.state.extra == 20 * SECOND
