"""Reads what a candidate may see. Its statements name no table that holds a key."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import fetch_all
from core.errors import NotFound
from core.ids import ItemId
from question_bank.candidate_copy import CandidateItem, CandidateStage
from question_bank.markup import Markup

ItemRef = tuple[ItemId, int]
"""An item and its version."""


class Content(Struct, frozen=True, omit_defaults=True):
    """The jsonb column item_version.content."""

    stem: str
    stages: tuple[CandidateStage, ...]
    markup: Markup = "text"


_decoder = msgspec.json.Decoder(Content)


def encode_content(copy: CandidateItem) -> str:
    """The content column for a copy."""
    return msgspec.json.encode(Content(copy.stem, copy.stages, copy.markup)).decode()


def decode_content(text: str) -> Content:
    return _decoder.decode(text)


async def candidate_copies(connection: AsyncConnection, refs: Iterable[ItemRef]) -> dict[ItemRef, CandidateItem]:
    """The copies of item versions, choices in the order of their ids.

    Raises NotFound (`item_unknown`) naming the first version that does not exist.
    """
    wanted = list(dict.fromkeys(refs))
    rows = await fetch_all(
        connection,
        """
        SELECT v.item_id, v.version, v.kind, v.content::text AS content
        FROM unnest(CAST(:items AS text[]), CAST(:versions AS int[])) AS wanted(item_id, version)
        JOIN question_bank.item_version v USING (item_id, version)
        """,
        items=[item for item, _ in wanted],
        versions=[version for _, version in wanted],
    )
    copies: dict[ItemRef, CandidateItem] = {}
    for row in rows:
        content = _decoder.decode(row["content"])
        item = ItemId(row["item_id"])
        copies[item, row["version"]] = CandidateItem(item, row["kind"], content.stem, content.stages, content.markup)
    refuse_missing(wanted, copies.keys())
    return copies


def refuse_missing(wanted: Iterable[ItemRef], found: Iterable[ItemRef]) -> None:
    """Raise NotFound (`item_unknown`) when a wanted version was not found."""
    present = set(found)
    for item, version in wanted:
        if (item, version) not in present:
            raise NotFound(
                "item_unknown",
                f"Задания «{item}» версии {version} в банке нет. Проверьте набор заданий.",
                fields={"item": item, "version": str(version)},
            )
