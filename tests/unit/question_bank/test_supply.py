"""Supply against demand: what is missing is named cell by cell, exactly, however cells overlap."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.errors import Conflict
from core.ids import ItemId
from question_bank.bands import BANDS
from question_bank.blueprints import Cell
from question_bank.pool import Pool, Profile
from question_bank.supply import check_supply, find_shortages, serving_order, weigh_supply
from tests.unit.question_bank.pools import LEVELS, REQUIREMENTS, generate, generate_items, plan

profiles = st.builds(
    Profile,
    requirement=st.sampled_from(["R0", "R1"]),
    kind=st.just("four_option"),
    level=st.sampled_from(LEVELS[:2]),
    band=st.sampled_from(BANDS[:2]),
)
demands = st.lists(
    st.tuples(
        st.builds(
            Profile,
            requirement=st.sampled_from([None, "R0", "R1"]),
            kind=st.just("four_option"),
            level=st.sampled_from([None, *LEVELS[:2]]),
            band=st.sampled_from([None, *BANDS[:2]]),
        ),
        st.integers(1, 5),
    ),
    min_size=1,
    max_size=6,
)


def seat(wanted: list[tuple[Profile, int]], supply: dict[Profile, int]) -> list[int]:
    """How many places of each demand stay empty where they are seated one by one, those that come first first."""
    items = [profile for profile, count in supply.items() for _ in range(count)]
    held: dict[int, Profile] = {}

    def find(asked: Profile, seen: set[int]) -> bool:
        for number, item in enumerate(items):
            if number not in seen and asked.covers(item):
                seen.add(number)
                if number not in held or find(held[number], seen):
                    held[number] = asked
                    return True
        return False

    empty = [0] * len(wanted)
    for place in serving_order([asked for asked, _ in wanted]):
        asked, count = wanted[place]
        empty[place] = sum(not find(asked, set()) for _ in range(count))
    return empty


@given(demands, st.dictionaries(profiles, st.integers(0, 4), max_size=8))
@settings(max_examples=300)
def test_shortages_are_those_of_seating_item_by_item(
    wanted: list[tuple[Profile, int]], supply: dict[Profile, int]
) -> None:
    assert find_shortages(wanted, supply) == seat(wanted, supply)


def test_what_is_missing_is_named_cell_by_cell() -> None:
    pool = generate(40, seed=2, cases=4)  # 10 items and one case for each requirement
    with pytest.raises(Conflict) as refusal:
        check_supply(
            plan(
                Cell("R0", "four_option", 8),
                Cell("R0", "four_option", 5),
                Cell("R9", "case", 2),
                Cell("R1", "case", 1),
                Cell(None, "four_option", 33),
                Cell(None, "case", 3),
            ),
            pool,
        )
    fields = refusal.value.fields
    assert set(fields) == {"cells.1", "cells.2", "cells.4"}
    assert fields["cells.1"].endswith("не хватает: 3")
    assert fields["cells.2"].endswith("не хватает: 2")
    assert fields["cells.4"].endswith("не хватает: 3")
    assert "R9" in refusal.value.message


def test_levels_bands_and_pilots_are_named() -> None:
    pool = generate(24, seed=2, pilots=2)
    blueprint = plan(
        Cell("R0", "four_option", 3, level="analysis", band="hard"), Cell(None, "four_option", 9, level="recall")
    )
    with pytest.raises(Conflict) as refusal:
        check_supply(replace(blueprint, pilots=3), pool)
    fields = refusal.value.fields
    assert "R0 (анализ, трудные) не хватает:" in fields["cells.0"]
    assert "требованиям (знание) не хватает: 1" in fields["cells.1"]
    assert fields["pilots"].endswith("не хватает: 1")


def test_each_cell_is_weighed_alone_and_beside_the_others() -> None:
    pool = generate(40, seed=2)
    blueprint = replace(
        plan(Cell("R0", "four_option", 8), Cell(None, "four_option", 30), Cell("R1", "four_option", 11)),
        exposure_cap=0.5,
    )
    first, second, third = weigh_supply(blueprint, pool.supply)
    assert (first.asked, first.have, first.missing, first.worn) == (8, 10, 0, 3)
    assert (second.asked, second.have, second.missing, second.worn) == (30, 40, 8, 20)
    assert (third.asked, third.have, third.missing, third.worn) == (11, 10, 1, 6)
    assert all(cell.worn == 0 for cell in weigh_supply(replace(blueprint, exposure_cap=None), pool.supply))


def test_a_part_of_an_item_too_few_is_an_item() -> None:
    """Ten items that may each stand on 75 forms of 100 fill seven places and a half of eight."""
    blueprint = replace(plan(Cell("R0", "four_option", 8)), exposure_cap=0.75)
    (cell,) = weigh_supply(blueprint, generate(40, seed=2).supply)
    assert (cell.missing, cell.worn) == (0, 1)


def test_of_enemies_every_choice_is_tried_where_the_likely_ones_fail() -> None:
    """Neither those with most enemies nor those of ample cells may all go, nor the first or the second of each pair."""
    traits = [("R0", "application"), *[("R0", "recall")] * 2, ("R1", "recall"), ("R0", "recall"), ("R0", "application")]
    items = [
        replace(item, requirement=requirement, level=level)
        for item, (requirement, level) in zip(generate_items(6, seed=1), traits, strict=True)
    ]
    ids = [item.item for item in items]
    pairs = [(0, 2), (0, 3), (1, 2), (1, 3), (1, 4), (2, 5)]
    pool = Pool(items, [(ids[one], ids[other]) for one, other in pairs])
    blueprint = plan(Cell(None, "four_option", 1, level="recall"), Cell(None, "four_option", 2, level="recall"))
    kept = set(ids) - check_supply(blueprint, pool)
    assert not any(kept.issuperset(pair) for pair in pool.pairs)
    assert sum(pool.by_id[item].level == "recall" for item in kept) >= 3


@given(
    st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] < pair[1]), max_size=14),
    st.integers(1, 8),
    st.integers(0, 3),
)
@settings(max_examples=200)
def test_with_enemies_a_pool_is_enough_exactly_when_some_choice_is(
    enemies: set[tuple[int, int]], anything: int, narrow: int
) -> None:
    """Against every subset of ten items."""
    items = [replace(item, requirement=REQUIREMENTS[int(n >= 4)]) for n, item in enumerate(generate_items(10, seed=1))]
    ids = [item.item for item in items]
    pool = Pool(items, [(ids[one], ids[other]) for one, other in enemies])
    cells = [Cell(None, "four_option", anything)] + [Cell("R0", "four_option", narrow)] * (narrow > 0)
    at_peace = [
        mask for mask in range(1 << 10) if not any(mask >> one & 1 and mask >> other & 1 for one, other in enemies)
    ]
    possible = any((mask & 15).bit_count() >= narrow and mask.bit_count() >= narrow + anything for mask in at_peace)
    if not possible:
        with pytest.raises(Conflict):
            check_supply(plan(*cells), pool)
        return
    left_out = check_supply(plan(*cells), pool)
    kept: set[ItemId] = set(ids) - left_out
    assert not any(kept.issuperset(pair) for pair in pool.pairs)


def test_the_rarer_of_two_enemies_is_kept() -> None:
    """A hundred and fifty pairs, each of an item of which many are alike and one of which none can be spared."""
    items = [
        replace(item, requirement="R0" if at < 150 else "R1", level="recall")
        for at, item in enumerate(generate_items(450, seed=1))
    ]
    pool = Pool(items, [(items[at].item, items[150 + at].item) for at in range(150)])
    blueprint = plan(*[Cell("R0", "four_option", 150)], Cell("R1", "four_option", 150))
    assert check_supply(blueprint, pool) == {item.item for item in items[150:300]}
