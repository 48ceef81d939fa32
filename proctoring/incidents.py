"""From signals to incidents, with hysteresis, and from silence to coverage gaps. Pure.

Each kind has a run of its own: a run begins with the first signal, becomes an incident when it has lasted and
been seen often enough, and ends when the kind has been looked for and not seen for long enough. Observations of
one moment may be folded in any order: seen beats not seen, and an end is settled only when time has moved on.
Whether and how often `advance` is called in between changes when an end is noticed, never what it is.
"""

from enum import StrEnum
from typing import Final, Literal

import msgspec

from core.ids import IncidentId, SittingId
from core.moments import SECOND, Moment, Span
from proctoring.signals import CAMERA_KINDS, Kind, Observation, Signal


class Severity(StrEnum):
    """How soon a person should look; it decides nothing else."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Rule(msgspec.Struct, frozen=True):
    """How signals of one kind fold.

    `opens_after`, `readings`: an incident opens when the kind was seen in at least so many observations over at
    least so long, without one in between that looked and did not see; `closes_after`: it closes when looked for
    and not seen for so long; `silent_after`: and when nobody looked for so long (None: never); `until_told`: the
    end is when the end was reported, not when the kind was last seen; `holds`: whether the outcome waits for a
    person to read it.
    """

    opens_after: Span
    readings: int
    closes_after: Span
    silent_after: Span | None
    severity: Severity
    holds: bool
    until_told: bool = False


class Policy(msgspec.Struct, frozen=True):
    """A versioned set of rules. A kind without a rule makes no incidents. `gap_after`: this long without a frame is
    a coverage gap; `extend_every`: how often an open incident is reported again."""

    version: str
    rules: dict[Kind, Rule]
    gap_after: Span = 6 * SECOND
    extend_every: Span = 5 * SECOND


def _camera(opens_after: Span, readings: int, severity: Severity, holds: bool) -> Rule:
    return Rule(opens_after, readings, 3 * SECOND, 20 * SECOND, severity, holds)


def _window(severity: Severity, holds: bool) -> Rule:
    return Rule(0, 1, 0, None, severity, holds, until_told=True)


STANDARD: Final = Policy(
    version="standard-1",
    rules={
        Kind.ABSENT: _camera(3 * SECOND, 3, Severity.MEDIUM, holds=True),
        Kind.SEVERAL_FACES: _camera(2 * SECOND, 3, Severity.HIGH, holds=True),
        Kind.OTHER_PERSON: _camera(3 * SECOND, 4, Severity.HIGH, holds=True),
        Kind.IDENTITY_UNCERTAIN: _camera(20 * SECOND, 8, Severity.LOW, holds=False),
        Kind.DARK: _camera(5 * SECOND, 4, Severity.LOW, holds=False),
        Kind.TAB_HIDDEN: _window(Severity.MEDIUM, holds=True),
        Kind.BLUR: _window(Severity.LOW, holds=False),
        Kind.FULLSCREEN_LEFT: _window(Severity.LOW, holds=False),
        Kind.PASTE: Rule(0, 1, 0, 5 * SECOND, Severity.LOW, holds=False),
    },
)
"""Absence of three seconds, not of one blink; another face only when four comparisons in a row say so."""


class Run(msgspec.Struct, frozen=True):
    """An unbroken run of one kind. `cleared_at`, `clear_at`: first and last time it was looked for and not seen
    since `last_at`; `told_at`: when a change was last reported."""

    first_at: Moment
    last_at: Moment
    readings: int
    strength: float
    source: str
    score: float | None
    opened: bool = False
    cleared_at: Moment | None = None
    clear_at: Moment | None = None
    told_at: Moment = 0


class IncidentState(msgspec.Struct, frozen=True):
    """Everything folding remembers of one sitting. `at`: the newest moment folded; `frame_at`: of the last frame,
    or when watching began; `gap_at`: since when a coverage gap is open."""

    at: Moment
    frame_at: Moment
    runs: dict[Kind, Run] = {}
    gap_at: Moment | None = None


class IncidentChange(msgspec.Struct, frozen=True, tag="incident"):
    """An incident of `kind` that began at `began_at` (the two identify it within a sitting) has changed. `seen_at`:
    last seen, or on closing its end; `strength`: the greatest so far, and `score` the one that came with it."""

    step: Literal["opened", "extended", "closed"]
    kind: Kind
    began_at: Moment
    seen_at: Moment
    readings: int
    strength: float
    source: str
    score: float | None
    severity: Severity
    reason: Literal["", "over", "unobserved", "finished"] = ""


class GapChange(msgspec.Struct, frozen=True, tag="gap"):
    """Watching was interrupted at `began_at`, or has resumed at `ended_at`."""

    step: Literal["opened", "closed"]
    began_at: Moment
    ended_at: Moment | None = None


class Incident(msgspec.Struct, frozen=True):
    """An incident as it is kept. `holds` and `severity` are what the policy of its time said; `ended_at` None: still
    open; `reason`: why it ended (over, unobserved, finished, interrupted by a restart)."""

    id: IncidentId
    sitting: SittingId
    kind: Kind
    severity: Severity
    holds: bool
    began_at: Moment
    seen_at: Moment
    ended_at: Moment | None
    reason: str
    readings: int
    strength: float
    score: float | None
    source: str
    policy: str


Change = IncidentChange | GapChange
Folded = tuple[IncidentState, tuple[Change, ...]]


def begin(at: Moment) -> IncidentState:
    """Watching begins."""
    return IncidentState(at=at, frame_at=at)


def fold(policy: Policy, state: IncidentState, observation: Observation) -> Folded:
    """Take in one observation. One that comes late counts as of the newest moment folded."""
    now = max(state.at, observation.at)
    state, settled = advance(policy, state, now)
    changes = list(settled)
    runs = dict(state.runs)
    seen = {signal.kind: signal for signal in sorted(observation.signals, key=_strength)}
    for kind in sorted(observation.informs | seen.keys()):
        rule = policy.rules.get(kind)
        if rule is None:
            continue
        if (signal := seen.get(kind)) is not None:
            runs[kind], change = _see(policy, rule, runs.get(kind), signal, now)
            if change is not None:
                changes.append(change)
        elif (run := runs.get(kind)) is not None and run.last_at < now:
            runs[kind] = msgspec.structs.replace(
                run, cleared_at=now if run.cleared_at is None else run.cleared_at, clear_at=now
            )
    state = msgspec.structs.replace(state, runs=runs)
    if observation.frame:
        state, resumed = _resume(state, now)
        changes.extend(resumed)
    return state, tuple(changes)


def advance(policy: Policy, state: IncidentState, now: Moment) -> Folded:
    """Let time pass: end what is over and what nobody can see any more, and notice missing frames."""
    now = max(state.at, now)
    runs = dict(state.runs)
    changes: list[Change] = []
    for kind, run in state.runs.items():
        rule = policy.rules[kind]
        over = _over(rule, run, now)
        if over is None:
            continue
        del runs[kind]
        if run.opened:
            reason, ended_at = over
            changes.append(_change("closed", rule, kind, run, ended_at, reason))
    state = msgspec.structs.replace(state, at=now, runs=runs)
    state, gaps = observe_gap(policy, state, now)
    return state, (*changes, *gaps)


def observe_gap(policy: Policy, state: IncidentState, now: Moment) -> Folded:
    """Notice that no frame has come for longer than the policy allows: a gap since the last one."""
    if state.gap_at is not None or now - state.frame_at <= policy.gap_after:
        return state, ()
    return msgspec.structs.replace(state, gap_at=state.frame_at), (GapChange("opened", state.frame_at),)


def finish(policy: Policy, state: IncidentState, at: Moment) -> Folded:
    """Watching ends: whatever is open closes now."""
    state, settled = advance(policy, state, at)
    changes = list(settled)
    for kind, run in state.runs.items():
        if run.opened:
            rule = policy.rules[kind]
            ended_at = state.at if rule.until_told else run.last_at
            changes.append(_change("closed", rule, kind, run, ended_at, "finished"))
    if state.gap_at is not None:
        changes.append(GapChange("closed", state.gap_at, state.at))
    return IncidentState(at=state.at, frame_at=state.at), tuple(changes)


def open_kinds(state: IncidentState) -> frozenset[Kind]:
    """Kinds with an incident open now."""
    return frozenset(kind for kind, run in state.runs.items() if run.opened)


def camera_kinds_in(policy: Policy) -> frozenset[Kind]:
    """Kinds of the camera that this policy watches."""
    return CAMERA_KINDS & policy.rules.keys()


def _strength(signal: Signal) -> tuple[float, float, str]:
    return signal.strength, signal.score or 0.0, signal.source


def _see(policy: Policy, rule: Rule, run: Run | None, signal: Signal, now: Moment) -> tuple[Run, IncidentChange | None]:
    if run is None:
        run = Run(now, now, 1, signal.strength, signal.source, signal.score)
    else:
        stronger = _strength(signal) > (run.strength, run.score or 0.0, run.source)
        run = Run(
            first_at=run.first_at,
            last_at=now,
            readings=run.readings + (now > run.last_at),
            strength=signal.strength if stronger else run.strength,
            source=signal.source if stronger else run.source,
            score=signal.score if stronger else run.score,
            opened=run.opened,
            told_at=run.told_at,
        )
    step: Literal["opened", "extended"]
    if not run.opened:
        if run.readings < rule.readings or now - run.first_at < rule.opens_after:
            return run, None
        step = "opened"
    elif now - run.told_at >= policy.extend_every:
        step = "extended"
    else:
        return run, None
    run = msgspec.structs.replace(run, opened=True, told_at=now)
    return run, _change(step, rule, signal.kind, run, now)


def _over(rule: Rule, run: Run, now: Moment) -> tuple[Literal["over", "unobserved"], Moment] | None:
    """Whether a run has ended before `now`, why, and when."""
    if run.clear_at is not None and run.cleared_at is not None and run.clear_at < now:
        if not run.opened:
            return "over", run.last_at
        if run.clear_at - run.cleared_at >= rule.closes_after:
            return "over", run.cleared_at if rule.until_told else run.last_at
    looked_at = run.last_at if run.clear_at is None else run.clear_at
    if rule.silent_after is not None and now - looked_at > rule.silent_after:
        return "unobserved", run.last_at
    return None


def _resume(state: IncidentState, now: Moment) -> Folded:
    changes = () if state.gap_at is None else (GapChange("closed", state.gap_at, now),)
    return msgspec.structs.replace(state, frame_at=now, gap_at=None), changes


def _change(
    step: Literal["opened", "extended", "closed"],
    rule: Rule,
    kind: Kind,
    run: Run,
    seen_at: Moment,
    reason: Literal["", "over", "unobserved"] | Literal["finished"] = "",
) -> IncidentChange:
    return IncidentChange(
        step=step,
        kind=kind,
        began_at=run.first_at,
        seen_at=seen_at,
        readings=run.readings,
        strength=run.strength,
        source=run.source,
        score=run.score,
        severity=rule.severity,
        reason=reason,
    )
