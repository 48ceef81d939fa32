"""What stands in one cell of a table of items, read and written. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TypeVar

import msgspec

from core.moments import MINUTE, SECOND, Span
from question_bank.forms import ItemPool, Language, Level, StageKind
from question_bank.markup import Markup

Cell = str | int | float | bool | date | time | timedelta
"""As a spreadsheet has it; "" is an empty one."""

Name = TypeVar("Name", bound=str)

LEVELS: Mapping[Level, str] = {"recall": "знание", "application": "применение", "analysis": "анализ"}
LANGUAGES: Mapping[Language, str] = {"ru": "русский", "en": "английский"}
POOLS: Mapping[ItemPool, str] = {"exam": "экзамен", "practice": "тренировка"}
KINDS: Mapping[StageKind, str] = {"choice": "выбор", "actions": "действия"}
MARKUPS: Mapping[Markup, str] = {"text": "текст", "html": "html"}
ITEM_ROW, STAGE_ROW = "задание", "шаг"

LINE_ENDS = re.compile(r"\n")
TAG_ENDS = re.compile(r"[;,\n]")
_SPAN = re.compile(
    r"(\d{1,7}(?:[.,]\d{1,3})?)\s*(|с|сек|секунд[аы]?|s|sec|seconds?|м|мин|минут[аы]?|m|min|minutes?)\.?"
)
_CLOCK = re.compile(r"(\d{1,3}):(\d{2})")
_BEGINNINGS = frozenset("=+-@\t\r\n＝＋－＠")
_strings = msgspec.json.Decoder(tuple[str, ...])


def text_of(cell: Cell, *, russian: bool = True) -> str:
    """What a person reads in the cell, as far as a file tells it without its formatting."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return ("ИСТИНА" if cell else "ЛОЖЬ") if russian else str(cell).upper()
    if isinstance(cell, float):
        text = str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
        return text.replace(".", ",") if russian else text
    if isinstance(cell, datetime):
        return f"{cell:%d.%m.%Y}" if (cell.hour, cell.minute, cell.second) == (0, 0, 0) else f"{cell:%d.%m.%Y %H:%M}"
    if isinstance(cell, date):
        return f"{cell:%d.%m.%Y}"
    return str(cell)


def is_dangerous(text: str) -> bool:
    """Whether a spreadsheet would take the text for a formula."""
    return text[:1] in _BEGINNINGS or text.lstrip()[:1] in _BEGINNINGS


def escape(text: str, *, formulas: bool) -> str:
    """A text as a cell of ours has it: an apostrophe before what would be read otherwise, and before nothing at all."""
    return f"'{text}" if not text or text[0] == "'" or (formulas and is_dangerous(text)) else text


def unescape(text: str) -> str:
    if not text.startswith("'"):
        return text
    rest = text[1:]
    return rest if not rest or rest[0] == "'" or is_dangerous(rest) else text


def by_word(names: Mapping[Name, str]) -> dict[str, Name]:
    """The names by the words that stand for them, people's and the bank's own."""
    return {title: name for name, title in names.items()} | {str(name): name for name in names}


def split_list(text: str, ends: re.Pattern[str]) -> tuple[str, ...]:
    if text.startswith('["'):
        try:
            return _strings.decode(text)
        except (msgspec.DecodeError, ValueError):
            pass
    return tuple(part.strip() for part in ends.split(text) if part.strip())


def join_list(values: Sequence[str], end: str, ends: re.Pattern[str]) -> str:
    """Values in one cell, as JSON where they could not be told apart otherwise."""
    text = end.join(values)
    return text if split_list(text, ends) == tuple(values) else msgspec.json.encode(values).decode()


def read_share(cell: Cell) -> float | None:
    """A share between 0 and 1, or per cent: 0.7, «0,7», «70 %», 70."""
    if isinstance(cell, str):
        text = cell.strip()
        try:
            share = float(text.rstrip("% ").replace(",", ".")) / (100 if text.endswith("%") else 1)
        except ValueError:
            return None
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        share = float(cell)
    else:
        return None
    if 1 < share < 100:
        share /= 100
    return share if 0 < share < 1 else None


def read_limit(cell: Cell) -> Span | None:
    """Seconds, «1:30», «2 мин»; a time of day stands for minutes and seconds too, for that is what was typed."""
    if isinstance(cell, timedelta):
        return round(cell.total_seconds() * SECOND)
    if isinstance(cell, time):
        hours = cell.hour * 60 * MINUTE + cell.minute * MINUTE + cell.second * SECOND
        return hours if cell.second else hours // 60
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        return None
    text = cell.strip().lower() if isinstance(cell, str) else repr(cell)
    if clock := _CLOCK.fullmatch(text):
        return int(clock[1]) * MINUTE + int(clock[2]) * SECOND
    span = _SPAN.fullmatch(text)
    if span is None:
        return None
    return round(float(span[1].replace(",", ".")) * (MINUTE if span[2][:1] in ("м", "m") else SECOND))


def read_whole(cell: Cell) -> int | None:
    """A whole number from 1."""
    text = text_of(cell).strip()
    return int(text) if text.isdecimal() and len(text) < 10 and int(text) > 0 else None
