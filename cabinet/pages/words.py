"""Numbers and days of the cabinet in words. Pure."""

from datetime import UTC, date, datetime
from fractions import Fraction

from core.web import language
from scoring.decision import percent_text, points_text


def percent(raw: Fraction, maximum: int) -> str:
    """The exact share, cut off and never rounded, with the decimal mark of the page's language."""
    return _marked(percent_text(raw, maximum))


def points(earned: Fraction) -> str:
    """Points with at most two decimals, with the decimal mark of the page's language."""
    return _marked(points_text(earned))


def day_moment(day: date) -> datetime:
    """Noon of the day in UTC: for the filter `date("UTC")`, which writes moments."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def _marked(text: str) -> str:
    return text.replace(",", ".").replace("\u00a0%", "%") if language.current() == "en" else text
