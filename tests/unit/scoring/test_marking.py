"""Marks: the rules by example, and that a better response never earns less."""

from fractions import Fraction
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from core.ids import ChoiceId, ItemId
from core.moments import MINUTE
from question_bank.items import Choice, Item, Role, Stage
from scoring.marking import mark_item, mark_stage

HALF = Fraction(1, 2)


def c(*ids: str) -> tuple[ChoiceId, ...]:
    return tuple(ChoiceId(id) for id in ids)


def actions(roles: dict[str, Role], *, ordered: bool = False, weight: int = 1) -> Stage:
    choices = tuple(Choice(ChoiceId(id), id, role) for id, role in roles.items())
    return Stage("actions", "Что сделать?", "", choices, ordered, weight)


def choice(weight: int = 1) -> Stage:
    roles = {"a": Role.DISTRACTOR, "b": Role.DISTRACTOR, "k": Role.KEY, "d": Role.DISTRACTOR}
    return Stage("choice", "", "", tuple(Choice(ChoiceId(id), id, role) for id, role in roles.items()), False, weight)


def item(*stages: Stage) -> Item:
    return Item(ItemId("i"), 1, "S", "R", "recall", 0.7, MINUTE, "Вопрос?", stages, "Потому.")


SET = {
    "r1": Role.REQUIRED,
    "r2": Role.REQUIRED,
    "r3": Role.REQUIRED,
    "r4": Role.REQUIRED,
    "n1": Role.NEUTRAL,
    "n2": Role.NEUTRAL,
    "n3": Role.NEUTRAL,
    "h1": Role.HARMFUL,
}


@pytest.mark.parametrize(("chosen", "mark"), [(c("k"), 1), (c("a"), 0), (c(), 0), (c("k", "a"), 0), (c("k", "k"), 1)])
def test_one_right_of_four(chosen: tuple[ChoiceId, ...], mark: int) -> None:
    assert mark_item(item(choice()), {0: chosen}) == mark


@pytest.mark.parametrize(
    ("chosen", "mark"),
    [
        (c("r1", "r2", "r3", "r4"), Fraction(1)),
        (c("r4", "r2", "r1", "r3"), Fraction(1)),
        (c("r1", "r2", "r3"), Fraction(3, 4)),
        (c("r1", "r2", "r3", "r4", "n1"), Fraction(7, 8)),
        (c("r1", "n1"), Fraction(1, 8)),
        (c("r1", "n1", "n2", "n3"), Fraction(0)),
        (c("r1", "r2", "r3", "r4", "h1"), Fraction(0)),
        (c("r1", "r1"), Fraction(1, 4)),
        (c(), Fraction(0)),
    ],
)
def test_a_set_of_actions(chosen: tuple[ChoiceId, ...], mark: Fraction) -> None:
    assert mark_stage(actions(SET), chosen) == mark


@pytest.mark.parametrize(
    ("chosen", "mark"),
    [
        (c("r1", "r2", "r3", "r4"), Fraction(1)),
        (c("r4", "r1", "r2", "r3"), Fraction(3, 4)),  # one out of place costs one, wherever it went
        (c("r2", "r3", "r4", "r1"), Fraction(3, 4)),
        (c("r2", "r1", "r4", "r3"), Fraction(1, 2)),
        (c("r4", "r3", "r2", "r1"), Fraction(1, 4)),
        (c("r1", "r3", "r4"), Fraction(3, 4)),
        (c("r1", "n1", "r2", "r3", "r4"), Fraction(7, 8)),
        (c("r1", "r2", "h1", "r3", "r4"), Fraction(0)),
    ],
)
def test_an_ordered_set_of_actions(chosen: tuple[ChoiceId, ...], mark: Fraction) -> None:
    assert mark_stage(actions(SET, ordered=True), chosen) == mark


def test_a_case_is_the_mean_of_its_stages_by_weight() -> None:
    made = item(actions(SET, weight=2), choice(weight=3))
    assert mark_item(made, {0: c("r1", "r2"), 1: c("k")}) == Fraction(2 * HALF + 3, 5)
    assert mark_item(made, {1: c("k")}) == Fraction(3, 5)
    assert mark_item(made, {}) == 0
    assert mark_item(made, {0: c("h1"), 1: c("k")}) == Fraction(3, 5)


