"""The way to one page over its WebSocket: in order, at once where that goes, and never waited for."""

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Protocol

from starlette.types import Send

MAX_QUEUE = 256
"""Messages waiting for a page that does not read; then it is dropped and comes back to a snapshot."""


class Direct(Protocol):
    """What a server may offer beside ASGI (app.sockets): messages as they are read, and writing at once.

    `claim` comes before the handshake is accepted. `listen` tells how many messages wait already; one that the ear
    does not take comes by way of ASGI.
    """

    def claim(self) -> None: ...

    def listen(self, ear: Callable[[bytes], bool]) -> int: ...

    def write(self, text: bytes) -> bool: ...

    def abort(self) -> None: ...


class PageLine:
    """The way to one page. `send` never waits: what the socket takes at once goes at once, without a task being
    woken for it; the rest waits in a bounded queue that a task writes at the page's own pace. Most lines need neither.
    """

    __slots__ = ("_begun", "_closing", "_direct", "_draining", "_queue", "_send", "_write")

    def __init__(self, send: Send, direct: Direct | None = None) -> None:
        self._send = send
        self._direct = direct
        self._write = None if direct is None else direct.write
        self._queue: deque[bytes] | None = None
        self._draining: asyncio.Task[None] | None = None
        self._closing: tuple[int, str] | None = None
        self._begun: _Begun | None = None

    def send(self, data: bytes) -> None:
        if self._closing is not None:
            return
        if self._draining is not None:
            self._enqueue(data)
            return
        try:
            if self._write is not None:
                if not self._write(data):
                    self._enqueue(data)
                    self._rouse()
                return
            sending: Any = self._send({"type": "websocket.send", "text": data.decode()})
            awaited = sending.send(None)
        except StopIteration:
            return
        except Exception:  # the page is gone, however the server puts it; its listener learns of it too
            self.close(1006, "")
            return
        self._begun = _Begun(sending, awaited)
        self._rouse()

    def _enqueue(self, data: bytes) -> None:
        if self._queue is None:
            self._queue = deque()
        if len(self._queue) >= MAX_QUEUE:
            self._queue.clear()
            self.close(1013, "too slow")
            if self._direct is not None:
                self._direct.abort()  # it would not read the farewell either, and what waits for it takes room
            return
        self._queue.append(data)

    def close(self, code: int, reason: str) -> None:
        if self._closing is None:
            self._closing = (code, reason)
            self._rouse()

    async def finish(self) -> None:
        """The page is gone: close unless that is under way, and return when nothing is left to write."""
        self.close(1000, "")
        if self._draining is not None:
            await asyncio.wait([self._draining])

    def _rouse(self) -> None:
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        """Write all that waits; what was queued before a close still goes out."""
        try:
            if self._begun is not None:
                await self._begun
            while self._queue:
                # it leaves the queue when it is out: until then everything else has to queue up behind it
                await self._send({"type": "websocket.send", "text": self._queue[0].decode()})
                if self._queue:
                    self._queue.popleft()
            if self._closing is not None:
                code, reason = self._closing
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except Exception:  # as in send
            self._closing = (1006, "")
        self._begun = self._queue = self._draining = None


class _Begun:
    """A send that was begun outside a task and had to wait: awaiting this finishes it inside one."""

    __slots__ = ("_awaited", "_sending")

    def __init__(self, sending: Any, awaited: Any) -> None:
        self._sending = sending
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, None]:
        awaited = self._awaited
        while True:
            try:
                answer = yield awaited
            except BaseException as error:
                step = partial(self._sending.throw, error)
            else:
                step = partial(self._sending.send, answer)
            try:
                awaited = step()
            except StopIteration:
                return
