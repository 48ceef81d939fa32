"""The items a form may be drawn from, arranged once so that every draw is cheap. Pure."""

from collections.abc import Iterable
from functools import cached_property
from hashlib import sha256

import msgspec
from msgspec import Struct

from core.ids import ItemId
from core.moments import Span
from question_bank.forms import FormStage, ItemKind

WHOLE = 1_000_000
"""Expected scores are counted in millionths of an item: integers add up the same everywhere."""

StratumKey = tuple[str | None, ItemKind]


class PoolItem(Struct, frozen=True):
    """What drawing needs to know of an item version."""

    item: ItemId
    version: int
    requirement: str
    kind: ItemKind
    limit: Span
    expected: int
    """Expected score of a prepared candidate in millionths of the item's weight."""
    stages: tuple[FormStage, ...]
    """Choices in the order of their ids."""


class Stratum(Struct, frozen=True):
    """Items of one cell, easiest last."""

    items: tuple[PoolItem, ...]
    expected: tuple[int, ...]
    """The expected scores of `items`, ascending."""

    total: int
    """Their sum."""


class Pool:
    """A set of item versions in canonical order; the order in which they are given does not matter.

    Raises ValueError when an item is in it twice.
    """

    def __init__(self, items: Iterable[PoolItem]) -> None:
        self.items: tuple[PoolItem, ...] = tuple(sorted(items, key=lambda item: item.item))
        if len({item.item for item in self.items}) != len(self.items):
            raise ValueError("an item stands in a pool once, in one version")
        groups: dict[StratumKey, list[PoolItem]] = {}
        for item in self.items:
            groups.setdefault((item.requirement, item.kind), []).append(item)
            groups.setdefault((None, item.kind), []).append(item)
        self._strata = {key: _arrange(group) for key, group in groups.items()}

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def snapshot(self) -> str:
        """SHA-256, 64 hex digits, over everything about the pool that a draw depends on."""
        return sha256(msgspec.json.encode(self.items)).hexdigest()

    def stratum(self, requirement: str | None, kind: ItemKind) -> Stratum:
        """The items of a requirement (None: of any) and a kind."""
        return self._strata.get((requirement, kind), _EMPTY)


def _arrange(items: list[PoolItem]) -> Stratum:
    # The sort is stable and its input canonical, so equal difficulties keep one order everywhere.
    items.sort(key=lambda item: item.expected)
    expected = tuple(item.expected for item in items)
    return Stratum(tuple(items), expected, sum(expected))


_EMPTY = Stratum((), (), 0)
