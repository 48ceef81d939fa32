"""Items with their keys: four-option items and cases that unfold in stages. Pure.

Nothing that serves a candidate may import this module; see question_bank.candidate_copy.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from hashlib import sha256
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from core.errors import Invalid
from core.ids import ChoiceId, ItemId
from core.moments import HOUR, SECOND, Span
from question_bank.candidate_copy import CandidateChoice, CandidateItem, CandidateStage
from question_bank.forms import FormStage, ItemKind, ItemPool, StageKind
from question_bank.markup import Markup, find_fault
from question_bank.pool import WHOLE, PoolItem

Level = Literal["recall", "application", "analysis"]

OPTIONS = 4
MAX_STAGES = 12
MAX_ACTIONS = 20
MAX_TEXT = 10_000
MAX_CHOICE_TEXT = 1_000
MAX_SOURCES = 10
MAX_SOURCE = 500
MAX_LIMIT: Span = HOUR
MIN_LIMIT: Span = 5 * SECOND

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Role(StrEnum):
    """What choosing an option means: key and distractor of a choice, the others of a set of actions."""

    KEY = "key"
    DISTRACTOR = "distractor"
    REQUIRED = "required"
    NEUTRAL = "neutral"
    HARMFUL = "harmful"


class Choice(Struct, frozen=True):
    id: ChoiceId
    text: str
    role: Role


class Stage(Struct, frozen=True):
    """One stage with its key.

    Where `ordered` holds, the required actions must be chosen in the order in which they stand here.
    """

    kind: StageKind
    prompt: str
    reveal: str
    choices: tuple[Choice, ...]
    ordered: bool = False
    weight: int = 1
    """Share of the stage in its item's score, relative to the other stages."""


class Item(Struct, frozen=True):
    """One version of an item. Versions never change once published."""

    id: ItemId
    version: int
    speciality: str
    requirement: str
    level: Level
    difficulty: float
    """Expected share of the score that a prepared candidate earns, 0..1."""
    limit: Span
    stem: str
    stages: tuple[Stage, ...]
    explanation: str
    pool: ItemPool = "exam"
    sources: tuple[str, ...] = ()
    """What the explanation rests on: documents, each with its clause; plain text."""
    markup: Markup = "text"
    """What all the other texts are written in."""

    @property
    def kind(self) -> ItemKind:
        """A four-option item asks its question in the stem; a stage with a prompt of its own makes a case."""
        if len(self.stages) == 1 and self.stages[0].kind == "choice" and not self.stages[0].prompt.strip():
            return "four_option"
        return "case"

    def validate(self) -> None:
        """Raise Invalid (`item_invalid`) naming every field that is wrong."""
        problems = _item_problems(self)
        if problems:
            raise Invalid(
                "item_invalid",
                f"Задание «{self.id}» заполнено неверно. Исправьте указанные поля.",
                fields=problems,
            )


def choice_id(item: ItemId, version: int, stage: int, text: str) -> ChoiceId:
    """An opaque id for a choice: 10 hex digits of a hash, so it tells neither role nor place."""
    return ChoiceId(sha256("\0".join((item, str(version), str(stage), text)).encode()).hexdigest()[:10])


def make_stage(
    item: ItemId,
    version: int,
    number: int,
    kind: StageKind,
    choices: tuple[tuple[str, Role], ...],
    *,
    prompt: str = "",
    reveal: str = "",
    ordered: bool = False,
    weight: int = 1,
) -> Stage:
    """A stage from texts and roles, with choice ids derived. `number` counts stages from 0."""
    made = tuple(Choice(choice_id(item, version, number, text), text, role) for text, role in choices)
    return Stage(kind, prompt, reveal, made, ordered, weight)


def candidate_copy(item: Item) -> CandidateItem:
    """The item without anything that tells the key.

    Choices stand in the order of their ids, so the author's order (which often starts with the key, or
    with the required actions) is gone.
    """
    return CandidateItem(
        item.id,
        item.kind,
        item.stem,
        tuple(
            CandidateStage(
                stage.kind,
                stage.prompt,
                stage.reveal,
                tuple(
                    CandidateChoice(choice.id, choice.text)
                    for choice in sorted(stage.choices, key=lambda choice: choice.id)
                ),
                stage.ordered,
            )
            for stage in item.stages
        ),
        item.markup,
    )


def change_texts(item: Item, change: Callable[[str], str]) -> Item:
    """The item with every text of its markup changed; ids stay as they are."""
    stages = tuple(
        replace(
            stage,
            prompt=change(stage.prompt),
            reveal=change(stage.reveal),
            choices=tuple(replace(choice, text=change(choice.text)) for choice in stage.choices),
        )
        for stage in item.stages
    )
    return replace(item, stem=change(item.stem), stages=stages, explanation=change(item.explanation))


def is_plain(text: str) -> bool:
    """Whether the text has no control characters but tabs and line ends, and no lone surrogates."""
    return _CONTROL.search(text) is None


def pool_item(item: Item) -> PoolItem:
    """What drawing needs to know of an item."""
    return PoolItem(
        item.id,
        item.version,
        item.requirement,
        item.kind,
        item.limit,
        round(item.difficulty * WHOLE),
        tuple(FormStage(stage.kind, tuple(sorted(choice.id for choice in stage.choices))) for stage in item.stages),
    )


