"""Files brought in, in PostgreSQL: batches, the lines of their reports, what they rejected as it stood."""

from collections.abc import AsyncIterator

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one, take_turn
from core.errors import Conflict, NotFound
from core.ids import PersonId
from core.moments import Moment
from question_bank.drafts import Defaults
from question_bank.exchange.entries import Place
from question_bank.imports import Batch, BatchState, Counts, Line, Wishes

PAGE = 1_000
REASON_INTERRUPTED = "Программа остановилась посреди загрузки. В банк ничего не попало: загрузите файл ещё раз."

_defaults = msgspec.json.Decoder(Defaults)
_counts = msgspec.json.Decoder(Counts)
_COLUMNS = """
    id, file_name, format, size, dry, state, defaults::text AS defaults, counts::text AS counts, reason, done_by,
    started_at, ended_at, file_id, unknown_requirement
"""


class Original(Struct, frozen=True):
    """A rejected item as it stood in its file; `whole` False: the beginning of it."""

    media_type: str
    whole: bool
    data: bytes


async def open_batch(
    connection: AsyncConnection,
    file_name: str,
    format: str,
    size: int,
    wishes: Wishes,
    by: PersonId | None,
    at: Moment,
    *,
    dry: bool,
    file: int | None = None,
    number: int | None = None,
) -> int:
    """Begin a batch. `file`: the one at the desk that it reads; `number`: taken before.

    Raises Conflict (`import_begun`) while that file is being read, and where it has been brought in.
    """
    row = await fetch_one(
        connection,
        """
        INSERT INTO question_bank.import_batch
            (id, file_name, format, size, dry, defaults, done_by, started_at, file_id, unknown_requirement)
        OVERRIDING SYSTEM VALUE
        VALUES (coalesce(CAST(:number AS bigint), nextval('question_bank.import_batch_id_seq')),
                :name, :format, :size, :dry, CAST(:defaults AS jsonb), :by, :at, CAST(:file AS bigint), :unknown)
        ON CONFLICT (file_id) WHERE state = 'running' DO NOTHING RETURNING id
        """,
        name=file_name[:300],
        format=format,
        size=size,
        dry=dry,
        defaults=msgspec.json.encode(wishes.defaults).decode(),
        by=by,
        at=at,
        file=file,
        unknown=wishes.unknown_requirement,
        number=number,
    )
    if row is None or (file is not None and await is_brought_in(connection, file)):
        raise Conflict("import_begun", "Этот файл уже загружается или загружен. Откройте его загрузку из списка.")
    return int(row["id"])


async def is_brought_in(connection: AsyncConnection, file: int) -> bool:
    """Whether what a file at the desk has is in the bank."""
    row = await fetch_one(
        connection,
        "SELECT id FROM question_bank.import_batch WHERE file_id = :file AND state = 'done' AND NOT dry LIMIT 1",
        file=file,
    )
    return row is not None


async def judged_batch(connection: AsyncConnection, file: int) -> Batch | None:
    """The newest dry run that read a file at the desk to its end."""
    row = await fetch_one(
        connection,
        f"""
        SELECT {_COLUMNS} FROM question_bank.import_batch
        WHERE file_id = :file AND dry AND state = 'done' ORDER BY id DESC LIMIT 1
        """,
        file=file,
    )
    return None if row is None else _batch(row)


async def newest_batch(connection: AsyncConnection, file: int) -> Batch | None:
    """Of a file at the desk, whatever became of it."""
    row = await fetch_one(
        connection,
        f"SELECT {_COLUMNS} FROM question_bank.import_batch WHERE file_id = :file ORDER BY id DESC LIMIT 1",
        file=file,
    )
    return None if row is None else _batch(row)


async def take_number(connection: AsyncConnection) -> int:
    """A number for a batch that is the caller's until the transaction ends."""
    row = await fetch_one(connection, "SELECT nextval('question_bank.import_batch_id_seq') AS number")
    assert row is not None
    await take_turn(connection, _turn(row["number"]))
    return int(row["number"])


async def own_batch(connection: AsyncConnection, batch: int) -> bool:
    """Take a batch until the transaction ends: as long as somebody has it, it is not interrupted."""
    if not await take_turn(connection, _turn(batch)):
        return False
    row = await fetch_one(connection, "SELECT state FROM question_bank.import_batch WHERE id = :id", id=batch)
    return row is not None and row["state"] == "running"


async def tell_progress(connection: AsyncConnection, batch: int, counts: Counts) -> bool:
    """Write down how far a batch is; whether it is to be cancelled."""
    row = await fetch_one(
        connection,
        """
        UPDATE question_bank.import_batch SET counts = CAST(:counts AS jsonb)
        WHERE id = :id AND state = 'running' RETURNING cancel_asked
        """,
        id=batch,
        counts=msgspec.json.encode(counts).decode(),
    )
    return row is None or bool(row["cancel_asked"])


async def close_batch(
    connection: AsyncConnection, batch: int, state: BatchState, counts: Counts, at: Moment, reason: str = ""
) -> bool:
    """False where it was closed already."""
    return bool(
        await execute(
            connection,
            """
            UPDATE question_bank.import_batch
            SET state = :state, counts = CAST(:counts AS jsonb), ended_at = :at, reason = :reason
            WHERE id = :id AND state = 'running'
            """,
            id=batch,
            state=state,
            counts=msgspec.json.encode(counts).decode(),
            at=at,
            reason=reason,
        )
    )


