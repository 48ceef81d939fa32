"""The beginning of a file, and what is in it: by that its format is recognised."""

from pathlib import Path

from msgspec import Struct

from question_bank.exchange.packages import list_members

HEAD_BYTES = 1 << 16

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
    return Head((name or path.name).lower(), start, list_members(path) if start[:4] in _ZIP else ())
