"""Candidates' accounts against the log: what is missing, doubled, changed, or was taken after its time. Pure.

Nothing here asks the engine's own rules or counters: deadlines are worked out once more from the events alone.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from core.ids import SittingId
from core.moments import SECOND, Moment, Span
from exam_server import events
from exam_server.events import AnyEvent

LIVE_GRACE, BROKEN_GRACE = 2 * SECOND, 10 * SECOND
"""Written down here once more on purpose: a drill that asked the engine could not catch it."""
SLACK: Span = 20
"""How much earlier than it was sent something may be said to have been received: reading two clocks of one machine."""

_KINDS: Mapping[type, str] = {
    events.Started: "start",
    events.Shown: "show",
    events.Responded: "respond",
    events.RespondedLate: "respond",
    events.StageLocked: "lock",
    events.Flagged: "flag",
    events.Ended: "submit",
}


class Edit(Struct):
    """What a candidate did, and what came of it as far as they were told."""

    seq: int
    kind: str
    position: int = -1
    stage: int = 0
    value: tuple[str, ...] = ()
    on: bool = False
    first_sent: Moment | None = None
    acknowledged: bool = False
    refused: str = ""

    def message(self) -> dict[str, Any]:
        """As the protocol says it."""
        said: dict[str, Any] = {"type": self.kind, "seq": self.seq}
        if self.position >= 0:
            said["position"] = self.position
        if self.kind in ("respond", "lock"):
            said["stage"] = self.stage
        if self.kind == "respond":
            said["value"] = self.value
        if self.kind == "flag":
            said["on"] = self.on
        return said


class Account(Struct, frozen=True):
    """Everything one candidate did in one browser, in its order."""

    sitting: SittingId
    stream: str
    edits: tuple[Edit, ...]


class Tally(Struct):
    """Sums over candidates. All from `missing` on must be 0, but for the counts that only describe."""

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    stored: int = 0
    late: int = 0
    """Kept as evidence and not scored."""
    expired: int = 0
    """Items whose time ran out."""
    compensated: int = 0
    """How often time was given back for an outage of the service itself."""
    missing: int = 0
    """Acknowledged, and not in the log."""
    duplicated: int = 0
    altered: int = 0
    """In the log with another content than was sent."""
    foreign: int = 0
    """In the log, and never sent; or sent, and said to have been received before that."""
    stored_refused: int = 0
    """In the log although the candidate was told that it had no effect."""
    unsettled: int = 0
    """Sent, and to the end neither acknowledged nor refused."""
    accepted_late: int = 0

    def add(self, other: "Tally") -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def broken(self) -> list[str]:
        """Which of the invariants do not hold."""
        return [name for name in INVARIANTS if getattr(self, name)]


INVARIANTS = ("missing", "duplicated", "altered", "foreign", "stored_refused", "unsettled", "accepted_late")


def reckon(account: Account, log: Iterable[AnyEvent]) -> Tally:
    """One candidate's account against the events of their sitting, oldest first."""
    happened = list(log)
    tally = Tally(
        sent=sum(edit.first_sent is not None for edit in account.edits),
        acknowledged=sum(edit.acknowledged for edit in account.edits),
        refused=sum(bool(edit.refused) for edit in account.edits),
        unsettled=sum(bool(e.first_sent) and not e.acknowledged and not e.refused for e in account.edits),
        late=sum(type(event) is events.RespondedLate for event in happened),
        expired=sum(type(event) is events.ItemExpired for event in happened),
        compensated=sum(type(event) is events.OutageCompensated for event in happened),
    )
    made = {edit.seq: edit for edit in account.edits}
    stored: set[int] = set()
    for event in _of_stream(account.stream, happened):
        seq = getattr(event, "seq", None)
        if seq is None:
            continue
        edit = made.get(seq)
        if seq in stored:
            tally.duplicated += 1
        elif edit is None or edit.first_sent is None or event.at < edit.first_sent - SLACK:
            tally.foreign += 1
        elif not _same(edit, event):
            tally.altered += 1
        elif edit.refused:
            tally.stored_refused += 1
        stored.add(seq)
    tally.stored = len(stored)
    tally.missing = sum(edit.acknowledged and edit.seq not in stored for edit in account.edits)
    tally.accepted_late = len(find_accepted_late(happened, made))
    return tally


