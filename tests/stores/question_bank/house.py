"""A house that brings files of items into its bank, and takes them out."""

import csv
import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.blobs import Blobs
from core.clock import ManualClock
from core.database import Database, fetch_one
from core.ids import PersonId
from question_bank.drafts import Defaults
from question_bank.exchange import formats
from question_bank.exporting import Selection, export_items
from question_bank.import_store import (
    all_lines,
)
from question_bank.importing import Incoming, carry_out_import, plan_import
from question_bank.imports import Batch, Line, Wishes

WISHES = Wishes(Defaults("S1", "R1"))
METHODOLOGIST = PersonId(7)


class House:
    """A bank, and files brought into it."""

    def __init__(self, database: Database, blobs: Blobs, clock: ManualClock, folder: Path) -> None:
        self.database, self.blobs, self.clock, self.folder = database, blobs, clock, folder

    def file(self, rows: list[list[Any]] | str, name: str = "bank.csv") -> Incoming:
        path = self.folder / "incoming"
        if isinstance(rows, str):
            path.write_text(rows, encoding="utf-8", newline="")
        else:
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(rows)
        return Incoming(path, name)

    async def plan(self, file: Incoming, wishes: Wishes = WISHES) -> Batch:
        return await plan_import(self.database, file, wishes, METHODOLOGIST, self.clock)

    async def keep(self, file: Incoming, wishes: Wishes = WISHES, **more: Any) -> Batch:
        return await carry_out_import(self.database, self.blobs, file, wishes, METHODOLOGIST, self.clock, **more)

    async def lines(self, batch: Batch) -> list[Line]:
        async with self.database.transaction() as connection:
            return [line async for line in all_lines(connection, batch.id)]

    async def sizes(self) -> dict[str, int]:
        """How many rows every table of the bank has that an import may write."""
        found = {}
        async with self.database.transaction() as connection:
            for table in ("item", "item_version", "item_key", "history", "import_line", "import_original", "asset"):
                row = await fetch_one(connection, f"SELECT count(*) AS n FROM question_bank.{table}")
                assert row is not None
                found[table] = row["n"]
        return found

    async def export(self, format: str, selection: Selection) -> bytes:
        target = io.BytesIO()
        done = await export_items(self.database, self.blobs, selection, formats.named_format(format), target)
        assert done is not None
        return target.getvalue()


def png(shade: int) -> bytes:
    return cv2.imencode(".png", np.full((20, 30, 3), shade, np.uint8))[1].tobytes()
