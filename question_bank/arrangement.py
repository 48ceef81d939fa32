"""In which order a candidate gets what was chosen: sections, kinds, items, options. Pure."""

from collections.abc import Callable, MutableSequence, Sequence
from typing import TypeVar

from msgspec import Struct

from question_bank.blueprints import Blueprint
from question_bank.forms import FormEntry, FormStage
from question_bank.pool import PoolItem

Value = TypeVar("Value")


class Chosen(Struct, frozen=True):
    """An item of a form with what its place on the form makes of it."""

    item: PoolItem
    weight: int
    section: int = 0


def arrange(blueprint: Blueprint, chosen: Sequence[Chosen], draw: Callable[[], float]) -> tuple[FormEntry, ...]:
    """Sections follow each other; in each, four-option items come first, then cases, both in random order.

    The options of every stage are shuffled.
    """
    ordered: list[Chosen] = []
    for section in range(max(1, len(blueprint.sections))):
        for kind in ("four_option", "case"):
            part = [one for one in chosen if one.section == section and one.item.kind == kind]
            _shuffle(part, draw)
            ordered += part
    return tuple(_entry(one, draw) for one in ordered)


def _entry(chosen: Chosen, draw: Callable[[], float]) -> FormEntry:
    item = chosen.item
    stages = []
    for stage in item.stages:
        choices = list(stage.choices)
        _shuffle(choices, draw)
        stages.append(FormStage(stage.kind, tuple(choices)))
    return FormEntry(item.item, item.version, item.limit, chosen.weight, tuple(stages))


def _shuffle(values: MutableSequence[Value], draw: Callable[[], float]) -> None:
    """Fisher-Yates in place."""
    for place in range(len(values) - 1, 0, -1):
        other = int(draw() * (place + 1))
        values[place], values[other] = values[other], values[place]
