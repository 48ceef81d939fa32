"""Numbers and days of the cabinet in words. Pure."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from fractions import Fraction

from markupsafe import Markup as Safe

from core.web import formats, language
from exam_server.media import Exhibit
from exam_server.scheduling import Window, today_in
from question_bank.markup import Markup, as_page, read_plain
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


def span(window: Window, zone: str) -> str:
    """From when until when, without the day it begins on: «14:30–17:00 (МСК+6)»."""
    begins, lang = formats.time_text(window.opens_at, zone), language.current()
    ends = formats.datetime_text(window.closes_at, lang, zone)
    if today_in(window.opens_at, zone) == today_in(window.closes_at, zone):
        return f"{begins}–{ends.rpartition(', ')[2]}"
    return f"{begins} — {ends}"


def elsewhere(window: Window, zone: str, home_zone: str) -> str:
    """The same span where the organiser is; empty where the clocks show the same."""
    if formats.time_text(window.opens_at, zone) == formats.time_text(window.opens_at, home_zone):
        return ""
    text = span(window, home_zone)
    if today_in(window.opens_at, zone) != today_in(window.opens_at, home_zone):
        text = f"{formats.date_text(window.opens_at, language.current(), home_zone)}, {text}"
    return text


def item_text(text: str, markup: Markup, media: Iterable[Exhibit]) -> Safe:
    """A text of an item as it stands on a page; rich text is cleaned once more, and shows the pictures it may."""
    if markup == "html":
        addresses = {exhibit.asset: exhibit.address for exhibit in media}
        return Safe(as_page(text, addresses.get))
    return Safe("").join(Safe("<p>{}</p>").format(formats.typeset(line)) for line in text.splitlines() if line.strip())


def item_words(text: str, markup: Markup) -> str:
    """The words of an item's text in one line."""
    return read_plain(text) if markup == "html" else " ".join(text.split())


def _marked(text: str) -> str:
    return text.replace(",", ".").replace("\u00a0%", "%") if language.current() == "en" else text
