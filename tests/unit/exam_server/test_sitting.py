"""The state machine: every command in every state, whole random histories, and each rule by example."""

from fractions import Fraction
from math import ceil
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from core.ids import ChoiceId
from core.moments import HOUR, MINUTE, SECOND, Moment
from exam_server import timing
from exam_server.commands import (
    Admit,
    AdmitLate,
    Advance,
    Attach,
    CandidateMessage,
    CloseSection,
    Command,
    CompensateOutage,
    Detach,
    Extend,
    Flag,
    LockStage,
    Pause,
    RefusalCode,
    Respond,
    Settle,
    Show,
    Start,
    Stop,
    Submit,
    TakeBreak,
    Withdraw,
)
from exam_server.events import (
    Admitted,
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
from exam_server.rulings import MAX_LATE, MAX_SEQ_STEP, MAX_STREAMS, decide, settle
from exam_server.sitting import Sitting, evolve, fold
from question_bank.forms import SectionRule
from tests.histories.sittings import (
    CHOICE,
    FIRST,
    NOW,
    PROCTOR,
    SECOND_BROWSER,
    SITTING,
    UNFOLDING,
    Drive,
    Step,
    commands,
    creations,
    last_moments,
    long,
    make_created,
    make_form,
    make_rules,
    steps,
    thorough,
)

CODES = set(get_args(RefusalCode))
BOOKKEEPING = {"streams", "stream", "epoch", "connected", "attached_at", "last_at", "late", "settled_grace"}
"""What may still change once a sitting has ended: who is looking, and how much late evidence there is."""
BY_CLOCK = (Ended, ItemExpired, SectionExpired, BreakOver, SectionClosed)


# --- an independent reading of the log ------------------------------------------------------------------


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


@given(creations(), long(steps(), 50))
@thorough(120)
def test_any_history_keeps_the_rules(created: Created, history: list[Step]) -> None:
    drive = Drive(created)
    drive.do(Admit("biometrics"))
    drive.do(Attach(FIRST))
    play(drive, history)


@given(creations(), long(steps(), 60))
@thorough(200)
def test_any_history_of_a_begun_sitting_keeps_the_rules(created: Created, history: list[Step]) -> None:
    play(Drive(created).start(), history)


@given(creations(), long(last_moments(), 12))
@thorough(150)
def test_nothing_is_won_by_pressing_around_a_deadline(created: Created, history: list[Step]) -> None:
    play(Drive(created).start(), history)


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


# --- every state, every command -------------------------------------------------------------------------


def some_states() -> dict[str, Drive]:
    form = make_form(CHOICE, UNFOLDING, CHOICE)
    linear = make_created(form, make_rules("linear"))
    states = {"new": Drive(linear), "admitted": Drive(linear), "running": Drive(linear).start()}
    states["admitted"].do(Admit("person"))
    endings: dict[str, Command] = {"submitted": Submit(0), "stopped": Stop(PROCTOR, 1)}
    for name, command in endings.items():
        states[name] = Drive(make_created(form)).start()
        states[name].do(command)
    states["free"] = Drive(make_created(form)).start()
    states["in a case"] = Drive(make_created(form)).start()
    states["in a case"].do(Show(0, 1))
    states["in a case"].do(states["in a case"].answer(1))
    states["in a case"].do(LockStage(0, 1, 0))
    states["cut off"] = Drive(make_created(form)).start()
    states["cut off"].do(Detach(1))
    states["nothing on screen"] = Drive(linear).start()
    states["nothing on screen"].do(Settle(), NOW + 63 * SECOND)
    states["out of time"] = Drive(linear).start()
    states["out of time"].do(Settle(), NOW + 2 * HOUR)
    sections = make_created(form, make_rules(sections=(SectionRule(1, MINUTE), SectionRule(2)), breaks=1))
    halts: dict[str, Command] = {
        "paused": Pause(PROCTOR, 1),
        "on a break": TakeBreak(0),
        "between": CloseSection(0, 0),
    }
    for name, halting in halts.items():
        states[name] = Drive(sections).start()
        states[name].do(halting, NOW + 10 * SECOND)
    states["ended with late answers"] = Drive(linear).start()
    states["ended with late answers"].do(Settle(), NOW + 2 * HOUR)
    states["ended with late answers"].do(states["ended with late answers"].answer(0))
    states["never came"] = Drive(linear)
    states["never came"].do(Settle(), NOW + 30 * HOUR)
    return states


STATES = some_states()


def test_the_states_tried_are_all_there_are() -> None:
    assert {drive.state.status for drive in STATES.values()} == {"ready", "running", "ended"}
    assert {drive.state.end_reason for drive in STATES.values()} >= {None, "submitted", "proctor", "not_started"}


@pytest.mark.parametrize("name", STATES)
@given(command=commands(), ahead=st.integers(-1, 2), moment=st.sampled_from([0, 59_999, 61_000, 70_001, 4_000_000]))
@thorough(60)
def test_every_command_has_an_answer_in_every_state(name: str, command: Command, ahead: int, moment: int) -> None:
    state = STATES[name].state
    now = max(NOW + moment, state.last_at)
    for aim in ("any", "current"):
        fitted = Step(wait=None, command=command, ahead=ahead, aim=aim, picks=(0,)).fit(state)  # type: ignore[arg-type]
        check_step(state, fitted, now)


# --- numbering ------------------------------------------------------------------------------------------


def test_a_repeated_edit_is_accepted_and_changes_nothing() -> None:
    drive = Drive().start()
    drive.do(drive.answer(0, "a"))
    before = drive.state
    assert drive.do(replace(drive.answer(0, "b"), seq=drive.seq)) == ()
    assert drive.do(Start(1)) == ()
    assert drive.state == before


def test_a_repeated_edit_of_an_ended_sitting_is_still_acknowledged() -> None:
    drive = Drive().start()
    drive.do(Submit(0))
    assert drive.do(Submit(drive.seq)) == ()
    assert drive.do(Respond(1, 0, 0, ())) == ()


@pytest.mark.parametrize("seq", [-1, MAX_SEQ_STEP + 2, 2**53])
def test_a_number_out_of_reach_is_refused(seq: int) -> None:
    drive = Drive().start()
    assert drive.attempt(Flag(seq, 0, True)) == ((), "bad_seq")
    assert drive.attempt(Respond(seq, 0, 0, ())) == ((), "bad_seq")


def test_each_browser_counts_for_itself() -> None:
    drive = Drive().start()
    drive.do(Respond(40, 0, 0, (ChoiceId("0.0.a"),)))
    drive.do(Attach(SECOND_BROWSER))
    assert drive.state.items[0].answers == (("0.0.a",),)
    drive.do(Respond(1, 0, 0, (ChoiceId("0.0.b"),)))
    assert drive.state.streams == {FIRST: 40, SECOND_BROWSER: 1}
    drive.do(Attach(FIRST))
    assert drive.do(Respond(40, 0, 0, (ChoiceId("0.0.c"),))) == ()
    assert drive.state.items[0].answers == (("0.0.b",),)


def test_a_refused_edit_does_not_use_up_its_number() -> None:
    drive = Drive().start()
    assert drive.attempt(Respond(9, 1, 0, (ChoiceId("1.0.a"),)))[1] == "item_not_open"
    assert drive.state.streams[FIRST] == 1


# --- beginning ------------------------------------------------------------------------------------------


def test_nothing_goes_before_the_start() -> None:
    drive = Drive()
    drive.do(Attach(FIRST))
    assert drive.attempt(Start(1))[1] == "not_admitted"
    drive.do(Admit("person"))
    for command in (Respond(1, 0, 0, ()), Show(1, 0), LockStage(1, 0, 0), Flag(1, 0, True), Submit(1)):
        assert drive.attempt(command) == ((), "not_started")
    assert drive.attempt(Extend(MINUTE, PROCTOR, 1))[1] == "not_started"
    assert drive.do(Start(1)) == (Started(NOW, 1), Shown(NOW, 0))
    assert drive.attempt(Start(2))[1] == "already_started"


def test_a_sitting_that_nobody_started_ends_with_its_window() -> None:
    drive = Drive(make_created(closes_at=NOW + MINUTE))
    drive.do(Admit("person"))
    assert drive.do(Settle(), NOW + 70_000) == ()
    assert drive.do(Settle(), NOW + 70_001) == (Ended(NOW + MINUTE, "not_started"),)


def test_admission_counts_once() -> None:
    drive = Drive()
    drive.do(Admit("person"))
    assert drive.do(Admit("biometrics")) == ()
    assert drive.state.admitted == "person"


# --- answers --------------------------------------------------------------------------------------------


def test_an_answer_can_be_changed_and_taken_back() -> None:
    drive = Drive().start()
    for letter in "ab":
        drive.do(drive.answer(0, letter))
        assert drive.state.items[0].answers == ((f"0.0.{letter}",),)
    drive.do(Respond(0, 0, 0, ()))
    assert drive.state.items[0].answers == ((),)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (Respond(0, 99, 0, ()), "unknown_item"),
        (Respond(0, 0, 1, ()), "unknown_option"),
        (Respond(0, 0, 0, (ChoiceId("1.0.a"),)), "unknown_option"),
        (Respond(0, 0, 0, (ChoiceId("0.0.a"), ChoiceId("0.0.b"))), "wrong_count"),
        (Respond(0, 1, 0, (ChoiceId("1.0.a"),)), "item_not_open"),
        (Respond(0, 2, 1, (ChoiceId("2.1.a"),)), "item_not_open"),
        (Show(0, 3), "unknown_item"),
        (Flag(0, 3, True), "unknown_item"),
        (LockStage(0, 0, 1), "stage_not_open"),
        (LockStage(0, 0, 0), "stage_unanswered"),
        (LockStage(0, 1, 0), "item_not_open"),
    ],
)
def test_a_stray_command_is_refused_and_the_exam_goes_on(command: Command, code: str) -> None:
    drive = Drive().start()
    before = drive.state
    assert drive.attempt(command) == ((), code)
    assert drive.state == before


