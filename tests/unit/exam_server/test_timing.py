"""Which deadline is the next one, and how long after it an answer still counts."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.moments import HOUR, MINUTE
from exam_server import timing
from exam_server.commands import Attach, Detach, Extend, Settle, Submit
from exam_server.events import Allowance
from tests.histories.sittings import FIRST, NOW, PROCTOR, Drive, make_created, make_rules, thorough


def test_before_the_start_only_the_window_counts() -> None:
    drive = Drive(make_created(closes_at=NOW + 3 * HOUR))
    assert timing.item_deadline(drive.state) is None
    assert timing.exam_deadline(drive.state) == timing.next_deadline(drive.state) == NOW + 3 * HOUR


def test_the_earliest_of_item_exam_and_window_is_next() -> None:
    assert timing.next_deadline(Drive().start().state) == NOW + MINUTE
    short = make_created(rules=make_rules(exam_limit=30_000))
    assert timing.next_deadline(Drive(short).start().state) == NOW + 30_000
    closing = make_created(closes_at=NOW + 20_000)
    assert timing.next_deadline(Drive(closing).start().state) == NOW + 20_000


def test_with_nothing_on_screen_the_exam_goes_on() -> None:
    drive = Drive(make_created(rules=make_rules("linear"))).start()
    drive.do(Settle(), NOW + 62_001)
    assert timing.item_deadline(drive.state) is None
    assert timing.next_deadline(drive.state) == NOW + HOUR


def test_an_ended_sitting_has_no_deadline() -> None:
    drive = Drive().start()
    drive.do(Submit(0))
    assert timing.next_deadline(drive.state) is None
    assert drive.state.deadline is None


def test_time_spent_before_counts() -> None:
    state = Drive().start().state
    spent = replace(state, items=(replace(state.items[0], spent=45_000), *state.items[1:]))
    assert timing.item_deadline(spent) == NOW + 15_000
    overspent = replace(state, items=(replace(state.items[0], spent=75_000), *state.items[1:]))
    assert timing.item_deadline(overspent) == NOW


@given(st.integers(1, timing.LONGEST_EXTENSION), st.integers(0, 2 * HOUR))
@thorough(50)
def test_time_given_back_moves_a_deadline_by_itself_up_to_the_window(span: int, room: int) -> None:
    drive = Drive(make_created(closes_at=NOW + HOUR + room)).start()
    given = span if span <= room else 0
    assert drive.attempt(Extend(span, PROCTOR, 1))[1] == (None if given else "past_window")
    assert timing.exam_deadline(drive.state) == NOW + HOUR + given
    assert timing.item_deadline(drive.state) == NOW + MINUTE + given


@given(
    st.integers(MINUTE, 12 * HOUR),
    st.integers(100, 400),
    st.integers(0, 6 * HOUR),
    st.integers(0, 20),
    st.integers(0, HOUR),
    st.integers(0, 4 * HOUR),
)
def test_a_window_moved_by_the_gain_never_cuts_an_allowance_off(
    limit: int, percent: int, extra: int, breaks: int, break_limit: int, waited: int
) -> None:
    """Whoever began in time without an allowance begins in time with one: exam and breaks end before the close."""
    rules = replace(make_rules(exam_limit=limit), break_limit=break_limit)
    allowance = Allowance(percent, extra, breaks)
    usual_close = NOW + waited + limit
    created = make_created(rules=rules, closes_at=usual_close + timing.gain(rules, allowance))
    state = Drive(replace(created, allowance=allowance)).state
    rested = breaks * (break_limit or timing.USUAL_BREAK)
    assert NOW + waited + timing.stretch(state, limit) + rested <= state.closes_at
    assert timing.gain(rules, Allowance()) == 0


def test_grace_depends_on_the_connection_across_the_deadline() -> None:
    drive = Drive().start()
    deadline = NOW + MINUTE
    assert timing.grace(drive.state, deadline) == timing.LIVE_GRACE == 2_000
    drive.do(Detach(1), NOW + 1_000)
    assert timing.grace(drive.state, deadline) == timing.BROKEN_GRACE == 10_000
    drive.do(Attach(FIRST), deadline)
    assert timing.grace(drive.state, deadline) == timing.LIVE_GRACE
    drive.do(Attach(FIRST), deadline + 1)
    assert timing.grace(drive.state, deadline) == timing.LIVE_GRACE, "a second page gains no time"
    drive.do(Detach(drive.state.epoch), deadline + 2)
    assert timing.grace(drive.state, deadline) == timing.LIVE_GRACE, "nor does leaving"


def test_a_connection_that_was_down_across_the_deadline_keeps_the_longer_grace() -> None:
    drive = Drive().start()
    deadline = NOW + MINUTE
    drive.do(Detach(1), NOW + 1_000)
    drive.do(Attach(FIRST), deadline + 3_000)
    assert timing.grace(drive.state, deadline) == timing.BROKEN_GRACE


def test_a_sweeper_leaves_every_owner_its_time() -> None:
    assert timing.BROKEN_GRACE + timing.SWEEP_MARGIN == 25_000
