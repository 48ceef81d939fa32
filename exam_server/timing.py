"""Deadlines of a sitting: the earliest of item, section, exam and window wins. Pure."""

from typing import TYPE_CHECKING

from core.moments import DAY, MINUTE, SECOND, Moment, Span
from question_bank.forms import Rules

if TYPE_CHECKING:
    from exam_server.events import Allowance
    from exam_server.sitting import Sitting

LIVE_GRACE: Span = 2 * SECOND
"""How long after a deadline an answer still counts on a connection that was up across it."""
BROKEN_GRACE: Span = 10 * SECOND
"""The same where the connection was down across the deadline."""
MOST_GRACE: Span = MINUTE
"""What all answers of one sitting together may gain by the longer grace; after that it is the shorter one."""
SWEEP_MARGIN: Span = 15 * SECOND
"""A sweeper waits this much longer than any owner would."""
LONGEST_EXTENSION: Span = DAY
"""The most that can be given back at once."""
USUAL_BREAK: Span = 10 * MINUTE
"""A break that only an allowance grants, where the blueprint names no length."""


def gain(rules: Rules, allowance: "Allowance") -> Span:
    """How much later a sitting may end by its allowance: so much longer the exam, and so long the extra breaks."""
    longer = -(-rules.exam_limit * (allowance.percent - 100) // 100) + allowance.extra
    return longer + allowance.breaks * (rules.break_limit or USUAL_BREAK)


def stretch(sitting: "Sitting", span: Span) -> Span:
    """A limit of the blueprint with the candidate's allowance, rounded up.

    The exam's limit becomes `limit * percent / 100 + extra`; every other limit grows in the same proportion, since an
    exam limit beyond what all items allow together would give nobody more time.
    """
    allowance = sitting.allowance
    if allowance.percent == 100 and allowance.extra == 0:
        return span
    whole = sitting.rules.exam_limit
    stretched = whole * allowance.percent + allowance.extra * 100
    return -(-span * stretched // (whole * 100))


def exam_deadline(sitting: "Sitting") -> Moment:
    """When the whole attempt ends: started + limit + time given back, never after the window closes.

    Before the start it is the window's close. While the clocks stand it is what it was when they stopped.
    """
    if sitting.started_at is None:
        return sitting.closes_at
    limit = stretch(sitting, sitting.rules.exam_limit)
    return min(sitting.started_at + limit + sitting.extra, sitting.closes_at)


def section_deadline(sitting: "Sitting") -> Moment | None:
    """When the present section locks. None: it has no limit of its own, or has not begun."""
    if sitting.section_started_at is None or not sitting.rules.sections:
        return None
    limit = sitting.rules.sections[sitting.section].limit
    if limit is None:
        return None
    return sitting.section_started_at + stretch(sitting, limit) + sitting.section_extra


def item_limit(sitting: "Sitting", position: int) -> Span:
    """How long an item may be on screen altogether, with allowance and time given back."""
    return stretch(sitting, sitting.form.entries[position].limit) + sitting.items[position].extra


def item_deadline(sitting: "Sitting") -> Moment | None:
    """When the item on screen locks: its limit less the time already spent on it. None: nothing on screen."""
    position = sitting.current
    if position is None:
        return None
    return sitting.shown_at + max(0, item_limit(sitting, position) - sitting.items[position].spent)


def next_deadline(sitting: "Sitting") -> Moment | None:
    """The earliest moment at which the clock alone changes this sitting; None when it has ended."""
    if sitting.status == "ended":
        return None
    if sitting.halt is not None:
        until = sitting.halt.until
        return sitting.closes_at if until is None else min(until, sitting.closes_at)
    deadline = exam_deadline(sitting)
    item = item_deadline(sitting)
    if item is not None and item < deadline:
        deadline = item
    section = section_deadline(sitting)
    return deadline if section is None or section > deadline else section


def grace(sitting: "Sitting", deadline: Moment) -> Span:
    """How long after `deadline` answers are still in time, by whether the connection was up across it."""
    if sitting.halt is not None:
        return 0  # nothing is on screen that could be answered
    if sitting.settled_grace is not None and deadline == sitting.deadline:
        return sitting.settled_grace
    live = sitting.connected and sitting.attached_at <= deadline
    return LIVE_GRACE if live or sitting.graced >= MOST_GRACE else BROKEN_GRACE
