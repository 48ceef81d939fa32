"""Workbooks: what leaves comes back equal; cells of every kind are read; bombs are measured before they are opened."""

import contextlib
import datetime
import io
import zlib
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import AccreditationError, Invalid, TooLarge
from question_bank.exchange import xlsx
from question_bank.exchange.entries import Arriving, Leaving, Rejected
from question_bank.exchange.formats import find_format
from question_bank.exchange.head import look
from question_bank.items import Role
from tests.drafts import four_option, leavings

many = settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bank.xlsx"


def save(file: Path, *sheets: list[list[Any]]) -> None:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for rows in sheets:
        sheet = workbook.create_sheet()
        for row in rows:
            sheet.append(row)
    workbook.save(file)


def write(file: Path, items: list[Leaving]) -> list[Any]:
    with file.open("wb") as target:
        return list(xlsx.write(items, target))


@many
@given(st.lists(leavings(), max_size=4))
def test_what_leaves_comes_back_equal(file: Path, items: list[Leaving]) -> None:
    written = write(file, items)
    lost = {one.item for one in written if one.remarks}
    back = list(xlsx.read(file))
    assert [(one.home, one.enemies) for one in back if isinstance(one, Arriving)] == [
        (item.item, item.enemies) for item in items
    ]
    for item, one in zip(items, back, strict=True):
        assert isinstance(one, Arriving)
        assert one.draft == item.draft or item.item in lost


@many
@given(st.lists(leavings(), min_size=1, max_size=3))
def test_no_cell_that_leaves_is_a_formula(file: Path, items: list[Leaving]) -> None:
    write(file, items)
    with contextlib.closing(openpyxl.load_workbook(file, read_only=True)) as workbook:
        for row in workbook.active.iter_rows():
            assert all(cell.data_type != "f" for cell in row)


def test_a_character_that_xml_has_not_is_told(file: Path) -> None:
    (written,) = write(file, [Leaving("i1", 1, four_option("a\ufffeb"))])
    assert [(remark.weight, remark.code) for remark in written.remarks] == [("loss", "characters_lost")]
    (back,) = xlsx.read(file)
    assert isinstance(back, Arriving)
    assert back.draft.stem == "a\ufffdb"


@pytest.fixture(scope="module")
def good() -> bytes:
    target = io.BytesIO()
    list(xlsx.write([Leaving("i1", 1, four_option())], target))
    return target.getvalue()


@many
@given(st.data())
def test_any_bytes_give_entries_or_a_refusal(file: Path, good: bytes, data: st.DataObject) -> None:
    broken = bytearray(good)
    for _ in range(data.draw(st.integers(0, 5))):
        broken[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    for content in (data.draw(st.binary(max_size=100)), bytes(broken[: data.draw(st.integers(1, len(good)))])):
        file.write_bytes(content)
        with contextlib.suppress(Invalid, TooLarge):
            assert all(isinstance(entry, Arriving | Rejected) for entry in xlsx.read(file))


@many
@given(st.text(st.sampled_from('<>/"= rct0123456789ABXFD&;svn'), max_size=60))
def test_any_sheet_gives_entries_or_a_refusal(file: Path, good: bytes, inside: str) -> None:
    replace_sheet(file, good, SHEET.format(inside).encode())
    with contextlib.suppress(Invalid, TooLarge):
        assert all(isinstance(entry, Arriving | Rejected) for entry in xlsx.read(file))


TITLES = ["Специальность", "Вопрос", 1, 2, 3, 4, "Ключ", "Время", "Трудность"]


def test_cells_of_every_kind(file: Path) -> None:
    day = datetime.date(2001, 5, 31)
    save(
        file,
        [
            ["Банк кафедры"],
            TITLES,
            [day, "Сколько?", 3, 0.5, True, "=1+1", 2, datetime.time(1, 30), 0.25],
            ["31.05.01", "Когда?", day, "вчера", "сегодня", "завтра", "вчера", 45, "60%"],
        ],
    )
    first, second = xlsx.read(file)
    assert isinstance(first, Arriving)
    assert isinstance(second, Arriving)
    assert first.place.line == 3
    draft = first.draft
    assert [choice.text for choice in draft.stages[0].choices] == ["3", "0,5", "ИСТИНА"]
    assert draft.stages[0].choices[1].role == Role.KEY
    assert (draft.speciality, draft.limit, draft.difficulty) == ("31.05.01", 90_000, 0.25)
    assert [remark.code for remark in first.remarks] == ["code_from_date"]
    assert [choice.text for choice in second.draft.stages[0].choices][:2] == ["31.05.2001", "вчера"]
    assert (second.draft.limit, second.draft.difficulty) == (45_000, 0.6)
    assert [remark.code for remark in second.remarks] == ["date_read"]


def test_sheets_are_read_in_turn_and_one_that_is_not_is_told(file: Path) -> None:
    rows = [["question", "A", "B", "key"], ["Q?", "a", "b", "A"]]
    save(file, rows, [["Итого", 1]], [], rows)
    entries = list(xlsx.read(file))
    assert [(one.place.number, one.place.member) for one in entries] == [(1, "Sheet"), (2, "Sheet3"), (3, "Sheet1")]
    assert isinstance(entries[2], Rejected)
    assert entries[2].code == "sheet_unread"


def test_a_workbook_without_items_is_refused(file: Path) -> None:
    save(file, [["Итого", 1]])
    with pytest.raises(Invalid, match="exchange_columns_unknown"):
        list(xlsx.read(file))


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)


def replace_sheet(file: Path, good: bytes, sheet: bytes) -> None:
    with ZipFile(io.BytesIO(good)) as old, ZipFile(file, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else old.read(name))


@pytest.mark.parametrize("cell", ["XFD1048576", "xfd1048576", "AAAAAAAA1", "A99999999999"])
def test_one_far_cell_is_no_reason_for_a_billion(file: Path, good: bytes, cell: str) -> None:
    replace_sheet(file, good, SHEET.format(f'<row><c r="A1"/><c r="{cell}"><v>1</v></c></row>').encode())
    with pytest.raises(AccreditationError) as refusal:
        list(xlsx.read(file))
    assert refusal.value.code in ("exchange_too_large", "exchange_xlsx_broken")


def test_a_bomb_is_measured_and_not_believed(file: Path, good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_sheet(file, good, b" " * 3_000_000)
    monkeypatch.setattr(xlsx, "MAX_UNPACKED", 2_000_000)
    with pytest.raises(TooLarge, match="exchange_too_large"):
        list(xlsx.read(file))
    lying = bytearray(file.read_bytes())
    true, small = (3_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    crc, false = zlib.crc32(b" " * 3_000_000).to_bytes(4, "little"), zlib.crc32(b" " * 10).to_bytes(4, "little")
    file.write_bytes(bytes(lying).replace(true, small).replace(crc, false))
    with pytest.raises(TooLarge, match="exchange_too_large"):
        list(xlsx.read(file))


def test_pictures_stay_behind_and_it_is_told(file: Path) -> None:
    (written,) = write(file, [Leaving("i1", 1, four_option(), {"ekg-1": (b"", "image/png")})])
    assert [(remark.weight, remark.code) for remark in written.remarks] == [("loss", "pictures_left")]


def test_it_is_recognised_whatever_its_name(file: Path, good: bytes) -> None:
    other = file.with_suffix(".bin")
    other.write_bytes(good)
    assert find_format(look(other)).name == "xlsx"
