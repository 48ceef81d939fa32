"""What follows from a command to a sitting at a moment: the rules of the exam. Pure.

`decide(sitting, command, now)` gives events, or a refusal, or both: time may have run out first.
"""

from collections.abc import Iterable
from typing import Literal

from core.moments import Moment
from exam_server import timing
from exam_server.commands import (
    Admit,
    Advance,
    Attach,
    CandidateCommand,
    CloseSection,
    Command,
    CompensateOutage,
    Detach,
    EndBreak,
    Flag,
    Help,
    LockStage,
    Question,
    ReadNotice,
    RefusalCode,
    Respond,
    Settle,
    Show,
    Start,
    Submit,
    TakeBreak,
    WithdrawAdmission,
)
from exam_server.events import (
    AdmissionWithdrawn,
    Admitted,
    AnyEvent,
    Attached,
    BreakBegun,
    BreakOver,
    Detached,
    Ended,
    Flagged,
    HelpAsked,
    ItemExpired,
    ItemLocked,
    NoticeRead,
    Questioned,
    Responded,
    RespondedLate,
    SectionClosed,
    Shown,
    StageLocked,
    Started,
)
from exam_server.interventions import intervene
from exam_server.progress import ItemProgress
from exam_server.ruling import Ruling, complete
from exam_server.settlement import compensate, settle
from exam_server.sitting import ATTACH_EVERY, Sitting, evolve
from question_bank.forms import FormEntry

MAX_STREAMS = 32
"""Browsers that one sitting may be continued from."""
ATTACH_BURST = 40
"""Pages that may attach at once; a page that comes and goes without end would fill the log."""
MAX_SEQ_STEP = 10_000
"""How far a sequence number may jump: a page numbers its edits one by one."""
MAX_LATE = 200
"""Late answers kept as evidence."""
MAX_REMARKS = 200
"""Remarks on items and calls for help that one sitting may have."""


def decide(sitting: Sitting, command: Command, now: Moment) -> Ruling:
    """What a command means at `now` (never before the last event). Deadlines that have passed come first."""
    if type(command) is Respond and sitting.deadline is not None and now <= sitting.deadline:
        return _respond(sitting, command, now)  # the common case, before anything that only time could change
    if type(command) is CompensateOutage:
        return compensate(sitting, command, now)
    before: tuple[AnyEvent, ...] = ()
    if type(command) is Attach and sitting.connected and _attach_refusal(sitting, command, now) is None:
        before = (Detached(sitting.last_at if command.orphaned else now),)
        sitting = evolve(sitting, before[0])
    settled = settle(sitting, now)
    for event in settled:
        sitting = evolve(sitting, event)
    ruling = _rule(sitting, command, now)
    return Ruling(before + settled + ruling.events, ruling.refusal) if before or settled else ruling


def _rule(sitting: Sitting, command: Command, now: Moment) -> Ruling:
    match command:
        case Respond():
            return _respond(sitting, command, now)
        case (
            Start()
            | Show()
            | LockStage()
            | Flag()
            | CloseSection()
            | TakeBreak()
            | EndBreak()
            | ReadNotice()
            | Submit()
            | Question()
            | Help()
        ):
            return _obey(sitting, command, now)
        case Attach():
            refusal = _attach_refusal(sitting, command, now)
            if refusal is not None:
                return Ruling(refusal=refusal)
            return Ruling((Attached(now, command.stream, sitting.epoch + 1, command.via),))
        case Detach():
            if sitting.connected and sitting.epoch == command.epoch:
                return Ruling((Detached(now),))
            return Ruling()
        case Settle() | CompensateOutage():
            return Ruling()
        case Advance():
            following = following_item(sitting)
            idle = sitting.status != "running" or sitting.halt is not None or sitting.between
            idle = idle or sitting.explaining is not None or _out_of_time(sitting, now)
            if idle or sitting.current is not None or following is None:
                return Ruling()
            return Ruling((Shown(now, following),))
        case Admit():
            if sitting.status != "ready" or sitting.admitted is not None:
                return Ruling()
            return Ruling((Admitted(now, command.by),))
        case WithdrawAdmission():
            if sitting.status != "ready" or sitting.admitted is None:
                return Ruling()
            return Ruling((AdmissionWithdrawn(now),))
    return intervene(sitting, command, now)


def _attach_refusal(sitting: Sitting, command: Attach, now: Moment) -> Literal["too_many_devices", "busy"] | None:
    """Why this page may not have the sitting, or not yet. Whoever has it keeps it then."""
    if command.stream not in sitting.streams and len(sitting.streams) >= MAX_STREAMS:
        return "too_many_devices"
    return "busy" if sitting.paced_until - now > (ATTACH_BURST - 1) * ATTACH_EVERY else None


