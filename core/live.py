"""Fan-out to open pages: whoever listens hears it, nobody waits for anybody, nothing is kept.

A slow listener loses its oldest messages and can see how many (`lost`); whatever must not be missed is read
from the database. In one process `LocalLive` does; several are joined by `RedisLive`, or by `PostgresLive` where
there is no Redis.
"""

import asyncio
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Protocol

import asyncpg
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.database import CONNECT_SECONDS, plain_url
from core.ids import SittingId
from core.randomness import fresh_token

ROOM = "room"
"""The channel on which every sitting's changes are heard."""

QUEUE = 256
"""Messages that wait for one listener; the oldest gives way to the newest."""

OUTGOING = 10_000
"""Messages of this process that wait to be carried to others; the oldest gives way to the newest."""

NOTIFY_CHANNEL = "live"
"""The one PostgreSQL channel that carries all of ours."""

PART = 5_700
"""Bytes of a message in one notification: in base64, and with what stands before them, under PostgreSQL's 8,000."""

_NOTIFY = f"SELECT pg_notify('{NOTIFY_CHANNEL}', said) FROM unnest($1::text[]) said"
_PREFIX = "live:"
_BATCH = 500
_RETRY_SECONDS = 0.5
_SEND_SECONDS = 2.0
_JOIN_SECONDS = 5.0
_HEALTH_SECONDS = 10.0

_log = structlog.get_logger(__name__)


def channel_of(sitting: SittingId) -> str:
    """The channel of one sitting's changes and of what its camera shows."""
    return f"sitting:{sitting}"


class Subscription:
    """An endless `async for` over what is published on one channel. `lost` counts what came too fast.

    After a break in the connection to Redis `lost` has grown too: what was published meanwhile is unknown.
    """

    def __init__(self, size: int = QUEUE) -> None:
        self._waiting: deque[bytes] = deque()
        self._size = size
        self._arrived = asyncio.Event()
        self.lost = 0

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> bytes:
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    def push(self, message: bytes) -> None:
        """Add a message, never waiting."""
        if len(self._waiting) >= self._size:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(message)
        self._arrived.set()


class Live(Protocol):
    """Channels by name, bytes as messages. Channel names are the platform's own, never what people type."""

    def publish(self, channel: str, message: bytes) -> None:
        """Hand the message to everybody who listens now, at once. Fails for no listener and no Redis."""

    def subscribe(self, channel: str) -> AbstractAsyncContextManager[Subscription]:
        """Inside the block everything published from then on is heard."""

    async def close(self) -> None:
        """Let go of connections."""


class LocalLive:
    """Fan-out inside one process."""

    def __init__(self, queue: int = QUEUE) -> None:
        self._queue = queue
        self._listeners: dict[str, set[Subscription]] = {}

    def publish(self, channel: str, message: bytes) -> None:
        self.hand_out(channel, message)

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[Subscription]:
        subscription = Subscription(self._queue)
        self._listeners.setdefault(channel, set()).add(subscription)
        try:
            yield subscription
        finally:
            listeners = self._listeners[channel]
            listeners.discard(subscription)
            if not listeners:
                del self._listeners[channel]

    async def close(self) -> None:
        """Nothing to let go of."""

    def hand_out(self, channel: str, message: bytes) -> None:
        for subscription in self._listeners.get(channel, ()):
            subscription.push(message)

    def note_break(self) -> None:
        """Every listener may have missed something."""
        for listeners in self._listeners.values():
            for subscription in listeners:
                subscription.lost += 1


