"""An independent reading of a log, and what must be true of any ruling."""

from fractions import Fraction
from math import ceil
from typing import get_args

from msgspec.structs import asdict

from core.moments import Moment
from exam_server import timing
from exam_server.commands import (
    AdmitLate,
    Attach,
    CandidateMessage,
    Command,
    CompensateOutage,
    Detach,
    LockStage,
    RefusalCode,
    Respond,
    Start,
    Stop,
    Submit,
    Withdraw,
)
from exam_server.events import (
    AllowanceSet,
    AnyEvent,
    Attached,
    BreakBegun,
    BreakOver,
    CloseMoved,
    Created,
    Detached,
    Ended,
    Extended,
    FormReplaced,
    ItemExpired,
    ItemLocked,
    ItemWithdrawn,
    LateAdmitted,
    OutageCompensated,
    Paused,
    Responded,
    RespondedLate,
    Resumed,
    SectionClosed,
    SectionExpired,
    Shown,
    StageLocked,
    Started,
    decode_batch,
    encode_batch,
)
from exam_server.rulings import decide
from exam_server.settlement import settle
from exam_server.sitting import Sitting, evolve, fold
from tests.histories.sittings import NOW, SITTING, Drive, Step

CODES = set(get_args(RefusalCode))
BOOKKEEPING = {
    "streams",
    "stream",
    "epoch",
    "connected",
    "attached_at",
    "paced_until",
    "last_at",
    "late",
    "settled_grace",
}
"""What may still change once a sitting has ended: who is looking, and how much late evidence there is."""
BY_CLOCK = (Ended, ItemExpired, SectionExpired, BreakOver, SectionClosed)


class Reader:
    """Follows the log by other means than the state machine and objects to what must never stand in it.

    It keeps no deadlines: for each answer it adds up, from the moments in the log, for how long clocks have run.
    """

    def __init__(self, created: Created) -> None:
        self.created = created
        self.form = created.form
        self.closes_at = created.closes_at
        self.allowance = created.allowance
        self.started: Moment | None = None
        self.stood: list[tuple[Moment, Moment | None]] = []
        self.gifts: list[tuple[Moment, int]] = []
        self.section = 0
        self.section_since: Moment | None = None
        self.spent = [0] * len(self.form.entries)
        self.given = [0] * len(self.form.entries)
        self.on_screen: int | None = None
        self.taken_off: int | None = None
        self.since = 0
        self.stage = [0] * len(self.form.entries)
        self.locked: set[int] = set()
        self.seen: list[int] = []
        self.breaks = 0
        self.connected_since: Moment | None = None
        self.ended = False
        self.last = created.at

    @property
    def halted(self) -> bool:
        return bool(self.stood) and self.stood[-1][1] is None

    def limit(self, span: int) -> int:
        """A limit with the allowance, by exact fractions."""
        whole = Fraction(self.created.rules.exam_limit)
        return ceil(span * (whole * self.allowance.percent / 100 + self.allowance.extra) / whole)

    def ran(self, since: Moment, at: Moment) -> int:
        """For how long the clocks have run from one moment to another."""
        stood = sum(max(0, (end or at) - max(begin, since)) for begin, end in self.stood if (end or at) > since)
        return at - since - stood - sum(span for moment, span in self.gifts if moment >= since)

    def grace(self, deadline: Moment) -> int:
        live = self.connected_since is not None and self.connected_since <= deadline
        return 2_000 if live else 10_000

    def in_time(self, at: Moment, ran: int, limit: int) -> None:
        """`ran` on the clock at `at`: is that within the limit and its grace?"""
        assert ran <= limit + self.grace(at - ran + limit), "accepted after deadline and grace"

    def read(self, event: AnyEvent) -> None:
        if not isinstance(event, BY_CLOCK):
            assert event.at >= self.last, "events go back in time"
        self.last = max(self.last, event.at)
        if self.ended:
            assert isinstance(event, RespondedLate | LateAdmitted | Attached | Detached), "an ended sitting changed"
        match event:
            case Started():
                self.started = self.section_since = event.at
            case Extended() | OutageCompensated():
                self.gifts.append((event.at, event.span))
                at = self.taken_off if self.on_screen is None else self.on_screen
                if at is not None:
                    self.given[at] += event.span
            case AllowanceSet():
                self.allowance = event.allowance
            case CloseMoved():
                self.closes_at = event.closes_at
            case FormReplaced():
                assert self.started is None, "a form was replaced after the start"
                self.form = event.form
                self.spent, self.given, self.stage = ([0] * len(event.form.entries) for _ in range(3))
                self.locked.clear()
            case Attached():
                self.connected_since = event.at
            case Detached():
                self.connected_since = None
            case Paused() | BreakBegun():
                assert not self.halted
                if isinstance(event, BreakBegun):
                    self.locked.update(self.seen)
                    self.breaks += 1
                    assert self.breaks <= self.created.rules.breaks + self.allowance.breaks, "one break too many"
                    self.leave(event.at)
                    self.taken_off = None
                else:
                    self.taken_off = self.taken_off if self.on_screen is None else self.on_screen
                    self.leave(event.at)
                self.stood.append((event.at, None))
            case Resumed() | BreakOver():
                assert self.halted
                self.stood[-1] = (self.stood[-1][0], event.at)
            case Shown():
                self.show(event)
            case Responded():
                self.respond(event)
            case StageLocked():
                assert (event.position, event.stage) == (self.on_screen, self.stage[event.position])
                self.stage[event.position] += 1
                if self.stage[event.position] == len(self.form.entries[event.position].stages):
                    self.lock(event.position, event.at)
            case ItemLocked() | ItemExpired():
                self.lock(event.position, event.at)
            case ItemWithdrawn():
                assert event.position not in self.seen, "an item was taken from somebody who had seen it"
                self.locked.add(event.position)
            case SectionClosed() | SectionExpired():
                assert event.section == self.section
                self.leave(event.at)
                self.locked.update(self.places())
                self.taken_off = None
                if self.section + 1 < len(self.created.rules.sections):
                    self.section, self.section_since = self.section + 1, None
            case Ended():
                self.leave(event.at)
                self.ended = True

    def places(self) -> range:
        counts = [section.count for section in self.created.rules.sections] or [len(self.form.entries)]
        return range(sum(counts[: self.section]), sum(counts[: self.section + 1]))

    def show(self, event: Shown) -> None:
        assert not self.halted, "shown while the clocks stand"
        assert self.started is not None, "shown before the start"
        assert event.position not in self.locked
        assert event.position in self.places(), "shown from another section"
        if self.created.rules.navigation == "linear":
            assert not self.seen or event.position >= self.seen[-1], "a linear exam went back"
        self.leave(event.at)
        self.on_screen, self.since, self.taken_off = event.position, event.at, None
        self.section_since = event.at if self.section_since is None else self.section_since
        self.seen.append(event.position)

    def respond(self, event: Responded) -> None:
        position = event.position
        assert self.started is not None
        assert position == self.on_screen, "answered an item that is not on screen"
        assert position not in self.locked
        assert event.stage == self.stage[position], "answered a stage that is not the open one"
        spent = self.spent[position] + event.at - self.since
        self.in_time(event.at, spent - self.given[position], self.limit(self.form.entries[position].limit))
        self.in_time(event.at, self.ran(self.started, event.at), self.limit(self.created.rules.exam_limit))
        self.in_time(event.at, event.at, self.closes_at)
        sections = self.created.rules.sections
        limit = sections[self.section].limit if sections else None
        if limit is not None:
            assert self.section_since is not None
            self.in_time(event.at, self.ran(self.section_since, event.at), self.limit(limit))

    def leave(self, at: Moment) -> None:
        if self.on_screen is not None:
            self.spent[self.on_screen] += max(0, at - self.since)
        self.on_screen = None

    def lock(self, position: int, at: Moment) -> None:
        if position == self.on_screen:
            self.leave(at)
        self.locked.add(position)


