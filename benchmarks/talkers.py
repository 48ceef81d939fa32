"""Connections that answer, or have the same bytes echoed, and count what comes back and when."""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from time import perf_counter

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.hall import STREAM, Seat, cookies
from benchmarks.visitors import in_turn

ANSWER = b'{"type":"respond","seq":%d,"position":%d,"stage":0,"value":["%b"]}'
ACK = b'{"type":"ack","seq":'
AT_ONCE = 64
"""Connections opened at the same time."""


class Talker(WSListener):
    """One connection. As long as it is `running`, each message that comes back is followed by another.

    `echo`: what comes back is the message itself; else it is an acknowledgement of all up to a number.
    """

    transport: WSTransport

    def __init__(self, echo: bool) -> None:
        loop = asyncio.get_running_loop()
        self.echo = echo
        self.position = 0
        self.choices: Sequence[bytes] = [b"%032d" % number for number in range(4)]
        self.seq = self.acknowledged = 0
        self.running = False
        self.counted = 0
        self.sent: deque[float] = deque()
        self.dues: list[float] = []
        self.delays: list[float] = []
        self.ready: asyncio.Future[None] = loop.create_future()
        self.idle: asyncio.Future[None] = loop.create_future()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        if self.echo:
            self.ready.set_result(None)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        for waiting in (self.ready, self.idle):
            if not waiting.done():
                waiting.set_exception(ConnectionError("closed in the middle"))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != WSMsgType.TEXT:
            return
        payload = frame.get_payload_as_bytes()
        if self.echo:
            self.hear(self.acknowledged + 1)
        elif payload.startswith(ACK):
            self.hear(int(payload[len(ACK) : -1]))
        elif not self.ready.done():
            self._begin_at(json.loads(payload))
        elif not self.idle.done():
            self.idle.set_exception(RuntimeError(payload.decode()))

    def _begin_at(self, message: dict[str, object]) -> None:
        if message["type"] == "snapshot":
            item = message["item"]
            assert isinstance(item, dict)
            self.seq = self.acknowledged = int(str(message["seq"]))
            self.position = item["position"]
            self.choices = [choice["id"].encode() for choice in item["content"]["stages"][0]["choices"]]
            self.ready.set_result(None)

    def hear(self, seq: int) -> None:
        """Everything up to `seq` came back."""
        now = perf_counter()
        for _ in range(seq - self.acknowledged):
            due = self.sent.popleft()
            self.dues.append(due)
            self.delays.append(now - due)
            self.counted += 1
            if self.running:
                self.say(now)
        self.acknowledged = seq
        if not self.sent and not self.running and not self.idle.done():
            self.idle.set_result(None)

    def forget(self) -> None:
        """Count anew from here."""
        self.counted = 0
        self.dues.clear()
        self.delays.clear()

    def say(self, due: float) -> None:
        """One more message, which was due then."""
        self.seq += 1
        self.sent.append(due)
        self.transport.send(WSMsgType.TEXT, ANSWER % (self.seq, self.position, self.choices[self.seq % 4]))

    def run(self, in_flight: int) -> None:
        self.running = True
        for _ in range(in_flight):
            self.say(perf_counter())


async def connect(seats: Sequence[Seat], port: int, path: str = "") -> list[Talker]:
    """A talker at each seat, ready to answer; or connected to another path of the server."""
    talkers: list[Talker] = []

    async def come(number: int) -> None:
        seat = seats[number]
        talker = Talker(echo=bool(path))
        talkers.append(talker)
        await ws_connect(
            lambda: talker,
            f"ws://127.0.0.1:{port}/{path or f'ws/sittings/{seat.sitting}?stream={STREAM}'}",
            extra_headers=cookies(seat, port),
        )
        await talker.ready

    await in_turn(len(seats), AT_ONCE, come)
    return talkers


async def fall_silent(talkers: Sequence[Talker], within: float | None = None) -> None:
    """Wait until everything said has come back, or so many seconds; then hang up."""
    for talker in talkers:
        talker.running = False
        if not talker.sent and not talker.idle.done():
            talker.idle.set_result(None)
    done, _ = await asyncio.wait([talker.idle for talker in talkers], timeout=within)
    for one in done:
        one.result()
    for talker in talkers:
        talker.idle.cancel()
        talker.transport.disconnect()
