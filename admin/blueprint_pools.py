"""Pools of blueprints that are being written: what is in them does not depend on how many items are asked for."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import fetch_one
from question_bank.blueprints import Blueprint, Cell
from question_bank.pool import Pool
from question_bank.pool_store import load_pool

MOST = 6
"""Pools that are kept; one of 100,000 items takes a few hundred megabytes."""


class DraftPools:
    """What `load_pool` says, kept for as long as nothing that it depends on changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Pool] = OrderedDict()
        self.turn = asyncio.Lock()
        """Held by whoever asks, around the transaction: a large pool takes seconds, and those who wait for it must not
        hold connections meanwhile."""

    async def pool(self, connection: AsyncConnection, draft: Blueprint) -> tuple[str, Pool]:
        """The pool that forms of the draft would be drawn from, and a mark that changes with it."""
        row = await fetch_one(
            connection,
            """
            SELECT s.revision, coalesce(c.round, 0) AS round FROM question_bank.speciality s
            LEFT JOIN question_bank.exposure_control c ON c.blueprint_id = :blueprint WHERE s.code = :code
            """,
            blueprint=draft.id if draft.exposure_cap is not None else None,
            code=draft.speciality,
        )
        state = (0, 0) if row is None else (int(row["revision"]), int(row["round"]))
        asked = frozenset((cell.requirement, cell.kind, cell.level) for cell in draft.cells)
        pilots = draft.pilots_place[0] if draft.pilots else None
        capped = draft.id if draft.exposure_cap is not None else None
        key = (state, draft.speciality, draft.practice, draft.cut, pilots, capped, asked)
        kept = self._kept.pop(key, None)
        if kept is None:
            kept = await load_pool(connection, draft)
        self._kept[key] = kept
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return f"{kept.snapshot[:16]}-{draft.cut}", kept

    async def whole(self, connection: AsyncConnection, draft: Blueprint) -> tuple[str, Pool]:
        """The pool of a draft that would take anything: what there is for cells that are still empty."""
        cells = (Cell(None, "four_option", 1), Cell(None, "case", 1))
        return await self.pool(connection, msgspec.structs.replace(draft, cells=cells, exposure_cap=None))
