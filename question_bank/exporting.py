"""Items on their way into a file: streamed from the bank with their pictures, a piece at a time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from queue import Queue
from typing import IO

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from core.blobs import Blobs
from core.database import Database, fetch_all
from core.errors import Invalid
from core.ids import AssetId, ItemId
from question_bank.asset_store import load_asset
from question_bank.drafts import draft_of
from question_bank.exchange.entries import Leaving, Written
from question_bank.exchange.formats import Format
from question_bank.forms import ItemPool
from question_bank.items import candidate_copy
from question_bank.markup import find_assets
from question_bank.store import load_items
from question_bank.workflow import State

PIECE = 500
AHEAD = 2
"""Pieces read before the writer has taken them."""


class Selection(Struct, frozen=True):
    """Which items leave; what is None or empty selects all. Of each its newest version, or the newest in a state."""

    speciality: str = ""
    requirement: str = ""
    state: State | None = None
    pool: ItemPool | None = None
    items: tuple[ItemId, ...] = ()


class Export(Struct, frozen=True):
    """What became of the items."""

    written: int
    left_out: int
    remarks: dict[str, int]
    """By code."""
    told: tuple[Written, ...]
    """Those of which there is something to tell, the first MOST_TOLD."""


MOST_TOLD = 10_000


async def count_items(connection: AsyncConnection, selection: Selection) -> int:
    rows = await fetch_all(connection, f"SELECT count(*) AS total FROM ({_SELECT}) chosen", **_values(selection, ""))
    return int(rows[0]["total"])


async def export_items(
    database: Database,
    blobs: Blobs,
    selection: Selection,
    format: Format,
    target: IO[bytes],
    told: Callable[[int], None] | None = None,
    stop: asyncio.Event | None = None,
) -> Export | None:
    """Write the items into `target`, by their ids or as they are named; None where it was stopped.

    `told` hears how many are written.

    Raises Invalid (`exchange_in_only`) for a format that is only read, NotFound for a picture that is lost.
    """
    if format.write is None:
        raise Invalid("exchange_in_only", f"В формате {format.title} задания можно только загрузить.")
    loop = asyncio.get_running_loop()
    pieces: Queue[list[Leaving] | None] = Queue()
    room = asyncio.Semaphore(AHEAD)
    halted = False

    def leaving() -> Iterator[Leaving]:
        while (piece := pieces.get()) is not None:
            yield from piece
            loop.call_soon_threadsafe(room.release)

    def write() -> Export:
        assert format.write is not None
        written = left_out = 0
        remarks: Counter[str] = Counter()
        telling: list[Written] = []
        for one in format.write(leaving(), target):
            written += not one.left_out
            left_out += one.left_out
            remarks.update(remark.code for remark in one.remarks)
            if (one.remarks or one.left_out) and len(telling) < MOST_TOLD:
                telling.append(one)
            if told is not None and (written + left_out) % 100 == 0:
                loop.call_soon_threadsafe(told, written + left_out)
        if told is not None:
            loop.call_soon_threadsafe(told, written + left_out)
        return Export(written, left_out, dict(sorted(remarks.items())), tuple(telling))

    writing = asyncio.create_task(asyncio.to_thread(write))
    try:
        async for piece in _pieces(database, blobs, selection):
            while not writing.done():
                try:
                    await asyncio.wait_for(room.acquire(), 1.0)
                except TimeoutError:
                    continue
                pieces.put(piece)
                break
            if writing.done():
                break
            if stop is not None and stop.is_set():
                halted = True
                break
    finally:
        # The writer's thread ends with what it has.
        pieces.put(None)
        await asyncio.shield(asyncio.wait([writing]))
    return None if halted else writing.result()


async def _pieces(database: Database, blobs: Blobs, selection: Selection) -> AsyncIterator[list[Leaving]]:
    """Named items in the order of their names, a piece of the names at a time; others by their ids."""
    named = [
        replace(selection, items=selection.items[start : start + PIECE])
        for start in range(0, len(selection.items), PIECE)
    ]
    for one in named:
        if piece := (await _read(database, blobs, one, ""))[0]:
            yield piece
    after = ""
    while not named:
        piece, after = await _read(database, blobs, selection, after)
        if not piece:
            return
        yield piece


async def _read(database: Database, blobs: Blobs, selection: Selection, after: str) -> tuple[list[Leaving], str]:
    """The items after an id, at most PIECE, and the id of the last."""
    async with database.transaction() as connection:
        rows = await fetch_all(connection, f"{_SELECT} LIMIT {PIECE}", **_values(selection, after))
        refs = [(ItemId(row["id"]), int(row["version"])) for row in rows]
        return await _load(connection, blobs, refs), refs[-1][0] if refs else after


async def _load(connection: AsyncConnection, blobs: Blobs, refs: Sequence[tuple[ItemId, int]]) -> list[Leaving]:
    items = await load_items(connection, refs) if refs else {}
    enemies: dict[str, list[str]] = {}
    if refs:
        for row in await fetch_all(connection, _ENEMIES, ids=[item for item, _ in refs]):
            enemies.setdefault(row["one"], []).append(row["other"])
    leaving = []
    for item, version in refs:
        found = items[item, version]
        pictures: dict[str, tuple[bytes, str]] = {}
        if found.markup == "html":
            for asset in dict.fromkeys(candidate_copy(found).assets + find_assets(found.explanation)):
                pictures[asset] = await _picture(connection, blobs, asset)
        leaving.append(Leaving(item, version, draft_of(found), pictures, tuple(enemies.get(item, ()))))
    return leaving


async def _picture(connection: AsyncConnection, blobs: Blobs, asset: AssetId) -> tuple[bytes, str]:
    kept = await load_asset(connection, asset)
    return await blobs.get(connection, kept.blob), kept.media_type


def _values(selection: Selection, after: str) -> dict[str, object]:
    return {
        "speciality": selection.speciality or None,
        "requirement": selection.requirement or None,
        "state": selection.state,
        "pool": selection.pool,
        "items": list(selection.items) or None,
        "after": after,
    }


_SELECT = """
    SELECT i.id, v.version
    FROM question_bank.item i
    JOIN LATERAL (SELECT version, speciality, requirement FROM question_bank.item_version
                  WHERE item_id = i.id AND (CAST(:state AS text) IS NULL OR state = :state)
                  ORDER BY version DESC LIMIT 1) v ON true
    WHERE i.id > :after
      AND (CAST(:items AS text[]) IS NULL OR i.id = ANY(CAST(:items AS text[])))
      AND (CAST(:pool AS text) IS NULL OR i.pool = :pool)
      AND (CAST(:speciality AS text) IS NULL OR v.speciality = :speciality)
      AND (CAST(:requirement AS text) IS NULL OR v.requirement = :requirement)
    ORDER BY i.id
"""
_ENEMIES = """
    SELECT item_id AS one, other_id AS other FROM question_bank.enemy WHERE item_id = ANY(CAST(:ids AS text[]))
    UNION ALL
    SELECT other_id, item_id FROM question_bank.enemy WHERE other_id = ANY(CAST(:ids AS text[])) ORDER BY 1, 2
"""
