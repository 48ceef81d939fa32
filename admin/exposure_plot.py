"""How the items of a pool are used, drawn as a histogram: how many stand on how large a share of forms. Pure.

Only geometry: the page draws it as SVG without any style of its own.
"""

from collections.abc import Sequence
from math import ceil

from msgspec import Struct

WIDTH, HEIGHT, BOTTOM, TOP = 640.0, 180.0, 24.0, 20.0
"""Of the drawing, in its units; the axis stands BOTTOM above its lower edge, TOP is left for a number above a bar."""
MOST_BARS = 10
STEPS = (0.01, 0.02, 0.05, 0.1)
GAP = 3.0


class Bar(Struct, frozen=True):
    """Items on a share of forms above `low` and up to `high`; the first bar is of those on none, both 0."""

    low: float
    high: float
    items: int
    over: bool
    """Above the cap."""
    x: float
    y: float
    width: float
    height: float


class Histogram(Struct, frozen=True):
    """`cap`: where the cap stands on the axis; None where there is none, or it lies beyond the last bar."""

    bars: tuple[Bar, ...]
    cap: float | None


def draw_histogram(shares: Sequence[float], cap: float | None) -> Histogram:
    """Shares of forms, 0..1, one for each item of the pool."""
    largest = max(shares, default=0.0)
    step = next((step for step in STEPS if largest <= step * MOST_BARS), STEPS[-1])
    count = max(1, ceil(round(largest / step, 9)))
    counts = [0] * (count + 1)
    for share in shares:
        counts[0 if share <= 0 else min(count, ceil(round(share / step, 9)))] += 1
    most = max(1, *counts)
    width = WIDTH / len(counts)
    bars = []
    for number, items in enumerate(counts):
        # What is there at all can be seen.
        height = max(2.0, (HEIGHT - BOTTOM - TOP) * items / most) if items else 0.0
        low, high = (0.0, 0.0) if number == 0 else (step * (number - 1), step * number)
        over = cap is not None and number > 0 and low >= cap
        bars.append(
            Bar(
                round(low, 4),
                round(high, 4),
                items,
                over,
                round(number * width + GAP / 2, 1),
                round(HEIGHT - BOTTOM - height, 1),
                round(width - GAP, 1),
                round(height, 1),
            )
        )
    at = None if cap is None or cap > step * count else round(width * (1 + cap / step), 1)
    return Histogram(tuple(bars), at)
