import itertools
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctoring.incidents import (
    STANDARD,
    Change,
    GapChange,
    IncidentChange,
    IncidentState,
    Policy,
    Rule,
    Severity,
    advance,
    begin,
    camera_kinds_in,
    finish,
    fold,
    observe_gap,
    open_kinds,
)
from proctoring.signals import CAMERA_KINDS, Kind, Observation, Signal, report

POLICY = Policy(
    version="tried-1",
    rules={
        Kind.ABSENT: Rule(3_000, 3, 2_000, 10_000, Severity.MEDIUM, holds=True),
        Kind.OTHER_PERSON: Rule(1_000, 2, 1_000, 15_000, Severity.HIGH, holds=True),
        Kind.TAB_HIDDEN: Rule(0, 1, 0, None, Severity.MEDIUM, holds=True, until_told=True),
        Kind.PASTE: Rule(0, 1, 0, 5_000, Severity.LOW, holds=False),
    },
    gap_after=6_000,
    extend_every=5_000,
)


def frame(at: int, *seen: Kind, informs: Iterable[Kind] = (Kind.ABSENT,), strength: float = 1.0) -> Observation:
    signals = tuple(Signal(kind, strength, at, at, "eyes-1") for kind in seen)
    return Observation(at, signals, frozenset(informs) | set(seen), frame=True)


def run(observations: Iterable[Observation], start: int = 0) -> tuple[IncidentState, list[Change]]:
    state, changes = begin(start), list[Change]()
    for observation in observations:
        state, more = fold(POLICY, state, observation)
        changes += more
    return state, changes


def steps(changes: Iterable[Change]) -> list[tuple[str, str, int, int | None]]:
    return [
        (change.step, change.kind.value, change.began_at, change.seen_at)
        if isinstance(change, IncidentChange)
        else (change.step, "gap", change.began_at, change.ended_at)
        for change in changes
    ]


def test_an_incident_opens_after_persistence_and_closes_after_it() -> None:
    seen = [frame(at, Kind.ABSENT) for at in range(1_000, 6_000, 1_000)]
    clear = [frame(at) for at in range(6_000, 10_000, 1_000)]
    state, changes = run(seen + clear)
    assert steps(changes) == [("opened", "absent", 1_000, 4_000), ("closed", "absent", 1_000, 5_000)]
    assert open_kinds(state) == frozenset()


def test_a_blink_makes_no_incident() -> None:
    _, changes = run([frame(1_000, Kind.ABSENT), frame(2_000, Kind.ABSENT), frame(3_000), frame(4_000, Kind.ABSENT)])
    assert changes == []


def test_long_but_too_seldom_is_not_enough() -> None:
    _, changes = run([frame(1_000, Kind.ABSENT), frame(4_500, Kind.ABSENT)])
    assert changes == []


def test_a_short_return_does_not_end_it() -> None:
    seen = [frame(at, Kind.ABSENT) for at in range(1_000, 6_000, 1_000)]
    state, changes = run([*seen, frame(6_000), frame(7_000), frame(8_000, Kind.ABSENT)])
    assert open_kinds(state) == {Kind.ABSENT}
    assert ("closed", "absent") not in [step[:2] for step in steps(changes)]


def test_an_open_incident_is_reported_again_now_and_then_with_its_peak() -> None:
    weak = [frame(at, Kind.ABSENT, strength=0.2) for at in range(1_000, 9_000, 1_000)]
    _, changes = run([*weak, frame(9_000, Kind.ABSENT, strength=0.8), frame(10_000, Kind.ABSENT, strength=0.1)])
    assert steps(changes) == [("opened", "absent", 1_000, 4_000), ("extended", "absent", 1_000, 9_000)]
    assert isinstance(changes[-1], IncidentChange)
    assert changes[-1].strength == 0.8
    assert changes[-1].readings == 9


def test_what_nobody_looks_for_neither_goes_on_nor_ends_at_once() -> None:
    other = (Kind.OTHER_PERSON,)
    seen = [frame(at, *other) for at in (1_000, 2_000)]
    unknown = [frame(at) for at in range(3_000, 20_000, 1_000)]
    _, changes = run([*seen, *unknown])
    assert steps(changes) == [("opened", "other_person", 1_000, 2_000), ("closed", "other_person", 1_000, 2_000)]
    closed = changes[-1]
    assert isinstance(closed, IncidentChange)
    assert closed.reason == "unobserved"


