"""The histogram of the exposure report."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.exposure_plot import BOTTOM, HEIGHT, MOST_BARS, TOP, WIDTH, draw_histogram


def test_items_stand_by_the_share_of_forms_they_are_on() -> None:
    found = draw_histogram([0.0, 0.0, 0.01, 0.05, 0.051, 0.3], 0.2)
    assert [(bar.low, bar.high, bar.items, bar.over) for bar in found.bars] == [
        (0.0, 0.0, 2, False),
        (0.0, 0.05, 2, False),
        (0.05, 0.1, 1, False),
        (0.1, 0.15, 0, False),
        (0.15, 0.2, 0, False),
        (0.2, 0.25, 0, True),
        (0.25, 0.3, 1, True),
    ]
    assert found.cap == pytest.approx(WIDTH / 7 * 5, abs=0.1)


@pytest.mark.parametrize("shares", [[], [0.0], [0.0, 0.0]])
def test_a_pool_that_was_never_used_has_a_histogram_too(shares: list[float]) -> None:
    found = draw_histogram(shares, 0.5)
    assert [bar.items for bar in found.bars] == [len(shares), 0]
    assert found.cap is None


@given(st.lists(st.floats(0, 1), max_size=50), st.none() | st.floats(0.001, 1))
def test_every_item_stands_in_one_bar_and_every_bar_on_the_drawing(shares: list[float], cap: float | None) -> None:
    found = draw_histogram(shares, cap)
    assert sum(bar.items for bar in found.bars) == len(shares)
    assert len(found.bars) <= MOST_BARS + 1
    for bar in found.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH + 0.2
        assert TOP - 0.1 <= bar.y <= HEIGHT - BOTTOM
        assert bar.y + bar.height == pytest.approx(HEIGHT - BOTTOM, abs=0.11)
        assert (bar.height > 0) == (bar.items > 0)
    assert found.cap is None or 0 <= found.cap <= WIDTH + 0.1
