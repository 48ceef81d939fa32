"""What time alone decides: deadlines that have passed, and what our own outages give back before them. Pure."""

from collections.abc import Iterable

from core.moments import Moment, Span
from exam_server import timing
from exam_server.commands import CompensateOutage
from exam_server.events import AnyEvent, BreakOver, Ended, ItemExpired, OutageCompensated, SectionExpired
from exam_server.ruling import Ruling, complete
from exam_server.sitting import Sitting, evolve


def settle(sitting: Sitting, now: Moment) -> tuple[AnyEvent, ...]:
    """Everything the clock alone has decided by `now`, stamped with the deadlines themselves."""
    events: list[AnyEvent] = []
    while (deadline := sitting.deadline) is not None and now > deadline + timing.grace(sitting, deadline):
        event = _expire(sitting, deadline)
        events.append(event)
        sitting = evolve(sitting, event)
        for event in complete(sitting, deadline):
            events.append(event)
            sitting = evolve(sitting, event)
    return tuple(events)


def _expire(sitting: Sitting, deadline: Moment) -> AnyEvent:
    """What a deadline that has passed means."""
    if sitting.status == "ready":
        return Ended(deadline, "not_started")
    if sitting.halt is not None and deadline < sitting.closes_at:
        return BreakOver(deadline)
    if deadline >= timing.exam_deadline(sitting) or deadline == sitting.closes_at:
        return Ended(deadline, "window_closed" if deadline == sitting.closes_at else "exam_time")
    if deadline == timing.section_deadline(sitting):
        return SectionExpired(deadline, sitting.section)
    if sitting.rules.on_item_timeout == "finish":
        return Ended(deadline, "item_time")
    assert sitting.current is not None
    return ItemExpired(deadline, sitting.current)


def compensate(sitting: Sitting, command: CompensateOutage, now: Moment) -> Ruling:
    """Time given back for our own outage, before anything that the outage itself let run out is settled."""
    events = settle(sitting, command.began_at)
    for event in events:
        sitting = evolve(sitting, event)
    if sitting.status == "running" and not made_good(sitting, command.began_at):
        assert sitting.started_at is not None
        ended = command.began_at + command.span
        span = uncovered(max(command.began_at, sitting.started_at), ended, (*_halts(sitting, ended), *sitting.outages))
        if 0 < span <= timing.LONGEST_EXTENSION:
            given = OutageCompensated(now, span, command.began_at, ended)
            events += (given,)
            sitting = evolve(sitting, given)
    return Ruling(events + settle(sitting, now))


def made_good(sitting: Sitting, began_at: Moment) -> bool:
    """Has the outage that began then been given back?"""
    return any(began == began_at for began, _ in sitting.outages)


def uncovered(began: Moment, ended: Moment, covered: Iterable[tuple[Moment, Moment]]) -> Span:
    """How much of the time from one moment to another lies in none of the intervals, which may overlap."""
    left: Span = 0
    for since, until in sorted(covered):
        if since >= ended:
            break
        left += max(0, since - began)
        began = max(began, until)
    return left + max(0, ended - began)


def _halts(sitting: Sitting, ended: Moment) -> tuple[tuple[Moment, Moment], ...]:
    """When the clocks stood: the pause or the break gives that time back itself."""
    if sitting.halt is None:
        return sitting.stood
    return (*sitting.stood, (sitting.halt.since, sitting.halt.until or ended))