def test_actions_are_chosen_once_each_and_in_the_candidates_order() -> None:
    drive = Drive(make_created(make_form(UNFOLDING))).start()
    ordered = tuple(ChoiceId(f"0.0.{letter}") for letter in "cab")
    drive.do(Respond(0, 0, 0, ordered))
    assert drive.state.items[0].answers[0] == ordered
    assert drive.attempt(Respond(0, 0, 0, (ordered[0], ordered[0])))[1] == "wrong_count"


def test_flags_only_where_the_blueprint_has_them() -> None:
    drive = Drive().start()
    drive.do(Flag(0, 1, True))
    assert [item.flagged for item in drive.state.items] == [False, True, False]
    drive.do(Flag(0, 1, False))
    assert not drive.state.items[1].flagged
    assert Drive(make_created(rules=make_rules(flags=False))).start().attempt(Flag(0, 0, True))[1] == "flags_off"


# --- stages ---------------------------------------------------------------------------------------------


def test_a_stage_opens_when_the_one_before_is_locked() -> None:
    drive = Drive(make_created(make_form(UNFOLDING, CHOICE))).start()
    assert drive.attempt(drive.answer(0, stage=1))[1] == "stage_not_open"
    drive.do(drive.answer(0, stage=0))
    assert drive.attempt(drive.answer(0, stage=1))[1] == "stage_not_open"
    drive.do(LockStage(0, 0, 0))
    assert drive.attempt(drive.answer(0, stage=0))[1] == "stage_locked"
    assert drive.attempt(LockStage(0, 0, 0))[1] == "stage_locked"
    drive.do(drive.answer(0, stage=1))
    drive.do(LockStage(0, 0, 1))
    drive.do(drive.answer(0, stage=2))
    drive.do(LockStage(0, 0, 2))
    assert drive.state.items[0].locked
    assert drive.attempt(drive.answer(0, stage=2))[1] == "item_locked"
    assert drive.do(Advance()) == (Shown(NOW, 1),)


