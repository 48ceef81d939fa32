"""Forms put together ahead: the same items for everyone, only their order and that of the options is drawn. Pure.

They are for an emergency, when nothing can be drawn, and for exams whose forms a commission has looked through.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from random import Random
from typing import Literal

import msgspec
from msgspec import Struct

from core.errors import Invalid
from core.ids import BlueprintId, ItemId
from core.moments import HOUR, SECOND, Span
from question_bank.arrangement import Chosen, arrange
from question_bank.blueprints import Blueprint
from question_bank.forms import Form
from question_bank.pool import WHOLE, Pool, PoolItem, Profile
from question_bank.supply import demands, find_shortages

ALGORITHM = "fixed/1"
"""Changes with every change that can arrange another form from the same seed."""
MOST_FORMS = 12
LONGEST: Span = HOUR

Ending = Literal["close_enough", "time_limit"]


class Place(Struct, frozen=True, order=True):
    """An item of a fixed form with its points and its section."""

    item: ItemId
    version: int
    weight: int
    section: int = 0


class FixedForm(Struct, frozen=True):
    """Which items, for one version of a blueprint; `places` by item."""

    blueprint: BlueprintId
    blueprint_version: int
    places: tuple[Place, ...]

    @property
    def digest(self) -> str:
        """SHA-256, 64 hex digits; item versions never change, so it covers what the candidate reads."""
        return sha256(msgspec.json.encode(self)).hexdigest()


class Order(Struct, frozen=True):
    """What is asked for."""

    count: int
    """How many forms."""
    overlap: int = 0
    """How many items two of them may have in common."""
    time_limit: Span = 60 * SECOND
    seed: int = 1
    """Of the sample and of the forms to begin from."""

    def validate(self, blueprint: Blueprint) -> None:
        """Raises Invalid (`order_invalid`)."""
        problems = {}
        if not 1 <= self.count <= MOST_FORMS:
            problems["count"] = f"Наборов — от 1 до {MOST_FORMS}."
        if not 0 <= self.overlap < blueprint.length:
            problems["overlap"] = "Общих заданий — от 0, и меньше, чем заданий в наборе."
        if not SECOND <= self.time_limit <= LONGEST:
            problems["time_limit"] = "Время поиска — от 1 секунды до 1 часа."
        if problems:
            raise Invalid("order_invalid", "Исправьте указанные поля.", fields=problems)


class Progress(Struct, frozen=True):
    """How far a search is."""

    seconds: float
    deviation: float | None
    """The best so far, in tolerances of an ordinary form: at 1 the forms are as equal as those drawn. None: nothing."""


class Built(Struct, frozen=True):
    """Forms and how they were found."""

    forms: tuple[FixedForm, ...]
    deviation: float
    """The largest, in tolerances of an ordinary form."""
    bound: float
    """No forms of this sample deviate less than that, as far as the search could tell."""
    ending: Ending
    sample: int
    """From how many items they were chosen."""
    seconds: float


def fix(blueprint: Blueprint, places: Sequence[Place]) -> FixedForm:
    """The fixed form of these places, whatever their order."""
    return FixedForm(blueprint.id, blueprint.version, tuple(sorted(places)))


def draw_fixed(fixed: FixedForm, blueprint: Blueprint, items: Mapping[ItemId, PoolItem], seed: int) -> Form:
    """A candidate's own order of a fixed form's items and of their options. `items` are its item versions."""
    return Form(
        blueprint=fixed.blueprint,
        blueprint_version=fixed.blueprint_version,
        seed=seed,
        algorithm=ALGORITHM,
        snapshot=fixed.digest,
        entries=arrange(
            blueprint,
            [Chosen(items[place.item], place.weight, place.section) for place in fixed.places],
            # Python promises that Random(seed).random() never changes.
            Random(seed).random,
        ),
    )


def prove_fixed(form: Form, fixed: FixedForm, blueprint: Blueprint, items: Mapping[ItemId, PoolItem]) -> bool:
    """Whether the form is exactly what its seed makes of this fixed form."""
    if (form.blueprint, form.blueprint_version) != (blueprint.id, blueprint.version):
        return False
    return draw_fixed(fixed, blueprint, items, form.seed) == form


def find_deviations(blueprint: Blueprint, pool: Pool, fixed: FixedForm) -> list[str]:
    """What of a blueprint a fixed form does not follow, by the pool it was built from; empty: nothing."""
    found = []
    if any(place.item not in pool.by_id for place in fixed.places):
        return ["an item that is not in the pool"]
    items = [pool.by_id[place.item] for place in fixed.places]
    if len({item.item for item in items}) != len(items):
        found.append("an item twice")
    if any(item.version != place.version for item, place in zip(items, fixed.places, strict=True)):
        found.append("another version than that of the pool")
    roles = [(cell.weight, cell.section) for cell in blueprint.cells] + [(0, blueprint.pilots_place[1])]
    wanted: dict[tuple[int, int], list[tuple[Profile, int]]] = {}
    for role, asked in zip(roles, demands(blueprint), strict=True):
        wanted.setdefault(role, []).append(asked)
    given: dict[tuple[int, int], Counter[Profile]] = {}
    for item, place in zip(items, fixed.places, strict=True):
        given.setdefault((place.weight, place.section), Counter())[item.profile] += 1
    if len(items) != blueprint.length or any(
        any(find_shortages(asked, given.get(role, {}))) for role, asked in wanted.items()
    ):
        found.append("cells that are not filled")
    on_it = {item.item for item in items}
    if any(on_it.issuperset(pair) for pair in pool.pairs):
        found.append("enemies together")
    told = sum(item.information for item, place in zip(items, fixed.places, strict=True) if place.weight)
    if told < round((blueprint.minimum_information or 0) * WHOLE):
        found.append("less information than the minimum")
    return found
