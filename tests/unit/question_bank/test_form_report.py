"""Curves and key figures of forms against the model itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.blueprints import Cell
from question_bank.expectation import WHOLE, Calibration, Evidence, expect, information, probability, solve_cut
from question_bank.fixed_forms import Place, fix
from question_bank.form_report import THETAS, calibration_of, compare_forms
from question_bank.pool import Pool, PoolItem
from tests.unit.question_bank.pools import generate_items, plan

PLAN = plan(Cell(None, "four_option", 4))
KNOWN = [Calibration(0.8 + 0.1 * n, -1 + 0.4 * n) for n in range(6)]
THETA = solve_cut(KNOWN, 0.7)
ITEMS = [
    PoolItem(made.item, made.version, "R0", "four_option", 60_000, one.expected, made.stages, "recall", one.information)
    for made, one in zip(generate_items(6, seed=1), expect([Evidence(0.5, one) for one in KNOWN], 70), strict=True)
]
POOL = Pool(ITEMS)


@given(st.sampled_from(range(6)), st.floats(-3, 3))
def test_slope_and_location_follow_from_what_is_known_at_the_cut(number: int, theta: float) -> None:
    found = calibration_of(ITEMS[number])
    assert found.a == pytest.approx(KNOWN[number].a, rel=1e-3)
    assert probability(found, theta) == pytest.approx(probability(KNOWN[number], THETA + theta), abs=1e-3)


def test_figures_and_curves_are_those_of_the_model() -> None:
    one = fix(PLAN, [Place(ITEMS[at].item, ITEMS[at].version, 1 + at % 2) for at in (0, 1, 2, 3)])
    other = fix(PLAN, [Place(ITEMS[at].item, ITEMS[at].version, at % 2) for at in (2, 3, 4, 5)])
    found = compare_forms(POOL, [one, other])
    assert found.shared == ((4, 2), (2, 4))
    first, second = found.forms
    assert (first.points, second.points) == (6, 2)
    assert first.information == pytest.approx(sum(information(KNOWN[at], THETA) for at in range(4)), abs=1e-4)
    assert second.information == pytest.approx(sum(information(KNOWN[at], THETA) for at in (3, 5)), abs=1e-4)
    assert first.standard_error == pytest.approx(first.information**-0.5)
    assert first.expected == sum(ITEMS[at].expected * (1 + at % 2) for at in range(4)) / WHOLE
    for theta, score, told in zip(THETAS, first.scores, first.informations, strict=True):
        assert score == pytest.approx(
            sum((1 + at % 2) * probability(KNOWN[at], THETA + theta) for at in range(4)) / 6, abs=1e-3
        )
        assert told == pytest.approx(sum(information(KNOWN[at], THETA + theta) for at in range(4)), abs=2e-3)
    assert first.scores[THETAS.index(0)] == pytest.approx(first.expected / 6)
    assert found.largest_score_gap == max(
        abs(one - other) for one, other in zip(first.scores, second.scores, strict=True)
    )


def test_one_form_has_no_gap() -> None:
    one = fix(PLAN, [Place(item.item, item.version, 1) for item in ITEMS[:4]])
    assert compare_forms(POOL, [one]).largest_score_gap == 0
