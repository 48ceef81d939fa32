"""Fixed forms: an order of their own for everybody, proved; and what of a blueprint one does not follow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.errors import Invalid
from core.moments import HOUR, SECOND
from question_bank.assembly import assemble
from question_bank.blueprints import Cell, Section
from question_bank.fixed_forms import ALGORITHM, Order, Place, draw_fixed, find_deviations, fix, prove_fixed
from question_bank.pool import Pool
from tests.unit.question_bank.pools import generate_items, plan

ITEMS = generate_items(60, seed=5, cases=6, pilots=4)
POOL = Pool(ITEMS, [(ITEMS[0].item, ITEMS[1].item)])
PLAN = replace(
    plan(Cell("R0", "four_option", 4), Cell(None, "four_option", 6, weight=2), Cell(None, "case", 2, section=1)),
    sections=(Section("А"), Section("Б")),
    pilots=1,
    minimum_information=1.0,
)


def places_of(seed: int) -> list[Place]:
    """A form as it is drawn, its sections told from where its items stand."""
    entries = assemble(PLAN, POOL, seed).entries
    first = PLAN.rules.sections[0].count
    return [Place(entry.item, entry.version, entry.weight, int(at >= first)) for at, entry in enumerate(entries)]


FIXED = fix(PLAN, places_of(1))
seeds = st.integers(0, 2**63 - 1)


@given(seeds)
def test_everybody_has_the_same_items_in_an_order_of_their_own(seed: int) -> None:
    form = draw_fixed(FIXED, PLAN, POOL.by_id, seed)
    assert (form.algorithm, form.snapshot, form.seed) == (ALGORITHM, FIXED.digest, seed)
    assert sorted((entry.item, entry.version, entry.weight) for entry in form.entries) == [
        (place.item, place.version, place.weight) for place in FIXED.places
    ]
    sections = {place.item: place.section for place in FIXED.places}
    assert [sections[entry.item] for entry in form.entries] == sorted(sections.values())
    assert prove_fixed(form, FIXED, PLAN, POOL.by_id)
    assert not prove_fixed(replace(form, seed=seed + 1), FIXED, PLAN, POOL.by_id)
    first, second, *rest = form.entries
    assert not prove_fixed(replace(form, entries=(second, first, *rest)), FIXED, PLAN, POOL.by_id)
    assert not prove_fixed(form, fix(PLAN, places_of(2)), PLAN, POOL.by_id)
    assert not prove_fixed(form, FIXED, replace(PLAN, version=3), POOL.by_id)


def test_the_order_in_which_places_are_given_does_not_matter() -> None:
    assert fix(PLAN, places_of(1)[::-1]).digest == FIXED.digest
    assert fix(PLAN, places_of(2)).digest != FIXED.digest


@given(seeds)
def test_what_is_drawn_follows_its_blueprint(seed: int) -> None:
    assert find_deviations(PLAN, POOL, fix(PLAN, places_of(seed))) == []


def test_whatever_does_not_is_named() -> None:
    places = list(FIXED.places)
    scored = next(at for at, place in enumerate(places) if place.weight == 2)
    pilot = next(at for at, place in enumerate(places) if place.item.startswith("pilot"))
    free = next(
        item
        for item in POOL.items
        if item.item not in {place.item for place in places} and item.kind == "four_option" and not item.pilot
    )
    stand_in = Place(free.item, free.version, 0)

    def said(changed: list[Place]) -> list[str]:
        return find_deviations(PLAN, POOL, fix(PLAN, changed))

    assert said([*places[:-1]]) == ["cells that are not filled"]
    assert said([replace(places[0], item="strange"), *places[1:]]) == ["an item that is not in the pool"]
    assert said([*places[:pilot], stand_in, *places[pilot + 1 :]]) == ["cells that are not filled"]
    assert "an item twice" in said([*places, places[0]])
    assert "another version than that of the pool" in said([replace(places[0], version=9), *places[1:]])
    assert "cells that are not filled" in said(
        [*places[:scored], replace(places[scored], weight=1), *places[scored + 1 :]]
    )
    pair = [place for place in places if place.item not in POOL.pairs[0]]
    assert "enemies together" in said([*pair, *(Place(item, POOL.by_id[item].version, 1) for item in POOL.pairs[0])])
    much = replace(PLAN, minimum_information=900.0)
    assert find_deviations(much, POOL, FIXED) == ["less information than the minimum"]


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (Order(0), "count"),
        (Order(13), "count"),
        (Order(2, overlap=-1), "overlap"),
        (Order(2, overlap=13), "overlap"),
        (Order(2, time_limit=SECOND - 1), "time_limit"),
        (Order(2, time_limit=HOUR + 1), "time_limit"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(order: Order, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        order.validate(PLAN)
    assert set(refusal.value.fields) == {field}
