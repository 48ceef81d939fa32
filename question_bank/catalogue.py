"""The methodologist's list of items: found by words, by place in the catalogue, by state, by who wrote them.

An item stands in it once, by its newest version; what is in service is told beside.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.ids import ItemId, PersonId
from core.moments import Moment, Span
from question_bank.candidate_store import decode_content
from question_bank.forms import ItemKind, ItemPool, Language, Level
from question_bank.markup import read_plain
from question_bank.wanted import CALIBRATED, REPEALED, Wanted, conditions
from question_bank.word_store import find_meant
from question_bank.wording import (
    END_MARK,
    START_MARK,
    Piece,
    Query,
    cut_out,
    fold,
    read_marks,
    read_query,
)
from question_bank.workflow import Service, State

PAGE = 50
MAX_PAGE = 1_000
MOST_COUNTED, MOST_COUNTED_BY_WORDS = 10_000, 2_000
"""How many are counted, and how far one can leaf: beyond, whoever looks is asked to say more."""
RANKED = 1_000
"""So many are put in the order of how well they answer; more than that in the order of their ids."""
MOST_PLACES = 30
MOST_TAKEN = 10_000_000
"""No bank is larger."""
LONGEST_TOLD = 3_000
SHORTLY_COUNTED = 1_000

Shortcut = Literal["drafts", "reviews", "approved", "unready"]


class ItemRow(Struct, frozen=True):
    """One line of the methodologist's list: the newest version of an item. `author` None: it came with the bank."""

    item: ItemId
    version: int
    state: State
    service: Service
    in_service: int
    ready: bool
    repealed: bool
    speciality: str
    requirement: str
    kind: ItemKind
    level: Level
    difficulty: float
    limit: Span
    stem: str
    pieces: tuple[Piece, ...]
    """So much of its text as a line has room for, with the words that were looked for."""
    saved_at: Moment
    pool: ItemPool
    tags: tuple[str, ...]
    language: Language
    author: PersonId | None
    judged: float | None
    """Mean of the judges' ratings of this version, 0..1."""
    judges: int
    calibrated: bool


class ItemPage(Struct, frozen=True):
    rows: tuple[ItemRow, ...]
    total: int
    """How many items match, as far as they are counted."""
    more: bool = False
    """There are more."""
    meant: dict[str, str] = {}
    """Words that nothing has, with those that were looked for in their place."""


async def list_items(
    connection: AsyncConnection, wanted: Wanted = Wanted(), *, words: str = "", limit: int = PAGE, offset: int = 0
) -> ItemPage:
    """One page of items. `words` looks in stems, prompts and choices (Russian morphology; quotes and minus as in web
    search; the last word may be a beginning), in titles of requirements, and at the beginning of ids and codes. Where
    that finds nothing, words that the bank does not have are taken for mistyped ones.
    """
    query = read_query(words)
    if words.strip() and not query.text:
        return ItemPage((), 0)
    limit, offset = max(1, min(limit, MAX_PAGE)), max(0, offset)
    await _plan_anew(connection)
    found = await _find(connection, wanted, query, limit, offset)
    if query.text and not found.total:
        meant = await find_meant(connection, query)
        if meant:
            found = replace(await _find(connection, wanted, query.replaced(meant), limit, offset), meant=meant)
    return found


async def list_refs(
    connection: AsyncConnection, wanted: Wanted, words: str, most: int
) -> tuple[list[tuple[ItemId, int]], int, bool]:
    """The first items that match, each with its newest version, by id; how many match (see ItemPage), and whether
    there are more."""
    found = await list_items(connection, wanted, words=words, limit=most)
    return sorted((row.item, row.version) for row in found.rows), found.total, found.more


async def list_ids(connection: AsyncConnection, wanted: Wanted, words: str) -> list[ItemId]:
    """Every item that matches as in list_items, however many they are."""
    query = read_query(words)
    if words.strip() and not query.text:
        return []
    await _plan_anew(connection)
    found = await _list_ids(connection, wanted, query)
    if query.text and not found and (meant := await find_meant(connection, query)):
        found = await _list_ids(connection, wanted, query.replaced(meant))
    return found


async def _list_ids(connection: AsyncConnection, wanted: Wanted, query: Query) -> list[ItemId]:
    found, values = await _search(connection, wanted, query)
    rows = await fetch_all(
        connection, f"SELECT item_id FROM ({found}) f ORDER BY item_id", **values, counted=MOST_TAKEN
    )
    return [ItemId(row["item_id"]) for row in rows]


