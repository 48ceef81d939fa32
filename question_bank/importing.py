"""Bringing in a file: read and judged in a dry run, or kept, all of it in one transaction or nothing.

The file is read a piece ahead on a thread; each piece is held against the bank and copied in. Whoever watches is told
after every piece, and can have it stopped between two of them, from any process.
"""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from msgspec import Struct
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core import outbox
from core.blobs import DISCARDED, Blobs
from core.clock import Clock
from core.database import Database, execute, fetch_all
from core.errors import AccreditationError, Conflict
from core.ids import ItemId, PersonId
from question_bank.arrival_rows import (
    copy_lines,
    copy_originals,
    copy_versions,
    fill_digests,
    make_room,
    reserve_ids,
)
from question_bank.arrivals import PIECE, Source
from question_bank.exchange.formats import find_format
from question_bank.exchange.head import look
from question_bank.import_store import (
    close_batch,
    load_batch,
    mark_interrupted,
    open_batch,
    take_number,
    tell_progress,
)
from question_bank.imports import Batch, BatchState, Counts, Wishes
from question_bank.judging import Judgement
from question_bank.version_rows import count_revision

Told = Callable[[Counts], None]
Begun = Callable[[int], None]
"""Hears the number of the batch as soon as others can see it."""

SELDOM = 50_000
"""New objects after which the garbage collector looks again."""

_USUAL = gc.get_threshold()
_log = structlog.get_logger()


class Incoming(Struct, frozen=True):
    """A file to be brought in. `name`: what its owner calls it; `waiting`: its number among those at the desk."""

    path: Path
    name: str
    waiting: int | None = None


async def plan_import(
    database: Database,
    file: Incoming,
    wishes: Wishes,
    by: PersonId | None,
    clock: Clock,
    told: Told | None = None,
    stop: asyncio.Event | None = None,
    begun: Begun | None = None,
) -> Batch:
    """A dry run: the whole file read and held against the bank; nothing kept but the report.

    A file that breaks off is `failed`, with the lines up to there. Raises Invalid (`exchange_format_unknown`), and
    Conflict (`import_begun`) where the file at the desk is being read already.
    """
    return await _Import(database, None, file, wishes, by, clock, told, stop, begun).run()


async def carry_out_import(
    database: Database,
    blobs: Blobs,
    file: Incoming,
    wishes: Wishes,
    by: PersonId | None,
    clock: Clock,
    told: Told | None = None,
    stop: asyncio.Event | None = None,
    begun: Begun | None = None,
) -> Batch:
    """Keep a file's items as drafts, in one transaction with their report.

    A batch that is not `done` has kept nothing: `failed` with a reason for people, or `cancelled`. Raises Invalid
    (`exchange_format_unknown`), Conflict (`import_begun`), and Unavailable where the database went away.
    """
    return await _Import(database, blobs, file, wishes, by, clock, told, stop, begun).run()


class _Stopped(Exception):
    """Somebody had it stopped."""


