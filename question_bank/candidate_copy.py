"""What a candidate may see of an item: a type that has no place for a key. Pure.

Modules that serve candidates import this one and never question_bank.items (held by import-linter).
"""

from msgspec import Struct
from msgspec.structs import replace

from core.errors import Invalid
from core.ids import AssetId, ChoiceId, ItemId
from question_bank.forms import ItemKind, StageKind
from question_bank.markup import Markup, find_assets


class CandidateChoice(Struct, frozen=True):
    """An option or an action: its opaque id and its text."""

    id: ChoiceId
    text: str


class CandidateStage(Struct, frozen=True):
    """One stage. `reveal` is text that opens together with the stage; empty for the first one."""

    kind: StageKind
    prompt: str
    reveal: str
    choices: tuple[CandidateChoice, ...]
    ordered: bool
    """Whether the order of the chosen actions counts."""


class CandidateItem(Struct, frozen=True, omit_defaults=True):
    """An item without roles, weights and explanation. `markup`: what all its texts are written in."""

    item: ItemId
    kind: ItemKind
    stem: str
    stages: tuple[CandidateStage, ...]
    markup: Markup = "text"

    @property
    def assets(self) -> tuple[AssetId, ...]:
        """The pictures of its texts, each once."""
        if self.markup == "text":
            return ()
        texts = [self.stem]
        for stage in self.stages:
            texts += [stage.prompt, stage.reveal, *(choice.text for choice in stage.choices)]
        return tuple(dict.fromkeys(asset for text in texts for asset in find_assets(text)))


def order_choices(copy: CandidateItem, order: tuple[tuple[ChoiceId, ...], ...]) -> CandidateItem:
    """The copy with the choices of each stage in the form's order.

    `order` has one tuple of choice ids per stage. Raises Invalid (`choices_differ`) unless each tuple
    holds exactly the ids of its stage, every one once.
    """
    if len(order) != len(copy.stages):
        raise _choices_differ(copy.item)
    stages = []
    for stage, ids in zip(copy.stages, order, strict=True):
        by_id = {choice.id: choice for choice in stage.choices}
        if len(ids) != len(stage.choices) or by_id.keys() != set(ids):
            raise _choices_differ(copy.item)
        stages.append(replace(stage, choices=tuple(by_id[id] for id in ids)))
    return replace(copy, stages=tuple(stages))


def open_stages(copy: CandidateItem, count: int) -> CandidateItem:
    """The copy with only its first `count` stages: what is not open yet does not leave the server.

    Raises Invalid (`stage_unknown`) unless 1 <= count <= number of stages.
    """
    if not 1 <= count <= len(copy.stages):
        raise Invalid("stage_unknown", "Такого шага в задании нет. Обновите страницу.", fields={"item": copy.item})
    return replace(copy, stages=copy.stages[:count])


def _choices_differ(item: ItemId) -> Invalid:
    return Invalid(
        "choices_differ",
        "Набор заданий не соответствует версии задания. Сообщите администратору.",
        fields={"item": item},
    )