def _seq_refusal(sitting: Sitting, seq: int) -> Literal["bad_seq", "repeated"] | None:
    last = sitting.streams.get(sitting.stream, 0)
    if seq < 1 or seq > last + MAX_SEQ_STEP:
        return "bad_seq"
    return "repeated" if seq <= last else None


def _obey(sitting: Sitting, command: CandidateCommand, now: Moment) -> Ruling:
    match _seq_refusal(sitting, command.seq):
        case "bad_seq":
            return Ruling(refusal="bad_seq")
        case "repeated":
            return Ruling()
    if sitting.status == "ended":
        return Ruling(refusal="ended")
    match command:
        case Start():
            return _start(sitting, command, now)
        case Help():
            if sitting.remarks >= MAX_REMARKS:
                return Ruling(refusal="too_many_remarks")
            return Ruling((HelpAsked(now, command.seq, command.note),))
        case ReadNotice():
            if all(one.note != command.notice for one in sitting.unread):
                return Ruling(refusal="unknown_notice")
            return Ruling((NoticeRead(now, command.notice, command.seq),))
    if sitting.status == "ready":
        return Ruling(refusal="not_started")
    match command:
        case Flag() | Question():
            return _remark(sitting, command, now)
        case EndBreak():
            on_break = sitting.halt is not None and sitting.halt.until is not None
            return Ruling((BreakOver(now, command.seq),)) if on_break else Ruling(refusal="not_on_break")
    if sitting.halt is not None:
        return Ruling(refusal="paused" if sitting.halt.until is None else "on_break")
    match command:
        case Submit():
            return Ruling((Ended(now, "submitted", seq=command.seq),))
        case TakeBreak():
            return _take_break(sitting, command, now)
        case CloseSection():
            return _close_section(sitting, command, now)
        case Show() | LockStage():
            if not 0 <= command.position < len(sitting.items):
                return Ruling(refusal="unknown_item")
            return _show(sitting, command, now) if isinstance(command, Show) else _lock_stage(sitting, command, now)
    raise TypeError(type(command).__name__)


def _start(sitting: Sitting, command: Start, now: Moment) -> Ruling:
    if sitting.status == "running":
        return Ruling(refusal="already_started")
    if now < sitting.opens_at:
        return Ruling(refusal="too_early")
    if sitting.admitted is None and not sitting.rules.practice:
        return Ruling(refusal="not_admitted")
    started = Started(now, command.seq)
    begun = evolve(sitting, started)
    following = following_item(begun)
    if following is None:  # everything was withdrawn
        return Ruling((started, *complete(begun, now)))
    return Ruling((started, Shown(now, following)))


def _remark(sitting: Sitting, command: Flag | Question, now: Moment) -> Ruling:
    """Flags and doubts change nothing that is marked, so they are taken while the clocks stand too."""
    if not 0 <= command.position < len(sitting.items):
        return Ruling(refusal="unknown_item")
    if type(command) is Flag:
        if not sitting.rules.flags:
            return Ruling(refusal="flags_off")
        return Ruling((Flagged(now, command.position, command.on, command.seq),))
    assert isinstance(command, Question)
    if not sitting.items[command.position].visited:
        return Ruling(refusal="item_not_open")
    if sitting.remarks >= MAX_REMARKS:
        return Ruling(refusal="too_many_remarks")
    return Ruling((Questioned(now, command.position, command.note, command.seq),))


def _take_break(sitting: Sitting, command: TakeBreak, now: Moment) -> Ruling:
    rules = sitting.rules
    if sitting.breaks_taken >= rules.breaks + sitting.allowance.breaks:
        return Ruling(refusal="no_breaks_left")
    ahead = range(sitting.section_range.start, len(sitting.items))
    if all(sitting.items[position].visited or sitting.items[position].locked for position in ahead):
        return Ruling(refusal="nothing_left")  # a break locks what was seen: it would be the end
    begun = BreakBegun(now, now + (rules.break_limit or timing.USUAL_BREAK), command.seq)
    return Ruling((begun, *complete(evolve(sitting, begun), now)))


def _close_section(sitting: Sitting, command: CloseSection, now: Moment) -> Ruling:
    if command.section != sitting.section:
        return Ruling(refusal="other_section")
    if sitting.last_section:
        return Ruling(refusal="last_section")
    closed = SectionClosed(now, command.section, command.seq)
    return Ruling((closed, *complete(evolve(sitting, closed), now)))


