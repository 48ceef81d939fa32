"""Pools: canonical whatever the order of loading, and a digest over all that a draw depends on."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.ids import ChoiceId, ItemId
from question_bank.bands import Band, band_of
from question_bank.forms import FormStage, ItemKind, Level
from question_bank.pool import Pool, PoolItem, Profile

ITEMS = [
    PoolItem(
        ItemId(f"i{number}"),
        1,
        f"R{number % 3}",
        "case" if number % 5 == 0 else "four_option",
        60_000,
        500_000 + 10_000 * (number % 4),
        (FormStage("choice", (ChoiceId(f"{number}a"), ChoiceId(f"{number}b"))),),
    )
    for number in range(30)
]

VARIED = [
    replace(
        item,
        level=("recall", "analysis", "application")[number % 3],
        expected=300_000 + 15_000 * number,
        information=number,
        pilot=number % 7 == 0,
    )
    for number, item in enumerate(ITEMS)
]


@given(st.randoms(use_true_random=False))
def test_the_order_of_loading_does_not_matter(random: Random) -> None:
    shuffled = Pool(random.sample(ITEMS, len(ITEMS)))
    assert shuffled.items == Pool(ITEMS).items
    assert shuffled.snapshot == Pool(ITEMS).snapshot
    wanted = Profile("R1", "four_option")
    assert shuffled.stratum(wanted) == Pool(ITEMS).stratum(wanted)
    pairs = [(ItemId("i3"), ItemId("i1")), (ItemId("i1"), ItemId("i3")), (ItemId("i2"), ItemId("i9"))]
    assert Pool(ITEMS, pairs).snapshot == Pool(shuffled.items, random.sample(pairs, 3)).snapshot


@pytest.mark.parametrize(
    "change",
    [
        {"item": ItemId("other")},
        {"version": 2},
        {"requirement": "R9"},
        {"kind": "case"},
        {"limit": 60_001},
        {"expected": 500_001},
        {"level": "recall"},
        {"information": 1},
        {"share": 999_999},
        {"pilot": True},
        {"stages": (FormStage("choice", (ChoiceId("x"), ChoiceId("7b"))),)},
        {"stages": (FormStage("actions", ITEMS[7].stages[0].choices),)},
    ],
)
def test_whatever_a_draw_depends_on_changes_the_snapshot(change: dict[str, object]) -> None:
    changed = [replace(item, **change) if item.item == "i7" else item for item in ITEMS]
    assert Pool(changed).snapshot != Pool(ITEMS).snapshot


def test_enemies_change_the_snapshot_and_strangers_among_them_do_not() -> None:
    one, other, stranger = ItemId("i1"), ItemId("i2"), ItemId("i99")
    pool = Pool(ITEMS, [(other, one), (one, stranger), (one, one)])
    assert pool.snapshot != Pool(ITEMS).snapshot
    assert pool.pairs == ((one, other),)
    assert pool.enemies == {one: [other], other: [one]}


@given(
    st.sampled_from([None, "R0", "R1", "R9"]),
    st.sampled_from(["four_option", "case"]),
    st.sampled_from([None, "recall", "analysis"]),
    st.sampled_from([None, "hard", "medium"]),
    st.booleans(),
)
def test_a_stratum_holds_exactly_its_items_easiest_last(
    requirement: str | None, kind: ItemKind, level: Level | None, band: Band | None, pilot: bool
) -> None:
    pool = Pool(VARIED)
    stratum = pool.stratum(Profile(requirement, kind, level, band, pilot))
    wanted = {
        item.item
        for item in VARIED
        if (item.kind, item.pilot) == (kind, pilot)
        and requirement in (None, item.requirement)
        and level in (None, item.level)
        and band in (None, band_of(item.expected))
    }
    assert {item.item for item in stratum.items} == wanted
    assert list(stratum.expected) == sorted(item.expected for item in stratum.items)
    assert stratum.total == sum(item.expected for item in stratum.items)
    assert stratum.information == sum(item.information for item in stratum.items)
    assert len(wanted) == sum(
        count
        for profile, count in pool.supply.items()
        if Profile(requirement, kind, level, band, pilot).covers(profile)
    )


def test_what_is_remembered_is_made_once() -> None:
    pool = Pool(ITEMS)
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    assert [pool.remember("one", make), pool.remember("one", make), pool.remember("two", make)] == [1, 1, 2]
    for key in range(40):
        pool.remember(key, make)
    assert pool.remember("one", make) > 2, "only so much is kept"


def test_an_item_in_two_versions_is_refused() -> None:
    with pytest.raises(ValueError, match="once"):
        Pool([*ITEMS, replace(ITEMS[0], version=2)])
