"""Marks for responses: exact fractions from 0 to 1. Pure.

The rules, for people in docs and on the result page:

- one right of four: 1 for the key alone, else 0;
- a set of actions: 0 when any harmful action is chosen; otherwise the required actions chosen, less a
  penalty for every needless one, over the number of required actions, not below 0;
- an ordered set: instead of all required actions chosen, only the most of them that stand in the key's
  order (the longest increasing subsequence). One action out of place costs one action, wherever it went.
  This is "longest ordered subset" of the Moodle ordering question, and 1 minus Ulam's distance between
  permutations (S. M. Ulam, 1972) when all required actions are chosen;
- a case: the mean of its stages by weight.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from fractions import Fraction

from core.errors import Invalid
from core.ids import ChoiceId
from question_bank.items import Item, Role, Stage

ALGORITHM = "marking/1"
"""Changes with every change that can give another mark to the same response."""

PENALTY = Fraction(1, 2)
"""What a needless action costs, in required actions."""

ZERO = Fraction(0)
ONE = Fraction(1)


def mark_stage(stage: Stage, chosen: Sequence[ChoiceId]) -> Fraction:
    """The mark of one stage, 0..1. A choice named twice counts once, at its first place.

    Raises Invalid (`choice_unknown`) for a choice that is not the stage's.
    """
    roles = {choice.id: choice.role for choice in stage.choices}
    picked = tuple(dict.fromkeys(chosen))
    for choice in picked:
        if choice not in roles:
            raise Invalid(
                "choice_unknown", "Такого варианта в задании нет. Обновите страницу.", fields={"choice": choice}
            )
    if stage.kind == "choice":
        return ONE if len(picked) == 1 and roles[picked[0]] is Role.KEY else ZERO
    if any(roles[choice] is Role.HARMFUL for choice in picked):
        return ZERO
    required = [choice.id for choice in stage.choices if choice.role is Role.REQUIRED]
    right = [choice for choice in picked if roles[choice] is Role.REQUIRED]
    needless = len(picked) - len(right)
    credit = _longest_in_order(right, required) if stage.ordered else len(right)
    return max(ZERO, credit - PENALTY * needless) / len(required)


def mark_item(item: Item, chosen: Mapping[int, Sequence[ChoiceId]]) -> Fraction:
    """The mark of an item, 0..1. `chosen` has the choices by number of the stage from 0.

    A stage without a response is worth 0. Raises Invalid (`choice_unknown`, `stage_unknown`).
    """
    for number in chosen:
        if not 0 <= number < len(item.stages):
            raise Invalid("stage_unknown", "Такого шага в задании нет. Обновите страницу.", fields={"item": item.id})
    earned = sum(
        (stage.weight * mark_stage(stage, chosen.get(number, ())) for number, stage in enumerate(item.stages)),
        ZERO,
    )
    return earned / sum(stage.weight for stage in item.stages)


def _longest_in_order(right: Sequence[ChoiceId], key: Sequence[ChoiceId]) -> int:
    """How many of the chosen required actions, at most, stand in the key's order (patience sorting)."""
    places = {choice: place for place, choice in enumerate(key)}
    tails: list[int] = []
    for choice in right:
        place = places[choice]
        slot = bisect_left(tails, place)
        tails[slot : slot + 1] = [place]
    return len(tails)
