"""Bringing a database to the newest schema, and refusing one that may lose what it has acknowledged."""

from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from core.database import driver_url, plain_url
from core.errors import Unavailable

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

LOCK = 0x6163_6372_6564
"""The advisory lock that lets one start migrate while the others wait."""


async def migrate(url: str, migrations: Path = MIGRATIONS) -> None:
    """Run every migration that the database has not had. Safe to run from several processes at once.

    A migration that fails raises its own error and leaves the database at the one before it.
    """
    engine = create_async_engine(driver_url(url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            # Held by the session, not by a transaction: each migration commits on its own.
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
            await connection.commit()
            await connection.run_sync(_upgrade, migrations)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, migrations: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def check_schema(url: str, migrations: Path = MIGRATIONS) -> None:
    """Raise Unavailable unless the database has exactly the schema that this program knows."""
    script = ScriptDirectory(str(migrations))
    engine = create_async_engine(driver_url(url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            there = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_heads())
    finally:
        await engine.dispose()
    if set(there) == set(script.get_heads()):
        return
    if any(revision.revision in there for revision in script.walk_revisions()) or not there:
        raise Unavailable(
            "schema_old",
            "Схема базы данных старее этой программы. Сделайте резервную копию и запустите с ключом --migrate.",
        )
    raise Unavailable(
        "schema_new",
        "Схема базы данных новее этой программы. Обновите программу до той же версии, что на других узлах.",
    )


async def check_durability(url: str) -> None:
    """Raise Unavailable where a commit may be lost: fsync or synchronous_commit is off."""
    connection = await asyncpg.connect(plain_url(url), timeout=10)
    try:
        for setting in ("fsync", "synchronous_commit"):
            if await connection.fetchval(f"SHOW {setting}") == "off":
                raise Unavailable(
                    "database_not_durable",
                    f"В PostgreSQL выключено {setting}: принятые ответы могут пропасть. "
                    f"Включите {setting} и запустите снова.",
                )
    finally:
        await connection.close()
