"""Deadlines of a sitting: the earliest of item limit, exam limit and window close wins. Pure."""

from typing import TYPE_CHECKING

from core.moments import DAY, SECOND, Moment, Span

if TYPE_CHECKING:
    from exam_server.sitting import Sitting

LIVE_GRACE: Span = 2 * SECOND
"""How long after a deadline an answer still counts on a connection that was up across it."""
BROKEN_GRACE: Span = 10 * SECOND
"""The same where the connection was down across the deadline."""
SWEEP_MARGIN: Span = 15 * SECOND
"""A sweeper waits this much longer than any owner would."""
LONGEST_EXTENSION: Span = DAY
"""The most that can be given back at once."""


def exam_deadline(sitting: "Sitting") -> Moment:
    """When the whole attempt ends: started + limit + time given back, never after the window closes.

    Before the start it is the window's close.
    """
    if sitting.started_at is None:
        return sitting.closes_at
    return min(sitting.started_at + sitting.rules.exam_limit + sitting.extra, sitting.closes_at)


def item_deadline(sitting: "Sitting") -> Moment | None:
    """When the item on screen locks: its limit less the time already spent on it. None: nothing on screen."""
    if sitting.current is None:
        return None
    progress = sitting.items[sitting.current]
    limit = sitting.form.entries[sitting.current].limit
    return sitting.shown_at + max(0, limit - progress.spent)


def next_deadline(sitting: "Sitting") -> Moment | None:
    """The earliest moment at which the clock alone changes this sitting; None when it has ended."""
    if sitting.status == "ended":
        return None
    whole = exam_deadline(sitting)
    item = item_deadline(sitting)
    return whole if item is None else min(item, whole)


def grace(sitting: "Sitting", deadline: Moment) -> Span:
    """How long after `deadline` answers are still in time, by whether the connection was up across it."""
    if sitting.settled_grace is not None and deadline == sitting.deadline:
        return sitting.settled_grace
    live = sitting.connected and sitting.attached_at <= deadline
    return LIVE_GRACE if live else BROKEN_GRACE
