"""Items that are never on a form together, in PostgreSQL."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all
from core.ids import ItemId, PersonId
from core.moments import Moment
from question_bank.store import unknown_item
from question_bank.version_rows import count_revision


async def set_enemies(
    connection: AsyncConnection, item: ItemId, others: Collection[ItemId], who: PersonId, at: Moment
) -> None:
    """Exactly these items are never on a form with this one. Raises NotFound (`item_unknown`)."""
    wanted = {other for other in others if other != item}
    known = await fetch_all(
        connection,
        "SELECT id FROM question_bank.item WHERE id = ANY(CAST(:ids AS text[])) FOR SHARE",
        ids=[item, *wanted],
    )
    for missing in sorted({item, *wanted} - {row["id"] for row in known}):
        raise unknown_item(ItemId(missing))
    await execute(
        connection,
        """
        DELETE FROM question_bank.enemy
        WHERE (item_id = :item AND NOT other_id = ANY(CAST(:others AS text[])))
           OR (other_id = :item AND NOT item_id = ANY(CAST(:others AS text[])))
        """,
        item=item,
        others=sorted(wanted),
    )
    await execute(
        connection,
        """
        INSERT INTO question_bank.enemy (item_id, other_id, declared_by, declared_at)
        SELECT least(:item, other), greatest(:item, other), :who, :at FROM unnest(CAST(:others AS text[])) AS t(other)
        ON CONFLICT DO NOTHING
        """,
        item=item,
        others=sorted(wanted),
        who=who,
        at=at,
    )
    rows = await fetch_all(
        connection,
        "SELECT DISTINCT speciality FROM question_bank.item_version WHERE item_id = ANY(CAST(:ids AS text[]))",
        ids=[item, *wanted],
    )
    await count_revision(connection, {row["speciality"] for row in rows})


async def list_enemies(connection: AsyncConnection, item: ItemId) -> list[ItemId]:
    rows = await fetch_all(
        connection,
        """
        SELECT other_id AS id FROM question_bank.enemy WHERE item_id = :item
        UNION ALL SELECT item_id FROM question_bank.enemy WHERE other_id = :item ORDER BY id
        """,
        item=item,
    )
    return [ItemId(row["id"]) for row in rows]
