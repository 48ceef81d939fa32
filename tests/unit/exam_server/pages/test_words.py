"""How the page writes moments and lengths of time."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from core.moments import HOUR, MINUTE, SECOND, Moment, from_datetime
from core.web.formats import MOSCOW
from tests.unit.exam_server.pages.engine import Module


@pytest.fixture(scope="module")
def module() -> Iterator[Module]:
    module = Module("words.js")
    yield module
    module.close()


def at(day: int, hour: int, minute: int) -> Moment:
    """In November 2026, in Moscow."""
    return from_datetime(datetime(2026, 11, day, hour, minute, tzinfo=ZoneInfo(MOSCOW)))


@pytest.mark.parametrize(
    ("moment", "now", "zone", "text"),
    [
        (at(24, 9, 5), at(24, 8, 0), MOSCOW, "09:05"),
        (at(24, 23, 59), at(24, 0, 0), MOSCOW, "23:59"),
        (at(25, 0, 3), at(24, 23, 53), MOSCOW, "25 ноября, 00:03"),
        (at(24, 23, 53), at(25, 0, 3), MOSCOW, "24 ноября, 23:53"),
        (at(25, 0, 3), at(24, 23, 53), "Asia/Vladivostok", "07:03"),
        (at(24, 17, 1), at(24, 16, 59), "Asia/Vladivostok", "25 ноября, 00:01"),
    ],
)
def test_a_time_has_its_day_where_that_is_not_today_in_the_zone(
    module: Module, moment: Moment, now: Moment, zone: str, text: str
) -> None:
    assert module.call("timeText", moment, now, zone, "ru") == text


@pytest.mark.parametrize(
    ("span", "text"),
    [(45 * SECOND, "45 секунд"), (9 * MINUTE, "9 минут"), (90 * SECOND, "1 минута 30 секунд"), (2 * HOUR, "2 часа")],
)
def test_a_length_of_time_in_words(module: Module, span: int, text: str) -> None:
    assert module.call("spanText", span, "ru").replace("\N{NO-BREAK SPACE}", " ") == text
