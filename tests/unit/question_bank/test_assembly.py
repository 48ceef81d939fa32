"""Drawing forms: they follow the blueprint, can be proved, and are of equal difficulty."""

import statistics
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.errors import Conflict
from core.ids import BlueprintId, ChoiceId, ItemId
from core.moments import HOUR
from question_bank.assembly import ALGORITHM, assemble, check_supply, expected_score, prove
from question_bank.blueprints import Blueprint, Cell, Section
from question_bank.forms import FormStage, ItemKind
from question_bank.pool import WHOLE, Pool, PoolItem

REQUIREMENTS = ("R0", "R1", "R2", "R3")


def generate(count: int, seed: int, cases: int = 0) -> Pool:
    """A bank of believable difficulties."""
    random = Random(seed)

    def one(number: int, kind: ItemKind) -> PoolItem:
        shapes = [("choice", 4)] if kind == "four_option" else [("actions", 7), ("choice", 4)]
        stages = tuple(
            FormStage(shape, tuple(ChoiceId(f"{random.getrandbits(60):015x}") for _ in range(size)))  # type: ignore[arg-type]
            for shape, size in shapes
        )
        expected = round(min(0.97, max(0.3, random.betavariate(5, 2))) * WHOLE)
        requirement = REQUIREMENTS[number % len(REQUIREMENTS)]
        return PoolItem(ItemId(f"{kind}-{number}"), 1 + number % 3, requirement, kind, 60_000, expected, stages)

    return Pool([one(n, "four_option") for n in range(count)] + [one(n, "case") for n in range(cases)])


def plan(*cells: Cell) -> Blueprint:
    return Blueprint(
        id=BlueprintId("b"),
        version=2,
        title="Проба",
        speciality="S",
        speciality_title="S",
        cells=cells,
        exam_limit=HOUR,
        navigation="linear",
        on_item_timeout="advance",
        flags=False,
        confirmation="protocol",
        cut=85,
        accreditation="primary",
    )


POOL = generate(120, seed=1, cases=16)

cells = st.lists(
    st.builds(
        Cell,
        requirement=st.sampled_from([None, *REQUIREMENTS]),
        kind=st.sampled_from(["four_option", "four_option", "case"]),
        count=st.integers(1, 12),
        weight=st.integers(0, 4),
    ),
    min_size=1,
    max_size=7,
)
seeds = st.integers(0, 2**63 - 1)


@given(cells, seeds)
def test_a_form_follows_its_blueprint_or_is_refused_with_the_cells_named(made: list[Cell], seed: int) -> None:
    blueprint = plan(*made)
    if not fillable(made):
        with pytest.raises(Conflict) as refusal:
            assemble(blueprint, POOL, seed)
        assert refusal.value.code == "blueprint_unfillable"
        assert set(refusal.value.fields) <= {f"cells.{number}" for number in range(len(made))}
        assert refusal.value.fields
        return
    form = assemble(blueprint, POOL, seed)
    known = {item.item: item for item in POOL.items}
    assert len({entry.item for entry in form.entries}) == len(form.entries) == blueprint.length
    for entry in form.entries:
        item = known[entry.item]
        assert (entry.version, entry.limit) == (item.version, item.limit)
        assert [s.kind for s in entry.stages] == [s.kind for s in item.stages]
        for stage, drawn in zip(item.stages, entry.stages, strict=True):
            assert sorted(drawn.choices) == sorted(stage.choices)
    kinds = [known[entry.item].kind for entry in form.entries]
    assert kinds == sorted(kinds, reverse=True), "four-option items come first"
    assert covers(made, [(known[e.item].requirement, known[e.item].kind, e.weight) for e in form.entries])
    assert prove(form, blueprint, POOL)


sectioned = st.integers(2, 3).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.lists(
            st.builds(
                Cell,
                requirement=st.sampled_from([None, *REQUIREMENTS]),
                kind=st.sampled_from(["four_option", "case"]),
                count=st.integers(1, 4),
                weight=st.integers(0, 4),
                section=st.integers(0, count - 1),
            ),
            min_size=count,
            max_size=7,
        ),
    )
)