def check_step(before: Sitting, command: Command, now: Moment) -> tuple[AnyEvent, ...]:
    """Decide once and hold the ruling against what must be true of any."""
    ruling = decide(before, command, now)
    assert ruling == decide(before, command, now)
    assert ruling.refusal is None or ruling.refusal in CODES
    assert all(event.at <= now for event in ruling.events)
    after = before
    for event in ruling.events:
        after = evolve(after, event)
    assert after.deadline == timing.next_deadline(after)
    by_clock = settle(before, now)
    if isinstance(command, CompensateOutage):
        assert all(isinstance(event, (OutageCompensated, *BY_CLOCK)) for event in ruling.events)
        return ruling.events
    if ruling.refusal is not None and not isinstance(command, Attach):
        assert ruling.events == by_clock, "a refused command changed something"
    if isinstance(command, CandidateMessage):
        check_candidate(before, command, after, ruling.events, by_clock)
    if not isinstance(command, Submit | Stop | LockStage | Withdraw | Start):
        ends = [event for event in ruling.events if isinstance(event, Ended)]
        assert all(event.reason not in {"submitted", "proctor"} for event in ends), "a stray event ended the exam"
        assert not ends or ends[0].at < now, "an exam ended without its time being over"
    if before.status == "ended":
        free = BOOKKEEPING | {"items"} if isinstance(command, AdmitLate) else BOOKKEEPING
        kept = {name: value for name, value in asdict(before).items() if name not in free}
        assert kept == {name: value for name, value in asdict(after).items() if name not in free}
        if not isinstance(command, Attach | Detach | Respond | AdmitLate):
            assert after == before
    return ruling.events


def check_candidate(
    before: Sitting,
    command: CandidateMessage,
    after: Sitting,
    events: tuple[AnyEvent, ...],
    by_clock: tuple[AnyEvent, ...],
) -> None:
    last = before.streams.get(before.stream, 0)
    if command.seq <= last:
        assert events == by_clock, "a repeated edit changed something"
    told = [event for event in events if getattr(event, "seq", None) is not None]
    assert len(told) <= 1
    if told:
        assert getattr(told[0], "seq", None) == command.seq
        assert after.streams[after.stream] == command.seq
    else:
        assert after.streams == before.streams
    for stream, seq in before.streams.items():
        assert stream == before.stream or after.streams[stream] == seq, "edits of another browser were counted"


def play(drive: Drive, history: list[Step]) -> None:
    first = drive.events[0]
    assert isinstance(first, Created)
    reader = Reader(first)
    for event in drive.events[1:]:
        reader.read(event)
    for step in history:
        drive.now = max(NOW, step.wait.until(drive.now, drive.state))
        command = step.fit(drive.state)
        events = check_step(drive.state, command, max(drive.now, drive.state.last_at))
        drive.record(events)
        for event in events:
            reader.read(event)
    assert fold(SITTING, drive.events) == drive.state
    assert decode_batch(encode_batch(tuple(drive.events))) == tuple(drive.events)
