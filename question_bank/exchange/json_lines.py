"""One JSON object per line, its names those of a table's columns. In only."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from core.errors import Invalid
from question_bank.exchange.cells import Cell
from question_bank.exchange.columns import find_columns
from question_bank.exchange.entries import Arriving, Place, Rejected
from question_bank.exchange.head import Head
from question_bank.exchange.rows import read_rows
from question_bank.exchange.text_files import open_text

LONGEST_LINE = 1 << 20
_objects = msgspec.json.Decoder(dict[str, str | int | float | bool | None])


def recognise(head: Head) -> bool:
    return head.name.endswith((".jsonl", ".ndjson")) and head.start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"


def read(path: Path) -> Iterator[Arriving | Rejected]:
    """Raises Invalid: of open_text, `exchange_line_too_long`."""
    with open_text(path) as file:
        number = line = 0
        while text := file.readline(LONGEST_LINE):
            line += 1
            if len(text) >= LONGEST_LINE:
                raise Invalid(
                    "exchange_line_too_long",
                    f"Строка {line} длиннее {LONGEST_LINE} знаков. Разделите файл на строки.",
                    fields={"line": str(line)},
                )
            if text.strip():
                number += 1
                yield _read_line(text.strip(), line, number)


def _read_line(text: str, line: int, number: int) -> Arriving | Rejected:
    original, place = text.encode(errors="replace"), Place(number, line=line)
    try:
        given = _objects.decode(original)
    except msgspec.DecodeError:
        return Rejected(
            place,
            "line_unread",
            "Строка — не JSON-объект с простыми значениями и не прочитана.",
            original=original,
            media_type="application/json",
        )
    names: list[Cell] = list(given)
    columns = find_columns(names)
    if columns is None:
        return Rejected(
            place,
            "columns_unknown",
            "В объекте не названы условие (question) и варианты (A, B, C, D или 1, 2, 3, 4): он не прочитан.",
            original=original,
            media_type="application/json",
        )
    cells: list[Cell] = ["" if value is None else value for value in given.values()]
    for entry in read_rows(columns, [(line, cells)], first=number):
        return entry
    return Rejected(place, "empty", "Объект пуст: он не прочитан.", original=original, media_type="application/json")
