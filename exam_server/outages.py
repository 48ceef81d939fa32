"""Our own outages: what proves them, and the time given back for them before anything they let run out is settled.

Every process that can commit writes a beat once a second, by the database's clock. A gap of five seconds in which no
process did is an outage of the service, whatever it was: the database away, every process down, a log that stood
still. Whoever beats first after the gap records it, and no beat is over before its process knows of every outage.

The rule that keeps the order: **deadlines are settled only by a process that is sure**, and each beat makes it sure for
less time than the shortest grace. A deadline that fell into a gap cannot be settled before its grace is over; by then
whoever settles has beaten after the gap, knows of the outage, and has made it good first.
"""

import asyncio
from collections.abc import Callable
from typing import ClassVar

import asyncpg
import structlog
from msgspec import Struct

from core.clock import Clock
from core.database import CONNECT_SECONDS, execute, fetch_all, plain_url
from core.ids import SittingId
from core.moments import DAY, HOUR, SECOND, Moment, Span
from exam_server import timing
from exam_server.commands import CompensateOutage
from exam_server.consequences import CHUNK, Consequences
from exam_server.deadlines import Deadlines

BEAT_EVERY: Span = SECOND
SHORTEST_OUTAGE: Span = 5 * SECOND
SURE_FOR: Span = timing.LIVE_GRACE - 200
"""How long after the beginning of a beat deadlines may be settled; the clocks may be a little apart."""
BEAT_SECONDS = 3.0

BEAT = """
WITH last AS (SELECT max(at) AS at FROM exam_server.beat),
     now AS (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS at),
     gap AS (INSERT INTO exam_server.outage (began_at, ended_at)
             SELECT last.at, now.at FROM last, now WHERE now.at - last.at >= $2 ON CONFLICT DO NOTHING),
     beat AS (INSERT INTO exam_server.beat (node, at) SELECT $1, now.at FROM now
              ON CONFLICT (node) DO UPDATE SET at = excluded.at)
SELECT now.at FROM now
"""
KNOWN = "SELECT began_at, ended_at FROM exam_server.outage WHERE ended_at > $1 ORDER BY began_at"
TIDY = """DELETE FROM exam_server.beat WHERE at < (SELECT max(at) FROM exam_server.beat) - $1"""

_log = structlog.get_logger(__name__)


class Outage(Struct, frozen=True):
    """From the last beat before to the first one after, by the database's clock."""

    began_at: Moment
    ended_at: Moment

    @property
    def command(self) -> CompensateOutage:
        return CompensateOutage(self.began_at, self.ended_at - self.began_at)


class Pulse:
    """The beats of one process, on a connection of its own: what waits for others must not look like an outage.

    `able`: whether commits get through; while they do not, there is no beat.
    """

    def __init__(self, url: str, node: str, clock: Clock, deadlines: Deadlines, able: Callable[[], bool]) -> None:
        self._url = plain_url(url)
        self._node = node
        self._clock = clock
        self._deadlines = deadlines
        self._able = able
        self._connection: asyncpg.Connection | None = None
        self._last: Moment | None = None

    async def begin(self) -> None:
        """The first beat: from then on deadlines are settled only while this process is sure.

        Has to be over before any sitting is taken. Raises what keeps the database from answering.
        """
        await self.beat()
        assert self._connection is not None
        await self._connection.execute(TIDY, HOUR)

    async def run(self) -> None:
        """Beat for ever."""
        while True:
            await asyncio.sleep(BEAT_EVERY / 1_000)
            if not self._able():
                continue
            try:
                await self.beat()
            except Exception as error:  # whatever broke, the next beat tries anew
                _log.warning("pulse.missed", error=repr(error))
                self._drop()

    async def beat(self) -> None:
        """One beat, and what it makes this process know."""
        begun = self._clock.now()
        async with asyncio.timeout(BEAT_SECONDS):
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(
                    self._url, timeout=CONNECT_SECONDS, server_settings={"application_name": "pulse"}
                )
            at: Moment = await self._connection.fetchval(BEAT, self._node, SHORTEST_OUTAGE)
            rows = await self._connection.fetch(KNOWN, at - DAY)
        known = [Outage(row["began_at"], row["ended_at"]) for row in rows]
        before, self._last = self._last, at
        own = None if before is None else _alone(before, at, known)
        if own is not None:
            _log.warning("pulse.alone", span=own.ended_at - own.began_at)
        self._deadlines.assure(begun + SURE_FOR, [one.command for one in known], None if own is None else own.command)

    async def close(self) -> None:
        self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def _alone(before: Moment, now: Moment, known: list[Outage]) -> Outage | None:
    """What only this process went through: its own gap, less what the whole service was away of it."""
    began = max([before, *(one.ended_at for one in known if one.began_at < now and one.ended_at > before)])
    return Outage(began, now) if now - began >= SHORTEST_OUTAGE else None


class Amends(Consequences):
    """Makes outages good for sittings that nobody holds; those that are held have it from their owners already."""

    turn: ClassVar[str] = "outages"

    async def _carry_out(self) -> None:
        async with self._database.transaction() as connection:
            rows = await fetch_all(
                connection,
                "SELECT began_at, ended_at FROM exam_server.outage WHERE applied_at IS NULL ORDER BY began_at",
            )
        for row in rows:
            outage = Outage(row["began_at"], row["ended_at"])
            if await self._make_good(outage):
                async with self._database.transaction() as connection:
                    await execute(
                        connection,
                        "UPDATE exam_server.outage SET applied_at = :now WHERE began_at = :began",
                        now=self._clock.now(),
                        began=outage.began_at,
                    )

    async def _make_good(self, outage: Outage) -> bool:
        after, worked = 0, True
        while True:
            async with self._database.transaction() as connection:
                rows = await fetch_all(
                    connection,
                    """SELECT id FROM exam_server.sitting
                       WHERE next_deadline IS NOT NULL AND entered_at < :ended AND id > :after
                       ORDER BY id LIMIT :limit""",
                    ended=outage.ended_at,
                    after=after,
                    limit=CHUNK,
                )
            if not rows:
                return worked
            sittings = [SittingId(row["id"]) for row in rows]
            after = sittings[-1]
            worked &= not await self._each(sittings, lambda sitting: self._conduct.order(sitting, outage.command))
