"""What a candidate's form is made of: item versions, limits, weights and the order of options. Pure.

A form names items and options by id only: it holds no text and no key.
"""

from typing import Literal

from msgspec import Struct

from core.ids import BlueprintId, ChoiceId, ItemId
from core.moments import Span

ItemKind = Literal["four_option", "case"]
ItemPool = Literal["exam", "practice"]
"""What an item is for, for ever: what practice has explained can't be asked in an exam."""
StageKind = Literal["choice", "actions"]
Level = Literal["recall", "application", "analysis"]
"""What an item asks of a candidate: to know, to apply, to reason."""
Language = Literal["ru", "en"]
Navigation = Literal["linear", "free"]
OnItemTimeout = Literal["advance", "finish"]
Explanations = Literal["none", "item", "end"]
"""When a practice run explains an item: never, as soon as it is locked, or after the end."""


class FormStage(Struct, frozen=True):
    """One stage as this candidate sees it: a four-option item has exactly one."""

    kind: StageKind
    choices: tuple[ChoiceId, ...]
    """In this candidate's order."""


class FormEntry(Struct, frozen=True):
    """One item of a form, at the version the candidate is given."""

    item: ItemId
    version: int
    limit: Span
    weight: int
    """Points for a fully right response; 0 means shown but not scored."""
    stages: tuple[FormStage, ...]


class Form(Struct, frozen=True):
    """A drawn form with all it takes to draw it again: see assembly.prove."""

    blueprint: BlueprintId
    blueprint_version: int
    seed: int
    algorithm: str
    """Name and version of the drawing algorithm, e.g. "stratified-swap/2"."""
    snapshot: str
    """SHA-256 of the pool in canonical form, 64 hex digits."""
    entries: tuple[FormEntry, ...]


class SectionRule(Struct, frozen=True):
    """The next `count` items of a form, worked through before the section after it opens."""

    count: int
    limit: Span | None = None
    """None: only the exam's own limit."""


class Rules(Struct, frozen=True, omit_defaults=True):
    """What the engine needs to know of a blueprint to conduct a sitting."""

    exam_limit: Span
    navigation: Navigation
    """linear: forward only; free: the candidate may go back."""
    on_item_timeout: OnItemTimeout
    """advance: an item out of time locks and the next one opens; finish: the attempt ends."""
    flags: bool
    """Whether items may be flagged for review."""
    sections: tuple[SectionRule, ...] = ()
    """Empty: the whole form is one section. Their counts add up to the length of the form."""
    breaks: int = 0
    break_limit: Span = 0
    """The longest break; the clocks stand still meanwhile."""
    practice: bool = False
    explanations: Explanations = "none"
