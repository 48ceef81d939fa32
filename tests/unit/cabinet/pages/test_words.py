from datetime import date
from fractions import Fraction

import pytest

from cabinet.pages.words import day_moment, elsewhere, percent, points, span
from core.ids import BlueprintId, WindowId
from core.moments import DAY, HOUR, MINUTE, Moment
from core.web import formats, language
from exam_server.scheduling import Window

NOON: Moment = 1_795_338_000_000
"""2026-11-22T09:00:00Z, noon in Moscow."""


def window(opens_at: Moment, lasts: int) -> Window:
    return Window(WindowId(1), BlueprintId("exam"), 1, opens_at, opens_at + lasts, 5, 0, "", None)


def plain(text: str) -> str:
    return text.replace(formats.NBSP, " ")


@pytest.mark.parametrize(
    ("opens_at", "lasts", "zone", "text"),
    [
        (NOON, 3 * HOUR, "Europe/Moscow", "12:00–15:00 (МСК)"),
        (NOON, 3 * HOUR + 5 * MINUTE, "Asia/Novosibirsk", "16:00–19:05 (МСК+4)"),
        (NOON, DAY, "Europe/Moscow", "12:00 — 23 ноября 2026, 12:00 (МСК)"),
        (NOON, 3 * HOUR, "Asia/Kamchatka", "21:00 — 23 ноября 2026, 00:00 (МСК+9)"),
    ],
)
def test_a_span_names_the_day_it_ends_on_only_where_it_is_another(
    opens_at: Moment, lasts: int, zone: str, text: str
) -> None:
    assert plain(span(window(opens_at, lasts), zone)) == text


@pytest.mark.parametrize(
    ("opens_at", "zone", "text"),
    [
        (NOON, "Europe/Moscow", ""),
        (NOON, "Europe/Simferopol", ""),
        (NOON, "Asia/Novosibirsk", "12:00–13:00 (МСК)"),
        (NOON + 8 * HOUR, "Asia/Kamchatka", "22 ноября 2026, 20:00–21:00 (МСК)"),
    ],
)
def test_the_organisers_time_is_told_where_its_clocks_differ(opens_at: Moment, zone: str, text: str) -> None:
    assert plain(elsewhere(window(opens_at, HOUR), zone, "Europe/Moscow")) == text


def test_numbers_have_the_mark_of_the_pages_language() -> None:
    assert (percent(Fraction(1699, 100), 20), points(Fraction(1699, 100))) == ("84,9\u00a0%", "16,99")
    with language.speaking("en"):
        assert (percent(Fraction(1699, 100), 20), points(Fraction(1699, 100))) == ("84.9%", "16.99")


def test_a_day_stays_the_same_day_when_it_is_written() -> None:
    assert plain(formats.date_text(day_moment(date(2026, 12, 22)), "ru", "UTC")) == "22 декабря 2026"
