"""Bringing in a file: judged first, then kept as a whole or not at all, whatever happens on the way."""

import asyncio
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from core.database import fetch_all, fetch_one
from core.errors import Invalid, NotFound
from core.ids import AssetId, ItemId
from question_bank import judging
from question_bank.asset_store import keep_asset
from question_bank.drafts import Defaults, draft_of
from question_bank.enemy_store import list_enemies
from question_bank.exchange import formats
from question_bank.exchange.entries import Arriving, Place, Rejected, Remark
from question_bank.exporting import Selection
from question_bank.import_store import (
    ask_to_cancel,
    list_batches,
    load_batch,
    load_original,
    mark_interrupted,
    open_batch,
    own_batch,
)
from question_bank.importing import Incoming
from question_bank.imports import Counts, Wishes
from question_bank.items import Item, Role
from question_bank.likeness_store import find_alike
from question_bank.pictures import redraw
from question_bank.store import load_items, publish_items, withdraw_item
from question_bank.version_store import list_steps, load_line, next_item_id, save_version
from question_bank.word_store import find_meant
from question_bank.wording import read_query
from tests.drafts import four_option
from tests.stores.question_bank.house import METHODOLOGIST, WISHES, House, png

TITLES = ["question", "A", "B", "C", "D", "key", "requirement"]


def rows(count: int) -> list[list[Any]]:
    return [[f"Вопрос {n} о пневмонии?", *(f"{letter}{n}" for letter in "абвг"), "B", ""] for n in range(count)]


async def test_a_dry_run_keeps_nothing_but_its_report(house: House) -> None:
    before = await house.sizes()
    bad = [["Без ключа?", "1", "2", "3", "4", "", ""], ["Куда?", "1", "2", "3", "4", "A", "R9"], ["Раздел"]]
    batch = await house.plan(house.file([TITLES, *rows(2), *bad]))
    after = await house.sizes()
    assert (batch.state, batch.dry, batch.format, batch.done_by) == ("done", True, "csv", METHODOLOGIST)
    assert batch.counts == Counts(
        read=5, new=3, rejected=2, reasons={"no_options": 1, "requirement_unknown": 1}, remarks={"no_key": 1}
    )
    told = await house.lines(batch)
    assert [(line.place.number, line.place.line, line.fate, line.weight, line.code) for line in told] == [
        (3, 4, "new", "fault", "no_key"),
        (4, 5, "rejected", "rejection", "requirement_unknown"),
        (5, 6, "rejected", "rejection", "no_options"),
    ]
    async with house.database.transaction() as connection:
        assert "Раздел" in (await load_original(connection, batch.id, 5)).data.decode()
        assert "Куда?" in (await load_original(connection, batch.id, 4)).data.decode()
    changed = {table: after[table] - count for table, count in before.items() if after[table] != count}
    assert changed == {"import_line": 3, "import_original": 2}


async def test_what_a_reader_says_of_the_key_hides_no_other_fault(house: House) -> None:
    short = ["Без ключа и без варианта?", "1", "2", "3", "", "", ""]
    twice = ["Без ключа и с повтором?", "1", "1", "3", "4", "", ""]
    batch = await house.plan(house.file([TITLES, short, twice]))
    assert [(line.place.number, line.code, line.sentence) for line in await house.lines(batch)] == [
        (1, "no_key", "Эталон не указан. Отметьте правильный вариант."),
        (1, "unready", "Нужно ровно четыре варианта."),
        (2, "no_key", "Эталон не указан. Отметьте правильный вариант."),
        (2, "unready", "Варианты должны различаться."),
    ]
    assert batch.counts.remarks == {"no_key": 2, "unready": 2}


async def test_items_are_kept_as_drafts_that_can_be_found(house: House) -> None:
    batch = await house.keep(house.file([TITLES, *rows(3), ["Без ключа?", "1", "2", "3", "4", "", "R2"]]))
    assert (batch.state, batch.counts.new) == ("done", 4)
    async with house.database.transaction() as connection:
        found = await fetch_all(
            connection,
            """
            SELECT i.id, i.state AS service, i.version AS current, v.state, v.ready, v.author, v.requirement
            FROM question_bank.item i JOIN question_bank.item_version v ON v.item_id = i.id ORDER BY i.id
            """,
        )
        assert [dict(row) for row in found] == [
            {
                "id": row["id"], "service": "working", "current": 1, "state": "draft", "ready": number < 3,
                "author": METHODOLOGIST, "requirement": "R1" if number < 3 else "R2",
            }
            for number, row in enumerate(found)
        ]  # fmt: skip
        words = "SELECT item_id FROM question_bank.item_version WHERE words @@ websearch_to_tsquery('russian', :words)"
        assert len(await fetch_all(connection, words, words="пневмония")) == 3
        assert await find_meant(connection, read_query("пневмнии")) == {"пневмнии": "пневмонии"}
        (item,) = (await load_items(connection, [(ItemId(found[0]["id"]), 1)])).values()
        assert draft_of(item).stem == "Вопрос 0 о пневмонии?"
        assert [choice.text for choice in item.stages[0].choices if choice.role == Role.KEY] == ["б0"]
        (step,) = await list_steps(connection, item.id)
        assert (step.what, step.words, step.done_by) == ("import", "bank.csv", METHODOLOGIST)
        likest, *_ = await find_alike(connection, draft_of(item), 5)
        assert (likest.item, likest.likeness) == (item.id, 1.0)


