"""Judges the rows of one sitting as they land, by what came before them and by what was made and received."""

from collections.abc import Sequence
from typing import Any

from core.ids import SittingId
from core.moments import SECOND, Moment, Span
from exam_server.events import (
    AllowanceSet,
    AnyEvent,
    Attached,
    BreakBegun,
    BreakOver,
    CloseMoved,
    Created,
    Detached,
    Ended,
    Extended,
    Flagged,
    HelpAsked,
    ItemExpired,
    ItemLocked,
    ItemWithdrawn,
    LateAdmitted,
    NoticeRead,
    OutageCompensated,
    Paused,
    Questioned,
    Responded,
    RespondedLate,
    SectionClosed,
    SectionExpired,
    Shown,
    StageLocked,
    Started,
    Told,
)
from tests.simulation.reckoning import Reckoning
from tests.simulation.timeline import Timeline

CLOCKS: Span = 250
"""Two clocks within tolerance, and the readings in between, differ by no more than this."""
COMMIT: Span = 10 * SECOND
"""An answer in time that takes no longer than this to be stored is scored, whoever settles."""
PAGES, PAGE_EVERY = 40, 500
"""So many pages may attach at once, and in the long run one in that time."""
BY_TIME = {"exam_time", "item_time", "window_closed", "not_started"}
ORDERED = Extended | Paused | AllowanceSet | CloseMoved | Told | LateAdmitted | Ended
"""What is done because somebody ordered it: once for each note."""
ON_SCREEN = Shown | Responded | StageLocked | ItemLocked | ItemExpired
AFTERWARDS = Attached | Detached | RespondedLate | LateAdmitted
"""What may still happen after the end."""


