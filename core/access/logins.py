"""Logins: a random token in a cookie, its digest in the database, and the person behind it."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.access.roles import Principal, known_roles
from core.database import Database, execute, fetch_all
from core.ids import PersonId
from core.moments import HOUR, MINUTE, SECOND, Moment, Span

PERSON_COLUMNS = "p.id, p.login, p.family_name, p.given_name, p.patronymic, p.zone, p.roles, p.password_given"


_Value = TypeVar("_Value")

FRESH: Span = 3 * SECOND
"""How long an answer about a login is believed without asking again."""
STALE: Span = 2 * MINUTE
"""How long the last answer is believed while the database does not give one."""


class RecentLogins:
    """What was read about logins a moment ago, so that not every request costs a query."""

    def __init__(self, size: int = 10_000) -> None:
        self._size = size
        self._read: OrderedDict[bytes, tuple[Moment, Principal | None]] = OrderedDict()
        self._ended: OrderedDict[bytes, None] = OrderedDict()

    def recall(self, key: bytes, now: Moment, age: Span = FRESH) -> tuple[bool, Principal | None]:
        """Whether something not older than `age` is known of the login, and who it stands for."""
        read_at, who = self._read.get(key, (now - age, None))
        return (True, who) if 0 <= now - read_at < age else (False, None)

    def remember(self, key: bytes, who: Principal | None, now: Moment) -> None:
        # A read that began before the sign-out may come back after it.
        if key not in self._ended:
            _put(self._read, key, (now, who), self._size)

    def forget(self, key: bytes) -> None:
        """The login has ended, and no answer that is still on its way may bring it back."""
        self._read.pop(key, None)
        _put(self._ended, key, None, self._size)


recent = RecentLogins()


def digest(token: str) -> bytes:
    """What is stored of a token: 32 bytes that do not lead back to it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def principal(row: RowMapping) -> Principal:
    """A row with PERSON_COLUMNS as a principal."""
    parts = (row["family_name"], row["given_name"], row["patronymic"])
    return Principal(
        id=PersonId(row["id"]),
        login=row["login"],
        name=" ".join(part for part in parts if part),
        roles=known_roles(row["roles"]),
        zone=row["zone"],
        password_given=row["password_given"],
    )


async def open_login(
    connection: AsyncConnection, token: str, person_id: PersonId, address: str, now: Moment, hours: int
) -> None:
    """Let the token stand for the person for so many hours. Whoever calls has proved who it is."""
    await execute(
        connection,
        "INSERT INTO core.login (token_digest, person_id, created_at, expires_at, address)"
        " VALUES (:digest, :person_id, :now, :expires_at, :address)",
        digest=digest(token),
        person_id=person_id,
        now=now,
        expires_at=now + hours * HOUR,
        address=address[:200],
    )


async def principal_of(connection: AsyncConnection, token: str, now: Moment) -> Principal | None:
    """Who the token stands for; None when it is unknown, signed out or expired."""
    key = digest(token)
    return (await principals_of(connection, [key], now)).get(key)


async def principals_of(connection: AsyncConnection, keys: Sequence[bytes], now: Moment) -> dict[bytes, Principal]:
    """Who the tokens with these digests stand for, as far as they stand for anybody."""
    rows = await fetch_all(
        connection,
        f"SELECT l.token_digest, {PERSON_COLUMNS} FROM core.login l JOIN core.person p ON p.id = l.person_id"
        " WHERE l.token_digest = ANY(CAST(:keys AS bytea[])) AND l.expires_at > :now",
        keys=list(keys),
        now=now,
    )
    return {bytes(row["token_digest"]): principal(row) for row in rows}


async def close_logins(connection: AsyncConnection, person_id: PersonId, kept: bytes = b"") -> list[bytes]:
    """End every login of the person except one; the digests of those that ended, for `recent.forget`."""
    rows = await fetch_all(
        connection,
        "DELETE FROM core.login WHERE person_id = :person_id AND token_digest <> :kept RETURNING token_digest",
        person_id=person_id,
        kept=kept,
    )
    return [bytes(row["token_digest"]) for row in rows]


async def sign_out(database: Database, token: str) -> None:
    """End the login. In this process at once, elsewhere within the seconds that the gate remembers."""
    async with database.transaction() as connection:
        await execute(connection, "DELETE FROM core.login WHERE token_digest = :digest", digest=digest(token))
    recent.forget(digest(token))


async def forget_expired(connection: AsyncConnection, now: Moment) -> int:
    """Remove logins whose time is over."""
    return await execute(connection, "DELETE FROM core.login WHERE expires_at <= :now", now=now)


def _put(where: OrderedDict[bytes, _Value], key: bytes, value: _Value, size: int) -> None:
    where[key] = value
    where.move_to_end(key)
    if len(where) > size:
        where.popitem(last=False)