def test_leaving_a_case_and_coming_back_keeps_its_stage() -> None:
    drive = Drive(make_created(make_form(UNFOLDING, CHOICE))).start()
    drive.do(drive.answer(0))
    drive.do(LockStage(0, 0, 0))
    drive.do(Show(0, 1))
    drive.do(Show(0, 0))
    assert drive.state.items[0].stage == 1
    assert drive.attempt(drive.answer(0, stage=0))[1] == "stage_locked"


def test_the_last_lock_completes_the_sitting() -> None:
    drive = Drive(make_created(make_form(CHOICE))).start()
    drive.do(drive.answer(0))
    assert drive.do(LockStage(0, 0, 0))[1:] == (Ended(NOW, "completed"),)


# --- moving about ---------------------------------------------------------------------------------------


def test_a_linear_exam_goes_forward_only() -> None:
    drive = Drive(make_created(rules=make_rules("linear"))).start()
    assert drive.attempt(Show(0, 2))[1] == "going_back_off"
    assert drive.do(Show(0, 1)) == (ItemLocked(NOW, 0), Shown(NOW, 1, drive.seq))
    assert drive.attempt(Show(0, 0))[1] == "item_locked"
    assert drive.attempt(drive.answer(0))[1] == "item_locked"
    drive.do(Show(0, 2))
    assert drive.attempt(Show(0, 3))[1] == "unknown_item"