class Record(Reckoning):
    """One sitting as its rows tell it. `take` judges each event by what came before it."""

    def __init__(
        self,
        timeline: Timeline,
        sitting: SittingId,
        created: Created,
        kept: dict[tuple[str, int], dict[str, Any]],
    ) -> None:
        super().__init__(created)
        self.timeline = timeline
        self.sitting = sitting
        self.kept = kept
        self.receipts: dict[tuple[str, int], list[tuple[Moment, Moment]]] = {}
        """Of each edit, by stream and number: what the process's clock said, and what time it was."""
        self.notes: set[int] = set()
        self.trusted = True
        """No clock was ever beyond the tolerance, so the true time may be judged too."""
        self._newest: Moment = created.at
        self._came: list[Moment] = []
        """When pages attached."""
        self._graces: dict[Moment, Span] = {}
        """What each deadline that was settled had for its grace."""

    def take(self, events: Sequence[AnyEvent]) -> None:
        """Everything of one row, in order."""
        for number, event in enumerate(events):
            following = events[number + 1] if number + 1 < len(events) else None
            self._judge(event)
            self._judge_time(event, following)
            self.apply(event)
            self._newest = max(self._newest, event.at)

    # --- what may happen ----------------------------------------------------------------------------------------

    def _judge(self, event: AnyEvent) -> None:
        seq: int | None = getattr(event, "seq", None)
        if seq is not None:
            self._judge_number(event, seq)
        if self.ended and not isinstance(event, AFTERWARDS):
            self._blame(f"{type(event).__name__} after the end")
        if self.halted_at is not None and isinstance(event, ON_SCREEN):
            self._blame(f"{type(event).__name__} while the clocks stand still")
        if isinstance(event, ORDERED) and event.note is not None:
            if event.note in self.notes:
                self._blame(f"order {event.note} was carried out twice")
            self.notes.add(event.note)
        match event:
            case Attached():
                self._judge_page(event)
            case Shown() if event.position not in self.places or event.position in self.locked:
                self._blame(f"item {event.position} was shown out of its place")
            case ItemExpired() if event.position != self.current or event.position in self.locked:
                self._blame(f"item {event.position} expired and was not on screen")
            case Ended() if event.reason == "completed" and len(self.locked) != len(self.limits):
                self._blame("completed with open items")
            case Ended() if event.reason in BY_TIME and (event.reason == "not_started") != (self.started_at is None):
                self._blame(f"ended as {event.reason}")
            case SectionClosed() if event.seq is None and not self.locked.issuperset(self.places):
                self._blame(f"section {event.section} was closed with open items")
            case SectionClosed() | SectionExpired() if event.section != self.section:
                self._blame(f"section {event.section} is over while {self.section} is under way")
            case ItemWithdrawn() if event.position in self.opened:
                self._blame(f"item {event.position} was withdrawn from somebody who has seen it")
            case BreakBegun() if self.breaks >= self.rules.breaks + self.allowance.breaks:
                self._blame("a break that nobody granted")
            case OutageCompensated() if event.began_at in self.outages:
                self._blame("an outage was made good twice")
            case Responded():
                self._judge_answer(event)
            case RespondedLate():
                self._judge_late(event)

    def _judge_page(self, event: Attached) -> None:
        if event.epoch != self.epoch + 1:
            self._blame(f"epoch {event.epoch} follows {self.epoch}")
        self._came.append(event.at)
        for place, since in enumerate(self._came):
            if len(self._came) - place > PAGES + (event.at - since) / PAGE_EVERY:
                self._blame(f"{len(self._came) - place} pages have come within {event.at - since} ms")
                return

    def _judge_number(self, event: AnyEvent, seq: int) -> None:
        """Once, in order, as it was made, stamped with the moment of its receipt."""
        if seq <= self.heard.get(self.stream, 0):
            self._blame(f"{self.stream}: {seq} is stored again, or out of order")
        made = self.kept.get((self.stream, seq))
        if made is None:
            self._blame(f"{self.stream}: {seq} was never made")
            return
        if not _fits(event, made):
            self._blame(f"{self.stream}: {seq} was made as {made} and is stored as {event}")
        moments = {moment for moment, _ in self.receipts.get((self.stream, seq), [])}
        waited = event.at == self._newest and any(moment <= event.at for moment in moments)
        if event.at not in moments and not waited:
            self._blame(f"{self.stream}: {seq} stands at {event.at}, received at {sorted(moments)}")

    def _judge_answer(self, event: Responded) -> None:
        place = (event.position, event.stage)
        if event.position != self.current or event.position in self.locked:
            self._blame(f"an answer to item {place}, which is not open")
        if event.stage != self.opened.get(event.position, 0) - 1:
            self._blame(f"an answer to stage {place}, which is not open")

    # --- time -----------------------------------------------------------------------------------------------------

    def _judge_time(self, event: AnyEvent, following: AnyEvent | None) -> None:
        match event:
            case ItemExpired():
                self._judge_settlement(event.at, self.item_due, isinstance(following, Shown))
            case SectionExpired():
                self._judge_settlement(event.at, self.section_due)
            case BreakOver() if event.seq is None:
                self._judge_settlement(event.at, self.halted_until)
            case Ended() if event.reason in BY_TIME:
                ends = {"item_time": self.item_due, "exam_time": self.exam_due}
                self._judge_settlement(event.at, ends.get(event.reason, self.closes_at))
            case OutageCompensated():
                due = self.due
                if due is not None and event.began_at > due + self.grace(due):
                    self._blame(f"an outage made good a deadline that had passed {event.began_at - due} ms before")
            case Detached() | SectionClosed(seq=None) | Ended(reason="completed"):
                """Detached is put before what its moment may settle; the others are part of a settlement."""
            case _:
                due = self.due
                if due is not None and event.at > due + self.grace(due):
                    self._blame(f"{type(event).__name__} {event.at - due} ms after the deadline")
                if due is not None and self.trusted and isinstance(event, Responded):
                    self._judge_arrival(event, due + self.grace(due))

    def _judge_settlement(self, at: Moment, due: Moment | None, moved_on: bool = False) -> None:
        if due is None or at != due or at != self.due:
            self._blame(f"settled at {at}, where the deadline is {due} of {self.due}")
            return
        grace = 0 if moved_on else self.grace(due)  # who asks for the next item gives the rest of the grace up
        self._graces[due] = grace
        if self.trusted and self.timeline.moment < due + grace - CLOCKS:
            self._blame(f"settled {due + grace - self.timeline.moment} ms too early")

    def _judge_arrival(self, event: Responded, last: Moment) -> None:
        """The true time, which no clock of a process has to agree with."""
        arrived = [true for moment, true in self.receipts.get((self.stream, event.seq), []) if moment <= event.at]
        if arrived and min(arrived) > last + CLOCKS:
            self._blame(f"an answer {min(arrived) - last} ms after deadline and grace is scored")

    def _judge_late(self, event: RespondedLate) -> None:
        due = self.expired.get(event.position, self.over_at)
        if due is None:
            self._blame("an answer is late for an item that is open")
        elif event.at <= due + self._graces.get(due, 0) - CLOCKS and self.timeline.moment - event.at < COMMIT:
            self._blame(f"an answer {event.at - due} ms after the deadline is not scored, although it was in time")

    def _blame(self, what: str) -> None:
        self.timeline.blame(f"sitting {self.sitting}: {what}")


def _fits(event: AnyEvent, made: dict[str, Any]) -> bool:
    """Is this what the page asked for?"""
    asked = {name: value for name, value in made.items() if name != "epoch"}
    match event:
        case Started():
            return asked == {"type": "start"}
        case Shown():
            return asked == {"type": "show", "position": event.position}
        case Responded() | RespondedLate():
            value = list(event.value)
            return asked == {"type": "respond", "position": event.position, "stage": event.stage, "value": value}
        case StageLocked():
            return asked == {"type": "lock", "position": event.position, "stage": event.stage}
        case Flagged():
            return asked == {"type": "flag", "position": event.position, "on": event.on}
        case SectionClosed():
            return asked == {"type": "close_section", "section": event.section}
        case BreakBegun():
            return asked == {"type": "take_break"}
        case BreakOver():
            return asked == {"type": "end_break"}
        case NoticeRead():
            return asked == {"type": "read", "notice": event.note}
        case Questioned():
            return (asked["type"], asked["position"]) == ("remark", event.position)
        case HelpAsked():
            return bool(asked["type"] == "help")
        case Ended():
            return asked == {"type": "submit"}
        case _:
            return False
