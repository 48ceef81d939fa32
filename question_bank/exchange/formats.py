"""The formats that items come in and leave in, each with its reader and writer. Pure but for the look into a file.

A format's module knows nothing of this one; it is named here, in the order in which formats are tried.
"""

from collections.abc import Callable
from pathlib import Path
from struct import unpack_from
from zipfile import BadZipFile, ZipFile

from msgspec import Struct

from core.errors import Invalid
from question_bank.exchange.entries import Reader, Writer

HEAD_BYTES = 1 << 16
MAX_MEMBERS = 65_535
MAX_DIRECTORY = 16 << 20
"""Bytes of the list of contents of a package: more is not even listed."""

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


class Head(Struct, frozen=True):
    """What a format is recognised by."""

    name: str
    """Of the file, in lower case."""
    start: bytes
    """Its first HEAD_BYTES."""
    members: tuple[str, ...] = ()
    """What is in it, where it is a zip."""


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


FORMATS: tuple[Format, ...] = ()


def look(path: Path, name: str = "") -> Head:
    """The head of a file. `name`: what its owner calls it, where that is not its name on disk."""
    with path.open("rb") as file:
        start = file.read(HEAD_BYTES)
    return Head((name or path.name).lower(), start, _members(path) if start[:4] in _ZIP else ())


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
        f"{', '.join(dict.fromkeys(one.title for one in formats))}.",
    )


def named_format(name: str, formats: tuple[Format, ...] | None = None) -> Format:
    """Raises Invalid (`exchange_format_unknown`)."""
    formats = FORMATS if formats is None else formats
    for one in formats:
        if one.name == name.lower():
            return one
    raise Invalid("exchange_format_unknown", f"Формата «{name}» нет. Есть: {', '.join(one.name for one in formats)}.")


def _members(path: Path) -> tuple[str, ...]:
    """Names in a zip; none where it is broken or its list of contents is beyond measure."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_557))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        return ()
    count, directory = unpack_from("<HI", tail, end + 10)
    if count >= MAX_MEMBERS or directory > MAX_DIRECTORY:
        return ()
    try:
        with ZipFile(path) as archive:
            return tuple(archive.namelist())
    except (BadZipFile, NotImplementedError, ValueError, OSError):
        return ()
