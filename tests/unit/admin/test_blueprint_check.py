"""What a draft is told: what it lacks, why, and what would mend it; held to what a draw then does."""

from itertools import count

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admin.blueprint_check import Remedy, Verdict, weigh
from core.errors import Conflict
from core.ids import ItemId
from core.moments import MINUTE
from question_bank.assembly import assemble
from question_bank.blueprints import Blueprint, Cell, Section
from question_bank.forms import ItemKind, Level
from question_bank.pool import Pool, PoolItem
from tests.unit.question_bank.pools import REQUIREMENTS, generate, generate_items, plan

_numbers = count()
EASY, MEDIUM = 800_000, 600_000


def item(
    requirement: str, level: Level = "recall", expected: int = EASY, kind: ItemKind = "four_option", **more: object
) -> PoolItem:
    made = generate_items(1, 1)[0]
    given = {"requirement": requirement, "level": level, "expected": expected, "kind": kind, "information": 200_000}
    return msgspec.structs.replace(made, item=ItemId(f"i-{next(_numbers)}"), **(given | more))


def mended(blueprint: Blueprint, number: int, remedy: Remedy) -> Blueprint:
    """The blueprint after what the editor's button does; a cell that asks for nothing is gone."""
    cell = msgspec.structs.replace(blueprint.cells[number], count=remedy.count)
    if remedy.way in ("level", "level_and_band"):
        cell = msgspec.structs.replace(cell, level=None)
    if remedy.way in ("band", "level_and_band"):
        cell = msgspec.structs.replace(cell, band=None)
    if remedy.way == "requirement":
        cell = msgspec.structs.replace(cell, requirement=None)
    cells = [cell if place == number else one for place, one in enumerate(blueprint.cells)]
    return msgspec.structs.replace(blueprint, cells=tuple(one for one in cells if one.count))


def missing(verdict: Verdict) -> list[int]:
    return [cell.missing for cell in verdict.cells]


