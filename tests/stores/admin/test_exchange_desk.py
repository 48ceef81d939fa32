"""Files brought in at the desk: sent, judged, kept once; hostile ones refused; nothing left behind."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from admin import exchange_desk
from admin.exchange_desk import ImportDesk
from core import journal, outbox
from core.access import Principal, Role
from core.database import execute, fetch_all
from core.moments import DAY
from question_bank.drafts import Defaults
from question_bank.import_store import ask_to_cancel, list_batches, load_batch, open_batch
from question_bank.imports import Batch, Wishes
from tests.stores.admin.school import School

START = "/staff/bank/import"
REQUIREMENT = "31.02.01/ОТ-1"
FORM = {
    "format": "",
    "requirement": REQUIREMENT,
    "level": "recall",
    "difficulty": "0,6",
    "limit": "90",
    "language": "ru",
    "pool": "exam",
    "unknown": "reject",
}


def table(*more: list[str], count: int = 2) -> bytes:
    """A file of good items, and of others."""
    target = io.StringIO()
    rows = [[f"Вопрос {n} о дозе?", *(f"{letter}{n}" for letter in "абвг"), "B", ""] for n in range(count)]
    csv.writer(target).writerows([["question", "A", "B", "C", "D", "key", "requirement"], *rows, *more])
    return target.getvalue().encode()


class Desk:
    """What a methodologist does at the desk."""

    def __init__(self, school: School) -> None:
        self.school = school
        self.who = school.staff[Role.METHODOLOGIST]
        self.desk: ImportDesk = school.app.state.import_desk

    async def send(self, data: bytes, name: str = "bank.csv", who: Principal | None = None) -> httpx.Response:
        who = who or self.who
        headers = {"origin": "http://exam.test", "accept": "application/json", "x-csrf-token": self.school.csrf(who)}
        async with self.school.client(who) as client:
            return await client.post(f"{START}/files", params={"name": name}, content=data, headers=headers)

    async def address(self, data: bytes, name: str = "bank.csv") -> str:
        answer = await self.send(data, name)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["address"])

    async def check(self, address: str, **changed: str) -> httpx.Response:
        return await self.school.post(self.who, f"{address}/check", **{**FORM, **changed})

    async def settled(self) -> None:
        await self.school.errands.settle()

    async def judged(self, data: bytes, name: str = "bank.csv", **changed: str) -> str:
        """The address of a finished dry run."""
        answer = await self.check(await self.address(data, name), **changed)
        assert answer.status_code == 303, answer.text
        await self.settled()
        return answer.headers["location"]

    async def batch(self, address: str) -> Batch:
        async with self.school.database.transaction() as connection:
            return await load_batch(connection, int(address.rpartition("/")[2]))

    async def text(self, address: str) -> str:
        answer = await self.school.get(self.who, address)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def rows(self, sql: str, **values: object) -> list[dict[str, Any]]:
        async with self.school.database.transaction() as connection:
            return [dict(row) for row in await fetch_all(connection, sql, **values)]

    def files(self) -> list[str]:
        folder = self.school.folder / "incoming"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.fixture
def desk(school: School) -> Desk:
    return Desk(school)


async def test_a_file_is_judged_read_about_and_kept_once(desk: Desk) -> None:
    bad = [
        ["<b>Без</b> места?", "1", "2", "3", "4", "A", "ОТ-9"],
        ["Вопрос 0 о дозе?", "а0", "б0", "в0", "г0", "B", ""],
    ]
    address = await desk.address(table(*bad, count=3), "C:\\мои\\банк.csv")
    page = await desk.text(address)
    assert "банк.csv" in page
    assert "мои" not in page
    assert "По содержимому это CSV." in page.replace("\N{NO-BREAK SPACE}", " ")
    run = await desk.judged(table(*bad, count=3))
    batch = await desk.batch(run)
    counts = batch.counts
    assert (batch.state, batch.dry, counts.read, counts.new, counts.duplicate, counts.rejected) == (
        "done", True, 5, 3, 1, 1,
    )  # fmt: skip
    assert (batch.defaults.limit, batch.defaults.difficulty, batch.defaults.level) == (90_000, 0.6, "recall")
    page = await desk.text(run)
    assert "Загрузить заданий: 3" in page
    assert "Исходный текст" in page
    assert "будет отклонено" in page
    assert "отклонено" not in (await desk.text(f"{run}?kind=note")).partition("<tbody")[2].partition("</tbody>")[0]
    original = await desk.text(f"{run}/originals/4")
    assert "&lt;b&gt;Без&lt;/b&gt;" in original
    taken = await desk.school.get(desk.who, f"{run}/originals/4?as=file")
    assert taken.headers["content-disposition"].startswith("attachment")
    assert taken.headers["x-content-type-options"] == "nosniff"
    rows = list(csv.reader(io.StringIO((await desk.text(f"{run}/report.csv")).removeprefix("\ufeff")), delimiter=";"))
    assert {row[4] for row in rows[1:]} == {"будет отклонено", "будет пропущено"}
    report = (await desk.school.get(desk.who, f"{run}/report.json")).json()
    assert (report["dry_run"], report["counts"]["rejected"], len(report["lines"])) == (True, 1, len(rows) - 1)

    first = await desk.school.post(desk.who, f"{run}/keep")
    second = await desk.school.post(desk.who, f"{run}/keep")
    await desk.settled()
    third = await desk.school.post(desk.who, f"{run}/keep")
    assert first.headers["location"] == second.headers["location"] == third.headers["location"] != run
    kept = await desk.batch(first.headers["location"])
    assert (kept.state, kept.dry, kept.counts.new) == ("done", False, 3)
    page = await desk.text(first.headers["location"])
    brought = await desk.rows("SELECT item_id FROM question_bank.history WHERE what = 'import'")
    assert len(brought) == 3
    assert all(f"/staff/bank/{row['item_id']}?version=1" in page for row in brought)
    assert len(desk.files()) == 1, "the file that is in the bank is gone, the other one waits"
    assert "Этот файл уже загружен." in await desk.text(run)
    async with desk.school.database.transaction() as connection:
        await outbox.deliver(desk.school.database, {journal.TOPIC: journal.append})
        written = [one for one in await journal.read(connection) if one.action == "bank.imported"]
    assert [(one.fields["file"], one.fields["new"]) for one in written] == [("bank.csv", "3")]
    start = await desk.text(START)
    assert start.count("bank.csv") == 2
    assert "банк.csv" in start


def bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("imsmanifest.xml", b"<manifest>" + b" " * (200 << 20))
    return target.getvalue()


DTD = b'<?xml version="1.0"?><!DOCTYPE quiz [<!ENTITY a "b">]><quiz><question type="multichoice">&a;</question></quiz>'
HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "bomb": ("bank.zip", bomb, ""),
    "dtd": ("bank.xml", lambda: DTD, "moodle-xml"),
    "encoding": ("bank.csv", lambda: b"question,A,B,C,D,key\n\xff\xfe\x00\x81\x98?,1,2,3,4,A\n", "csv"),
    "program": ("bank.exe", lambda: b"MZ\x90\x00\x03" + bytes(range(256)) * 40, ""),
    "program, called a table": ("bank.xlsx", lambda: b"MZ\x90\x00\x03" + bytes(range(256)) * 40, "xlsx"),
    "cut": ("bank.xlsx", lambda: b"PK\x03\x04" + bytes(100), "xlsx"),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_file_is_told_of_and_keeps_nothing(desk: Desk, kind: str) -> None:
    name, make, format = HOSTILE[kind]
    before = await desk.rows("SELECT count(*) AS n FROM question_bank.item")
    address = await desk.address(make(), name)
    assert name in await desk.text(address)
    answer = await desk.check(address, format=format)
    await desk.settled()
    if answer.status_code == 303:
        batch = await desk.batch(answer.headers["location"])
        assert (batch.state, batch.counts.new) == ("failed", 0) or batch.counts.rejected == batch.counts.read
        page = await desk.text(answer.headers["location"])
        assert "Загрузить заданий" not in page
    else:
        assert answer.status_code == 422
        assert "exchange_" in answer.text
    assert await desk.rows("SELECT count(*) AS n FROM question_bank.item") == before
    await desk.school.post(desk.who, f"{address}/drop")
    assert desk.files() == []


async def test_what_is_no_file_of_ours_is_refused_while_it_arrives(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = await desk.send(b"")
    assert (empty.status_code, empty.json()["code"]) == (422, "file_empty")
    monkeypatch.setattr(exchange_desk, "MOST_FILE", 1_000)
    large = await desk.send(bytes(1_001))
    assert (large.status_code, large.json()["code"]) == (413, "file_too_large")

    async def broken_off() -> AsyncIterator[bytes]:
        yield b"a"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await desk.desk.take(broken_off(), "x.csv", desk.who)
    assert desk.files() == []
    without = await desk.school.send(desk.who, f"{START}/files", b"a,b", token="wrong")
    assert (without.status_code, without.json()["code"]) == (403, "csrf_failed")
    assert (await desk.send(b"a,b", who=desk.school.staff[Role.PROCTOR])).status_code == 403
    assert desk.files() == []
    form = await desk.school.post(desk.who, f"{START}/files", name="x.csv")
    assert form.status_code == 422, "not sent by the page's script"


async def test_wrong_wishes_are_told_by_their_fields_and_stay_typed(desk: Desk) -> None:
    address = await desk.address(table())
    answer = await desk.check(
        address, difficulty="всё", limit="1", level="x", format="doc", requirement="", unknown="default"
    )
    assert answer.status_code == 422
    for name in ("difficulty", "limit", "level", "format", "requirement"):
        assert f'id="f-{name}-error"' in answer.text
    assert 'value="всё"' in answer.text
    assert await desk.rows("SELECT id FROM question_bank.import_batch") == []


async def test_a_second_tab_is_led_to_what_the_first_one_began(desk: Desk) -> None:
    address = await desk.address(table())
    file = int(address.rpartition("/")[2])
    async with desk.school.database.transaction() as connection:
        running = await open_batch(
            connection, "bank.csv", "csv", 1, Wishes(Defaults("", "")), desk.who.id, desk.school.clock.now(),
            dry=True, file=file,
        )  # fmt: skip
    # A batch whose process is gone is closed first: nobody is led to what will never end.
    answer = await desk.check(address)
    await desk.settled()
    assert (await desk.batch(f"/{running}")).state == "interrupted"
    assert "Программа остановилась" in await desk.text(f"{START}/runs/{running}")
    assert (await desk.batch(answer.headers["location"])).state == "done"


async def test_a_run_is_cancelled_from_any_process_and_leaves_nothing(desk: Desk) -> None:
    run = await desk.judged(table(count=20))
    before = await desk.rows("SELECT count(*) AS n FROM question_bank.item")
    async with desk.school.database.transaction() as connection:
        await execute(connection, "LOCK TABLE question_bank.item IN EXCLUSIVE MODE")  # so long nothing is kept
        going = (await desk.school.post(desk.who, f"{run}/keep")).headers["location"]
        again = await desk.school.post(desk.who, f"{run}/keep")
        assert again.headers["location"] == going
        drop = await desk.school.post(desk.who, f"{START}/{(await desk.batch(run)).file}/drop")
        assert drop.status_code == 409
        assert "Отменить" in await desk.text(going)
        cancelled = await desk.school.post(desk.who, f"{going}/cancel")
        assert cancelled.headers["location"] == going
    await desk.settled()
    assert (await desk.batch(going)).state == "cancelled"
    assert await desk.rows("SELECT count(*) AS n FROM question_bank.item") == before
    page = await desk.text(going)
    assert "В банк ничего не попало" in page
    assert "с другими условиями" in page, "the file is still here"
    answer = await desk.school.post(desk.who, f"{run}/keep")
    await desk.settled()
    assert (await desk.batch(answer.headers["location"])).counts.new == 20


async def test_the_part_that_follows_asks_for_the_page_once_it_is_over(desk: Desk) -> None:
    async with desk.school.database.transaction() as connection:
        number = await open_batch(
            connection, "bank.csv", "csv", 1, Wishes(Defaults("", "")), desk.who.id, desk.school.clock.now(), dry=True
        )
    going = await desk.school.get(desk.who, f"{START}/runs/{number}/progress")
    assert "hx-refresh" not in going.headers
    assert "hx-trigger" in going.text
    assert "Отменить" in await desk.text(f"{START}/runs/{number}")
    async with desk.school.database.transaction() as connection:
        assert await ask_to_cancel(connection, number)
    await desk.desk.sweep()
    over = await desk.school.get(desk.who, f"{START}/runs/{number}/progress")
    assert over.headers["hx-refresh"] == "true"
    assert "hx-trigger" not in over.text


async def test_a_file_that_nobody_came_back_for_goes_after_a_day(desk: Desk) -> None:
    address = await desk.address(table())
    run = await desk.judged(table())
    desk.school.clock.advance(DAY - 1)
    await desk.desk.sweep()
    assert len(desk.files()) == 2
    desk.school.clock.advance(2)
    await desk.desk.sweep()
    assert desk.files() == []
    desk.who = await desk.school.hire("metodist2", Role.METHODOLOGIST)
    assert "хранится сутки" in await desk.text(address)
    assert "хранится сутки" in await desk.text(f"{START}/{(await desk.batch(run)).file}")
    assert (await desk.check(address)).status_code == 404
    assert (await desk.school.post(desk.who, f"{run}/keep")).status_code == 404
    async with desk.school.database.transaction() as connection:
        assert len(await list_batches(connection)) == 1


async def test_what_does_not_exist_is_not_found(desk: Desk) -> None:
    for path in (f"{START}/77", f"{START}/x", f"{START}/runs/77", f"{START}/runs/77/originals/1"):
        assert (await desk.school.get(desk.who, path)).status_code == 404
