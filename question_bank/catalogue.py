"""The methodologist's list of items: found by words, by place in the catalogue, by state."""

from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import fetch_all, fetch_one
from core.ids import ItemId
from core.moments import Moment, Span
from question_bank.forms import ItemKind, ItemPool, Level
from question_bank.markup import read_plain
from question_bank.version_rows import fold

PAGE = 50
MAX_PAGE = 500


class ItemRow(Struct, frozen=True):
    """One line of the methodologist's list: the current version of an item."""

    item: ItemId
    version: int
    speciality: str
    requirement: str
    kind: ItemKind
    level: Level
    difficulty: float
    limit: Span
    stem: str
    state: str
    published_at: Moment
    pool: ItemPool


class ItemPage(Struct, frozen=True):
    rows: tuple[ItemRow, ...]
    total: int
    """How many items match in all."""


async def list_items(
    connection: AsyncConnection,
    *,
    speciality: str | None = None,
    requirement: str | None = None,
    kind: ItemKind | None = None,
    words: str = "",
    limit: int = PAGE,
    offset: int = 0,
) -> ItemPage:
    """One page of items, by id.

    `words` looks in stems, prompts and choices (Russian morphology; quotes and minus as in web search)
    and at the beginning of ids.
    """
    filters = """
        FROM question_bank.item i
        JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = i.version
        WHERE (CAST(:speciality AS text) IS NULL OR v.speciality = :speciality)
          AND (CAST(:requirement AS text) IS NULL OR v.requirement = :requirement)
          AND (CAST(:kind AS text) IS NULL OR v.kind = :kind)
          AND (CAST(:words AS text) = '' OR v.words @@ websearch_to_tsquery('russian', :words)
               OR starts_with(lower(i.id), :words))
    """
    values = {
        "speciality": speciality or None,
        "requirement": requirement or None,
        "kind": kind,
        "words": fold(words).strip()[:200],
    }
    total = await fetch_one(connection, f"SELECT count(*) AS total {filters}", **values)
    rows = await fetch_all(
        connection,
        f"""
        SELECT i.id, i.state, v.version, v.speciality, v.requirement, v.kind, v.level, v.difficulty,
               v.limit_ms, v.content ->> 'stem' AS stem, v.content ->> 'markup' AS markup, v.published_at, i.pool
        {filters} ORDER BY i.id LIMIT :limit OFFSET :offset
        """,
        **values,
        limit=max(1, min(limit, MAX_PAGE)),
        offset=max(0, offset),
    )
    return ItemPage(tuple(_row(row) for row in rows), 0 if total is None else int(total["total"]))


def _row(row: RowMapping) -> ItemRow:
    return ItemRow(
        ItemId(row["id"]),
        row["version"],
        row["speciality"],
        row["requirement"],
        row["kind"],
        row["level"],
        row["difficulty"],
        row["limit_ms"],
        read_plain(row["stem"]) if row["markup"] == "html" else row["stem"],
        row["state"],
        row["published_at"],
        row["pool"],
    )