def test_a_blueprint_that_can_be_filled_is_told_what_it_comes_to() -> None:
    pool = Pool([item("R0") for _ in range(4)] + [item("R1", expected=MEDIUM, limit=2 * MINUTE) for _ in range(5)])
    found = weigh(plan(Cell("R0", "four_option", 2), Cell(None, "four_option", 2, weight=3)), pool)
    assert (found.fillable, found.length, found.maximum, missing(found)) == (True, 4, 8, [0, 0])
    mean = (4 * 0.8 + 5 * 0.6) / 9
    assert found.expected == pytest.approx(2 * 0.8 + 6 * mean, abs=0.01)
    assert found.information == pytest.approx(0.8)
    assert [(cell.have, cell.share) for cell in found.cells] == [(4, 0.5), (9, round(2 / 9, 4))]
    assert (found.exam.usual, found.exam.longest) == (2 * MINUTE + 2 * (14 * MINUTE // 9), 6 * MINUTE)


def test_what_is_missing_has_a_reason_and_a_way_out() -> None:
    pool = Pool([item("R0") for _ in range(3)] + [item("R0", "analysis") for _ in range(2)] + [item("R1")])
    blueprint = plan(
        Cell("R0", "four_option", 3, level="application"),
        Cell("R1", "four_option", 2),
        Cell("R0", "four_option", 2, level="analysis", band="easy"),
    )
    none, few, fine = weigh(blueprint, pool).cells
    assert (none.why, none.have, none.missing, none.rivals) == ("none", 0, 3, ())
    assert none.remedies == (Remedy("fewer", 0), Remedy("level", 3))
    assert (few.why, few.have, few.missing) == ("few", 1, 1)
    assert few.remedies == (Remedy("fewer", 1), Remedy("requirement", 2))
    assert (fine.why, fine.missing, fine.remedies) == (None, 0, ())


def test_what_lies_outside_the_pool_can_be_a_way_out() -> None:
    inside, outside = [item("R0")], [item("R0", "analysis") for _ in range(2)]
    found = weigh(plan(Cell("R0", "four_option", 3, level="recall")), Pool(inside), Pool(inside + outside).supply)
    assert found.cells[0].remedies == (Remedy("fewer", 1), Remedy("level", 3))


def test_cells_that_want_the_same_items_are_named() -> None:
    pool = Pool([item("R0") for _ in range(4)])
    found = weigh(plan(Cell("R0", "four_option", 3), Cell(None, "four_option", 3)), pool)
    shared = found.cells[1]
    assert (shared.why, shared.have, shared.missing, shared.rivals) == ("shared", 4, 2, (0,))
    assert shared.remedies == (Remedy("fewer", 1),)


@settings(max_examples=60)
@given(st.data())
def test_the_verdict_is_what_a_draw_does_and_every_remedy_mends(data: st.DataObject) -> None:
    pool = generate(data.draw(st.integers(0, 40)), 1, cases=data.draw(st.integers(0, 6)))
    cells = data.draw(
        st.lists(
            st.builds(
                Cell,
                st.sampled_from([None, *REQUIREMENTS]),
                st.sampled_from(["four_option", "case"]),
                st.integers(1, 6),
                level=st.sampled_from([None, "recall", "application", "analysis"]),
                band=st.sampled_from([None, "hard", "medium", "easy"]),
            ),
            min_size=1,
            max_size=6,
        )
    )
    blueprint = plan(*cells)
    found = weigh(blueprint, pool)
    try:
        assemble(blueprint, pool, 1)
        drawn = True
    except Conflict:
        drawn = False
    assert found.fillable == drawn
    for number, cell in enumerate(found.cells):
        assert bool(cell.remedies) == bool(cell.missing)
        for remedy in cell.remedies:
            after = weigh(mended(blueprint, number, remedy), pool)
            assert sum(missing(after)) <= sum(missing(found)) - cell.missing


def test_enemies_information_and_pilots_can_be_what_is_lacking() -> None:
    items = [item("R0") for _ in range(3)]
    enemies = [(items[0].item, items[1].item), (items[0].item, items[2].item), (items[1].item, items[2].item)]
    apart = weigh(plan(Cell("R0", "four_option", 2)), Pool(items, enemies))
    assert (apart.fillable, apart.enemies, missing(apart)) == (False, True, [0])

    demanding = msgspec.structs.replace(plan(Cell("R0", "four_option", 2)), minimum_information=0.5)
    dull = weigh(demanding, Pool(items))
    assert (dull.fillable, dull.informative, dull.most_information) == (False, False, 0.4)

    trying = msgspec.structs.replace(plan(Cell("R0", "four_option", 2)), pilots=2)
    lacking = weigh(trying, Pool([*items, item("R0", pilot=True)]))
    assert (lacking.fillable, lacking.pilots_have, lacking.pilots_missing) == (False, 1, 1)


def test_a_cap_that_cannot_hold_is_told_beside_cells_that_can_be_filled() -> None:
    capped = msgspec.structs.replace(plan(Cell("R0", "four_option", 2)), exposure_cap=0.25)
    found = weigh(capped, Pool([item("R0") for _ in range(4)]))
    assert (found.fillable, found.cells[0].worn, found.cells[0].share) == (True, 1, 0.5)


def test_every_section_has_its_own_time() -> None:
    blueprint = msgspec.structs.replace(
        plan(Cell("R0", "four_option", 2), Cell("R0", "four_option", 1, section=1)),
        sections=(Section("Первый", MINUTE), Section("Второй")),
    )
    found = weigh(blueprint, Pool([item("R0") for _ in range(3)]))
    assert [(one.usual, one.limit) for one in found.sections] == [(2 * MINUTE, MINUTE), (MINUTE, None)]


def test_an_empty_draft_is_weighed_too() -> None:
    found = weigh(plan(), Pool([item("R0")]))
    assert (found.fillable, found.length, found.expected, found.cells) == (False, 0, 0, ())
