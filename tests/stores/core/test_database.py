"""What a statement and a connection may take, and what is left of a transaction that took longer."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from core.database import Database, execute, fetch_all, fetch_one
from core.errors import Unavailable

AT_ONCE = 10.0


@pytest.fixture
async def impatient(database_url: str) -> AsyncIterator[Database]:
    """One connection, on which a statement may take a tenth of a second."""
    opened = Database(database_url, pool_size=1, statement_seconds=0.1)
    yield opened
    await opened.close()


@pytest.mark.parametrize("run", [execute, fetch_all, fetch_one])
async def test_a_statement_that_takes_too_long_is_given_up(impatient: Database, run: object) -> None:
    assert callable(run)
    with pytest.raises(Unavailable, match="database_away"):
        async with asyncio.timeout(AT_ONCE), impatient.transaction() as connection:
            await run(connection, "SELECT pg_sleep(60)")


async def test_a_transaction_with_such_a_statement_leaves_nothing_and_the_next_one_works(impatient: Database) -> None:
    insert = "INSERT INTO core.sign_in_failure (subject, failures, since_at) VALUES (sha256('x'), 1, 1)"
    with pytest.raises(Unavailable):
        async with impatient.transaction() as connection:
            await execute(connection, insert)
            await execute(connection, "SELECT pg_sleep(60)")
    async with impatient.transaction() as connection:
        assert await fetch_all(connection, "SELECT failures FROM core.sign_in_failure") == []


async def test_a_lock_that_is_not_let_go_is_waited_for_no_longer(impatient: Database, database: Database) -> None:
    lock = "SELECT pg_advisory_xact_lock(7)"
    async with database.transaction() as holder:
        await fetch_one(holder, lock)
        with pytest.raises(Unavailable):
            async with asyncio.timeout(AT_ONCE), impatient.transaction() as connection:
                await fetch_one(connection, lock)
    async with impatient.transaction() as connection:
        await fetch_one(connection, lock)


async def test_a_server_that_takes_the_connection_and_says_nothing_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.database.CONNECT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        database = Database(f"postgresql://nobody@127.0.0.1:{mute.getsockname()[1]}/nowhere")
        with pytest.raises(Unavailable, match="database_away"):
            async with asyncio.timeout(AT_ONCE), database.transaction():
                pass
        await database.close()
