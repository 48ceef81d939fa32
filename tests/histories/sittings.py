"""Forms, item copies and random steps of a sitting, for every test of the engine."""

import os
from collections.abc import Sequence
from typing import Literal, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from core.ids import BlueprintId, ChoiceId, ItemId, PersonId, SittingId
from core.moments import DAY, HOUR, SECOND, Moment, Span
from exam_server import timing
from exam_server.chain import START, Row, link
from exam_server.commands import (
    Admit,
    AdmitLate,
    Advance,
    AnswerHelp,
    Attach,
    CandidateMessage,
    CloseSection,
    Command,
    CompensateOutage,
    Detach,
    EndBreak,
    Extend,
    Flag,
    Help,
    LockStage,
    MoveClose,
    Pause,
    Question,
    ReadNotice,
    ReplaceForm,
    Respond,
    Resume,
    SetAllowance,
    Settle,
    Show,
    Start,
    Stop,
    Submit,
    TakeBreak,
    Tell,
    Withdraw,
)
from exam_server.events import Allowance, AnyEvent, Created, encode_batch
from exam_server.rulings import MAX_SEQ_STEP, decide, following_item
from exam_server.sitting import Sitting, create, evolve
from question_bank.candidate_copy import CandidateChoice, CandidateItem, CandidateStage
from question_bank.forms import (
    Explanations,
    Form,
    FormEntry,
    FormStage,
    Navigation,
    OnItemTimeout,
    Rules,
    SectionRule,
    StageKind,
)

T = TypeVar("T")

NOW: Moment = 1_795_338_000_000
"""2026-11-22T09:00:00Z"""
SITTING = SittingId(7)
CANDIDATE = PersonId(70)
PROCTOR = PersonId(9)
FIRST = "browser1"
SECOND_BROWSER = "browser2"

CHOICE: tuple[StageKind, ...] = ("choice",)
UNFOLDING: tuple[StageKind, ...] = ("actions", "choice", "actions")


