from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabinet.outcomes import Fate, fate_of, group_areas, may_rank
from core.ids import ItemId, PersonId, SittingId
from exam_server.conclusion import Outcome, OutcomeState
from scoring.decision import ItemMark, WeakArea

TITLES = {"A": "Хирургия", "B": "Терапия", "C": "Этика"}


def outcome(state: OutcomeState, passed: bool | None = None, flagged: bool = False) -> Outcome:
    return Outcome(SittingId(1), PersonId(1), state, passed, flagged, 1, None, None, None, None, None)


def mark(requirement: str, score: Fraction | int, weight: int = 1) -> ItemMark:
    return ItemMark(ItemId("i"), requirement, weight, Fraction(score))


@pytest.mark.parametrize(
    ("over", "found", "review_open", "fate"),
    [
        (False, None, False, "running"),
        (True, None, False, "computing"),
        (True, outcome("absent"), False, "absent"),
        (True, outcome("preliminary", True), False, "preliminary"),
        (True, outcome("preliminary", True, flagged=True), True, "review"),
        (True, outcome("preliminary", True, flagged=True), False, "preliminary"),
        (True, outcome("confirmed", True), False, "passed"),
        (True, outcome("confirmed", False), False, "failed"),
        (True, outcome("annulled", True, flagged=True), True, "annulled"),
    ],
)
def test_a_sitting_has_one_fate(over: bool, found: Outcome | None, review_open: bool, fate: Fate) -> None:
    assert fate_of(over, found, review_open) == fate


def test_areas_stand_with_the_weakest_first() -> None:
    marks = [mark("A", 1)] * 3 + [mark("B", 0), mark("B", 1), mark("B", 1)] + [mark("C", Fraction(1, 2), 2)] * 4
    areas = group_areas(marks, TITLES, 85)
    assert [(area.title, int(area.earned), area.maximum, area.weak) for area in areas] == [
        ("Этика", 4, 8, True),
        ("Терапия", 2, 3, True),
        ("Хирургия", 3, 3, False),
    ]


def test_being_at_the_cut_is_not_weak() -> None:
    marks = [mark("A", 1)] * 17 + [mark("A", 0)] * 3
    assert not group_areas(marks, TITLES, 85)[0].weak
    assert group_areas(marks, TITLES, 86)[0].weak


def test_only_areas_of_enough_items_are_ranked() -> None:
    marks = [mark("A", 0)] * 3 + [mark("B", 0)] * 2 + [mark("B", 0, 0)]
    large, small = (WeakArea(code, TITLES[code], Fraction(0), 3) for code in "AB")
    assert may_rank(marks, [large])
    assert not may_rank(marks, [large, small])


def test_small_areas_are_taken_together() -> None:
    marks = [mark("A", 1)] * 4 + [mark("B", 0)] * 2 + [mark("C", 1)]
    assert [(area.title, int(area.earned), area.maximum) for area in group_areas(marks, TITLES, 85)] == [
        ("", 1, 3),
        ("Хирургия", 4, 4),
    ]


def test_one_small_area_takes_the_next_smallest_with_it() -> None:
    marks = [mark("A", 1)] * 5 + [mark("B", 1)] * 4 + [mark("C", 0)]
    assert [(area.title, area.maximum) for area in group_areas(marks, TITLES, 85)] == [("", 5), ("Хирургия", 5)]


def test_an_exam_that_is_one_small_area_keeps_its_name() -> None:
    assert [area.title for area in group_areas([mark("A", 1)] * 2, TITLES, 85)] == ["Хирургия"]


def test_nothing_scored_shows_no_area() -> None:
    assert group_areas([mark("A", 1, 0)], TITLES, 85) == ()


@given(
    st.lists(
        st.builds(
            mark,
            st.sampled_from("ABCDE"),
            st.fractions(0, 1, max_denominator=12),
            st.integers(0, 3),
        ),
        max_size=40,
    ),
    st.integers(1, 100),
    st.integers(2, 5),
)
def test_no_line_stands_for_so_few_items_that_it_tells_which_was_wrong(
    marks: list[ItemMark], cut: int, least: int
) -> None:
    # Every weight becomes 1 so that a maximum counts items.
    scored = [ItemMark(one.item, one.requirement, 1, one.score) for one in marks if one.weight]
    areas = group_areas(scored, TITLES, cut, least)
    assert sum(area.maximum for area in areas) == len(scored)
    assert sum((area.earned for area in areas), Fraction(0)) == sum((one.score for one in scored), Fraction(0))
    assert all(area.maximum >= least for area in areas) or len(areas) == 1
    assert [area.share for area in areas] == sorted(area.share for area in areas)
