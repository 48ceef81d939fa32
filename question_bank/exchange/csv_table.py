"""Tables as text: RFC 4180, with commas, semicolons or tabs, in UTF-8, UTF-16 or Windows-1251."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TextIO

from core.errors import Invalid
from question_bank.exchange.entries import Arriving, Leaving, Rejected, Written
from question_bank.exchange.head import Head
from question_bank.exchange.layout import PICTURES_LEFT, rows_of, title_row
from question_bank.exchange.rows import Numbered, find_table, read_rows
from question_bank.exchange.text_files import open_text

DELIMITERS = (",", ";", "\t")
LONGEST_LINE = 1 << 20
_SIGNED = "sep="
"""How Excel names the delimiter in a line of its own."""


def recognise(head: Head) -> bool:
    return head.name.endswith((".csv", ".tsv", ".tab")) and not head.members and b"\0\0" not in head.start


def read(path: Path) -> Iterator[Arriving | Rejected]:
    """Raises Invalid: of open_text, `exchange_columns_unknown`, `exchange_csv_broken`."""
    with open_text(path) as file:
        delimiter, skip = _find_delimiter(file)
        table = find_table(_rows(file, delimiter, skip))
        if table is None:
            raise Invalid(
                "exchange_columns_unknown",
                "В таблице не найдены столбцы задания. "
                "Назовите их в первой строке: «Условие», «А», «Б», «В», «Г», «Эталон».",
            )
        yield from read_rows(*table)


def write(items: Iterable[Leaving], target: IO[bytes]) -> Iterator[Written]:
    target.write("\ufeff".encode())
    writer = csv.writer(_Encoded(target))
    writer.writerow(title_row())
    for item in items:
        writer.writerows(rows_of(item, formulas=True))
        yield Written(item.item, (PICTURES_LEFT,) if item.pictures else ())


class _Encoded:
    def __init__(self, target: IO[bytes]) -> None:
        self._target = target

    def write(self, text: str) -> None:
        self._target.write(text.encode())


def _rows(file: TextIO, delimiter: str, skip: int) -> Iterator[Numbered]:
    """From the beginning of the file, without its first `skip` lines."""
    file.seek(0)
    for _ in range(skip):
        file.readline(LONGEST_LINE)
    reader = csv.reader(_lines(file), delimiter=delimiter)
    line = 1 + skip
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1 + skip
    except csv.Error as error:
        raise Invalid(
            "exchange_csv_broken",
            f"Ячейка в строке {line} не кончается или слишком длинна. Проверьте кавычки в ней и выше.",
            fields={"line": str(line)},
        ) from error


def _lines(file: TextIO) -> Iterator[str]:
    """Lines, in pieces where they are beyond measure: the reader refuses them, and not the memory."""
    while line := file.readline(LONGEST_LINE):
        yield line


def _find_delimiter(file: TextIO) -> tuple[str, int]:
    """The delimiter with which the first rows say most, and how many lines to skip before them."""
    first = file.readline(LONGEST_LINE)
    if first.lower().startswith(_SIGNED):
        named = first[len(_SIGNED) : len(_SIGNED) + 1]
        return (named if named in DELIMITERS else ","), 1
    return max(DELIMITERS, key=lambda delimiter: _known(file, delimiter)), 0


def _known(file: TextIO, delimiter: str) -> int:
    """How many columns the first rows name or show."""
    try:
        table = find_table(_rows(file, delimiter, 0))
    except Invalid:
        return 0
    return 0 if table is None else len(table[0].at) + len(table[0].options) + table[0].titled * 1_000
