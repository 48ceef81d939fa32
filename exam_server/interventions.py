"""What follows from a command of staff or of the service itself. Pure."""

from typing import assert_never

from core.moments import DAY, HOUR, Moment
from exam_server import timing
from exam_server.commands import (
    AdmitLate,
    AnswerHelp,
    CompensateOutage,
    Extend,
    MoveClose,
    Pause,
    ReplaceForm,
    Resume,
    SetAllowance,
    StaffCommand,
    Stop,
    Tell,
    Withdraw,
)
from exam_server.events import (
    AllowanceSet,
    AnyEvent,
    CloseMoved,
    Ended,
    Extended,
    FormReplaced,
    HelpAnswered,
    ItemWithdrawn,
    LateAdmitted,
    Paused,
    Resumed,
    Told,
)
from exam_server.ruling import Ruling, complete
from exam_server.sitting import Sitting, evolve

MAX_UNREAD = 50
"""Messages to a candidate that may wait unread."""
FURTHEST_CLOSE = 62 * DAY
"""A window lasts at most half of that, and forms are drawn before it opens."""
MOST_PERCENT = 400
MOST_EXTRA = 6 * HOUR
MOST_BREAKS = 20


def intervene(sitting: Sitting, command: StaffCommand, now: Moment) -> Ruling:
    """Events, or why not. What staff do to a candidate's time is never more than the window holds."""
    if isinstance(command, AdmitLate):
        return _admit_late(sitting, command, now)
    if sitting.status == "ended":
        return Ruling() if isinstance(command, Withdraw | AnswerHelp | CompensateOutage) else Ruling(refusal="ended")
    match command:
        case Extend():
            return _extend(sitting, command, now)
        case Pause():
            if sitting.status != "running":
                return Ruling(refusal="not_started")
            if sitting.halt is not None:
                return Ruling(refusal="paused" if sitting.halt.until is None else "on_break")
            return Ruling((Paused(now, command.by, command.note),))
        case Resume():
            if sitting.halt is None or sitting.halt.until is not None:
                return Ruling(refusal="not_paused")
            return Ruling((Resumed(now, command.by),))
        case SetAllowance():
            given = command.allowance
            fits = 100 <= given.percent <= MOST_PERCENT and 0 <= given.extra <= MOST_EXTRA
            if not fits or not 0 <= given.breaks <= MOST_BREAKS:
                return Ruling(refusal="bad_allowance")
            return Ruling((AllowanceSet(now, given, command.by, command.note),))
        case MoveClose():
            if not now < command.closes_at <= now + FURTHEST_CLOSE:
                return Ruling(refusal="bad_moment")
            return Ruling((CloseMoved(now, command.closes_at, command.by, command.note),))
        case Tell():
            if len(sitting.unread) >= MAX_UNREAD:
                return Ruling(refusal="too_many_notices")
            return Ruling((Told(now, command.kind, command.note, command.by),))
        case AnswerHelp():
            return Ruling() if sitting.help_since is None else Ruling((HelpAnswered(now, command.by),))
        case Withdraw():
            return _withdraw(sitting, command, now)
        case ReplaceForm():
            if sitting.status != "ready":
                return Ruling(refusal="already_begun")
            return Ruling((FormReplaced(now, command.form),))
        case Stop():
            return Ruling((Ended(now, command.reason, by=command.by, note=command.note),))
        case CompensateOutage():
            raise TypeError("an outage is made good before anything is settled: see rulings.decide")
        case _:
            assert_never(command)


def _extend(sitting: Sitting, command: Extend, now: Moment) -> Ruling:
    if sitting.started_at is None:
        return Ruling(refusal="not_started")
    if not 0 < command.span <= timing.LONGEST_EXTENSION:
        return Ruling(refusal="bad_span")
    limit = timing.stretch(sitting, sitting.rules.exam_limit)
    if sitting.started_at + limit + sitting.extra + command.span > sitting.closes_at:
        return Ruling(refusal="past_window")
    return Ruling((Extended(now, command.span, command.by, command.note, command.cause),))


def _withdraw(sitting: Sitting, command: Withdraw, now: Moment) -> Ruling:
    """Who has seen the item keeps it; from everybody else it is gone."""
    events: tuple[AnyEvent, ...] = ()
    for position, entry in enumerate(sitting.form.entries):
        item = sitting.items[position]
        if entry.item == command.item and not item.visited and not item.withdrawn:
            event = ItemWithdrawn(now, position)
            events += (event,)
            sitting = evolve(sitting, event)
    return Ruling((*events, *complete(sitting, now)) if events else ())


def _admit_late(sitting: Sitting, command: AdmitLate, now: Moment) -> Ruling:
    if sitting.status != "ended":
        return Ruling(refusal="not_ended")
    if not 0 <= command.late < len(sitting.late) or sitting.late[command.late].admitted:
        return Ruling(refusal="unknown_late")
    return Ruling((LateAdmitted(now, command.late, command.by, command.note),))
