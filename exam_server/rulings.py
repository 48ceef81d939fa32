"""What follows from a command to a sitting at a moment: the rules of the exam. Pure.

`decide(sitting, command, now)` gives events, or a refusal, or both: time may have run out first.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from core.moments import Moment
from exam_server import timing
from exam_server.commands import (
    Admit,
    Advance,
    Attach,
    Command,
    Detach,
    Extend,
    Flag,
    LockStage,
    RefusalCode,
    Respond,
    Settle,
    Show,
    Start,
    Stop,
    Submit,
    WithdrawAdmission,
)
from exam_server.events import (
    AdmissionWithdrawn,
    Admitted,
    AnyEvent,
    Attached,
    Detached,
    Ended,
    Extended,
    Flagged,
    ItemExpired,
    ItemLocked,
    Responded,
    RespondedLate,
    Shown,
    StageLocked,
    Started,
)
from exam_server.sitting import Sitting, evolve
from question_bank.forms import FormEntry

MAX_STREAMS = 32
"""Browsers that one sitting may be continued from."""
MAX_SEQ_STEP = 10_000
"""How far a sequence number may jump: a page numbers its edits one by one."""
MAX_LATE = 200
"""Late answers kept as evidence."""


class Ruling(Struct, frozen=True):
    """What follows from a command. Events and a refusal can stand together: time may have run out first."""

    events: tuple[AnyEvent, ...] = ()
    refusal: RefusalCode | None = None


def decide(sitting: Sitting, command: Command, now: Moment) -> Ruling:
    """What a command means at `now` (never before the last event). Deadlines that have passed come first."""
    if type(command) is Respond and sitting.deadline is not None and now <= sitting.deadline:
        return _respond(sitting, command, now)  # the common case, before anything that only time could change
    before: tuple[AnyEvent, ...] = ()
    if type(command) is Attach and sitting.connected and _may_attach(sitting, command.stream):
        before = (Detached(sitting.last_at if command.orphaned else now),)
        sitting = evolve(sitting, before[0])
    settled = settle(sitting, now)
    for event in settled:
        sitting = evolve(sitting, event)
    ruling = _rule(sitting, command, now)
    return Ruling(before + settled + ruling.events, ruling.refusal) if before or settled else ruling


def settle(sitting: Sitting, now: Moment) -> tuple[AnyEvent, ...]:
    """Everything the clock alone has decided by `now`, stamped with the deadlines themselves."""
    events: list[AnyEvent] = []
    while (deadline := sitting.deadline) is not None and now > deadline + timing.grace(sitting, deadline):
        if sitting.status == "ready":
            event: AnyEvent = Ended(deadline, "not_started")
        elif deadline == timing.exam_deadline(sitting):
            event = Ended(deadline, "window_closed" if deadline == sitting.closes_at else "exam_time")
        elif sitting.rules.on_item_timeout == "finish":
            event = Ended(deadline, "item_time")
        else:
            assert sitting.current is not None
            event = ItemExpired(deadline, sitting.current)
        events.append(event)
        sitting = evolve(sitting, event)
        if sitting.status == "running" and all(item.locked for item in sitting.items):
            events.append(Ended(deadline, "completed"))
            sitting = evolve(sitting, events[-1])
    return tuple(events)


def _rule(sitting: Sitting, command: Command, now: Moment) -> Ruling:
    match command:
        case Respond():
            return _respond(sitting, command, now)
        case Start() | Show() | LockStage() | Flag() | Submit():
            return _obey(sitting, command, now)
        case Attach():
            if not _may_attach(sitting, command.stream):
                return Ruling(refusal="too_many_devices")
            return Ruling((Attached(now, command.stream, sitting.epoch + 1),))
        case Detach():
            if sitting.connected and sitting.epoch == command.epoch:
                return Ruling((Detached(now),))
            return Ruling()
        case Settle():
            return Ruling()
        case Advance():
            following = following_item(sitting)
            if sitting.status != "running" or sitting.current is not None or following is None:
                return Ruling()
            return Ruling((Shown(now, following),))
        case Admit():
            if sitting.status != "ready" or sitting.admitted is not None:
                return Ruling()
            return Ruling((Admitted(now, command.by),))
        case WithdrawAdmission():
            if sitting.status != "ready" or sitting.admitted is None:
                return Ruling()
            return Ruling((AdmissionWithdrawn(now),))
        case Extend():
            if sitting.status != "running":
                return Ruling(refusal="ended" if sitting.status == "ended" else "not_started")
            if not 0 < command.span <= timing.LONGEST_EXTENSION:
                return Ruling(refusal="bad_span")
            assert sitting.started_at is not None
            if sitting.started_at + sitting.rules.exam_limit + sitting.extra + command.span > sitting.closes_at:
                return Ruling(refusal="past_window")
            return Ruling((Extended(now, command.span, command.by, command.note),))
        case Stop():
            if sitting.status == "ended":
                return Ruling(refusal="ended")
            return Ruling((Ended(now, "proctor", by=command.by, note=command.note),))


def _may_attach(sitting: Sitting, stream: str) -> bool:
    return stream in sitting.streams or len(sitting.streams) < MAX_STREAMS


def _seq_refusal(sitting: Sitting, seq: int) -> Literal["bad_seq", "repeated"] | None:
    last = sitting.streams.get(sitting.stream, 0)
    if seq < 1 or seq > last + MAX_SEQ_STEP:
        return "bad_seq"
    return "repeated" if seq <= last else None


def _obey(sitting: Sitting, command: Start | Show | LockStage | Flag | Submit, now: Moment) -> Ruling:
    match _seq_refusal(sitting, command.seq):
        case "bad_seq":
            return Ruling(refusal="bad_seq")
        case "repeated":
            return Ruling()
    if sitting.status == "ended":
        return Ruling(refusal="ended")
    if type(command) is Start:
        if sitting.status == "running":
            return Ruling(refusal="already_started")
        if sitting.admitted is None:
            return Ruling(refusal="not_admitted")
        return Ruling((Started(now, command.seq), Shown(now, 0)))
    if sitting.status == "ready":
        return Ruling(refusal="not_started")
    if type(command) is Submit:
        return Ruling((Ended(now, "submitted", seq=command.seq),))
    assert not isinstance(command, Start | Submit)
    if not 0 <= command.position < len(sitting.items):
        return Ruling(refusal="unknown_item")
    match command:
        case Show():
            return _show(sitting, command, now)
        case LockStage():
            return _lock_stage(sitting, command, now)
        case Flag():
            if not sitting.rules.flags:
                return Ruling(refusal="flags_off")
            return Ruling((Flagged(now, command.position, command.on, command.seq),))


def _show(sitting: Sitting, command: Show, now: Moment) -> Ruling:
    target = sitting.items[command.position]
    shown = Shown(now, command.position, command.seq)
    if target.locked:
        return Ruling(refusal="item_locked")
    deadline = timing.item_deadline(sitting)
    if sitting.current is None or deadline is None:
        fits = sitting.rules.navigation == "free" or command.position == following_item(sitting)
        return Ruling((shown,)) if fits else Ruling(refusal="going_back_off")
    over = deadline <= now  # grace is for what was on its way, not for a new look
    if command.position == sitting.current:
        return Ruling(refusal="item_locked") if over else Ruling((shown,))
    if sitting.rules.navigation == "free":
        return Ruling((ItemExpired(deadline, sitting.current), shown) if over else (shown,))
    if command.position != following_item(sitting):
        return Ruling(refusal="going_back_off")
    return Ruling((ItemLocked(now, sitting.current), shown))


def _lock_stage(sitting: Sitting, command: LockStage, now: Moment) -> Ruling:
    refusal = _closed(sitting, command.position, command.stage)
    if refusal is not None:
        return Ruling(refusal=refusal)
    if not sitting.items[command.position].answers[command.stage]:
        return Ruling(refusal="stage_unanswered")
    locked: tuple[AnyEvent, ...] = (StageLocked(now, command.position, command.stage, command.seq),)
    after = evolve(sitting, locked[0])
    if all(item.locked for item in after.items):
        locked += (Ended(now, "completed"),)
    return Ruling(locked)


def _closed(sitting: Sitting, position: int, stage: int) -> RefusalCode | None:
    """Why this stage of this item can't be changed now, or None."""
    item = sitting.items[position]
    if item.locked:
        return "item_locked"
    if position != sitting.current:
        return "item_not_open"
    if stage < item.stage:
        return "stage_locked"
    return "stage_not_open" if stage > item.stage else None


