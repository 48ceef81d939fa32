"""The digest chain of a sitting's log: each row names the one before it, so nothing can be slipped in. Pure."""

from collections.abc import Iterator
from hashlib import sha256
from struct import Struct as Layout

from msgspec import Struct

from core.ids import SittingId
from exam_server.events import AnyEvent, decode_batch

_PLACE = Layout(">QI").pack
START = b""
"""What row 0 names as its predecessor."""


class Row(Struct, frozen=True):
    """One stored commit: `version` counts from 0, `events` are the stored bytes themselves."""

    version: int
    prev: bytes
    digest: bytes
    events: bytes


class BrokenChain(ValueError):
    """The log of a sitting does not verify; the message names the first bad version."""


def link(sitting_id: SittingId, version: int, prev: bytes, events: bytes) -> bytes:
    """SHA-256 over predecessor, sitting, version and the stored bytes (32 bytes)."""
    return sha256(prev + _PLACE(sitting_id, version) + events).digest()


def follow_chain(sitting_id: SittingId, rows: list[Row]) -> Iterator[AnyEvent]:
    """All events of a sitting in order, each row checked when its turn comes. Raises BrokenChain."""
    prev = START
    for version, row in enumerate(rows):
        if row.version != version or row.prev != prev or row.digest != link(sitting_id, version, prev, row.events):
            raise BrokenChain(f"sitting {sitting_id}: version {version} does not verify")
        yield from decode_batch(row.events)
        prev = row.digest