def test_a_linear_exam_without_an_item_on_screen_goes_on_with_the_next() -> None:
    drive = Drive(make_created(rules=make_rules("linear"))).start()
    drive.do(Settle(), NOW + 62_001)
    assert drive.state.current is None
    assert drive.attempt(Show(0, 2))[1] == "going_back_off"
    drive.do(Show(0, 1))
    assert drive.state.current == 1


def test_a_free_exam_goes_anywhere_and_each_clock_runs_only_on_screen() -> None:
    drive = Drive().start()
    drive.do(Show(0, 2), NOW + 10_000)
    assert timing.item_deadline(drive.state) == NOW + 70_000
    drive.do(Show(0, 0), NOW + 30_000)
    assert timing.item_deadline(drive.state) == NOW + 80_000  # ten of its sixty seconds were spent
    assert drive.state.items[2].spent == 20_000


def test_advance_goes_round_in_a_free_exam() -> None:
    drive = Drive(make_created(make_form(CHOICE, CHOICE, CHOICE))).start()
    drive.do(Show(0, 2))
    drive.do(drive.answer(2))
    drive.do(LockStage(0, 2, 0))
    assert drive.do(Advance()) == (Shown(NOW, 0),)
    assert drive.do(Advance()) == ()


# --- clocks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("after", "accepted"), [(0, True), (2_000, True), (2_001, False)])
def test_grace_on_a_live_connection(after: int, accepted: bool) -> None:
    drive = Drive().start()
    drive.do(drive.answer(0), NOW + 60_000 + after)
    assert isinstance(drive.events[-1], Responded) is accepted
    assert isinstance(drive.events[-1], RespondedLate) is not accepted


@pytest.mark.parametrize(("after", "accepted"), [(2_001, True), (10_000, True), (10_001, False)])
@pytest.mark.parametrize("back_at", [61_000, 62_001])
def test_grace_where_the_connection_was_down_across_the_deadline(after: int, accepted: bool, back_at: int) -> None:
    drive = Drive().start()
    drive.do(Detach(1), NOW + 50_000)
    drive.do(Attach(FIRST), NOW + back_at)
    drive.do(drive.answer(0), NOW + 60_000 + after)
    assert isinstance(drive.events[-1], Responded) is accepted


def test_a_short_break_before_the_deadline_gives_no_longer_grace() -> None:
    drive = Drive().start()
    drive.do(Detach(1), NOW + 50_000)
    drive.do(Attach(FIRST), NOW + 60_000)
    drive.do(drive.answer(0), NOW + 62_001)
    assert isinstance(drive.events[-1], RespondedLate)


def test_a_crash_counts_as_a_break_since_the_last_event() -> None:
    drive = Drive().start()
    drive.do(Attach(FIRST, orphaned=True), NOW + 65_000)
    assert Detached(NOW) in drive.events
    drive.do(drive.answer(0), NOW + 69_000)
    assert isinstance(drive.events[-1], Responded)


def test_looking_again_does_not_give_an_item_more_time() -> None:
    drive = Drive().start()
    drive.do(Show(0, 0), NOW + 59_000)
    assert timing.item_deadline(drive.state) == NOW + 60_000
    for after in (60_500, 62_000):
        assert drive.attempt(Show(0, 0), NOW + after) == ((), "item_locked")
    drive.do(drive.answer(0), NOW + 62_500)
    assert isinstance(drive.events[-1], RespondedLate)


def test_an_item_left_within_its_grace_has_no_time_for_another_visit() -> None:
    drive = Drive().start()
    assert drive.do(Show(0, 1), NOW + 61_000) == (ItemExpired(NOW + 60_000, 0), Shown(NOW + 61_000, 1, drive.seq))
    assert drive.attempt(Show(0, 0), NOW + 62_000)[1] == "item_locked"


def test_moving_on_within_the_grace_does_not_end_an_exam_that_item_time_would_end() -> None:
    for navigation in ("linear", "free"):
        drive = Drive(make_created(rules=make_rules(navigation, "finish"))).start()
        drive.do(Show(0, 1), NOW + 61_000)
        assert drive.state.status == "running"
        assert drive.state.items[0].locked


