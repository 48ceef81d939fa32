"""One WebSocket of one exam page: reads, validates, hands to the conduct."""

from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeAlias
from urllib.parse import parse_qs
from weakref import WeakKeyDictionary

import structlog
from starlette.types import Receive, Scope, Send

from core.clock import Clock
from core.errors import AccreditationError, Unavailable
from core.ids import PersonId, SittingId
from core.moments import Moment
from core.web.staying import stay
from exam_server import wire
from exam_server.commands import Help, Question, Respond
from exam_server.conduct import Conduct
from exam_server.held import Held, Line
from exam_server.page_line import Direct, PageLine
from exam_server.rulings import MAX_REMARKS, MAX_SEQ_STEP
from exam_server.store import unknown_sitting

MAX_STREAM = 64

_log = structlog.get_logger()

RemarkKind: TypeAlias = Literal["question", "help"]


class Records(Protocol):
    """What is kept beside the log. Raises core.errors.Unavailable while the database is away."""

    async def greet(self, sitting: SittingId, epoch: int, address: str, device: str) -> None:
        """A page has attached from there."""

    async def keep(
        self, sitting: SittingId, candidate: PersonId, kind: RemarkKind, text: str, position: int | None = None
    ) -> int:
        """Keep what a candidate wrote, of the item at a position or of none; the id under which events name it."""


class Flow:
    """A token bucket over the server's clock: `rate` messages a second, `burst` at once."""

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: int, now: Moment) -> None:
        self._rate = rate / 1_000
        self._burst = float(burst)
        self._level = float(burst)
        self._at = now

    def admit(self, now: Moment) -> bool:
        """Take one token; False when there is none."""
        level, passed = self._level, now - self._at
        if passed:
            self._at = now
            if passed > 0:
                level += passed * self._rate
                if level > self._burst:
                    level = self._burst
        if level < 1:
            self._level = level
            return False
        self._level = level - 1
        return True


class Person(Protocol):
    """Who is signed in, as far as a sitting needs to know."""

    @property
    def id(self) -> PersonId: ...


