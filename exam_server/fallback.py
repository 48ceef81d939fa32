"""The exam over plain HTTP, for a page whose WebSockets a proxy blocks: same log, same messages, asked for one by one.

A page that has asked is attached like one at a socket. It stays so between its requests, which come every few
seconds, and is detached once it has been silent for SILENCE.
"""

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from core.clock import Clock
from core.errors import TooMany, Unavailable
from core.ids import PersonId, SittingId
from core.moments import Moment
from exam_server import wire
from exam_server.conduct import Conduct
from exam_server.connection import MAX_STREAM, Flow, Records, judge, take_remark
from exam_server.held import Held
from exam_server.page_line import MAX_QUEUE

MAX_EDITS = 50
SILENCE = 20.0
"""Seconds without a request after which the page counts as gone."""
PATIENCE = 8.0
"""Seconds until a page is told that its edits are not stored yet; a page itself gives up a little later."""
MAX_AT_WORK = 3
"""Requests of one sitting that may wait for each other."""
_TAKEN = wire.encode(wire.TakenOver())


class Letter(Struct, frozen=True, forbid_unknown_fields=True):
    """What one request brings: messages of the protocol, in order. Without any it only asks for news.

    `epoch`: of the newest snapshot the page has, so that one which was taken over is told so; 0 takes the sitting
    over, whoever has it. One that was never given out counts as the newest.
    """

    stream: Annotated[str, Meta(pattern=f"^[A-Za-z0-9]{{8,{MAX_STREAM}}}\\Z")]
    epoch: Annotated[int, Meta(ge=0, le=2**31)] = 0
    edits: Annotated[tuple[Raw, ...], Meta(max_length=MAX_EDITS)] = ()


class CollectingLine:
    """The way to a page that asks: what it is to be told waits until it does.

    Every answer ends with a snapshot, so what is dropped here because too much waited is not missed.
    """

    __slots__ = ("_told", "gone")

    def __init__(self) -> None:
        self._told: list[bytes] = []
        self.gone = False

    def send(self, data: bytes) -> None:
        if len(self._told) >= MAX_QUEUE:
            self._told.clear()
        self._told.append(data)

    def close(self, code: int, reason: str) -> None:
        self.gone = True

    def take(self) -> list[bytes]:
        """What waited. It is not kept."""
        told, self._told = self._told, []
        return told


class Seat:
    """One sitting whose page asks over HTTP. Its requests are answered one after the other."""

    __slots__ = ("at_work", "flow", "held", "leaving", "line", "lock", "stream")

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.lock = asyncio.Lock()
        self.at_work = 0
        self.held: Held | None = None
        self.line = CollectingLine()
        self.stream = ""
        self.leaving: asyncio.TimerHandle | None = None

    @property
    def attached(self) -> bool:
        return self.held is not None and self.held.line is self.line and not self.line.gone


class Fallback:
    """Answers the requests of pages without a socket. All calls come from one event loop."""

    def __init__(
        self,
        conduct: Conduct,
        clock: Clock,
        records: Records,
        rate: float = 20.0,
        burst: int = 100,
        silence: float = SILENCE,
    ) -> None:
        self._conduct = conduct
        self._clock = clock
        self._records = records
        self._rate = rate
        self._burst = burst
        self._silence = silence
        self._seats: dict[SittingId, Seat] = {}

    async def answer(
        self, sitting_id: SittingId, person: PersonId, letter: Letter, caller: tuple[str, str]
    ) -> list[bytes]:
        """The messages that follow, in order and durable; a snapshot, or that the page was taken over, comes last.

        `caller`: address and device, for the record. Raises NotFound for a sitting that is not this person's,
        TooMany, Unavailable while the database is away.
        """
        now = self._clock.now()
        try:
            seat = await self._find(sitting_id, person, now)
            if not all(seat.flow.admit(now) for _ in (None, *letter.edits)):
                raise TooMany("flood", "Слишком много сообщений. Ответы сохранены на этом устройстве.")
            if seat.at_work >= MAX_AT_WORK:
                raise Unavailable("busy", wire.SENTENCES["busy"])
            seat.at_work += 1
            self._await_silence(seat, sitting_id)  # nobody is gone whose request is being answered
            try:
                async with asyncio.timeout(PATIENCE), seat.lock:
                    return await self._answer(seat, sitting_id, letter, caller, now)
            finally:
                seat.at_work -= 1
                self._await_silence(seat, sitting_id)
        except OSError:  # a time-out is one too
            raise Unavailable("busy", wire.SENTENCES["busy"]) from None

    async def _find(self, sitting_id: SittingId, person: PersonId, now: Moment) -> Seat:
        await self._conduct.hold_for(sitting_id, person)
        seat = self._seats.get(sitting_id)
        if seat is None:
            seat = self._seats[sitting_id] = Seat(Flow(self._rate, self._burst, now))
            self._await_silence(seat, sitting_id)
        return seat

    async def _answer(
        self, seat: Seat, sitting_id: SittingId, letter: Letter, caller: tuple[str, str], now: Moment
    ) -> list[bytes]:
        held = await self._conduct.hold(sitting_id)
        if letter.epoch > held.epoch:  # it was given out by another process since, or never
            await self._conduct.renew(held)
        if not (seat.attached and seat.stream == letter.stream):
            if _has_newer(held, seat, letter):
                return [_TAKEN]
            await self._attach(seat, sitting_id, letter.stream, caller)
        assert seat.held is not None
        held, line = seat.held, seat.line
        for edit in letter.edits:
            remark = judge(self._conduct, held, line, bytes(edit), now)
            if remark is not None:
                await take_remark(self._conduct, self._records, held, line, remark, now)
        snapshot = await self._conduct.draw(held, line)
        return [*(one for one in line.take() if one != _TAKEN), _TAKEN if snapshot is None else snapshot]

    async def _attach(self, seat: Seat, sitting_id: SittingId, stream: str, caller: tuple[str, str]) -> None:
        line = CollectingLine()
        held = await self._conduct.attach(sitting_id, line, stream, "http")  # where it is refused the older page stays
        seat.held, seat.line, seat.stream = held, line, stream
        try:
            await self._records.greet(sitting_id, held.epoch, *caller)
        except BaseException:
            self._leave(seat)
            raise

    # --- going --------------------------------------------------------------------------------------------

    def _await_silence(self, seat: Seat, sitting_id: SittingId) -> None:
        if seat.leaving is not None:
            seat.leaving.cancel()
            seat.leaving = None
        if seat.at_work == 0:
            loop = asyncio.get_running_loop()
            seat.leaving = loop.call_later(self._silence, self._let_go, seat, sitting_id)

    def _let_go(self, seat: Seat, sitting_id: SittingId) -> None:
        self._seats.pop(sitting_id, None)
        self._leave(seat)

    def _leave(self, seat: Seat) -> None:
        held, seat.held = seat.held, None
        if held is not None:
            self._conduct.detach(held, seat.line)


def _has_newer(held: Held, seat: Seat, letter: Letter) -> bool:
    """Does a newer page have the sitting, which this one did not ask to take back?

    An epoch of its own browser that this page has not heard of may be of an answer that was lost on the way.
    """
    if not 0 < letter.epoch < held.state.epoch:
        return False
    return held.state.stream != letter.stream or held.line not in (None, seat.line)


def read_letter(body: bytes) -> Letter:
    """Raises msgspec.DecodeError, UnicodeError or RecursionError on what is none."""
    return _decoder.decode(body)


_decoder = msgspec.json.Decoder(Letter)
