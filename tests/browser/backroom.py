"""What staff do to a sitting, done by a process of its own as another node would: the page's server learns of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.access import find_person
from core.clock import SystemClock
from core.database import Database
from core.ids import PersonId, SittingId
from exam_server.commands import StaffCommand
from exam_server.conduct import Conduct
from exam_server.event_log import EventLog
from exam_server.source import DatabaseSource
from exam_server.store import write_note
from tests.server.processes import Server


class Backroom:
    """A proctor without a page."""

    def __init__(self, database: Database, log: EventLog, by: PersonId) -> None:
        self.database = database
        self.by = by
        self._conduct = Conduct(log, DatabaseSource(database), SystemClock())

    async def write(self, sitting: SittingId, text: str) -> int:
        """The id of a note with this text."""
        async with self.database.transaction() as connection:
            return await write_note(connection, sitting, self.by, "message", text, SystemClock().now())

    async def order(self, sitting: SittingId, command: StaffCommand) -> None:
        """Durable on return."""
        ruling = await self._conduct.order(sitting, command)
        self._conduct.forget(sitting)
        assert ruling.refusal is None, ruling.refusal


@asynccontextmanager
async def opened(server: Server) -> AsyncIterator[Backroom]:
    database, log = Database(server.url, pool_size=1), EventLog(server.url)
    try:
        await log.start()
        async with database.transaction() as connection:
            proctor = await find_person(connection, "proktor")
        assert proctor is not None
        yield Backroom(database, log, proctor.id)
    finally:
        await log.close()
        await database.close()
