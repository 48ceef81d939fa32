"""The sitting: one candidate, one form. A state machine without clock, socket or store. Pure.

`decide(sitting, command, now)` says what follows from a command at a moment; `evolve(sitting, event)` applies
one event. A sitting is the fold of its events, so replaying the log gives the live state.

    ready --start--> running --submit / all locked / time / proctor--> ended
      \\--window closes---------------------------------------------------^
"""

from collections.abc import Iterable
from typing import Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from core.ids import ChoiceId, PersonId, SittingId
from core.moments import Moment, Span
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
)
from exam_server.events import (
    Admitted,
    AnyEvent,
    Attached,
    Created,
    Detached,
    Ended,
    EndReason,
    Extended,
    Flagged,
    IdentityBy,
    ItemExpired,
    ItemLocked,
    Responded,
    RespondedLate,
    Shown,
    StageLocked,
    Started,
)
from question_bank.forms import Form, FormEntry, Rules

T = TypeVar("T")

MAX_STREAMS = 32
"""Browsers that one sitting may be continued from."""
MAX_SEQ_STEP = 10_000
"""How far a sequence number may jump: a page numbers its edits one by one."""
MAX_LATE = 200
"""Late answers kept as evidence."""

Status = Literal["ready", "running", "ended"]


class ItemProgress(Struct, frozen=True):
    """How far the candidate is with one item. `answers` has one tuple of chosen ids per stage."""

    answers: tuple[tuple[ChoiceId, ...], ...]
    spent: Span = 0
    stage: int = 0
    visited: bool = False
    locked: bool = False
    expired: bool = False
    flagged: bool = False


class Sitting(Struct, frozen=True):
    """The state folded from the log. `deadline` is timing.next_deadline of it, kept so that it costs nothing."""

    id: SittingId
    candidate: PersonId
    form: Form
    rules: Rules
    closes_at: Moment
    items: tuple[ItemProgress, ...]
    last_at: Moment
    deadline: Moment | None
    status: Status = "ready"
    admitted: IdentityBy | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    end_reason: EndReason | None = None
    current: int | None = None
    left: int = -1
    shown_at: Moment = 0
    extra: Span = 0
    streams: dict[str, int] = {}
    stream: str = ""
    epoch: int = 0
    connected: bool = False
    attached_at: Moment = 0
    late: int = 0


class Ruling(Struct, frozen=True):
    """What follows from a command. Events and a refusal can stand together: time may have run out first."""

    events: tuple[AnyEvent, ...] = ()
    refusal: RefusalCode | None = None


# --- decide ---------------------------------------------------------------------------------------------


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
        case Extend():
            if sitting.status != "running":
                return Ruling(refusal="ended" if sitting.status == "ended" else "not_started")
            if not 0 < command.span <= timing.LONGEST_EXTENSION:
                return Ruling(refusal="bad_span")
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


# --- evolve ---------------------------------------------------------------------------------------------


def evolve(sitting: Sitting, event: AnyEvent) -> Sitting:
    """The state after an event. Never refuses: what is in the log has happened."""
    if type(event) is Responded:
        item = sitting.items[event.position]
        answers = _put(item.answers, event.stage, event.value)
        return replace(
            sitting,
            items=_put(sitting.items, event.position, replace(item, answers=answers)),
            streams=_heard(sitting, event.seq),
            last_at=event.at,
        )
    changed = _apply(sitting, event)
    return replace(changed, deadline=timing.next_deadline(changed))


def fold(sitting_id: SittingId, events: Iterable[AnyEvent]) -> Sitting:
    """A sitting from all its events, oldest first. Raises ValueError when the first is not its creation."""
    rest = iter(events)
    first = next(rest, None)
    if not isinstance(first, Created):
        raise ValueError(f"sitting {sitting_id} does not begin with its creation")
    sitting = create(sitting_id, first)
    for event in rest:
        sitting = evolve(sitting, event)
    return sitting


