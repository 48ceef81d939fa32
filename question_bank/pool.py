"""The items a form may be drawn from, arranged once so that every draw is cheap. Pure."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple, TypeVar, cast

import msgspec
from msgspec import Struct

from core.ids import ItemId
from core.moments import Span
from question_bank.bands import Band, band_of
from question_bank.expectation import WHOLE as WHOLE
from question_bank.forms import FormStage, ItemKind, Level

REMEMBERED = 16

Made = TypeVar("Made")


class Profile(NamedTuple):
    """What an item is, or what a cell asks for: there None takes any."""

    requirement: str | None
    kind: ItemKind
    level: Level | None = None
    band: Band | None = None
    pilot: bool = False

    def covers(self, other: "Profile") -> bool:
        """Whether items of the other profile are what this one asks for."""
        return (
            self.kind == other.kind
            and self.pilot == other.pilot
            and self.requirement in (None, other.requirement)
            and self.level in (None, other.level)
            and self.band in (None, other.band)
        )


class PoolItem(Struct, frozen=True):
    """What drawing needs to know of an item version."""

    item: ItemId
    version: int
    requirement: str
    kind: ItemKind
    limit: Span
    expected: int
    """Expected score of a candidate at the cut in millionths of the item's weight."""
    stages: tuple[FormStage, ...]
    """Choices in the order of their ids."""
    level: Level = "application"
    information: int = 0
    """At the cut, in millionths of 1/logit²."""
    share: int = WHOLE
    """Of how many forms, in millionths, the item is open to: less than all where it would stand on too many."""
    pilot: bool = False
    """Tried out: stands on forms unscored, and only there."""

    @property
    def profile(self) -> Profile:
        return Profile(self.requirement, self.kind, self.level, band_of(self.expected), self.pilot)


class Stratum(Struct, frozen=True):
    """Items of one profile, easiest last."""

    items: tuple[PoolItem, ...]
    expected: tuple[int, ...]
    """The expected scores of `items`, ascending."""
    total: int
    """Their sum."""
    information: int
    """The sum of what they tell at the cut."""


class Pool:
    """A set of item versions in canonical order; the order in which they are given does not matter.

    `enemies` are pairs that never stand on one form; those of items that are not in the pool are left out.
    Raises ValueError when an item is in it twice.
    """

    def __init__(self, items: Iterable[PoolItem], enemies: Iterable[tuple[ItemId, ItemId]] = ()) -> None:
        self.items: tuple[PoolItem, ...] = tuple(sorted(items, key=lambda item: item.item))
        present = {item.item for item in self.items}
        if len(present) != len(self.items):
            raise ValueError("an item stands in a pool once, in one version")
        self.pairs: tuple[tuple[ItemId, ItemId], ...] = tuple(
            sorted({(min(pair), max(pair)) for pair in enemies if pair[0] != pair[1] and present.issuperset(pair)})
        )
        self.enemies: dict[ItemId, list[ItemId]] = {}
        """Of those that have any."""
        for one, other in self.pairs:
            self.enemies.setdefault(one, []).append(other)
            self.enemies.setdefault(other, []).append(one)
        self._groups: dict[Profile, list[PoolItem]] = {}
        for item in self.items:
            self._groups.setdefault(item.profile, []).append(item)
        self._strata: dict[Profile, Stratum] = {}
        self._remembered: dict[Hashable, object] = {}

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def snapshot(self) -> str:
        """SHA-256, 64 hex digits, over everything about the pool that a draw depends on."""
        return sha256(msgspec.json.encode((self.items, self.pairs))).hexdigest()

    @cached_property
    def by_id(self) -> dict[ItemId, PoolItem]:
        return {item.item: item for item in self.items}

    @cached_property
    def supply(self) -> Counter[Profile]:
        """How many items there are of each profile."""
        return Counter({profile: len(group) for profile, group in self._groups.items()})

    def stratum(self, wanted: Profile) -> Stratum:
        """The items that a profile covers."""
        known = self._strata.get(wanted)
        if known is None:
            found = [item for profile, group in self._groups.items() if wanted.covers(profile) for item in group]
            known = self._strata[wanted] = _arrange(found)
        return known

    def remember(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What was made for a key of this pool, made at the first call. The caller holds to one type by key."""
        if key not in self._remembered:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = make()
        return cast(Made, self._remembered[key])


def _arrange(items: list[PoolItem]) -> Stratum:
    items.sort(key=lambda item: (item.expected, item.item))
    expected = tuple(item.expected for item in items)
    return Stratum(tuple(items), expected, sum(expected), sum(item.information for item in items))
