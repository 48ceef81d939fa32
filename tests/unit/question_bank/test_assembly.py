"""Drawing forms: they follow the blueprint, can be proved, and are of equal difficulty."""

import statistics
from collections import Counter
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.errors import Conflict
from core.ids import ChoiceId, ItemId
from core.moments import HOUR
from question_bank.assembly import ALGORITHM, assemble, expected_score, information_at_cut, prove
from question_bank.bands import BANDS
from question_bank.blueprints import Cell, Section
from question_bank.exposure import SLACK, Openness, control, horizon
from question_bank.forms import FormStage, ItemKind
from question_bank.pool import WHOLE, Pool, PoolItem
from question_bank.supply import profile_of
from tests.unit.question_bank.pools import LEVELS, REQUIREMENTS, covered, generate, generate_items, plan

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


MIXED = Pool(
    generate_items(60, seed=4, cases=12, pilots=20),
    [(ItemId(f"four_option-{n}"), ItemId(f"four_option-{n + 7}")) for n in range(0, 40, 4)]
    + [(ItemId("four_option-1"), ItemId("pilot-1"))],
)

overlapping = st.lists(
    st.builds(
        Cell,
        requirement=st.sampled_from([None, None, *REQUIREMENTS]),
        kind=st.sampled_from(["four_option", "four_option", "case"]),
        count=st.integers(1, 6),
        weight=st.integers(1, 2),
        level=st.sampled_from([None, None, *LEVELS]),
        band=st.sampled_from([None, None, *BANDS]),
    ),
    min_size=1,
    max_size=7,
)


@given(overlapping, st.integers(0, 5), seeds)
@settings(max_examples=200)
@example([Cell(None, "four_option", 50)], 5, 1)
def test_cells_may_overlap_in_any_way(made: list[Cell], pilots: int, seed: int) -> None:
    pilots = pilots if any(cell.kind == "four_option" for cell in made) else 0
    blueprint = replace(plan(*made), pilots=pilots)
    scorable = [item for item in MIXED.items if not item.pilot]
    # Weights are those of the places here: any item can have any.
    seatable = covered(
        replace(blueprint, cells=tuple(replace(cell, weight=0) for cell in made)), [(item, 0) for item in scorable]
    )
    if seatable < blueprint.length - pilots:
        with pytest.raises(Conflict) as refusal:
            assemble(blueprint, MIXED, seed)
        assert refusal.value.code == "blueprint_unfillable"
        short = [int(said.rpartition(" ")[2]) for name, said in refusal.value.fields.items() if name != "pilots"]
        assert sum(short) == blueprint.length - pilots - seatable
        return
    form = assemble(blueprint, MIXED, seed)
    items = [(MIXED.by_id[entry.item], entry.weight) for entry in form.entries]
    scored = [one for one in items if not one[0].pilot]
    assert covered(blueprint, scored) == len(scored) == blueprint.length - pilots
    assert [weight for item, weight in items if item.pilot] == [0] * pilots
    on_it = {item.item for item, _ in items}
    assert len(on_it) == len(items)
    assert not any(on_it.issuperset(pair) for pair in MIXED.pairs)
    assert prove(form, blueprint, MIXED)
    assert form == assemble(blueprint, Pool(reversed(MIXED.items), [pair[::-1] for pair in MIXED.pairs]), seed)


def test_pilots_stand_anywhere_among_their_kind() -> None:
    blueprint = replace(plan(Cell(None, "four_option", 6), Cell(None, "case", 2)), pilots=2)
    places = Counter(
        place
        for seed in range(400)
        for place, entry in enumerate(assemble(blueprint, MIXED, seed).entries)
        if entry.item.startswith("pilot")
    )
    # 800 pilots over 8 places: five standard deviations are 47.
    assert set(places) == set(range(8))
    assert all(abs(count - 100) < 47 for count in places.values())


def test_pilots_stand_in_the_section_that_has_most_of_their_kind() -> None:
    blueprint = replace(
        plan(Cell(None, "four_option", 2), Cell(None, "four_option", 5, section=1), Cell(None, "case", 1, section=1)),
        sections=(Section("Первый"), Section("Второй")),
        pilots=3,
    )
    assert [rule.count for rule in blueprint.rules.sections] == [2, 9]
    form = assemble(blueprint, MIXED, 3)
    assert len(form.entries) == blueprint.length == 11
    assert all(not entry.item.startswith("pilot") for entry in form.entries[:2])


def test_enemies_that_lead_a_draw_astray_do_not_stop_it() -> None:
    items = [replace(item, level="recall") for item in generate_items(6, seed=1)]
    hub, *rest = (item.item for item in items)
    items[0] = replace(items[0], level="analysis")
    pool = Pool(items, [(hub, other) for other in rest[:3]])
    blueprint = plan(Cell(None, "four_option", 1, level="analysis"), Cell(None, "four_option", 2))
    for seed in range(50):
        assert {entry.item for entry in assemble(blueprint, pool, seed).entries} == {hub, *rest[3:]}
    with pytest.raises(Conflict) as refusal:
        assemble(replace(blueprint, cells=(*blueprint.cells, Cell(None, "four_option", 1))), pool, 1)
    assert set(refusal.value.fields) == {"cells"}


