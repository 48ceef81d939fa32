"""Whether a pool can fill a blueprint, and what it lacks: demand by cell against supply by profile. Pure.

Cells may overlap in any way, so counting by cell proves nothing. Filling all of them is a flow from cells to groups of
items that are alike, and a cell that can't be filled is one that no augmenting path serves (L. R. Ford, D. R.
Fulkerson, Maximal Flow through a Network, 1956). Cells are served one after the other, the narrower first, and an
augmenting path never takes from a cell what it has: what each lacks does not depend on the paths found.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from core.errors import Conflict
from core.ids import ItemId
from question_bank.blueprints import Blueprint, Cell
from question_bank.pool import WHOLE, Pool, Profile

MOST_TRIES = 2_000
"""Choices between enemies that are tried before a pool is taken to be too small for them,"""
MOST_PAIRS = 100
"""where there are no more pairs than that."""

LEVELS = {"recall": "знание", "application": "применение", "analysis": "анализ"}
BANDS = {"hard": "трудные", "medium": "средние", "easy": "лёгкие"}


class CellSupply(Struct, frozen=True):
    """One cell of a blueprint against a pool."""

    number: int
    asked: int
    have: int
    """Items that it could take if it were alone."""
    missing: int
    """How many of those it asks for it can't have beside the others."""
    worn: int
    """How many it would lack if every item stood on no more forms than the cap allows: the cap can't hold then."""


def profile_of(cell: Cell) -> Profile:
    """What the cell asks for."""
    return Profile(cell.requirement, cell.kind, cell.level, cell.band)


def demands(blueprint: Blueprint) -> list[tuple[Profile, int]]:
    """What its cells ask for and how much of it, in their order; last the items that are tried out."""
    kind, _ = blueprint.pilots_place
    asked = [(profile_of(cell), cell.count) for cell in blueprint.cells]
    return [*asked, (Profile(None, kind, pilot=True), blueprint.pilots)]


