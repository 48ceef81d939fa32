"""Bands: thirds of what lies between chance and certainty."""

from hypothesis import given
from hypothesis import strategies as st

from question_bank.bands import BANDS, band_of

expected = st.integers(0, 1_000_000)


@given(expected, expected)
def test_what_is_easier_is_in_no_harder_band(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert BANDS.index(band_of(low)) <= BANDS.index(band_of(high))


def test_the_bounds() -> None:
    assert [band_of(at) for at in (0, 499_999, 500_000, 749_999, 750_000, 1_000_000)] == [
        "hard",
        "hard",
        "medium",
        "medium",
        "easy",
        "easy",
    ]