def test_forms_tell_equally_much_at_the_cut_and_never_too_little() -> None:
    pool = generate(400, seed=3)
    blueprint = plan(*(Cell(code, "four_option", 6) for code in REQUIREMENTS))
    told = [information_at_cut(assemble(blueprint, pool, seed), pool) for seed in range(150)]
    random = Random(5)
    plain = [sum(item.information for item in random.sample(pool.items, 24)) / WHOLE for _ in range(150)]
    assert statistics.pstdev(told) * 5 < statistics.pstdev(plain)
    mean = statistics.fmean(told)
    more = replace(blueprint, minimum_information=mean * 1.15)
    assert all(information_at_cut(assemble(more, pool, seed), pool) >= mean * 1.15 for seed in range(100))
    with pytest.raises(Conflict) as refusal:
        assemble(replace(blueprint, minimum_information=mean * 10), pool, 1)
    assert set(refusal.value.fields) == {"minimum_information"}


@pytest.mark.parametrize(("cap", "forms"), [(0.3, 2_000), (0.25, 3_000)])
def test_no_item_stands_on_more_forms_than_the_cap_allows(cap: float, forms: int) -> None:
    """A form takes a fifth of the pool: without a cap some items stand on twice as many.

    Shares are worked out anew every tenth of the forms, and aim at the cap over all forms so far. What is over then is
    what chance did in the last stretch: at most `horizon` draws at about the cap, of which five standard deviations are
    allowed for, and SLACK.
    """
    items = generate_items(60, seed=8)
    blueprint = plan(
        *(Cell(code, "four_option", 2) for code in REQUIREMENTS), Cell(None, "four_option", 4, band="easy")
    )
    uses: Counter[ItemId] = Counter()
    opennesses: dict[ItemId, Openness] = {}
    pool, before = Pool(items), 0
    free: Counter[ItemId] = Counter()
    for seed in range(forms):
        if seed == before + horizon(before):
            opennesses, before = control(seed, uses, before, opennesses, cap), seed
            pool = Pool(
                replace(item, share=opennesses[item.item].share) if item.item in opennesses else item for item in items
            )
        uses.update(entry.item for entry in assemble(blueprint, pool, seed).entries)
        if seed < 400:
            free.update(entry.item for entry in assemble(blueprint, Pool(items), seed).entries)
    assert max(free.values()) / 400 > cap + 0.05, "the cap has something to do"
    chance = 5 * (horizon(forms) * cap * (1 - cap)) ** 0.5
    assert max(uses.values()) <= cap * forms + SLACK + chance


SMALL = plan(Cell("R0", "four_option", 5), Cell(None, "four_option", 15), Cell(None, "case", 2, weight=3))


@given(seeds)
def test_the_same_seed_draws_the_same_form_whatever_the_order_of_loading(seed: int) -> None:
    again = Pool(reversed(POOL.items))
    assert assemble(SMALL, POOL, seed) == assemble(SMALL, again, seed)


def test_a_form_drawn_once_is_drawn_the_same_for_ever() -> None:
    """Changing what a seed draws needs a new ALGORITHM: stored forms are proved with it."""
    pool = Pool(
        (
            PoolItem(
                ItemId(f"i{number}"),
                1,
                REQUIREMENTS[number % 4],
                "four_option",
                60_000,
                300_000 + number * 7_919 % 650_000,
                (FormStage("choice", tuple(ChoiceId(f"{letter}{number}") for letter in "abcd")),),
                LEVELS[number % 3],
                100_000 + number * 3_571 % 150_000,
                WHOLE if number % 5 else 400_000,
                number > 190,
            )
            for number in range(200)
        ),
        [(ItemId(f"i{number}"), ItemId(f"i{number + 1}")) for number in range(0, 60, 2)],
    )
    wanted = replace(
        plan(Cell("R0", "four_option", 5), Cell(None, "four_option", 4, level="recall"), Cell(None, "four_option", 3)),
        pilots=1,
        minimum_information=2.0,
    )
    form = assemble(wanted, pool, 20_261_122)
    assert form.algorithm == ALGORITHM == "stratified-swap/2"
    assert form.snapshot == "1d3c96f104215b3aaadfb972c63d3162cd9ef64a480efab5304228adafac745f"
    assert (
        " ".join(entry.item for entry in form.entries) == "i171 i36 i87 i117 i194 i88 i52 i156 i168 i121 i148 i159 i128"
    )
    orders = ["".join(choice[0] for choice in entry.stages[0].choices) for entry in form.entries]
    assert " ".join(orders) == "acbd bacd cabd cdab abcd cabd dacb badc dbac cabd dabc badc dcba"


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
            stratum = [i for i in pool.stratum(profile_of(cell)).items if i.item not in used]
            for item in random.sample(stratum, cell.count):
                used.add(item.item)
                total += item.expected * cell.weight
        return total / WHOLE

    random = Random(5)
    assert statistics.pstdev(level) * least_times < statistics.pstdev([plain(random) for _ in range(150)])
    target = sum(cell.weight * cell.count * statistics.fmean(pool.stratum(profile_of(cell)).expected) for cell in cells)
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


def test_unscored_items_alone_are_drawn_without_levelling() -> None:
    form = assemble(plan(Cell(None, "four_option", 10, weight=0)), POOL, 4)
    assert len(form.entries) == 10
    assert expected_score(form, POOL) == 0


def test_a_refusal_is_worked_out_once_and_is_a_new_error_each_time() -> None:
    pool = generate(8, seed=1)
    blueprint = plan(Cell("R0", "four_option", 5))
    refusals = []
    for seed in range(2):
        with pytest.raises(Conflict) as refusal:
            assemble(blueprint, pool, seed)
        refusals.append(refusal.value)
    assert refusals[0] is not refusals[1]
    assert refusals[0].fields == refusals[1].fields == {"cells.0": refusals[0].fields["cells.0"]}
    assert refusals[0].message == refusals[1].message
