"""How long each item took, what came late, and what the candidate had to say: read from a sitting's log. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from core.ids import PersonId
from core.moments import Moment, Span
from exam_server import timing
from exam_server.events import (
    AnyEvent,
    HelpAsked,
    ItemExpired,
    LateAdmitted,
    Questioned,
    RespondedLate,
    SectionExpired,
    Shown,
)
from exam_server.sitting import Sitting


class ResponseLine(Struct, frozen=True):
    """One item, numbered from 1. `spent`: on screen over all visits; `first_after`: from being shown first to the first
    answer, the time between visits included. `revisions` counts every answer."""

    position: int
    spent: Span
    limit: Span
    visits: int
    first_after: Span | None
    revisions: int
    answered: bool
    expired: bool
    flagged: bool
    questioned: bool
    withdrawn: bool
    late: int


def response_lines(sitting: Sitting, events: Sequence[AnyEvent], now: Moment) -> tuple[ResponseLine, ...]:
    """The form item by item; the one on screen counts up to `now`."""
    shown_at: dict[int, Moment] = {}
    visits: dict[int, int] = {}
    for event in events:
        if isinstance(event, Shown):
            shown_at.setdefault(event.position, event.at)
            visits[event.position] = visits.get(event.position, 0) + 1
    lines = []
    for position, item in enumerate(sitting.items):
        spent = item.spent + (max(0, now - sitting.shown_at) if position == sitting.current else 0)
        first = shown_at.get(position)
        lines.append(
            ResponseLine(
                position=position + 1,
                spent=spent,
                limit=timing.item_limit(sitting, position),
                visits=visits.get(position, 0),
                first_after=None if item.first_at is None or first is None else max(0, item.first_at - first),
                revisions=item.revisions,
                answered=any(item.answers),
                expired=item.expired,
                flagged=item.flagged,
                questioned=item.questioned,
                withdrawn=item.withdrawn,
                late=sum(1 for one in sitting.late if one.position == position),
            )
        )
    return tuple(lines)


def share(line: ResponseLine) -> float:
    """How much of its own limit an item took, 0..1."""
    return 0.0 if line.limit <= 0 else round(min(1.0, line.spent / line.limit), 3)


class LateLine(Struct, frozen=True):
    """An answer that came late, numbered from 1 as admissions name it; item and stage are counted from 1 too.

    `deadline`: when the item, its section or the whole sitting ran out. `by` and `note`: of its admission.
    """

    number: int
    position: int
    stage: int
    stages: int
    at: Moment
    deadline: Moment
    admitted_at: Moment | None = None
    by: PersonId | None = None
    note: int | None = None

    @property
    def late_by(self) -> Span:
        return max(0, self.at - self.deadline)


def late_lines(sitting: Sitting, events: Sequence[AnyEvent]) -> tuple[LateLine, ...]:
    """What came late, in the order of receipt."""
    expired: dict[int, Moment] = {}
    ended_at = sitting.ended_at
    admitted = {event.late: event for event in events if isinstance(event, LateAdmitted)}
    lines: list[LateLine] = []
    for event in events:
        if isinstance(event, ItemExpired):
            expired.setdefault(event.position, event.at)
        elif isinstance(event, SectionExpired):
            first = sum(section.count for section in sitting.rules.sections[: event.section])
            count = sitting.rules.sections[event.section].count if sitting.rules.sections else len(sitting.items)
            for position in range(first, first + count):
                expired.setdefault(position, event.at)
        elif isinstance(event, RespondedLate):
            deadline = expired.get(event.position, event.at if ended_at is None else ended_at)
            admission = admitted.get(len(lines))
            lines.append(
                LateLine(
                    number=len(lines) + 1,
                    position=event.position + 1,
                    stage=event.stage + 1,
                    stages=len(sitting.form.entries[event.position].stages),
                    at=event.at,
                    deadline=deadline,
                    admitted_at=None if admission is None else admission.at,
                    by=None if admission is None else admission.by,
                    note=None if admission is None else admission.note,
                )
            )
    return tuple(lines)


class Remark(Struct, frozen=True):
    """What the candidate wrote in the middle of it; `position` from 1, None for a call for help."""

    at: Moment
    position: int | None
    note: int | None


def remarks(events: Sequence[AnyEvent]) -> tuple[Remark, ...]:
    """Doubts about items and calls for help, in order of time."""
    return tuple(
        Remark(event.at, event.position + 1 if isinstance(event, Questioned) else None, event.note)
        for event in events
        if isinstance(event, Questioned | HelpAsked)
    )
