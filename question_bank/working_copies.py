"""What authors are writing, kept as they type: one copy per author and item, until it is saved as a version."""

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_one
from core.errors import TooLarge
from core.ids import ItemId, PersonId
from core.moments import Moment
from question_bank.drafts import Draft

LARGEST = 400_000
"""Bytes of JSON."""
MOST = 200
"""Copies that a list shows."""


class WorkingCopy(Struct, frozen=True):
    """`based_on`: the version it was begun from; 0: a new item."""

    item: ItemId
    based_on: int
    draft: Draft
    saved_at: Moment


_decoder = msgspec.json.Decoder(Draft)


async def keep_copy(
    connection: AsyncConnection, author: PersonId, item: ItemId, based_on: int, draft: Draft, at: Moment
) -> None:
    """Raises TooLarge (`copy_too_large`)."""
    body = msgspec.json.encode(draft)
    if len(body) > LARGEST:
        raise TooLarge("copy_too_large", "Текст слишком велик. Разделите задание на несколько.")
    await execute(
        connection,
        """
        INSERT INTO question_bank.working_copy (author, item_id, based_on, body, saved_at)
        VALUES (:author, :item, :based_on, CAST(:body AS jsonb), :at)
        ON CONFLICT (author, item_id) DO UPDATE
        SET based_on = excluded.based_on, body = excluded.body, saved_at = excluded.saved_at
        """,
        author=author,
        item=item,
        based_on=based_on,
        body=body.decode(),
        at=at,
    )


async def load_copy(connection: AsyncConnection, author: PersonId, item: ItemId) -> WorkingCopy | None:
    row = await fetch_one(
        connection,
        """
        SELECT item_id, based_on, body::text AS body, saved_at FROM question_bank.working_copy
        WHERE author = :author AND item_id = :item
        """,
        author=author,
        item=item,
    )
    return None if row is None else _copy(row)


async def drop_copy(connection: AsyncConnection, author: PersonId, item: ItemId) -> None:
    await execute(
        connection,
        "DELETE FROM question_bank.working_copy WHERE author = :author AND item_id = :item",
        author=author,
        item=item,
    )


def _copy(row: RowMapping) -> WorkingCopy:
    return WorkingCopy(ItemId(row["item_id"]), row["based_on"], _decoder.decode(row["body"]), row["saved_at"])
