"""Items that leave: what comes back is what the bank has, as far as the format carries it."""

import asyncio
import csv
import io

import pytest
from msgspec.structs import replace

from core.errors import Invalid
from core.ids import AssetId
from question_bank.asset_store import keep_asset
from question_bank.enemy_store import list_enemies, set_enemies
from question_bank.exchange import formats
from question_bank.exporting import Selection, count_items, export_items
from question_bank.importing import Incoming
from question_bank.imports import Counts
from question_bank.items import Item
from question_bank.pictures import redraw
from question_bank.store import publish_items
from question_bank.version_store import load_line
from tests.stores.question_bank.house import METHODOLOGIST, House, png


@pytest.mark.parametrize("format", ["csv", "xlsx", "qti-2.1", "qti-2.2", "qti-3.0", "moodle-xml", "gift"])
async def test_the_bank_s_own_file_is_unchanged_or_a_new_version(house: House, bank: list[Item], format: str) -> None:
    async with house.database.transaction() as connection:
        await publish_items(connection, bank, house.clock.now())
        await set_enemies(connection, bank[0].id, [bank[1].id], METHODOLOGIST, house.clock.now())
        assert await count_items(connection, Selection()) == len(bank)
    (house.folder / "out").write_bytes(await house.export(format, Selection()))
    own = Incoming(house.folder / "out", f"bank{formats.named_format(format).suffixes[0]}")
    batch = await house.keep(own)
    # Moodle has no cases: they are left out, and said to be.
    held = [item for item in bank if item.kind == "four_option" or format not in ("moodle-xml", "gift")]
    assert batch.counts == Counts(read=len(held), unchanged=len(held))
    if format == "csv":
        text = own.path.read_text(encoding="utf-8-sig").replace("Вопрос 3 о", "Вопрос три о")
        own.path.write_text(text, encoding="utf-8")
        batch = await house.keep(own)
        assert (batch.counts.changed, batch.counts.unchanged) == (1, len(bank) - 1)
        async with house.database.transaction() as connection:
            line = await load_line(connection, bank[3].id)
            assert (line.service, line.in_service, line.latest, line.versions[0].state) == ("active", 1, 2, "draft")
            assert await list_enemies(connection, bank[0].id) == [bank[1].id]


@pytest.mark.parametrize("format", ["qti-3.0", "moodle-xml", "gift"])
async def test_pictures_and_formulas_leave_and_are_known_again(house: House, bank: list[Item], format: str) -> None:
    picture = redraw(png(10))
    shown = f'<img data-asset="ekg-1" alt="ЭКГ" width="{picture.width}" height="{picture.height}">'
    formula = "<math><mfrac><mi>a</mi><mn>2</mn></mfrac></math>"
    item = replace(bank[0], markup="html", stem=f"<p>Дано:\u00a0{shown} {formula}</p>", tags=("ЭКГ", "боль"))
    async with house.database.transaction() as connection:
        await keep_asset(connection, house.blobs, AssetId("ekg-1"), picture, house.clock.now())
        await publish_items(connection, [item], house.clock.now())
    path = house.folder / "out"
    path.write_bytes(await house.export(format, Selection()))
    own = Incoming(path, f"bank{formats.named_format(format).suffixes[0]}")
    assert (await house.keep(own)).counts == Counts(read=1, unchanged=1)


async def test_what_has_no_place_for_ids_comes_back_as_what_the_bank_has(house: House, bank: list[Item]) -> None:
    async with house.database.transaction() as connection:
        await publish_items(connection, bank, house.clock.now())
    (house.folder / "out").write_bytes(await house.export("aiken", Selection()))
    batch = await house.keep(Incoming(house.folder / "out", "bank.txt"))
    plain = sum(item.kind == "four_option" for item in bank)
    assert (batch.format, batch.counts) == ("aiken", Counts(read=plain, duplicate=plain))


async def test_an_export_can_be_stopped_and_selects(house: House, bank: list[Item]) -> None:
    async with house.database.transaction() as connection:
        await publish_items(connection, bank, house.clock.now())
        assert await count_items(connection, Selection("S1", "R2")) == 13
        assert await count_items(connection, Selection(state="draft")) == 0
        assert await count_items(connection, Selection(items=(bank[0].id, bank[1].id))) == 2
    text = (await house.export("csv", Selection("S2"))).decode("utf-8-sig")
    assert len(list(csv.reader(io.StringIO(text, newline="")))) == 6
    stop = asyncio.Event()
    stop.set()
    format = formats.named_format("csv")
    assert await export_items(house.database, house.blobs, Selection(), format, io.BytesIO(), stop=stop) is None
    with pytest.raises(Invalid, match="exchange_in_only"):
        await export_items(house.database, house.blobs, Selection(), formats.named_format("jsonl"), io.BytesIO())
