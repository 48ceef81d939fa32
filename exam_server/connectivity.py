"""How a candidate was connected: from where, with what, and how much of the exam was lost without a connection. Pure.

Time that ran while nothing could be sent is what a proctor may give back as a proven outage. What stood still anyway
(a pause, a break) or was given back already, for our own outages too, is not lost.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from core.moments import MINUTE, Moment, Span
from exam_server.events import (
    AnyEvent,
    Attached,
    BreakBegun,
    BreakOver,
    Detached,
    Ended,
    Extended,
    OutageCompensated,
    Paused,
    Resumed,
    Started,
    Via,
)

Change: TypeAlias = Literal["address", "device", "browser"]
Interval: TypeAlias = tuple[Moment, Moment]


class Place(Struct, frozen=True):
    """Where a page connected from and with what, as its connection is recorded beside the log."""

    address: str
    device: str


class Stretch(Struct, frozen=True):
    """One page's hold of the sitting; `ended_at` None: it is connected now.

    `takeover`: the page before it was still connected. `changed`: what is not as it was the time before.
    """

    epoch: int
    began_at: Moment
    ended_at: Moment | None
    via: Via
    place: Place | None
    takeover: bool = False
    changed: tuple[Change, ...] = ()


class Break(Struct, frozen=True):
    """No connection from a moment on; `ended_at` None: still so. `lost`: how long the clocks ran meanwhile."""

    began_at: Moment
    ended_at: Moment | None
    lost: Span


class Connectivity(Struct, frozen=True):
    """The whole record. `halts`: when the clocks stood.

    `owed` was lost since `since`, the last time that somebody made an outage good, in `owed_breaks` breaks.
    """

    stretches: tuple[Stretch, ...]
    breaks: tuple[Break, ...]
    halts: tuple[Interval, ...]
    away: Span
    """Without a connection altogether, before the start too."""
    lost: Span
    """Of it while the exam's clocks ran."""
    owed: Span
    owed_breaks: int
    since: Moment | None
    away_since: Moment | None
    """Of the break that lasts still."""


def trace(events: Iterable[AnyEvent], places: Mapping[int, Place], now: Moment) -> Connectivity:
    """The record up to `now`, or to the end of the sitting; `places` by epoch."""
    told = tuple(events)
    stretches, gaps = _stretches(told, places)
    ended_at = next((event.at for event in told if isinstance(event, Ended)), None)
    last = stretches[-1].ended_at if stretches else None
    if last is not None:
        gaps.append((last, ended_at))
    until = now if ended_at is None else ended_at
    breaks = [(begun, over) for begun, over in gaps if (until if over is None else over) > begun]
    away = [(begun, until if over is None else over) for begun, over in breaks]
    halts = _halts(told, until)
    lost = _without(_within(away, _exam(told, until)), (*halts, *_our_own(told, halts)))
    since = max((event.at for event in told if isinstance(event, Extended) and event.cause == "outage"), default=None)
    owed = lost if since is None else [one for one in (_after(one, since) for one in lost) if one[1] > one[0]]
    return Connectivity(
        stretches=tuple(stretches),
        breaks=tuple(
            Break(begun, over, _length(_within(lost, [(begun, until if over is None else over)])))
            for begun, over in breaks
        ),
        halts=tuple(halts),
        away=_length(away),
        lost=_length(lost),
        owed=_length(owed),
        owed_breaks=sum(1 for one in away if _within(owed, [one])),
        since=since,
        away_since=breaks[-1][0] if breaks and breaks[-1][1] is None else None,
    )


def proposed_minutes(record: Connectivity) -> int:
    """What a proctor is offered to give back: what is owed, a begun minute whole."""
    return -(-record.owed // MINUTE)


def _stretches(
    events: Iterable[AnyEvent], places: Mapping[int, Place]
) -> tuple[list[Stretch], list[tuple[Moment, Moment | None]]]:
    """Every page's hold up to the end of the sitting, and what lies between two of them."""
    stretches: list[Stretch] = []
    gaps: list[tuple[Moment, Moment | None]] = []
    stream = ""
    for event in events:
        if isinstance(event, Attached):
            stretch = Stretch(event.epoch, event.at, None, event.via, places.get(event.epoch))
            before = stretches[-1] if stretches else None
            if before is not None and before.ended_at is not None:  # a log always parts before it attaches anew
                gaps.append((before.ended_at, event.at))
                changed = _compare(before.place, stretch.place, stream != event.stream)
                stretch = replace(stretch, takeover=event.at <= before.ended_at, changed=changed)
            stretches.append(stretch)
            stream = event.stream
        elif isinstance(event, Detached | Ended) and stretches and stretches[-1].ended_at is None:
            stretches[-1] = replace(stretches[-1], ended_at=max(event.at, stretches[-1].began_at))
        if isinstance(event, Ended):
            break
    return stretches, gaps


def _compare(before: Place | None, after: Place | None, browser: bool) -> tuple[Change, ...]:
    changed: list[Change] = []
    if before is not None and after is not None:
        changed += ["address"] if before.address != after.address else []
        changed += ["device"] if before.device != after.device else []
    return (*changed, "browser") if browser else tuple(changed)


def _exam(events: Iterable[AnyEvent], until: Moment) -> list[Interval]:
    return [(event.at, max(event.at, until)) for event in events if isinstance(event, Started)]


def _halts(events: Iterable[AnyEvent], until: Moment) -> list[Interval]:
    halts: list[Interval] = []
    since: Moment | None = None
    for event in events:
        if isinstance(event, Paused | BreakBegun):
            since = event.at
        elif isinstance(event, Resumed | BreakOver) and since is not None:
            halts.append((since, max(since, event.at)))
            since = None
    return halts if since is None else [*halts, (since, max(since, until))]


def _our_own(events: Iterable[AnyEvent], halts: Iterable[Interval]) -> list[Interval]:
    """Outages of the service: it gave that time back by itself, except for what the clocks had stood anyway."""
    ours: list[Interval] = []
    started = 0
    for event in events:
        if isinstance(event, Started):
            started = event.at
        elif isinstance(event, OutageCompensated):
            begun = max(event.began_at, started)
            over = event.ended_at
            if not over:  # an older log; what the clocks stood is not in its span
                over = begun + event.span
                for since, until in halts:
                    if since < over and until > begun:
                        over += until - max(since, begun)
            ours.append((begun, over))
    return ours


def _after(interval: Interval, since: Moment) -> Interval:
    return max(interval[0], since), interval[1]


def _within(intervals: Iterable[Interval], bounds: Iterable[Interval]) -> list[Interval]:
    bounds = tuple(bounds)
    met = [(max(a, c), min(b, d)) for a, b in intervals for c, d in bounds]
    return [(a, b) for a, b in met if b > a]


def _without(intervals: Iterable[Interval], holes: Iterable[Interval]) -> list[Interval]:
    left = list(intervals)
    for begun, over in holes:
        parts = [part for a, b in left for part in ((a, min(b, begun)), (max(a, over), b))]
        left = [(a, b) for a, b in parts if b > a]
    return left


def _length(intervals: Iterable[Interval]) -> Span:
    return sum(b - a for a, b in intervals)
