"""What an author writes and what a file brings: an item without an id, not necessarily complete. Pure.

The editor, import, export and the difference between versions all speak of drafts; a draft becomes a version of an item
by `make_item`.
"""

from msgspec import Struct
from msgspec.structs import replace

from core.errors import Invalid
from core.ids import ItemId
from core.moments import Span
from question_bank.forms import ItemPool, Language, Level, StageKind
from question_bank.items import Item, Role, make_stage
from question_bank.markup import Markup


class DraftChoice(Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    role: Role


class DraftStage(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One stage; choices in the author's order, which for an ordered stage is the order that counts."""

    choices: tuple[DraftChoice, ...]
    kind: StageKind = "choice"
    prompt: str = ""
    reveal: str = ""
    ordered: bool = False
    weight: int = 1


class Draft(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """None and "" mean: not said. A four-option item is one stage of kind `choice` without a prompt."""

    stem: str
    stages: tuple[DraftStage, ...]
    explanation: str = ""
    sources: tuple[str, ...] = ()
    markup: Markup = "text"
    """What stem, explanation, prompts, reveals and choices are written in."""
    speciality: str = ""
    requirement: str = ""
    level: Level | None = None
    difficulty: float | None = None
    """Expected share of the score that a prepared candidate earns, 0..1."""
    limit: Span | None = None
    tags: tuple[str, ...] = ()
    language: Language | None = None
    pool: ItemPool | None = None


class Defaults(Struct, frozen=True, forbid_unknown_fields=True):
    """What is taken where a draft does not say."""

    speciality: str
    requirement: str
    level: Level = "application"
    difficulty: float = 0.7
    limit: Span = 60_000
    language: Language = "ru"
    pool: ItemPool = "exam"


def fill(draft: Draft, defaults: Defaults) -> Draft:
    """The draft with what it does not say taken from the defaults."""
    return replace(
        draft,
        speciality=draft.speciality or defaults.speciality,
        requirement=draft.requirement or defaults.requirement,
        level=draft.level or defaults.level,
        difficulty=defaults.difficulty if draft.difficulty is None else draft.difficulty,
        limit=defaults.limit if draft.limit is None else draft.limit,
        language=draft.language or defaults.language,
        pool=draft.pool or defaults.pool,
    )


def make_item(draft: Draft, item: ItemId, version: int) -> Item:
    """The version of an item that a filled draft describes, with ids of its choices.

    Raises Invalid (`draft_unfilled`) naming what is not said. Nothing else is checked: see faults.
    """
    level, difficulty, limit = draft.level, draft.difficulty, draft.limit
    if level is None or difficulty is None or limit is None:
        missing = [name for name in ("level", "difficulty", "limit") if getattr(draft, name) is None]
        raise Invalid(
            "draft_unfilled",
            "Заполните уровень, трудность и время задания.",
            fields=dict.fromkeys(missing, "Заполните поле."),
        )
    return Item(
        id=item,
        version=version,
        speciality=draft.speciality,
        requirement=draft.requirement,
        level=level,
        difficulty=difficulty,
        limit=limit,
        stem=draft.stem,
        stages=tuple(
            make_stage(
                item,
                version,
                number,
                stage.kind,
                tuple((choice.text, choice.role) for choice in stage.choices),
                prompt=stage.prompt,
                reveal=stage.reveal,
                ordered=stage.ordered,
                weight=stage.weight,
            )
            for number, stage in enumerate(draft.stages)
        ),
        explanation=draft.explanation,
        pool=draft.pool or "exam",
        sources=draft.sources,
        markup=draft.markup,
        tags=draft.tags,
        language=draft.language or "ru",
    )


def draft_of(item: Item) -> Draft:
    """What would have to be written to get this version."""
    return Draft(
        stem=item.stem,
        stages=tuple(
            DraftStage(
                tuple(DraftChoice(choice.text, choice.role) for choice in stage.choices),
                stage.kind,
                stage.prompt,
                stage.reveal,
                stage.ordered,
                stage.weight,
            )
            for stage in item.stages
        ),
        explanation=item.explanation,
        sources=item.sources,
        markup=item.markup,
        speciality=item.speciality,
        requirement=item.requirement,
        level=item.level,
        difficulty=item.difficulty,
        limit=item.limit,
        tags=item.tags,
        language=item.language,
        pool=item.pool,
    )
