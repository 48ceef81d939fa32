"""What is kept beside the log: who connected from where, and what candidates wrote."""

from collections.abc import Mapping, Sequence

from core.clock import Clock
from core.database import Database
from core.ids import PersonId, SittingId
from core.together import Together
from exam_server import store
from exam_server.connection import RemarkKind
from exam_server.store import Connected


class DatabaseRecords:
    """The records in PostgreSQL, connections of the same moment in one statement."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._greetings = Together(self._greet)

    async def greet(self, sitting: SittingId, epoch: int, address: str, device: str) -> None:
        await self._greetings.ask(Connected(sitting, epoch, address, device, self._clock.now()))

    async def _greet(self, greetings: Sequence[Connected]) -> Mapping[Connected, None]:
        async with self._database.transaction() as connection:
            await store.record_connections(connection, greetings)
        return {}

    async def keep(
        self, sitting: SittingId, candidate: PersonId, kind: RemarkKind, text: str, position: int | None = None
    ) -> int:
        async with self._database.transaction() as connection:
            return await store.write_note(connection, sitting, candidate, kind, text, self._clock.now(), position)
