"""The sitting: one candidate, one form. A state machine without clock, socket or store. Pure.

`rulings.decide(sitting, command, now)` says what follows from a command at a moment; `evolve(sitting, event)` applies
one event. A sitting is the fold of its events, so replaying the log gives the live state.

    ready --start--> running --submit / all locked / time / staff--> ended
      |                |  ^
      |       pause, break |  resume, back        while halted, clocks stand and nothing is on screen
      |                v  |
      |               halted
      \\--window closes, window cancelled------------------------------^
"""

from collections.abc import Iterable
from typing import Any, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from core.ids import PersonId, SittingId
from core.moments import SECOND, Moment, Span
from exam_server import timing
from exam_server.events import (
    NO_ALLOWANCE,
    AdmissionWithdrawn,
    Admitted,
    Allowance,
    AllowanceSet,
    AnyEvent,
    Attached,
    BreakBegun,
    BreakOver,
    CloseMoved,
    Created,
    Detached,
    Ended,
    EndReason,
    Extended,
    Flagged,
    FormReplaced,
    HelpAnswered,
    HelpAsked,
    IdentityBy,
    ItemExpired,
    ItemLocked,
    ItemWithdrawn,
    LateAdmitted,
    NoticeRead,
    OutageCompensated,
    Paused,
    Questioned,
    Responded,
    RespondedLate,
    Resumed,
    SectionClosed,
    SectionExpired,
    Shown,
    StageLocked,
    Started,
    Told,
)
from exam_server.progress import Halt, ItemProgress, LateAnswer, Unread
from question_bank.forms import Form, Rules

T = TypeVar("T")

Status = Literal["ready", "running", "ended"]

ATTACH_EVERY: Span = SECOND // 2
"""How often pages may attach in the long run; at once so many as `rulings.ATTACH_BURST`. A page that asks over HTTP
attaches with each request that another process answers than the one before it, and must not feel this."""


