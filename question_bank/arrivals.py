"""What a reader yields made ready for the bank, piece by piece: all the work of an import that needs no database.

It is done on a thread, one piece ahead of what is being written, so that a file is never in memory as a whole.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeGuard

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from core.errors import AccreditationError
from core.ids import AssetId, ItemId
from question_bank.candidate_store import encode_content
from question_bank.drafts import Defaults, Draft, fill, make_item
from question_bank.exchange.entries import Arriving, Reader, Rejected
from question_bank.faults import find_faults
from question_bank.imports import digest_of
from question_bank.items import Item, candidate_copy, change_texts
from question_bank.likeness import sketch_all, texts_of
from question_bank.markup import clean, find_assets
from question_bank.pictures import Picture, content_id, redraw
from question_bank.version_rows import encode_key, search_words

PIECE = 1_000
"""Entries that are prepared and written together."""
PIECE_PICTURES = 32 << 20
"""Bytes of pictures after which a piece is full as well."""

_ASSET = re.compile(r'(data-asset=")([^"]*)(")')
_HOME = re.compile(r"[A-Za-zА-Яа-я0-9][A-Za-zА-Яа-я0-9._-]{0,63}")


class Refusal(Struct, frozen=True):
    code: str
    sentence: str


class Columns(Struct, frozen=True):
    """What is written of a version besides its fields."""

    content: str
    stages: str
    words: str
    sources: str
    digest: bytes
    sketch: tuple[int, ...]


class Ready(Struct, frozen=True):
    """An arriving item as the version that it would be, cleaned, without the sizes of its pictures."""

    arriving: Arriving
    item: Item
    assets: tuple[AssetId, ...]
    unready: dict[str, str]
    """What is to be mended before review: sentences by field."""
    columns: Columns | None = None
    """None until `with_columns`; where it has pictures that waits for their sizes."""


class Waiting(Struct, frozen=True):
    """An arriving item whose pictures have to be looked up before it can be made ready."""

    arriving: Arriving
    item: ItemId


class Refused(Struct, frozen=True):
    arriving: Arriving
    refusal: Refusal


Prepared = Ready | Waiting | Refused | Rejected


class Source:
    """A file, taken piece by piece. What the reader raises is raised by the take after the last whole piece."""

    def __init__(self, read: Reader, path: Path, defaults: Defaults) -> None:
        self._entries: Iterator[Arriving | Rejected] = read(path)
        self._defaults = defaults
        self._error: AccreditationError | None = None
        self._over = False

    def take(self, ids: Sequence[ItemId]) -> list[Prepared]:
        """At most PIECE entries; [] at the end of the file. `ids` are for items that bring none of their own."""
        if self._error is not None:
            raise self._error
        piece: list[Prepared] = []
        weight = 0
        while not self._over and len(piece) < min(PIECE, len(ids)) and weight < PIECE_PICTURES:
            try:
                entry = next(self._entries)
            except StopIteration:
                self._over = True
            except AccreditationError as error:
                self._over, self._error = True, error
                if not piece:
                    raise
            else:
                if isinstance(entry, Arriving):
                    weight += sum(map(len, entry.pictures.values()))
                    own = entry.home if _HOME.fullmatch(entry.home) else ""
                    piece.append(prepare(entry, ItemId(own or ids[len(piece)]), 1, self._defaults))
                else:
                    piece.append(entry)
        return with_columns(piece, sized=False)

    def close(self) -> None:
        close = getattr(self._entries, "close", None)
        if close is not None:
            close()


def prepare(arriving: Arriving, item: ItemId, version: int, defaults: Defaults) -> Ready | Waiting | Refused:
    if arriving.pictures:
        return Waiting(arriving, item)
    draft = fill(arriving.draft, defaults)
    if not draft.requirement or not draft.speciality:
        return Refused(
            arriving,
            Refusal(
                "requirement_missing",
                "Не сказано, к какому требованию относится задание. "
                "Назовите специальность и требование для всего файла.",
            ),
        )
    made = make_item(draft, item, version)
    faults = find_faults(made)
    if faults.unfit:
        return Refused(arriving, Refusal("unfit", " ".join(dict.fromkeys(faults.unfit.values()))))
    assets: tuple[AssetId, ...] = ()
    if made.markup == "html":
        made = change_texts(made, clean)
        assets = candidate_copy(made).assets + find_assets(made.explanation)
    return Ready(arriving, made, assets, faults.unready)


def with_columns(entries: Sequence[Prepared], *, sized: bool) -> list[Prepared]:
    """Those that are ready with what is written of them. `sized`: those with pictures too."""

    def lacks(entry: Prepared) -> TypeGuard[Ready]:
        return isinstance(entry, Ready) and entry.columns is None and (sized or not entry.assets)

    made = iter(columns_of([entry.item for entry in entries if lacks(entry)]))
    return [replace(entry, columns=next(made)) if lacks(entry) else entry for entry in entries]


def columns_of(items: Sequence[Item]) -> list[Columns]:
    return [
        Columns(
            encode_content(candidate_copy(item)),
            encode_key(item),
            search_words(item),
            msgspec.json.encode(item.sources).decode(),
            digest_of(item),
            bands,
        )
        for item, bands in zip(items, sketch_all([texts_of(item) for item in items]), strict=True)
    ]


def rename_assets(draft: Draft, names: Mapping[str, AssetId]) -> Draft:
    """The draft with its pictures named as the bank has them."""

    def renamed(text: str) -> str:
        return _ASSET.sub(lambda match: match[1] + names.get(match[2], AssetId(match[2])) + match[3], text)

    return replace(
        draft,
        stem=renamed(draft.stem),
        explanation=renamed(draft.explanation),
        stages=tuple(
            replace(
                stage,
                prompt=renamed(stage.prompt),
                reveal=renamed(stage.reveal),
                choices=tuple(replace(choice, text=renamed(choice.text)) for choice in stage.choices),
            )
            for stage in draft.stages
        ),
    )


def redraw_all(pictures: Mapping[bytes, bytes]) -> dict[bytes, tuple[AssetId, Picture] | Refusal]:
    """Pictures by the digest of what came, drawn anew under an id made of what they show."""
    found: dict[bytes, tuple[AssetId, Picture] | Refusal] = {}
    for digest, data in pictures.items():
        try:
            picture = redraw(data)
        except AccreditationError as error:
            found[digest] = Refusal("picture_bad", f"Изображение не принято: {error.message}")
        else:
            found[digest] = content_id(picture), picture
    return found


def original_of(arriving: Arriving) -> bytes:
    """What is kept of an item that was read and could not be kept."""
    return msgspec.json.format(msgspec.json.encode(arriving.draft), indent=2)
