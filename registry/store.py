"""The register's tables. Entries are read in their latest version; versions are only ever added."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.ids import RegisterNumber
from core.moments import Moment
from registry import names
from registry.entries import Entry
from registry.notices import Decision, Kind, OutcomeNotice, Speciality

_LATEST = (
    "SELECT v.*, e.key, e.version AS latest FROM registry.entry e"
    " JOIN registry.entry_version v ON v.number = e.number AND v.version = e.version"
)


class Delivery(Struct, frozen=True):
    """A notice as it came: from whom, the signed token, SHA-256 of its payload, and when."""

    sender: str
    token: str
    digest: bytes
    received_at: Moment


async def lock_person(connection: AsyncConnection, sender: str, person: str, speciality: str) -> None:
    """Hold everything about one person and speciality to this transaction."""
    await execute(
        connection,
        "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))",
        name=f"registry\x1f{sender}\x1f{person}\x1f{speciality}",
    )


async def add_notice(connection: AsyncConnection, delivery: Delivery, notice: OutcomeNotice) -> bool:
    """Keep the notice; False when the sender has used the key before."""
    return (
        await execute(
            connection,
            "INSERT INTO registry.notice"
            " (sender, key, digest, token, person, speciality, decision, sequence, annuls, received_at)"
            " VALUES (:sender, :key, :digest, :token, :person, :speciality, :decision, :sequence, :annuls, :at)"
            " ON CONFLICT DO NOTHING",
            sender=delivery.sender,
            key=notice.key,
            digest=delivery.digest,
            token=delivery.token,
            person=notice.person.reference,
            speciality=notice.speciality.code,
            decision=notice.decision.value,
            sequence=notice.sequence,
            annuls=notice.annuls,
            at=delivery.received_at,
        )
        == 1
    )


async def notice_digest(connection: AsyncConnection, sender: str, key: str) -> bytes | None:
    """The digest of what came first under the key."""
    row = await fetch_one(
        connection,
        "SELECT digest FROM registry.notice WHERE sender = :sender AND key = :key",
        sender=sender,
        key=key,
    )
    return None if row is None else bytes(row["digest"])


async def notice_of(connection: AsyncConnection, sender: str, key: str) -> tuple[str, str, Decision] | None:
    """Person, speciality and decision of a notice."""
    row = await fetch_one(
        connection,
        "SELECT person, speciality, decision FROM registry.notice WHERE sender = :sender AND key = :key",
        sender=sender,
        key=key,
    )
    return None if row is None else (row["person"], row["speciality"], Decision(row["decision"]))


async def add_conflict(connection: AsyncConnection, delivery: Delivery, key: str) -> None:
    """Keep another body that came under a used key."""
    await execute(
        connection,
        "INSERT INTO registry.notice_conflict (sender, key, digest, token, received_at)"
        " VALUES (:sender, :key, :digest, :token, :at) ON CONFLICT DO NOTHING",
        sender=delivery.sender,
        key=key,
        digest=delivery.digest,
        token=delivery.token,
        at=delivery.received_at,
    )


async def conflicts(connection: AsyncConnection, limit: int = 200) -> list[tuple[str, str, str, Moment]]:
    """Refused second bodies, newest first: sender, key, token, when."""
    rows = await fetch_all(
        connection,
        "SELECT sender, key, token, received_at FROM registry.notice_conflict"
        " ORDER BY received_at DESC, sender, key LIMIT :limit",
        limit=limit,
    )
    return [(row["sender"], row["key"], row["token"], row["received_at"]) for row in rows]


async def add_receipt(connection: AsyncConnection, sender: str, key: str, token: str) -> None:
    await execute(
        connection,
        "INSERT INTO registry.receipt (sender, key, token) VALUES (:sender, :key, :token)",
        sender=sender,
        key=key,
        token=token,
    )


async def receipt(connection: AsyncConnection, sender: str, key: str) -> str | None:
    """The signed receipt that was given for the notice."""
    row = await fetch_one(
        connection,
        "SELECT token FROM registry.receipt WHERE sender = :sender AND key = :key",
        sender=sender,
        key=key,
    )
    return None if row is None else str(row["token"])


async def annulled_keys(connection: AsyncConnection, sender: str, person: str, speciality: str) -> set[str]:
    """Keys of the person's notices that annulments have named, whether they have come or not."""
    rows = await fetch_all(
        connection,
        "SELECT annuls FROM registry.notice WHERE sender = :sender AND person = :person"
        " AND speciality = :speciality AND annuls IS NOT NULL",
        sender=sender,
        person=person,
        speciality=speciality,
    )
    return {row["annuls"] for row in rows}


async def entries_of(connection: AsyncConnection, sender: str, person: str, speciality: str) -> list[Entry]:
    """The person's entries in the speciality, earliest decision first."""
    rows = await fetch_all(
        connection,
        f"{_LATEST} WHERE e.sender = :sender AND e.person = :person AND e.speciality = :speciality"
        " ORDER BY v.sequence, e.key",
        sender=sender,
        person=person,
        speciality=speciality,
    )
    return [_entry(row) for row in rows]