def _respond(sitting: Sitting, command: Respond, now: Moment) -> Ruling:
    last = sitting.streams.get(sitting.stream, 0)
    if not last < command.seq <= last + MAX_SEQ_STEP:
        return Ruling() if 1 <= command.seq <= last else Ruling(refusal="bad_seq")
    if sitting.status == "ready":
        return Ruling(refusal="not_started")
    if not 0 <= command.position < len(sitting.items):
        return Ruling(refusal="unknown_item")
    entry = sitting.form.entries[command.position]
    refusal = _misfit(entry, command)
    if refusal is not None:
        return Ruling(refusal=refusal)
    refusal = "ended" if sitting.status == "ended" else _closed(sitting, command.position, command.stage)
    if refusal is None:
        return Ruling((Responded(now, command.position, command.stage, command.value, command.seq),))
    if _came_late(sitting, command):
        if sitting.late >= MAX_LATE:
            return Ruling(refusal="too_late")
        return Ruling((RespondedLate(now, command.position, command.stage, command.value, command.seq),))
    return Ruling(refusal=refusal)


def _misfit(entry: FormEntry, command: Respond) -> RefusalCode | None:
    """Does the value have the shape that this stage asks for?"""
    if not 0 <= command.stage < len(entry.stages):
        return "unknown_option"
    stage = entry.stages[command.stage]
    value = command.value
    for choice in value:
        if choice not in stage.choices:
            return "unknown_option"
    if stage.kind == "choice":
        return "wrong_count" if len(value) > 1 else None
    return "wrong_count" if len(set(value)) != len(value) else None


def _came_late(sitting: Sitting, command: Respond) -> bool:
    """Was this stage open until time ran out, so that the answer is evidence and not a stray message?"""
    item = sitting.items[command.position]
    if not item.visited or command.stage != item.stage or (item.locked and not item.expired):
        return False
    if sitting.status == "ended":
        return item.expired or sitting.end_reason in {"exam_time", "item_time", "window_closed"}
    return item.expired


def following_item(sitting: Sitting) -> int | None:
    """The next item that is not locked, after the one on screen, and round again when going back is allowed."""
    count = len(sitting.items)
    if sitting.rules.navigation == "linear":
        start = 0 if sitting.current is None else sitting.current + 1
        order: Iterable[int] = range(start, count)
    else:
        last = sitting.left if sitting.current is None else sitting.current
        order = ((last + 1 + step) % count for step in range(count))
    return next((position for position in order if not sitting.items[position].locked), None)
