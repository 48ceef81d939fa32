"""What a log costs that commits every answer in a transaction of its own, to compare group commit with."""

import asyncpg

from exam_server.event_log import EventLog

CONNECTIONS = 16
"""As many as a connection pool usually has."""


class OneByOneLog(EventLog):
    """The same rows by the same statement with the same check, one at a time."""

    def __init__(self, url: str) -> None:
        super().__init__(url, CONNECTIONS)

    async def _write(self, connection: asyncpg.Connection | None) -> None:
        while True:
            if self._waiting:
                connection = await self._persist(connection, [self._waiting.pop(0)])
            elif self._closing:
                return
            else:
                self._wake.clear()
                await self._wake.wait()