def _show(sitting: Sitting, command: Show, now: Moment) -> Ruling:
    target = sitting.items[command.position]
    shown = Shown(now, command.position, command.seq)
    if target.locked:
        return Ruling(refusal="item_locked")
    if command.position not in sitting.section_range:
        return Ruling(refusal="other_section")
    if _out_of_time(sitting, now):
        return Ruling(refusal="item_locked")
    deadline = timing.item_deadline(sitting)
    if sitting.current is None or deadline is None:
        fits = sitting.rules.navigation == "free" or command.position == following_item(sitting)
        return Ruling((shown,)) if fits else Ruling(refusal="going_back_off")
    over = deadline <= now
    if command.position == sitting.current:
        return Ruling(refusal="item_locked") if over else Ruling((shown,))
    if sitting.rules.navigation == "free":
        return Ruling((ItemExpired(deadline, sitting.current), shown) if over else (shown,))
    if command.position != following_item(sitting):
        return Ruling(refusal="going_back_off")
    if sitting.rules.practice and sitting.rules.explanations == "item":
        return Ruling((ItemLocked(now, sitting.current, command.seq),))  # it is explained before the next one's clock
    return Ruling((ItemLocked(now, sitting.current), shown))


def _out_of_time(sitting: Sitting, now: Moment) -> bool:
    """Is the exam or the section over but for its grace? That is for what was on its way, not for a new look."""
    section = timing.section_deadline(sitting)
    return timing.exam_deadline(sitting) <= now or (section is not None and section <= now)


def _lock_stage(sitting: Sitting, command: LockStage, now: Moment) -> Ruling:
    refusal = _closed(sitting, command.position, command.stage)
    if refusal is not None:
        return Ruling(refusal=refusal)
    if not sitting.items[command.position].answers[command.stage]:
        return Ruling(refusal="stage_unanswered")
    locked = StageLocked(now, command.position, command.stage, command.seq)
    return Ruling((locked, *complete(evolve(sitting, locked), now)))


def _closed(sitting: Sitting, position: int, stage: int) -> RefusalCode | None:
    """Why this stage of this item can't be changed now, or None."""
    item = sitting.items[position]
    if item.locked:
        return "item_locked"
    if position != sitting.current:
        return "item_not_open"
    if stage < item.stage:
        return "stage_locked"
    return "stage_not_open" if stage > item.stage else None


def _respond(sitting: Sitting, command: Respond, now: Moment) -> Ruling:
    last = sitting.streams.get(sitting.stream, 0)
    if not last < command.seq <= last + MAX_SEQ_STEP:
        return Ruling() if 1 <= command.seq <= last else Ruling(refusal="bad_seq")
    if sitting.status == "ready":
        return Ruling(refusal="not_started")
    if not 0 <= command.position < len(sitting.items):
        return Ruling(refusal="unknown_item")
    entry = sitting.form.entries[command.position]
    refusal = _misfit(entry, command)
    if refusal is not None:
        return Ruling(refusal=refusal)
    if sitting.halt is not None:
        return Ruling(refusal="paused" if sitting.halt.until is None else "on_break")
    refusal = "ended" if sitting.status == "ended" else _closed(sitting, command.position, command.stage)
    if refusal is None:
        if command.epoch and _superseded(sitting.items[command.position], command.epoch, sitting.stream):
            return Ruling(refusal="superseded")
        return Ruling((Responded(now, command.position, command.stage, command.value, command.seq),))
    if _came_late(sitting, command):
        if len(sitting.late) >= MAX_LATE:
            return Ruling(refusal="too_late")
        return Ruling((RespondedLate(now, command.position, command.stage, command.value, command.seq),))
    return Ruling(refusal=refusal)


def _superseded(item: ItemProgress, epoch: int, stream: str) -> bool:
    """Did it wait on one device while a newer response was given on another?"""
    return epoch < item.epoch and item.stream != stream


def _misfit(entry: FormEntry, command: Respond) -> RefusalCode | None:
    """Does the value have the shape that this stage asks for?"""
    if not 0 <= command.stage < len(entry.stages):
        return "unknown_option"
    stage = entry.stages[command.stage]
    value = command.value
    for choice in value:
        if choice not in stage.choices:
            return "unknown_option"
    if stage.kind == "choice":
        return "wrong_count" if len(value) > 1 else None
    return "wrong_count" if len(set(value)) != len(value) else None


def _came_late(sitting: Sitting, command: Respond) -> bool:
    """Was this stage open until time ran out, so that the answer is evidence and not a stray message?"""
    item = sitting.items[command.position]
    if not item.visited or command.stage != item.stage or (item.locked and not item.expired):
        return False
    if sitting.status == "ended":
        return item.expired or sitting.end_reason in {"exam_time", "item_time", "window_closed"}
    return item.expired


def following_item(sitting: Sitting) -> int | None:
    """The next item of the section that is not locked, after the one on screen; round again when going back is allowed.

    What a pause took off the screen comes first.
    """
    places = sitting.section_range
    back = sitting.back_to
    if back is not None and back in places and not sitting.items[back].locked:
        return back
    if sitting.rules.navigation == "linear":
        order: Iterable[int] = places if sitting.current is None else range(sitting.current + 1, places.stop)
    else:
        last = sitting.left if sitting.current is None else sitting.current
        after = last + 1 if last in places else places.start
        order = (*range(after, places.stop), *range(places.start, after))
    return next((position for position in order if not sitting.items[position].locked), None)
