"""Files brought in at the desk: kept in a folder while they are judged, gone when they are in the bank or a day old."""

import asyncio
import errno
from collections.abc import AsyncIterable, Callable
from pathlib import Path
from typing import IO

from admin.errands import Errands
from core import journal
from core.access import Principal
from core.blobs import Blobs
from core.clock import Clock
from core.database import Database
from core.errors import AccreditationError, Conflict, Invalid, NotFound, TooLarge, Unavailable
from core.moments import DAY, Moment
from core.randomness import fresh_token
from question_bank.exchange.formats import find_format
from question_bank.exchange.head import look
from question_bank.import_file_store import WaitingFile, list_stale, mark_gone, note_file
from question_bank.import_store import is_brought_in, mark_interrupted, newest_batch
from question_bank.importing import Incoming, carry_out_import, plan_import
from question_bank.imports import Batch, Wishes

MOST_FILE = 300 << 20
"""Bytes of one file."""
KEPT = DAY
LONGEST_NAME = 200
_BLOCK = 1 << 20


class ImportDesk:
    """What the import pages of one process need. `folder`: shared by all processes of this machine."""

    def __init__(self, database: Database, blobs: Blobs, clock: Clock, folder: Path, errands: Errands) -> None:
        self._database, self._blobs, self._clock = database, blobs, clock
        self._folder, self._errands = folder, errands

    async def take(self, chunks: AsyncIterable[bytes], name: str, reader: Principal) -> int:
        """Write down a file as it arrives; its number.

        Raises Invalid (`file_empty`), TooLarge (`file_too_large`), Unavailable (`no_room`).
        """
        kept_as = fresh_token(24)
        path = self._folder / kept_as
        try:
            size = await self._write(path, chunks)
            async with self._database.transaction() as connection:
                return await note_file(connection, name or "файл", kept_as, size, reader.id, self._clock.now())
        except BaseException:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            raise

    async def recognise(self, file: WaitingFile) -> str:
        """The name of the format that a file is in; "" where it looks like none."""
        try:
            head = await asyncio.to_thread(look, self.path_of(file), file.name)
            return find_format(head).name
        except AccreditationError:
            return ""

    async def check(self, file: WaitingFile, wishes: Wishes, reader: Principal) -> int:
        """Begin a dry run; the number of its batch. Raises what plan_import raises, NotFound (`import_file_gone`)."""
        await self._refuse_repetition(file)
        incoming = Incoming(self.path_of(file), file.name, file.id)

        async def work(begun: Callable[[int], None]) -> None:
            await plan_import(self._database, incoming, wishes, reader.id, self._clock, begun=begun)

        return await self._errands.begin(work)

    async def bring_in(self, file: WaitingFile, judged: Batch, reader: Principal) -> int:
        """Begin to keep what a dry run found; the number of the batch. Raises as check does."""
        if not judged.dry or judged.state != "done":
            raise Conflict("import_unjudged", "Сначала проверьте файл целиком.")
        await self._refuse_repetition(file)
        incoming = Incoming(self.path_of(file), file.name, file.id)
        wishes = Wishes(judged.defaults, judged.format, judged.unknown_requirement)

        async def work(begun: Callable[[int], None]) -> None:
            batch = await carry_out_import(
                self._database, self._blobs, incoming, wishes, reader.id, self._clock, begun=begun
            )
            if batch.state == "done":
                await self._note(batch, reader)
                await self.drop(file)

        return await self._errands.begin(work)

    async def drop(self, file: WaitingFile) -> None:
        """Remove a file: it is gone from the folder first. Raises Conflict (`import_begun`) while it is read."""
        async with self._database.transaction() as connection:
            newest = await newest_batch(connection, file.id)
            if newest is not None and newest.state == "running":
                raise Conflict("import_begun", "Этот файл сейчас читают. Сначала отмените загрузку.")
            await mark_gone(connection, file.id, self._clock.now())
        await asyncio.to_thread((self._folder / file.kept_as).unlink, missing_ok=True)

    async def sweep(self) -> None:
        """Close what lost its process, remove files that nobody came back for and pieces that nobody knows."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await mark_interrupted(connection, now)
            stale = await list_stale(connection, now - KEPT)
            for file in stale:
                await mark_gone(connection, file.id, now)
        for file in stale:
            await asyncio.to_thread((self._folder / file.kept_as).unlink, missing_ok=True)
        await asyncio.to_thread(remove_older, self._folder, now - 2 * KEPT)

    def path_of(self, file: WaitingFile) -> Path:
        """Raises NotFound (`import_file_gone`)."""
        path = self._folder / file.kept_as
        if file.gone_at is not None or not path.is_file():
            raise NotFound("import_file_gone", "Файла здесь уже нет: он хранится сутки. Отправьте его ещё раз.")
        return path

    async def _refuse_repetition(self, file: WaitingFile) -> None:
        async with self._database.transaction() as connection:
            await mark_interrupted(connection, self._clock.now())
            if await is_brought_in(connection, file.id):
                raise Conflict("import_begun", "Этот файл уже загружен.")

    async def _note(self, batch: Batch, reader: Principal) -> None:
        fields: dict[str, str | int | bool] = {
            "file": batch.file_name,
            "new": batch.counts.new,
            "changed": batch.counts.changed,
        }
        async with self._database.transaction() as connection:
            await journal.record(
                connection, f"person:{reader.id}", "bank.imported", f"import:{batch.id}", fields, self._clock.now()
            )

    async def _write(self, path: Path, chunks: AsyncIterable[bytes]) -> int:
        """The number of bytes."""
        size, waiting = 0, bytearray()
        try:
            await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
            with await asyncio.to_thread(_create, path) as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > MOST_FILE:
                        raise TooLarge("file_too_large", "Файл больше 300 МБ. Разделите его на несколько.")
                    waiting += chunk
                    if len(waiting) >= _BLOCK:
                        await asyncio.to_thread(file.write, bytes(waiting))
                        waiting.clear()
                await asyncio.to_thread(file.write, bytes(waiting))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise Unavailable("no_room", "На сервере нет места для файла. Сообщите администратору.") from error
            raise
        if not size:
            raise Invalid("file_empty", "Файл пуст. Выберите другой.")
        return size


def remove_older(folder: Path, before: Moment) -> None:
    """Remove files that nobody has written to since."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_file() and path.stat().st_mtime * 1_000 < before:
            path.unlink(missing_ok=True)


def _create(path: Path) -> IO[bytes]:
    return path.open("xb")