class SittingSocket:
    """ASGI callable for /ws/sittings/{sitting}?stream=…; a raw one, since every answer passes through it."""

    def __init__(
        self,
        conduct: Conduct,
        clock: Clock,
        records: Records,
        rate: float = 20.0,
        burst: int = 100,
    ) -> None:
        self._conduct = conduct
        self._clock = clock
        self._records = records
        self._rate = rate
        self._burst = burst
        self._flows: WeakKeyDictionary[Held, Flow] = WeakKeyDictionary()
        """Of the sittings held here: a page that connects again does not begin with a burst."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        direct: Direct | None = scope.get("extensions", {}).get("direct")
        if direct is not None:
            direct.claim()
        line = PageLine(send, direct)
        await send({"type": "websocket.accept"})
        held: Held | None = None
        try:
            held = await self._attach(scope, line)
        except Exception:
            line.close(1011, "internal")
            raise
        finally:
            if held is None:
                await line.finish()
        if held is not None:
            await stay(scope, self._converse(held, line, receive, direct))

    async def _converse(self, held: Held, line: PageLine, receive: Receive, direct: Direct | None) -> None:
        try:
            await self._listen(held, line, receive, direct)
        except Exception:
            line.close(1011, "internal")
            raise
        finally:
            self._conduct.detach(held, line)
            await line.finish()

    async def _attach(self, scope: Scope, line: PageLine) -> Held | None:
        """The sitting, attached and greeted; None when the page was told why not."""
        person = who_is(scope, line)
        stream = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("stream", [""])[0]
        if person is None:
            return None
        if not (8 <= len(stream) <= MAX_STREAM and stream.isascii() and stream.isalnum()):
            line.close(4400, "bad stream")
            return None
        try:
            sitting_id = read_id(scope["path_params"]["sitting"])
            await self._conduct.hold_for(sitting_id, person.id)
            held = await self._conduct.attach(sitting_id, line, stream)
            try:
                await self._records.greet(sitting_id, held.epoch, *caller(scope))
            except BaseException:
                self._conduct.detach(held, line)
                raise
        except AccreditationError as error:
            line.close(4404 if error.status == 404 else 1013 if error.status == 503 else 4409, error.code)
            return None
        except OSError:
            line.close(1013, "database_away")
            return None
        return held

    async def _listen(self, held: Held, line: PageLine, receive: Receive, direct: Direct | None) -> None:
        flow = self._flows.setdefault(held, Flow(self._rate, self._burst, self._clock.now()))
        hearing = Hearing(self._conduct, self._records, self._clock.now, held, line, flow)
        if direct is not None:
            hearing.behind = direct.listen(hearing.hear)
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            await hearing.take(message.get("text") or message.get("bytes") or b"")


class Hearing:
    """What becomes of the messages of one page. `behind`: messages that have to wait for one before them."""

    __slots__ = ("_conduct", "_flow", "_held", "_now", "_records", "behind", "line")

    def __init__(
        self, conduct: Conduct, records: Records, now: Callable[[], Moment], held: Held, line: PageLine, flow: Flow
    ) -> None:
        self._conduct = conduct
        self._records = records
        self._now = now
        self._held = held
        self._flow = flow
        self.line = line
        self.behind = 0

    def hear(self, data: bytes) -> bool:
        """Take a message as it comes in. False: it, or one before it, has to wait, so that it is to be queued."""
        try:
            if self.behind > 0:
                waits = True
            elif self._flow.admit(now := self._now()):
                waits = judge(self._conduct, self._held, self.line, data, now) is not None
            else:
                waits = False
                self._hang_up()
        except Exception:  # there is no task here that could end with it
            _log.exception("connection.failed", sitting=self._held.id)
            self.line.close(1011, "internal")
            return True
        self.behind += waits
        return not waits

    async def take(self, data: str | bytes) -> None:
        """The next message of the queue. A text is kept first, then the event names it; what follows waits for both."""
        now = self._now()
        if self._flow.admit(now):
            remark = judge(self._conduct, self._held, self.line, data, now)
            if remark is not None:
                await take_remark(self._conduct, self._records, self._held, self.line, remark, now)
        else:
            self._hang_up()
        self.behind = max(0, self.behind - 1)

    def _hang_up(self) -> None:
        """The page floods."""
        self.line.send(wire.encode(wire.refused("flood")))
        self.line.close(1008, "flood")
        self._conduct.detach(self._held, self.line)


def judge(
    conduct: Conduct, held: Held, line: Line, data: str | bytes, now: Moment
) -> wire.Remark | wire.AskHelp | None:
    """What can be done at once with a message of a page is done; anything else comes back."""
    if len(data) > wire.MAX_MESSAGE:
        line.send(wire.encode(wire.refused("message_too_large")))
        return None
    message = wire.decode(data)
    if type(message) is Respond:
        conduct.receive(held, line, message, now)  # by far the most common of all
    elif type(message) is wire.Refused:
        line.send(wire.encode(message))
    elif type(message) is wire.Ping:
        line.send(wire.encode(wire.Pong(message.sent, now)))
    elif type(message) is wire.Remark or type(message) is wire.AskHelp:
        return message
    else:
        conduct.receive(held, line, message, now)
    return None


async def take_remark(
    conduct: Conduct, records: Records, held: Held, line: Line, message: wire.Remark | wire.AskHelp, now: Moment
) -> None:
    """The text is kept first, then the event that names it; what follows from this page waits for both."""
    note: int | None = None
    text = message.text.replace("\0", "").strip()
    state = held.state
    last = state.streams.get(state.stream, 0)
    fresh = message.seq > last
    # what is going to be refused is not kept: a text that no event names would be one of any number
    doomed = state.remarks >= MAX_REMARKS or state.status == "ended" or message.seq > last + MAX_SEQ_STEP
    kind: RemarkKind = "help"
    position = None
    if isinstance(message, wire.Remark):
        kind, position = "question", message.position
        doomed |= position >= len(state.items)
        if not doomed and fresh and not state.items[position].visited:
            line.send(wire.encode(wire.refused("item_not_open", message.seq)))
            return
    if fresh and text and held.line is line and not doomed:
        try:
            note = await records.keep(state.id, state.candidate, kind, text, position)
        except (Unavailable, OSError):
            held.turn_away(message.seq)
            line.send(wire.encode(wire.refused("busy", message.seq)))
            return
    if isinstance(message, wire.AskHelp):
        conduct.receive(held, line, Help(message.seq, note, message.instead), now)
    elif text or not fresh:  # without a note it is going to be refused, or is a page's that was taken over
        conduct.receive(held, line, Question(message.seq, message.position, note or 0), now)
    else:
        line.send(wire.encode(wire.refused("invalid_message", message.seq)))


def who_is(scope: Scope, line: PageLine) -> Person | None:
    """Who is signed in; None once the page was told that nobody is, or that it can't be known now."""
    state = scope.get("state", {})
    person: Person | None = state.get("principal")
    if person is None and state.get("login_unknown"):
        line.close(1013, "database_away")
    elif person is None:
        line.close(4401, "sign in")
    return person


def read_id(given: object) -> SittingId:
    """Whatever stands in the path as a sitting's id. Raises NotFound when no sitting can have it."""
    text = str(given)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise unknown_sitting()
    return SittingId(int(text))


def caller(scope: Scope) -> tuple[str, str]:
    """Address and device of a connection, bounded, for the record."""
    headers: list[tuple[bytes, bytes]] = scope.get("headers", [])
    device = next((value for name, value in headers if name == b"user-agent"), b"").decode("latin-1")
    client: Any = scope.get("client")
    return (client[0] if client else "")[:64], device[:300]
