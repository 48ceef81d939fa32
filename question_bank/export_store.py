"""Items taken away at the desk, in PostgreSQL: what was asked for, how far it is, what did not fit."""

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.errors import NotFound
from core.ids import PersonId
from core.moments import MINUTE, Moment
from question_bank.exchange.entries import Written
from question_bank.exporting import Export
from question_bank.imports import BatchState

SILENT = 2 * MINUTE
"""A run that has told nothing for so long has lost its process."""
REASON_INTERRUPTED = "Программа остановилась посреди выгрузки. Начните её ещё раз."

_COLUMNS = """
    id, format, query, version_state, kept_as, state, cancel_asked, total, written, left_out, remarks::text AS remarks,
    size, reason, done_by, started_at, ended_at, gone_at
"""
_remarks = msgspec.json.Decoder(dict[str, int])
_told = msgspec.json.Decoder(tuple[Written, ...])


class Run(Struct, frozen=True):
    """One file of items. `query`: what was asked of the list; `kept_as`: its name in the folder of the desk."""

    id: int
    format: str
    query: str
    version_state: str
    kept_as: str
    state: BatchState
    total: int
    written: int
    left_out: int
    remarks: dict[str, int]
    size: int
    reason: str
    done_by: PersonId
    started_at: Moment
    ended_at: Moment | None
    gone_at: Moment | None


async def open_run(
    connection: AsyncConnection,
    format: str,
    query: str,
    version_state: str,
    kept_as: str,
    total: int,
    by: PersonId,
    at: Moment,
) -> int:
    row = await fetch_one(
        connection,
        """
        INSERT INTO question_bank.export_run
            (format, query, version_state, kept_as, total, done_by, started_at, told_at)
        VALUES (:format, :query, :state, :kept_as, :total, :by, :at, :at) RETURNING id
        """,
        format=format,
        query=query,
        state=version_state or None,
        kept_as=kept_as,
        total=total,
        by=by,
        at=at,
    )
    assert row is not None
    return int(row["id"])


async def tell_run(connection: AsyncConnection, run: int, written: int, at: Moment) -> bool:
    """Write down how far a run is; whether it is to stop."""
    row = await fetch_one(
        connection,
        """
        UPDATE question_bank.export_run SET written = :written, told_at = :at
        WHERE id = :id AND state = 'running' RETURNING cancel_asked
        """,
        id=run,
        written=written,
        at=at,
    )
    return row is None or bool(row["cancel_asked"])


async def close_run(
    connection: AsyncConnection, run: int, state: BatchState, at: Moment, *, reason: str = "",
    done: Export | None = None, size: int = 0,
) -> bool:  # fmt: skip
    """False where it was closed already. `done`: what became of the items, where it is done."""
    done = done or Export(0, 0, {}, ())
    return bool(
        await execute(
            connection,
            """
            UPDATE question_bank.export_run
            SET state = :state, ended_at = :at, reason = :reason, size = :size, written = :written,
                left_out = :left_out, remarks = CAST(:remarks AS jsonb), told = CAST(:told AS jsonb)
            WHERE id = :id AND state = 'running'
            """,
            id=run,
            state=state,
            at=at,
            reason=reason,
            size=size,
            written=done.written,
            left_out=done.left_out,
            remarks=msgspec.json.encode(done.remarks).decode(),
            told=msgspec.json.encode(done.told).decode().replace("\\u0000", ""),
        )
    )


async def ask_to_stop(connection: AsyncConnection, run: int) -> None:
    """Have a running one stop, whichever process runs it."""
    await execute(
        connection,
        "UPDATE question_bank.export_run SET cancel_asked = true WHERE id = :id AND state = 'running'",
        id=run,
    )


async def mark_silent(connection: AsyncConnection, at: Moment) -> None:
    """Close runs whose process is gone."""
    await execute(
        connection,
        """
        UPDATE question_bank.export_run SET state = 'interrupted', ended_at = :at, reason = :reason
        WHERE state = 'running' AND told_at < :before
        """,
        at=at,
        before=at - SILENT,
        reason=REASON_INTERRUPTED,
    )


async def load_run(connection: AsyncConnection, run: int) -> Run:
    """Raises NotFound (`export_unknown`)."""
    row = await fetch_one(connection, f"SELECT {_COLUMNS} FROM question_bank.export_run WHERE id = :id", id=run)
    if row is None:
        raise NotFound("export_unknown", "Такой выгрузки нет.")
    return _run(row)


async def list_runs(connection: AsyncConnection, limit: int = 20) -> list[Run]:
    """The newest first."""
    rows = await fetch_all(
        connection, f"SELECT {_COLUMNS} FROM question_bank.export_run ORDER BY id DESC LIMIT :limit", limit=limit
    )
    return [_run(row) for row in rows]


async def list_told(connection: AsyncConnection, run: int) -> tuple[Written, ...]:
    """The first items of a run of which there is something to tell."""
    row = await fetch_one(connection, "SELECT told::text AS told FROM question_bank.export_run WHERE id = :id", id=run)
    return () if row is None else _told.decode(row["told"])


async def forget_files(connection: AsyncConnection, before: Moment, at: Moment) -> list[str]:
    """Runs that ended before then have no file any more; the names that their files had."""
    rows = await fetch_all(
        connection,
        """
        UPDATE question_bank.export_run SET gone_at = :at
        WHERE gone_at IS NULL AND state <> 'running' AND ended_at < :before RETURNING kept_as
        """,
        at=at,
        before=before,
    )
    return [row["kept_as"] for row in rows]


def _run(row: RowMapping) -> Run:
    return Run(
        row["id"],
        row["format"],
        row["query"],
        row["version_state"] or "",
        row["kept_as"],
        row["state"],
        row["total"],
        row["written"],
        row["left_out"],
        _remarks.decode(row["remarks"]),
        row["size"],
        row["reason"],
        PersonId(row["done_by"]),
        row["started_at"],
        row["ended_at"],
        row["gone_at"],
    )
