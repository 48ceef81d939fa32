"""Time as a value: milliseconds since the Unix epoch, UTC, in one int. Pure."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

Moment = int
"""Milliseconds since 1970-01-01T00:00:00Z."""

Span = int
"""A length of time in milliseconds."""

SECOND: Span = 1_000
MINUTE: Span = 60 * SECOND
HOUR: Span = 60 * MINUTE
DAY: Span = 24 * HOUR


def to_datetime(moment: Moment) -> datetime:
    """The moment as an aware datetime in UTC, exact to the millisecond."""
    return datetime.fromtimestamp(moment // 1_000, UTC).replace(microsecond=moment % 1_000 * 1_000)


def day_in(moment: Moment, zone: str) -> date:
    """The date that a calendar on the wall of that zone shows at the moment. An unknown zone raises KeyError."""
    return to_datetime(moment).astimezone(ZoneInfo(zone)).date()


def from_datetime(value: datetime) -> Moment:
    """An aware datetime as a moment, rounded down to the millisecond. Naive datetimes raise ValueError."""
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    delta = value - datetime(1970, 1, 1, tzinfo=UTC)
    return delta.days * DAY + delta.seconds * SECOND + delta.microseconds // 1_000
