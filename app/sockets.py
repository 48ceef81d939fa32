"""uvicorn's WebSocket protocol with a short way for small text frames, which nearly all messages of an exam are.

An endpoint that asks for it (`scope["extensions"]["direct"]`) hears messages as they are read from the network and
writes at once: no queue, no task to wake, no reading stopped and begun again for each message. Everything else, and
every other endpoint, goes uvicorn's own way.
"""

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without the compiled part
    from websockets.utils import apply_mask

_FINAL_TEXT, _FINAL_TEXT_16, _FINAL_TEXT_64 = b"\x81", b"\x81\x7e", b"\x81\x7f"
_SHORT = [_FINAL_TEXT + bytes([size]) for size in range(126)]
_MASKED = 0x80
_OPCODES = frozenset(Opcode)


class DirectProtocol(WebSocketsSansIOProtocol):
    """Splits what comes in at the borders of frames, so that the parser stands between two whenever one is short.

    Only the header is read twice; a frame that is not a whole, short, masked text goes to the parser untouched.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._claimed = False
        self._ear: Callable[[bytes], bool] | None = None
        self._clogged = self._over = False
        self._header = b""  # the beginning of a frame whose length is not known yet
        self._missing = 0  # bytes of the frame that the parser is in the middle of

    # --- what an endpoint may use -------------------------------------------------------------------------

    def claim(self) -> None:
        """Has to be called before the handshake is accepted by an endpoint that will listen."""
        self._claimed = True

    def listen(self, ear: Callable[[bytes], bool]) -> int:
        """From now on `ear` hears every message first; what it does not take is received as ever.

        Returns how many messages wait to be received already.
        """
        self._ear = ear
        return self.queue.qsize()

    def write(self, text: bytes) -> bool:
        """Send a message at once; False: the other end does not keep up, or is gone."""
        if self._clogged or self._over or self.close_sent:
            return False
        size = len(text)
        if size < 126:
            self.transport.write(_SHORT[size] + text)
        elif size < 65_536:
            self.transport.write(_FINAL_TEXT_16 + size.to_bytes(2, "big") + text)
        else:
            self.transport.write(_FINAL_TEXT_64 + size.to_bytes(8, "big") + text)
        return True

    def abort(self) -> None:
        """Hang up at once on an other end that does not read: a farewell would wait for it for ever."""
        self.transport.abort()

    # --- what uvicorn calls -------------------------------------------------------------------------------

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"]["direct"] = self  # type: ignore[assignment]

    def pause_writing(self) -> None:
        self._clogged = True
        super().pause_writing()

    def resume_writing(self) -> None:
        self._clogged = False
        super().resume_writing()

    def handle_ping(self) -> None:
        if self._clogged:
            self.conn.data_to_send()  # an answer to who reads nothing would only take room
        else:
            super().handle_ping()

    def handle_close(self, event: Frame) -> None:
        self._over = True
        super().handle_close(event)

    def handle_parser_exception(self) -> None:
        self._over = True
        super().handle_parser_exception()

    def shutdown(self) -> None:
        self._over = True
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()  # closing waits until what was written is read

    def data_received(self, data: bytes) -> None:
        if not self._claimed and (self.handshake_complete or not self.handshake_initiated):
            super().data_received(data)
            return
        if self._missing:
            rest = data[: self._missing]
            self._missing -= len(rest)
            super().data_received(rest)
            data = data[len(rest) :]
        elif self._header:
            data, self._header = self._header + data, b""
        start, end = 0, len(data)
        while start < end:
            stop = _end_of_frame(data, start)
            if stop is None:
                self._header = data[start:]
                return
            if (
                stop <= end
                and self._ear is not None
                and data[start] == 0x81
                and _MASKED <= data[start + 1] < _MASKED + 126
                and self.conn.current_size is None  # not between the fragments of another message
                and not (self._over or self.close_sent)
            ):
                self.curr_msg_data_type = "text"
                self._offer(self._ear, apply_mask(data[start + 6 : stop], data[start + 2 : start + 6]))
            else:
                self._missing = max(0, stop - end)
                super().data_received(data[start:stop])
            start = stop
            if start < end and self.transport.is_closing():
                return  # it was no text, or a breach of the protocol: what follows is not heard any more

    def send_receive_event_to_app(self) -> None:
        if self._ear is None or self.close_sent:
            super().send_receive_event_to_app()
        else:
            self._offer(self._ear, b"".join(self.frames))

    def _offer(self, ear: Callable[[bytes], bool], message: bytes) -> None:
        if (self.curr_msg_data_type == "bytes" or _is_text(message)) and ear(message):
            self.frames = []
            return
        self.frames = [message]  # to be queued; or to be refused, where it is no text
        super().send_receive_event_to_app()


def _is_text(message: bytes) -> bool:
    try:
        return message.isascii() or message.decode() is not None
    except UnicodeDecodeError:
        return False


def _end_of_frame(data: bytes, start: int) -> int | None:
    """Where the frame that begins at `start` ends; None while too little of it is there to tell.

    What can be no frame of a client ends the connection, so that all of it is for the parser.
    """
    if len(data) < start + 2:
        return None
    second = data[start + 1]
    if second < _MASKED or data[start] & 0x0F not in _OPCODES:
        return len(data)
    size = second & 0x7F
    if size < 126:
        return start + 6 + size
    body = start + (4 if size == 126 else 10)
    if len(data) < body:
        return None
    return body + 4 + int.from_bytes(data[start + 2 : body], "big")
