"""What passes between a file and the bank, whatever the format. Pure.

A reader is a generator over a file on disk: it yields one `Arriving` or `Rejected` for everything that is an item in
the file, in its order, and holds no more than one of them in memory. What makes a file unreadable as a whole raises
Invalid (`exchange_…`) with a sentence and, in `fields`, the place. A writer is a generator too: it takes `Leaving`s one
by one, writes, and yields a `Written` for each.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Literal, Protocol

from msgspec import Struct

from question_bank.drafts import Draft

Weight = Literal["note", "loss", "fault"]
"""note: read as something else, nothing lost; loss: could not be carried over; fault: to be mended before review."""

KEY_FAULTS = frozenset({"no_key", "key_unread", "key_ambiguous", "several_keys"})
"""Codes of the faults by which a reader says that there is not one key."""


class Place(Struct, frozen=True):
    """Where in the file: `member` of a package, `line` from 1 where there are lines, `number` of the item from 1."""

    number: int
    member: str = ""
    line: int | None = None


class Remark(Struct, frozen=True):
    """One thing to know about one item. `code` is counted, `sentence` is read (Russian, says what happens to it)."""

    weight: Weight
    code: str
    sentence: str


class Arriving(Struct, frozen=True):
    """An item read from a file. `identifier`: what the file calls it, or "".

    `pictures`: bytes by the name that stands in `data-asset` of the draft's texts; names are made by the reader and are
    good within this item only. `home`: the id that it has in a bank of ours, where the file was written by us.
    """

    place: Place
    draft: Draft
    identifier: str = ""
    home: str = ""
    remarks: tuple[Remark, ...] = ()
    pictures: Mapping[str, bytes] = {}
    enemies: tuple[str, ...] = ()


class Rejected(Struct, frozen=True):
    """Something that is an item in the file and cannot be one here; `original` is kept as it stood."""

    place: Place
    code: str
    """Why, to be counted: `interaction`, `several_keys`, `no_key`, …"""
    sentence: str
    identifier: str = ""
    original: bytes = b""
    media_type: str = "text/plain"


class Leaving(Struct, frozen=True):
    """An item on its way into a file. `pictures`: bytes and media type by asset id."""

    item: str
    version: int
    draft: Draft
    pictures: Mapping[str, tuple[bytes, str]] = {}
    enemies: tuple[str, ...] = ()


class Written(Struct, frozen=True):
    """What became of one item on its way out. `left_out`: the format has no place for it at all."""

    item: str
    remarks: tuple[Remark, ...] = ()
    left_out: bool = False


class Reader(Protocol):
    def __call__(self, path: Path) -> Iterator[Arriving | Rejected]: ...


class Writer(Protocol):
    def __call__(self, items: Iterable[Leaving], target: IO[bytes]) -> Iterator[Written]: ...
