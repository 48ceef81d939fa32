"""Workbooks of Excel: read by calamine, after what is in the zip has been measured; written row by row by openpyxl.

Texts are written as texts, so that no spreadsheet takes one for a formula; of a formula somebody else wrote, the value
is read that was last computed. Pictures are not carried: they float above a sheet and belong to no cell.
"""

import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from python_calamine import CalamineError, CalamineWorkbook

from core.errors import Invalid, TooLarge
from question_bank.exchange.cells import Cell, is_dangerous
from question_bank.exchange.entries import Arriving, Leaving, Place, Rejected, Remark, Written
from question_bank.exchange.head import Head
from question_bank.exchange.layout import PICTURES_LEFT, Value, rows_of, title_row
from question_bank.exchange.rows import find_table, read_rows

WORKBOOK = "xl/workbook.xml"
MAX_UNPACKED = 512 << 20
"""Bytes of all that is in the zip."""
MAX_CELLS = 8_000_000
"""Of one sheet, empty ones among them: calamine keeps room for each."""
MOST_SHEETS = 100
SHEET = "Задания"

_CHUNK = 1 << 20
_REFERENCE = re.compile(rb"\sr\s*=\s*[\"']\s*([A-Za-z]*)(\d*)")
_LONGEST_REFERENCE = 64
_UNWRITABLE = re.compile("[\ufffe\uffff]")
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_STORED, _DEFLATED = 0, 8


def recognise(head: Head) -> bool:
    return WORKBOOK in head.members


def read(path: Path) -> Iterator[Arriving | Rejected]:
    """Raises Invalid (`exchange_zip_broken`, `exchange_xlsx_broken`, `exchange_columns_unknown`), TooLarge
    (`exchange_too_large`).
    """
    _measure(path)
    workbook = _open(path)
    number, unread = 1, []
    with workbook:
        for name in workbook.sheet_names[:MOST_SHEETS]:
            table = find_table(_rows(workbook, name))
            if table is None:
                unread.append(name)
                continue
            for entry in read_rows(*table, name, number):
                number = entry.place.number + 1
                yield entry
        if len(unread) == len(workbook.sheet_names[:MOST_SHEETS]):
            raise Invalid(
                "exchange_columns_unknown",
                "Ни на одном листе не найдены столбцы задания. "
                "Назовите их в первой строке: «Условие», «А», «Б», «В», «Г», «Эталон».",
            )
        unread = [name for name in unread if any(any(cell != "" for cell in row) for _, row in _rows(workbook, name))]
    for name in unread:
        yield Rejected(Place(number, name), "sheet_unread", "На листе не найдены столбцы задания: он не прочитан.")
        number += 1


def write(items: Iterable[Leaving], target: IO[bytes]) -> Iterator[Written]:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(SHEET)
    sheet.freeze_panes = "A2"
    for place, title in enumerate(title_row(), 1):
        sheet.column_dimensions[get_column_letter(place)].width = 60 if title == "Условие" else 20
    sheet.append([_heading(sheet, title) for title in title_row()])
    for item in items:
        lost: list[Remark] = [PICTURES_LEFT] if item.pictures else []
        for row in rows_of(item, formulas=False):
            if not lost and any(isinstance(value, str) and _UNWRITABLE.search(value) for value in row):
                lost.append(_CHARACTERS_LOST)
            sheet.append([_cell(sheet, value) for value in row])
        yield Written(item.item, tuple(lost))
    workbook.save(target)


_CHARACTERS_LOST = Remark("loss", "characters_lost", "Знаки U+FFFE и U+FFFF в XLSX не записать: на их месте �.")


def _cell(sheet: Any, value: Value) -> Any:
    if isinstance(value, float):
        # Sixteen digits are written.
        return value if float(f"{value:.16g}") == value else repr(value)
    if not isinstance(value, str) or not value:
        return value or None
    text = _UNWRITABLE.sub("\ufffd", _ESCAPED.sub("_x005F_", value))
    if text[0] not in _TELLING and not is_dangerous(text):
        return text
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell


_TELLING = "=#"
"""What openpyxl takes for a formula or for an error."""


def _heading(sheet: Any, title: str) -> Any:
    cell = WriteOnlyCell(sheet, title)
    cell.font = Font(bold=True)
    return cell


def _open(path: Path) -> Any:
    with _stumbling():
        return CalamineWorkbook.from_path(path)


@contextmanager
def _stumbling(sheet: str = "") -> Iterator[None]:
    """What calamine raises, its panics among it, as a refusal."""
    try:
        yield
    except (CalamineError, OSError, ValueError) as error:
        raise _broken(sheet) from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise _broken(sheet) from error
        raise


def _rows(workbook: Any, name: str) -> Iterator[tuple[int, Sequence[Cell]]]:
    with _stumbling(name):
        sheet = workbook.get_sheet_by_name(name)
        rows = enumerate(sheet.iter_rows(), 1)
    yield from rows


def _measure(path: Path) -> None:
    """Unpack everything once, keeping nothing: sizes that a zip tells of itself prove nothing."""
    try:
        with ZipFile(path) as archive, path.open("rb") as file:
            left = MAX_UNPACKED
            for member in archive.infolist():
                if member.flag_bits & 1 or member.compress_type not in (_STORED, _DEFLATED):
                    raise Invalid(
                        "exchange_zip_broken",
                        "Файл зашифрован или упакован неизвестным способом. Сохраните его заново.",
                    )
                left -= _measure_member(file, member, left)
    except (BadZipFile, NotImplementedError, ValueError, OSError, struct.error, zlib.error) as error:
        raise _broken() from error


def _measure_member(file: IO[bytes], member: ZipInfo, most: int) -> int:
    """How many bytes the member unpacks to. Raises TooLarge over `most`, or for a sheet of too many cells."""
    file.seek(member.header_offset)
    name_length, extra_length = struct.unpack_from("<HH", file.read(30), 26)
    file.seek(name_length + extra_length, 1)
    packed, size, carry = member.compress_size, 0, b""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS) if member.compress_type == _DEFLATED else None
    columns = rows = 0
    while packed > 0 and (chunk := file.read(min(_CHUNK, packed))):
        packed -= len(chunk)
        while chunk:
            piece = chunk if inflate is None else inflate.decompress(chunk, _CHUNK)
            chunk = b"" if inflate is None else inflate.unconsumed_tail
            size += len(piece)
            if size > most:
                raise TooLarge(
                    "exchange_too_large",
                    f"Файл распаковывается больше чем в {MAX_UNPACKED >> 20} МБ. Разделите его на части.",
                    fields={"member": member.filename},
                )
            text = carry + piece
            carry = text[-_LONGEST_REFERENCE:]
            for letters, digits in _REFERENCE.findall(text):
                columns = max(columns, _column(letters))
                rows = max(rows, int(digits or 0) if len(digits) <= 7 else MAX_CELLS + 1)
        if max(columns, 1) * max(rows, 1) > MAX_CELLS:
            raise TooLarge(
                "exchange_too_large",
                f"На листе больше {MAX_CELLS:_} ячеек. Удалите пустые строки и столбцы или разделите файл.".replace(
                    "_", " "
                ),
                fields={"member": member.filename},
            )
    return size


def _column(letters: bytes) -> int:
    if len(letters) > 3:
        return MAX_CELLS + 1
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _broken(sheet: str = "") -> Invalid:
    return Invalid(
        "exchange_xlsx_broken",
        "Книга Excel повреждена и не читается. Откройте её в Excel и сохраните заново.",
        fields={"member": sheet} if sheet else None,
    )
