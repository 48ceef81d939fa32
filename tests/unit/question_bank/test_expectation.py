"""What is expected at the cut: of calibrated, rated, and merely estimated items."""

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.bands import band_of
from question_bank.expectation import (
    FARTHEST,
    WHOLE,
    Calibration,
    Evidence,
    estimate,
    expect,
    information,
    probability,
    solve_cut,
)

calibrations = st.builds(Calibration, a=st.floats(0.2, 3), b=st.floats(-4, 4))
evidence = st.builds(
    Evidence,
    estimate=st.floats(0.01, 0.99),
    calibration=st.none() | calibrations,
    angoff=st.none() | st.floats(0, 1),
)


@given(calibrations, st.floats(-200, 200))
def test_probability_is_the_logistic_model_and_never_overflows(one: Calibration, theta: float) -> None:
    p = probability(one, theta)
    assert 0 <= p <= 1
    if abs(theta) < 20:
        assert p == pytest.approx(1 / (1 + exp(-one.a * (theta - one.b))))
        assert information(one, theta) == pytest.approx(one.a**2 * p * (1 - p))


@given(calibrations, st.floats(-6, 6))
def test_information_is_the_slope_squared_over_the_variance(one: Calibration, theta: float) -> None:
    step = 1e-5
    slope = (probability(one, theta + step) - probability(one, theta - step)) / (2 * step)
    p = probability(one, theta)
    assert information(one, theta) == pytest.approx(slope**2 / (p * (1 - p)), rel=1e-3, abs=1e-9)


@given(st.lists(calibrations, min_size=1, max_size=40), st.floats(0.05, 0.99))
def test_at_the_cut_the_items_are_expected_to_earn_the_cut(made: list[Calibration], share: float) -> None:
    theta = solve_cut(made, share)
    assert -FARTHEST <= theta <= FARTHEST
    reached = sum(probability(one, theta) for one in made) / len(made)
    reachable = [sum(probability(one, end) for one in made) / len(made) for end in (-FARTHEST, FARTHEST)]
    if reachable[0] < share < reachable[1]:
        assert reached == pytest.approx(share, abs=1e-6)


def test_a_known_value() -> None:
    """Rasch items at -1, 0, 1 earn half of their points at 0, and there tell .1966 + .25 + .1966."""
    made = [Calibration(1, b) for b in (-1, 0, 1)]
    assert solve_cut(made, 0.5) == pytest.approx(0, abs=1e-6)
    found = expect([Evidence(0.5, one) for one in made], 50)
    assert [one.expected for one in found] == [731_059, 500_000, 268_941]
    assert sum(one.information for one in found) == pytest.approx(643_224, abs=2)


@given(st.lists(evidence, min_size=1, max_size=40), st.integers(1, 100))
def test_the_best_of_what_is_known_is_taken(made: list[Evidence], cut: int) -> None:
    found = expect(made, cut)
    known = [one.expected for one in found if one.basis in ("calibration", "angoff")]
    for one, at in zip(made, found, strict=True):
        assert 0 < at.expected < WHOLE
        assert at.information >= 0
        if one.calibration is not None:
            assert at.basis == "calibration"
        elif one.angoff is not None:
            assert at.basis == "angoff"
            assert at.expected == pytest.approx(one.angoff * WHOLE, abs=2)
        else:
            mine = estimate(one.estimate)
            alike = [value for value in known if band_of(value) == band_of(mine.expected)]
            assert at.basis == ("band" if alike else "estimate")
            assert at.expected == (sum(alike) // len(alike) if alike else mine.expected)
            assert band_of(at.expected) == band_of(mine.expected)


def test_at_a_cut_of_everything_it_is_not_the_end_of_the_scale() -> None:
    (found,) = expect([Evidence(0.5, Calibration(1, 0))], 100)
    assert found.expected == 999_000


def test_more_is_expected_where_more_passes() -> None:
    made = [Evidence(0.5, Calibration(1.2, b / 4)) for b in range(-8, 9)]
    low, high = expect(made, 60), expect(made, 85)
    assert all(one.expected < other.expected for one, other in zip(low, high, strict=True))
    assert sum(one.expected for one in high) == pytest.approx(0.85 * len(made) * WHOLE, abs=len(made))
