"""How moments, spans and numbers are written for people. Pure.

Russian dates name their zone by its distance from Moscow, as timetables in Russia do.
"""

import re
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal

from core.moments import HOUR, MINUTE, SECOND, Moment, Span, to_datetime

MOSCOW = "Europe/Moscow"
NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"

_PATTERNS = {"ru": "d MMMM y", "en": "d MMMM y"}
_MOSCOW_NAME = {"ru": "МСК", "en": "MSK"}
_UNITS = {"ru": ("ч", "мин", "с"), "en": ("h", "min", "s")}

# A space after one of these is never broken: a preposition must not hang at the end of a line.
_SHORT_WORD = re.compile(r"(?<![\w-])([А-Яа-яЁё]{1,2}|№|§|не|для|при|под|над|без) (?=\S)", re.IGNORECASE)
_BEFORE_DASH = re.compile(r" (?=[—–] )")
_AFTER_NUMBER = re.compile(r"(?<=\d) (?=[А-Яа-яЁё%₽°]|\d{3}\b)")


def date_text(value: Moment | datetime, lang: str = "ru", zone: str = MOSCOW) -> str:
    """A calendar day in the zone: «22 ноября 2026»."""
    return day_text(_local(value, zone).date(), lang)


def day_text(day: date, lang: str = "ru") -> str:
    """A date that belongs to no zone, written as `date_text` writes one."""
    return format_date(day, _PATTERNS[lang], locale=lang).replace(" ", NBSP)


def time_text(value: Moment | datetime, zone: str = MOSCOW) -> str:
    """A time of day in the zone, without the zone's name: «14:30»."""
    return _local(value, zone).strftime("%H:%M")


def datetime_text(value: Moment | datetime, lang: str = "ru", zone: str = MOSCOW) -> str:
    """A moment in the zone: «22 ноября 2026, 14:30 (МСК+6)»."""
    local = _local(value, zone)
    return f"{date_text(local, lang, zone)}, {time_text(local, zone)}{NBSP}({zone_text(local, lang)})"


def zone_text(local: datetime, lang: str = "ru") -> str:
    """How far the datetime's zone is from Moscow on that day: «МСК», «МСК+6», «МСК\N{MINUS SIGN}1»."""
    moscow = local.astimezone(_zone(MOSCOW))
    minutes = round(((local.utcoffset() or _ZERO) - (moscow.utcoffset() or _ZERO)).total_seconds() / 60)
    if not minutes:
        return _MOSCOW_NAME[lang]
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes > 0 else MINUS
    return f"{_MOSCOW_NAME[lang]}{sign}{hours}" + (f":{rest:02}" if rest else "")


def duration_text(span: Span, lang: str = "ru") -> str:
    """A length of time by its two largest units, rounded down: «1 ч 20 мин», «1 мин 30 с», «45 с»."""
    hour, minute, second = _UNITS[lang]
    size = abs(span)
    hours, minutes, seconds = size // HOUR, size % HOUR // MINUTE, size % MINUTE // SECOND
    if hours:
        parts = [(hours, hour), (minutes, minute)]
    elif minutes:
        parts = [(minutes, minute), (seconds, second)]
    else:
        parts = [(seconds, second)]
    largest, *smaller = parts
    shown = [largest, *(part for part in smaller if part[0])]
    sign = MINUS if span < 0 and any(count for count, _ in shown) else ""
    return sign + NBSP.join(f"{count}{NBSP}{unit}" for count, unit in shown)


def number_text(value: int | float, lang: str = "ru", digits: int | None = None) -> str:
    """A number with grouped thousands and the language's decimal mark: «12 345,6».

    `digits` fixes the number of decimals; without it at most three are shown.
    """
    pattern = "#,##0.###" if digits is None else "#,##0" + ("." + "0" * digits if digits else "")
    text = format_decimal(value, pattern, locale=lang)
    return text.replace("\N{NARROW NO-BREAK SPACE}", NBSP).replace("-", MINUS)


@lru_cache(maxsize=4096)
def excerpt(text: str, most: int) -> str:
    """The beginning of a text that is longer than `most` characters, up to a whole word, and an ellipsis."""
    if len(text) <= most:
        return text
    head = text[: most + 1]
    return (head.rpartition(" ")[0] or text[:most]).rstrip(" .,;:!?—–…") + "…"


def typeset(text: str) -> str:
    """Russian text with its spaces made non-breaking where a line must not end."""
    # Twice: of two short words in a row («и в») the second starts where the first match ended.
    text = _SHORT_WORD.sub(rf"\1{NBSP}", _SHORT_WORD.sub(rf"\1{NBSP}", text))
    return _AFTER_NUMBER.sub(NBSP, _BEFORE_DASH.sub(NBSP, text))


_ZERO = datetime.min - datetime.min


@lru_cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _local(value: Moment | datetime, zone: str) -> datetime:
    aware = value if isinstance(value, datetime) else to_datetime(value)
    if aware.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return aware.astimezone(_zone(zone))
