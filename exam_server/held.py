"""A sitting held by a process: its state, what is on its way to the log, and the page at it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from core.errors import Unavailable
from core.ids import SittingId
from core.moments import Moment
from exam_server import timing, wire
from exam_server.announcements import Copies, Texts
from exam_server.commands import Command, Respond
from exam_server.event_log import Fate
from exam_server.events import AnyEvent, Responded
from exam_server.open_stage import OpenStage, open_stage
from exam_server.ruling import Ruling
from exam_server.sitting import Sitting

MAX_WAITING = 256
"""Commands of one sitting that may wait while its log is read again, or while it is not known what is overdue."""


class Line(Protocol):
    """The way to one page. Both calls return at once; a page that does not read is dropped, never waited for."""

    def send(self, data: bytes) -> None: ...

    def close(self, code: int, reason: str) -> None: ...


class Pending(Struct, eq=False):
    """A command with what it takes to decide it again: its moment of receipt, and who is waiting.

    `took_over`: it is an attachment whose page has the sitting now, in place of `older`.
    """

    command: Command
    received: Moment
    line: Line | None
    answer: "asyncio.Future[Ruling] | None" = None
    took_over: bool = False
    older: Line | None = None


class Draft(Struct, eq=False):
    """Decided, not yet durable: becomes one row of the log (`event_log.Commit`). An answer makes one of these, so what
    it mostly has none of costs nothing. `farewells`: pages that another one displaced.

    `line` and `acknowledged` are the acknowledgement that follows the `replies`: one for a whole run of edits, as long
    as no other word has to come between. `state` after the events is set when it goes to the log, unless they are
    nothing but answers to the stage on screen.
    """

    held: "Held"
    sitting_id: SittingId
    made: tuple[AnyEvent, ...] = ()
    pending: tuple[Pending, ...] = ()
    replies: tuple[tuple[Line, bytes], ...] = ()
    line: Line | None = None
    acknowledged: int = 0
    answers: "tuple[tuple[asyncio.Future[Ruling], Ruling], ...]" = ()
    farewells: tuple[Line, ...] = ()
    ordinary: bool = True
    state: Sitting | None = None
    version: int = 0
    prev: bytes = b""
    digest: bytes = b""
    events: bytes = b""
    due: datetime | None = None
    due_changed: bool = False

    def done(self, fate: Fate) -> None:
        """The log says what became of it."""
        self.held.landed(self.held, self, fate)

    def tell(self) -> None:
        """It is durable: everybody is told what they wait for."""
        for line, data in self.replies:
            line.send(data)
        if self.line is not None:
            self.line.send(wire.encode_ack(self.acknowledged))
        for answer, ruling in self.answers:
            if not answer.done():
                answer.set_result(ruling)
        for older in self.farewells:
            part(older)

    def acknowledge(self, line: Line, seq: int) -> None:
        """Every edit of this page up to `seq` will be durable."""
        if line is not self.line:
            self._close_run()
            self.line, self.acknowledged = line, seq
        elif seq > self.acknowledged:
            self.acknowledged = seq

    def reply(self, line: Line, data: bytes) -> None:
        """Another word, in its place among the acknowledgements."""
        self._close_run()
        self.replies += ((line, data),)

    def _close_run(self) -> None:
        if self.line is not None:
            self.replies += ((self.line, wire.encode_ack(self.acknowledged)),)
            self.line = None


class Held:
    """One sitting held by this process: the state after every decided event, durable or on its way.

    `epoch` is the durable one of the page at `line`. After a page was told `busy` for an edit, `stalled` is that
    edit's seq: later ones are turned away too until it comes again, since an acknowledgement covers all before it.
    `texts`: what staff wrote to the candidate and the page may have to be shown. `unsure`: a deadline has passed while
    it is not known whether the service was away; what waits is decided once it is.
    """

    __slots__ = (
        "__weakref__",
        "_open",
        "_state",
        "copies",
        "digest",
        "epoch",
        "flight",
        "forming",
        "id",
        "landed",
        "line",
        "reloading",
        "stalled",
        "stored_due",
        "texts",
        "unsure",
        "version",
        "waiting",
        "wake",
    )
    landed: Callable[["Held", Draft, Fate], None]
    _state: Sitting
    _open: OpenStage | None

    def __init__(self, state: Sitting, version: int, digest: bytes, copies: Copies, texts: Texts) -> None:
        self.id = state.id
        self.copies = copies
        self.texts = texts
        self.line: Line | None = None
        self.waiting: list[Pending] = []
        self.reloading = False
        self.unsure = False
        self.wake: Moment | None = None
        self.epoch = state.epoch
        self.stalled = 0
        self.reset(state, version, digest)

    def reset(self, state: Sitting, version: int, digest: bytes) -> None:
        """Take over what the log says."""
        self.state = state
        self.version = version
        self.digest = digest
        self.stored_due = state.deadline
        self.flight: Draft | None = None
        self.forming: Draft | None = None

    @property
    def state(self) -> Sitting:
        """Answers to the stage on screen are folded in when somebody looks."""
        if self._open is not None:
            self._state = self._open.hand_in(self._state)
        return self._state

    @state.setter
    def state(self, state: Sitting) -> None:
        self._state = state
        self._open = None

    def answer(self, command: Respond, received: Moment) -> Responded | None:
        """The event of an answer to the stage on screen, which is in the state from now on; None: ask `decide`."""
        stage = self._open
        if stage is None:
            stage = self._open = open_stage(self._state)
        return None if stage is None else stage.take(command, received)

    @property
    def elsewhere(self) -> bool:
        """Another process has the page: an answer in time may still be on its way to the log there."""
        return self.line is None and self.state.connected

    def overdue(self, now: Moment) -> bool:
        """Would a decision at this moment settle a deadline?"""
        deadline = self.state.deadline
        return deadline is not None and max(now, self.state.last_at) > deadline + timing.grace(self.state, deadline)

    @property
    def crowded(self) -> bool:
        """So much of this sitting waits for the database that its page should keep the rest."""
        forming = 0 if self.forming is None else len(self.forming.pending)
        return len(self.waiting) + forming >= MAX_WAITING

    def admits(self, seq: int, instead: int = 0) -> bool:
        """May this edit be decided now? Nothing may overtake an edit that was turned away and is to come again.

        Up to `instead` nothing comes again: the page has numbered it anew.
        """
        if 0 < self.stalled <= instead < seq:
            self.stalled = 0
        if self.flight is None and not self.stalled and not self.reloading and not self.unsure:
            return True  # nothing waits
        if self.crowded or 0 < self.stalled < seq:
            return False
        if seq == self.stalled:
            self.stalled = 0
        return True

    def give_up(self, undone: Sequence[Pending]) -> None:
        """None of this can be stored. The page has to come back: it must not go on with a gap in its edits."""
        lines = dict.fromkeys((self.line, *(pending.older for pending in undone)))
        self.line = None
        for pending in undone:
            seq = getattr(pending.command, "seq", None)
            if pending.line is not None and seq is not None:
                pending.line.send(wire.encode(wire.refused("internal", seq)))
            if pending.answer is not None and not pending.answer.done():
                pending.answer.set_exception(Unavailable("internal", wire.SENTENCES["internal"]))
        for line in lines:
            if line is not None:
                line.close(1011, "internal")

    def turn_away(self, seq: int) -> None:
        """Remember the first edit that the page has to send again."""
        if seq > self.state.streams.get(self.state.stream, 0) and not 0 < self.stalled < seq:
            self.stalled = seq


def part(line: Line) -> None:
    """Tell a page that another one goes on."""
    line.send(wire.encode(wire.TakenOver()))
    line.close(4001, "taken over")
