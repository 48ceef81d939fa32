"""A small line of shares, as the points of an SVG. Pure."""

from collections.abc import Sequence
from fractions import Fraction

WIDTH, HEIGHT, EDGE = 160, 48, 6
"""Pixels of the picture, and how far the line stays from its edges."""
MOST_POINTS = 20


def draw_line(shares: Sequence[Fraction]) -> list[tuple[float, float]]:
    """Where the newest MOST_POINTS shares (each 0..1, oldest first) stand: 1 at the top, evenly from left to right."""
    shown = shares[-MOST_POINTS:]
    step = (WIDTH - 2 * EDGE) / max(1, len(shown) - 1)
    left = WIDTH / 2 if len(shown) == 1 else EDGE
    return [
        (round(left + number * step, 1), round(EDGE + float(1 - share) * (HEIGHT - 2 * EDGE), 1))
        for number, share in enumerate(shown)
    ]
