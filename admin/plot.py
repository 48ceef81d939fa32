"""A sitting drawn along its time: when it was connected, answered, not seen, and what was noticed. Pure.

Only geometry: the page draws it as SVG without any style of its own.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from admin.chronicle import SEVERITY_TONES, Say, Tone
from core.moments import HOUR, MINUTE, SECOND, Moment, Span
from exam_server.connectivity import Connectivity
from exam_server.events import AnyEvent, Attached, Detached, Ended, Responded, Started
from proctoring.incidents import Incident
from proctoring.signals import TITLES
from proctoring.store import Gap

WIDTH = 1000.0
"""Of the whole axis, in units of the drawing."""
NARROWEST = 4.0
"""So that a second in an hour can still be seen and pointed at."""
TICKS = 6
STEPS: tuple[Span, ...] = (10 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR)


class Mark(Struct, frozen=True):
    """A bar of a lane, `x` and `width` in units of the drawing."""

    x: float
    width: float
    tone: Tone = "neutral"
    title: str = ""
    anchor: str = ""


class Lane(Struct, frozen=True):
    """One row: its name for people, the kind of its bars, and the bars."""

    name: str
    kind: str
    marks: tuple[Mark, ...]


class Plot(Struct, frozen=True):
    """`ticks`: moments on the axis with their place."""

    began_at: Moment
    ended_at: Moment
    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[Moment, float], ...]


def draw(
    events: Sequence[AnyEvent], incidents: Iterable[Incident], gaps: Iterable[Gap], now: Moment, say: Say
) -> Plot | None:
    """The sitting from its start to its end, or to `now`; None for one that has not begun."""
    began_at = next((event.at for event in events if isinstance(event, Started)), None)
    if began_at is None:
        return None
    ended_at = next((event.at for event in events if isinstance(event, Ended)), now)
    axis = _Axis(began_at, max(ended_at, began_at + SECOND))
    answers = tuple(axis.bar(event.at, event.at) for event in events if isinstance(event, Responded))
    seen = [
        axis.bar(
            one.began_at,
            one.ended_at or axis.ended_at,
            SEVERITY_TONES[one.severity],
            say(TITLES[one.kind]),
            f"incident-{one.id}",
        )
        for one in incidents
        if one.began_at <= axis.ended_at and (one.ended_at or axis.ended_at) >= axis.began_at
    ]
    unseen = [
        axis.bar(gap.began_at, gap.ended_at or axis.ended_at)
        for gap in gaps
        if gap.began_at < axis.ended_at and (gap.ended_at or axis.ended_at) > axis.began_at
    ]
    return Plot(
        axis.began_at,
        axis.ended_at,
        (
            Lane(say("Связь"), "connected", tuple(_connected(events, axis))),
            Lane(say("Ответы"), "answers", answers),
            Lane(say("Инциденты"), "incidents", tuple(seen)),
            Lane(say("Нет наблюдения"), "gaps", tuple(unseen)),
        ),
        axis.ticks(),
    )


def draw_connectivity(record: Connectivity, now: Moment, say: Say) -> Plot | None:
    """The connection from the first page on, its breaks, and when the clocks stood; None where nobody came."""
    if not record.stretches:
        return None
    last = max(one.ended_at or now for one in record.stretches)
    lasts = max((one.ended_at or now for one in record.breaks), default=last)
    axis = _Axis(record.stretches[0].began_at, max(last, lasts, record.stretches[0].began_at + SECOND))
    pages = tuple(
        axis.bar(
            one.began_at,
            one.ended_at or axis.ended_at,
            "danger" if one.takeover or "address" in one.changed or "device" in one.changed else "neutral",
            say("Подключение № %(epoch)s") % {"epoch": one.epoch},
        )
        for one in record.stretches
    )
    breaks = tuple(axis.bar(one.began_at, one.ended_at or axis.ended_at) for one in record.breaks)
    halts = tuple(axis.bar(*one) for one in record.halts)
    return Plot(
        axis.began_at,
        axis.ended_at,
        (
            Lane(say("На связи"), "connected", pages),
            Lane(say("Без связи"), "gaps", breaks),
            Lane(say("Часы стоят"), "halts", halts),
        ),
        axis.ticks(),
    )


class _Axis:
    def __init__(self, began_at: Moment, ended_at: Moment) -> None:
        self.began_at = began_at
        self.ended_at = ended_at

    def place(self, at: Moment) -> float:
        inside = min(max(at, self.began_at), self.ended_at) - self.began_at
        return WIDTH * inside / (self.ended_at - self.began_at)

    def bar(
        self, began_at: Moment, ended_at: Moment, tone: Tone = "neutral", title: str = "", anchor: str = ""
    ) -> Mark:
        x, end = self.place(began_at), self.place(ended_at)
        width = max(end - x, NARROWEST)
        return Mark(round(min(x, WIDTH - width), 1), round(width, 1), tone, title, anchor)

    def ticks(self) -> tuple[tuple[Moment, float], ...]:
        length = self.ended_at - self.began_at
        step = next((step for step in STEPS if length / step <= TICKS), -(-length // (TICKS * HOUR)) * HOUR)
        first = -(-self.began_at // step) * step
        return tuple((at, round(self.place(at), 1)) for at in range(first, self.ended_at + 1, step))


def _connected(events: Iterable[AnyEvent], axis: _Axis) -> Iterable[Mark]:
    since: Moment | None = None
    for event in events:
        if isinstance(event, Attached) and since is None:
            since = event.at
        elif isinstance(event, Detached | Ended) and since is not None:
            if event.at > axis.began_at:
                yield axis.bar(since, event.at)
            since = None
    if since is not None:
        yield axis.bar(since, axis.ended_at)