async def ask_to_cancel(connection: AsyncConnection, batch: int) -> bool:
    """Have a running batch stop, whichever process runs it; False where it has ended."""
    return bool(
        await execute(
            connection,
            "UPDATE question_bank.import_batch SET cancel_asked = true WHERE id = :id AND state = 'running'",
            id=batch,
        )
    )


async def mark_interrupted(connection: AsyncConnection, at: Moment) -> int:
    """Close batches whose process is gone; how many there were."""
    rows = await fetch_all(
        connection, "SELECT id FROM question_bank.import_batch WHERE state = 'running' ORDER BY id LIMIT 100"
    )
    interrupted = 0
    for row in rows:
        if await own_batch(connection, row["id"]):
            interrupted += await close_batch(connection, row["id"], "interrupted", Counts(), at, REASON_INTERRUPTED)
    return interrupted


async def load_batch(connection: AsyncConnection, batch: int) -> Batch:
    """Raises NotFound (`import_unknown`)."""
    row = await fetch_one(connection, f"SELECT {_COLUMNS} FROM question_bank.import_batch WHERE id = :id", id=batch)
    if row is None:
        raise NotFound("import_unknown", "Такой загрузки нет.")
    return _batch(row)


async def list_batches(connection: AsyncConnection, limit: int = 50, offset: int = 0) -> list[Batch]:
    """The newest first."""
    rows = await fetch_all(
        connection,
        f"SELECT {_COLUMNS} FROM question_bank.import_batch ORDER BY id DESC LIMIT :limit OFFSET :offset",
        limit=limit,
        offset=offset,
    )
    return [_batch(row) for row in rows]


async def list_lines(
    connection: AsyncConnection, batch: int, *, code: str | None = None, limit: int = PAGE, after: int = 0
) -> list[tuple[int, Line]]:
    """Numbered lines of a report in the order of the file, those after a number; of one code, if it is named."""
    rows = await fetch_all(
        connection,
        """
        SELECT number, place, member, line, identifier, item_id, fate, weight, code, sentence
        FROM question_bank.import_line
        WHERE batch_id = :id AND number > :after AND (CAST(:code AS text) IS NULL OR code = :code)
        ORDER BY number LIMIT :limit
        """,
        id=batch,
        after=after,
        code=code,
        limit=limit,
    )
    return [(row["number"], _line(row)) for row in rows]


async def show_lines(
    connection: AsyncConnection, batch: int, *, weight: str = "", code: str = "", limit: int, offset: int
) -> list[tuple[Line, bool]]:
    """Lines of a report in the order of the file, of one weight or code; with whether there is an original to show."""
    rows = await fetch_all(
        connection,
        """
        SELECT l.number, l.place, l.member, l.line, l.identifier, l.item_id, l.fate, l.weight, l.code, l.sentence,
               l.weight = 'rejection' AND EXISTS (
                   SELECT FROM question_bank.import_original o WHERE o.batch_id = l.batch_id AND o.place = l.place
               ) AS original
        FROM question_bank.import_line l
        WHERE l.batch_id = :id AND (:weight = '' OR l.weight = :weight) AND (:code = '' OR l.code = :code)
        ORDER BY l.number LIMIT :limit OFFSET :offset
        """,
        id=batch,
        weight=weight,
        code=code,
        limit=limit,
        offset=offset,
    )
    return [(_line(row), row["original"]) for row in rows]


class Kind(Struct, frozen=True):
    """Lines of a report that say the same. `sentence`: one of them, the first by alphabet."""

    weight: str
    code: str
    count: int
    sentence: str


async def count_kinds(connection: AsyncConnection, batch: int) -> list[Kind]:
    """The gravest first, and of those the most frequent."""
    rows = await fetch_all(
        connection,
        """
        SELECT weight, code, count(*) AS count, min(sentence) AS sentence FROM question_bank.import_line
        WHERE batch_id = :id GROUP BY weight, code
        ORDER BY array_position(ARRAY['rejection', 'fault', 'loss', 'note'], weight), count(*) DESC, code
        """,
        id=batch,
    )
    return [Kind(row["weight"], row["code"], int(row["count"]), row["sentence"]) for row in rows]


async def all_lines(connection: AsyncConnection, batch: int) -> AsyncIterator[Line]:
    after = 0
    while page := await list_lines(connection, batch, after=after):
        for number, line in page:
            after = number
            yield line


async def load_original(connection: AsyncConnection, batch: int, place: int) -> Original:
    """A rejected item as it stood. Raises NotFound (`original_unknown`)."""
    row = await fetch_one(
        connection,
        """
        SELECT media_type, whole, original FROM question_bank.import_original WHERE batch_id = :id AND place = :place
        """,
        id=batch,
        place=place,
    )
    if row is None:
        raise NotFound("original_unknown", "Исходного текста этого задания в отчёте нет.")
    return Original(row["media_type"], row["whole"], bytes(row["original"]))


def _turn(batch: int) -> str:
    return f"question_bank.import:{batch}"


def _batch(row: RowMapping) -> Batch:
    return Batch(
        row["id"],
        row["file_name"],
        row["format"],
        row["size"],
        row["dry"],
        row["state"],
        _defaults.decode(row["defaults"]),
        _counts.decode(row["counts"]),
        row["reason"],
        None if row["done_by"] is None else PersonId(row["done_by"]),
        row["started_at"],
        row["ended_at"],
        row["file_id"],
        row["unknown_requirement"],
    )


def _line(row: RowMapping) -> Line:
    return Line(
        Place(row["place"], row["member"], row["line"]),
        row["fate"],
        row["weight"],
        row["code"],
        row["sentence"],
        row["identifier"],
        row["item_id"],
    )