def test_a_hidden_tab_lasts_until_the_page_says_otherwise() -> None:
    state, opened = fold(POLICY, begin(0), report(Kind.TAB_HIDDEN, 1_000))
    state, waiting = advance(POLICY, state, 5_000)
    state, _ = fold(POLICY, state, report(Kind.TAB_HIDDEN, 5_500, over=True))
    state, closed = advance(POLICY, state, 5_501)
    assert steps(opened) == [("opened", "tab_hidden", 1_000, 1_000)]
    assert waiting == ()
    assert steps(closed) == [("closed", "tab_hidden", 1_000, 5_500)]


def test_a_paste_is_over_by_itself() -> None:
    state, _ = fold(POLICY, begin(0), report(Kind.PASTE, 1_000))
    _, closed = advance(POLICY, state, 6_001)
    assert steps(closed) == [("closed", "paste", 1_000, 1_000), ("opened", "gap", 0, None)]


def test_silence_is_a_gap_and_never_nothing() -> None:
    state, none = observe_gap(POLICY, begin(0), 6_000)
    assert none == ()
    state, opened = observe_gap(POLICY, state, 6_001)
    assert opened == (GapChange("opened", 0),)
    state, again = observe_gap(POLICY, state, 9_000)
    assert again == ()
    _, resumed = fold(POLICY, state, frame(9_500))
    assert resumed == (GapChange("closed", 0, 9_500),)


def test_a_gap_is_noticed_even_if_nobody_watched_the_clock() -> None:
    _, changes = run([frame(1_000), frame(60_000)])
    assert steps(changes) == [("opened", "gap", 1_000, None), ("closed", "gap", 1_000, 60_000)]


def test_reports_of_the_window_do_not_stand_for_frames() -> None:
    _, changes = run([report(Kind.PASTE, at) for at in range(1_000, 9_000, 1_000)])
    assert ("opened", "gap", 0, None) in steps(changes)


def test_the_end_closes_everything() -> None:
    seen = [frame(at, Kind.ABSENT) for at in range(1_000, 6_000, 1_000)]
    state, _ = run([*seen, report(Kind.TAB_HIDDEN, 5_500)])
    state, changes = finish(POLICY, state, 20_000)
    assert set(steps(changes)) == {
        ("closed", "absent", 1_000, 5_000),
        ("closed", "tab_hidden", 5_500, 20_000),
        ("opened", "gap", 5_000, None),
        ("closed", "gap", 5_000, 20_000),
    }
    assert open_kinds(state) == frozenset()


def test_a_late_observation_counts_as_of_now() -> None:
    state, _ = run([frame(10_000)])
    state, _ = fold(POLICY, state, frame(4_000, Kind.ABSENT))
    assert state.at == 10_000
    assert state.runs[Kind.ABSENT].first_at == 10_000


def test_a_kind_without_a_rule_makes_no_incident() -> None:
    _, changes = run([frame(at, Kind.DARK) for at in range(1_000, 60_000, 1_000)])
    assert changes == []


def test_the_standard_policy_knows_every_kind() -> None:
    assert STANDARD.rules.keys() == set(Kind)
    assert camera_kinds_in(STANDARD) == CAMERA_KINDS
    assert STANDARD.rules[Kind.OTHER_PERSON].readings >= 3


KINDS = sorted(POLICY.rules)


NOTHING: frozenset[Kind] = frozenset()
SEEN = [NOTHING, *(frozenset({kind}) for kind in KINDS), frozenset({Kind.ABSENT, Kind.TAB_HIDDEN})]
LOOKED_FOR = [NOTHING, *(frozenset({kind}) for kind in KINDS), frozenset(KINDS)]


def history(moments: list[tuple[int, frozenset[Kind], frozenset[Kind], float, bool]]) -> list[Observation]:
    at, observations = 0, list[Observation]()
    for step, seen, informs, strength, is_frame in moments:
        at += step
        signals = tuple(Signal(kind, strength, at, at, "eyes-1", strength) for kind in sorted(seen))
        observations.append(Observation(at, signals, informs | seen, is_frame))
    return observations


def histories() -> st.SearchStrategy[list[Observation]]:
    """Frames and reports in order of time, several at one moment now and then."""
    moment = st.tuples(
        st.sampled_from([0, 0, 400, 1_000, 1_000, 1_000, 3_000, 8_000, 30_000]),
        st.sampled_from(SEEN),
        st.sampled_from(LOOKED_FOR),
        st.sampled_from([0.1, 0.5, 1.0]),
        st.booleans(),
    )
    return st.lists(moment, min_size=1, max_size=30).map(history)


