"""The short way of messages, beside uvicorn's own on the same bytes: both hear the same, both answer the same."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.utils import apply_mask

from app.serving import PING_SECONDS
from app.serving import Config as Served
from app.sockets import DirectProtocol
from tests.histories.memory import quiet
from tests.histories.sittings import thorough
from tests.server.booth import until

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
MASK = b"\x01\x80\x7f\xfe"
BOUND = 70_000


class Wire(asyncio.Transport):
    """The server's end of a connection that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closing = False
        self.paused = False
        self.aborted = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.aborted = self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


class End:
    """An endpoint and its connection. `deaf_to`: messages that its ear leaves to the queue, with all that follow
    until they were received, as an endpoint has to that must keep their order. `pings`: seconds between two, and to
    the answer.
    """

    def __init__(
        self,
        kind: type[WebSocketsSansIOProtocol],
        deaf_to: bytes | None = None,
        pings: tuple[float, float] | tuple[None, None] = (None, None),
    ) -> None:
        self.heard: list[bytes | str] = []
        self.queued = 0
        self.behind = 0
        self.deaf_to = deaf_to
        self.direct: Any = None
        self.left = False
        config = Config(
            self,
            ws_max_size=BOUND,
            ws_per_message_deflate=False,
            ws_ping_interval=pings[0],
            ws_ping_timeout=pings[1],
            log_level="error",
        )
        config.load()
        self.wire = Wire()
        self.protocol = kind(config, ServerState(), {})
        self.protocol.connection_made(self.wire)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        self.direct = scope["extensions"].get("direct")
        if self.direct is not None:
            self.direct.claim()
        await send({"type": "websocket.accept"})
        if self.direct is not None:
            self.behind = self.direct.listen(self.hear)
        while (message := await receive())["type"] != "websocket.disconnect":
            self.heard.append(_content(message))
            self.queued += 1
            self.behind = max(0, self.behind - 1)
        self.left = True

    def hear(self, data: bytes) -> bool:
        if self.behind or data == self.deaf_to:
            self.behind += 1
            return False
        self.heard.append(data)
        return True

    async def shake_hands(self) -> None:
        self.protocol.data_received(HANDSHAKE)
        await quiet()
        assert self.wire.written.startswith(b"HTTP/1.1 101")
        self.wire.written = b""

    async def leave(self) -> None:
        self.protocol.connection_lost(None)
        await quiet()
        assert self.left


def _content(message: Message) -> bytes:
    text = message.get("text")
    content: bytes = message["bytes"] if text is None else text.encode()
    return content


def frame(opcode: Opcode, data: bytes, fin: bool = True, masked: bool = True, reserved: bool = False) -> bytes:
    """A frame of a client, faults included."""
    head = bytes([(0x80 if fin else 0) | (0x40 if reserved else 0) | opcode])
    size, bit = len(data), 0x80 if masked else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65_536:
        head += bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + size.to_bytes(8, "big")
    return head + (MASK + apply_mask(data, MASK) if masked else data)


texts = st.one_of(
    st.text("ab{}", max_size=130), st.text(max_size=40), st.integers(100, 70_001).map(lambda size: "x" * size)
).map(str.encode)
good = st.one_of(
    st.builds(frame, st.just(Opcode.TEXT), texts),
    st.builds(frame, st.just(Opcode.TEXT), texts),
    st.builds(frame, st.just(Opcode.BINARY), st.binary(max_size=200)),
    st.builds(frame, st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125)),
    st.builds(
        lambda first, second: (
            frame(Opcode.TEXT, first, fin=False) + frame(Opcode.PING, b"!") + frame(Opcode.CONT, second)
        ),
        st.text("cd", max_size=130).map(str.encode),
        st.text(max_size=40).map(str.encode),
    ),
)
bad = st.one_of(
    st.builds(frame, st.sampled_from(Opcode), st.binary(max_size=130), st.booleans(), st.booleans(), st.booleans()),
    st.just(frame(Opcode.CLOSE, b"\x03\xe8")),
    st.just(frame(Opcode.TEXT, b"\xff")),
    st.just(frame(Opcode.TEXT, b"ab", fin=False) + frame(Opcode.TEXT, b"cd")),
    st.binary(min_size=1, max_size=12),
)


async def feed(end: End, pieces: Iterable[bytes]) -> None:
    await end.shake_hands()
    for piece in pieces:
        if not end.wire.closing:
            end.protocol.data_received(piece)
            await quiet()
    await end.leave()


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    borders = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
    return [stream[start:stop] for start, stop in pairwise(borders)]


@given(
    st.lists(good, max_size=8),
    st.lists(st.one_of(bad, good.filter(lambda piece: len(piece) < 300)), max_size=2),
    st.lists(st.integers(0, 2**20), max_size=12),
    st.sampled_from([None, b"", b"a", b"b"]),
)
@thorough(300)
def test_any_bytes_in_any_pieces_are_heard_as_uvicorn_hears_them_frame_by_frame(
    whole: list[bytes], doubtful: list[bytes], cuts: list[int], deaf_to: bytes | None
) -> None:
    """Frame by frame, since uvicorn drops what came before a fault in the same piece; the short way does not."""

    async def both() -> None:
        plain, direct = End(WebSocketsSansIOProtocol), End(DirectProtocol, deaf_to)
        await feed(plain, [*whole, *(bytes([byte]) for byte in b"".join(doubtful))])
        await feed(direct, cut(b"".join(whole + doubtful), cuts))
        assert direct.heard == plain.heard
        assert direct.wire.written == plain.wire.written
        assert direct.wire.closing == plain.wire.closing

    asyncio.run(both())


