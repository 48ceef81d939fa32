"""The sitting: one candidate, one form. A state machine without clock, socket or store. Pure.

`rulings.decide(sitting, command, now)` says what follows from a command at a moment; `evolve(sitting, event)` applies
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
from exam_server.events import (
    AdmissionWithdrawn,
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
from question_bank.forms import Form, Rules

T = TypeVar("T")

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
    """The state folded from the log. `deadline` is timing.next_deadline of it, kept so that it costs nothing.

    `settled_grace`: the grace of that deadline, once the connection has changed after it.
    """

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
    settled_grace: Span | None = None
    late: int = 0


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
    deadline = timing.next_deadline(changed)
    settled = changed.settled_grace if deadline == sitting.deadline else None
    if settled is None and deadline == sitting.deadline and type(event) in (Attached, Detached):
        # What the connection was like across the deadline does not change with what it does afterwards.
        settled = timing.grace(sitting, deadline) if deadline is not None and event.at > deadline else None
    return replace(changed, deadline=deadline, settled_grace=settled)


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
        case AdmissionWithdrawn():
            return replace(sitting, admitted=None, last_at=at)
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
