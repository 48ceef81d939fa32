"""A server with one sitting, and browsers at its exam socket: ASGI messages in, ASGI messages out."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import Message, Scope

from core.clock import ManualClock
from core.ids import PersonId
from exam_server.commands import Admit
from exam_server.connection import SittingSocket
from tests.histories.memory import MemoryLog, MemoryRecords, Owner, quiet
from tests.histories.sittings import CANDIDATE, FIRST, NOW, SITTING, make_created

START = '{"type":"start","seq":1}'
RESPOND = '{"type":"respond","seq":2,"position":0,"stage":0,"value":["0.0.a"]}'


@dataclass
class SignedIn:
    id: PersonId


class Peer:
    """The browser's end of one WebSocket."""

    def __init__(self, socket: SittingSocket, scope: Scope) -> None:
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.sent: list[Message] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self.task = asyncio.ensure_future(socket(scope, self.inbox.get, self._send))

    async def _send(self, message: Message) -> None:
        await self.reads.wait()
        self.sent.append(message)
        if message["type"] == "websocket.close":
            self.inbox.put_nowait({"type": "websocket.disconnect", "code": message["code"]})

    async def say(self, *texts: str | bytes) -> None:
        for text in texts:
            key = "text" if isinstance(text, str) else "bytes"
            self.inbox.put_nowait({"type": "websocket.receive", key: text})
        await quiet()

    async def leave(self) -> None:
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await self.task
        await quiet()

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(message["text"]) for message in self.sent if message["type"] == "websocket.send"]

    @property
    def closed(self) -> int | None:
        return next((message["code"] for message in self.sent if message["type"] == "websocket.close"), None)


class DirectPeer(Peer):
    """The same where the server offers the short way; `keeps_up` False: what is written has to wait."""

    def __init__(self, socket: SittingSocket, scope: Scope) -> None:
        self.claimed = False
        self.keeps_up = True
        self.aborted = False
        self.ear: Callable[[bytes], bool] | None = None
        super().__init__(socket, {**scope, "extensions": {"direct": self}})

    def claim(self) -> None:
        assert self.sent == [], "too late: the handshake was accepted"
        self.claimed = True

    def listen(self, ear: Callable[[bytes], bool]) -> int:
        assert self.claimed
        self.ear = ear
        return self.inbox.qsize()

    def write(self, text: bytes) -> bool:
        if self.keeps_up:
            self.sent.append({"type": "websocket.send", "text": text.decode()})
        return self.keeps_up

    def abort(self) -> None:
        self.aborted = True
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def say(self, *texts: str | bytes) -> None:
        for text in texts:
            data = text.encode() if isinstance(text, str) else text
            if self.ear is None or not self.ear(data):
                self.inbox.put_nowait({"type": "websocket.receive", "bytes": data})
        await quiet()


class House:
    """A server with one sitting that is ready to begin."""

    def __init__(self, rate: float = 1_000.0, burst: int = 1_000) -> None:
        self.clock = ManualClock(NOW)
        self.log = MemoryLog()
        self.log.by_itself = True
        self.log.create(SITTING, make_created())
        self.owner = Owner(self.log, self.clock)
        self.records = MemoryRecords()
        self.socket = SittingSocket(self.owner.conduct, self.clock, self.records, rate, burst)
        self.peers: list[Peer] = []
        self.kind: type[Peer] = Peer

    async def visit(self, sitting: Any = SITTING, person: int | None = CANDIDATE, stream: str = FIRST) -> Peer:
        scope: Scope = {
            "type": "websocket",
            "path_params": {"sitting": sitting},
            "query_string": f"stream={stream}".encode(),
            "state": {} if person is None else {"principal": SignedIn(PersonId(person))},
        }
        peer = self.kind(self.socket, scope)
        self.peers.append(peer)
        await quiet()
        return peer

    async def begin(self) -> Peer:
        await self.owner.conduct.order(SITTING, Admit("biometrics"))
        peer = await self.visit()
        await peer.say(START)
        return peer


async def begin_directly(rate: float = 1_000.0, burst: int = 1_000) -> tuple[House, DirectPeer]:
    house = House(rate, burst)
    house.kind = DirectPeer
    peer = await house.begin()
    assert isinstance(peer, DirectPeer)
    return house, peer