def intervals(changes: Iterable[Change]) -> dict[tuple[str, int], tuple[int, str]]:
    """Closed incidents and gaps by what identifies them: end and why."""
    return {
        (change.kind.value if isinstance(change, IncidentChange) else "gap", change.began_at): (
            (change.seen_at, change.reason) if isinstance(change, IncidentChange) else (change.ended_at or 0, "")
        )
        for change in changes
        if change.step == "closed"
    }


def whole(observations: list[Observation]) -> list[Change]:
    state, changes = run(observations)
    return [*changes, *finish(POLICY, state, state.at + 1)[1]]


@given(histories())
def test_no_incident_opens_before_its_persistence(observations: list[Observation]) -> None:
    for change in whole(observations):
        if isinstance(change, IncidentChange) and change.step == "opened":
            rule = POLICY.rules[change.kind]
            times = {
                one.at
                for one in observations
                if change.began_at <= one.at <= change.seen_at
                and any(signal.kind is change.kind for signal in one.signals)
            }
            assert change.seen_at - change.began_at >= rule.opens_after
            assert len(times) >= rule.readings


@given(histories())
def test_intervals_of_one_kind_never_overlap_and_all_of_them_close(observations: list[Observation]) -> None:
    changes = whole(observations)
    opened = [(one.kind, one.began_at) for one in changes if isinstance(one, IncidentChange) and one.step == "opened"]
    closed = [one for one in changes if isinstance(one, IncidentChange) and one.step == "closed"]
    assert sorted(opened) == sorted((one.kind, one.began_at) for one in closed)
    for _, group in itertools.groupby(sorted(closed, key=lambda one: (one.kind, one.began_at)), lambda one: one.kind):
        for earlier, later in itertools.pairwise(group):
            assert earlier.began_at <= earlier.seen_at < later.began_at <= later.seen_at


@given(histories(), st.lists(st.integers(0, 40), max_size=5))
def test_replay_equals_going_on_from_a_stored_state(observations: list[Observation], stops: list[int]) -> None:
    at_once, all_changes = run(observations)
    state, changes = begin(0), list[Change]()
    for number, observation in enumerate(observations):
        if number in stops:
            state = msgspec.json.decode(msgspec.json.encode(state), type=IncidentState)
        state, more = fold(POLICY, state, observation)
        changes += more
    assert state == at_once
    assert changes == all_changes


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_within_one_moment_is_irrelevant(observations: list[Observation], shuffled: object) -> None:
    groups = [list(group) for _, group in itertools.groupby(observations, lambda one: one.at)]
    for group in groups:
        shuffled.shuffle(group)  # type: ignore[attr-defined]
    other, other_changes = run(itertools.chain.from_iterable(groups))
    state, changes = run(observations)
    assert other == state
    assert sorted(map(str, steps(other_changes))) == sorted(map(str, steps(changes)))


@given(histories(), st.lists(st.integers(0, 100_000), max_size=12))
def test_how_often_the_clock_is_looked_at_changes_no_interval(
    observations: list[Observation], ticks: list[int]
) -> None:
    state, changes = begin(0), list[Change]()
    last = max(one.at for one in observations)
    moments = [*((one.at, 0, one) for one in observations), *((tick, 1, None) for tick in ticks if tick <= last)]
    for at, _, observation in sorted(moments, key=lambda moment: moment[:2]):
        state, more = advance(POLICY, state, at) if observation is None else fold(POLICY, state, observation)
        changes += more
    changes += finish(POLICY, state, state.at + 1)[1]
    assert intervals(changes) == intervals(whole(observations))


@given(histories())
def test_time_without_frames_is_covered_by_gaps(observations: list[Observation]) -> None:
    gaps = [(one.began_at, one.ended_at) for one in whole(observations) if isinstance(one, GapChange) and one.ended_at]
    frames = [0, *(one.at for one in observations if one.frame), observations[-1].at + 1]
    missing = [(before, after) for before, after in itertools.pairwise(frames) if after - before > POLICY.gap_after]
    assert gaps == missing


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_closes_when_its_time_has_come(kind: Kind) -> None:
    seen = [frame(at, kind) for at in range(1_000, 8_000, 1_000)]
    state, _ = run(seen)
    assert open_kinds(state) == {kind}
    state, _ = fold(POLICY, state, frame(8_000, informs=[kind]))
    state, changes = fold(POLICY, state, frame(8_000 + POLICY.rules[kind].closes_after, informs=[kind]))
    state, more = advance(POLICY, state, state.at + 1)
    assert [step[0] for step in steps((*changes, *more))] == ["closed"]
