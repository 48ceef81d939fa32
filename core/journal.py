"""The record of every action, chained by digests so that a change, a gap or a swap shows.

Anything may `record` an action in its own transaction; the message goes through the outbox to `append`, the
one writer that chains. A record's body holds digests of the fields, not the fields: each is salted with 16
random bytes, and salt and value are erased together, so that an erased birth date cannot be guessed from its
digest and the chain still verifies.
"""

import hashlib
from collections.abc import Mapping

import msgspec
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core import outbox
from core.database import execute, fetch_all, fetch_one
from core.moments import Moment
from core.randomness import fresh_bytes, fresh_token

TOPIC = "journal"
ORIGIN = bytes(32)
"""What the first record names as the digest before it."""

_WRITER_LOCK = 0x6A6F75726E616C  # "journal"
_SALT_BYTES = 16
_PAGE = 1_000

Fields = Mapping[str, str | int | bool]


class _Posted(msgspec.Struct, frozen=True):
    at: Moment
    actor: str
    action: str
    subject: str
    fields: dict[str, str]


class Body(msgspec.Struct, frozen=True):
    """What a record's digest is taken over, as JSON with sorted names. `fields` are hex digests by name."""

    schema: int
    at: Moment
    actor: str
    action: str
    subject: str
    fields: dict[str, str]


class Record(msgspec.Struct, frozen=True):
    """One record as it is read. An erased field is None."""

    position: int
    at: Moment
    actor: str
    action: str
    subject: str
    fields: dict[str, str | None]


async def record(
    connection: AsyncConnection, actor: str, action: str, subject: str, fields: Fields, at: Moment
) -> None:
    """Note in the caller's transaction that `actor` did `action` to `subject`.

    Actor and subject are pseudonyms, "person:17" and "sitting:4"; what could have to be erased one day is a
    field. The action reads "package.what_happened".
    """
    posted = _Posted(at, actor, action, subject, {name: str(value) for name, value in fields.items()})
    await outbox.post(connection, TOPIC, fresh_token(), msgspec.json.encode(posted))


async def append(connection: AsyncConnection, message: outbox.Message) -> None:
    """Chain one posted record: the outbox handler of TOPIC.

    The outbox empties the message at the same time: values stand in one place only, or erasing would not erase.
    """
    posted = msgspec.json.decode(message.body, type=_Posted)
    await execute(connection, "SELECT pg_advisory_xact_lock(:lock)", lock=_WRITER_LOCK)
    last = await fetch_one(connection, "SELECT position, digest FROM core.journal ORDER BY position DESC LIMIT 1")
    position, prev = (last["position"] + 1, bytes(last["digest"])) if last else (1, ORIGIN)
    salts = {name: fresh_bytes(_SALT_BYTES) for name in posted.fields}
    digests = {name: field_digest(salts[name], name, value).hex() for name, value in posted.fields.items()}
    body = encode(Body(1, posted.at, posted.actor, posted.action, posted.subject, digests))
    await execute(
        connection,
        "INSERT INTO core.journal (position, at, actor, action, subject, body, prev, digest)"
        " VALUES (:position, :at, :actor, :action, :subject, :body, :prev, :digest)",
        position=position,
        at=posted.at,
        actor=posted.actor,
        action=posted.action,
        subject=posted.subject,
        body=body,
        prev=prev,
        digest=link(prev, position, body),
    )
    for name, value in posted.fields.items():
        await execute(
            connection,
            "INSERT INTO core.journal_field (position, name, salt, value) VALUES (:position, :name, :salt, :value)",
            position=position,
            name=name,
            salt=salts[name],
            value=value,
        )


async def erase(connection: AsyncConnection, position: int, name: str, at: Moment) -> bool:
    """Erase one field's value and salt for ever; False when there is none or it is erased already."""
    return (
        await execute(
            connection,
            "UPDATE core.journal_field SET salt = NULL, value = NULL, erased_at = :at"
            " WHERE position = :position AND name = :name AND erased_at IS NULL",
            position=position,
            name=name,
            at=at,
        )
        == 1
    )


async def read(
    connection: AsyncConnection, after: int = 0, limit: int = 100, subject: str | None = None
) -> list[Record]:
    """Records in order from the position after `after`, of one subject if one is named."""
    rows = await fetch_all(
        connection,
        "SELECT position, at, actor, action, subject FROM core.journal WHERE position > :after"
        " AND (CAST(:subject AS text) IS NULL OR subject = :subject) ORDER BY position LIMIT :limit",
        after=after,
        subject=subject,
        limit=limit,
    )
    kept = await _fields(connection, [row["position"] for row in rows])
    return [
        Record(**row, fields={name: value for name, (_, value) in kept.get(row["position"], {}).items()})
        for row in rows
    ]


async def verify(connection: AsyncConnection) -> int | None:
    """The first position that is not what was chained there, or None when all of it holds.

    Found are: a changed record or field, a removed or inserted one, swapped ones, a field that vanished
    without being erased. A removal at the very end shows only against an earlier reading of the journal.
    """
    position, prev = 0, ORIGIN
    while True:
        rows = await fetch_all(
            connection,
            "SELECT position, at, actor, action, subject, body, prev, digest FROM core.journal"
            " WHERE position > :after ORDER BY position LIMIT :limit",
            after=position,
            limit=_PAGE,
        )
        if not rows:
            return None
        kept = await _fields(connection, [row["position"] for row in rows])
        for row in rows:
            position += 1
            if row["position"] != position or not _holds(row, prev, kept.get(position, {})):
                return position
            prev = bytes(row["digest"])


def encode(body: Body) -> bytes:
    """The one spelling of a body: UTF-8 JSON, names sorted."""
    return msgspec.json.encode(body, order="sorted")


def link(prev: bytes, position: int, body: bytes) -> bytes:
    """SHA-256 over the digest before, the position (8 bytes, big endian) and the body."""
    return hashlib.sha256(prev + position.to_bytes(8, "big") + body).digest()


def field_digest(salt: bytes, name: str, value: str) -> bytes:
    """SHA-256 over salt, length of the name (4 bytes), name and value: no two fields read the same."""
    plain = name.encode()
    return hashlib.sha256(salt + len(plain).to_bytes(4, "big") + plain + value.encode()).digest()


async def _fields(
    connection: AsyncConnection, positions: list[int]
) -> dict[int, dict[str, tuple[bytes | None, str | None]]]:
    rows = await fetch_all(
        connection,
        "SELECT position, name, salt, value FROM core.journal_field WHERE position = ANY(:positions)"
        " ORDER BY position, name",
        positions=positions,
    )
    found: dict[int, dict[str, tuple[bytes | None, str | None]]] = {}
    for row in rows:
        salt = None if row["salt"] is None else bytes(row["salt"])
        found.setdefault(row["position"], {})[row["name"]] = (salt, row["value"])
    return found


def _holds(row: RowMapping, prev: bytes, kept: Mapping[str, tuple[bytes | None, str | None]]) -> bool:
    raw = bytes(row["body"])
    if bytes(row["prev"]) != prev or bytes(row["digest"]) != link(prev, row["position"], raw):
        return False
    try:
        body = msgspec.json.decode(raw, type=Body)
    except msgspec.DecodeError:
        return False
    columns = (row["at"], row["actor"], row["action"], row["subject"])
    if columns != (body.at, body.actor, body.action, body.subject) or kept.keys() != body.fields.keys():
        return False
    return all(
        salt is None or value is None or field_digest(salt, name, value).hex() == body.fields[name]
        for name, (salt, value) in kept.items()
    )
