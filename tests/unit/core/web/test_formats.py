from datetime import UTC, date, datetime

import pytest

from core.web import formats

AT = 1_795_347_000_000
"""2026-11-22T11:30Z."""


@pytest.mark.parametrize(
    ("zone", "lang", "text"),
    [
        ("Europe/Moscow", "ru", "22 ноября 2026, 14:30 (МСК)"),
        ("Asia/Kamchatka", "ru", "22 ноября 2026, 23:30 (МСК+9)"),
        ("Asia/Omsk", "ru", "22 ноября 2026, 17:30 (МСК+3)"),
        ("Europe/Kaliningrad", "ru", "22 ноября 2026, 13:30 (МСК−1)"),
        ("Europe/Minsk", "ru", "22 ноября 2026, 14:30 (МСК)"),
        ("Asia/Kolkata", "ru", "22 ноября 2026, 17:00 (МСК+2:30)"),
        ("America/St_Johns", "ru", "22 ноября 2026, 08:00 (МСК−6:30)"),
        ("Pacific/Auckland", "ru", "23 ноября 2026, 00:30 (МСК+10)"),
        ("Asia/Irkutsk", "en", "22 November 2026, 19:30 (MSK+5)"),
    ],
)
def test_a_moment_names_its_zone_by_the_distance_from_moscow(zone: str, lang: str, text: str) -> None:
    assert formats.datetime_text(AT, lang, zone).replace("\xa0", " ") == text


def test_a_date_does_not_break_inside_and_the_zone_stays_with_its_time() -> None:
    assert formats.date_text(AT) == "22\xa0ноября\xa02026"
    assert formats.datetime_text(AT).endswith(", 14:30\xa0(МСК)")


def test_a_date_of_no_zone_is_written_like_any_other() -> None:
    assert formats.day_text(date(2026, 11, 22)) == formats.date_text(AT)
    assert formats.day_text(date(2031, 5, 1), "en") == "1\xa0May\xa02031"


def test_moments_and_aware_datetimes_read_the_same_and_naive_ones_are_refused() -> None:
    assert formats.datetime_text(datetime(2026, 11, 22, 11, 30, tzinfo=UTC)) == formats.datetime_text(AT)
    with pytest.raises(ValueError, match="time zone"):
        formats.date_text(datetime(2026, 11, 22))


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (4_800_000, "1 ч 20 мин"),
        (3_600_000, "1 ч"),
        (3_659_999, "1 ч"),
        (3_599_999, "59 мин 59 с"),
        (1_200_000, "20 мин"),
        (45_999, "45 с"),
        (999, "0 с"),
        (0, "0 с"),
        (-90_000, "−1 мин 30 с"),
        (-1, "0 с"),
        (100 * 3_600_000, "100 ч"),
    ],
)
def test_a_span_shows_its_two_largest_units_rounded_down(span: int, text: str) -> None:
    assert formats.duration_text(span) == text.replace(" ", "\xa0")


def test_english_units() -> None:
    assert formats.duration_text(4_800_000, "en") == "1\xa0h\xa020\xa0min"


@pytest.mark.parametrize(
    ("value", "lang", "digits", "text"),
    [
        (12345.6, "ru", None, "12\xa0345,6"),
        (12345.6, "en", None, "12,345.6"),
        (0.5, "ru", 2, "0,50"),
        (1234, "ru", 0, "1\xa0234"),
        (-3, "ru", None, "−3"),
    ],
)
def test_numbers(value: float, lang: str, digits: int | None, text: str) -> None:
    assert formats.number_text(value, lang, digits) == text


@pytest.mark.parametrize(
    ("plain", "bound"),
    [
        ("Сделайте фото и войдите в кабинет", "Сделайте фото и~войдите в~кабинет"),
        ("И в начале", "И~в~начале"),
        ("Тестирование — это этап", "Тестирование~— это этап"),
        ("Осталось 5 минут", "Осталось 5~минут"),
        ("Порог 70 %", "Порог 70~%"),
        ("Больница № 4", "Больница №~4"),
        ("Не выключайте камеру", "Не~выключайте камеру"),
        ("какой-то вопрос", "какой-то вопрос"),
        ("Open it", "Open it"),
    ],
)
def test_lines_do_not_end_after_a_short_word_or_before_a_dash(plain: str, bound: str) -> None:
    assert formats.typeset(plain) == bound.replace("~", "\xa0")


def test_an_excerpt_ends_with_a_whole_word_and_one_ellipsis() -> None:
    assert formats.excerpt("Пульс 128 в минуту.", 19) == "Пульс 128 в минуту."
    assert formats.excerpt("Пульс 128 в минуту. Давление низкое", 24) == "Пульс 128 в минуту…"
    assert formats.excerpt("Хроническая недостаточность", 5) == "Хрони…"