async def add_entry(
    connection: AsyncConnection, entry: Entry, sender: str, person: str, actor: str, at: Moment
) -> bool:
    """Write the first version of an entry; False when its number is taken."""
    added = await execute(
        connection,
        "INSERT INTO registry.entry (number, sender, key, person, speciality, search_name, version)"
        " VALUES (:number, :sender, :key, :person, :speciality, :search_name, :version)"
        " ON CONFLICT (number) DO NOTHING",
        number=entry.number,
        sender=sender,
        key=entry.key,
        person=person,
        speciality=entry.speciality.code,
        search_name=names.plain(entry.name),
        version=entry.version,
    )
    if added:
        await _add_version(connection, entry, actor, at)
        await execute(
            connection,
            "INSERT INTO registry.speciality (code, title) VALUES (:code, :title) ON CONFLICT DO NOTHING",
            code=entry.speciality.code,
            title=entry.speciality.title,
        )
    return added == 1


async def change_entry(connection: AsyncConnection, entry: Entry, actor: str, at: Moment) -> bool:
    """Write the next version; False when somebody else has written it already."""
    moved = await execute(
        connection,
        "UPDATE registry.entry SET version = :version, search_name = :search_name"
        " WHERE number = :number AND version = :version - 1",
        number=entry.number,
        version=entry.version,
        search_name=names.plain(entry.name),
    )
    if moved:
        await _add_version(connection, entry, actor, at)
    return moved == 1


async def entry(connection: AsyncConnection, number: RegisterNumber) -> Entry | None:
    """The entry as it stands."""
    row = await fetch_one(connection, f"{_LATEST} WHERE e.number = :number", number=number)
    return None if row is None else _entry(row)


async def entry_at(connection: AsyncConnection, number: RegisterNumber, moment: Moment) -> Entry | None:
    """The entry as it stood at the moment; None when there was none yet."""
    row = await fetch_one(
        connection,
        "SELECT v.*, e.key FROM registry.entry e JOIN registry.entry_version v ON v.number = e.number"
        " WHERE e.number = :number AND v.recorded_at <= :moment ORDER BY v.version DESC LIMIT 1",
        number=number,
        moment=moment,
    )
    return None if row is None else _entry(row)


async def history(connection: AsyncConnection, number: RegisterNumber) -> list[tuple[Moment, str, Entry]]:
    """Every version, first to last: when, by whom, what."""
    rows = await fetch_all(
        connection,
        "SELECT v.*, e.key FROM registry.entry e JOIN registry.entry_version v ON v.number = e.number"
        " WHERE e.number = :number ORDER BY v.version",
        number=number,
    )
    return [(row["recorded_at"], row["actor"], _entry(row)) for row in rows]


async def latest_entries(
    connection: AsyncConnection, limit: int = 100, before: Moment | None = None
) -> list[tuple[Moment, Entry]]:
    """Entries by their latest change, newest first."""
    rows = await fetch_all(
        connection,
        f"{_LATEST} WHERE CAST(:before AS bigint) IS NULL OR v.recorded_at < :before"
        " ORDER BY v.recorded_at DESC, e.number LIMIT :limit",
        before=before,
        limit=limit,
    )
    return [(row["recorded_at"], _entry(row)) for row in rows]


async def entries_named(connection: AsyncConnection, name: str, speciality: str, limit: int) -> list[Entry]:
    """Entries of whoever has this plain name, or one that continues it with further words."""
    rows = await fetch_all(
        connection,
        f"{_LATEST} WHERE e.speciality = :speciality"
        " AND (e.search_name = :name OR e.search_name LIKE :start)"
        " ORDER BY e.search_name, v.sequence DESC, e.number LIMIT :limit",
        name=name,
        start=name.replace("\\", "").replace("%", "").replace("_", "") + " %",
        speciality=speciality,
        limit=limit,
    )
    return [_entry(row) for row in rows]


async def specialities(connection: AsyncConnection) -> list[Speciality]:
    """Specialities that have entries, by title."""
    rows = await fetch_all(connection, "SELECT code, title FROM registry.speciality ORDER BY title, code")
    return [Speciality(row["code"], row["title"]) for row in rows]


async def _add_version(connection: AsyncConnection, entry: Entry, actor: str, at: Moment) -> None:
    await execute(
        connection,
        "INSERT INTO registry.entry_version (number, version, recorded_at, sequence, name, birth_date,"
        " speciality_code, speciality_title, kind, basis, valid_from, valid_to, suspended, annulled,"
        " superseded_by, reason, actor) VALUES (:number, :version, :recorded_at, :sequence, :name, :birth_date,"
        " :speciality_code, :speciality_title, :kind, :basis, :valid_from, :valid_to, :suspended, :annulled,"
        " :superseded_by, :reason, :actor)",
        **_values(entry),
        recorded_at=at,
        actor=actor,
    )


def _values(entry: Entry) -> Mapping[str, Any]:
    return {
        "number": entry.number,
        "version": entry.version,
        "sequence": entry.sequence,
        "name": entry.name,
        "birth_date": entry.birth_date,
        "speciality_code": entry.speciality.code,
        "speciality_title": entry.speciality.title,
        "kind": entry.kind.value,
        "basis": entry.basis,
        "valid_from": entry.valid_from,
        "valid_to": entry.valid_to,
        "suspended": entry.suspended,
        "annulled": entry.annulled,
        "superseded_by": entry.superseded_by,
        "reason": entry.reason,
    }


def _entry(row: RowMapping) -> Entry:
    return Entry(
        number=RegisterNumber(row["number"]),
        version=row["version"],
        key=row["key"],
        sequence=row["sequence"],
        name=row["name"],
        birth_date=row["birth_date"],
        speciality=Speciality(row["speciality_code"], row["speciality_title"]),
        kind=Kind(row["kind"]),
        basis=row["basis"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        suspended=row["suspended"],
        annulled=row["annulled"],
        superseded_by=row["superseded_by"],
        reason=row["reason"],
    )
