from hypothesis import given
from hypothesis import strategies as st

from admin.plot import NARROWEST, STEPS, TICKS, WIDTH, Plot, draw, draw_connectivity
from core.ids import IncidentId, PersonId, SittingId
from core.moments import HOUR, MINUTE, SECOND, Moment
from exam_server.connectivity import Place, trace
from exam_server.events import AnyEvent, Attached, Detached, Ended, Paused, Responded, Resumed, Started
from proctoring.incidents import Incident, Severity
from proctoring.signals import Kind
from proctoring.store import Gap

AT: Moment = 1_795_338_000_000


def echo(text: str) -> str:
    return text


def incident(began_at: Moment, ended_at: Moment | None) -> Incident:
    return Incident(
        IncidentId(5), SittingId(1), Kind.ABSENT, Severity.HIGH, True, began_at, began_at, ended_at, "",
        3, 1.0, None, "yunet", "standard-1",
    )  # fmt: skip


def drawn(*events: AnyEvent, incidents: tuple[Incident, ...] = (), gaps: tuple[Gap, ...] = ()) -> Plot:
    plot = draw((Started(AT, 1), *events), incidents, gaps, AT + HOUR, echo)
    assert plot is not None
    return plot


def lane(plot: Plot, kind: str) -> list[tuple[float, float]]:
    return [(mark.x, mark.width) for one in plot.lanes if one.kind == kind for mark in one.marks]


def test_nothing_is_drawn_before_the_start() -> None:
    assert draw((Attached(AT, "s", 1),), (), (), AT, echo) is None


def test_a_running_sitting_is_drawn_to_now_and_an_ended_one_to_its_end() -> None:
    assert drawn().ended_at == AT + HOUR
    assert drawn(Ended(AT + MINUTE, "submitted")).ended_at == AT + MINUTE


def test_bars_stand_where_their_time_is() -> None:
    plot = drawn(
        incidents=(incident(AT + 30 * MINUTE, AT + 45 * MINUTE),), gaps=(Gap(AT + 15 * MINUTE, None, "silent"),)
    )
    assert lane(plot, "incidents") == [(500.0, 250.0)]
    assert lane(plot, "gaps") == [(250.0, 750.0)]


def test_a_connection_that_began_before_the_start_counts_from_the_start() -> None:
    events = (
        Attached(AT - MINUTE, "s", 1),
        Started(AT, 1),
        Detached(AT + 30 * MINUTE),
        Attached(AT + 45 * MINUTE, "s", 2),
    )
    plot = draw(events, (), (), AT + HOUR, echo)
    assert plot is not None
    assert lane(plot, "connected") == [(0.0, 500.0), (750.0, 250.0)]


def test_a_connection_lost_before_the_start_is_not_drawn() -> None:
    events = (Attached(AT - MINUTE, "s", 1), Detached(AT - SECOND), Started(AT, 1))
    plot = draw(events, (), (), AT + HOUR, echo)
    assert plot is not None
    assert lane(plot, "connected") == []


def test_what_was_noticed_outside_of_the_exam_is_not_drawn() -> None:
    late = incident(AT + 2 * HOUR, AT + 3 * HOUR)
    plot = drawn(Ended(AT + HOUR, "submitted"), incidents=(late, incident(AT - HOUR, AT - MINUTE)))
    assert lane(plot, "incidents") == []


@given(
    length=st.integers(1, 12 * HOUR),
    spans=st.lists(st.tuples(st.integers(-HOUR, 13 * HOUR), st.integers(0, HOUR)), max_size=20),
)
def test_no_bar_and_no_tick_leaves_the_drawing(length: int, spans: list[tuple[int, int]]) -> None:
    plot = drawn(
        *(Responded(AT + start, 0, 0, (), 2) for start, _ in spans),
        Ended(AT + length, "submitted"),
        incidents=tuple(incident(AT + start, AT + start + size) for start, size in spans),
        gaps=tuple(Gap(AT + start, AT + start + size, "silent") for start, size in spans),
    )
    for one in plot.lanes:
        for mark in one.marks:
            assert mark.width >= NARROWEST
            assert mark.x >= 0
            assert mark.x + mark.width <= WIDTH + 0.2
    assert len(plot.ticks) <= TICKS + 1
    assert all(plot.began_at <= at <= plot.ended_at and 0 <= x <= WIDTH for at, x in plot.ticks)


def test_steps_grow() -> None:
    assert list(STEPS) == sorted(set(STEPS))


def test_the_connection_is_drawn_from_the_first_page_with_its_breaks_and_halts() -> None:
    events = (
        Attached(AT - 30 * MINUTE, "b1", 1),
        Started(AT, 1),
        Detached(AT + 10 * MINUTE),
        Attached(AT + 15 * MINUTE, "b1", 2),
        Paused(AT + 20 * MINUTE, PersonId(2), 1),
        Resumed(AT + 25 * MINUTE, PersonId(2)),
        Ended(AT + 30 * MINUTE, "submitted"),
    )
    places = {1: Place("192.0.2.1", "Firefox"), 2: Place("192.0.2.9", "Firefox")}
    plot = draw_connectivity(trace(events, places, AT + HOUR), AT + HOUR, echo)
    assert plot is not None
    assert (plot.began_at, plot.ended_at) == (AT - 30 * MINUTE, AT + 30 * MINUTE)
    assert [mark.tone for one in plot.lanes if one.kind == "connected" for mark in one.marks] == ["neutral", "danger"]
    assert lane(plot, "connected") == [(0.0, 666.7), (750.0, 250.0)]
    assert lane(plot, "gaps") == [(666.7, 83.3)]
    assert lane(plot, "halts") == [(833.3, 83.3)]


def test_a_break_that_lasts_is_drawn_to_now_and_nothing_where_nobody_came() -> None:
    events = (Attached(AT, "b1", 1), Started(AT, 1), Detached(AT + 15 * MINUTE))
    plot = draw_connectivity(trace(events, {}, AT + HOUR), AT + HOUR, echo)
    assert plot is not None
    assert lane(plot, "gaps") == [(250.0, 750.0)]
    assert draw_connectivity(trace((), {}, AT), AT, echo) is None