async def test_what_says_the_same_is_kept_once(house: House, bank: list[Item]) -> None:
    async with house.database.transaction() as connection:
        await publish_items(connection, bank[:1], house.clock.now())
    texts = [choice.text for choice in bank[0].stages[0].choices]
    published = [bank[0].stem, *texts, "1", "R2"]
    file = house.file([TITLES, *rows(1), published, *rows(1)])
    for batch in (await house.plan(file), await house.keep(file)):
        assert (batch.counts.new, batch.counts.duplicate) == (1, 2)
        first, second = await house.lines(batch)
        assert (first.place.number, first.fate, first.item) == (2, "duplicate", bank[0].id)
        assert (second.place.number, second.fate) == (3, "duplicate")
    assert (await house.keep(file)).counts == Counts(read=3, duplicate=3)


async def test_a_bank_moves_with_its_ids_and_enemies(house: House) -> None:
    text = (
        "Задание банка,Условие,А,Б,В,Г,Эталон,Несовместимые\r\n"
        "x-1,Один?,1,2,3,4,А,x-2; y\r\nx-2,Два?,1,2,3,4,Б,\r\nx-1,Три?,1,2,3,4,Б,\r\n"
    )
    plan = await house.plan(house.file(text))
    batch = await house.keep(house.file(text))
    for one in (plan, batch):
        assert one.counts == Counts(read=3, new=2, rejected=1, reasons={"repeated": 1}, remarks={"enemy_unknown": 1})
    async with house.database.transaction() as connection:
        assert await list_enemies(connection, ItemId("x-1")) == [ItemId("x-2")]


async def test_a_withdrawn_item_and_one_of_the_other_pool_stay_as_they_are(house: House, bank: list[Item]) -> None:
    async with house.database.transaction() as connection:
        await publish_items(connection, bank, house.clock.now())
    text = (await house.export("csv", Selection())).decode("utf-8-sig")
    first, second, *_ = (line for line in text.splitlines() if "экзамен" in line)
    async with house.database.transaction() as connection:
        await withdraw_item(connection, ItemId(first.split(",")[0]))
    batch = await house.keep(house.file(text.replace(second, second.replace("экзамен", "тренировка"))))
    assert batch.counts == Counts(
        read=len(bank), unchanged=len(bank) - 2, rejected=2, reasons={"item_withdrawn": 1, "pool_fixed": 1}
    )


async def test_what_a_withdrawn_item_or_an_older_version_said_may_come_again(house: House, bank: list[Item]) -> None:
    async with house.database.transaction() as connection:
        await publish_items(connection, bank, house.clock.now())
    (house.folder / "out").write_bytes(await house.export("aiken", Selection()))
    plain = sum(item.kind == "four_option" for item in bank)
    file = Incoming(house.folder / "out", "bank.txt")
    assert (await house.plan(file)).counts == Counts(read=plain, duplicate=plain)
    said = replace(draft_of(bank[1]), stem="Другое условие?")
    async with house.database.transaction() as connection:
        await withdraw_item(connection, bank[0].id)
        await save_version(connection, bank[1].id, 1, said, METHODOLOGIST, house.clock.now())
    assert (await house.plan(file)).counts == Counts(read=plain, duplicate=plain - 2, new=2)


async def test_a_number_that_somebody_has_taken_is_passed_over(house: House, bank: list[Item]) -> None:
    async with house.database.transaction() as connection:
        ours = await next_item_id(connection)
        taken = [replace(bank[0], id=ItemId(f"i{int(ours[1:]) + more:06}")) for more in (1, 2)]
        await publish_items(connection, taken, house.clock.now())
    assert (await house.keep(house.file([TITLES, *rows(2)]))).counts == Counts(read=2, new=2)
    async with house.database.transaction() as connection:
        for one in taken:
            assert (await load_line(connection, one.id)).latest == 1


