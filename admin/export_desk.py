"""Items taken away at the desk: written into a file beside everything else, fetched from there within a day."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

import structlog

from admin.errands import Errands
from admin.exchange_desk import KEPT, remove_older
from core import journal
from core.access import Principal
from core.blobs import Blobs
from core.clock import Clock
from core.database import Database
from core.errors import AccreditationError, Invalid, NotFound
from core.randomness import fresh_token
from question_bank.catalogue import list_ids
from question_bank.exchange.formats import Format
from question_bank.export_store import Run, close_run, forget_files, mark_silent, open_run, tell_run
from question_bank.exporting import Export, Selection, count_items, export_items
from question_bank.imports import BatchState
from question_bank.wanted import Wanted
from question_bank.workflow import State

TELL_SECONDS = 0.5
FAILED = "Файл не удалось записать из-за ошибки программы. Сообщите о ней."
_SIMPLE = {"speciality", "requirement", "pool"}
"""What the selection says by itself; everything else becomes a list of ids."""

_log = structlog.get_logger()


class ExportDesk:
    """What the export pages of one process need. `folder`: shared by all processes of this machine."""

    def __init__(self, database: Database, blobs: Blobs, clock: Clock, folder: Path, errands: Errands) -> None:
        self._database, self._blobs, self._clock = database, blobs, clock
        self._folder, self._errands = folder, errands

    async def count(self, wanted: Wanted, words: str, state: State | None) -> int:
        selection = await self._select(wanted, words, state)
        if selection is None:
            return 0
        async with self._database.transaction() as connection:
            return await count_items(connection, selection)

    async def begin(
        self, format: Format, wanted: Wanted, words: str, state: State | None, query: str, reader: Principal
    ) -> int:
        """Begin to write the items that the list would show; the number of the run.

        Who takes them away, keys included, stands in the journal. Raises Invalid (`nothing_chosen`,
        `exchange_in_only`), Conflict (`desk_busy`).
        """
        if format.write is None:
            raise Invalid("exchange_in_only", "В этом формате задания можно только загрузить.")
        selection = await self._select(wanted, words, state)
        if selection is None:
            raise Invalid("nothing_chosen", "Таких заданий нет: выгружать нечего.")
        chosen, kept_as = selection, fresh_token(24)

        async def work(begun: Callable[[int], None]) -> None:
            now = self._clock.now()
            async with self._database.transaction() as connection:
                total = await count_items(connection, chosen)
                if not total:
                    raise Invalid("nothing_chosen", "Таких заданий нет: выгружать нечего.")
                run = await open_run(connection, format.name, query, state or "", kept_as, total, reader.id, now)
                fields: dict[str, str | int | bool] = {"format": format.name, "items": total, "asked": query}
                await journal.record(connection, f"person:{reader.id}", "bank.exported", f"export:{run}", fields, now)
            begun(run)
            await self._write(run, format, chosen, self._folder / kept_as)

        return await self._errands.begin(work)

    async def sweep(self) -> None:
        """Close what lost its process, remove files that are a day old."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await mark_silent(connection, now)
            gone = await forget_files(connection, now - KEPT, now)
        for name in gone:
            await asyncio.to_thread((self._folder / name).unlink, missing_ok=True)
        await asyncio.to_thread(remove_older, self._folder, now - 2 * KEPT)

    def path_of(self, run: Run) -> Path:
        """Raises NotFound (`export_gone`)."""
        path = self._folder / run.kept_as
        if run.state != "done" or run.gone_at is not None or not path.is_file():
            raise NotFound("export_gone", "Файла здесь уже нет: он хранится сутки. Выгрузите задания ещё раз.")
        return path

    async def _select(self, wanted: Wanted, words: str, state: State | None) -> Selection | None:
        """None: nothing at all."""
        plain = Wanted(speciality=wanted.speciality, requirement=wanted.requirement, pool=wanted.pool)
        if plain == wanted and not words:
            return Selection(wanted.speciality or "", wanted.requirement or "", state, wanted.pool)
        async with self._database.transaction() as connection:
            items = await list_ids(connection, wanted, words)
        return Selection(state=state, items=tuple(items)) if items else None

    async def _write(self, run: int, format: Format, selection: Selection, path: Path) -> None:
        stop, written = asyncio.Event(), 0
        reason, done = "", None

        def told(count: int) -> None:
            nonlocal written
            written = count

        async def tell() -> None:
            while True:
                with contextlib.suppress(AccreditationError):
                    async with self._database.transaction() as connection:
                        if await tell_run(connection, run, written, self._clock.now()):
                            stop.set()
                await asyncio.sleep(TELL_SECONDS)

        telling = asyncio.create_task(tell())
        try:
            await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
            with await asyncio.to_thread(_create, path) as file:
                done = await export_items(self._database, self._blobs, selection, format, file, told, stop)
            reason = "" if done is not None else "Выгрузка отменена."
        except asyncio.CancelledError:
            await asyncio.shield(self._close(run, path, None, "Выгрузка прервана. Начните её ещё раз."))
            raise
        except AccreditationError as error:
            await self._close(run, path, None, error.message, failed=True)
            return
        except Exception:
            _log.exception("export.failed", run=run)
            await self._close(run, path, None, FAILED, failed=True)
            return
        finally:
            telling.cancel()
            await asyncio.wait([telling])
        await self._close(run, path, done, reason)

    async def _close(self, run: int, path: Path, done: Export | None, reason: str, *, failed: bool = False) -> None:
        size = 0 if done is None else (await asyncio.to_thread(path.stat)).st_size
        if done is None:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        state: BatchState = "done" if done is not None else "failed" if failed else "cancelled"
        async with self._database.transaction() as connection:
            await close_run(connection, run, state, self._clock.now(), reason=reason, done=done, size=size)


def _create(path: Path) -> IO[bytes]:
    return path.open("xb")
