"""Items taken away at the desk: those of the list, by whom is in the journal, what did not fit is told."""

import asyncio
from pathlib import Path

import pytest

from admin.export_desk import ExportDesk
from core import journal, outbox
from core.access import Role
from core.blobs import Blobs
from core.database import Database, execute, fetch_one
from core.errors import Conflict, NotFound
from core.moments import DAY
from question_bank.drafts import Defaults
from question_bank.exchange.formats import named_format
from question_bank.export_store import Run, ask_to_stop, load_run, mark_silent, open_run
from question_bank.importing import Incoming, carry_out_import
from question_bank.imports import Wishes
from question_bank.wanted import Wanted
from tests.stores.admin.school import ITEMS, School

START = "/staff/bank/export"
GIFT = named_format("gift")


async def begun(school: School, **fields: str) -> str:
    """The address of a run that has ended."""
    who = school.staff[Role.METHODOLOGIST]
    answer = await school.post(who, START, **{"asked": "", "format": "gift", "state": "", **fields})
    assert answer.status_code == 303, answer.text
    await school.errands.settle()
    return answer.headers["location"]


async def run_at(school: School, address: str) -> Run:
    async with school.database.transaction() as connection:
        return await load_run(connection, int(address.rpartition("/")[2]))


def files(school: School) -> list[Path]:
    return list((school.folder / "outgoing").iterdir())


async def test_items_of_the_list_are_written_fetched_and_noted(school: School) -> None:
    who = school.staff[Role.METHODOLOGIST]
    start = await school.get(who, f"{START}?where=active&speciality=31.02.01&page=7")
    assert start.status_code == 200
    assert "Ситуационные задачи и задания с несколькими эталонами не войдут." in start.text
    assert "Действуют" in start.text
    assert 'value="jsonl"' not in start.text, "only what is written"
    address = await begun(school, asked="where=active&speciality=31.02.01")
    run = await run_at(school, address)
    assert (run.state, run.total, run.written, run.left_out) == ("done", 2 * ITEMS, 2 * ITEMS, 0)
    page = await school.get(who, address)
    assert f"{address}/file" in page.text
    taken = await school.get(who, f"{address}/file")
    assert taken.headers["content-disposition"] == f'attachment; filename="bank-{run.id}.gift"'
    assert taken.text.count("[id:ld-") == 2 * ITEMS
    assert len(taken.content) == run.size
    async with school.database.transaction() as connection:
        await outbox.deliver(school.database, {journal.TOPIC: journal.append})
        noted = [one for one in await journal.read(connection) if one.action == "bank.exported"]
    assert [(one.actor, one.fields["format"], one.fields["items"]) for one in noted] == [
        (f"person:{who.id}", "gift", str(2 * ITEMS))
    ]


async def test_what_did_not_fit_is_told_item_by_item(school: School, tmp_path: Path) -> None:
    file = tmp_path / "x.gift"
    file.write_text("Без эталона? {~один ~два ~три ~четыре}\n", encoding="utf-8")
    wishes = Wishes(Defaults("31.02.01", "ОТ-1"), "gift")
    who = school.staff[Role.METHODOLOGIST]
    batch = await carry_out_import(
        school.database, school.blobs, Incoming(file, "x.gift"), wishes, who.id, school.clock
    )
    assert batch.counts.new == 1
    address = await begun(school, asked="where=draft", format="aiken")
    run = await run_at(school, address)
    assert (run.state, run.written, run.left_out, run.remarks) == ("done", 0, 1, {"no_key": 1})
    page = await school.get(who, address)
    assert "не вошло" in page.text
    assert "Эталон не отмечен" in page.text


@pytest.mark.parametrize(
    "fields",
    [{"format": "jsonl"}, {"format": ""}, {"asked": "q=такогослованигденет"}, {"asked": "pool=practice"}],
)
async def test_what_cannot_be_written_is_refused_before(school: School, fields: dict[str, str]) -> None:
    who = school.staff[Role.METHODOLOGIST]
    answer = await school.post(who, START, **{"asked": "", "format": "gift", "state": "", **fields})
    assert answer.status_code == 422
    async with school.database.transaction() as connection:
        with pytest.raises(NotFound):
            await load_run(connection, 1)


async def test_a_run_is_cancelled_from_any_process_and_leaves_no_file(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = school.staff[Role.METHODOLOGIST]
    monkeypatch.setattr("question_bank.exporting.PIECE", 1)
    monkeypatch.setattr("admin.export_desk.TELL_SECONDS", 0.01)
    desk: ExportDesk = school.app.state.export_desk
    async with school.database.transaction() as connection:
        await execute(connection, "LOCK TABLE question_bank.enemy IN ACCESS EXCLUSIVE MODE")  # it waits for this
        number = await desk.begin(GIFT, Wanted(), "", None, "", who)
        going = await school.get(who, f"{START}/{number}")
        assert "Отменить" in going.text
        part = await school.get(who, f"{START}/{number}/progress")
        assert "hx-refresh" not in part.headers
        assert (await school.get(who, f"{START}/{number}/file")).status_code == 404
        assert (await school.post(who, f"{START}/{number}/cancel")).status_code == 303
        await asyncio.wait_for(_heard(school.database, number), 20)
    await school.errands.settle()
    run = await run_at(school, f"{START}/{number}")
    assert (run.state, run.reason) == ("cancelled", "Выгрузка отменена.")
    assert files(school) == []
    assert (await school.get(who, f"{START}/{number}/progress")).headers["hx-refresh"] == "true"


async def _heard(database: Database, number: int) -> None:
    """Until the run has written down once more how far it is, and was told then that it is to stop."""
    rows: list[str] = []
    while len(set(rows)) < 3:
        async with database.transaction() as connection:
            found = await fetch_one(
                connection, "SELECT xmin::text AS row FROM question_bank.export_run WHERE id = :id", id=number
            )
        assert found is not None
        rows.append(found["row"])


async def test_a_run_ends_with_its_process_and_one_that_lost_it_is_closed(school: School, tmp_path: Path) -> None:
    who = school.staff[Role.METHODOLOGIST]
    blobs = Blobs.in_folder(tmp_path / "b", {"k1": bytes(range(32))})
    async with school.database.transaction() as connection:
        lost = await open_run(connection, "gift", "", "", "x", 5, who.id, school.clock.now())
        await ask_to_stop(connection, lost)
        await mark_silent(connection, school.clock.now())
    assert (await run_at(school, f"/{lost}")).state == "running"
    school.clock.advance(DAY)
    desk = ExportDesk(school.database, blobs, school.clock, school.folder / "outgoing", school.errands)
    await desk.sweep()
    assert (await run_at(school, f"/{lost}")).state == "interrupted"
    await school.errands.stop()
    with pytest.raises(Conflict, match="desk_busy"):
        await desk.begin(GIFT, Wanted(), "", None, "", who)


async def test_a_file_goes_after_a_day(school: School) -> None:
    address = await begun(school)
    desk: ExportDesk = school.app.state.export_desk
    await desk.sweep()
    assert len(files(school)) == 1
    school.clock.advance(DAY + 1)
    await desk.sweep()
    assert files(school) == []
    who = await school.hire("metodist2", Role.METHODOLOGIST)
    assert (await school.get(who, f"{address}/file")).status_code == 404
    assert "хранится сутки" in (await school.get(who, address)).text
