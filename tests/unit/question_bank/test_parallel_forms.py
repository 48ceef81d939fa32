"""Parallel forms: they follow the blueprint, share no more than they may, and are equal at the cut."""

import threading

import pytest
from msgspec.structs import replace

from core.errors import Conflict
from core.moments import SECOND
from question_bank.assembly import make_plan
from question_bank.blueprints import Blueprint, Cell, Section
from question_bank.fixed_forms import Built, Order, Progress, find_deviations
from question_bank.form_model import CLOSE
from question_bank.levelling import INFORMATION_TOLERANCE, TOLERANCE
from question_bank.parallel_forms import build_forms
from question_bank.pool import Pool
from tests.unit.question_bank.pools import LEVELS, generate_items, plan

ITEMS = generate_items(160, seed=5, cases=12, pilots=8)
POOL = Pool(ITEMS, [(ITEMS[at].item, ITEMS[at + 4].item) for at in range(0, 60, 9)])
PLAN = replace(
    plan(
        Cell("R0", "four_option", 3),
        Cell(None, "four_option", 6, weight=2, level="recall"),
        Cell(None, "four_option", 4, band="easy"),
        Cell(None, "case", 2, section=1),
    ),
    sections=(Section("А"), Section("Б")),
    pilots=2,
)


def deviation(blueprint: Blueprint, pool: Pool, built: Built) -> float:
    """The largest, worked out from the forms alone."""
    aim = make_plan(blueprint, pool).aim
    found = []
    for form in built.forms:
        items = [(pool.by_id[place.item], place.weight) for place in form.places]
        expected = sum(item.expected * weight for item, weight in items)
        told = sum(item.information for item, weight in items if weight)
        found += [
            abs(expected - aim.expected) / TOLERANCE,
            abs(told - aim.information) / (aim.information // INFORMATION_TOLERANCE),
        ]
    return max(found)


@pytest.mark.parametrize(("count", "overlap"), [(1, 0), (3, 0), (3, 4)])
def test_forms_are_equal_and_share_no_more_than_they_may(count: int, overlap: int) -> None:
    built = build_forms(PLAN, POOL, Order(count, overlap, 3 * SECOND))
    assert len({form.digest for form in built.forms}) == count
    for form in built.forms:
        assert find_deviations(PLAN, POOL, form) == []
    items = [{place.item for place in form.places} for form in built.forms]
    assert all(len(one & other) <= overlap for at, one in enumerate(items) for other in items[:at])
    assert built.deviation == pytest.approx(deviation(PLAN, POOL, built), abs=0.01)
    assert built.deviation <= 1, "no worse than what it began from"
    assert built.ending == "time_limit" or built.deviation <= built.bound + CLOSE + 1e-6


def test_forms_are_found_where_drawing_one_after_the_other_leads_nowhere() -> None:
    """Every item is needed: 40 for two forms of 20 with both kinds of cells."""
    items = [replace(item, level=LEVELS[at % 2]) for at, item in enumerate(generate_items(40, seed=2))]
    blueprint = plan(Cell(None, "four_option", 10, level="recall"), Cell(None, "four_option", 10))
    pool = Pool(items)
    built = build_forms(blueprint, pool, Order(2, time_limit=3 * SECOND))
    assert [find_deviations(blueprint, pool, form) for form in built.forms] == [[], []]
    assert {place.item for form in built.forms for place in form.places} == {item.item for item in items}


def test_a_minimum_of_information_is_kept() -> None:
    aim = make_plan(PLAN, POOL).aim
    more = replace(PLAN, minimum_information=aim.information * 1.1 / 1_000_000)
    built = build_forms(more, POOL, Order(2, time_limit=3 * SECOND))
    assert [find_deviations(more, POOL, form) for form in built.forms] == [[], []]


def test_a_minimum_is_kept_that_only_the_items_that_tell_most_can_keep() -> None:
    """Nearer to the aim for the score would be others."""
    pool = Pool(generate_items(60, seed=2))
    most = sum(sorted((item.information for item in pool.items), reverse=True)[:6])
    blueprint = replace(plan(Cell(None, "four_option", 6)), minimum_information=most * 0.98 / 1_000_000)
    built = build_forms(blueprint, pool, Order(1, time_limit=5 * SECOND))
    assert [find_deviations(blueprint, pool, form) for form in built.forms] == [[]]


def test_forms_share_no_more_than_they_may_where_they_have_to_share() -> None:
    """Two forms of 8 out of 11 items share 5 at least."""
    pool, blueprint = Pool(generate_items(11, seed=2)), plan(Cell(None, "four_option", 8))
    one, other = build_forms(blueprint, pool, Order(2, 5, 5 * SECOND)).forms
    assert len({place.item for place in one.places} & {place.item for place in other.places}) == 5
    with pytest.raises(Conflict, match="forms_not_found"):
        build_forms(blueprint, pool, Order(2, 4, 5 * SECOND))


def test_a_pool_that_is_too_small_for_so_many_is_named_by_its_cells() -> None:
    with pytest.raises(Conflict) as refusal:
        build_forms(PLAN, POOL, Order(7))
    assert refusal.value.code == "blueprint_unfillable"
    assert refusal.value.fields["cells.3"].endswith("не хватает: 2")
    assert refusal.value.fields["pilots"].endswith("не хватает: 6")


def test_what_cannot_be_found_is_said() -> None:
    """Enough items, and enemies among them: of five where each two are enemies only one stands on a form."""
    items = generate_items(10, seed=1)
    hostile = [(one.item, other.item) for at, one in enumerate(items[:8]) for other in items[:at]]
    pool = Pool(items, hostile)
    with pytest.raises(Conflict, match="forms_not_found"):
        build_forms(plan(Cell(None, "four_option", 3)), pool, Order(3, time_limit=5 * SECOND))


def test_it_tells_how_far_it_is_and_stops_when_asked() -> None:
    told: list[Progress] = []
    stop = threading.Event()

    def hear(progress: Progress) -> None:
        told.append(progress)
        if progress.deviation is not None:
            stop.set()

    large = Pool(generate_items(900, seed=3))
    blueprint = plan(Cell(None, "four_option", 40), Cell("R1", "four_option", 20))
    with pytest.raises(Conflict, match="build_cancelled"):
        build_forms(blueprint, large, Order(5, time_limit=600 * SECOND), tell=hear, is_cancelled=stop.is_set)
    assert told[-1].deviation is not None
    assert [one.seconds for one in told] == sorted(one.seconds for one in told)
