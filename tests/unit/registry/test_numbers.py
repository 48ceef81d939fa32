import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from core.ids import RegisterNumber
from registry.numbers import BODIES, compose, looks_like, masked, read

NUMBERS = st.builds(
    compose,
    st.integers(0, 99).map("{:02}".format),
    st.integers(1000, 9999),
    st.integers(0, BODIES - 1),
)


def refusal(text: str) -> str:
    with pytest.raises(Invalid) as error:
        read(text)
    return error.value.code


def test_a_number_looks_as_documented() -> None:
    assert compose("77", 2026, 482190375526) == "77-2026-4821-9037-5526-64"
    assert masked(RegisterNumber("77-2026-4821-9037-5526-64")) == "77-2026-····-····-5526-64"


@given(NUMBERS)
def test_check_digits_are_those_of_iso_7064(number: RegisterNumber) -> None:
    """MOD 97-10: the number with its check digits is congruent to 1 modulo 97."""
    assert re.fullmatch(r"\d\d(-\d{4}){4}-\d\d", number)
    assert int(number.replace("-", "")) % 97 == 1


@given(NUMBERS, st.sampled_from(["", " ", "-", " - ", "–", "‑", "—", "."]), st.sampled_from(["", "№ ", "  "]))
def test_a_number_is_read_however_it_is_written(number: RegisterNumber, dash: str, before: str) -> None:
    assert read(before + number.replace("-", dash) + " ") == number


@given(NUMBERS, st.data())
def test_every_single_wrong_digit_is_found(number: RegisterNumber, data: st.DataObject) -> None:
    digits = number.replace("-", "")
    place = data.draw(st.integers(0, 19))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != digits[place]]))
    assert refusal(digits[:place] + other + digits[place + 1 :]) == "number_mistyped"


@given(NUMBERS, st.data())
def test_every_swap_of_two_digits_is_found(number: RegisterNumber, data: st.DataObject) -> None:
    digits = number.replace("-", "")
    first, second = data.draw(st.tuples(st.integers(0, 19), st.integers(0, 19)))
    swapped = list(digits)
    swapped[first], swapped[second] = swapped[second], swapped[first]
    if swapped != list(digits):
        assert refusal("".join(swapped)) == "number_mistyped"


@pytest.mark.parametrize(
    "text", ["", "77", "x" * 20, "7" * 21, "1" * 10_000, "٧" * 20, "77-2026-4821-9037-5526-6x", "\0" * 20]
)
def test_what_is_no_number_is_said_to_be_none(text: str) -> None:
    assert refusal(text) == "number_malformed"


@pytest.mark.parametrize(
    ("region", "year", "body"),
    [("7", 2026, 0), ("777", 2026, 0), ("77", 26, 0), ("77", 2026, BODIES), ("77", 2026, -1)],
)
def test_parts_out_of_range_are_refused(region: str, year: int, body: int) -> None:
    with pytest.raises(ValueError, match="range"):
        compose(region, year, body)


@pytest.mark.parametrize(
    ("text", "number"),
    [("77-2026", True), ("12 34", True), ("Иванова Анна 31.05.01", False), ("", False), ("—", False), ("№ 7", True)],
)
def test_numbers_are_told_from_names(text: str, number: bool) -> None:
    assert looks_like(text) is number
