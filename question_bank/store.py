"""Items with their keys in PostgreSQL: put in service, withdrawn, loaded for marking.

Nothing that serves a candidate imports this module; see candidate_store and pool_store.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict, Invalid, NotFound
from core.ids import ItemId
from core.moments import Moment
from question_bank.candidate_store import ItemRef, refuse_missing
from question_bank.faults import refuse_unready
from question_bank.items import Item
from question_bank.version_rows import (
    count_revision,
    dress,
    insert_versions,
    read_item,
    refuse_other_pool,
    refuse_unknown_requirements,
)

BATCH = 2_000


async def publish_items(connection: AsyncConnection, items: Sequence[Item], at: Moment) -> int:
    """Put item versions in service that were approved elsewhere; returns how many were new.

    A version that is there already is left. Rich text is cleaned on the way, and its pictures get their sizes. Raises
    Invalid for an item that is not well-formed, names an unknown requirement or a picture that is not there, Conflict
    (`version_exists`) when a version is there already and is different, or (`pool_fixed`) when the item is of the
    other pool. Nothing is published then (the caller's transaction is to be rolled back).
    """
    for item in items:
        refuse_unready(item)
    await refuse_unknown_requirements(connection, items)
    items = await dress(connection, items)
    published = 0
    for start in range(0, len(items), BATCH):
        published += await _publish_batch(connection, items[start : start + BATCH], at)
    if published:
        await count_revision(connection, {item.speciality for item in items})
    return published


async def withdraw_item(connection: AsyncConnection, item: ItemId) -> None:
    """Take an item out of every pool at once; forms that have it keep it. Raises NotFound."""
    # Locked by a statement of its own: what comes after it sees the version that somebody was saving or activating.
    await fetch_one(connection, "SELECT id FROM question_bank.item WHERE id = :item FOR UPDATE", item=item)
    row = await fetch_one(
        connection,
        """
        WITH gone AS (UPDATE question_bank.item SET state = 'withdrawn' WHERE id = :item RETURNING id, version),
             out AS (UPDATE question_bank.item_version SET state = 'retired'
                     WHERE item_id = :item AND state IN ('piloted', 'active'))
        SELECT v.speciality FROM gone JOIN question_bank.item_version v
            ON v.item_id = gone.id AND v.version = gone.version
        """,
        item=item,
    )
    if row is None:
        raise unknown_item(item)
    await count_revision(connection, {row["speciality"]})


async def load_items(connection: AsyncConnection, refs: Iterable[ItemRef]) -> dict[ItemRef, Item]:
    """Item versions with their keys, for marking and for staff.

    Raises NotFound (`item_unknown`) naming the first version that does not exist.
    """
    wanted = list(dict.fromkeys(refs))
    items = await _present_items(connection, wanted)
    refuse_missing(wanted, items.keys())
    return items


async def current_version(connection: AsyncConnection, item: ItemId) -> int:
    """The version that new forms take. Raises NotFound (`item_unknown`)."""
    row = await fetch_one(connection, "SELECT version FROM question_bank.item WHERE id = :item", item=item)
    if row is None:
        raise unknown_item(item)
    return int(row["version"])


async def _present_items(connection: AsyncConnection, wanted: Sequence[ItemRef]) -> dict[ItemRef, Item]:
    rows = await fetch_all(
        connection,
        """
        SELECT v.item_id, v.version, v.speciality, v.requirement, v.level, v.difficulty, v.limit_ms,
               v.content::text AS content, k.stages::text AS stages, k.explanation, k.sources::text AS sources,
               i.pool, v.tags, v.language
        FROM unnest(CAST(:items AS text[]), CAST(:versions AS int[])) AS wanted(item_id, version)
        JOIN question_bank.item_version v USING (item_id, version)
        JOIN question_bank.item_key k USING (item_id, version)
        JOIN question_bank.item i ON i.id = item_id
        """,
        items=[item for item, _ in wanted],
        versions=[version for _, version in wanted],
    )
    return {(ItemId(row["item_id"]), row["version"]): read_item(row) for row in rows}


async def _publish_batch(connection: AsyncConnection, items: Sequence[Item], at: Moment) -> int:
    refs = [(item.id, item.version) for item in items]
    if len(set(refs)) != len(refs):
        raise Invalid("item_repeated", "Задание встречается в списке дважды. Уберите повтор.")
    present = await _present_items(connection, refs)
    for item in items:
        known = present.get((item.id, item.version))
        if known is not None and known != item:
            raise Conflict(
                "version_exists",
                f"Версия {item.version} задания «{item.id}» уже опубликована и отличается. "
                "Опубликуйте изменения новой версией.",
                fields={"item": item.id},
            )
    fresh = [item for item in items if (item.id, item.version) not in present]
    if fresh:
        await refuse_other_pool(connection, fresh)
        await execute(
            connection,
            """
            INSERT INTO question_bank.item (id, version, latest, pool, state)
            SELECT id, max(version), max(version), min(pool), 'active'
            FROM unnest(CAST(:ids AS text[]), CAST(:versions AS int[]), CAST(:pools AS text[])) AS t(id, version, pool)
            GROUP BY id ORDER BY id
            ON CONFLICT (id) DO UPDATE
            SET version = greatest(question_bank.item.version, excluded.version),
                latest = greatest(question_bank.item.latest, excluded.latest)
            """,
            ids=[item.id for item in fresh],
            versions=[item.version for item in fresh],
            pools=[item.pool for item in fresh],
        )
        await insert_versions(connection, fresh, "retired", None, at)
        ids = sorted({item.id for item in fresh})
        await execute(connection, _RETIRE, ids=ids)
        await execute(connection, _ACTIVATE, ids=ids)
    return len(fresh)


# One item has one version in service at any moment: what leaves goes first.
_RETIRE = """
    UPDATE question_bank.item_version v SET state = 'retired' FROM question_bank.item i
    WHERE i.id = v.item_id AND i.id = ANY(CAST(:ids AS text[])) AND v.state IN ('active', 'piloted')
      AND v.version <> i.version
"""
_ACTIVATE = """
    UPDATE question_bank.item_version v SET state = 'active' FROM question_bank.item i
    WHERE i.id = v.item_id AND i.id = ANY(CAST(:ids AS text[])) AND v.version = i.version AND i.state = 'active'
"""


def unknown_item(item: ItemId) -> NotFound:
    return NotFound("item_unknown", f"Задания «{item}» в банке нет.", fields={"item": item})
