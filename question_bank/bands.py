"""Difficulty bands: where an item stands between chance and certainty. Pure."""

from typing import Literal

Band = Literal["hard", "medium", "easy"]

BANDS: tuple[Band, ...] = ("hard", "medium", "easy")

HARD_BELOW = 500_000
EASY_FROM = 750_000
"""Expected scores in millionths. Of four options one in four is right by chance, so what an item can tell lies between
0.25 and 1: the bands are the thirds of that range."""


def band_of(expected: int) -> Band:
    """The band of an expected score in millionths of an item."""
    if expected < HARD_BELOW:
        return "hard"
    return "medium" if expected < EASY_FROM else "easy"
