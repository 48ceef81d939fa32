"""A sitting's result: every response marked, the decision, the advice. Pure; scoring.store keeps it."""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction

from msgspec import Struct

from core.ids import BlueprintId, ChoiceId, ItemId, PersonId, ProtocolId, SittingId
from core.moments import Moment
from question_bank.blueprints import Blueprint
from question_bank.forms import Form
from question_bank.items import Item
from scoring.decision import Decision, ItemMark, WeakArea, advice, decide, earliest_retake
from scoring.marking import ALGORITHM, mark_item

Responses = Mapping[ItemId, Mapping[int, Sequence[ChoiceId]]]
"""The choices that count, by item and number of the stage from 0; what was not answered is missing."""


class Result(Struct, frozen=True):
    """The computed result of one sitting; preliminary until it is confirmed."""

    sitting: SittingId
    person: PersonId
    blueprint: BlueprintId
    blueprint_version: int
    algorithm: str
    """Name and version of the marking rules."""
    decision: Decision
    marks: tuple[ItemMark, ...]
    """In the form's order."""
    advice: tuple[WeakArea, ...]
    """Empty for who passed."""
    retake_on: date | None
    """The first day of a new attempt; None for who passed."""
    decided_at: Moment
    confirmed_at: Moment | None = None
    protocol: ProtocolId | None = None
    """The protocol that confirmed it; None while preliminary or where it was confirmed by itself."""

    @property
    def preliminary(self) -> bool:
        return self.confirmed_at is None


def mark_form(form: Form, items: Mapping[tuple[ItemId, int], Item], responses: Responses) -> tuple[ItemMark, ...]:
    """One mark for each entry of the form; what was not answered earns 0."""
    return tuple(
        ItemMark(
            entry.item,
            items[entry.item, entry.version].requirement,
            entry.weight,
            mark_item(items[entry.item, entry.version], responses.get(entry.item, {})),
        )
        for entry in form.entries
    )


def work_out(
    *,
    sitting: SittingId,
    person: PersonId,
    form: Form,
    blueprint: Blueprint,
    items: Mapping[tuple[ItemId, int], Item],
    responses: Responses,
    titles: Mapping[str, str],
    ended: Moment,
    zone: str,
    retake_days: int,
    decided_at: Moment,
) -> Result:
    """Mark, decide, advise. `items` holds every entry's version, `titles` the requirements by code.

    `ended` is when the sitting ended and `zone` where the candidate lives: the wait for a new attempt
    is counted from there. Raises what marking and deciding raise.
    """
    marks = mark_form(form, items, responses)
    decision = decide(marks, blueprint.cut)
    return Result(
        sitting,
        person,
        form.blueprint,
        form.blueprint_version,
        ALGORITHM,
        decision,
        marks,
        () if decision.passed else advice(marks, titles, blueprint.cut),
        None if decision.passed else earliest_retake(ended, zone, retake_days),
        decided_at,
    )


def fraction_pair(value: Fraction) -> tuple[int, int]:
    """A fraction as JSON can carry it exactly."""
    return value.numerator, value.denominator
