"""Cells: what is written is read back, what others write is understood, and formulas stay texts."""

import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.moments import Span
from question_bank.exchange.cells import (
    LINE_ENDS,
    TAG_ENDS,
    Cell,
    escape,
    is_dangerous,
    join_list,
    read_limit,
    read_share,
    read_whole,
    split_list,
    text_of,
    unescape,
)


@given(st.text(st.sampled_from("'=+-@\t\r\n a＝")), st.booleans())
def test_an_escaped_text_is_no_formula_and_comes_back(text: str, formulas: bool) -> None:
    escaped = escape(text, formulas=formulas)
    assert unescape(escaped) == text or (not formulas and is_dangerous(escaped) and escaped == text)
    assert escaped
    assert not (formulas and is_dangerous(escaped))


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", " =1", "＝1", "\u00a0=1"])
def test_what_a_spreadsheet_would_compute(text: str) -> None:
    assert is_dangerous(text)


@given(st.lists(st.text(min_size=1)), st.sampled_from([("\n", LINE_ENDS), ("; ", TAG_ENDS)]))
def test_a_list_comes_back(values: list[str], ends: tuple[str, re.Pattern[str]]) -> None:
    assert split_list(join_list(values, *ends), ends[1]) == tuple(values)


@pytest.mark.parametrize(
    ("cell", "limit"),
    [
        ("60", 60_000), (60, 60_000), (90.5, 90_500), ("1:30", 90_000), ("2 мин", 120_000), ("1,5 мин.", 90_000),
        ("45 сек", 45_000), (datetime.time(1, 30), 90_000), (datetime.time(0, 1, 30), 90_000),
        (datetime.timedelta(seconds=90), 90_000), ("скоро", None), (True, None), ("", None), (float("inf"), None),
    ],
)  # fmt: skip
def test_limits(cell: Cell, limit: Span | None) -> None:
    assert read_limit(cell) == limit


@pytest.mark.parametrize(
    ("cell", "share"),
    [("0.7", 0.7), ("0,7", 0.7), ("70%", 0.7), ("70 %", 0.7), (70, 0.7), (0.25, 0.25), (0, None), (1, None),
     (100, None), ("nan", None), ("легко", None), (True, None), (datetime.date(2001, 1, 1), None)],
)  # fmt: skip
def test_shares(cell: Cell, share: float | None) -> None:
    assert read_share(cell) == share


@pytest.mark.parametrize(
    ("cell", "text"),
    [("x", "x"), (3.0, "3"), (0.5, "0,5"), (True, "ИСТИНА"), (datetime.date(2001, 5, 31), "31.05.2001"),
     (datetime.datetime(2001, 5, 31, 12, 30), "31.05.2001 12:30"), (datetime.time(1, 30), "01:30:00"),
     (1e300, "1e+300")],
)  # fmt: skip
def test_what_a_person_reads(cell: Cell, text: str) -> None:
    assert text_of(cell) == text


def test_in_english() -> None:
    assert (text_of(0.5, russian=False), text_of(False, russian=False)) == ("0.5", "FALSE")


@pytest.mark.parametrize(("cell", "whole"), [(2, 2), (2.0, 2), ("3", 3), ("0", None), ("1.5", None), ("²", None)])
def test_whole_numbers(cell: Cell, whole: int | None) -> None:
    assert read_whole(cell) == whole


def test_an_apostrophe_of_others_is_a_part_of_the_text() -> None:
    assert [unescape(text) for text in ("'tis", "''tis", "'=1", "'")] == ["'tis", "'tis", "=1", ""]