def _item_problems(item: Item) -> dict[str, str]:
    problems: dict[str, str] = {}
    for name in ("id", "speciality", "requirement", "stem", "explanation"):
        value: str = getattr(item, name)
        if not value.strip():
            problems[name] = "Заполните поле."
        elif not is_plain(value):
            problems[name] = "Уберите управляющие знаки."
        elif len(value) > MAX_TEXT:
            problems[name] = f"Не более {MAX_TEXT} знаков."
        elif item.markup == "html" and name in ("stem", "explanation") and (fault := find_fault(value, inline=False)):
            problems[name] = fault
    if len(item.sources) > MAX_SOURCES or any(not one.strip() or len(one) > MAX_SOURCE for one in item.sources):
        problems["sources"] = f"Не более {MAX_SOURCES} источников, каждый не длиннее {MAX_SOURCE} знаков."
    elif not all(is_plain(one) for one in item.sources):
        problems["sources"] = "Уберите управляющие знаки."
    if item.version < 1:
        problems["version"] = "Версии считаются с 1."
    if not 0 < item.difficulty < 1:
        problems["difficulty"] = "Укажите долю от 0 до 1, не включая границы."
    if not MIN_LIMIT <= item.limit <= MAX_LIMIT:
        problems["limit"] = "Укажите время от 5 секунд до 1 часа."
    if not 1 <= len(item.stages) <= MAX_STAGES:
        problems["stages"] = f"Нужно от 1 до {MAX_STAGES} шагов."
    for number, stage in enumerate(item.stages):
        place = f"stages.{number}"
        problems.update(_stage_problems(stage, place, in_case=item.kind == "case", first=number == 0))
        if item.markup == "html":
            problems |= {name: fault for name, fault in _markup_faults(stage, place).items() if name not in problems}
    ids = [choice.id for stage in item.stages for choice in stage.choices]
    if len(set(ids)) != len(ids):
        problems.setdefault("stages", "Обозначения вариантов повторяются.")
    return problems


def _markup_faults(stage: Stage, place: str) -> dict[str, str]:
    faults = {
        f"{place}.prompt": find_fault(stage.prompt, inline=False),
        f"{place}.reveal": find_fault(stage.reveal, inline=False),
        f"{place}.choices": next(
            (fault for choice in stage.choices if (fault := find_fault(choice.text, inline=True))), None
        ),
    }
    return {name: fault for name, fault in faults.items() if fault is not None}


def _stage_problems(stage: Stage, place: str, *, in_case: bool, first: bool) -> dict[str, str]:
    problems: dict[str, str] = {}
    if in_case and not stage.prompt.strip():
        problems[f"{place}.prompt"] = "Напишите, что нужно сделать на этом шаге."
    if first and stage.reveal:
        problems[f"{place}.reveal"] = "Данные первого шага пишут в условии."
    if max(len(stage.prompt), len(stage.reveal)) > MAX_TEXT:
        problems[f"{place}.prompt"] = f"Не более {MAX_TEXT} знаков."
    if not is_plain(stage.prompt) or not is_plain(stage.reveal):
        problems[f"{place}.prompt"] = "Уберите управляющие знаки."
    if stage.weight < 1:
        problems[f"{place}.weight"] = "Вес шага — целое число не меньше 1."
    texts = [" ".join(choice.text.split()).casefold() for choice in stage.choices]
    if not all(texts) or any(not choice.id for choice in stage.choices):
        problems[f"{place}.choices"] = "Заполните все варианты."
    elif any(len(choice.text) > MAX_CHOICE_TEXT for choice in stage.choices):
        problems[f"{place}.choices"] = f"Не более {MAX_CHOICE_TEXT} знаков в варианте."
    elif not all(is_plain(choice.text) for choice in stage.choices):
        problems[f"{place}.choices"] = "Уберите управляющие знаки."
    elif len(set(texts)) != len(texts):
        problems[f"{place}.choices"] = "Варианты должны различаться."
    roles = [choice.role for choice in stage.choices]
    if stage.kind == "choice":
        if len(roles) != OPTIONS:
            problems[f"{place}.choices"] = "Нужно ровно четыре варианта."
        elif roles.count(Role.KEY) != 1 or roles.count(Role.DISTRACTOR) != OPTIONS - 1:
            problems[f"{place}.key"] = "Отметьте ровно один правильный вариант."
        if stage.ordered:
            problems[f"{place}.ordered"] = "Порядок учитывается только в наборе действий."
    else:
        if not 2 <= len(roles) <= MAX_ACTIONS:
            problems[f"{place}.choices"] = f"Нужно от 2 до {MAX_ACTIONS} действий."
        if not set(roles) <= {Role.REQUIRED, Role.NEUTRAL, Role.HARMFUL}:
            problems[f"{place}.roles"] = "Действие бывает необходимым, лишним или вредным."
        elif Role.REQUIRED not in roles:
            problems[f"{place}.roles"] = "Отметьте хотя бы одно необходимое действие."
    return problems
