from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.moments import day_in, from_datetime, to_datetime


@given(st.integers(min_value=0, max_value=4_102_444_800_000))
def test_a_moment_comes_back_from_its_datetime(moment: int) -> None:
    assert from_datetime(to_datetime(moment)) == moment


@pytest.mark.parametrize(
    ("zone", "day"),
    [("UTC", date(2026, 11, 22)), ("Europe/Moscow", date(2026, 11, 22)), ("Asia/Kamchatka", date(2026, 11, 23))],
)
def test_each_zone_has_its_own_day(zone: str, day: date) -> None:
    assert day_in(from_datetime(datetime(2026, 11, 22, 20, 59, tzinfo=UTC)), zone) == day


def test_midnight_begins_the_day() -> None:
    midnight = from_datetime(datetime(2026, 11, 22, 21, tzinfo=UTC))
    assert day_in(midnight - 1, "Europe/Moscow") == date(2026, 11, 22)
    assert day_in(midnight, "Europe/Moscow") == date(2026, 11, 23)
