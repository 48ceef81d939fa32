"""Curves of parallel forms over ability, on one pair of axes. Pure.

Only geometry: the page draws it as SVG without any style of its own.
"""

from collections.abc import Sequence
from math import ceil, floor

from msgspec import Struct

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 480.0, 220.0, 40.0, 28.0, 10.0
"""Of the drawing, in its units; the axes stand LEFT of the curves and BOTTOM under them."""
TICKS = 4
NICE = (0.1, 0.2, 0.25, 0.5, 1, 2, 2.5, 5, 10, 20, 25, 50, 100, 250, 500, 1000)


class Curves(Struct, frozen=True):
    """`lines`: points of each curve; ticks are values with their places."""

    lines: tuple[tuple[tuple[float, float], ...], ...]
    across: tuple[tuple[float, float], ...]
    up: tuple[tuple[float, float], ...]
    cut: float
    """Where the cut, ability 0, stands."""


def draw_curves(thetas: Sequence[float], series: Sequence[Sequence[float]], top: float | None = None) -> Curves:
    """Values from 0 up to `top`, or to a round number above all of them, over at least two abilities, ascending."""
    largest = max((value for line in series for value in line), default=0.0)
    step = next((step for step in NICE if (top or largest) <= step * TICKS), NICE[-1])
    height = top or max(step, step * ceil(round(largest / step, 9)))

    def across(theta: float) -> float:
        return round(LEFT + (WIDTH - LEFT) * (theta - thetas[0]) / (thetas[-1] - thetas[0]), 1)

    def up(value: float) -> float:
        return round(TOP + (HEIGHT - BOTTOM - TOP) * (1 - min(value, height) / height), 1)

    return Curves(
        tuple(tuple((across(theta), up(value)) for theta, value in zip(thetas, line, strict=True)) for line in series),
        tuple((float(theta), across(theta)) for theta in range(ceil(thetas[0]), floor(thetas[-1]) + 1)),
        tuple((round(step * number, 4), up(step * number)) for number in range(round(height / step) + 1)),
        across(0.0),
    )
