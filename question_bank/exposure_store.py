"""To how many forms items are open, in PostgreSQL: the same for every process that draws."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.ids import BlueprintId, ItemId
from core.moments import Moment
from question_bank.exposure import Openness


async def list_capped(connection: AsyncConnection) -> dict[BlueprintId, float]:
    """The exams whose newest version caps exposure, each with its cap."""
    rows = await fetch_all(
        connection,
        """
        SELECT id, CAST(cap AS float8) AS cap FROM (
            SELECT DISTINCT ON (id) id, content ->> 'exposure_cap' AS cap FROM question_bank.blueprint
            ORDER BY id, version DESC) newest
        WHERE cap IS NOT NULL ORDER BY id
        """,
    )
    return {BlueprintId(row["id"]): row["cap"] for row in rows}


async def load_controlled(connection: AsyncConnection, blueprint: BlueprintId) -> int:
    """After how many forms of an exam shares were last worked out; 0: never."""
    row = await fetch_one(
        connection, "SELECT forms FROM question_bank.exposure_control WHERE blueprint_id = :id", id=blueprint
    )
    return 0 if row is None else int(row["forms"])


async def load_opennesses(connection: AsyncConnection, blueprint: BlueprintId) -> dict[ItemId, Openness]:
    """Of the items that have ever not been open to all forms of an exam."""
    rows = await fetch_all(
        connection,
        "SELECT item_id, share, was_open FROM question_bank.openness WHERE blueprint_id = :id",
        id=blueprint,
    )
    return {ItemId(row["item_id"]): Openness(row["share"], row["was_open"]) for row in rows}


async def save_opennesses(
    connection: AsyncConnection,
    blueprint: BlueprintId,
    before: int,
    forms: int,
    opennesses: Mapping[ItemId, Openness],
    at: Moment,
) -> bool:
    """Keep what was worked out from `before` on; False where another process was first."""
    done = await execute(
        connection,
        """
        INSERT INTO question_bank.exposure_control AS c (blueprint_id, round, forms, controlled_at)
        VALUES (:id, 1, :forms, :at)
        ON CONFLICT (blueprint_id) DO UPDATE SET round = c.round + 1, forms = :forms, controlled_at = :at
        WHERE c.forms = :before
        """,
        id=blueprint,
        before=before,
        forms=forms,
        at=at,
    )
    if not done:
        return False
    items = sorted(opennesses)
    await execute(
        connection,
        """
        INSERT INTO question_bank.openness (blueprint_id, item_id, share, was_open)
        SELECT :id, t.* FROM unnest(CAST(:items AS text[]), CAST(:shares AS int[]), CAST(:was_open AS bigint[])) AS t
        ON CONFLICT (blueprint_id, item_id) DO UPDATE SET share = excluded.share, was_open = excluded.was_open
        """,
        id=blueprint,
        items=items,
        shares=[opennesses[item].share for item in items],
        was_open=[opennesses[item].was_open for item in items],
    )
    return True
