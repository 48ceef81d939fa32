"""Drawing a candidate's form: blueprint + pool + seed -> form, the same one every time. Pure.

The draw is stratified by the blueprint's cells (simple random sampling without replacement in each),
and then items are swapped for others of the same cell until the form's expected score is that of the
pool: forms differ, their difficulty does not. This is the swap step of random test assembly under
constraints (W. J. van der Linden, Linear Models for Optimal Test Design, 2005, ch. 4, "greedy and
swapping heuristics"), with a random walk first so that no item is preferred for being handy.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from random import Random

from core.errors import Conflict
from core.ids import ItemId
from question_bank.blueprints import Blueprint, Cell
from question_bank.forms import Form, FormEntry, FormStage
from question_bank.pool import WHOLE, Pool, PoolItem, Stratum

ALGORITHM = "stratified-swap/1"
"""Changes with every change that can draw another form from the same seed."""

TOLERANCE = WHOLE // 100
"""Forms within 0.01 items of the target are equal enough; see benchmarks/assembly.py."""
WALK = 200
"""Random swaps tried before the best swap is looked for."""
POLISH = 50
"""Best swaps at most."""


def assemble(blueprint: Blueprint, pool: Pool, seed: int) -> Form:
    """Draw a form.

    Sections follow each other; in each, four-option items come first, then cases, both in random order. The
    options of every stage are shuffled. Raises Conflict (`blueprint_unfillable`) when the pool is
    too small; its fields name the cells as `cells.N` and say how many items are missing.
    """
    check_supply(blueprint, pool)
    # Python promises that Random(seed).random() never changes, and of the other methods it does not:
    # everything is built on it, or a form could not be proved after an upgrade.
    draw = Random(seed).random
    slots = _draw_slots(blueprint, pool, draw)
    _level(slots, _target(blueprint, pool), draw)
    ordered: list[_Slot] = []
    for section in range(max(1, len(blueprint.sections))):
        for kind in ("four_option", "case"):
            part = [slot for slot in slots if slot.section == section and slot.item.kind == kind]
            _shuffle(part, draw)
            ordered += part
    return Form(
        blueprint=blueprint.id,
        blueprint_version=blueprint.version,
        seed=seed,
        algorithm=ALGORITHM,
        snapshot=pool.snapshot,
        entries=tuple(_entry(slot, draw) for slot in ordered),
    )


def prove(form: Form, blueprint: Blueprint, pool: Pool) -> bool:
    """Whether the form is exactly what its seed draws from this blueprint and this pool."""
    if (form.blueprint, form.blueprint_version) != (blueprint.id, blueprint.version):
        return False
    if form.algorithm != ALGORITHM or form.snapshot != pool.snapshot:
        return False
    return assemble(blueprint, pool, form.seed) == form


def expected_score(form: Form, pool: Pool) -> float:
    """The score a prepared candidate is expected to earn on the form, in points."""
    known = {item.item: item.expected for item in pool.items}
    return sum(known[entry.item] * entry.weight for entry in form.entries) / WHOLE


def check_supply(blueprint: Blueprint, pool: Pool) -> None:
    """Raise Conflict (`blueprint_unfillable`) unless every cell can be filled from the pool.

    Cells over "any requirement" take what the cells over named requirements leave; this makes a
    laminar family, so counting each set is enough (Hall's condition).
    """
    missing: dict[str, str] = {}
    seen: dict[tuple[str | None, str], int] = {}
    short_named: dict[str, int] = {}
    for number, cell in enumerate(blueprint.cells):
        if cell.requirement is None:
            continue
        key = (cell.requirement, cell.kind)
        supply = len(pool.stratum(*key).items)
        before = seen.get(key, 0)
        seen[key] = before + cell.count
        short = min(cell.count, before + cell.count - supply)
        if short > 0:
            missing[f"cells.{number}"] = _shortage(cell, short)
            short_named[cell.kind] = short_named.get(cell.kind, 0) + short
    for number, cell in enumerate(blueprint.cells):
        if cell.requirement is not None:
            continue
        named = sum(count for (code, kind), count in seen.items() if code is not None and kind == cell.kind)
        supply = len(pool.stratum(None, cell.kind).items) - (named - short_named.get(cell.kind, 0))
        before = seen.get((None, cell.kind), 0)
        seen[None, cell.kind] = before + cell.count
        short = min(cell.count, before + cell.count - supply)
        if short > 0:
            missing[f"cells.{number}"] = _shortage(cell, short)
    if missing:
        raise Conflict(
            "blueprint_unfillable",
            f"Набор заданий по спецификации «{blueprint.title}» собрать нельзя: "
            + "; ".join(missing.values())
            + ". Дополните банк или измените спецификацию.",
            fields=missing,
        )


def _shortage(cell: Cell, short: int) -> str:
    what = "ситуационных задач" if cell.kind == "case" else "заданий с выбором ответа"
    where = "по любым требованиям" if cell.requirement is None else f"по требованию {cell.requirement}"
    return f"{what} {where} не хватает: {short}"


class _Slot:
    """A place on the form: the item that holds it now, and the stratum another may come from."""

    __slots__ = ("item", "section", "stratum", "weight")

    def __init__(self, item: PoolItem, stratum: Stratum, weight: int, section: int) -> None:
        self.item = item
        self.stratum = stratum
        self.weight = weight
        self.section = section


def _draw_slots(blueprint: Blueprint, pool: Pool, draw: Callable[[], float]) -> list[_Slot]:
    slots: list[_Slot] = []
    used: set[ItemId] = set()
    # Named requirements first: a cell over any requirement must not take what they need.
    for cell in sorted(blueprint.cells, key=lambda cell: cell.requirement is None):
        stratum = pool.stratum(cell.requirement, cell.kind)
        for item in _sample(stratum.items, cell.count, used, draw):
            used.add(item.item)
            slots.append(_Slot(item, stratum, cell.weight, cell.section))
    return slots


def _sample(items: Sequence[PoolItem], count: int, used: set[ItemId], draw: Callable[[], float]) -> list[PoolItem]:
    """`count` different unused items, every set equally likely."""
    size = len(items)
    if size > 4 * (count + len(used)):
        # Most tries hit, and the whole stratum need not be copied.
        taken: list[PoolItem] = []
        mine: set[ItemId] = set()
        while len(taken) < count:
            item = items[int(draw() * size)]
            if item.item not in used and item.item not in mine:
                mine.add(item.item)
                taken.append(item)
        return taken
    free = [item for item in items if item.item not in used]
    for place in range(count):
        other = place + int(draw() * (len(free) - place))
        free[place], free[other] = free[other], free[place]
    return free[:count]


def _target(blueprint: Blueprint, pool: Pool) -> int:
    """The expected score of a form drawn at random, in millionths of a point."""
    target = 0
    for cell in blueprint.cells:
        stratum = pool.stratum(cell.requirement, cell.kind)
        target += cell.weight * cell.count * stratum.total // len(stratum.items)
    return target


def _level(slots: list[_Slot], target: int, draw: Callable[[], float]) -> None:
    """Swap items in place until the form's expected score is within TOLERANCE of the target."""
    gap = target - sum(slot.item.expected * slot.weight for slot in slots)
    scored = [slot for slot in slots if slot.weight]
    used = {slot.item.item for slot in slots}
    if not scored:
        return
    for _ in range(WALK):
        if -TOLERANCE <= gap <= TOLERANCE:
            return
        slot = scored[int(draw() * len(scored))]
        expected = slot.stratum.expected
        now = slot.item.expected
        # Anything strictly between here and twice the way to the target makes the gap smaller; up to the
        # way itself keeps its sign. One drawn from all of those spares the items at the ends.
        wanted = now + gap // slot.weight
        first, last = (
            (bisect_right(expected, now), bisect_right(expected, wanted))
            if gap > 0
            else (bisect_left(expected, wanted), bisect_left(expected, now))
        )
        if first >= last:
            continue
        other = slot.stratum.items[first + int(draw() * (last - first))]
        if other.item not in used:
            gap = _swap(slot, other, used, gap)
    for _ in range(POLISH):
        if -TOLERANCE <= gap <= TOLERANCE:
            return
        found = _best_swap(scored, used, gap)
        if found is None:
            return
        gap = _swap(*found, used, gap)


def _swap(slot: _Slot, other: PoolItem, used: set[ItemId], gap: int) -> int:
    gap -= slot.weight * (other.expected - slot.item.expected)
    used.discard(slot.item.item)
    used.add(other.item)
    slot.item = other
    return gap


def _best_swap(slots: Sequence[_Slot], used: set[ItemId], gap: int) -> tuple[_Slot, PoolItem] | None:
    """The swap that leaves the smallest gap, or None when none makes it smaller."""
    best: tuple[_Slot, PoolItem] | None = None
    smallest = abs(gap)
    for slot in slots:
        expected, items = slot.stratum.expected, slot.stratum.items
        centre = bisect_left(expected, slot.item.expected + gap // slot.weight)
        for step in (-1, 1):
            place = centre if step == 1 else centre - 1
            while 0 <= place < len(items):
                left = abs(gap - slot.weight * (expected[place] - slot.item.expected))
                if left >= smallest:
                    break
                if items[place].item not in used:
                    best, smallest = (slot, items[place]), left
                    break
                place += step
    return best


def _shuffle(values: list[_Slot], draw: Callable[[], float]) -> None:
    """Fisher-Yates in place."""
    for place in range(len(values) - 1, 0, -1):
        other = int(draw() * (place + 1))
        values[place], values[other] = values[other], values[place]


def _entry(slot: _Slot, draw: Callable[[], float]) -> FormEntry:
    item = slot.item
    stages = []
    for stage in item.stages:
        choices = list(stage.choices)
        for place in range(len(choices) - 1, 0, -1):
            other = int(draw() * (place + 1))
            choices[place], choices[other] = choices[other], choices[place]
        stages.append(FormStage(stage.kind, tuple(choices)))
    return FormEntry(item.item, item.version, item.limit, slot.weight, tuple(stages))
