"""The engine and the transaction edge. Stores take a connection; whoever calls them owns the transaction."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import CursorResult, RowMapping, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.errors import Unavailable

CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 30.0
"""How long one statement may take, waiting for locks included."""


def driver_url(url: str) -> str:
    """postgresql://… in any spelling as the URL SQLAlchemy wants for asyncpg."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in {"postgresql", "postgres"}:
        raise ValueError("DATABASE_URL must be postgresql://…")
    return f"postgresql+asyncpg://{rest}"


def plain_url(url: str) -> str:
    """The same URL as asyncpg and libpq take it."""
    return "postgresql://" + url.partition("://")[2]


class Database:
    """A pool of connections to PostgreSQL."""

    def __init__(self, url: str, pool_size: int = 10, statement_seconds: float = STATEMENT_SECONDS) -> None:
        self.url = plain_url(url)
        self.engine: AsyncEngine = create_async_engine(
            driver_url(url),
            pool_size=pool_size,
            max_overflow=10,
            pool_pre_ping=True,
            pool_timeout=10,
            connect_args={"timeout": CONNECT_SECONDS, "command_timeout": statement_seconds},
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """One READ COMMITTED transaction: committed at the end, rolled back on any exception.

        A database that cannot be reached, goes away meanwhile or is too slow with a statement raises Unavailable.
        """
        try:
            connection = await self.engine.connect()
        except (OSError, TimeoutError, PoolTimeout, DBAPIError) as error:
            raise _away() from error
        try:
            async with connection.begin():
                yield connection
        except TimeoutError as error:
            raise _away() from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise _away() from error
            raise
        finally:
            await asyncio.shield(connection.close())  # a cancelled caller gives its connection back too

    async def close(self) -> None:
        await self.engine.dispose()


async def fetch_all(connection: AsyncConnection, sql: str, **values: object) -> Sequence[RowMapping]:
    """Run one statement with :named values and return its rows as read-only mappings."""
    return (await _run(connection, sql, values)).mappings().all()


async def fetch_one(connection: AsyncConnection, sql: str, **values: object) -> RowMapping | None:
    """The first row, or None."""
    return (await _run(connection, sql, values)).mappings().first()


async def execute(connection: AsyncConnection, sql: str, **values: object) -> int:
    """Run one statement and return how many rows it touched."""
    return (await _run(connection, sql, values)).rowcount


async def take_turn(connection: AsyncConnection, name: str) -> bool:
    """Whether nobody else has the turn of that name; if so it is the caller's until the transaction ends."""
    row = await fetch_one(connection, "SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0)) AS mine", name=name)
    return row is not None and bool(row["mine"])


async def _run(connection: AsyncConnection, sql: str, values: dict[str, object]) -> CursorResult[Any]:
    try:
        return await connection.execute(text(sql), values)
    except TimeoutError as error:
        # Where the server cannot be reached, a rollback would wait for it just as long.
        await connection.invalidate(error)
        raise _away() from error


def _away() -> Unavailable:
    return Unavailable("database_away", "База данных временно недоступна. Повторите через минуту.")
