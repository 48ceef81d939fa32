"""One place looked at closely: what its clocks say, and what the candidate was told and has read. Pure."""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from core.ids import PersonId
from core.moments import Moment, Span
from exam_server import timing
from exam_server.events import AnyEvent, NoticeKind, NoticeRead, Told
from exam_server.sitting import Sitting

ClockName: TypeAlias = Literal["exam", "section", "item", "window"]


class Clock(Struct, frozen=True):
    """What is left on one clock. `deadline` None: it stands."""

    name: ClockName
    left: Span
    deadline: Moment | None


def clocks(sitting: Sitting, now: Moment) -> tuple[Clock, ...]:
    """Every clock of a running sitting, the exam's first; none of one that is not running.

    While the clocks stand, the item is the one that a pause took off the screen. The window's clock always runs.
    """
    if sitting.status != "running":
        return ()
    halt = sitting.halt
    at = now if halt is None else halt.since
    found = [_clock("exam", timing.exam_deadline(sitting), at, halt is None)]
    section = timing.section_deadline(sitting)
    if section is not None:
        found.append(_clock("section", section, at, halt is None))
    item = timing.item_deadline(sitting)
    if item is not None:
        found.append(_clock("item", item, at, True))
    elif halt is not None and sitting.back_to is not None:
        left = timing.item_limit(sitting, sitting.back_to) - sitting.items[sitting.back_to].spent
        found.append(Clock("item", max(0, left), None))
    return (*found, _clock("window", sitting.closes_at, now, True))


def cut_off(sitting: Sitting, now: Moment) -> Span:
    """How much of the time that a candidate has for the exam the close of the window takes away; 0: all of it fits."""
    if sitting.status != "running" or sitting.started_at is None:
        return 0
    halted = 0 if sitting.halt is None else now - sitting.halt.since
    limit = timing.stretch(sitting, sitting.rules.exam_limit)
    return max(0, sitting.started_at + limit + sitting.extra + halted - sitting.closes_at)


def _clock(name: ClockName, deadline: Moment, at: Moment, runs: bool) -> Clock:
    return Clock(name, max(0, deadline - at), deadline if runs else None)


class Notice(Struct, frozen=True):
    """What a proctor said to the candidate; `read_at` None: it was not confirmed yet."""

    note: int
    kind: NoticeKind
    at: Moment
    by: PersonId
    read_at: Moment | None = None


def notices(events: Iterable[AnyEvent]) -> tuple[Notice, ...]:
    """Everything that was said, the newest first."""
    told: dict[int, Notice] = {}
    for event in events:
        if isinstance(event, Told):
            told[event.note] = Notice(event.note, event.kind, event.at, event.by)
        elif isinstance(event, NoticeRead) and event.note in told:
            told[event.note] = replace(told[event.note], read_at=event.at)
    return tuple(reversed(told.values()))
