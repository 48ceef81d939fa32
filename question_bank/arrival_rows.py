"""Versions that arrive by the thousand, and the lines of their report, copied into PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all
from core.ids import ItemId, PersonId
from core.moments import Moment
from question_bank.arrivals import Columns
from question_bank.imports import Line, digest_of
from question_bank.items import Item
from question_bank.store import load_items
from question_bank.word_store import keep_words
from question_bank.wording import words_of

MAX_ORIGINAL = 256 << 10
"""Bytes kept of one rejected item."""
FILLED = 2_000
"""Digests that are added in one statement."""

_STAGING = "arriving_version"
_FIELDS = (
    "item_id", "version", "pool", "speciality", "requirement", "kind", "level", "difficulty", "limit_ms", "content",
    "words", "ready", "tags", "language", "stages", "explanation", "sources", "digest",
    "sketch",
)  # fmt: skip


_LINE = (
    "batch_id", "number", "place", "member", "line", "identifier", "item_id", "fate", "weight", "code", "sentence",
)  # fmt: skip


class Arrival(Struct, frozen=True):
    """A version on its way in, and its row."""

    item: Item
    columns: Columns
    ready: bool


class Known(Struct, frozen=True):
    """An item of the bank that a file has too."""

    latest: int
    state: str
    pool: str


async def make_room(connection: AsyncConnection) -> None:
    """The table that versions are copied into first; it is gone with the transaction."""
    await execute(
        connection,
        f"""
        CREATE TEMPORARY TABLE {_STAGING} (
            item_id text, version int, pool text, speciality text, requirement text, kind text, level text,
            difficulty float8, limit_ms int, content text, words text, ready boolean, tags text[], language text,
            stages text, explanation text, sources text, digest bytea, sketch int[]
        ) ON COMMIT DROP
        """,
    )


async def copy_versions(
    connection: AsyncConnection,
    arrivals: Sequence[Arrival],
    by: PersonId | None,
    at: Moment,
    words: str,
    known: set[str],
) -> None:
    """Draft versions, the first of their items or the next; search index included. Nothing is checked.

    `known`: forms of words that were kept before, to which those of these items are added.
    """
    await _copy(connection, _STAGING, None, _FIELDS, [_record(one) for one in arrivals])
    await execute(
        connection,
        f"""
        INSERT INTO question_bank.item (id, version, latest, pool, state)
        SELECT item_id, 1, 1, pool, 'working' FROM {_STAGING} WHERE version = 1
        """,
    )
    if any(one.item.version > 1 for one in arrivals):
        await execute(
            connection,
            f"""
            UPDATE question_bank.item i
            SET latest = s.version, version = CASE WHEN i.state = 'working' THEN s.version ELSE i.version END
            FROM {_STAGING} s WHERE i.id = s.item_id AND s.version > 1
            """,
        )
    await execute(
        connection,
        f"""
        INSERT INTO question_bank.item_version
            (item_id, version, speciality, requirement, kind, level, difficulty, limit_ms, content, words,
             published_at, state, ready, author, tags, language, sketch)
        SELECT item_id, version, speciality, requirement, kind, level, difficulty, limit_ms, CAST(content AS jsonb),
               to_tsvector('russian', words), :at, 'draft', ready, CAST(:by AS bigint), tags, language, sketch
        FROM {_STAGING}
        """,
        at=at,
        by=by,
    )
    await execute(
        connection,
        f"""
        INSERT INTO question_bank.item_key (item_id, version, stages, explanation, sources)
        SELECT item_id, version, CAST(stages AS jsonb), explanation, CAST(sources AS jsonb) FROM {_STAGING}
        """,
    )
    await execute(
        connection,
        f"""
        INSERT INTO question_bank.item_digest (item_id, version, digest)
        SELECT item_id, version, digest FROM {_STAGING}
        """,
    )
    if by is not None:
        await execute(
            connection,
            f"""
            INSERT INTO question_bank.history (item_id, version, what, words, done_by, done_at)
            SELECT item_id, version, 'import', :words, :by, :at FROM {_STAGING} ORDER BY item_id
            """,
            words=words,
            by=by,
            at=at,
        )
    await execute(connection, f"TRUNCATE {_STAGING}")
    forms = words_of("\n".join(one.columns.words for one in arrivals)) - known
    if forms:
        await keep_words(connection, sorted(forms))
        known |= forms


async def copy_lines(connection: AsyncConnection, batch: int, first: int, lines: Sequence[Line]) -> None:
    """Lines of a report, numbered from `first`."""
    await _copy(
        connection,
        "import_line",
        "question_bank",
        _LINE,
        [
            (
                batch, number, line.place.number, _plain(line.place.member, 300), line.place.line,
                _plain(line.identifier, 200), line.item, line.fate, line.weight, line.code,
                _plain(line.sentence, 2_000),
            )
            for number, line in enumerate(lines, first)
        ],
    )  # fmt: skip


async def copy_originals(connection: AsyncConnection, batch: int, originals: Sequence[tuple[int, str, bytes]]) -> None:
    """Rejected items by their place in the file, with media types."""
    await _copy(
        connection,
        "import_original",
        "question_bank",
        ("batch_id", "place", "media_type", "whole", "original"),
        [
            (batch, place, media_type[:100], len(data) <= MAX_ORIGINAL, data[:MAX_ORIGINAL])
            for place, media_type, data in originals
        ],
    )


async def reserve_ids(connection: AsyncConnection, count: int) -> list[ItemId]:
    """Ids for new items. That nobody else has them is found with `find_known`."""
    rows = await fetch_all(
        connection,
        "SELECT nextval('question_bank.item_number') AS number FROM generate_series(1, :count)",
        count=count,
    )
    return [ItemId(f"i{row['number']:06}") for row in rows]


async def find_known(connection: AsyncConnection, items: Sequence[ItemId], *, lock: bool) -> dict[ItemId, Known]:
    """Those of the items that the bank has, locked until the transaction ends."""
    rows = await fetch_all(
        connection,
        f"""
        SELECT id, latest, state, pool FROM question_bank.item WHERE id = ANY(CAST(:ids AS text[]))
        ORDER BY id {"FOR UPDATE" if lock else ""}
        """,
        ids=items,
    )
    return {ItemId(row["id"]): Known(row["latest"], row["state"], row["pool"]) for row in rows}


async def find_same(connection: AsyncConnection, digests: Sequence[bytes]) -> dict[bytes, ItemId]:
    """Items whose newest version says what one of the digests is of, by digest."""
    rows = await fetch_all(
        connection,
        """
        SELECT d.digest, min(d.item_id) AS item_id
        FROM question_bank.item_digest d JOIN question_bank.item i ON i.id = d.item_id AND i.latest = d.version
        WHERE d.digest = ANY(CAST(:digests AS bytea[])) AND i.state <> 'withdrawn' GROUP BY d.digest
        """,
        digests=digests,
    )
    return {bytes(row["digest"]): ItemId(row["item_id"]) for row in rows}


async def fill_digests(connection: AsyncConnection) -> bool:
    """Add digests of newest versions that have none, some at a time; whether there may be more."""
    rows = await fetch_all(
        connection,
        """
        SELECT i.id, i.latest FROM question_bank.item i
        WHERE NOT EXISTS (SELECT FROM question_bank.item_digest d WHERE d.item_id = i.id AND d.version = i.latest)
        LIMIT :most
        """,
        most=FILLED,
    )
    items = await load_items(connection, [(ItemId(row["id"]), row["latest"]) for row in rows])
    await execute(
        connection,
        """
        INSERT INTO question_bank.item_digest (item_id, version, digest)
        SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:versions AS int[]), CAST(:digests AS bytea[]))
        ON CONFLICT DO NOTHING
        """,
        ids=[item for item, _ in items],
        versions=[version for _, version in items],
        digests=[digest_of(item) for item in items.values()],
    )
    return len(rows) == FILLED


def _record(arrival: Arrival) -> tuple[object, ...]:
    item, columns = arrival.item, arrival.columns
    return (
        item.id,
        item.version,
        item.pool,
        item.speciality,
        item.requirement,
        item.kind,
        item.level,
        item.difficulty,
        item.limit,
        columns.content,
        columns.words,
        arrival.ready,
        item.tags,
        item.language,
        columns.stages,
        item.explanation,
        columns.sources,
        columns.digest,
        columns.sketch,
    )


def _plain(text: str, most: int) -> str:
    """As PostgreSQL takes it."""
    return text[:most].replace("\0", "").encode(errors="replace").decode()


async def _copy(
    connection: AsyncConnection, table: str, schema: str | None, columns: Sequence[str], records: Sequence[Any]
) -> None:
    """By the protocol of COPY, within the connection's transaction, which has to have begun."""
    if records:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.copy_records_to_table(table, schema_name=schema, columns=columns, records=records)
