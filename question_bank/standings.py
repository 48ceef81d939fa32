"""Many versions as moves would find them, at once."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import fetch_all
from core.ids import ItemId, PersonId
from question_bank.candidate_store import ItemRef
from question_bank.workflow import Standing

WRITTEN_SINCE = """
    w.item_id = v.item_id AND w.version <= v.version AND w.version > coalesce((
        SELECT max(o.version) FROM question_bank.item_version o
        WHERE o.item_id = v.item_id AND o.version < v.version AND o.state NOT IN ('draft', 'review')), 0)
"""
"""Versions w whose authors may not approve version v of their item: it, and those before it back to an approved one.
An approval that was taken back is none."""


async def load_standings(connection: AsyncConnection, refs: Collection[ItemRef]) -> dict[ItemRef, Standing]:
    """By item and version, as they are now; nothing is locked, and what is unknown is left out."""
    rows = await fetch_all(
        connection,
        f"""
        SELECT i.id, v.version, i.state AS service, i.latest, v.state, v.ready, r.repealed_at IS NOT NULL AS repealed,
               ARRAY(SELECT DISTINCT w.author FROM question_bank.item_version w
                     WHERE {WRITTEN_SINCE} AND w.author IS NOT NULL) AS authors
        FROM unnest(CAST(:items AS text[]), CAST(:versions AS int[])) AS wanted(item_id, version)
        JOIN question_bank.item i ON i.id = wanted.item_id
        JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = wanted.version
        JOIN question_bank.requirement r ON r.speciality = v.speciality AND r.code = v.requirement
        """,
        items=[item for item, _ in refs],
        versions=[version for _, version in refs],
    )
    return {
        (ItemId(row["id"]), row["version"]): Standing(
            row["state"],
            row["latest"] == row["version"],
            row["service"],
            frozenset(PersonId(author) for author in row["authors"]),
            row["ready"],
            row["repealed"],
        )
        for row in rows
    }


async def versions_in_service(connection: AsyncConnection, items: Collection[ItemId]) -> dict[ItemId, int]:
    """The version of each that is in service, or was last."""
    rows = await fetch_all(
        connection,
        "SELECT id, version FROM question_bank.item WHERE id = ANY(CAST(:items AS text[]))",
        items=list(items),
    )
    return {ItemId(row["id"]): row["version"] for row in rows}
