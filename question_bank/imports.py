"""What is said about bringing in a file: wishes before, fates and counts after. Pure."""

from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import Struct

from core.ids import PersonId
from core.moments import Moment
from question_bank.drafts import Defaults
from question_bank.exchange.entries import Place, Weight
from question_bank.items import Item

BatchState = Literal["running", "done", "failed", "cancelled", "interrupted"]
Fate = Literal["new", "changed", "unchanged", "duplicate", "rejected"]
"""new: kept as a draft; changed: kept as a draft version of an item of ours; unchanged: it is in the bank like that;
duplicate: another item says the same; rejected: not kept, but for its original in the report."""
LineWeight = Literal["note", "loss", "fault", "rejection"]

FATES: tuple[Fate, ...] = ("new", "changed", "unchanged", "duplicate", "rejected")


class Wishes(Struct, frozen=True):
    """What is to be done with a file. `format` "": found by what is in it."""

    defaults: Defaults
    format: str = ""
    unknown_requirement: Literal["reject", "default"] = "reject"
    """What becomes of an item whose requirement is not in the catalogue."""


class Counts(Struct, frozen=True):
    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    duplicate: int = 0
    rejected: int = 0
    pictures: int = 0
    reasons: dict[str, int] = {}
    """Of rejections, by code."""
    remarks: dict[str, int] = {}
    """Of everything else that was told, by code."""

    @property
    def kept(self) -> int:
        return self.new + self.changed


class Line(Struct, frozen=True):
    """One thing to know about one item of a file."""

    place: Place
    fate: Fate
    weight: LineWeight | Weight
    code: str
    sentence: str
    identifier: str = ""
    item: str = ""


class Batch(Struct, frozen=True):
    """One file that was brought in, or was to be. `dry`: read and judged only."""

    id: int
    file_name: str
    format: str
    size: int
    dry: bool
    state: BatchState
    defaults: Defaults
    counts: Counts
    reason: str
    """Why it failed, for people."""
    done_by: PersonId | None
    started_at: Moment
    ended_at: Moment | None
    file: int | None = None
    """The file at the desk that it read."""
    unknown_requirement: Literal["reject", "default"] = "reject"


def digest_of(item: Item) -> bytes:
    """Of what an item asks and which answers are right: two items with the same one are the same question."""
    stages = [
        (
            stage.kind,
            stage.prompt,
            stage.reveal,
            stage.ordered,
            [(choice.text, choice.role.value) for choice in stage.choices],
        )
        for stage in item.stages
    ]
    return sha256(msgspec.json.encode((item.markup, item.stem, stages))).digest()[:16]