class _Import:
    def __init__(
        self,
        database: Database,
        blobs: Blobs | None,
        file: Incoming,
        wishes: Wishes,
        by: PersonId | None,
        clock: Clock,
        told: Told | None,
        stop: asyncio.Event | None,
        begun: Begun | None,
    ) -> None:
        self._database, self._blobs, self._file, self._by, self._clock = database, blobs, file, by, clock
        self._told, self._stop, self._begun, self._wishes = told, stop, begun, wishes
        self._judgement = Judgement(wishes, blobs, clock.now())
        self._batch = 0
        self._lines = 1

    async def run(self) -> Batch:
        head = await asyncio.to_thread(look, self._file.path, self._file.name)
        format = find_format(head, self._wishes.format)
        while await self._fill_digests():
            pass
        async with self._database.transaction() as connection:
            await mark_interrupted(connection, self._clock.now())
        source = Source(format.read, self._file.path, self._wishes.defaults)
        try:
            async with self._database.transaction() as connection:
                await self._open(connection, format.name)
                with _collecting_seldom():
                    await self._keep(connection, source)
        except _Stopped:
            await self._close("cancelled", "Загрузка отменена. В банк ничего не попало.")
        except AccreditationError as error:
            if not self._batch:
                raise
            await self._close("failed", _reason(error))
            if error.status == 503:
                raise
        except IntegrityError as error:
            _log.warning("import.overtaken", batch=self._batch, error=repr(error.orig))
            await self._close(
                "failed", "Пока файл загружался, те же задания изменил кто-то другой. Загрузите его ещё раз."
            )
        except asyncio.CancelledError:
            await asyncio.shield(self._close("cancelled", "Загрузка прервана. В банк ничего не попало."))
            raise
        except Exception:
            await self._close(
                "failed", "Файл не удалось загрузить из-за ошибки программы. Сообщите о ней, приложив файл."
            )
            raise
        async with self._database.transaction() as connection:
            return await load_batch(connection, self._batch)

    async def _open(self, connection: AsyncConnection, format: str) -> None:
        """Nobody sees the batch before it is ours: it would be taken for one whose process is gone."""
        number = await take_number(connection)
        async with self._database.transaction() as other:
            await open_batch(
                other,
                self._file.name,
                format,
                self._file.path.stat().st_size,
                self._wishes,
                self._by,
                self._clock.now(),
                dry=self._blobs is None,
                file=self._file.waiting,
                number=number,
            )
        self._batch = number
        if self._begun is not None:
            self._begun(number)

    async def _keep(self, connection: AsyncConnection, source: Source) -> None:
        """All in one transaction; a dry run keeps its lines even where the file breaks off."""
        judgement = self._judgement
        await judgement.open(connection)
        await make_room(connection)
        state: BatchState = "done"
        reason = ""
        try:
            await self._take_all(connection, source)
        except AccreditationError as error:
            if self._blobs is not None or error.status == 503:
                raise
            state, reason = "failed", _reason(error)
        pairs = await judgement.find_enemies(connection)
        await copy_lines(connection, self._batch, self._lines, judgement.lines)
        if self._blobs is not None and pairs:
            await self._declare(connection, pairs)
        if not await close_batch(connection, self._batch, state, judgement.counts, self._clock.now(), reason):
            raise Conflict("import_overtaken", "Загрузка уже закрыта. Начните её заново.")

    async def _take_all(self, connection: AsyncConnection, source: Source) -> None:
        judgement, at = self._judgement, self._clock.now()
        forms: set[str] = set()
        ahead = asyncio.create_task(asyncio.to_thread(source.take, await self._reserve(connection)))
        try:
            while piece := await ahead:
                ahead = asyncio.create_task(asyncio.to_thread(source.take, await self._reserve(connection)))
                await judgement.judge(connection, piece)
                if self._blobs is not None and judgement.arrivals:
                    await copy_versions(connection, judgement.arrivals, self._by, at, self._file.name[:300], forms)
                await copy_lines(connection, self._batch, self._lines, judgement.lines)
                await copy_originals(connection, self._batch, judgement.originals)
                self._lines += len(judgement.lines)
                judgement.clear()
                await self._tell()
        finally:
            # The thread is not left behind with the file; what it found is of no interest any more.
            await asyncio.shield(asyncio.wait([ahead]))
            if not ahead.cancelled():
                ahead.exception()
            source.close()

    async def _reserve(self, connection: AsyncConnection) -> list[ItemId]:
        if self._blobs is None:
            return [ItemId(f"new-{number}") for number in range(PIECE)]
        return await reserve_ids(connection, PIECE)

    async def _tell(self) -> None:
        """In a transaction of its own: whoever watches need not wait for the end."""
        counts = self._judgement.counts
        if self._told is not None:
            self._told(counts)
        async with self._database.transaction() as connection:
            asked = await tell_progress(connection, self._batch, counts)
        if asked or (self._stop is not None and self._stop.is_set()):
            raise _Stopped

    async def _declare(self, connection: AsyncConnection, pairs: list[tuple[ItemId, ItemId]]) -> None:
        await execute(
            connection,
            """
            INSERT INTO question_bank.enemy (item_id, other_id, declared_by, declared_at)
            SELECT least(one, other), greatest(one, other), CAST(:by AS bigint), :at
            FROM unnest(CAST(:ones AS text[]), CAST(:others AS text[])) AS t(one, other) ON CONFLICT DO NOTHING
            """,
            ones=[one for one, _ in pairs],
            others=[other for _, other in pairs],
            by=self._by,
            at=self._clock.now(),
        )
        rows = await fetch_all(
            connection,
            """
            SELECT DISTINCT v.speciality FROM question_bank.item i
            JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = i.version
            WHERE i.id = ANY(CAST(:ids AS text[])) AND i.state IN ('active', 'piloted')
            """,
            ids=list({item for pair in pairs for item in pair}),
        )
        await count_revision(connection, {row["speciality"] for row in rows})

    async def _fill_digests(self) -> bool:
        async with self._database.transaction() as connection:
            return await fill_digests(connection)

    async def _close(self, state: BatchState, reason: str) -> None:
        """Nothing was kept: the batch says so, and files put aside for its pictures go."""
        async with self._database.transaction() as connection:
            await close_batch(
                connection, self._batch, state, Counts(read=self._judgement.counts.read), self._clock.now(), reason
            )
            for blob in self._judgement.blobs_put:
                await outbox.post(connection, DISCARDED, blob, blob.encode())


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Items come and go by the thousand and none refers to itself: to look for cycles at the usual pace is dear."""
    gc.set_threshold(SELDOM, *_USUAL[1:])
    try:
        yield
    finally:
        gc.set_threshold(*_USUAL)


def _reason(error: AccreditationError) -> str:
    place = [f"{title} {error.fields[name]}" for name, title in _PLACES.items() if name in error.fields]
    return f"{error.message} ({', '.join(place)})" if place else error.message


_PLACES = {"member": "файл", "line": "строка"}
