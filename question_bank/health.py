"""How well a pool stands: what it lacks, what is used never or too much, how well it is known, what is due. Pure."""

from collections.abc import Mapping
from math import inf

from msgspec import Struct

from core.ids import ItemId
from core.moments import DAY, Moment, Span
from question_bank.blueprints import Blueprint
from question_bank.pool import Pool
from question_bank.supply import CellSupply, weigh_supply

WORN_AFTER = 1_000
"""Candidates who have seen an item, after whom it is taken to be known outside."""
OLD_AFTER: Span = 3 * 365 * DAY
"""Age after which what is held to be right has to be looked at again."""
NEXT = 20
"""How many items are named of each sort."""
SOON = 0.5
"""Nothing is due before it is half used up."""


class Standing(Struct, frozen=True):
    """What is known of an item in service."""

    calibrated: bool
    rated: bool
    """It has Angoff ratings."""
    since: Moment
    """When its version was saved."""


class Used(Struct, frozen=True):
    """On how many forms an item stood and to how many candidates it was shown."""

    drawn: int
    seen: int


class Retiring(Struct, frozen=True):
    """An item that is due to be replaced; `used_up` is 1 where it is due now."""

    item: ItemId
    used_up: float
    seen: int
    since: Moment


class Health(Struct, frozen=True):
    """The state of a pool as one blueprint draws from it."""

    items: int
    cells: tuple[CellSupply, ...]
    never_used: int
    over_used: tuple[tuple[ItemId, float], ...]
    """Items on a larger share of forms than the cap allows, with that share; those furthest over first."""
    uncalibrated: int
    unrated: int
    """Of the uncalibrated those without ratings too: only their author's estimate, or their band, is known."""
    retiring: tuple[Retiring, ...]


def weigh_health(
    blueprint: Blueprint,
    pool: Pool,
    standings: Mapping[ItemId, Standing],
    uses: Mapping[ItemId, Used],
    forms: int,
    now: Moment,
    *,
    worn_after: int = WORN_AFTER,
    old_after: Span = OLD_AFTER,
) -> Health:
    """`uses` are counted over `forms` forms of this exam. Items without a standing or uses have none."""
    over = inf if blueprint.exposure_cap is None else blueprint.exposure_cap
    shares = [(item.item, uses[item.item].drawn / max(1, forms)) for item in pool.items if item.item in uses]
    over_used = sorted((one for one in shares if one[1] > over), key=lambda one: (-one[1], one[0]))
    known = [standings.get(item.item, _UNKNOWN) for item in pool.items]
    retiring = []
    for item, standing in zip(pool.items, known, strict=True):
        seen = uses[item.item].seen if item.item in uses else 0
        age = max(0, now - standing.since) / old_after if standing.since else 0.0
        used_up = max(seen / worn_after, age)
        if used_up >= SOON:
            retiring.append(Retiring(item.item, used_up, seen, standing.since))
    retiring.sort(key=lambda one: (-one.used_up, one.item))
    return Health(
        len(pool),
        weigh_supply(blueprint, pool.supply),
        sum(item.item not in uses for item in pool.items),
        tuple(over_used[:NEXT]),
        sum(not one.calibrated for one in known),
        sum(not one.calibrated and not one.rated for one in known),
        tuple(retiring[:NEXT]),
    )


_UNKNOWN = Standing(False, False, 0)
