"""Items of the bank that say nearly the same as a draft: found by a shared band of their sketches, then compared."""

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import fetch_all
from core.ids import ItemId
from question_bank.candidate_store import decode_content
from question_bank.drafts import Draft
from question_bank.likeness import likeness, shingle, sketch_of, texts_of
from question_bank.workflow import State

LEAST = 0.5
"""What is less alike is not told."""
COMPARED = 40
"""How many are compared in full, those that share most bands first."""


class Alike(Struct, frozen=True):
    """An item that is like a draft; `likeness` 0..1, 1 only where the words are the same. `withdrawn`: as an item."""

    item: ItemId
    version: int
    likeness: float
    state: State
    withdrawn: bool
    stem: str


async def find_alike(
    connection: AsyncConnection, draft: Draft, limit: int, *, besides: ItemId | None = None, least: float = LEAST
) -> list[Alike]:
    """Items whose newest version or version in service is like the draft, the likest first; not `besides`."""
    shingles = shingle(texts_of(draft))
    wanted = sketch_of(shingles)
    if not wanted:
        return []
    rows = await fetch_all(
        connection,
        """
        WITH near AS MATERIALIZED (
            SELECT v.item_id, v.version, cardinality(ARRAY(
                SELECT unnest(v.sketch) INTERSECT SELECT unnest(CAST(:sketch AS int[])))) AS shared
            FROM question_bank.item_version v WHERE v.sketch && CAST(:sketch AS int[])
        ), best AS MATERIALIZED (
            SELECT n.item_id, n.version, n.shared, i.state = 'withdrawn' AS withdrawn
            FROM near n JOIN question_bank.item i ON i.id = n.item_id AND n.version IN (i.version, i.latest)
            WHERE n.item_id IS DISTINCT FROM :besides
            ORDER BY n.shared DESC, n.item_id, n.version DESC LIMIT :most
        )
        SELECT b.item_id, b.version, b.withdrawn, v.state, v.content::text AS content
        FROM best b JOIN question_bank.item_version v USING (item_id, version)
        """,
        sketch=wanted,
        besides=besides,
        most=COMPARED,
    )
    found: dict[ItemId, Alike] = {}
    for row in rows:
        content = decode_content(row["content"])
        texts = texts_of(content)
        share = likeness(shingles, shingle(texts))
        item = ItemId(row["item_id"])
        if share >= least and (item not in found or found[item].likeness < share):
            found[item] = Alike(item, row["version"], share, row["state"], row["withdrawn"], texts[0] if texts else "")
    return sorted(found.values(), key=lambda one: (-one.likeness, one.item))[:limit]
