"""Snapshots: nothing is lost, and what is none is refused."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.ids import ItemId
from question_bank.pool import Pool
from question_bank.snapshots import pack, unpack
from tests.unit.question_bank.pools import generate_items

ITEMS = generate_items(40, seed=3, cases=4, pilots=5)


def test_everything_that_changes_is_kept() -> None:
    items = [replace(item, share=number * 1_000) if number % 9 == 0 else item for number, item in enumerate(ITEMS)]
    pool = Pool(items, [(items[0].item, items[9].item), (items[3].item, ItemId("pilot-1"))])
    kept = unpack(pack(pool))
    assert kept.pairs() == list(pool.pairs)
    for place, item in enumerate(pool.items):
        assert (kept.items[place], kept.versions[place]) == (item.item, item.version)
        assert (kept.expected[place], kept.information[place]) == (item.expected, item.information)
        assert kept.shares.get(place, 1_000_000) == item.share
        assert (place in kept.pilots) == item.pilot


@given(st.binary(max_size=200) | st.binary(max_size=50).map(zlib.compress))
def test_what_is_no_snapshot_is_refused(stored: bytes) -> None:
    with pytest.raises(ValueError, match="snapshot"):
        unpack(stored)


def test_half_a_snapshot_is_refused() -> None:
    packed = pack(Pool(ITEMS))
    for end in range(len(packed)):
        with pytest.raises(ValueError, match="snapshot"):
            unpack(packed[:end])
