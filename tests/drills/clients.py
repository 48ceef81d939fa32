"""Candidates on real WebSockets: each keeps an edit until it is acknowledged, as the exam page does, and an account.

One edit is under way at a time unless `window` says more, and a lost connection is taken up again after the page's
own full-jitter pause.
What a candidate writes down (`edits`) is what the reckoning holds the log to.
"""

import asyncio
import contextlib
import itertools
import json
import socket
from collections import Counter, deque
from collections.abc import Sequence
from random import Random
from typing import Any

from msgspec import Struct
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.hall import STREAM, Seat, cookies
from core.clock import SystemClock, elapsed_seconds
from core.moments import SECOND
from tests.drills.reckoning import Account, Edit

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""As exam_server/pages/static/link.js waits before it connects again, seconds."""
PING_EVERY, SILENT_AT_MOST = 5.0, 10.0
PATIENCE = 15.0
"""How long an edit is under way before it is sent again, and a handshake before it is given up."""
LEAVE_SECONDS = 30.0
KEPT = 5
"""Edits that a candidate makes ahead while nothing is acknowledged."""
NOT_NOW = {"busy", "internal", "flood", "paused"}
FINAL = {4001, 4400, 4401, 4404, 4409}
"""Close codes after which a page does not come back by itself: in a drill nobody may ever hear one."""


class Temper(Struct, frozen=True):
    """How somebody sits an exam: seconds between edits, how often an item is looked at until its time is over."""

    pace: float = 0.4
    dawdles: float = 0.06


class Line(WSListener):
    """One connection; what it hears goes to whoever opened it, for as long as it is theirs."""

    transport: WSTransport

    def __init__(self, candidate: "Candidate") -> None:
        self.candidate = candidate
        self.gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.code = 1006

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self.candidate.hear(self, json.loads(frame.get_payload_as_bytes()))
        elif frame.msg_type == WSMsgType.CLOSE:
            self.code = int.from_bytes(frame.get_payload_as_bytes()[:2], "big") or 1005
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if not self.gone.done():
            self.gone.set_result(self.code)

    def say(self, message: dict[str, Any]) -> None:
        """The transport drops it where the connection is gone already."""
        self.transport.send(WSMsgType.TEXT, json.dumps(message).encode())

    def hang_up(self) -> None:
        self.transport.disconnect(graceful=False)


class Candidate:
    """One seat and who sits there. `ports` are those of the servers, the first one tried first."""

    def __init__(self, seat: Seat, ports: Sequence[int], temper: Temper, random: Random) -> None:
        self.seat = seat
        self.ports = list(ports)
        self.temper = temper
        self.random = random
        self.edits: dict[int, Edit] = {}
        self.queue: deque[Edit] = deque()
        self.delays: list[tuple[float, float]] = []
        """When an edit was acknowledged and how long that took since it was first sent, seconds."""
        self.connections = 0
        self.closings: Counter[int] = Counter()
        self.line: Line | None = None
        self.ended = False
        self.expelled = 0
        self.silences = 0
        """How often a connection was given up because nothing was heard on it."""
        self.heard_at = 0.0
        self.window = 1
        self._port = 0
        self._under_way = 0
        """The newest edit that was sent over this connection and not turned away."""
        self._started_at: dict[int, float] = {}
        self._item: dict[str, Any] | None = None
        self._locked: set[int] = set()
        self._length = 0
        self._turned = asyncio.Event()
        self._again: asyncio.TimerHandle | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._acting = False
        self._gone = False

    # --- coming and going ---------------------------------------------------------------------------------

    def arrive(self) -> None:
        """Connect, start, and answer from now on."""
        self._acting = True
        self._tasks = [asyncio.create_task(self._stay()), asyncio.create_task(self._act())]

    async def rest(self) -> None:
        """Make no more edits; returns once everything made is acknowledged or refused, or there is no way to."""
        self._acting = False
        while self.queue and not self.expelled:
            self._turned.clear()
            await self._turned.wait()

    async def leave(self) -> None:
        """Hang up for good. Raises what went wrong in the candidate itself."""
        self._gone = True
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._put_off(None)
        if self.line is not None:
            self.line.hang_up()
            self.line = None

    @property
    def port(self) -> int:
        """Of the server that is tried or talked to."""
        return self.ports[self._port % len(self.ports)]

    def cut(self) -> None:
        """The connection breaks; the candidate comes back by itself."""
        if self.line is not None:
            self.line.hang_up()

    @property
    def live(self) -> bool:
        return self.line is not None

    @property
    def resting(self) -> bool:
        return not self._acting

    def account(self) -> Account:
        """What was done here, for the reckoning."""
        return Account(self.seat.sitting, STREAM, tuple(self.edits.values()))

    def dial(self) -> socket.socket | None:
        """The socket to connect with; None: an ordinary one."""
        return None

    async def _stay(self) -> None:
        failures = 0
        while self.expelled == 0 and not self._gone:
            line = Line(self)
            port = self.port
            began = self.connections
            with contextlib.suppress(Exception):  # refused, reset, too slow: all mean to try again
                await ws_connect(
                    lambda line=line: line,
                    f"ws://127.0.0.1:{port}/ws/sittings/{self.seat.sitting}?stream={STREAM}",
                    extra_headers=cookies(self.seat, port),
                    websocket_handshake_timeout=PATIENCE,
                    socket_factory=lambda _: self.dial(),
                )
                code = await self._listen(line)
                self.closings[code] += 1
                if code in FINAL:
                    self.expelled = code
                    self._turned.set()
            if self.line is line:
                self.line = None
                self._under_way = 0
                self._put_off(None)
            failures = 0 if self.connections > began else failures + 1
            self._port += 1
            await self._pause(failures)

    async def _listen(self, line: Line) -> int:
        """Until the connection is gone, or nothing was heard for too long; the code that it was closed with."""
        self.heard_at = elapsed_seconds()
        while not line.gone.done():
            await asyncio.wait([line.gone], timeout=PING_EVERY)
            if elapsed_seconds() - self.heard_at > SILENT_AT_MOST:
                self.silences += 1
                line.hang_up()
            elif not line.gone.done():
                line.say({"type": "ping", "sent": 1})
        return line.gone.result()

    async def _pause(self, failures: int) -> None:
        """Before it connects again."""
        await asyncio.sleep(0.1 + self.random.random() * min(LONGEST_PAUSE, FIRST_PAUSE * 2**failures))

    # --- the queue ----------------------------------------------------------------------------------------

    def edit(
        self, kind: str, position: int = -1, stage: int = 0, value: tuple[str, ...] = (), on: bool = False
    ) -> None:
        """Keep an edit and send it when its turn comes."""
        made = Edit(len(self.edits) + 1, kind, position, stage, value, on)
        self.edits[made.seq] = made
        self.queue.append(made)
        self._pump()

    def _pump(self) -> None:
        if self.line is None or not self.queue or self.queue[-1].seq <= self._under_way:
            return
        for edit in itertools.islice(self.queue, self.window):
            if edit.seq > self._under_way:
                self._under_way = edit.seq
                if edit.first_sent is None:
                    edit.first_sent = SystemClock().now()
                    self._started_at[edit.seq] = elapsed_seconds()
                self.line.say(edit.message())
                self._put_off(PATIENCE)

    def _put_off(self, seconds: float | None) -> None:
        """Send again from the first edit on after so many seconds."""
        if self._again is not None:
            self._again.cancel()
        self._again = None if seconds is None else asyncio.get_running_loop().call_later(seconds, self._try_again)

    def _try_again(self) -> None:
        self._under_way = 0
        self._pump()

    def hear(self, line: Line, message: dict[str, Any]) -> None:
        """Whatever the server says."""
        self.heard_at = elapsed_seconds()
        match message["type"]:
            case "ack":
                self._settle(message["seq"])
            case "snapshot":
                if self.line is not line:
                    self.line = line
                    self.connections += 1
                self._item = message.get("item")
                self._length = len(message["marks"])
                self._locked = {place for place, mark in enumerate(message["marks"]) if mark.get("locked")}
                self.ended = message["status"] == "ended"
                self._settle(message["seq"])
                self._under_way = 0
                if message["status"] == "ready" and not self.edits:
                    self.edit("start")
            case "refused":
                self._refuse(message.get("seq"), message["code"])
            case "item":
                self._item = message["item"]
            case "closed":
                self._locked.add(message["position"])
            case "ended":
                self.ended = True
        self._turned.set()
        self._pump()

    def _settle(self, seq: int) -> None:
        """Every edit up to here is stored, the server says."""
        now = elapsed_seconds()
        while self.queue and self.queue[0].seq <= seq:
            edit = self.queue.popleft()
            edit.acknowledged = True
            self.delays.append((now, now - self._started_at.pop(edit.seq, now)))
        if not self.queue or self._under_way < self.queue[0].seq:
            self._put_off(None)

    def _refuse(self, seq: int | None, code: str) -> None:
        edit = next((edit for edit in self.queue if edit.seq == seq), None)
        if edit is None:
            return
        if code in NOT_NOW:
            self._put_off(FIRST_PAUSE / 2 + self.random.random() * FIRST_PAUSE / 2)
            return
        self.queue.remove(edit)
        edit.refused = code
        self._started_at.pop(edit.seq, None)

    # --- the candidate ------------------------------------------------------------------------------------

    async def _act(self) -> None:
        """Answer and move on; now and then look at an item until its time is over and answer all the same."""
        while self._acting and not self.ended:
            await asyncio.sleep(self.temper.pace * (0.5 + self.random.random()))
            item = self._item
            waiting = any(edit.kind in ("start", "show") for edit in self.queue)  # for the next item: nothing to do
            if item is None or waiting or len(self.queue) >= KEPT or not self._acting:
                continue
            left = (item["deadline"] - SystemClock().now()) / SECOND
            if self.random.random() < self.temper.dawdles and left < 12:
                await asyncio.sleep(max(0.0, left - 1 + self.random.random() * 4))
                if self.resting:
                    return
            self._answer(item)
            if self.random.random() < 0.5:
                self._move_on(item["position"])

    def _answer(self, item: dict[str, Any]) -> None:
        choices = item["content"]["stages"][item["stage"]]["choices"]
        value = () if self.random.random() < 0.05 else (self.random.choice(choices)["id"],)
        self.edit("respond", item["position"], item["stage"], value)

    def _move_on(self, position: int) -> None:
        if self.random.random() < 0.1:
            self.edit("flag", position, on=self.random.random() < 0.5)
        free = [place for place in range(self._length) if place not in self._locked and place != position]
        if free:
            self.edit("show", self.random.choice(free[:8]))


class Crowd:
    """All candidates of a drill."""

    def __init__(
        self,
        seats: Sequence[Seat],
        ports: Sequence[int],
        temper: Temper = Temper(),
        kind: type[Candidate] = Candidate,
    ) -> None:
        self.candidates = [
            # Each begins at another server where there are several.
            kind(seat, [*ports[n % len(ports) :], *ports[: n % len(ports)]], temper, Random(n))
            for n, seat in enumerate(seats)
        ]

    async def arrive(self, seconds: float = 120.0) -> float:
        """Everybody comes; how long it took until all were there."""
        for candidate in self.candidates:
            candidate.arrive()
        return await self.gather(seconds)

    async def gather(self, seconds: float = 120.0) -> float:
        """Wait until everybody is connected; how long it took. Raises TimeoutError."""
        began = elapsed_seconds()
        async with asyncio.timeout(seconds):
            while not all(candidate.live or candidate.ended for candidate in self.candidates):
                await asyncio.sleep(0.02)
        return elapsed_seconds() - began

    @property
    def acknowledged(self) -> int:
        """How many edits have been acknowledged so far."""
        return sum(len(candidate.delays) for candidate in self.candidates)

    async def answer(self, edits: int, seconds: float = 120.0) -> None:
        """Wait until so many more edits are acknowledged. Raises TimeoutError."""
        until = self.acknowledged + edits
        async with asyncio.timeout(seconds):
            while self.acknowledged < until:
                await asyncio.sleep(0.02)

    async def lose(self, candidates: Sequence[Candidate], seconds: float = 120.0) -> None:
        """Wait until each of them has noticed that the connection they have is gone. Raises TimeoutError."""
        lines = [(candidate, candidate.line) for candidate in candidates]
        async with asyncio.timeout(seconds):
            while any(candidate.line is line is not None for candidate, line in lines):
                await asyncio.sleep(0.02)

    async def unburden(self, seconds: float = 120.0) -> None:
        """Wait until everything that waits for its acknowledgement now has it. Raises TimeoutError."""
        waiting = [(candidate, candidate.queue[-1].seq) for candidate in self.candidates if candidate.queue]
        async with asyncio.timeout(seconds):
            while any(one.queue and one.queue[0].seq <= seq for one, seq in waiting):
                await asyncio.sleep(0.02)

    async def finish(self, submit: float = 0.2, seconds: float = 120.0) -> None:
        """Everybody empties their queue, a share of them submits, all leave. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(candidate.rest() for candidate in self.candidates))
            for candidate in self.candidates[: round(len(self.candidates) * submit)]:
                candidate.edit("submit")
            await asyncio.gather(*(candidate.rest() for candidate in self.candidates))
        async with asyncio.timeout(LEAVE_SECONDS):
            await asyncio.gather(*(candidate.leave() for candidate in self.candidates))

    @property
    def reconnects(self) -> int:
        return sum(max(0, candidate.connections - 1) for candidate in self.candidates)

    def percentile_ms(self, share: float = 0.99, start: float = 0.0, end: float = float("inf")) -> float:
        """Delay of acknowledgements that came between two readings of the monotonic clock, ms."""
        found = sorted(delay for c in self.candidates for at, delay in c.delays if start <= at <= end)
        return round(found[min(len(found) - 1, int(len(found) * share))] * 1e3, 1) if found else 0.0
