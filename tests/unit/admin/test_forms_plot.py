"""Curves of parallel forms on their axes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.forms_plot import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, draw_curves

THETAS = (-2.0, -1.0, 0.0, 1.0, 2.0)


def test_curves_stand_between_round_ticks() -> None:
    found = draw_curves(THETAS, [(0.0, 1.0, 3.9, 1.0, 0.0)])
    assert [value for value, _ in found.up] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert [value for value, _ in found.across] == [-2.0, -1.0, 0.0, 1.0, 2.0]
    assert found.cut == pytest.approx((LEFT + WIDTH) / 2)
    assert found.lines[0][0] == (LEFT, HEIGHT - BOTTOM)
    assert found.lines[0][-1] == (WIDTH, HEIGHT - BOTTOM)


def test_a_share_goes_up_to_the_whole() -> None:
    found = draw_curves(THETAS, [(0.2, 0.4, 0.6, 0.8, 1.0)], 1.0)
    assert found.up[-1] == (1.0, TOP)
    assert found.lines[0][-1] == (WIDTH, TOP)


@given(st.lists(st.lists(st.floats(0, 3000), min_size=5, max_size=5), max_size=4))
def test_nothing_leaves_the_drawing(series: list[list[float]]) -> None:
    found = draw_curves(THETAS, series)
    for line in found.lines:
        for x, y in line:
            assert LEFT <= x <= WIDTH
            assert TOP <= y <= HEIGHT - BOTTOM
    assert all(TOP <= y <= HEIGHT - BOTTOM for _, y in found.up)
