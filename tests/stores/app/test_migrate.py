"""Migrations in code: from nothing, again, from two processes at once, and with one that fails."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from app.embedded import ask
from app.migrate import MIGRATIONS, check_durability, migrate
from core.blobs import DISCARDED
from core.database import driver_url
from core.errors import Unavailable
from core.ids import BlueprintId, ItemId, PersonId
from exam_server.events import Created, encode_batch
from question_bank.forms import Form, FormEntry, Rules

STEP = """
from alembic import op

revision = {revision!r}
down_revision = {before!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute({statement!r})
"""


@pytest.fixture
async def empty(database_url: str) -> AsyncIterator[str]:
    """The URL of a database without any schema of ours."""
    base, _, name = database_url.rpartition("/")
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"CREATE DATABASE {name}_empty")
    yield f"{base}/{name}_empty"
    await connection.execute(f"DROP DATABASE {name}_empty WITH (FORCE)")
    await connection.close()


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """A folder of migrations: one that makes a table, one that fills it slowly."""
    folder = tmp_path / "100% migrations"
    (folder / "versions").mkdir(parents=True)
    shutil.copy(MIGRATIONS / "env.py", folder)
    shutil.copy(MIGRATIONS / "script.py.mako", folder)
    add(folder, "0001", None, "CREATE TABLE step (number int)")
    add(folder, "0002", "0001", "INSERT INTO step SELECT 2 FROM pg_sleep(0.2)")
    return folder


def add(folder: Path, revision: str, before: str | None, statement: str) -> None:
    content = STEP.format(revision=revision, before=before, statement=statement)
    (folder / "versions" / f"{revision}.py").write_text(content)


async def numbers(url: str) -> list[int]:
    connection = await asyncpg.connect(url)
    try:
        return [row["number"] for row in await connection.fetch("SELECT number FROM step")]
    finally:
        await connection.close()


async def test_it_runs_what_is_there_once(empty: str, steps: Path) -> None:
    await migrate(empty, steps)
    await migrate(driver_url(empty), steps)
    assert await numbers(empty) == [2]


async def test_two_starts_at_once_do_not_collide(empty: str, steps: Path) -> None:
    await asyncio.gather(*(migrate(empty, steps) for _ in range(4)))
    assert await numbers(empty) == [2]


async def test_a_migration_that_fails_leaves_the_ones_before_it(empty: str, steps: Path) -> None:
    add(steps, "0003", "0002", "INSERT INTO step VALUES (3), (1 / 0)")
    with pytest.raises(Exception, match="division by zero"):
        await migrate(empty, steps)
    assert await numbers(empty) == [2]
    add(steps, "0003", "0002", "INSERT INTO step VALUES (3)")
    await migrate(empty, steps)
    assert await numbers(empty) == [2, 3]


async def test_the_platform_s_own_migrations_make_every_schema(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    found = {row["name"] for row in await connection.fetch("SELECT nspname AS name FROM pg_namespace")}
    await connection.close()
    packages = {path.parent.name for path in MIGRATIONS.parent.glob("*/__init__.py")}
    assert packages - {"app", "benchmarks"} <= found


async def test_a_database_that_may_lose_commits_is_refused(database_url: str, durable_database_url: str) -> None:
    with pytest.raises(Unavailable, match="database_not_durable") as refusal:
        await check_durability(database_url)
    assert "fsync" in refusal.value.message
    await check_durability(durable_database_url)
    name = durable_database_url.rpartition("/")[2]
    await asyncio.to_thread(ask, durable_database_url, f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pytest.raises(Unavailable, match="synchronous_commit"):
        await check_durability(durable_database_url)


def before(tmp_path: Path, number: str) -> Path:
    """The platform's migrations up to that one, as an earlier release had them."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    shutil.copy(MIGRATIONS / "env.py", folder)
    for path in sorted((MIGRATIONS / "versions").glob("*.py")):
        if path.name < number:
            shutil.copy(path, folder / "versions")
    return folder


async def test_sittings_of_an_earlier_release_are_found_from_their_items(empty: str, tmp_path: Path) -> None:
    await migrate(empty, before(tmp_path, "0011"))
    connection = await asyncpg.connect(empty)
    try:
        await connection.execute(
            """INSERT INTO exam_server."window" (blueprint_id, blueprint_version, opens_at, closes_at, capacity)
               VALUES ('exam', 1, 0, 9, 1)"""
        )
        await connection.execute("INSERT INTO exam_server.booking (window_id, candidate, booked_at) VALUES (1, 7, 0)")
        await connection.execute(
            """INSERT INTO exam_server.sitting
                   (booking_id, candidate, blueprint_id, blueprint_version, attempt, created_at)
               VALUES (1, 7, 'exam', 1, 1, 5)"""
        )
        entries = tuple(FormEntry(ItemId(f"item-{n}"), n, 1000, 1, ()) for n in (3, 1, 2))
        form = Form(BlueprintId("exam"), 1, 1, "x", "0" * 64, entries)
        rules = Rules(1000, "free", "advance", True)
        created = Created(5, PersonId(7), form, rules, 9)
        await connection.execute(
            "INSERT INTO exam_server.log (sitting_id, version, prev, digest, events) VALUES (1, 0, '', '', $1)",
            encode_batch((created,)),
        )
        await migrate(empty)
        found = await connection.fetchrow("SELECT items, versions FROM exam_server.form WHERE sitting_id = 1")
        entered = await connection.fetchval("SELECT entered_at FROM exam_server.sitting")
    finally:
        await connection.close()
    assert found is not None
    assert (found["items"], found["versions"], entered) == (["item-3", "item-1", "item-2"], [3, 1, 2], 5)


async def test_practice_of_an_earlier_release_is_taken_apart_from_exams(empty: str, tmp_path: Path) -> None:
    await migrate(empty, before(tmp_path, "0012"))
    connection = await asyncpg.connect(empty)
    try:
        await connection.execute("INSERT INTO question_bank.speciality (code, title) VALUES ('s', 'S')")
        for number, practice in enumerate(("true", "false"), start=1):
            await connection.execute(
                f"""INSERT INTO question_bank.blueprint (id, version, speciality, content, saved_at)
                    VALUES ('b{number}', 1, 's', '{{"practice": {practice}}}', 0)"""
            )
            await connection.execute(
                f"""INSERT INTO exam_server."window" (blueprint_id, blueprint_version, opens_at, closes_at, capacity)
                    VALUES ('b{number}', 1, 0, 9, 1)"""
            )
            await connection.execute(
                f"INSERT INTO exam_server.booking (window_id, candidate, booked_at) VALUES ({number}, 7, 0)"
            )
            await connection.execute(
                f"""INSERT INTO exam_server.sitting
                        (booking_id, candidate, blueprint_id, blueprint_version, attempt, created_at)
                    VALUES ({number}, 7, 'b{number}', 1, 1, 5)"""
            )
            await connection.execute(
                f"""INSERT INTO exam_server.outcome (sitting_id, candidate, state, passed, flagged, concluded_at)
                    VALUES ({number}, 7, 'confirmed', true, false, 6)"""
            )
            await connection.execute(
                f"""INSERT INTO scoring.result (sitting_id, person_id, blueprint_id, blueprint_version, algorithm,
                        raw_num, raw_den, maximum, cut, passed, marks, advice, decided_at)
                    VALUES ({number}, 7, 'b{number}', 1, 'x', 9, 1, 10, 85, true, '[]', '[]', 6)"""
            )
        await migrate(empty)
        told = [
            [row["sitting_id"] for row in await connection.fetch(f"SELECT sitting_id FROM {table}")]
            for table in ("scoring.practice_result", "scoring.result", "exam_server.outcome")
        ]
    finally:
        await connection.close()
    assert told == [[1], [2], [2]]


async def test_pictures_that_an_earlier_release_replaced_are_let_go(empty: str, tmp_path: Path) -> None:
    await migrate(empty, before(tmp_path, "0014"))
    connection = await asyncpg.connect(empty)
    try:
        await connection.execute(
            "INSERT INTO core.data_key (owner, master_kid, wrapped, created_at) VALUES ('sitting:1', 'one', '', 0)"
        )
        for number, replaced_at in ((1, 5), (2, None)):
            for kind in ("face", "picture"):
                await connection.execute(
                    """INSERT INTO core.blob (id, owner, media_type, sha256, size, created_at)
                       VALUES ($1, 'sitting:1', 'image/jpeg', sha256(''), 0, 0)""",
                    f"{kind}-{number}",
                )
            await connection.execute(
                """INSERT INTO proctoring.reference (sitting, model, embedding_blob, picture_blob, side, sharpness,
                       brightness, taken_at, replaced_at)
                   VALUES (1, 'names-1', $1, $2, 1, 1, 1, 0, $3)""",
                f"face-{number}",
                f"picture-{number}",
                replaced_at,
            )
        await migrate(empty)
        posted = await connection.fetch(
            "SELECT topic, convert_from(body, 'UTF8') AS body FROM core.outbox ORDER BY body"
        )
        left = await connection.fetch("SELECT id FROM core.blob ORDER BY id")
    finally:
        await connection.close()
    assert [(row["topic"], row["body"]) for row in posted] == [(DISCARDED, "face-1"), (DISCARDED, "picture-1")]
    assert [row["id"] for row in left] == ["face-2", "picture-2"]