async def count_shortcuts(connection: AsyncConnection, person: PersonId) -> dict[Shortcut, int]:
    """How many items each shortcut leads to, at most SHORTLY_COUNTED + 1."""
    await _plan_anew(connection)
    counts: dict[Shortcut, int] = {}
    for name, wanted in shortcuts(person).items():
        said, values = conditions(wanted)
        row = await fetch_one(
            connection,
            f"SELECT count(*) AS total FROM (SELECT {_BASE} {said} LIMIT :most) found",
            **values,
            most=SHORTLY_COUNTED + 1,
        )
        counts[name] = 0 if row is None else int(row["total"])
    return counts


def shortcuts(person: PersonId) -> dict[Shortcut, Wanted]:
    """What whoever works on the bank looks for every day."""
    return {
        "drafts": Wanted(where="draft", author=person),
        "reviews": Wanted(reviewer=person),
        "approved": Wanted(where="approved"),
        "unready": Wanted(where="unready"),
    }


async def list_authors(connection: AsyncConnection) -> list[PersonId]:
    """Everybody who wrote a version."""
    rows = await fetch_all(
        connection,
        """
        WITH RECURSIVE who AS (
            (SELECT min(author) AS author FROM question_bank.item_version)
            UNION ALL
            SELECT (SELECT min(v.author) FROM question_bank.item_version v WHERE v.author > who.author)
            FROM who WHERE who.author IS NOT NULL
        )
        SELECT author FROM who WHERE author IS NOT NULL LIMIT 1000
        """,
    )
    return [PersonId(row["author"]) for row in rows]


# --- how it is found

_BASE = """
    i.id AS item_id, v.version FROM question_bank.item i
    JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = i.latest
"""
_QUERY = """(websearch_to_tsquery('russian', :head) &&
    (to_tsquery('russian', :last) || to_tsquery('simple', :beginning)))"""
"""The last word as it is, or as the beginning of one. Not the beginning of its stem: what «нео» leaves is «не»."""
_TITLE = "to_tsvector('russian', replace(lower(title), 'ё', 'е'))"
# Asked for one by one, and only where few were found: reading every text takes longer than finding it.
_RANK = f"""(SELECT ts_rank(v.words, {_QUERY}) FROM question_bank.item_version v
    WHERE v.item_id = f.item_id AND v.version = f.version)"""


async def _plan_anew(connection: AsyncConnection) -> None:
    """A rare word and one that every item has need different plans."""
    await execute(connection, "SET LOCAL plan_cache_mode = force_custom_plan")


async def _search(connection: AsyncConnection, wanted: Wanted, query: Query) -> tuple[str, dict[str, object]]:
    """SELECT near, item_id, version of what matches, with its values; each way to find it brings at most `:counted`.

    `near`: 2 found by its id, 1 by its words, 0 by its requirement.
    """
    said, values = conditions(wanted)
    branches = [f"SELECT 0 AS near, {_BASE} {said} ORDER BY i.id LIMIT :counted"]
    if query.text:
        values |= _words(query)
        branches = [f"SELECT 1 AS near, {_BASE} {said} AND v.words @@ {_QUERY} ORDER BY i.id LIMIT :counted"]
        if query.number:
            branches.append(f"SELECT 2 AS near, {_BASE} {said} AND lower(i.id) LIKE :number LIMIT :counted")
        places = await _find_places(connection, query)
        if places:
            branches.append(f"""SELECT 0 AS near, {_BASE} {said} AND (v.speciality, v.requirement) IN (
                SELECT * FROM unnest(CAST(:specialities AS text[]), CAST(:codes AS text[])))
                LIMIT :counted""")
            values["specialities"] = [speciality for speciality, _ in places]
            values["codes"] = [code for _, code in places]
    found = branches[0]
    if len(branches) > 1:
        found = f"""SELECT max(near) AS near, item_id, version
            FROM ({" UNION ALL ".join(f"({one})" for one in branches)}) branch GROUP BY item_id, version"""
    return found, values


