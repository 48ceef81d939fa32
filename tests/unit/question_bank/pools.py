"""Pools and blueprints that tests of drawing share."""

from random import Random

from core.ids import BlueprintId, ChoiceId, ItemId
from core.moments import HOUR
from question_bank.blueprints import Blueprint, Cell
from question_bank.expectation import estimate
from question_bank.forms import FormStage, ItemKind, Level
from question_bank.pool import Pool, PoolItem

REQUIREMENTS = ("R0", "R1", "R2", "R3")
LEVELS: tuple[Level, ...] = ("recall", "application", "analysis")


def generate_items(count: int, seed: int, cases: int = 0, pilots: int = 0) -> list[PoolItem]:
    """A bank of believable difficulties; of each kind the same number for every requirement."""
    random = Random(seed)

    def one(number: int, kind: ItemKind, pilot: bool = False) -> PoolItem:
        shapes = [("choice", 4)] if kind == "four_option" else [("actions", 7), ("choice", 4)]
        stages = tuple(
            FormStage(shape, tuple(ChoiceId(f"{random.getrandbits(60):015x}") for _ in range(size)))  # type: ignore[arg-type]
            for shape, size in shapes
        )
        found = estimate(min(0.97, max(0.3, random.betavariate(5, 2))))
        slope = random.lognormvariate(0, 0.3)
        return PoolItem(
            ItemId(f"{'pilot' if pilot else kind}-{number}"),
            1 + number % 3,
            REQUIREMENTS[number % len(REQUIREMENTS)],
            kind,
            60_000,
            found.expected,
            stages,
            LEVELS[number // len(REQUIREMENTS) % len(LEVELS)],
            round(found.information * slope**2),
            pilot=pilot,
        )

    return (
        [one(n, "four_option") for n in range(count)]
        + [one(n, "case") for n in range(cases)]
        + [one(n, "four_option", pilot=True) for n in range(pilots)]
    )


def generate(count: int, seed: int, cases: int = 0, pilots: int = 0) -> Pool:
    return Pool(generate_items(count, seed, cases, pilots))


def plan(*cells: Cell) -> Blueprint:
    return Blueprint(
        id=BlueprintId("b"),
        version=2,
        title="Проба",
        speciality="S",
        speciality_title="S",
        cells=cells,
        exam_limit=HOUR,
        navigation="linear",
        on_item_timeout="advance",
        flags=False,
        confirmation="protocol",
        cut=85,
        accreditation="primary",
    )


def covered(wanted: Blueprint, scored: list[tuple[PoolItem, int]]) -> int:
    """How many places of the cells can be given an item of theirs at once, by matching place by place.

    Items come with their weights on the form.
    """
    places = [cell for cell in wanted.cells for _ in range(cell.count)]
    fits = [
        [
            number
            for number, (item, weight) in enumerate(scored)
            if weight == cell.weight
            and cell.kind == item.kind
            and cell.requirement in (None, item.requirement)
            and cell.level in (None, item.level)
            and cell.band in (None, item.profile.band)
        ]
        for cell in places
    ]
    held: dict[int, int] = {}

    def seat(place: int, seen: set[int]) -> bool:
        for number in fits[place]:
            if number not in seen:
                seen.add(number)
                if number not in held or seat(held[number], seen):
                    held[number] = place
                    return True
        return False

    return sum(seat(place, set()) for place in range(len(places)))
