"""Forms proved from the command line's side: the same, another, of an earlier release, of no pool."""

import asyncio
import json

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from app.cli import app
from app.form_verification import prove_forms
from core.clock import ManualClock
from core.database import Database, execute
from core.errors import NotFound
from core.ids import SittingId
from core.web.pages import Pages
from exam_server.events import Created
from exam_server.store import Draft, create_sittings, load_events
from question_bank.assembly import ALGORITHM
from tests.stores.cabinet.centre import EXAM, Centre


@pytest.fixture
async def sitting(database: Database, clock: ManualClock) -> SittingId:
    centre = Centre(database, clock, Pages(["cabinet"]))
    await centre.fill()
    one = await centre.person("k")
    await centre.admit(one)
    return await centre.take(one, await centre.book(one, await centre.window()), 18)


async def test_a_form_is_drawn_again_from_its_seed(database: Database, database_url: str, sitting: SittingId) -> None:
    (proof,) = await prove_forms(database_url, sitting)
    async with database.transaction() as connection:
        created = (await load_events(connection, sitting))[0]
    assert isinstance(created, Created)
    assert proof.form == created.form
    assert (proof.verdict, proof.pool) == ("same", 40)


async def test_a_form_of_an_earlier_release_is_told_apart(
    database: Database, database_url: str, sitting: SittingId
) -> None:
    async with database.transaction() as connection:
        created = (await load_events(connection, sitting))[0]
        assert isinstance(created, Created)
        older = replace(
            created,
            form=replace(created.form, algorithm="stratified-swap/1"),
            rules=replace(created.rules, practice=True),
        )
        (made,) = await create_sittings(connection, [Draft(None, 1, older)])
    (proof,) = await prove_forms(database_url, made)
    assert proof.verdict == "old"


async def test_what_is_not_there_is_said(database: Database, database_url: str, sitting: SittingId) -> None:
    with pytest.raises(NotFound, match="unknown_sitting"):
        await prove_forms(database_url, SittingId(404))
    async with database.transaction() as connection:
        await execute(connection, "DELETE FROM question_bank.snapshot")
    with pytest.raises(NotFound, match="snapshot_unknown"):
        await prove_forms(database_url, sitting)


async def change_blueprint(url: str) -> None:
    database = Database(url)
    async with database.transaction() as connection:
        await execute(
            connection,
            "UPDATE question_bank.blueprint SET content = jsonb_set(content, '{cells,0,count}', '7') WHERE id = :id",
            id=EXAM.id,
        )
    await database.close()


def test_the_command_says_what_it_compared(
    database_url: str, sitting: SittingId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    done = CliRunner().invoke(app, ["form", "prove", str(sitting)])
    assert done.exit_code == 0, done.output
    for words in (EXAM.id, ALGORITHM, "заданий в нём: 40", "сравнено: заданий 20", "порядок 80 вариантов", "совпадает"):
        assert words in " ".join(done.output.split())
    assert json.loads(done.output.splitlines()[-1]) == {"sitting": sitting, "forms": 1, "verdicts": ["same"]}

    asyncio.run(change_blueprint(database_url))
    other = CliRunner().invoke(app, ["form", "prove", str(sitting)])
    assert other.exit_code == 1
    assert "не совпадает" in " ".join(other.output.split())

    unknown = CliRunner().invoke(app, ["form", "prove", "404"])
    assert unknown.exit_code == 1
    assert "unknown_sitting" in unknown.output


def test_forms_are_built_at_the_command_line(
    database_url: str, sitting: SittingId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    done = CliRunner().invoke(app, ["form", "build", EXAM.id, "--count", "1", "--time-limit", "2"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output.splitlines()[-1])
    assert len(found["forms"]) == 1
    assert found["deviation"] <= 1
    many = CliRunner().invoke(app, ["form", "build", EXAM.id, "--count", "9"])
    assert many.exit_code == 1
    assert "blueprint_unfillable" in many.output