def find_accepted_late(log: Iterable[AnyEvent], made: Mapping[int, Edit]) -> list[events.Responded]:
    """Scored answers that were received, or first sent, after the deadline of their item or exam and its grace."""
    clock = _Clock()
    found = []
    for event in log:
        if type(event) is events.Responded:
            edit = made.get(event.seq)
            sent = event.at if edit is None or edit.first_sent is None else edit.first_sent - SLACK
            if not clock.allows(event.position, max(event.at, sent)):
                found.append(event)
        clock.see(event)
    return found


class _Clock:
    """The times of one sitting, by its events alone."""

    def __init__(self) -> None:
        self._limits: tuple[Span, ...] = ()
        self._spent: dict[int, Span] = {}
        self._ends_at: Moment = 0
        self._closes_at: Moment = 0
        self._exam_limit: Span = 0
        self._current: int | None = None
        self._shown_at: Moment = 0
        self._attached: list[tuple[Moment, Moment | None]] = []

    def allows(self, position: int, at: Moment) -> bool:
        """Is an answer to this item, received at that moment, in time?"""
        if position != self._current:
            return False
        item = self._shown_at + max(0, self._limits[position] - self._spent.get(position, 0))
        deadline = min(item, self._ends_at, self._closes_at)
        return at <= deadline + (LIVE_GRACE if self._connected(deadline) else BROKEN_GRACE)

    def _connected(self, moment: Moment) -> bool:
        return any(start <= moment and (end is None or moment <= end) for start, end in self._attached)

    def see(self, event: AnyEvent) -> None:
        match event:
            case events.Created():
                self._limits = tuple(entry.limit for entry in event.form.entries)
                self._exam_limit, self._closes_at = event.rules.exam_limit, event.closes_at
            case events.Started():
                self._ends_at = event.at + self._exam_limit
            case events.Attached():
                self._attached.append((event.at, None))
            case events.Detached():
                start, end = self._attached[-1]
                if end is None:
                    self._attached[-1] = (start, event.at)
            case events.Shown():
                self._leave(event.at)
                self._current, self._shown_at = event.position, event.at
            case events.ItemExpired() | events.ItemLocked() | events.Ended():
                self._leave(event.at)
            case events.StageLocked():
                pass  # forms of drills have one stage an item
            case events.Extended() | events.OutageCompensated():
                self._ends_at += event.span
                if self._current is not None:
                    self._spent[self._current] = self._spent.get(self._current, 0) - event.span
            case (
                events.Admitted()
                | events.AdmissionWithdrawn()
                | events.Flagged()
                | events.Responded()
                | events.RespondedLate()
            ):
                pass
            case _:
                raise ValueError(f"{type(event).__name__} is unknown to the reckoning")

    def _leave(self, at: Moment) -> None:
        if self._current is not None:
            spent = self._spent.get(self._current, 0)
            self._spent[self._current] = spent + max(0, at - self._shown_at)
        self._current = None


def _of_stream(stream: str, happened: Iterable[AnyEvent]) -> Iterable[AnyEvent]:
    """The events of the pages of one browser."""
    current = ""
    for event in happened:
        if type(event) is events.Attached:
            current = event.stream
        if current == stream:
            yield event


def _same(edit: Edit, event: AnyEvent) -> bool:
    if edit.kind != _KINDS.get(type(event)):
        return False
    return all(
        getattr(edit, name) == getattr(event, name)
        for name in ("position", "stage", "value", "on")
        if hasattr(event, name)
    )