def weigh_supply(blueprint: Blueprint, supply: Mapping[Profile, int]) -> tuple[CellSupply, ...]:
    """Every cell against the items there are, by profile; enemies are not looked at."""
    wanted = [(profile_of(cell), cell.count) for cell in blueprint.cells]
    missing = find_shortages(wanted, supply)
    worn = [0] * len(wanted)
    if blueprint.exposure_cap is not None:
        # In the long run an item gives `cap` of a place to each form. In millionths of an item.
        cap = round(blueprint.exposure_cap * WHOLE)
        fluid = find_shortages(
            [(profile, count * WHOLE) for profile, count in wanted],
            {profile: count * cap for profile, count in supply.items()},
        )
        worn = [-(-short // WHOLE) for short in fluid]
    return tuple(
        CellSupply(
            number,
            count,
            sum(have for profile, have in supply.items() if asked.covers(profile)),
            missing[number],
            worn[number],
        )
        for number, (asked, count) in enumerate(wanted)
    )


def find_shortages(wanted: Sequence[tuple[Profile, int]], supply: Mapping[Profile, int]) -> list[int]:
    """How many items each demand can't be given, served in the order of `serving_order`."""
    groups = [profile for profile, count in supply.items() if count > 0]
    left = {profile: supply[profile] for profile in groups}
    reach = [[profile for profile in groups if asked.covers(profile)] for asked, _ in wanted]
    given: list[dict[Profile, int]] = [{} for _ in wanted]
    takers: dict[Profile, set[int]] = {profile: set() for profile in groups}
    missing = [0] * len(wanted)
    for demand in serving_order([asked for asked, _ in wanted]):
        short = wanted[demand][1]
        while short:
            path = _find_path(demand, reach, given, takers, left)
            if path is None:
                break
            # A path goes demand, group, another demand that gives the group up, group … to one with items left.
            amount = min(short, left[path[-1][1]], *(given[taker][group] for (_, group), (taker, _) in pairwise(path)))
            left[path[-1][1]] -= amount
            for (_, group), (taker, _) in pairwise(path):
                _give(given, takers, taker, group, -amount)
            for taker, group in path:
                _give(given, takers, taker, group, amount)
            short -= amount
        missing[demand] = short
    return missing


def serving_order(wanted: Sequence[Profile]) -> list[int]:
    """Places of the demands, the narrower first: one that takes anything must not take what others need."""
    return sorted(
        range(len(wanted)),
        key=lambda place: (
            sum(part is None for part in (wanted[place].requirement, wanted[place].level, wanted[place].band)),
            place,
        ),
    )


_Path = list[tuple[int, Profile]]


def _find_path(
    start: int,
    reach: list[list[Profile]],
    given: list[dict[Profile, int]],
    takers: dict[Profile, set[int]],
    left: dict[Profile, int],
) -> _Path | None:
    """The shortest way to a group with items left; its steps are (demand, group that it takes from)."""
    came: dict[int, tuple[int, Profile] | None] = {start: None}
    queue = deque([start])
    seen: set[Profile] = set()
    while queue:
        demand = queue.popleft()
        for group in reach[demand]:
            if group in seen:
                continue
            seen.add(group)
            if left[group] > 0:
                path = [(demand, group)]
                step = came[demand]
                while step is not None:
                    path.append(step)
                    step = came[step[0]]
                return path[::-1]
            for taker in sorted(takers[group]):
                if taker not in came:
                    came[taker] = (demand, group)
                    queue.append(taker)
    return None


def _give(
    given: list[dict[Profile, int]], takers: dict[Profile, set[int]], demand: int, group: Profile, amount: int
) -> None:
    now = given[demand].get(group, 0) + amount
    if now:
        given[demand][group] = now
        takers[group].add(demand)
    else:
        given[demand].pop(group, None)
        takers[group].discard(demand)


def check_supply(blueprint: Blueprint, pool: Pool) -> frozenset[ItemId]:
    """Items without which the blueprint can be filled and no two enemies are left in the pool.

    A draw that enemies have led astray is made again without these. Raises Conflict (`blueprint_unfillable`) unless
    every cell can be filled; its fields name cells as `cells.N`, `pilots` and say how many items are missing.
    """
    wanted = demands(blueprint)
    refuse_shortages(blueprint, find_shortages(wanted, pool.supply))
    left_out = _part_enemies(wanted, pool)
    if left_out is None:
        raise Conflict(
            "blueprint_unfillable",
            f"Набор заданий по спецификации «{blueprint.title}» собрать нельзя: слишком много заданий, "
            "которые не ставят в один набор. Дополните банк или измените спецификацию.",
            fields={"cells": "Не хватает заданий, совместимых друг с другом."},
        )
    return left_out


def refuse_shortages(blueprint: Blueprint, missing: Sequence[int]) -> None:
    """Raise Conflict (`blueprint_unfillable`) where a cell, or the last of them, the pilots, lacks something."""
    fields = {
        f"cells.{number}": _shortage(cell, short)
        for number, (cell, short) in enumerate(zip(blueprint.cells, missing, strict=False))
        if short
    }
    if missing[-1] and len(missing) > len(blueprint.cells):
        fields["pilots"] = f"пробных заданий не хватает: {missing[-1]}"
    if fields:
        raise Conflict(
            "blueprint_unfillable",
            f"Набор заданий по спецификации «{blueprint.title}» собрать нельзя: "
            + "; ".join(fields.values())
            + ". Дополните банк или измените спецификацию.",
            fields=fields,
        )


def _shortage(cell: Cell, short: int) -> str:
    what = "ситуационных задач" if cell.kind == "case" else "заданий с выбором ответа"
    where = "по любым требованиям" if cell.requirement is None else f"по требованию {cell.requirement}"
    traits = [LEVELS[cell.level]] if cell.level else []
    traits += [BANDS[cell.band]] if cell.band else []
    narrower = f" ({', '.join(traits)})" if traits else ""
    return f"{what} {where}{narrower} не хватает: {short}"


def _part_enemies(wanted: Sequence[tuple[Profile, int]], pool: Pool) -> frozenset[ItemId] | None:
    """Items to leave out so that no enemies are left and everything can still be filled; None where none are found.

    Mostly any choice will do: of each pair the one with more enemies goes, or else the one whose cells have more to
    spare. Where neither will do and pairs are few, choices are tried in turn, as many as MOST_TRIES.
    """
    if not pool.pairs:
        return frozenset()
    spare = _spare(wanted, pool)
    for enemies_first in (True, False):

        def weight(item: ItemId, enemies_first: bool = enemies_first) -> tuple[int, int]:
            enemies, left = len(pool.enemies[item]), spare[pool.by_id[item].profile]
            return (enemies, left) if enemies_first else (left, enemies)

        left_out = _leave_out(pool, weight)
        if not any(find_shortages(wanted, _without(pool, left_out))):
            return frozenset(left_out)
    return _search_peace(wanted, pool) if len(pool.pairs) <= MOST_PAIRS else None


def _spare(wanted: Sequence[tuple[Profile, int]], pool: Pool) -> dict[Profile, int]:
    """How many times over, in per cent, the tightest cell that takes items of a profile could be filled."""
    have = [sum(n for profile, n in pool.supply.items() if asked.covers(profile)) for asked, _ in wanted]
    return {
        profile: min(
            (
                100 * have[place] // count
                for place, (asked, count) in enumerate(wanted)
                if count and asked.covers(profile)
            ),
            default=WHOLE,
        )
        for profile in pool.supply
    }


def _leave_out(pool: Pool, weight: Callable[[ItemId], tuple[int, int]]) -> set[ItemId]:
    """Of each pair that is still whole the heavier item, the heaviest first."""
    left_out: set[ItemId] = set()
    heaviest = sorted(((max((weight(one), one) for one in pair), pair) for pair in pool.pairs), reverse=True)
    for (_, item), pair in heaviest:
        if not left_out.intersection(pair):
            left_out.add(item)
    return left_out


def _search_peace(wanted: Sequence[tuple[Profile, int]], pool: Pool) -> frozenset[ItemId] | None:
    """Every choice in turn, given up where too little is left."""
    stack: list[frozenset[ItemId]] = [frozenset()]
    for _ in range(MOST_TRIES):
        if not stack:
            return None
        left_out = stack.pop()
        if any(find_shortages(wanted, _without(pool, left_out))):
            continue
        together = next((pair for pair in pool.pairs if not left_out.intersection(pair)), None)
        if together is None:
            return left_out
        stack += [left_out | {one} for one in together]
    return None


def _without(pool: Pool, left_out: set[ItemId] | frozenset[ItemId]) -> Mapping[Profile, int]:
    supply = pool.supply.copy()
    supply.subtract(pool.by_id[item].profile for item in left_out)
    return supply