class Carrier(ABC):
    """Fan-out between processes, whatever carries the messages: queues what goes out, hands out what comes in.

    `publish` only queues, so it never waits for a socket. The connection comes back by itself.
    """

    def __init__(self, queue: int = QUEUE) -> None:
        self._local = LocalLive(queue)
        self._outgoing: deque[tuple[str, bytes]] = deque(maxlen=OUTGOING)
        self._posted = asyncio.Event()
        self._joined = asyncio.Event()
        self._ever_joined = False
        self._tasks: list[asyncio.Task[None]] = []

    def publish(self, channel: str, message: bytes) -> None:
        self._start()
        self._outgoing.append((channel, message))
        self._posted.set()

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[Subscription]:
        self._start()
        with suppress(TimeoutError):
            async with asyncio.timeout(_JOIN_SECONDS):
                await self._joined.wait()
        async with self._local.subscribe(channel) as subscription:
            yield subscription

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @abstractmethod
    def _loops(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """What runs, for ever, from the first use on."""

    def _start(self) -> None:
        if not self._tasks:
            self._tasks = [asyncio.create_task(loop, name="live") for loop in self._loops()]

    def _take_batch(self) -> list[tuple[str, bytes]]:
        return [self._outgoing.popleft() for _ in range(min(len(self._outgoing), _BATCH))]

    def _note_joined(self) -> None:
        if self._ever_joined:
            self._local.note_break()
        self._ever_joined = True
        self._joined.set()


class RedisLive(Carrier):
    """Over Redis: one connection listens for all of this process.

    While Redis is away messages reach the listeners of this process only; a message whose fate is unknown may
    reach them twice.
    """

    def __init__(self, url: str, queue: int = QUEUE) -> None:
        super().__init__(queue)
        self._redis = Redis.from_url(url, socket_connect_timeout=2, health_check_interval=15)

    async def close(self) -> None:
        await super().close()
        await self._redis.aclose()

    def _loops(self) -> tuple[Coroutine[Any, Any, None], ...]:
        return self._read(), self._write()

    async def _write(self) -> None:
        while True:
            await self._posted.wait()
            self._posted.clear()
            while self._outgoing:
                await self._send(self._take_batch())

    async def _send(self, batch: list[tuple[str, bytes]]) -> None:
        try:
            async with asyncio.timeout(_SEND_SECONDS), self._redis.pipeline(transaction=False) as pipeline:
                for channel, message in batch:
                    pipeline.publish(_PREFIX + channel, message)
                await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("live_away", error=repr(error))
            for channel, message in batch:
                self._local.hand_out(channel, message)

    async def _read(self) -> None:
        while True:
            try:
                await self._listen()
            except (RedisError, OSError, TimeoutError) as error:
                _log.warning("live_away", error=repr(error))
            self._joined.clear()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self) -> None:
        """Hand out what arrives until the connection breaks.

        One pattern for everything: a listener that comes needs no word with Redis, and what few processes
        hear in vain is little beside that.
        """
        async with self._redis.pubsub() as pubsub:
            await pubsub.psubscribe(_PREFIX + "*")
            while True:
                message = await pubsub.get_message(timeout=_HEALTH_SECONDS)
                if message is None:
                    continue
                if message["type"] == "psubscribe":
                    self._note_joined()  # said again after every reconnection, redis-py's own ones too
                elif message["type"] == "pmessage":
                    self._local.hand_out(message["channel"].decode().removeprefix(_PREFIX), message["data"])


class PostgresLive(Carrier):
    """Over LISTEN and NOTIFY on one connection of its own, all that waits in one statement.

    Listeners of this process hear at once, whether the database is there or not; others after a commit that is not
    waited for to reach the disk. What is said twice on a channel while a batch waits is carried once; a message
    whose fate is unknown may reach others twice.
    """

    def __init__(self, url: str, queue: int = QUEUE) -> None:
        super().__init__(queue)
        self._url = plain_url(url)
        self._name = fresh_token(9)
        self._number = 0
        self._parts: dict[tuple[str, str], list[bytes]] = {}

    def publish(self, channel: str, message: bytes) -> None:
        self._local.hand_out(channel, message)
        super().publish(channel, message)

    def _loops(self) -> tuple[Coroutine[Any, Any, None], ...]:
        return (self._converse(),)

    async def _converse(self) -> None:
        while True:
            connection: asyncpg.Connection | None = None
            try:
                connection = await asyncpg.connect(
                    self._url,
                    timeout=CONNECT_SECONDS,
                    command_timeout=_SEND_SECONDS,
                    server_settings={"application_name": "live", "synchronous_commit": "off"},
                )
                await self._exchange(connection)
            except Exception as error:  # asyncpg has many ways to say that a connection broke; this loop may not end
                _log.warning("live_away", error=repr(error))
            finally:
                self._joined.clear()
                if connection is not None:
                    connection.terminate()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _exchange(self, connection: asyncpg.Connection) -> None:
        """Listen, and send what is posted, until the connection breaks."""
        await connection.add_listener(NOTIFY_CHANNEL, self._hear)
        connection.add_termination_listener(lambda _: self._posted.set())
        self._parts.clear()
        self._note_joined()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_HEALTH_SECONDS):
                    await self._posted.wait()
            self._posted.clear()
            if not self._outgoing:
                await connection.fetchval("SELECT 1")  # a connection that is only silent may have died unseen
            while self._outgoing:
                batch = self._take_batch()
                try:
                    await connection.execute(
                        _NOTIFY, [part for said in dict.fromkeys(batch) for part in self._put(*said)]
                    )
                except BaseException:
                    self._outgoing.extendleft(reversed(batch))
                    raise

    def _put(self, channel: str, message: bytes) -> list[str]:
        """sender, number, parts that follow, channel, base64: one notification, or several for a long message."""
        self._number += 1
        parts = [message[start : start + PART] for start in range(0, len(message), PART)] or [b""]
        name = b64encode(channel.encode()).decode()
        return [
            f"{self._name} {self._number} {len(parts) - place - 1} {name} {b64encode(part).decode()}"
            for place, part in enumerate(parts)
        ]

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        sender, number, left, name, text = str(payload).split(" ")
        if sender == self._name:
            return
        part = b64decode(text)
        begun = self._parts.pop((sender, number), None)
        if left != "0":
            self._parts[sender, number] = [*(begun or ()), part]
            return
        message = part if begun is None else b"".join((*begun, part))
        self._local.hand_out(b64decode(name).decode(), message)


def open_live(redis_url: str | None, database_url: str, *, alone: bool) -> Live:
    """How processes hear each other: Redis where there is one, else PostgreSQL; `alone` needs neither."""
    if redis_url:
        return RedisLive(redis_url)
    return LocalLive() if alone else PostgresLive(database_url)
