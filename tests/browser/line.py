"""The line between a browser and the server: a TCP proxy that a test cuts, closes to sockets, or holds up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

BLOCK = 65_536
SOCKETS = b"GET /ws/"


class Line:
    """`state` open: everything passes; no_sockets: pages do, WebSockets don't; cut: nothing does."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._state: Literal["open", "no_sockets", "cut"] = "open"
        self._flows = asyncio.Event()
        self._flows.set()
        self._swallows = False
        self._writers: dict[asyncio.StreamWriter, bool] = {}
        self.address = ""

    def cut(self) -> None:
        """Every connection breaks, new ones are refused."""
        self._close("cut")

    def close_sockets(self) -> None:
        """Every WebSocket breaks, new ones are refused; pages still load."""
        self._close("no_sockets")

    def mend(self) -> None:
        self._state, self._swallows = "open", False

    def swallow(self) -> None:
        """What the browser says is lost on the way, though everything stays connected. Cut the line to mend it."""
        self._swallows = True

    def hold(self) -> None:
        """What the server says does not arrive, though everything stays connected."""
        self._flows.clear()

    def release(self) -> None:
        self._flows.set()

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the browser's, to its end."""
        first = await _read(reader)
        is_socket = first.startswith(SOCKETS)
        if not first or self._state == "cut" or (is_socket and self._state == "no_sockets"):
            writer.transport.abort()
            return
        try:
            there, to_there = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer: is_socket, to_there: is_socket}
        to_there.write(first)
        try:
            await asyncio.gather(self._carry(reader, to_there, back=False), self._carry(there, writer, back=True))
        finally:
            for end in (writer, to_there):
                self._writers.pop(end, None)
                end.transport.abort()
            with contextlib.suppress(OSError):
                await to_there.wait_closed()

    def _close(self, state: Literal["no_sockets", "cut"]) -> None:
        self._state = state
        for writer in list(self._writers):
            if state == "cut" or self._writers[writer]:
                writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool) -> None:
        while block := await _read(reader):
            if back:
                await self._flows.wait()
            elif self._swallows:
                continue
            with contextlib.suppress(OSError):
                writer.write(block)
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()


@asynccontextmanager
async def laid(host: str, port: int) -> AsyncIterator[Line]:
    """A line to a server, at an address of its own."""
    line = Line(host, port)
    connections: set[asyncio.Task[None]] = set()
    ends: set[asyncio.StreamWriter] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(line.join(reader, writer))
        connections.add(task)
        ends.add(writer)
        task.add_done_callback(connections.discard)
        task.add_done_callback(lambda _: writer.transport.abort())

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    line.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        # An aborted connection is closed a turn of the loop later; the loop must not end before.
        await asyncio.gather(*(end.wait_closed() for end in ends), return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> bytes:
    """The next bytes; none once the connection is over, however it ended."""
    try:
        return await reader.read(BLOCK)
    except OSError:
        return b""
