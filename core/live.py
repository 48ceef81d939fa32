"""Fan-out to open pages: whoever listens hears it, nobody waits for anybody, nothing is kept.

A slow listener loses its oldest messages and can see how many (`lost`); whatever must not be missed is read
from the database. In one process `LocalLive` does; several are joined by `RedisLive`.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.ids import SittingId

ROOM = "room"
"""The channel on which every sitting's changes are heard."""

QUEUE = 256
"""Messages that wait for one listener; the oldest gives way to the newest."""

OUTGOING = 10_000
"""Messages of this process that wait for Redis; the oldest gives way to the newest."""

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


class RedisLive:
    """Fan-out between processes: one connection listens for all of this process, and comes back by itself.

    `publish` only queues, so it never waits for a socket. While Redis is away messages reach the listeners
    of this process only; a message whose fate is unknown may reach them twice.
    """

    def __init__(self, url: str, queue: int = QUEUE) -> None:
        self._redis = Redis.from_url(url, socket_connect_timeout=2, health_check_interval=15)
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
        await self._redis.aclose()

    def _start(self) -> None:
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._read(), name="live-reader"),
                asyncio.create_task(self._write(), name="live-writer"),
            ]

    async def _write(self) -> None:
        while True:
            await self._posted.wait()
            self._posted.clear()
            while self._outgoing:
                batch = [self._outgoing.popleft() for _ in range(min(len(self._outgoing), _BATCH))]
                await self._send(batch)

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
                    # Said again after every reconnection, redis-py's own ones too.
                    if self._ever_joined:
                        self._local.note_break()
                    self._ever_joined = True
                    self._joined.set()
                elif message["type"] == "pmessage":
                    self._local.hand_out(message["channel"].decode().removeprefix(_PREFIX), message["data"])
