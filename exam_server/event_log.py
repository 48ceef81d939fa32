"""Group commit: all sittings' waiting rows go to PostgreSQL in one statement.

While one batch commits, the next one fills; small ones follow each other no faster than REST, which nobody at a page
can notice and which shares a commit among the few answers of a quiet hour. A row is written only where its predecessor
is the sitting's newest one, so the log's key is the only lock and two owners can't fork a sitting.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Literal, Protocol, TypeAlias

import asyncpg
import structlog

from core.clock import elapsed_seconds
from core.database import plain_url
from core.ids import SittingId

_APPEND = """
WITH b AS (SELECT * FROM unnest($1::bigint[],$2::int[],$3::bytea[],$4::bytea[],$5::bytea[]{arrays})
           AS t(sitting_id,version,prev,digest,events{columns})),
ins AS (INSERT INTO exam_server.log(sitting_id,version,prev,digest,events)
  SELECT b.sitting_id,b.version,b.prev,b.digest,b.events FROM b
  WHERE (SELECT p.digest FROM exam_server.log p WHERE p.sitting_id=b.sitting_id AND p.version=b.version-1)=b.prev
  ORDER BY b.sitting_id
  ON CONFLICT (sitting_id,version) DO NOTHING RETURNING sitting_id){update}
SELECT CASE WHEN count(*) < cardinality($1) THEN coalesce(array_agg(sitting_id), '{{}}') END FROM ins
"""
"""Gives the sittings that were written, or NULL when all were: nothing to read back in the usual case."""
APPEND = _APPEND.format(arrays="", columns="", update="")
APPEND_DUE = _APPEND.format(
    arrays=",$6::timestamptz[],$7::bool[]",
    columns=",due,due_changed",
    update=""",
