"""The register as its keepers read it: every entry with its versions and reasons."""

from datetime import date

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.access import Principal
from core.database import fetch_all, fetch_one
from core.errors import NotFound
from core.ids import RegisterNumber
from core.moments import Moment
from registry import entries, names, numbers, store
from registry.entries import SOON, Entry, Status
from registry.notices import Speciality

PAGE = 50


class EntryRow(Struct, frozen=True):
    """One line of the list."""

    number: str
    name: str
    speciality: str
    valid_from: date
    valid_to: date
    status: Status
    version: int
    recorded_at: Moment


class EntryPage(Struct, frozen=True):
    """One page of the list and how many entries match in all."""

    rows: tuple[EntryRow, ...]
    total: int


async def list_entries(
    connection: AsyncConnection,
    today: date,
    *,
    words: str = "",
    speciality: str | None = None,
    status: Status | None = None,
    page: int = 1,
) -> EntryPage:
    """Entries by their latest change. `words`: a number, or the beginning of a name. Raises Invalid for a mistyped
    number."""
    number = numbers.read(words) if words and numbers.looks_like(words) else None
    name = "" if number is not None else names.plain(words).replace("_", "")
    rows = await fetch_all(
        connection,
        _LIST,
        today=today,
        soon=today + SOON,
        number=number,
        name=f"{name}%",
        speciality=speciality or None,
        status=None if status is None else status.value,
        limit=PAGE,
        offset=(page - 1) * PAGE,
    )
    found = tuple(
        EntryRow(
            row["number"],
            row["name"],
            row["speciality_title"],
            row["valid_from"],
            row["valid_to"],
            Status(row["status"]),
            row["version"],
            row["recorded_at"],
        )
        for row in rows
    )
    return EntryPage(found, rows[0]["total"] if rows else 0)


async def count_entries(connection: AsyncConnection) -> int:
    """How many entries the register has."""
    row = await fetch_one(connection, "SELECT count(*) AS many FROM registry.entry")
    return 0 if row is None else int(row["many"])


async def list_specialities(connection: AsyncConnection) -> list[Speciality]:
    """Specialities that have entries."""
    return await store.specialities(connection)


class EntrySheet(Struct, frozen=True):
    """One entry as it stands, and every version of it: when, by whom, what."""

    entry: Entry
    status: Status
    history: tuple[tuple[Moment, str, Entry], ...]


async def open_entry(
    connection: AsyncConnection, number: str, today: date, reader: Principal, now: Moment
) -> EntrySheet:
    """Raises Invalid for what is no number, NotFound. Reading an entry is written down."""
    wanted: RegisterNumber = numbers.read(number)
    entry = await store.entry(connection, wanted)
    if entry is None:
        raise NotFound("entry_unknown", "Записи с таким номером в реестре нет. Сверьте номер с выпиской.")
    history = await store.history(connection, wanted)
    await journal.record(connection, f"person:{reader.id}", "register.entry_read", f"entry:{wanted}", {}, now)
    return EntrySheet(entry, entries.status(entry, today), tuple(history))


_LIST = """
    SELECT one.*, count(*) OVER () AS total FROM (
        SELECT v.number, v.name, v.speciality_title, v.valid_from, v.valid_to, v.version, v.recorded_at,
               CASE WHEN v.annulled THEN 'annulled'
                    WHEN v.superseded_by IS NOT NULL THEN 'superseded'
                    WHEN v.valid_to < CAST(:today AS date) THEN 'expired'
                    WHEN v.suspended THEN 'suspended'
                    WHEN v.valid_to <= CAST(:soon AS date) THEN 'expires_soon'
                    ELSE 'valid' END AS status
        FROM registry.entry e JOIN registry.entry_version v ON v.number = e.number AND v.version = e.version
        WHERE (CAST(:number AS text) IS NULL OR e.number = :number)
          AND e.search_name LIKE :name
          AND (CAST(:speciality AS text) IS NULL OR e.speciality = :speciality)) one
    WHERE CAST(:status AS text) IS NULL OR one.status = :status
    ORDER BY one.recorded_at DESC, one.number LIMIT :limit OFFSET :offset
"""
