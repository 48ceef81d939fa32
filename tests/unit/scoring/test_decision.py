"""The decision: exact at the cut, said without rounding up, and what follows from it."""

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Conflict, Invalid
from core.ids import ItemId
from core.moments import from_datetime
from scoring.decision import (
    ItemMark,
    advice,
    attempts_left,
    decide,
    earliest_retake,
    percent_text,
    points_needed,
    points_text,
)


def mark(score: Fraction | int, weight: int = 1, requirement: str = "R", item: str = "i") -> ItemMark:
    return ItemMark(ItemId(item), requirement, weight, Fraction(score))


def right(count: int, of: int) -> list[ItemMark]:
    return [mark(1)] * count + [mark(0)] * (of - count)


marks = st.lists(
    st.builds(
        mark,
        st.fractions(min_value=0, max_value=1, max_denominator=60),
        st.integers(0, 5),
        st.sampled_from(["R1", "R2", "R3"]),
    ),
    max_size=40,
)


@pytest.mark.parametrize(("maximum", "needed"), [(79, 68), (80, 68), (20, 17), (1, 1), (60, 51), (100, 85)])
def test_points_needed_at_85_per_cent(maximum: int, needed: int) -> None:
    assert points_needed(maximum, 85) == needed


def test_exact_at_the_cut_for_every_length() -> None:
    for maximum in range(1, 501):
        needed = points_needed(maximum, 85)
        assert 85 * maximum <= 100 * needed < 85 * maximum + 100
        assert decide(right(needed, maximum), 85).passed
        assert not decide(right(needed - 1, maximum), 85).passed
        for cut in range(1, 101):
            assert cut * maximum <= 100 * points_needed(maximum, cut) < cut * maximum + 100


@given(st.integers(1, 500), st.integers(1, 100))
def test_exact_at_every_cut(maximum: int, cut: int) -> None:
    needed = points_needed(maximum, cut)
    assert decide([mark(1, needed), mark(0, maximum - needed)], cut).passed
    assert not decide([mark(1, needed - 1), mark(0, maximum - needed + 1)], cut).passed


def test_the_least_part_of_a_point_below_the_cut_fails() -> None:
    atom = Fraction(1, 10**30)
    assert decide([mark(Fraction(85, 100))], 85).passed
    assert not decide([mark(Fraction(85, 100) - atom)], 85).passed
    # In binary floats 0.1 + 0.7 is below 0.8: thirds and tenths must not cost anybody the exam.
    assert decide([mark(Fraction(1, 10)), mark(Fraction(7, 10)), mark(0, weight=0)], 40).passed


@given(marks, st.integers(1, 100))
def test_the_decision_is_the_inequality(made: list[ItemMark], cut: int) -> None:
    maximum = sum(m.weight for m in made)
    if maximum == 0:
        with pytest.raises(Conflict, match="nothing_scored"):
            decide(made, cut)
        return
    decision = decide(made, cut)
    assert decision.maximum == maximum
    assert decision.raw == sum((m.weight * m.score for m in made), Fraction(0))
    assert decision.passed == (decision.raw / maximum >= Fraction(cut, 100))
    assert decide(list(reversed(made)), cut) == decision
    assert decide([m for m in made if m.weight], cut) == decision


@pytest.mark.parametrize("wrong", [mark(Fraction(11, 10)), mark(-1), mark(1, weight=-1)])
def test_impossible_marks_are_refused(wrong: ItemMark) -> None:
    with pytest.raises(ValueError, match="score"):
        decide([mark(1), wrong], 85)


@pytest.mark.parametrize(
    ("raw", "maximum", "text"),
    [
        (Fraction(68), 80, "85\u00a0%"),
        (Fraction(67), 79, "84,8\u00a0%"),
        (Fraction(8_499_999, 100_000), 100, "84,9\u00a0%"),
        (Fraction(85) - Fraction(1, 10**20), 100, "84,9\u00a0%"),
        (Fraction(2), 3, "66,6\u00a0%"),
        (Fraction(0), 5, "0\u00a0%"),
        (Fraction(5), 5, "100\u00a0%"),
    ],
)
def test_per_cent_for_people(raw: Fraction, maximum: int, text: str) -> None:
    assert percent_text(raw, maximum) == text