def test_what_is_not_on_the_item_is_refused() -> None:
    with pytest.raises(Invalid, match="choice_unknown"):
        mark_item(item(choice()), {0: c("zz")})
    with pytest.raises(Invalid, match="stage_unknown"):
        mark_item(item(choice()), {1: c("k")})
    with pytest.raises(Invalid, match="stage_unknown"):
        mark_item(item(choice()), {-1: c("k")})


stages = st.builds(
    lambda roles, ordered: actions(
        {f"c{number}": role for number, role in enumerate([Role.REQUIRED, *roles])}, ordered=ordered
    ),
    st.lists(st.sampled_from([Role.REQUIRED, Role.NEUTRAL, Role.HARMFUL]), min_size=1, max_size=7),
    st.booleans(),
)
randoms = st.randoms(use_true_random=False)


def pick(stage: Stage, random: Random) -> list[ChoiceId]:
    ids = [choice.id for choice in stage.choices]
    return random.sample(ids, random.randint(0, len(ids)))


@given(stages, randoms)
def test_marks_lie_between_0_and_1_and_the_key_earns_1(stage: Stage, random: Random) -> None:
    mark = mark_stage(stage, pick(stage, random))
    assert isinstance(mark, Fraction)
    assert 0 <= mark <= 1
    key = [choice.id for choice in stage.choices if choice.role is Role.REQUIRED]
    assert mark_stage(stage, key) == 1


@given(stages, randoms)
def test_leaving_out_what_is_not_required_never_lowers(stage: Stage, random: Random) -> None:
    roles = {choice.id: choice.role for choice in stage.choices}
    chosen = pick(stage, random)
    for place, choice in enumerate(chosen):
        if roles[choice] is not Role.REQUIRED:
            better = chosen[:place] + chosen[place + 1 :]
            assert mark_stage(stage, better) >= mark_stage(stage, chosen)


@given(stages, randoms)
def test_adding_a_required_action_never_lowers_wherever_it_goes(stage: Stage, random: Random) -> None:
    chosen = pick(stage, random)
    before = mark_stage(stage, chosen)
    for choice in stage.choices:
        if choice.role is Role.REQUIRED and choice.id not in chosen:
            for place in range(len(chosen) + 1):
                assert mark_stage(stage, [*chosen[:place], choice.id, *chosen[place:]]) >= before


@given(stages, randoms)
def test_mending_the_order_of_two_neighbours_never_lowers(stage: Stage, random: Random) -> None:
    places = {choice.id: place for place, choice in enumerate(stage.choices)}
    roles = {choice.id: choice.role for choice in stage.choices}
    chosen = pick(stage, random)
    for first in range(len(chosen) - 1):
        one, two = chosen[first], chosen[first + 1]
        if roles[one] is roles[two] is Role.REQUIRED and places[one] > places[two]:
            mended = [*chosen[:first], two, one, *chosen[first + 2 :]]
            assert mark_stage(stage, mended) >= mark_stage(stage, chosen)


@given(stages, randoms)
def test_without_an_order_the_order_does_not_matter(stage: Stage, random: Random) -> None:
    loose = actions({choice.id: choice.role for choice in stage.choices})
    chosen = pick(stage, random)
    assert mark_stage(loose, chosen) == mark_stage(loose, random.sample(chosen, len(chosen)))
    assert mark_stage(loose, chosen) >= mark_stage(stage, chosen)


@given(st.permutations(range(6)))
def test_the_longest_part_in_order_agrees_with_trying_all_parts(order: list[int]) -> None:
    stage = actions({f"c{number}": Role.REQUIRED for number in range(6)}, ordered=True)
    longest = max(size for size in range(1, 7) if any(list(part) == sorted(part) for part in combinations(order, size)))
    assert mark_stage(stage, [ChoiceId(f"c{number}") for number in order]) == Fraction(longest, 6)


@given(randoms)
def test_the_order_in_which_options_stand_does_not_matter(random: Random) -> None:
    shuffled = list(actions(SET).choices)
    random.shuffle(shuffled)
    stage = Stage("actions", "", "", tuple(shuffled), False, 1)
    chosen = pick(stage, random)
    assert mark_stage(stage, chosen) == mark_stage(actions(SET), chosen)
