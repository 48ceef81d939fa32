"""The little line of shares stays inside its picture."""

from fractions import Fraction

import pytest

from cabinet.plot import EDGE, HEIGHT, MOST_POINTS, WIDTH, draw_line


def test_one_share_is_a_dot_in_the_middle() -> None:
    assert draw_line([Fraction(1, 2)]) == [(WIDTH / 2, HEIGHT / 2)]
    assert draw_line([]) == []


def test_more_goes_from_left_to_right_and_more_right_is_higher() -> None:
    dots = draw_line([Fraction(0), Fraction(1, 2), Fraction(1)])
    assert [x for x, _ in dots] == [EDGE, WIDTH / 2, WIDTH - EDGE]
    assert [y for _, y in dots] == [HEIGHT - EDGE, HEIGHT / 2, EDGE]


@pytest.mark.parametrize("count", [2, MOST_POINTS, MOST_POINTS + 7])
def test_the_newest_are_shown_and_nothing_leaves_the_picture(count: int) -> None:
    shares = [Fraction(number % 3, 2) for number in range(count)]
    dots = draw_line(shares)
    assert len(dots) == min(count, MOST_POINTS)
    assert all(EDGE <= x <= WIDTH - EDGE and EDGE <= y <= HEIGHT - EDGE for x, y in dots)
    assert dots[-1][1] == draw_line(shares[-1:])[0][1]