def test_an_item_out_of_time_locks_at_its_deadline_and_the_next_one_waits_to_be_shown() -> None:
    drive = Drive(make_created(rules=make_rules("linear"))).start()
    drive.do(drive.answer(0), NOW + 59_000)
    assert drive.do(Settle(), NOW + 62_000) == ()
    assert drive.do(Settle(), NOW + 62_001) == (ItemExpired(NOW + 60_000, 0),)
    assert drive.state.items[0].answers == (("0.0.a",),)
    assert drive.state.current is None
    assert drive.do(Advance(), NOW + 90_000) == (Shown(NOW + 90_000, 1),)
    assert timing.item_deadline(drive.state) == NOW + 150_000


def test_where_item_time_ends_the_attempt() -> None:
    drive = Drive(make_created(rules=make_rules("linear", "finish"))).start()
    assert drive.do(Settle(), NOW + 62_001) == (Ended(NOW + 60_000, "item_time"),)


def test_the_last_item_out_of_time_completes_the_sitting() -> None:
    drive = Drive(make_created(make_form(CHOICE), make_rules("linear"))).start()
    assert drive.do(Settle(), NOW + 62_001) == (ItemExpired(NOW + 60_000, 0), Ended(NOW + 60_000, "completed"))


def test_the_exam_clock_ends_everything() -> None:
    drive = Drive(make_created(rules=make_rules(exam_limit=90_000))).start()
    drive.do(Show(0, 1), NOW + 50_000)
    assert drive.do(Settle(), NOW + 92_000) == ()
    assert drive.do(Settle(), NOW + 92_001) == (Ended(NOW + 90_000, "exam_time"),)
    assert drive.state.deadline is None


def test_the_window_closes_over_a_running_exam() -> None:
    drive = Drive(make_created(closes_at=NOW + 30_000)).start()
    assert drive.do(Settle(), NOW + 32_001) == (Ended(NOW + 30_000, "window_closed"),)


def test_long_absence_expires_the_item_and_then_the_exam() -> None:
    drive = Drive(make_created(rules=make_rules("linear"))).start()
    drive.do(Detach(1), NOW + 1_000)
    assert drive.do(Settle(), NOW + 2 * HOUR) == (
        ItemExpired(NOW + 60_000, 0),
        Ended(NOW + HOUR, "exam_time"),
    )


def test_time_given_back_moves_exam_and_item() -> None:
    drive = Drive().start()
    drive.do(Extend(5 * MINUTE, PROCTOR, 4), NOW + 10_000)
    assert timing.item_deadline(drive.state) == NOW + MINUTE + 5 * MINUTE
    assert timing.exam_deadline(drive.state) == NOW + HOUR + 5 * MINUTE
    drive.do(Show(0, 1))
    assert timing.item_deadline(drive.state) == NOW + 10_000 + MINUTE


def test_time_given_back_within_the_grace_saves_the_item() -> None:
    drive = Drive().start()
    drive.do(Extend(MINUTE, PROCTOR, 4), NOW + 61_000)
    assert drive.do(Settle(), NOW + 100_000) == ()


def test_time_given_back_never_outlasts_the_window() -> None:
    drive = Drive(make_created(closes_at=NOW + HOUR + MINUTE)).start()
    drive.do(Extend(MINUTE, PROCTOR, 4))
    assert drive.attempt(Extend(1, PROCTOR, 5)) == ((), "past_window")
    assert timing.exam_deadline(drive.state) == NOW + HOUR + MINUTE


@pytest.mark.parametrize("span", [0, -1, 24 * HOUR + 1, 2**80])
def test_a_span_that_makes_no_sense_is_refused(span: int) -> None:
    assert Drive().start().attempt(Extend(span, PROCTOR, 1)) == ((), "bad_span")


def test_a_clock_that_goes_back_does_not_take_time_from_the_log() -> None:
    drive = Drive().start()
    drive.do(drive.answer(0), NOW + 30_000)
    drive.do(drive.answer(0, "b"), NOW - 5_000)
    assert drive.events[-1].at == NOW + 30_000
    assert drive.state.items[0].answers == (("0.0.b",),)


# --- the end --------------------------------------------------------------------------------------------


def test_submission_within_the_grace_counts_as_submission() -> None:
    drive = Drive(make_created(rules=make_rules(exam_limit=30_000))).start()
    drive.do(Submit(0), NOW + 31_000)
    assert drive.state.end_reason == "submitted"
    assert drive.state.ended_at == NOW + 31_000


