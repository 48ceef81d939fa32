"""What time alone decides: deadlines that have passed, and what our own outages give back before them. Pure."""

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
    if sitting.status == "running" and command.began_at not in sitting.outages:
        assert sitting.started_at is not None
        began, ended = max(command.began_at, sitting.started_at), command.began_at + command.span
        span = ended - began - _stood(sitting, began, ended)
        if 0 < span <= timing.LONGEST_EXTENSION:
            given = OutageCompensated(now, span, command.began_at)
            events += (given,)
            sitting = evolve(sitting, given)
    return Ruling(events + settle(sitting, now))


def _stood(sitting: Sitting, began: Moment, ended: Moment) -> Span:
    """How long the clocks stood meanwhile: that time is given back by the pause or the break itself."""
    halts = sitting.stood
    if sitting.halt is not None:
        halts += ((sitting.halt.since, sitting.halt.until or ended),)
    return sum(max(0, min(until, ended) - max(since, began)) for since, until in halts)
