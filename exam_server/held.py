"""A sitting held by a process: its state, what is on its way to the log, and the page at it."""

import asyncio
from collections import deque
from typing import Protocol

from msgspec import Struct

from core.moments import Moment
from exam_server.announcements import Copies, Texts
from exam_server.commands import Command
from exam_server.events import AnyEvent
from exam_server.ruling import Ruling
from exam_server.sitting import Sitting

MAX_WAITING = 256
"""Commands of one sitting that may wait while its log is read again."""


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
    """Decided, not yet durable: becomes one row of the log. `farewells`: pages that another one displaced.

    Set when it goes to the log: `state` after its events, and the `version` and `digest` of its row.
    """

    events: list[AnyEvent] = []
    pending: list[Pending] = []
    replies: list[tuple[Line, bytes]] = []
    answers: "tuple[tuple[asyncio.Future[Ruling], Ruling], ...]" = ()
    farewells: tuple[Line, ...] = ()
    state: Sitting | None = None
    version: int = 0
    digest: bytes = b""


class Held:
    """One sitting held by this process: the state after every decided event, durable or on its way.

    `epoch` is the durable one of the page at `line`. After a page was told `busy` for an edit, `stalled` is that
    edit's seq: later ones are turned away too until it comes again, since an acknowledgement covers all before it.
    `texts`: what staff wrote to the candidate and the page may have to be shown.
    """

    __slots__ = (
        "copies",
        "digest",
        "epoch",
        "flight",
        "forming",
        "line",
        "reloading",
        "stalled",
        "state",
        "stored_due",
        "texts",
        "version",
        "waiting",
        "wake",
    )

    def __init__(self, state: Sitting, version: int, digest: bytes, copies: Copies, texts: Texts) -> None:
        self.copies = copies
        self.texts = texts
        self.line: Line | None = None
        self.waiting: deque[Pending] = deque()
        self.reloading = False
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
    def crowded(self) -> bool:
        """So much of this sitting waits for the database that its page should keep the rest."""
        forming = 0 if self.forming is None else len(self.forming.pending)
        return len(self.waiting) + forming >= MAX_WAITING

    def admits(self, seq: int) -> bool:
        """May this edit be decided now? Nothing may overtake an edit that was turned away."""
        if self.crowded or 0 < self.stalled < seq:
            return False
        if seq == self.stalled:
            self.stalled = 0
        return True

    def turn_away(self, seq: int) -> None:
        """Remember the first edit that the page has to send again."""
        if seq > self.state.streams.get(self.state.stream, 0) and not 0 < self.stalled < seq:
            self.stalled = seq