def create(sitting_id: SittingId, event: Created) -> Sitting:
    """The state right after creation."""
    return Sitting(
        id=sitting_id,
        candidate=event.candidate,
        form=event.form,
        rules=event.rules,
        closes_at=event.closes_at,
        items=tuple(ItemProgress(((),) * len(entry.stages)) for entry in event.form.entries),
        last_at=event.at,
        deadline=event.closes_at,
    )


def _apply(sitting: Sitting, event: AnyEvent) -> Sitting:
    at = event.at
    match event:
        case Admitted():
            return replace(sitting, admitted=event.by, last_at=at)
        case Started():
            return replace(sitting, status="running", started_at=at, streams=_heard(sitting, event.seq), last_at=at)
        case Attached():
            streams = {**sitting.streams, event.stream: sitting.streams.get(event.stream, 0)}
            return replace(
                sitting,
                stream=event.stream,
                streams=streams,
                epoch=event.epoch,
                connected=True,
                attached_at=at,
                last_at=at,
            )
        case Detached():
            return replace(sitting, connected=False, last_at=at)
        case Shown():
            left = _leave(sitting, at)
            item = replace(left.items[event.position], visited=True)
            return replace(
                left,
                items=_put(left.items, event.position, item),
                current=event.position,
                shown_at=at,
                streams=left.streams if event.seq is None else _heard(left, event.seq),
                last_at=at,
            )
        case StageLocked():
            item = sitting.items[event.position]
            last = event.stage + 1 == len(item.answers)
            changed = replace(_leave(sitting, at) if last else sitting, streams=_heard(sitting, event.seq), last_at=at)
            item = changed.items[event.position]
            item = replace(item, locked=True) if last else replace(item, stage=event.stage + 1)
            return replace(changed, items=_put(changed.items, event.position, item))
        case ItemLocked():
            left = _leave(sitting, at)
            item = replace(left.items[event.position], locked=True)
            return replace(left, items=_put(left.items, event.position, item), last_at=at)
        case ItemExpired():
            left = _leave(sitting, at)
            item = replace(left.items[event.position], locked=True, expired=True)
            return replace(left, items=_put(left.items, event.position, item), last_at=max(sitting.last_at, at))
        case Flagged():
            item = replace(sitting.items[event.position], flagged=event.on)
            return replace(
                sitting,
                items=_put(sitting.items, event.position, item),
                streams=_heard(sitting, event.seq),
                last_at=at,
            )
        case RespondedLate():
            return replace(sitting, late=sitting.late + 1, streams=_heard(sitting, event.seq), last_at=at)
        case Extended():
            changed = replace(sitting, extra=sitting.extra + event.span, last_at=at)
            if sitting.current is None:
                return changed
            item = sitting.items[sitting.current]
            item = replace(item, spent=item.spent - event.span)
            return replace(changed, items=_put(sitting.items, sitting.current, item))
        case Ended():
            left = _leave(sitting, at)
            return replace(
                left,
                status="ended",
                ended_at=at,
                end_reason=event.reason,
                streams=left.streams if event.seq is None else _heard(left, event.seq),
                last_at=max(sitting.last_at, at),
            )
        case Created() | Responded():
            raise ValueError(f"{type(event).__name__} has no place here")


def _leave(sitting: Sitting, at: Moment) -> Sitting:
    """Nothing on screen any more: the time since it was shown is spent."""
    if sitting.current is None:
        return sitting
    item = sitting.items[sitting.current]
    item = replace(item, spent=item.spent + max(0, at - sitting.shown_at))
    return replace(sitting, items=_put(sitting.items, sitting.current, item), current=None, left=sitting.current)


def _heard(sitting: Sitting, seq: int) -> dict[str, int]:
    return {**sitting.streams, sitting.stream: seq}


def _put(values: tuple[T, ...], position: int, value: T) -> tuple[T, ...]:
    return (*values[:position], value, *values[position + 1 :])
