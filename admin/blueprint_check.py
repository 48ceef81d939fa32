"""What a blueprint comes to in a pool, as one writes it: what can't be filled, why, what would mend it. Pure.

Everything here follows from what a draw does: a blueprint that is found to be fillable is one that forms are drawn
from, and the other way round; only that every single draw reaches the minimum of information is not promised.
"""

from collections.abc import Mapping, Sequence
from heapq import nlargest
from typing import Literal

import msgspec
from msgspec import Struct

from core.errors import Conflict
from core.moments import Span
from question_bank.blueprints import MAX_ITEMS, Blueprint, Cell
from question_bank.pool import WHOLE, Pool, Profile
from question_bank.supply import check_supply, find_shortages, profile_of, weigh_supply

MOST_MENDED = 20
"""Cells for which a way out is looked for; a blueprint that lacks more than that is no matter of one cell."""
MOST_RIVALS = 3

Why = Literal["none", "few", "shared"]
Way = Literal["fewer", "level", "band", "level_and_band", "requirement"]


class Remedy(Struct, frozen=True):
    """A change of one cell after which it can be filled; `count` is what it then asks for."""

    way: Way
    count: int


class CellVerdict(Struct, frozen=True):
    """One cell. `missing`: how many items it can't have beside the other cells; `worn`: how many under the cap."""

    have: int
    missing: int
    worn: int
    share: float
    """On what share of forms each of its items would stand if nothing else took them."""
    why: Why | None = None
    """none: the pool has no such item; few: it has too few; shared: other cells need the same ones."""
    rivals: tuple[int, ...] = ()
    """Numbers of those."""
    remedies: tuple[Remedy, ...] = ()


class Timing(Struct, frozen=True):
    """How long the items of the exam, or of a section, take by their own limits; `limit` is what there is."""

    usual: Span
    """By the mean limit of each cell."""
    longest: Span
    limit: Span | None


class Verdict(Struct, frozen=True):
    """`expected`, `maximum` in points; information in 1/logit² at the cut. Both over the cells that have any items."""

    fillable: bool
    length: int
    maximum: int
    cells: tuple[CellVerdict, ...]
    pilots_have: int
    pilots_missing: int
    enemies: bool
    """There are enough items, but too many of them never stand on one form."""
    expected: float
    information: float
    most_information: float
    informative: bool
    """The minimum of information can be reached."""
    exam: Timing
    sections: tuple[Timing, ...]


def weigh(blueprint: Blueprint, pool: Pool, whole: Mapping[Profile, int] | None = None) -> Verdict:
    """The blueprint against the pool that its forms would be drawn from. Its cells name sections that there are.

    A pool has only what some cell asks for; `whole` is what there is beside, for cells that might ask for more.
    """
    beside = pool.supply if whole is None else whole
    wanted = [(profile_of(cell), cell.count) for cell in blueprint.cells]
    tried = Profile(None, blueprint.pilots_place[0], pilot=True)
    supplies = weigh_supply(blueprint, pool.supply)
    short = [one.number for one in supplies if one.missing]
    mended = set(short[:MOST_MENDED])
    cells = tuple(
        CellVerdict(
            have=one.have,
            missing=one.missing,
            worn=one.worn,
            share=round(one.asked / one.have, 4) if one.have else 0.0,
            why=_why(one.have, one.asked) if one.missing else None,
            rivals=_rivals(one.number, wanted, pool) if one.missing and one.have >= one.asked else (),
            remedies=_find_remedies(blueprint.cells, one.number, one.missing, pool.supply, beside)
            if one.number in mended
            else (),
        )
        for one in supplies
    )
    pilots_have = sum(have for profile, have in pool.supply.items() if tried.covers(profile))
    pilots_missing = max(0, blueprint.pilots - pilots_have)
    filled = bool(blueprint.cells) and not short and not pilots_missing
    enemies = filled and not _parts(blueprint, pool)
    most = sum(sum(_stock_of(cell, pool).telling[: cell.count]) for cell in blueprint.cells if cell.weight) / WHOLE
    informative = blueprint.minimum_information is None or most >= blueprint.minimum_information
    means = [(cell, pool.stratum(profile_of(cell))) for cell in blueprint.cells]
    kept = [(cell, stratum) for cell, stratum in means if stratum.items]
    return Verdict(
        fillable=filled and not enemies and informative,
        length=blueprint.length,
        maximum=sum(cell.count * cell.weight for cell in blueprint.cells),
        cells=cells,
        pilots_have=pilots_have,
        pilots_missing=pilots_missing,
        enemies=enemies,
        expected=round(sum(c.weight * c.count * s.total / len(s.items) for c, s in kept) / WHOLE, 2),
        information=round(sum(c.count * s.information / len(s.items) for c, s in kept if c.weight) / WHOLE, 2),
        most_information=round(most, 2),
        informative=informative,
        exam=_time(blueprint.cells, pool, blueprint.exam_limit),
        sections=tuple(
            _time([cell for cell in blueprint.cells if cell.section == place], pool, section.limit)
            for place, section in enumerate(blueprint.sections)
        ),
    )