@given(st.fractions(min_value=0, max_value=1, max_denominator=10**9), st.integers(1, 500), st.integers(1, 100))
def test_what_is_shown_stands_on_the_same_side_of_the_cut(share: Fraction, maximum: int, cut: int) -> None:
    shown = Fraction(percent_text(share * maximum, maximum).removesuffix("\u00a0%").replace(",", "."))
    assert (shown >= cut) == decide([mark(share, maximum)], cut).passed
    assert 0 <= 100 * share - shown < Fraction(1, 10)


@pytest.mark.parametrize(
    ("points", "text"), [(68, "68"), (Fraction(135, 2), "67,5"), (Fraction(203, 3), "67,66"), (Fraction(1, 50), "0,02")]
)
def test_points_for_people(points: Fraction | int, text: str) -> None:
    assert points_text(Fraction(points)) == text


@pytest.mark.parametrize(
    ("ended", "zone", "day"),
    [
        (datetime(2026, 11, 22, 20, 59, 59, tzinfo=UTC), "Europe/Moscow", date(2026, 12, 22)),
        (datetime(2026, 11, 22, 21, 0, 0, tzinfo=UTC), "Europe/Moscow", date(2026, 12, 23)),
        (datetime(2026, 11, 22, 20, 0, 0, tzinfo=UTC), "Asia/Kamchatka", date(2026, 12, 23)),
        (datetime(2026, 11, 22, 21, 30, 0, tzinfo=UTC), "Europe/Kaliningrad", date(2026, 12, 22)),
        (datetime(2027, 1, 30, 9, 0, 0, tzinfo=UTC), "Europe/Moscow", date(2027, 3, 1)),
        # Clocks go forward in between: still 30 calendar days.
        (datetime(2027, 3, 10, 22, 30, 0, tzinfo=UTC), "Europe/Berlin", date(2027, 4, 9)),
    ],
)
def test_the_wait_is_counted_where_the_candidate_lives(ended: datetime, zone: str, day: date) -> None:
    assert earliest_retake(from_datetime(ended), zone, 30) == day


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe", "a\x00b"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(Invalid, match="zone_unknown"):
        earliest_retake(0, zone, 30)


def test_attempts() -> None:
    assert [attempts_left(3, used) for used in range(5)] == [3, 2, 1, 0, 0]
    assert attempts_left(3, 3, annulled=1) == 1


def test_advice_names_areas_below_the_cut_weakest_first() -> None:
    made = [
        *[mark(1, requirement="Сильное")] * 9,
        mark(0, requirement="Сильное"),
        *[mark(Fraction(1, 2), requirement="Среднее")] * 4,
        mark(0, weight=2, requirement="Слабое"),
        mark(0, requirement="Малое"),
        mark(0, weight=0, requirement="Пробное"),
        *[mark(1, requirement="На пороге")] * 17,
        *[mark(0, requirement="На пороге")] * 3,
    ]
    found = advice(made, {"Слабое": "Неотложная помощь"}, 85)
    assert [(area.requirement, area.title, area.score, area.maximum) for area in found] == [
        ("Слабое", "Неотложная помощь", Fraction(0), 2),
        ("Малое", "Малое", Fraction(0), 1),
        ("Среднее", "Среднее", Fraction(2), 4),
    ]


@given(marks, st.integers(1, 100))
def test_advice_agrees_with_deciding_each_area_alone(made: list[ItemMark], cut: int) -> None:
    found = advice(made, {}, cut)
    weak = set()
    for code in {m.requirement for m in made if m.weight}:
        if not decide([m for m in made if m.requirement == code], cut).passed:
            weak.add(code)
    assert {area.requirement for area in found} == weak
    shares = [area.score / area.maximum for area in found]
    assert shares == sorted(shares)
    if weak == set() and any(m.weight for m in made):
        assert decide(made, cut).passed
