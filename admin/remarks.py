"""What candidates wrote about items during exams: «This item seems wrong». Who wrote it is not told to who reads it."""

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import fetch_all
from core.ids import ItemId
from core.moments import Moment
from question_bank.markup import read_plain

PAGE = 30
SHOWN = 20
"""Comments of one item that its line shows, the newest."""


class Comment(Struct, frozen=True):
    text: str
    written_at: Moment


class RemarkedItem(Struct, frozen=True):
    """One version of an item with what was written about it. `sittings`: how many had it at all."""

    item: ItemId
    version: int
    stem: str
    requirement: str
    withdrawn: bool
    remarks: int
    sittings: int
    comments: tuple[Comment, ...]


class RemarkPage(Struct, frozen=True):
    """One page of the list and how many item versions were remarked on in all."""

    rows: tuple[RemarkedItem, ...]
    total: int


async def list_remarks(connection: AsyncConnection, *, item: str = "", page: int = 1) -> RemarkPage:
    """Item versions that candidates remarked on, the most often first; with `item` those of one item."""
    rows = await fetch_all(
        connection,
        _REMARKS,
        item=item or None,
        limit=PAGE,
        offset=(page - 1) * PAGE,
        shown=SHOWN,
    )
    found = tuple(
        RemarkedItem(
            ItemId(row["item"]),
            row["version"],
            read_plain(row["stem"]) if row["markup"] == "html" else row["stem"] or "",
            row["requirement"] or "",
            row["state"] == "withdrawn",
            row["remarks"],
            row["sittings"],
            tuple(Comment(text, at) for text, at in zip(row["texts"], row["moments"], strict=True)),
        )
        for row in rows
    )
    return RemarkPage(found, rows[0]["total"] if rows else 0)


_REMARKS = """
    WITH remark AS (
        SELECT f.items[n.position + 1] AS item, f.versions[n.position + 1] AS version, n.body, n.written_at, n.id
        FROM exam_server.note n JOIN exam_server.form f ON f.sitting_id = n.sitting_id
        WHERE n.kind = 'question' AND n.position IS NOT NULL),
    page AS (
        SELECT item, version, count(*) AS remarks, count(*) OVER () AS total FROM remark
        WHERE CAST(:item AS text) IS NULL OR item = :item
        GROUP BY item, version ORDER BY count(*) DESC, max(written_at) DESC, item, version
        LIMIT :limit OFFSET :offset)
    SELECT p.item, p.version, p.remarks, p.total, v.content ->> 'stem' AS stem,
           v.content ->> 'markup' AS markup, v.requirement, i.state,
           c.texts, c.moments,
           (SELECT count(*) FROM exam_server.form f JOIN exam_server.sitting s ON s.id = f.sitting_id
            WHERE f.items @> ARRAY[p.item] AND s.entered_at IS NOT NULL
              AND f.versions[array_position(f.items, p.item)] = p.version) AS sittings
    FROM page p
    LEFT JOIN question_bank.item i ON i.id = p.item
    LEFT JOIN question_bank.item_version v ON v.item_id = p.item AND v.version = p.version
    CROSS JOIN LATERAL (
        SELECT array_agg(r.body ORDER BY r.written_at DESC, r.id DESC) AS texts,
               array_agg(r.written_at ORDER BY r.written_at DESC, r.id DESC) AS moments
        FROM (SELECT * FROM remark r WHERE r.item = p.item AND r.version = p.version
              ORDER BY r.written_at DESC, r.id DESC LIMIT :shown) r) c
    ORDER BY p.remarks DESC, c.moments[1] DESC, p.item, p.version
"""