due AS (UPDATE exam_server.sitting s SET next_deadline=b.due FROM b JOIN ins USING(sitting_id)
  WHERE b.due_changed AND s.id=b.sitting_id)""",
)
"""The same where a deadline moves in at least one of the rows."""

MAX_BATCH = 1_000
REST = 0.01
"""Seconds from the beginning of one commit to the next, unless ENOUGH wait for it."""
ENOUGH = 64
MAX_WAITING = 20_000
ABLE_SECONDS = 2.0
SETTINGS = {"application_name": "event-log", "plan_cache_mode": "force_generic_plan"}
"""Left to itself, PostgreSQL plans the statement anew for each small batch: 80 µs of 225."""
STATEMENT_TIMEOUT = 10.0
ROW_FAULTS = {"22", "23", "54", "P0"}
"""Classes of SQLSTATE that speak of a row: bad data, a constraint, a limit, a trigger. Everything else can pass."""
RETRY_FIRST = 0.05
RETRY_MOST = 2.0

_SITTING = attrgetter("sitting_id")
_log = structlog.get_logger()


Fate: TypeAlias = Literal["durable", "overtaken", "refused"]
"""What became of a commit. `overtaken`: somebody else's row, or this very one on an earlier try whose answer was
lost, stands in its place. `refused`: PostgreSQL will never take it."""


class Commit(Protocol):
    """One row to be written. `events` are its bytes; `due` is the next deadline, where that has `due_changed`."""

    sitting_id: SittingId
    version: int
    prev: bytes
    digest: bytes
    events: bytes
    due: datetime | None
    due_changed: bool

    def done(self, fate: Fate) -> None:
        """The log says what became of it."""


class Log(Protocol):
    """Where commits go: this one, or one in memory."""

    def append(self, commit: Commit) -> None:
        """Take a commit; its `done` is called later, never from inside this call."""

    @property
    def full(self) -> bool:
        """So much is waiting that nothing more should be decided."""


class EventLog:
    """Writes commits over connections of its own. At most one commit of a sitting may be under way."""

    def __init__(self, url: str, connections: int = 1) -> None:
        self._url = plain_url(url)
        self._count = connections
        self._waiting: list[Commit] = []
        self._wake = asyncio.Event()
        self._writers: list[asyncio.Task[None]] = []
        self._open: set[asyncpg.Connection] = set()
        self._closing = False
        self._begun: dict[int, float] = {}
        self.away = False
        """The database did not answer at the last attempt."""

    @property
    def full(self) -> bool:
        return len(self._waiting) >= MAX_WAITING

    async def start(self) -> None:
        """Connect once, so that a wrong address is known at the start, and begin to write."""
        first = await self._connect()
        self._writers = [
            asyncio.create_task(self._write(first if number == 0 else None), name=f"event-log-{number}")
            for number in range(self._count)
        ]

    def append(self, commit: Commit) -> None:
        self._waiting.append(commit)
        self._wake.set()

    @property
    def able(self) -> bool:
        """Commits get through: none has been tried for longer than ABLE_SECONDS."""
        now = elapsed_seconds()
        return not self.away and all(now - begun < ABLE_SECONDS for begun in self._begun.values())

    async def close(self, within: float = STATEMENT_TIMEOUT) -> None:
        """Write what waits, then stop. What can't be written within so many seconds was never acknowledged."""
        self._closing = True
        self._wake.set()
        if self._writers:
            await asyncio.wait(self._writers, timeout=within)
        for writer in self._writers:
            writer.cancel()
        await asyncio.gather(*self._writers, return_exceptions=True)
        for connection in self._open:
            connection.terminate()
        self._open.clear()

    async def _connect(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(
            self._url, timeout=5, command_timeout=STATEMENT_TIMEOUT, server_settings=SETTINGS
        )
        self._open.add(connection)
        return connection

    async def _write(self, connection: asyncpg.Connection | None) -> None:
        time = asyncio.get_running_loop().time  # virtual where the whole loop is
        rested = 0.0
        while True:
            if not self._waiting:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            pause = rested - time()
            if pause > 0 and len(self._waiting) < ENOUGH and not self._closing:
                await asyncio.sleep(pause)
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            batch.sort(key=_SITTING)  # unsorted input deadlocks
            self._begun[id(batch)] = elapsed_seconds()
            rested = time() + REST
            connection = await self._persist(connection, batch)
            del self._begun[id(batch)]

    async def _persist(
        self, connection: asyncpg.Connection | None, batch: Sequence[Commit]
    ) -> asyncpg.Connection | None:
        """Retry until the database has answered. Repeating is safe: a row already written is not returned again."""
        pause = RETRY_FIRST
        while True:
            try:
                if connection is None or connection.is_closed():
                    self._give_back(connection)
                    connection = None
                    connection = await self._connect()
                written = await self._insert(connection, batch)
            except Exception as error:  # a writer that dies would take every sitting with it
                if connection is not None and _blames_a_row(error):
                    return await self._isolate(connection, batch, error)
                self._give_back(connection)
                connection = None
                if not self.away:
                    self.away = True
                    _log.warning("event_log.away", error=repr(error))
            else:
                if self.away:
                    self.away = False
                    _log.info("event_log.back")
                _tell(batch, written)
                return connection
            if self._closing:
                return connection
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_MOST)

    def _give_back(self, connection: asyncpg.Connection | None) -> None:
        if connection is not None:
            self._open.discard(connection)
            connection.terminate()

    async def _isolate(
        self, connection: asyncpg.Connection | None, batch: Sequence[Commit], error: Exception
    ) -> asyncpg.Connection | None:
        """One row spoils the statement: split until it stands alone, so that no other sitting suffers."""
        if len(batch) == 1:
            _log.error("event_log.row_refused", sitting=batch[0].sitting_id, error=repr(error))
            _done(batch[0], "refused")
            return connection
        half = len(batch) // 2
        again = await self._persist(connection, batch[:half])
        return await self._persist(again, batch[half:])

    async def _insert(self, connection: asyncpg.Connection, batch: Sequence[Commit]) -> set[int] | None:
        """The sittings whose rows were written; None when all were."""
        columns: list[list[object]] = [
            [commit.sitting_id for commit in batch],
            [commit.version for commit in batch],
            [commit.prev for commit in batch],
            [commit.digest for commit in batch],
            [commit.events for commit in batch],
        ]
        statement, moved = APPEND, [commit.due_changed for commit in batch]
        if True in moved:
            statement = APPEND_DUE
            columns += [[commit.due for commit in batch], [*moved]]
        written: list[int] | None = await connection.fetchval(statement, *columns)
        return None if written is None else set(written)


def _blames_a_row(error: Exception) -> bool:
    """Would the same rows fail again on a healthy database?"""
    return isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "")[:2] in ROW_FAULTS


def _tell(batch: Sequence[Commit], written: set[int] | None) -> None:
    if written is None:
        for commit in batch:
            _done(commit, "durable")
        return
    rows = Counter(commit.sitting_id for commit in batch)
    for commit in batch:
        # Of two rows for one sitting, which nobody should send, it is not told which was written: who asks finds out.
        alone = rows[commit.sitting_id] == 1
        _done(commit, "durable" if alone and commit.sitting_id in written else "overtaken")


def _done(commit: Commit, fate: Fate) -> None:
    try:
        commit.done(fate)
    except Exception:  # one sitting's fault must not stop the others
        _log.exception("event_log.done_failed", sitting=commit.sitting_id)
