from hypothesis import given
from hypothesis import strategies as st

from core.ids import PersonId
from core.moments import HOUR, MINUTE, SECOND, Moment
from exam_server.connectivity import Connectivity, Place, proposed_minutes, trace
from exam_server.events import (
    AnyEvent,
    Attached,
    BreakBegun,
    BreakOver,
    Detached,
    Ended,
    Extended,
    OutageCompensated,
    Paused,
    Resumed,
    Started,
)

AT: Moment = 1_795_338_000_000
HOME, CAFE = Place("192.0.2.1", "Firefox"), Place("192.0.2.9", "Firefox")
PROCTOR = PersonId(2)


def begun(*events: AnyEvent, places: dict[int, Place] | None = None, now: Moment = AT + HOUR) -> Connectivity:
    return trace((Attached(AT - MINUTE, "b1", 1), Started(AT, 1), *events), places or {}, now)


def lost(seconds: int, *, at: Moment = AT + MINUTE, epoch: int = 2) -> tuple[AnyEvent, ...]:
    return Detached(at), Attached(at + seconds * SECOND, "b1", epoch)


def test_nobody_came() -> None:
    record = trace((), {}, AT)
    assert (record.stretches, record.breaks, record.away, record.away_since) == ((), (), 0, None)


def test_a_break_lasts_from_the_loss_to_the_next_page() -> None:
    record = begun(*lost(90), Ended(AT + HOUR, "submitted"))
    assert [(one.began_at, one.ended_at, one.lost) for one in record.breaks] == [
        (AT + MINUTE, AT + MINUTE + 90 * SECOND, 90 * SECOND)
    ]
    assert (record.away, record.lost, record.owed, record.owed_breaks) == (90 * SECOND, 90 * SECOND, 90 * SECOND, 1)
    assert [one.ended_at for one in record.stretches] == [AT + MINUTE, AT + HOUR]
    assert proposed_minutes(record) == 2


def test_a_break_that_goes_on_is_counted_to_now() -> None:
    record = begun(Detached(AT + MINUTE), now=AT + 3 * MINUTE)
    assert record.away_since == AT + MINUTE
    assert record.breaks[0].ended_at is None
    assert record.lost == 2 * MINUTE


def test_a_break_ends_with_the_sitting_and_leaving_afterwards_is_none() -> None:
    record = begun(Detached(AT + MINUTE), Ended(AT + 5 * MINUTE, "exam_time"), Attached(AT + 9 * MINUTE, "b1", 2))
    assert [(one.began_at, one.ended_at) for one in record.breaks] == [(AT + MINUTE, AT + 5 * MINUTE)]
    assert (record.away_since, len(record.stretches)) == (None, 1)
    assert begun(Ended(AT + MINUTE, "submitted"), Detached(AT + 2 * MINUTE)).breaks == ()


def test_a_deadline_may_lie_before_the_loss_that_came_with_its_grace() -> None:
    assert begun(Detached(AT + MINUTE + 1), Ended(AT + MINUTE, "exam_time")).breaks == ()


def test_before_the_start_nothing_is_lost() -> None:
    events = (Attached(AT - HOUR, "b1", 1), Detached(AT - 30 * MINUTE), Attached(AT - MINUTE, "b1", 2), Started(AT, 1))
    record = trace(events, {}, AT + MINUTE)
    assert (record.away, record.lost, record.owed, record.owed_breaks) == (29 * MINUTE, 0, 0, 0)


def test_while_the_clocks_stand_nothing_is_lost() -> None:
    paused = begun(
        Detached(AT + MINUTE),
        Paused(AT + 2 * MINUTE, PROCTOR, 1),
        Resumed(AT + 5 * MINUTE, PROCTOR),
        Attached(AT + 6 * MINUTE, "b1", 2),
    )
    assert (paused.away, paused.lost) == (5 * MINUTE, 2 * MINUTE)
    assert paused.halts == ((AT + 2 * MINUTE, AT + 5 * MINUTE),)
    on_break = begun(
        BreakBegun(AT + MINUTE, AT + 5 * MINUTE, 2), *lost(60, at=AT + 2 * MINUTE), BreakOver(AT + 5 * MINUTE)
    )
    assert (on_break.away, on_break.lost) == (MINUTE, 0)
    assert begun(Paused(AT + MINUTE, PROCTOR, 1), now=AT + 3 * MINUTE).halts == ((AT + MINUTE, AT + 3 * MINUTE),)


