"""Files that wait at the desk to be brought in, in PostgreSQL; the files themselves lie in a folder."""

from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.errors import NotFound
from core.ids import ItemId, PersonId
from core.moments import Moment
from question_bank.imports import Batch

_COLUMNS = "id, name, kept_as, size, brought_by, brought_at, gone_at"


class WaitingFile(Struct, frozen=True):
    """A file as somebody sent it. `kept_as`: its name in the folder."""

    id: int
    name: str
    kept_as: str
    size: int
    brought_by: PersonId
    brought_at: Moment
    gone_at: Moment | None


async def note_file(connection: AsyncConnection, name: str, kept_as: str, size: int, by: PersonId, at: Moment) -> int:
    row = await fetch_one(
        connection,
        """
        INSERT INTO question_bank.import_file (name, kept_as, size, brought_by, brought_at)
        VALUES (:name, :kept_as, :size, :by, :at) RETURNING id
        """,
        name=name,
        kept_as=kept_as,
        size=size,
        by=by,
        at=at,
    )
    assert row is not None
    return int(row["id"])


async def load_file(connection: AsyncConnection, file: int) -> WaitingFile:
    """Raises NotFound (`import_file_unknown`)."""
    row = await fetch_one(connection, f"SELECT {_COLUMNS} FROM question_bank.import_file WHERE id = :id", id=file)
    if row is None:
        raise NotFound("import_file_unknown", "Такого файла нет. Отправьте его ещё раз.")
    return _file(row)


async def mark_gone(connection: AsyncConnection, file: int, at: Moment) -> None:
    await execute(
        connection,
        "UPDATE question_bank.import_file SET gone_at = :at WHERE id = :id AND gone_at IS NULL",
        id=file,
        at=at,
    )


async def list_unread(connection: AsyncConnection) -> list[WaitingFile]:
    """Those that nobody had read yet, the newest first."""
    rows = await fetch_all(
        connection,
        f"""
        SELECT {_COLUMNS} FROM question_bank.import_file f
        WHERE gone_at IS NULL AND NOT EXISTS (SELECT FROM question_bank.import_batch b WHERE b.file_id = f.id)
        ORDER BY id DESC LIMIT 50
        """,
    )
    return [_file(row) for row in rows]


async def list_stale(connection: AsyncConnection, before: Moment) -> list[WaitingFile]:
    """Those that came before then and are not being read."""
    rows = await fetch_all(
        connection,
        f"""
        SELECT {_COLUMNS} FROM question_bank.import_file f
        WHERE gone_at IS NULL AND brought_at < :before AND NOT EXISTS (
            SELECT FROM question_bank.import_batch b WHERE b.file_id = f.id AND b.state = 'running')
        ORDER BY id LIMIT 1000
        """,
        before=before,
    )
    return [_file(row) for row in rows]


async def list_brought(connection: AsyncConnection, batch: Batch, limit: int) -> list[tuple[ItemId, int]]:
    """The first items of a file that was brought in, with the versions that it made."""
    if batch.done_by is None or batch.ended_at is None:
        return []
    rows = await fetch_all(
        connection,
        """
        SELECT item_id, version FROM question_bank.history
        WHERE done_at BETWEEN :from AND :until AND what = 'import' AND done_by = :by AND words = :name
        ORDER BY id LIMIT :limit
        """,
        **{"from": batch.started_at, "until": batch.ended_at},
        by=batch.done_by,
        name=batch.file_name,
        limit=limit,
    )
    return [(ItemId(row["item_id"]), int(row["version"])) for row in rows]


def _file(row: RowMapping) -> WaitingFile:
    return WaitingFile(
        row["id"],
        row["name"],
        row["kept_as"],
        row["size"],
        PersonId(row["brought_by"]),
        row["brought_at"],
        row["gone_at"],
    )