async def _find(connection: AsyncConnection, wanted: Wanted, query: Query, limit: int, offset: int) -> ItemPage:
    most = MOST_COUNTED_BY_WORDS if query.text else MOST_COUNTED
    found, values = await _search(connection, wanted, query)
    rank = f"CASE WHEN f.near = 1 AND t.total <= {RANKED} THEN {_RANK} ELSE 0 END" if query.text else "0"
    rows = await fetch_all(
        connection,
        f"""
        WITH f AS MATERIALIZED ({found}), t AS (SELECT count(*) AS total FROM f),
        page AS (
            SELECT f.item_id, f.version, row_number() OVER (ORDER BY f.near DESC, {rank} DESC, f.item_id) AS place
            FROM f CROSS JOIN t
            ORDER BY place LIMIT :limit OFFSET :offset
        )
        SELECT t.total, i.id, i.state AS service, i.version AS in_service, i.pool, v.version, v.state, v.ready,
               v.speciality, v.requirement, v.kind, v.level, v.difficulty, v.limit_ms, v.published_at, v.tags,
               v.language, v.author, v.content ->> 'stem' AS stem, v.content ->> 'markup' AS markup,
               {"v.content::text AS content," if query.text else ""}
               {REPEALED} AS repealed, rated.judged, rated.judges, {CALIBRATED} AS calibrated
        FROM t LEFT JOIN page ON true
        LEFT JOIN question_bank.item i ON i.id = page.item_id
        LEFT JOIN question_bank.item_version v ON v.item_id = page.item_id AND v.version = page.version
        LEFT JOIN LATERAL (
            SELECT avg(a.rating)::float8 / 100 AS judged, count(*) AS judges FROM question_bank.angoff_rating a
            WHERE a.item_id = page.item_id AND a.version = page.version) rated ON true
        ORDER BY page.place
        """,
        **values,
        counted=most + 1,
        limit=max(0, min(limit, most - offset)),
        offset=min(offset, most),
    )
    total = int(rows[0]["total"])
    listed = [row for row in rows if row["id"] is not None]
    texts = [_text(row) for row in listed]
    marks = await _mark(connection, query, texts) if query.text and listed else [[] for _ in texts]
    return ItemPage(
        tuple(_row(row, text, spans) for row, text, spans in zip(listed, texts, marks, strict=True)),
        min(total, most),
        total > most,
    )


def _words(query: Query) -> dict[str, object]:
    values = _typed(query)
    if query.number:
        values["number"] = _beginning(query.number)
    return values


def _typed(query: Query) -> dict[str, object]:
    last = f"'{query.last}'" if query.last else ""
    return {"head": query.head, "last": last, "beginning": f"{last}:*" if last else ""}


def _beginning(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


async def _find_places(connection: AsyncConnection, query: Query) -> list[tuple[str, str]]:
    """Requirements by the beginning of their code and by their titles."""
    by_code = "OR lower(code) LIKE :number" if query.number else ""
    rows = await fetch_all(
        connection,
        f"SELECT speciality, code FROM question_bank.requirement WHERE {_TITLE} @@ {_QUERY} {by_code} LIMIT :most",
        **_words(query),
        most=MOST_PLACES,
    )
    return [(row["speciality"], row["code"]) for row in rows]


def _text(row: RowMapping) -> str:
    """The stem, and after it what else a word may have been found in."""
    parts = [row["stem"]]
    for stage in decode_content(row["content"]).stages if "content" in row else ():
        parts += [stage.prompt, stage.reveal, *(choice.text for choice in stage.choices)]
    plain = (read_plain(part) if row["markup"] == "html" else part for part in parts)
    return " ".join(" · ".join(part for part in plain if part).split())[:LONGEST_TOLD]


async def _mark(connection: AsyncConnection, query: Query, texts: list[str]) -> list[list[tuple[int, int]]]:
    """Where the found words stand in each of the texts."""
    rows = await fetch_all(
        connection,
        f"""
        SELECT ts_headline('russian', told, {_QUERY}, :options) AS marked
        FROM unnest(CAST(:texts AS text[])) WITH ORDINALITY AS t(told, place) ORDER BY place
        """,
        **_typed(query),
        options=f"HighlightAll=true, StartSel={START_MARK}, StopSel={END_MARK}",
        texts=[fold(text) for text in texts],
    )
    return [read_marks(text, row["marked"]) for text, row in zip(texts, rows, strict=True)]


def _row(row: RowMapping, text: str, spans: list[tuple[int, int]]) -> ItemRow:
    author = row["author"]
    return ItemRow(
        item=ItemId(row["id"]),
        version=row["version"],
        state=row["state"],
        service=row["service"],
        in_service=row["in_service"],
        ready=row["ready"],
        repealed=row["repealed"],
        speciality=row["speciality"],
        requirement=row["requirement"],
        kind=row["kind"],
        level=row["level"],
        difficulty=row["difficulty"],
        limit=row["limit_ms"],
        stem=read_plain(row["stem"]) if row["markup"] == "html" else row["stem"],
        pieces=cut_out(text, spans),
        saved_at=row["published_at"],
        pool=row["pool"],
        tags=tuple(row["tags"]),
        language=row["language"],
        author=None if author is None else PersonId(author),
        judged=row["judged"],
        judges=row["judges"],
        calibrated=row["calibrated"],
    )