@given(sectioned, seeds)
def test_sections_follow_each_other_each_with_its_own_cells(drawn: tuple[int, list[Cell]], seed: int) -> None:
    count, made = drawn
    blueprint = replace(plan(*made), sections=tuple(Section(f"Раздел {number}") for number in range(count)))
    if not fillable(made):
        with pytest.raises(Conflict):
            assemble(blueprint, POOL, seed)
        return
    form = assemble(blueprint, POOL, seed)
    known = {item.item: item for item in POOL.items}
    assert len({entry.item for entry in form.entries}) == len(form.entries) == blueprint.length
    assert [rule.count for rule in blueprint.rules.sections] == [
        sum(cell.count for cell in made if cell.section == place) for place in range(count)
    ]
    first = 0
    for place, rule in enumerate(blueprint.rules.sections):
        part = [(known[entry.item], entry.weight) for entry in form.entries[first : first + rule.count]]
        kinds = [item.kind for item, _ in part]
        assert kinds == sorted(kinds, reverse=True), "four-option items come first in each section"
        own = [cell for cell in made if cell.section == place]
        assert covers(own, [(item.requirement, item.kind, weight) for item, weight in part])
        first += rule.count
    assert prove(form, blueprint, POOL)


@given(cells, seeds)
def test_one_section_draws_the_form_that_none_draws(made: list[Cell], seed: int) -> None:
    if fillable(made):
        whole = plan(*made)
        assert assemble(replace(whole, sections=(Section("Весь экзамен", HOUR),)), POOL, seed) == assemble(
            whole, POOL, seed
        )


def fillable(made: list[Cell]) -> bool:
    """Whether POOL has enough: 30 four-option items and 4 cases for each of the four requirements."""
    supply = {"four_option": 30, "case": 4}
    asked: Counter[tuple[str | None, str]] = Counter()
    for cell in made:
        asked[cell.requirement, cell.kind] += cell.count
    totals: Counter[str] = Counter()
    for (_, kind), count in asked.items():
        totals[kind] += count
    return all(count <= supply[kind] for (code, kind), count in asked.items() if code is not None) and all(
        count <= 4 * supply[kind] for kind, count in totals.items()
    )


def covers(made: list[Cell], drawn: list[tuple[str, ItemKind, int]]) -> bool:
    """Whether the drawn items are exactly what the cells ask for, in some assignment."""
    left = Counter(drawn)
    for cell in made:
        if cell.requirement is not None:
            key = (cell.requirement, cell.kind, cell.weight)
            if left[key] < cell.count:
                return False
            left[key] -= cell.count
    anywhere: Counter[tuple[ItemKind, int]] = Counter()
    for (_, kind, weight), count in left.items():
        anywhere[kind, weight] += count
    asked: Counter[tuple[ItemKind, int]] = Counter()
    for cell in made:
        if cell.requirement is None:
            asked[cell.kind, cell.weight] += cell.count
    return +anywhere == +asked


SMALL = plan(Cell("R0", "four_option", 5), Cell(None, "four_option", 15), Cell(None, "case", 2, weight=3))


@given(seeds)
def test_the_same_seed_draws_the_same_form_whatever_the_order_of_loading(seed: int) -> None:
    again = Pool(reversed(POOL.items))
    assert assemble(SMALL, POOL, seed) == assemble(SMALL, again, seed)


def test_a_form_drawn_once_is_drawn_the_same_for_ever() -> None:
    """Changing what a seed draws needs a new ALGORITHM: stored forms are proved with it."""
    pool = Pool(
        PoolItem(
            ItemId(f"i{number}"),
            1,
            REQUIREMENTS[number % 4],
            "four_option",
            60_000,
            300_000 + number * 7_919 % 650_000,
            (FormStage("choice", tuple(ChoiceId(f"{letter}{number}") for letter in "abcd")),),
        )
        for number in range(200)
    )
    form = assemble(plan(Cell("R0", "four_option", 5), Cell(None, "four_option", 7)), pool, 20_261_122)
    assert form.algorithm == ALGORITHM == "stratified-swap/1"
    assert form.snapshot == "1548f4c523a3a63ef78be1413d5daf1cacbc96dd954575147255c3c1b22ae188"
    assert " ".join(entry.item for entry in form.entries) == "i102 i132 i80 i35 i142 i176 i116 i115 i45 i128 i0 i33"
    orders = ["".join(choice[0] for choice in entry.stages[0].choices) for entry in form.entries]
    assert " ".join(orders) == "cadb abdc cadb cadb bdca dcba dacb cabd bcda bcad cdab dcab"