async def test_originals_are_kept_as_far_as_there_is_room(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    wide, narrow = ["Раздел " + "я" * 300], ["Раздел"]
    monkeypatch.setattr(judging, "MOST_ORIGINALS", 500)
    batch = await house.plan(house.file([TITLES, wide, narrow]))
    assert batch.counts.rejected == 2
    async with house.database.transaction() as connection:
        assert "Раздел" in (await load_original(connection, batch.id, 2)).data.decode()
        with pytest.raises(NotFound):
            await load_original(connection, batch.id, 1)


async def test_ids_of_another_house_take_no_number_that_the_bank_gives(house: House) -> None:
    def line(home: str, number: int) -> str:
        return f"{home},Вопрос {number}?,1,2,3,4,А\r\n"

    async with house.database.transaction() as connection:
        first = int((await next_item_id(connection))[1:]) + 1
    told = {number: f"i{number:06}" for number in (first, first + 3, first + 1_500)}
    text = "Задание банка,Условие,А,Б,В,Г,Эталон\r\n" + "".join(
        line(told.get(first + number, ""), number) for number in range(1_200)
    )
    text += line(f"i{first + 1:06}", 2_000) + line(told[first + 1_500], 2_001)
    batch = await house.keep(house.file(text))
    assert (batch.state, batch.counts.new, batch.counts.changed) == ("done", 1_202, 0)
    async with house.database.transaction() as connection:
        rows = await fetch_all(connection, "SELECT id, latest FROM question_bank.item")
    assert len(rows) == 1_202
    assert {row["latest"] for row in rows} == {1}
    assert set(told.values()) <= {row["id"] for row in rows}


async def test_enemies_from_a_file_are_known_to_the_next_draw(house: House, bank: list[Item]) -> None:
    async with house.database.transaction() as connection:
        await publish_items(connection, bank[:2], house.clock.now())
        before = await fetch_one(connection, "SELECT revision FROM question_bank.speciality WHERE code = 'S1'")
    one, other = bank[0].id, bank[1].id
    text = (await house.export("csv", Selection())).decode("utf-8-sig")
    titles, *lines = list(csv.reader(io.StringIO(text)))
    assert titles[0] == "Задание банка", titles
    enemies = titles.index("Несовместимые")
    next(line for line in lines if line[0] == one)[enemies] = other
    batch = await house.keep(house.file([titles, *lines]))
    assert batch.counts.unchanged == 2
    async with house.database.transaction() as connection:
        assert await list_enemies(connection, one) == [other]
        after = await fetch_one(connection, "SELECT revision FROM question_bank.speciality WHERE code = 'S1'")
    assert before is not None
    assert after is not None
    assert after["revision"] > before["revision"], "pools that are kept would go on without the enemies"


async def test_the_requirement_may_be_the_file_s(house: House) -> None:
    file = house.file([TITLES, ["Куда?", "1", "2", "3", "4", "A", "R9"]])
    batch = await house.keep(file, replace(WISHES, unknown_requirement="default"))
    assert (batch.counts.new, batch.counts.remarks) == (1, {"requirement_replaced": 1})
    nowhere = await house.plan(house.file([TITLES, *rows(1)]), Wishes(Defaults("", "")))
    assert nowhere.counts.reasons == {"requirement_missing": 1}


async def test_a_file_that_breaks_off_leaves_nothing(house: House) -> None:
    target = io.StringIO()
    csv.writer(target).writerows([TITLES, *rows(2_500)])
    file = house.file(target.getvalue() + '"' + "x" * 200_000)
    before = await house.sizes()
    batch = await house.keep(file)
    assert (batch.state, batch.counts.new) == ("failed", 0)
    assert "2502" in batch.reason
    assert await house.sizes() == before
    plan = await house.plan(file)
    assert (plan.state, plan.counts.new, plan.reason) == ("failed", 2_499, batch.reason)


async def test_a_reader_that_stumbles_leaves_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> Iterator[Arriving | Rejected]:
        for number in range(2_500):
            draft = four_option(f"Вопрос {number}?")
            yield Arriving(Place(number + 1), draft, remarks=(Remark("note", "x", "y"),), identifier=f"n{number}")
            if number == 1_700:
                raise RuntimeError("a defect of the reader")

    monkeypatch.setattr(formats, "FORMATS", (formats.Format("own", "Own", (".own",), "", read, None, lambda _: True),))
    before = await house.sizes()
    with pytest.raises(RuntimeError, match="a defect"):
        await house.keep(house.file("x", "x.own"), Wishes(Defaults("S1", "R1")))
    assert await house.sizes() == before
    async with house.database.transaction() as connection:
        (batch,) = await list_batches(connection)
    assert batch.state == "failed"


async def test_stopped_between_two_pieces_it_leaves_nothing(house: House) -> None:
    before, stop = await house.sizes(), asyncio.Event()
    seen: list[int] = []

    def told(counts: Counts) -> None:
        seen.append(counts.read)
        stop.set()

    batch = await house.keep(house.file([TITLES, *rows(2_500)]), told=told, stop=stop)
    assert (batch.state, seen) == ("cancelled", [1_000])
    assert await house.sizes() == before


async def test_it_is_stopped_from_another_process(house: House) -> None:
    asked: list[asyncio.Task[bool]] = []
    before = await house.sizes()

    async def ask() -> bool:
        async with house.database.transaction() as connection:
            (batch,) = await list_batches(connection)
            return await ask_to_cancel(connection, batch.id)

    def told(counts: Counts) -> None:
        if not asked:
            asked.append(asyncio.create_task(ask()))

    batch = await house.keep(house.file([TITLES, *rows(3_500)]), told=told)
    assert await asked[0]
    assert batch.state == "cancelled"
    assert await house.sizes() == before


async def test_a_cancelled_task_leaves_nothing(house: House) -> None:
    before, begun = await house.sizes(), asyncio.Event()
    running = asyncio.create_task(house.keep(house.file([TITLES, *rows(5_000)]), told=lambda _: begun.set()))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await house.sizes() == before
    async with house.database.transaction() as connection:
        (batch,) = await list_batches(connection)
    assert batch.state == "cancelled"


async def test_what_a_killed_process_began_is_interrupted(house: House) -> None:
    async with house.database.transaction() as connection:
        batch = await open_batch(connection, "x.csv", "csv", 1, WISHES, None, house.clock.now(), dry=False)
    async with house.database.transaction() as owner:
        assert await own_batch(owner, batch)
        async with house.database.transaction() as connection:
            assert await mark_interrupted(connection, house.clock.now()) == 0
    async with house.database.transaction() as connection:
        assert await mark_interrupted(connection, house.clock.now()) == 1
        assert await mark_interrupted(connection, house.clock.now()) == 0
    async with house.database.transaction() as connection:
        assert (await load_batch(connection, batch)).state == "interrupted"
        assert not await own_batch(connection, batch)
        assert await mark_interrupted(connection, house.clock.now()) == 0


def pictured(number: int, pictures: dict[str, bytes]) -> Arriving:
    stem = "".join(f'<p>Плёнка <img data-asset="{name}" alt="ЭКГ"></p>' for name in pictures)
    return Arriving(
        Place(number), replace(four_option(stem), markup="html", requirement="R1", speciality="S1"), pictures=pictures
    )


async def test_pictures_are_drawn_anew_and_those_that_the_bank_has_are_taken(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = redraw(png(10))
    async with house.database.transaction() as connection:
        await keep_asset(connection, house.blobs, AssetId("ekg-1"), known, house.clock.now())
    entries = [
        pictured(1, {"one.png": known.data, "Два.png": png(50)}),
        pictured(2, {"x": png(50)}),
        pictured(3, {"x": b"no picture"}),
        replace(pictured(4, {"gone": b""}), pictures={}),
    ]
    own = formats.Format("own", "Own", (".own",), "", lambda _: iter(entries), None, lambda _: True)
    monkeypatch.setattr(formats, "FORMATS", (own,))
    plan, batch = await house.plan(house.file("x", "x.own")), await house.keep(house.file("x", "x.own"))
    for one in (plan, batch):
        assert one.counts == Counts(
            read=4, new=2, rejected=2, pictures=1, reasons={"asset_unknown": 1, "picture_bad": 1}
        )
    async with house.database.transaction() as connection:
        rows = await fetch_all(connection, "SELECT id, latest FROM question_bank.item ORDER BY id")
        first, second = (await load_items(connection, [(ItemId(row["id"]), row["latest"]) for row in rows])).values()
    assert 'data-asset="ekg-1" alt="ЭКГ" width="30" height="20"' in first.stem
    assert first.stem.count("<img") == 2
    assert second.stem.partition('data-asset="')[2].partition('"')[0] in first.stem
    again = await house.keep(house.file("x", "x.own"))
    assert (again.counts.duplicate, again.counts.pictures) == (2, 0)


async def test_a_strange_file_is_refused_before_anything_begins(house: House) -> None:
    with pytest.raises(Invalid, match="exchange_format_unknown"):
        await house.keep(house.file("just words", "x.bin"))
    async with house.database.transaction() as connection:
        assert await list_batches(connection) == []