def test_what_was_our_own_outage_was_given_back_by_itself() -> None:
    record = begun(*lost(300), OutageCompensated(AT + 7 * MINUTE, 3 * MINUTE, AT + 2 * MINUTE))
    assert (record.away, record.lost) == (5 * MINUTE, 2 * MINUTE)


def test_the_part_of_our_own_outage_in_which_the_clocks_stood_is_not_looked_for_a_second_time() -> None:
    record = begun(
        BreakBegun(AT + MINUTE, AT + 3 * MINUTE, 2),
        Detached(AT + 2 * MINUTE),
        OutageCompensated(AT + 8 * MINUTE, 5 * MINUTE, AT + 2 * MINUTE),
        BreakOver(AT + 3 * MINUTE),
        Attached(AT + 9 * MINUTE, "b1", 2),
    )
    assert (record.away, record.lost) == (7 * MINUTE, MINUTE), "an outage from the 2nd to the 8th minute"


def test_of_two_outages_at_the_same_time_neither_is_looked_for_again() -> None:
    record = begun(
        *lost(300),
        OutageCompensated(AT + 8 * MINUTE, 3 * MINUTE, AT + 2 * MINUTE, AT + 5 * MINUTE),
        OutageCompensated(AT + 8 * MINUTE, MINUTE, AT + 3 * MINUTE, AT + 6 * MINUTE),
    )
    assert (record.away, record.lost) == (5 * MINUTE, MINUTE), "outages from the 2nd to the 6th minute"


def test_only_what_was_lost_since_the_last_time_is_owed() -> None:
    given_back = Extended(AT + 4 * MINUTE, MINUTE, PROCTOR, 1, "outage")
    record = begun(*lost(60), given_back, *lost(30, at=AT + 10 * MINUTE, epoch=3))
    assert (record.lost, record.owed, record.owed_breaks) == (90 * SECOND, 30 * SECOND, 1)
    assert record.since == given_back.at
    across = begun(Detached(AT + 3 * MINUTE), given_back, Attached(AT + 6 * MINUTE, "b1", 2))
    assert (across.lost, across.owed) == (3 * MINUTE, 2 * MINUTE)
    other = begun(*lost(60), Extended(AT + 4 * MINUTE, MINUTE, PROCTOR, 1))
    assert (other.owed, other.since) == (MINUTE, None)


def test_a_newer_page_that_takes_over_is_no_break_and_is_named() -> None:
    places = {1: HOME, 2: CAFE, 3: CAFE}
    at = AT + MINUTE
    record = begun(
        Detached(at), Attached(at, "b2", 2, "http"), *lost(5, at=AT + 2 * MINUTE, epoch=3)[:1],
        Attached(AT + 3 * MINUTE, "b2", 3), places=places,
    )  # fmt: skip
    first, second, third = record.stretches
    assert (first.takeover, first.changed, first.place) == (False, (), HOME)
    assert (second.takeover, second.changed, second.via) == (True, ("address", "browser"), "http")
    assert (third.takeover, third.changed, third.via) == (False, (), "socket")
    assert len(record.breaks) == 1
    device = begun(*lost(5), places={1: HOME, 2: Place(HOME.address, "Chromium")})
    assert device.stretches[1].changed == ("device",)


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 600)), max_size=8), st.integers(0, HOUR))
def test_no_sum_is_more_than_the_time_there_was(pieces: list[tuple[int, int]], further: int) -> None:
    events: list[AnyEvent] = []
    at = AT
    for number, (held, away) in enumerate(pieces):
        at += held * SECOND
        events.append(Detached(at))
        at += away * SECOND
        events.append(Attached(at, "b1", number + 2))
    record = begun(*events, now=at + further)
    assert record.away == sum(away for _, away in pieces) * SECOND
    assert 0 <= record.owed <= record.lost == sum(one.lost for one in record.breaks) == record.away
    assert len(record.breaks) == sum(1 for _, away in pieces if away)