def thorough(examples: int) -> settings:
    """Quick as it stands; HISTORIES=20 looks twenty times harder.

    A failing example is made smaller only where HISTORIES is set: that can take minutes.
    """
    asked = os.environ.get("HISTORIES")
    return settings(
        max_examples=examples * int(asked or "1"),
        phases=tuple(phase for phase in Phase if asked or phase is not Phase.shrink),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


# --- forms ----------------------------------------------------------------------------------------------


def make_entry(number: int, kinds: Sequence[StageKind], limit: Span) -> FormEntry:
    """Item `i<number>` with choices named `<number>.<stage>.<letter>`."""
    stages = tuple(
        FormStage(kind, tuple(ChoiceId(f"{number}.{stage}.{letter}") for letter in "dbca"))
        for stage, kind in enumerate(kinds)
    )
    return FormEntry(ItemId(f"i{number}"), 1, limit, 1, stages)


def make_form(*kinds: Sequence[StageKind], limit: Span = 60 * SECOND) -> Form:
    entries = tuple(make_entry(number, stages, limit) for number, stages in enumerate(kinds))
    return Form(BlueprintId("bp"), 1, 5, "stratified-swap/1", "0" * 64, entries)


def make_rules(
    navigation: Navigation = "free",
    on_item_timeout: OnItemTimeout = "advance",
    flags: bool = True,
    exam_limit: Span = HOUR,
    sections: tuple[SectionRule, ...] = (),
    breaks: int = 0,
    break_limit: Span = 0,
    explanations: Explanations = "none",
) -> Rules:
    """Rules that explain anything are those of practice."""
    practice = explanations != "none"
    return Rules(exam_limit, navigation, on_item_timeout, flags, sections, breaks, break_limit, practice, explanations)


def make_created(form: Form | None = None, rules: Rules | None = None, closes_at: Moment = NOW + DAY) -> Created:
    return Created(
        NOW, CANDIDATE, make_form(CHOICE, CHOICE, UNFOLDING) if form is None else form, rules or make_rules(), closes_at
    )


def stage_text(number: int, stage: int) -> str:
    """A text that stands in one stage and nowhere else."""
    return f"text-of-item-{number}-stage-{stage}"


def make_copies(form: Form) -> dict[tuple[ItemId, int], CandidateItem]:
    """Every item of a form as candidates see it, choices sorted by id."""
    return {
        (entry.item, entry.version): CandidateItem(
            entry.item,
            "four_option" if len(entry.stages) == 1 else "case",
            f"stem of {entry.item}",
            tuple(
                CandidateStage(
                    stage.kind,
                    stage_text(number, index),
                    stage_text(number, index) if index else "",
                    tuple(CandidateChoice(choice, stage_text(number, index)) for choice in sorted(stage.choices)),
                    False,
                )
                for index, stage in enumerate(entry.stages)
            ),
        )
        for number, entry in enumerate(form.entries)
    }


def first_row(sitting: SittingId, created: Created) -> Row:
    stored = encode_batch((created,))
    return Row(0, START, link(sitting, 0, START, stored), stored)


# --- a sitting driven by hand ---------------------------------------------------------------------------


class Drive:
    """A sitting under a hand-moved clock, with its whole log and its page's next sequence number."""

    def __init__(self, created: Created | None = None) -> None:
        first = created or make_created()
        self.state = create(SITTING, first)
        self.events: list[AnyEvent] = [first]
        self.now = NOW
        self.seq = 0

    def do(self, command: Command, at: Moment | None = None) -> tuple[AnyEvent, ...]:
        """Decide and apply; a refusal fails. Candidate commands with seq 0 get the next one."""
        events, refusal = self.attempt(command, at)
        assert refusal is None, refusal
        return events

    def attempt(self, command: Command, at: Moment | None = None) -> tuple[tuple[AnyEvent, ...], str | None]:
        if at is not None:
            self.now = at
        if isinstance(command, CandidateMessage) and command.seq == 0:
            self.seq += 1
            command = replace(command, seq=self.seq)
        ruling = decide(self.state, command, max(self.now, self.state.last_at))
        self.record(ruling.events)
        return ruling.events, ruling.refusal

    def record(self, events: tuple[AnyEvent, ...]) -> None:
        for event in events:
            self.state = evolve(self.state, event)
        self.events.extend(events)

    def start(self) -> "Drive":
        """Admitted, attached and begun at NOW, the first item on screen."""
        self.do(Admit("biometrics"))
        self.do(Attach(FIRST))
        self.do(Start(0))
        return self

    def answer(self, position: int, letter: str = "a", stage: int = 0) -> Respond:
        return Respond(0, position, stage, (ChoiceId(f"{position}.{stage}.{letter}"),))


# --- random steps ---------------------------------------------------------------------------------------


class Wait(Struct, frozen=True):
    """How the clock moves before a step: by a span (backwards too), or to a span after the next deadline."""

    span: Span
    after_deadline: bool = False

    def until(self, now: Moment, sitting: Sitting) -> Moment:
        if self.after_deadline and sitting.deadline is not None:
            return max(now, sitting.deadline + self.span)
        return now + self.span


Aim = Literal["current", "following", "any"]


class Step(Struct, frozen=True):
    """A command still to be fitted to the state: `aim` says which item is meant, `ahead` how far seq jumps."""

    wait: Wait
    command: Command
    ahead: int = 1
    aim: Aim = "any"
    picks: tuple[int, ...] = ()

    def fit(self, sitting: Sitting) -> Command:
        command = self.command
        if isinstance(command, CandidateMessage):
            command = replace(command, seq=sitting.streams.get(sitting.stream, 0) + self.ahead)
        if isinstance(command, Show | Respond | LockStage | Flag) and self.aim != "any":
            aimed = sitting.current if self.aim == "current" else following_item(sitting)
            command = replace(command, position=command.position if aimed is None else aimed)
        if isinstance(command, Respond | LockStage) and self.aim == "current" and sitting.current is not None:
            command = replace(command, stage=sitting.items[sitting.current].stage)
        if isinstance(command, Respond):
            command = replace(command, value=self._choose(sitting, command))
        if isinstance(command, Detach):
            command = Detach(sitting.epoch - command.epoch)
        if isinstance(command, CloseSection) and self.aim == "current":
            command = replace(command, section=sitting.section)
        if isinstance(command, ReadNotice) and sitting.unread:
            command = replace(command, notice=sitting.unread[0].note)
        if isinstance(command, MoveClose | CompensateOutage):
            command = _aim_at_time(command, sitting)
        return command

    def _choose(self, sitting: Sitting, command: Respond) -> tuple[ChoiceId, ...]:
        entries = sitting.form.entries
        if command.position >= len(entries) or command.stage >= len(entries[command.position].stages):
            return tuple(ChoiceId(str(pick)) for pick in self.picks)
        choices = (*entries[command.position].stages[command.stage].choices, ChoiceId("alien"))
        return tuple(choices[pick] for pick in self.picks)


def _aim_at_time(command: MoveClose | CompensateOutage, sitting: Sitting) -> MoveClose | CompensateOutage:
    """Their moments are drawn as spans from the last event."""
    if isinstance(command, MoveClose):
        return replace(command, closes_at=sitting.last_at + command.closes_at)
    return replace(command, began_at=max(NOW, sitting.last_at - command.began_at))


def waits() -> st.SearchStrategy[Wait]:
    spans = st.sampled_from([0, 1, 700, 2_000, 2_001, 9_000, 10_000, 10_001, 25_000, 61_000, -1, -30_000])
    around = st.sampled_from([-1_500, -1, 0, 1, 1_000, 1_999, 2_000, 2_001, 9_999, 10_000, 10_001, 40_000])
    return st.one_of(
        st.builds(Wait, spans), st.builds(Wait, st.integers(0, 5_000)), st.builds(Wait, around, st.just(True))
    )


def forms() -> st.SearchStrategy[Form]:
    kinds: st.SearchStrategy[Sequence[StageKind]] = st.sampled_from([CHOICE, CHOICE, ("choice", "actions"), UNFOLDING])
    return st.builds(
        lambda items, limit: make_form(*items, limit=limit),
        st.lists(kinds, min_size=1, max_size=4),
        st.sampled_from([5 * SECOND, 20 * SECOND, 60 * SECOND]),
    )


def rules(length: int) -> st.SearchStrategy[Rules]:
    """Rules for a form of so many items: one section, or two of which either may have a limit."""
    limits = st.sampled_from([None, 10 * SECOND, 40 * SECOND])
    split = st.builds(
        lambda first, one, two: (SectionRule(first, one), SectionRule(length - first, two)),
        st.integers(1, max(1, length - 1)),
        limits,
        limits,
    )
    return st.builds(
        Rules,
        st.sampled_from([15 * SECOND, 60 * SECOND, HOUR]),
        st.sampled_from(["linear", "free"]),
        st.sampled_from(["advance", "finish"]),
        st.booleans(),
        st.just(()) if length < 2 else st.one_of(st.just(()), split),
        st.sampled_from([0, 0, 2]),
        st.sampled_from([0, 30 * SECOND]),
        st.sampled_from([False, False, True]),
        st.sampled_from(["none", "item"]),
    )


ALLOWANCES = (Allowance(), Allowance(150), Allowance(100, 20 * SECOND, 1), Allowance(133, 7, 0))


def creations() -> st.SearchStrategy[Created]:
    closes = st.sampled_from([NOW + 20 * SECOND, NOW + 90 * SECOND, NOW + DAY])
    return forms().flatmap(
        lambda form: st.builds(
            lambda rules, closes_at, allowance: replace(make_created(form, rules, closes_at), allowance=allowance),
            rules(len(form.entries)),
            closes,
            st.sampled_from((ALLOWANCES[0], *ALLOWANCES)),
        )
    )


def commands() -> st.SearchStrategy[Command]:
    """Any command; the everyday ones often, those that end everything seldom."""
    places, stages, seq = st.integers(0, 5), st.integers(0, 3), st.just(1)
    devices = st.sampled_from([FIRST, FIRST, SECOND_BROWSER])
    spans = st.sampled_from([0, -5, 3 * SECOND, 60 * SECOND, 2**70])
    weighted: list[tuple[int, st.SearchStrategy[Command]]] = [
        (8, st.builds(Respond, seq, places, stages, st.just(()))),
        (6, st.builds(Show, seq, places)),
        (3, st.builds(LockStage, seq, places, stages)),
        (1, st.builds(Flag, seq, places, st.booleans())),
        (1, st.builds(Start, seq)),
        (4, st.just(Advance())),
        (1, st.just(Settle())),
        (1, st.builds(Attach, devices, st.booleans())),
        (1, st.builds(Detach, st.sampled_from([0, 0, 1]))),
        (1, st.builds(Admit, st.sampled_from(["biometrics", "person"]))),
        (1, st.builds(Extend, spans, st.just(PROCTOR), st.integers(1, 9), st.sampled_from(["given", "outage"]))),
        (1, st.builds(Pause, st.just(PROCTOR), st.integers(1, 9))),
        (2, st.builds(Resume, st.just(PROCTOR))),
        (1, st.builds(TakeBreak, seq)),
        (1, st.builds(EndBreak, seq)),
        (1, st.builds(CloseSection, seq, st.integers(0, 2))),
        (1, rare_commands()),
    ]
    wheel = [command for weight, command in weighted for _ in range(weight)]
    ending: list[st.SearchStrategy[Command]] = [
        st.builds(Submit, seq),
        st.builds(Stop, st.just(PROCTOR), st.integers(1, 9)),
    ]
    return st.integers(0, 2 * len(wheel)).flatmap(
        lambda spin: wheel[spin % len(wheel)] if spin < 2 * len(wheel) else st.one_of(ending)
    )


def rare_commands() -> st.SearchStrategy[Command]:
    seq, staff, note = st.just(1), st.just(PROCTOR), st.integers(1, 9)
    odd = st.sampled_from([Allowance(99), Allowance(401), Allowance(100, -1), Allowance(100, 0, 21)])
    return st.one_of(
        st.builds(SetAllowance, st.one_of(st.sampled_from(ALLOWANCES), odd), staff, note),
        st.builds(MoveClose, st.sampled_from([-1, 0, 15 * SECOND, HOUR, 90 * DAY]), staff, note),
        st.builds(
            CompensateOutage, st.sampled_from([0, 5 * SECOND, 30 * SECOND]), st.sampled_from([-1, 0, 8 * SECOND])
        ),
        st.builds(Tell, st.sampled_from(["message", "warning"]), staff, note),
        st.builds(AnswerHelp, staff),
        st.builds(Withdraw, st.sampled_from(["i0", "i1", "i3", "i9"]).map(ItemId)),
        st.builds(ReplaceForm, st.just(make_form(CHOICE, UNFOLDING, CHOICE))),
        st.builds(AdmitLate, st.sampled_from([0, 0, 1, -1]), staff, note),
        st.builds(ReadNotice, seq, note),
        st.builds(Question, seq, st.integers(0, 5), note),
        st.builds(Help, seq, st.none() | note),
    )


def steps() -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        waits(),
        commands(),
        st.sampled_from([1] * 12 + [2, 0, -1, -5, MAX_SEQ_STEP, MAX_SEQ_STEP + 1]),
        st.sampled_from(["current", "current", "following", "any"]),
        st.one_of(
            st.tuples(st.integers(0, 3)),
            st.tuples(st.integers(0, 3)),
            st.lists(st.integers(0, 4), max_size=5).map(tuple),
        ),
    )


def last_moments() -> st.SearchStrategy[Step]:
    """A candidate who looks and answers again and again around a deadline."""
    seq, first = st.just(1), st.just(0)
    return st.builds(
        Step,
        st.builds(Wait, st.integers(0, 2_000), st.booleans()),
        st.one_of(st.builds(Show, seq, st.integers(0, 1)), st.builds(Respond, seq, first, first, st.just(()))),
        st.just(1),
        st.sampled_from(["current", "current", "any"]),
        st.just((0,)),
    )


def long(step: st.SearchStrategy[T], length: int) -> st.SearchStrategy[list[T]]:
    """Lists that really get long: left alone, Hypothesis draws five elements or so."""
    return st.one_of(st.lists(step, max_size=6), st.lists(step, min_size=length // 2, max_size=length))


def deadline_of(sitting: Sitting) -> Moment:
    """The next deadline, for sittings that have one."""
    deadline = timing.next_deadline(sitting)
    assert deadline is not None
    return deadline