class Sitting(Struct, frozen=True, gc=False):
    """The state folded from the log. `deadline` is timing.next_deadline of it, kept so that it costs nothing.

    `settled_grace`: the grace of that deadline, once the connection has changed after it. `graced`: what answers have
    gained by more than the shorter grace. `back_to`: the item that a pause took off the screen. `stood`: from when to
    when the clocks have stood, in pauses and breaks that are over. `outages`: from when to when those lasted that were
    made good. `paced_until`: when the attachments so far would be over, had each waited for its turn.
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
    opens_at: Moment = 0
    allowance: Allowance = NO_ALLOWANCE
    section: int = 0
    section_started_at: Moment | None = None
    section_extra: Span = 0
    halt: Halt | None = None
    back_to: int | None = None
    breaks_taken: int = 0
    outages: tuple[tuple[Moment, Moment], ...] = ()
    stood: tuple[tuple[Moment, Moment], ...] = ()
    streams: dict[str, int] = {}
    stream: str = ""
    epoch: int = 0
    connected: bool = False
    attached_at: Moment = 0
    paced_until: Moment = 0
    settled_grace: Span | None = None
    graced: Span = 0
    late: tuple[LateAnswer, ...] = ()
    unread: tuple[Unread, ...] = ()
    remarks: int = 0
    help_since: Moment | None = None
    end_note: int | None = None

    @property
    def section_range(self) -> range:
        """The positions of the present section."""
        sections = self.rules.sections
        if not sections:
            return range(len(self.items))
        first = sum(section.count for section in sections[: self.section])
        return range(first, first + sections[self.section].count)

    @property
    def last_section(self) -> bool:
        return self.section + 1 >= len(self.rules.sections)

    @property
    def explaining(self) -> int | None:
        """In practice that explains each item: the locked one that is explained until the candidate goes on."""
        rules = self.rules
        if not rules.practice or rules.explanations != "item" or self.status != "running" or self.current is not None:
            return None
        return self.left if self.left >= 0 and self.items[self.left].locked else None

    @property
    def between(self) -> bool:
        """A section is over and the next one not begun: nothing is shown until the candidate asks."""
        return self.status == "running" and self.section_started_at is None


def evolve(sitting: Sitting, event: AnyEvent) -> Sitting:
    """The state after an event. Never refuses: what is in the log has happened."""
    if type(event) is Responded:
        return respond(sitting, event, event.at, 1)
    changed = _apply(sitting, event)
    deadline = timing.next_deadline(changed)
    settled = changed.settled_grace if deadline == sitting.deadline else None
    if settled is None and deadline == sitting.deadline and type(event) in (Attached, Detached):
        # What the connection was like across the deadline does not change with what it does afterwards.
        settled = timing.grace(sitting, deadline) if deadline is not None and event.at > deadline else None
    return replace(changed, deadline=deadline, settled_grace=settled)


def respond(sitting: Sitting, newest: Responded, first_at: Moment, count: int) -> Sitting:
    """The state after `count` answers to the same stage one after another, all but the newest of them in time."""
    item = sitting.items[newest.position]
    item = replace(
        item,
        answers=_put(item.answers, newest.stage, newest.value),
        first_at=first_at if item.first_at is None else item.first_at,
        revisions=item.revisions + count,
        epoch=sitting.epoch,
        stream=sitting.stream,
    )
    graced = sitting.graced
    if sitting.deadline is not None and newest.at > sitting.deadline + timing.LIVE_GRACE:
        graced += newest.at - sitting.deadline
    return replace(
        sitting,
        items=_put(sitting.items, newest.position, item),
        streams=_heard(sitting, newest.seq),
        graced=graced,
        last_at=newest.at,
    )


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
        opens_at=event.opens_at,
        allowance=event.allowance,
        items=_untouched(event.form),
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
        case FormReplaced():
            return replace(sitting, form=event.form, items=_untouched(event.form), last_at=at)
        case Started():
            return replace(
                sitting,
                status="running",
                started_at=at,
                section_started_at=at,
                streams=_heard(sitting, event.seq),
                last_at=at,
            )
        case Attached():
            streams = {**sitting.streams, event.stream: sitting.streams.get(event.stream, 0)}
            return replace(
                sitting,
                stream=event.stream,
                streams=streams,
                epoch=event.epoch,
                connected=True,
                attached_at=at,
                paced_until=max(sitting.paced_until, at) + ATTACH_EVERY,
                last_at=at,
            )
        case Detached():
            return replace(sitting, connected=False, last_at=at)
        case Shown() | StageLocked() | ItemLocked() | ItemExpired() | Flagged() | ItemWithdrawn() | Questioned():
            return _apply_to_item(sitting, event)
        case SectionClosed() | SectionExpired():
            return _close_section(sitting, event)
        case Paused() | Resumed() | BreakBegun() | BreakOver():
            return _halt(sitting, event)
        case Extended() | OutageCompensated():
            return replace(_give_back(sitting, event.span), last_at=at, outages=_outages(sitting, event))
        case AllowanceSet():
            return replace(sitting, allowance=event.allowance, last_at=at)
        case CloseMoved():
            return replace(sitting, closes_at=event.closes_at, last_at=at)
        case RespondedLate():
            late = LateAnswer(event.position, event.stage, event.value, at)
            return replace(sitting, late=(*sitting.late, late), streams=_heard(sitting, event.seq), last_at=at)
        case LateAdmitted():
            return replace(_admit_late(sitting, event.late), last_at=at)
        case Told():
            return replace(sitting, unread=(*sitting.unread, Unread(event.note, event.kind, at)), last_at=at)
        case NoticeRead():
            unread = tuple(one for one in sitting.unread if one.note != event.note)
            return replace(sitting, unread=unread, streams=_heard(sitting, event.seq), last_at=at)
        case HelpAsked():
            return replace(
                sitting,
                help_since=at if sitting.help_since is None else sitting.help_since,
                remarks=sitting.remarks + 1,
                streams=_heard(sitting, event.seq),
                last_at=at,
            )
        case HelpAnswered():
            return replace(sitting, help_since=None, last_at=at)
        case Ended():
            left = _leave(sitting, at)
            return replace(
                left,
                status="ended",
                ended_at=at,
                end_reason=event.reason,
                end_note=event.note,
                halt=None,
                help_since=None,
                streams=left.streams if event.seq is None else _heard(left, event.seq),
                last_at=max(sitting.last_at, at),
            )
        case Created() | Responded():
            raise ValueError(f"{type(event).__name__} has no place here")


def _apply_to_item(
    sitting: Sitting,
    event: Shown | StageLocked | ItemLocked | ItemExpired | Flagged | ItemWithdrawn | Questioned,
) -> Sitting:
    at, position = event.at, event.position
    match event:
        case Shown():
            left = _leave(sitting, at)
            return replace(
                _set(left, position, visited=True),
                current=position,
                back_to=None,
                shown_at=at,
                section_started_at=at if left.section_started_at is None else left.section_started_at,
                streams=left.streams if event.seq is None else _heard(left, event.seq),
                last_at=at,
            )
        case StageLocked():
            last = event.stage + 1 == len(sitting.items[position].answers)
            changed = replace(_leave(sitting, at) if last else sitting, streams=_heard(sitting, event.seq), last_at=at)
            return _set(changed, position, locked=True) if last else _set(changed, position, stage=event.stage + 1)
        case ItemLocked():
            left = _leave(sitting, at)
            streams = left.streams if event.seq is None else _heard(left, event.seq)
            return replace(_set(left, position, locked=True), streams=streams, last_at=at)
        case ItemExpired():
            left = _set(_leave(sitting, at), position, locked=True, expired=True)
            return replace(left, last_at=max(sitting.last_at, at))
        case Flagged():
            changed = _set(sitting, position, flagged=event.on)
            return replace(changed, streams=_heard(sitting, event.seq), last_at=at)
        case ItemWithdrawn():
            return replace(_set(sitting, position, locked=True, withdrawn=True), last_at=at)
        case Questioned():
            changed = _set(sitting, position, questioned=True)
            return replace(changed, remarks=sitting.remarks + 1, streams=_heard(sitting, event.seq), last_at=at)


def _close_section(sitting: Sitting, event: SectionClosed | SectionExpired) -> Sitting:
    """What is left of the section locks; of what was seen, what ran out of time says so."""
    left = _leave(sitting, event.at)
    expired = isinstance(event, SectionExpired)
    items = list(left.items)
    for position in left.section_range:
        if not items[position].locked:
            items[position] = replace(items[position], locked=True, expired=expired and items[position].visited)
    seq = event.seq if isinstance(event, SectionClosed) else None
    return replace(
        left,
        items=tuple(items),
        section=left.section if left.last_section else left.section + 1,
        section_started_at=left.section_started_at if left.last_section else None,
        section_extra=0,
        back_to=None,
        streams=left.streams if seq is None else _heard(left, seq),
        last_at=max(sitting.last_at, event.at),
    )


def _halt(sitting: Sitting, event: Paused | Resumed | BreakBegun | BreakOver) -> Sitting:
    at = event.at
    match event:
        case Paused():
            back_to = sitting.back_to if sitting.current is None else sitting.current
            return replace(_leave(sitting, at), halt=Halt(at, note=event.note), back_to=back_to, last_at=at)
        case BreakBegun():
            left = _leave(sitting, at)
            items = tuple(
                replace(item, locked=True) if item.visited and not item.locked else item for item in left.items
            )
            return replace(
                left,
                items=items,
                halt=Halt(at, event.until),
                breaks_taken=left.breaks_taken + 1,
                back_to=None,
                streams=_heard(left, event.seq),
                last_at=at,
            )
        case Resumed() | BreakOver():
            stood = 0 if sitting.halt is None else max(0, at - sitting.halt.since)
            seq = event.seq if isinstance(event, BreakOver) else None
            return replace(
                sitting,
                halt=None,
                stood=(*sitting.stood, (at - stood, at)),
                extra=sitting.extra + stood,
                section_extra=sitting.section_extra + (stood if sitting.section_started_at is not None else 0),
                streams=sitting.streams if seq is None else _heard(sitting, seq),
                last_at=max(sitting.last_at, at),
            )


def _give_back(sitting: Sitting, span: Span) -> Sitting:
    """Time for the exam, the section, and the item that is or was on screen."""
    changed = replace(sitting, extra=sitting.extra + span, section_extra=sitting.section_extra + span)
    position = sitting.back_to if sitting.current is None else sitting.current
    return changed if position is None else _set(changed, position, extra=sitting.items[position].extra + span)


def _outages(sitting: Sitting, event: Extended | OutageCompensated) -> tuple[tuple[Moment, Moment], ...]:
    if isinstance(event, Extended):
        return sitting.outages
    return (*sitting.outages, (event.began_at, event.ended_at or event.began_at + event.span))


def _admit_late(sitting: Sitting, number: int) -> Sitting:
    late = sitting.late[number]
    answers = _put(sitting.items[late.position].answers, late.stage, late.value)
    changed = _set(sitting, late.position, answers=answers)
    return replace(changed, late=_put(sitting.late, number, replace(late, admitted=True)))


def _untouched(form: Form) -> tuple[ItemProgress, ...]:
    """Nothing done yet; items with as many stages share one."""
    fresh: dict[int, ItemProgress] = {}
    return tuple(fresh.setdefault(len(entry.stages), ItemProgress(((),) * len(entry.stages))) for entry in form.entries)


def _set(sitting: Sitting, position: int, **changes: Any) -> Sitting:
    return replace(sitting, items=_put(sitting.items, position, replace(sitting.items[position], **changes)))


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
