"""Messages committed together with the rows that caused them, and delivered at least until it worked.

A message is delivered exactly once in effect: what its handler writes on the connection it is given and the
mark `sent` commit together. A handler that speaks to another system must be idempotent there by itself.
A body, which may name people, is emptied with that mark.
Unsent rows are taken by what they are, never by `id > last`: ids commit out of order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import Database, execute, fetch_all, fetch_one
from core.moments import Moment, from_datetime

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 3600.0
HANDLER_SECONDS = 60.0
STUCK_ATTEMPTS = 5
FORGOTTEN_AT_ONCE = 50_000
_ERROR_LENGTH = 1000

_log = structlog.get_logger(__name__)


class Message(msgspec.Struct, frozen=True):
    """One message as its handler sees it. `attempts` counts the failures before this one."""

    id: int
    topic: str
    key: str
    body: bytes
    created: Moment
    attempts: int


Handler = Callable[[AsyncConnection, Message], Awaitable[None]]
"""Does the message's work on the connection (a transaction it must neither commit nor roll back)."""


class Stuck(msgspec.Struct, frozen=True):
    """A message that keeps failing, for the desk where somebody looks at it. The body stays where it is."""

    id: int
    topic: str
    key: str
    created: Moment
    attempts: int
    next_try: Moment
    last_error: str


async def post(connection: AsyncConnection, topic: str, key: str, body: bytes) -> bool:
    """Write a message in the caller's transaction. False when (topic, key) was posted before: nothing changes."""
    return (
        await execute(
            connection,
            "INSERT INTO core.outbox (topic, key, body) VALUES (:topic, :key, :body)"
            " ON CONFLICT (topic, key) DO NOTHING",
            topic=topic,
            key=key,
            body=body,
        )
        == 1
    )


async def deliver(
    database: Database,
    handlers: Mapping[str, Handler],
    limit: int = 50,
    handler_seconds: float = HANDLER_SECONDS,
) -> int:
    """Deliver up to `limit` due messages of the handlers' topics; the number of those that succeeded.

    Any number of deliverers may run at once: each message is locked by the one that has it. A failure, and a
    handler that takes longer than `handler_seconds`, is written down with the message, which comes again
    later. Raises Unavailable when the database is away.
    """
    delivered = 0
    for _ in range(limit):
        try:
            outcome = await _deliver_one(database, handlers, handler_seconds)
        except _LostConnection as lost:
            async with database.transaction() as connection:
                await _note_failure(connection, lost.message, repr(lost.__cause__))
            continue
        if outcome is None:
            break
        delivered += outcome
    return delivered


def wait_seconds(attempts: int) -> float:
    """How long a message rests after that many failures: doubling from a second, an hour at most."""
    return float(min(FIRST_WAIT_SECONDS * 2.0 ** min(attempts - 1, 40), LONGEST_WAIT_SECONDS))


async def stuck(connection: AsyncConnection, attempts: int = STUCK_ATTEMPTS, limit: int = 200) -> list[Stuck]:
    """Unsent messages that failed at least so many times, oldest first."""
    rows = await fetch_all(
        connection,
        "SELECT id, topic, key, created, attempts, next_try, last_error FROM core.outbox"
        " WHERE sent IS NULL AND attempts >= :attempts ORDER BY id LIMIT :limit",
        attempts=attempts,
        limit=limit,
    )
    return [
        Stuck(
            **{
                **row,
                "created": from_datetime(row["created"]),
                "next_try": from_datetime(row["next_try"]),
            }
        )
        for row in rows
    ]


async def hasten(connection: AsyncConnection, message_id: int) -> bool:
    """Make an unsent message due now; False when there is none."""
    return (
        await execute(
            connection,
            "UPDATE core.outbox SET next_try = now() WHERE id = :id AND sent IS NULL",
            id=message_id,
        )
        == 1
    )


async def waiting(connection: AsyncConnection) -> dict[str, int]:
    """How many unsent messages each topic has."""
    rows = await fetch_all(
        connection, "SELECT topic, count(*) AS unsent FROM core.outbox WHERE sent IS NULL GROUP BY topic"
    )
    return {row["topic"]: row["unsent"] for row in rows}


async def forget_sent(
    connection: AsyncConnection, topics: Sequence[str], before: Moment, limit: int = FORGOTTEN_AT_ONCE
) -> int:
    """Remove up to `limit` messages of the topics that were sent before the moment; how many there were.

    Their (topic, key) could be posted again from then on: only for topics whose keys never come twice.
    """
    return await execute(
        connection,
        "DELETE FROM core.outbox WHERE id IN (SELECT id FROM core.outbox WHERE topic = ANY(:topics)"
        " AND sent < to_timestamp(CAST(:before AS double precision) / 1000) LIMIT :limit)",
        topics=list(topics),
        before=before,
        limit=limit,
    )


class _LostConnection(Exception):
    """The handler broke the connection that the message was locked on."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.key)
        self.message = message


async def _deliver_one(database: Database, handlers: Mapping[str, Handler], handler_seconds: float) -> bool | None:
    """True: delivered; False: failed and written down; None: nothing is due."""
    async with database.transaction() as connection:
        row = await fetch_one(
            connection,
            "SELECT id, topic, key, body, created, attempts FROM core.outbox"
            " WHERE sent IS NULL AND next_try <= now() AND topic = ANY(:topics)"
            " ORDER BY next_try, id LIMIT 1 FOR UPDATE SKIP LOCKED",
            topics=list(handlers),
        )
        if row is None:
            return None
        message = Message(**{**row, "body": bytes(row["body"]), "created": from_datetime(row["created"])})
        failure = await _run(connection, handlers[message.topic], message, handler_seconds)
        if failure is not None:
            await _note_failure(connection, message, failure)
            return False
        await execute(
            connection,
            "UPDATE core.outbox SET sent = clock_timestamp(), last_error = '', body = '' WHERE id = :id",
            id=message.id,
        )
        return True


async def _run(connection: AsyncConnection, handler: Handler, message: Message, seconds: float) -> str | None:
    """Run the handler inside a savepoint, so that its failure undoes its work and nothing else."""
    try:
        async with asyncio.timeout(seconds), connection.begin_nested():
            await handler(connection, message)
    except Exception as error:
        _log.warning("outbox_failed", topic=message.topic, key=message.key, error=repr(error))
        if connection.invalidated:
            raise _LostConnection(message) from error
        return repr(error)
    return None


async def _note_failure(connection: AsyncConnection, message: Message, error: str) -> None:
    await execute(
        connection,
        "UPDATE core.outbox SET attempts = attempts + 1, last_error = :error,"
        " next_try = clock_timestamp() + make_interval(secs => :wait) WHERE id = :id AND sent IS NULL",
        id=message.id,
        error=error.replace("\0", "")[:_ERROR_LENGTH],
        wait=wait_seconds(message.attempts + 1),
    )