async def opened(deaf_to: bytes | None = None) -> End:
    end = End(DirectProtocol, deaf_to)
    await end.shake_hands()
    return end


async def test_a_short_text_takes_the_short_way_without_stopping_the_reading() -> None:
    end = await opened()
    end.protocol.data_received(frame(Opcode.TEXT, b"one") + frame(Opcode.TEXT, b"two") + frame(Opcode.TEXT, b"x" * 300))
    assert end.heard == [b"one", b"two", b"x" * 300]
    assert (end.queued, end.wire.paused) == (0, False)
    await end.leave()


async def test_what_the_ear_leaves_comes_by_way_of_the_queue_and_keeps_its_order() -> None:
    end = await opened(deaf_to=b"wait")
    end.protocol.data_received(b"".join(frame(Opcode.TEXT, word) for word in (b"one", b"wait", b"two")))
    assert end.heard == [b"one"]
    await quiet()
    assert end.heard == [b"one", b"wait", b"two"]
    assert end.queued == 2
    end.protocol.data_received(frame(Opcode.TEXT, b"three"))
    assert end.heard[-1] == b"three"
    await end.leave()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
async def test_what_is_written_is_one_frame(size: int) -> None:
    end = await opened()
    assert end.direct.write(b"y" * size)
    assert end.wire.written == Frame(Opcode.TEXT, b"y" * size).serialize(mask=False)
    await end.leave()


@pytest.mark.parametrize(
    "trouble",
    [
        lambda end: end.protocol.pause_writing(),
        lambda end: end.protocol.data_received(frame(Opcode.CLOSE, b"\x03\xe8")),
        lambda end: end.protocol.shutdown(),
    ],
)
async def test_nothing_is_written_to_a_page_that_does_not_keep_up_or_is_going(trouble: Callable[[End], None]) -> None:
    end = await opened()
    trouble(end)
    before = end.wire.written
    assert not end.direct.write(b"word")
    assert end.wire.written == before
    end.protocol.resume_writing()
    await end.leave()


async def test_pings_of_a_page_that_reads_nothing_are_not_answered() -> None:
    end = await opened()
    end.protocol.pause_writing()
    for _ in range(3):
        end.protocol.data_received(frame(Opcode.PING, b"z" * 125))
    assert end.wire.written == b""
    end.protocol.resume_writing()
    end.protocol.data_received(frame(Opcode.PING, b"there?"))
    assert end.wire.written == Frame(Opcode.PONG, b"there?").serialize(mask=False)
    await end.leave()


@pytest.mark.parametrize("how", [lambda end: end.direct.abort(), lambda end: end.protocol.keepalive_timeout()])
async def test_nobody_waits_for_what_is_never_read(how: Callable[[End], None]) -> None:
    end = await opened()
    end.protocol.pause_writing()
    how(end)
    assert end.wire.aborted
    end.protocol.resume_writing()
    await end.leave()


async def test_an_endpoint_that_claims_nothing_is_served_as_ever() -> None:
    async def echo(scope: Scope, receive: Receive, send: Callable[[Message], Awaitable[None]]) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] != "websocket.disconnect":
            await send({"type": "websocket.send", "text": message["text"]})

    end = End(DirectProtocol)
    end.protocol.app = echo
    end.protocol.data_received(HANDSHAKE)
    await quiet()
    end.wire.written = b""
    end.protocol.data_received(frame(Opcode.TEXT, b"hello"))
    assert end.wire.paused
    await quiet()
    assert end.wire.written == Frame(Opcode.TEXT, b"hello").serialize(mask=False)
    end.protocol.connection_lost(None)
    await quiet()


async def test_a_page_that_answers_no_ping_is_gone() -> None:
    end = End(DirectProtocol, pings=(0.001, 0.001))
    await end.shake_hands()
    await until(lambda: end.wire.closing, "the dead page is noticed")
    assert end.wire.written[:2] == b"\x89\x04", "it was asked"
    await end.leave()


async def test_a_page_that_answers_its_pings_stays() -> None:
    end = End(DirectProtocol, pings=(0.001, 60.0))
    await end.shake_hands()
    answered = 0
    while answered < 3:
        await until(lambda: len(end.wire.written) >= 6, "it is asked")
        ping, end.wire.written = end.wire.written[:6], end.wire.written[6:]
        end.protocol.data_received(frame(Opcode.PONG, ping[2:]))
        answered += 1
    assert not end.wire.closing
    await end.leave()


def test_pages_are_served_with_pings() -> None:
    served = Served(Starlette())
    assert (served.ws_ping_interval, served.ws_ping_timeout) == (PING_SECONDS, PING_SECONDS)