@given(seeds, seeds)
@settings(max_examples=25)
def test_other_seeds_draw_other_forms(one: int, two: int) -> None:
    if one != two:
        assert assemble(SMALL, POOL, one).entries != assemble(SMALL, POOL, two).entries


def test_a_form_that_was_tampered_with_is_not_proved() -> None:
    form = assemble(SMALL, POOL, 7)
    assert prove(form, SMALL, POOL)
    first, second, *rest = form.entries
    stage = first.stages[0]
    turned = replace(first, stages=(replace(stage, choices=tuple(reversed(stage.choices))),))
    strange = next(i for i in POOL.items if i.item not in {e.item for e in form.entries})
    for broken in (
        replace(form, seed=8),
        replace(form, entries=(second, first, *rest)),
        replace(form, entries=(turned, second, *rest)),
        replace(form, entries=(replace(first, item=strange.item), second, *rest)),
        replace(form, entries=(replace(first, weight=2), second, *rest)),
        replace(form, snapshot="0" * 64),
        replace(form, algorithm="stratified-swap/0"),
        replace(form, blueprint_version=3),
    ):
        assert not prove(broken, SMALL, POOL)
    assert not prove(form, SMALL, Pool(POOL.items[1:]))
    assert not prove(form, replace(SMALL, cells=(Cell(None, "four_option", 20), SMALL.cells[2])), POOL)


@pytest.mark.parametrize(
    ("count", "cases", "length", "least_times"), [(2_000, 0, 80, 50), (120, 16, 22, 20), (60, 6, 22, 5)]
)
def test_forms_are_of_equal_difficulty(count: int, cases: int, length: int, least_times: int) -> None:
    pool = generate(count, seed=3, cases=cases)
    cells = [Cell(code, "four_option", 5) for code in REQUIREMENTS]
    cells.append(Cell(None, "case", 2, weight=2) if cases else Cell(None, "four_option", 60))
    blueprint = plan(*cells)
    assert blueprint.length == length
    level = [expected_score(assemble(blueprint, pool, seed), pool) for seed in range(150)]

    def plain(random: Random) -> float:
        total, used = 0, set[ItemId]()
        for cell in cells:
            stratum = [i for i in pool.stratum(cell.requirement, cell.kind).items if i.item not in used]
            for item in random.sample(stratum, cell.count):
                used.add(item.item)
                total += item.expected * cell.weight
        return total / WHOLE

    random = Random(5)
    assert statistics.pstdev(level) * least_times < statistics.pstdev([plain(random) for _ in range(150)])
    target = sum(
        cell.weight * cell.count * statistics.fmean(pool.stratum(cell.requirement, cell.kind).expected)
        for cell in cells
    )
    assert statistics.fmean(level) == pytest.approx(target / WHOLE, abs=0.02)


def test_no_item_is_worn_out_by_the_swaps() -> None:
    pool = generate(200, seed=9)
    blueprint = plan(*(Cell(code, "four_option", 5) for code in REQUIREMENTS))
    uses = Counter(e.item for seed in range(600) for e in assemble(blueprint, pool, seed).entries)
    assert len(uses) == 200, "every item is drawn now and then"
    assert max(uses.values()) < 2 * 600 * 20 / 200


def test_options_come_in_every_order_about_equally_often() -> None:
    blueprint = plan(Cell(None, "four_option", 20))
    places = Counter(
        sorted(stage.choices).index(stage.choices[0])
        for seed in range(400)
        for entry in assemble(blueprint, POOL, seed).entries
        for stage in entry.stages
    )
    # 8,000 draws of four: five standard deviations are 194.
    assert all(abs(count - 2_000) < 194 for count in places.values())
    assert len(places) == 4


def test_a_pool_of_exactly_the_size_is_used_up() -> None:
    pool = generate(40, seed=2, cases=4)
    form = assemble(plan(Cell(None, "case", 4), Cell(None, "four_option", 40)), pool, 1)
    assert {entry.item for entry in form.entries} == {item.item for item in pool.items}


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


def test_unscored_items_alone_are_drawn_without_levelling() -> None:
    form = assemble(plan(Cell(None, "four_option", 10, weight=0)), POOL, 4)
    assert len(form.entries) == 10
    assert expected_score(form, POOL) == 0
