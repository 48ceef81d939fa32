"""A pool as it is kept: by columns, deflated, so that one of 100,000 items takes about a megabyte. Pure.

Only what changes is kept; an item version keeps the rest of itself for ever.
"""

import zlib

import msgspec
from msgspec import Struct

from core.ids import ItemId
from question_bank.pool import WHOLE, Pool

MOST_BYTES = 200_000_000
"""A pool that says it is larger was not packed here."""


class Columns(Struct, frozen=True):
    """What a snapshot says of its items, in their canonical order."""

    items: list[ItemId]
    versions: list[int]
    expected: list[int]
    information: list[int]
    shares: dict[int, int]
    """By place, of those that are not open to all forms."""
    pilots: list[int]
    """Places of those that are tried out."""
    enemies: list[tuple[int, int]]
    """By places."""

    def pairs(self) -> list[tuple[ItemId, ItemId]]:
        return [(self.items[one], self.items[other]) for one, other in self.enemies]


_decoder = msgspec.json.Decoder(Columns)


def pack(pool: Pool) -> bytes:
    places = {item.item: place for place, item in enumerate(pool.items)}
    return zlib.compress(
        msgspec.json.encode(
            Columns(
                [item.item for item in pool.items],
                [item.version for item in pool.items],
                [item.expected for item in pool.items],
                [item.information for item in pool.items],
                {place: item.share for place, item in enumerate(pool.items) if item.share != WHOLE},
                [place for place, item in enumerate(pool.items) if item.pilot],
                [(places[one], places[other]) for one, other in pool.pairs],
            )
        )
    )


def unpack(packed: bytes) -> Columns:
    """Raises ValueError where the bytes are no snapshot."""
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(packed, MOST_BYTES)
        if not inflater.eof:
            raise ValueError("a snapshot that ends nowhere")
        return _decoder.decode(plain)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ValueError("not a snapshot") from error