def _why(have: int, asked: int) -> Why:
    if have == 0:
        return "none"
    return "few" if have < asked else "shared"


def _rivals(number: int, wanted: Sequence[tuple[Profile, int]], pool: Pool) -> tuple[int, ...]:
    """Other cells that could take an item of this one."""
    mine = [profile for profile in pool.supply if wanted[number][0].covers(profile)]
    found = (
        place
        for place, (asked, count) in enumerate(wanted)
        if place != number and count and any(asked.covers(profile) for profile in mine)
    )
    return tuple(place for place, _ in zip(found, range(MOST_RIVALS), strict=False))


def _find_remedies(
    cells: Sequence[Cell], number: int, missing: int, supply: Mapping[Profile, int], whole: Mapping[Profile, int]
) -> tuple[Remedy, ...]:
    """What can be changed in the cell so that no cell lacks more than it did without this one's lack."""
    cell = cells[number]
    before = find_shortages([(profile_of(one), one.count) for one in cells], supply)
    before[number] = 0
    found = [Remedy("fewer", cell.count - missing)]
    wider: list[tuple[Way, Cell]] = []
    if cell.level is not None:
        wider.append(("level", msgspec.structs.replace(cell, level=None)))
    if cell.band is not None:
        wider.append(("band", msgspec.structs.replace(cell, band=None)))
    if cell.level is not None and cell.band is not None:
        wider.append(("level_and_band", msgspec.structs.replace(cell, level=None, band=None)))
    if cell.requirement is not None:
        wider.append(("requirement", msgspec.structs.replace(cell, requirement=None)))
    for way, other in wider:
        changed = [other if place == number else one for place, one in enumerate(cells)]
        after = find_shortages([(profile_of(one), one.count) for one in changed], whole)
        if all(now <= then for now, then in zip(after, before, strict=True)):
            found.append(Remedy(way, cell.count))
            if way in ("level", "band"):
                continue
            break
    return tuple(found)


def _parts(blueprint: Blueprint, pool: Pool) -> bool:
    """Whether a form without enemies can be drawn, where there are enough items."""
    try:
        check_supply(blueprint, pool)
    except Conflict:
        return False
    return True


class _Stock(Struct, frozen=True):
    """What cells of one profile need to know of its items; the largest come first, as many as a cell can ask for."""

    items: int
    limits: Span
    """Their sum."""
    longest: tuple[Span, ...]
    telling: tuple[int, ...]


def _stock_of(cell: Cell, pool: Pool) -> _Stock:
    """Made once for a pool: a draft is weighed at every key, and its pool changes rarely."""
    known: dict[Profile, _Stock] = pool.remember("blueprint_check", _nothing_yet)
    profile = profile_of(cell)
    if profile not in known:
        items = pool.stratum(profile).items
        known[profile] = _Stock(
            len(items),
            sum(item.limit for item in items),
            tuple(nlargest(MAX_ITEMS, (item.limit for item in items))),
            tuple(nlargest(MAX_ITEMS, (item.information for item in items))),
        )
    return known[profile]


def _nothing_yet() -> dict[Profile, _Stock]:
    return {}


def _time(cells: Sequence[Cell], pool: Pool, limit: Span | None) -> Timing:
    usual = longest = 0
    for cell in cells:
        stock = _stock_of(cell, pool)
        if stock.items:
            usual += cell.count * stock.limits // stock.items
            longest += sum(stock.longest[: cell.count])
    return Timing(usual, longest, limit)
