"""The formats that items come in and leave in, each with its reader and writer. Pure.

A format's module knows nothing of this one; it is named here, in the order in which formats are tried.
"""

from collections.abc import Callable

from msgspec import Struct

from core.errors import Invalid
from question_bank.exchange import aiken, csv_table, docx, gift, json_lines, moodle_xml, qti_read, qti_write, xlsx
from question_bank.exchange.entries import Reader, Writer
from question_bank.exchange.head import Head


class Format(Struct, frozen=True):
    name: str
    """What the command line calls it: `gift`."""
    title: str
    """What people call it."""
    suffixes: tuple[str, ...]
    """Of file names, the usual one first: `.gift`."""
    media_type: str
    read: Reader
    write: Writer | None
    """None: in only."""
    recognise: Callable[[Head], bool]
    """By what is in the file; the suffix has been looked at already, and decides where several say yes."""


_ZIP = "application/zip"

FORMATS: tuple[Format, ...] = (
    Format(
        "xlsx",
        "Excel (XLSX)",
        (".xlsx", ".xlsm"),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        xlsx.read,
        xlsx.write,
        xlsx.recognise,
    ),
    Format(
        "csv",
        "CSV",
        (".csv", ".tsv", ".tab"),
        "text/csv; charset=utf-8",
        csv_table.read,
        csv_table.write,
        csv_table.recognise,
    ),
    Format("qti", "QTI 2.1, 2.2, 3.0", (".zip", ".xml"), _ZIP, qti_read.read, None, qti_read.recognise),
    Format("qti-2.1", "QTI 2.1", (".zip",), _ZIP, qti_read.read, qti_write.write_2_1, qti_read.never),
    Format("qti-2.2", "QTI 2.2", (".zip",), _ZIP, qti_read.read, qti_write.write_2_2, qti_read.never),
    Format("qti-3.0", "QTI 3.0", (".zip",), _ZIP, qti_read.read, qti_write.write_3_0, qti_read.never),
    Format(
        "docx",
        "Word (DOCX)",
        (".docx",),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        docx.read,
        None,
        docx.recognise,
    ),
    Format(
        "jsonl",
        "JSON Lines",
        (".jsonl", ".ndjson"),
        "application/x-ndjson",
        json_lines.read,
        None,
        json_lines.recognise,
    ),
    Format(
        "moodle-xml",
        "Moodle XML",
        (".xml",),
        "application/xml",
        moodle_xml.read,
        moodle_xml.write,
        moodle_xml.recognise,
    ),
    Format("aiken", "Aiken", (".txt", ".aiken"), "text/plain; charset=utf-8", aiken.read, aiken.write, aiken.recognise),
    Format("gift", "GIFT", (".gift",), "text/plain; charset=utf-8", gift.read, gift.write, gift.recognise),
)


def find_format(head: Head, name: str = "", formats: tuple[Format, ...] | None = None) -> Format:
    """The format of that name, or the one that the file is in.

    Raises Invalid (`exchange_format_unknown`).
    """
    formats = FORMATS if formats is None else formats
    if name:
        return named_format(name, formats)
    own = [one for one in formats if head.name.endswith(one.suffixes)]
    for one in (*own, *formats):
        if one.recognise(head):
            return one
    raise Invalid(
        "exchange_format_unknown",
        "Не удалось понять, в каком формате этот файл. Назовите формат или сохраните файл в одном из этих: "
        f"{', '.join(one.title for one in formats if one.recognise is not qti_read.never)}.",
    )


def named_format(name: str, formats: tuple[Format, ...] | None = None) -> Format:
    """Raises Invalid (`exchange_format_unknown`)."""
    formats = FORMATS if formats is None else formats
    for one in formats:
        if one.name == name.lower():
            return one
    raise Invalid("exchange_format_unknown", f"Формата «{name}» нет. Есть: {', '.join(one.name for one in formats)}.")
