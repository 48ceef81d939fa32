"""What is kept beside the log: who connected from where, and what candidates wrote."""

from core.clock import Clock
from core.database import Database
from core.ids import PersonId, SittingId
from exam_server import store
from exam_server.connection import RemarkKind


class DatabaseRecords:
    """The records in PostgreSQL, each in a transaction of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def greet(self, sitting: SittingId, epoch: int, address: str, device: str) -> None:
        async with self._database.transaction() as connection:
            await store.record_connection(connection, sitting, epoch, address, device, self._clock.now())

    async def keep(self, sitting: SittingId, candidate: PersonId, kind: RemarkKind, text: str) -> int:
        async with self._database.transaction() as connection:
            return await store.write_note(connection, sitting, candidate, kind, text, self._clock.now())
