"""The beginning of a file, and what is in it: by that its format is recognised."""

from pathlib import Path
from struct import unpack_from
from zipfile import BadZipFile, ZipFile

from msgspec import Struct

HEAD_BYTES = 1 << 16
MAX_MEMBERS = 65_535
MAX_DIRECTORY = 16 << 20
"""Bytes of the list of contents of a package: more is not even listed."""

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


class Head(Struct, frozen=True):
    name: str
    """Of the file, in lower case."""
    start: bytes
    """Its first HEAD_BYTES."""
    members: tuple[str, ...] = ()
    """What is in it, where it is a zip."""


def look(path: Path, name: str = "") -> Head:
    """The head of a file. `name`: what its owner calls it, where that is not its name on disk."""
    with path.open("rb") as file:
        start = file.read(HEAD_BYTES)
    return Head((name or path.name).lower(), start, _members(path) if start[:4] in _ZIP else ())


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