def test_a_proctor_can_end_a_sitting_once() -> None:
    drive = Drive().start()
    assert drive.do(Stop(PROCTOR, 3)) == (Ended(NOW, "proctor", by=PROCTOR, note=3),)
    assert drive.attempt(Stop(PROCTOR, 4))[1] == "ended"
    assert drive.attempt(Extend(MINUTE, PROCTOR, 4))[1] == "ended"


def test_an_answer_after_the_end_is_kept_and_not_scored() -> None:
    drive = Drive(make_created(rules=make_rules(exam_limit=30_000))).start()
    drive.do(drive.answer(0, "a"), NOW + 20_000)
    events = drive.do(drive.answer(0, "b"), NOW + 33_000)
    assert events[0] == Ended(NOW + 30_000, "exam_time")
    assert events[1:] == (RespondedLate(NOW + 33_000, 0, 0, (ChoiceId("0.0.b"),), drive.seq),)
    assert drive.state.items[0].answers == (("0.0.a",),)
    assert len(drive.state.late) == 1


def test_an_answer_to_an_expired_item_is_kept_and_not_scored() -> None:
    drive = Drive().start()
    drive.do(Settle(), NOW + 62_001)
    drive.do(Advance())
    drive.do(drive.answer(0, "b"))
    assert isinstance(drive.events[-1], RespondedLate)
    assert drive.state.items[0].answers == ((),)


@pytest.mark.parametrize("last", [Submit(0), Stop(PROCTOR, 1)])
def test_an_answer_after_a_submission_is_no_evidence(last: Command) -> None:
    drive = Drive().start()
    drive.do(last)
    assert drive.attempt(drive.answer(0)) == ((), "ended")


def test_an_answer_to_an_item_the_candidate_closed_is_no_evidence() -> None:
    linear = Drive(make_created(rules=make_rules("linear", exam_limit=30_000))).start()
    linear.do(Show(0, 1))
    assert linear.attempt(linear.answer(0), NOW + 40_000)[1] == "ended"
    drive = Drive(make_created(rules=make_rules(exam_limit=30_000))).start()
    drive.do(drive.answer(0))
    drive.do(LockStage(0, 0, 0))
    assert drive.attempt(drive.answer(0), NOW + 40_000)[1] == "ended"


def test_an_answer_to_an_item_never_seen_is_no_evidence() -> None:
    drive = Drive(make_created(rules=make_rules(exam_limit=30_000))).start()
    assert drive.attempt(drive.answer(1), NOW + 40_000)[1] == "ended"


def test_late_evidence_is_bounded() -> None:
    drive = Drive(make_created(rules=make_rules(exam_limit=30_000))).start()
    for _ in range(MAX_LATE):
        drive.do(drive.answer(0), NOW + 40_000)
    assert drive.attempt(drive.answer(0)) == ((), "too_late")


# --- pages ----------------------------------------------------------------------------------------------


def test_a_newer_page_takes_over_and_the_older_ones_loss_means_nothing() -> None:
    drive = Drive().start()
    assert drive.do(Attach(SECOND_BROWSER)) == (Detached(NOW), Attached(NOW, SECOND_BROWSER, 2))
    assert drive.do(Detach(1)) == ()
    assert drive.state.connected
    assert drive.do(Detach(2)) == (Detached(NOW),)
    assert drive.do(Detach(2)) == ()


def test_too_many_devices_are_turned_away_without_harm_to_the_page_that_is_on() -> None:
    drive = Drive().start()
    for number in range(MAX_STREAMS - 1):
        drive.do(Attach(f"browser-{number}"))
    before = drive.state
    assert before.connected
    assert drive.attempt(Attach("one-more")) == ((), "too_many_devices")
    assert drive.state == before
    drive.do(Attach(FIRST))


# --- the fold -------------------------------------------------------------------------------------------


def test_a_log_begins_with_its_creation() -> None:
    wrong: list[list[AnyEvent]] = [[], [Admitted(NOW, "person")], [Detached(NOW), make_created()]]
    for events in wrong:
        with pytest.raises(ValueError, match="does not begin"):
            fold(SITTING, events)


def test_a_second_creation_has_no_place() -> None:
    drive = Drive()
    with pytest.raises(ValueError, match="no place"):
        evolve(drive.state, make_created())
