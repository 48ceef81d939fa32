"""May somebody begin a new attempt? The first hindrance wins, and practice asks for nothing."""

from datetime import date, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.moments import HOUR
from exam_server.eligibility import SENTENCES, Circumstances, Hindrance, PastAttempt, find_hindrance

NOW = 1_795_338_000_000
TODAY = date(2026, 11, 22)
FREE = Circumstances((), False, NOW - HOUR, NOW + HOUR, (), 3, False)
FAILED = PastAttempt(False, TODAY - timedelta(days=1))


def test_nothing_stands_in_the_way() -> None:
    assert find_hindrance(FREE, NOW, TODAY) is None
    assert find_hindrance(replace(FREE, attempts=(FAILED, FAILED)), NOW, TODAY) is None


@pytest.mark.parametrize(
    ("changes", "hindrance"),
    [
        ({"cancelled": True}, "window_cancelled"),
        ({"missing": None}, "not_admitted"),
        ({"missing": ("диплом",)}, "documents_missing"),
        ({"attempts": (PastAttempt(None, None),)}, "in_progress"),
        ({"attempts": (FAILED, PastAttempt(True, None))}, "passed"),
        ({"attempts": (FAILED, FAILED, FAILED)}, "attempts_used"),
        ({"attempts": (PastAttempt(False, TODAY + timedelta(days=1)),)}, "waiting"),
        ({"opens_at": NOW + 1}, "too_early"),
        ({"closes_at": NOW}, "too_late"),
    ],
)
def test_each_hindrance(changes: dict[str, object], hindrance: Hindrance) -> None:
    assert find_hindrance(replace(FREE, **changes), NOW, TODAY) == hindrance


def test_the_edges_of_the_window_and_of_the_wait() -> None:
    assert find_hindrance(replace(FREE, opens_at=NOW), NOW, TODAY) is None
    assert find_hindrance(replace(FREE, closes_at=NOW + 1), NOW, TODAY) is None
    assert find_hindrance(replace(FREE, attempts=(PastAttempt(False, TODAY),)), NOW, TODAY) is None


def test_practice_counts_nothing_but_the_window() -> None:
    practice = replace(FREE, practice=True, missing=None, attempts=(PastAttempt(True, None),) * 9)
    assert find_hindrance(practice, NOW, TODAY) is None
    assert find_hindrance(replace(practice, cancelled=True), NOW, TODAY) == "window_cancelled"
    assert find_hindrance(practice, NOW + HOUR, TODAY) == "too_late"


attempts = st.lists(
    st.builds(
        PastAttempt, st.sampled_from([None, True, False]), st.none() | st.dates(date(2026, 11, 1), date(2026, 12, 31))
    ),
    max_size=4,
)


@given(
    st.builds(
        Circumstances,
        st.none() | st.lists(st.text(max_size=3), max_size=2).map(tuple),
        st.booleans(),
        st.integers(NOW - 5, NOW + 5),
        st.integers(NOW - 5, NOW + 5),
        attempts,
        st.integers(1, 4),
        st.booleans(),
    )
)
def test_whoever_may_begin_is_admitted_in_time_and_has_an_attempt_left(circumstances: Circumstances) -> None:
    if find_hindrance(circumstances, NOW, TODAY) is not None:
        return
    assert circumstances.opens_at <= NOW < circumstances.closes_at
    assert not circumstances.cancelled
    if not circumstances.practice:
        assert circumstances.missing == ()
        assert len(circumstances.attempts) < circumstances.attempts_allowed
        assert all(attempt.passed is False for attempt in circumstances.attempts)


def test_every_hindrance_has_its_sentence() -> None:
    assert set(SENTENCES) == set(get_args(Hindrance))
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())
