"""Items with their keys: four-option items and cases that unfold in stages. Pure.

Nothing that serves a candidate may import this module; see question_bank.candidate_copy.
"""

from collections.abc import Callable
from enum import StrEnum
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from core.ids import ChoiceId, ItemId
from core.moments import Span
from question_bank.candidate_copy import CandidateChoice, CandidateItem, CandidateStage
from question_bank.expectation import estimate
from question_bank.forms import FormStage, ItemKind, ItemPool, Language, Level, StageKind
from question_bank.markup import Markup
from question_bank.pool import PoolItem

OPTIONS = 4


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
    tags: tuple[str, ...] = ()
    language: Language = "ru"

    @property
    def kind(self) -> ItemKind:
        """A four-option item asks its question in the stem; a stage with a prompt of its own makes a case."""
        if len(self.stages) == 1 and self.stages[0].kind == "choice" and not self.stages[0].prompt.strip():
            return "four_option"
        return "case"


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
    told: dict[str, int] = {}
    made = []
    for text, role in choices:
        told[text] = told.get(text, 0) + 1
        # Two options of a draft may still say the same; their ids may not.
        salted = text if told[text] == 1 else f"{text}\0{told[text]}"
        made.append(Choice(choice_id(item, version, number, salted), text, role))
    return Stage(kind, prompt, reveal, tuple(made), ordered, weight)


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


def pool_item(item: Item) -> PoolItem:
    """What drawing needs to know of an item of which nothing is known but its author's estimate."""
    guess = estimate(item.difficulty)
    return PoolItem(
        item.id,
        item.version,
        item.requirement,
        item.kind,
        item.limit,
        guess.expected,
        tuple(FormStage(stage.kind, tuple(sorted(choice.id for choice in stage.choices))) for stage in item.stages),
        item.level,
        guess.information,
    )
