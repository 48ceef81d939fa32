"""Pools: canonical whatever the order of loading, and a digest over all that a draw depends on."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.ids import ChoiceId, ItemId
from question_bank.forms import FormStage
from question_bank.pool import Pool, PoolItem

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


@given(st.randoms(use_true_random=False))
def test_the_order_of_loading_does_not_matter(random: Random) -> None:
    shuffled = Pool(random.sample(ITEMS, len(ITEMS)))
    assert shuffled.items == Pool(ITEMS).items
    assert shuffled.snapshot == Pool(ITEMS).snapshot
    assert shuffled.stratum("R1", "four_option") == Pool(ITEMS).stratum("R1", "four_option")


@pytest.mark.parametrize(
    "change",
    [
        {"item": ItemId("other")},
        {"version": 2},
        {"requirement": "R9"},
        {"kind": "case"},
        {"limit": 60_001},
        {"expected": 500_001},
        {"stages": (FormStage("choice", (ChoiceId("x"), ChoiceId("7b"))),)},
        {"stages": (FormStage("actions", ITEMS[7].stages[0].choices),)},
    ],
)
def test_whatever_a_draw_depends_on_changes_the_snapshot(change: dict[str, object]) -> None:
    changed = [replace(item, **change) if item.item == "i7" else item for item in ITEMS]
    assert Pool(changed).snapshot != Pool(ITEMS).snapshot


def test_a_stratum_holds_exactly_its_items_easiest_last() -> None:
    pool = Pool(ITEMS)
    for requirement in (None, "R0", "R1", "R2"):
        for kind in ("four_option", "case"):
            stratum = pool.stratum(requirement, kind)
            wanted = {i.item for i in ITEMS if i.kind == kind and requirement in (None, i.requirement)}
            assert {item.item for item in stratum.items} == wanted
            assert list(stratum.expected) == sorted(item.expected for item in stratum.items)
            assert stratum.total == sum(item.expected for item in stratum.items)
    assert pool.stratum("R9", "case").items == ()


def test_an_item_in_two_versions_is_refused() -> None:
    with pytest.raises(ValueError, match="once"):
        Pool([*ITEMS, replace(ITEMS[0], version=2)])
