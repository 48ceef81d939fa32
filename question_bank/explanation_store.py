"""Reads explanations of practice items. Its statement can't return an item of the exam's pool, whoever asks."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import fetch_all
from core.errors import NotFound
from core.ids import ChoiceId, ItemId
from question_bank.candidate_copy import CandidateItem
from question_bank.candidate_store import ItemRef, decode_content
from question_bank.explanations import Explained, ExplainedStage

RIGHT, HARMFUL = ("key", "required"), "harmful"


class _Key(Struct, frozen=True):
    """One element of the jsonb column item_key.stages; roles stand in the author's order."""

    roles: tuple[tuple[ChoiceId, str], ...]


_keys = msgspec.json.Decoder(tuple[_Key, ...])
_sources = msgspec.json.Decoder(tuple[str, ...])


async def load_explanations(connection: AsyncConnection, refs: Iterable[ItemRef]) -> dict[ItemRef, Explained]:
    """The explanations of those versions whose items are of the practice pool; the others are left out."""
    wanted = list(dict.fromkeys(refs))
    rows = await fetch_all(
        connection,
        """
        SELECT v.item_id, v.version, v.kind, v.requirement, r.title, v.content::text AS content,
               k.stages::text AS stages, k.explanation, k.sources::text AS sources
        FROM unnest(CAST(:items AS text[]), CAST(:versions AS int[])) AS wanted(item_id, version)
        JOIN question_bank.item_version v USING (item_id, version)
        JOIN question_bank.item_key k USING (item_id, version)
        JOIN question_bank.item i ON i.id = item_id AND i.pool = 'practice'
        JOIN question_bank.requirement r ON r.speciality = v.speciality AND r.code = v.requirement
        """,
        items=[item for item, _ in wanted],
        versions=[version for _, version in wanted],
    )
    return {(ItemId(row["item_id"]), row["version"]): _explained(row) for row in rows}


async def load_explanation(connection: AsyncConnection, ref: ItemRef) -> Explained:
    """One of them. Raises NotFound (`not_explained`)."""
    found = await load_explanations(connection, [ref])
    if ref not in found:
        raise NotFound("not_explained", "Пояснения к этому заданию нет: его дают на экзамене, а не в тренировке.")
    return found[ref]


def _explained(row: RowMapping) -> Explained:
    content = decode_content(row["content"])
    return Explained(
        CandidateItem(ItemId(row["item_id"]), row["kind"], content.stem, content.stages, content.markup),
        tuple(
            ExplainedStage(
                tuple(choice for choice, role in stage.roles if role in RIGHT),
                tuple(choice for choice, role in stage.roles if role == HARMFUL),
            )
            for stage in _keys.decode(row["stages"])
        ),
        row["explanation"],
        _sources.decode(row["sources"]),
        row["requirement"],
        row["title"],
    )
