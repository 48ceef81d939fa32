"""How a sitting stands after its events, and when its deadlines are: the rules of the exam written down a second time.

Slower and plainer than the engine's, and on purpose not made of its parts.
"""

from fractions import Fraction
from math import ceil

from core.ids import ChoiceId
from core.moments import MINUTE, SECOND, Moment, Span
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
    ItemExpired,
    ItemLocked,
    ItemWithdrawn,
    LateAdmitted,
    OutageCompensated,
    Paused,
    Responded,
    RespondedLate,
    Resumed,
    SectionClosed,
    SectionExpired,
    Shown,
    StageLocked,
    Started,
)

LIVE: Span = 2 * SECOND
BROKEN: Span = 10 * SECOND
MOST: Span = MINUTE
"""What all answers of a sitting may gain by the longer grace."""


class Reckoning:
    """The state of one sitting."""

    def __init__(self, created: Created) -> None:
        self.rules = created.rules
        self.closes_at = created.closes_at
        self.allowance = created.allowance
        self.limits = [entry.limit for entry in created.form.entries]
        self.stages = [len(entry.stages) for entry in created.form.entries]
        self.used: list[Span] = [0] * len(self.limits)
        self.given: list[Span] = [0] * len(self.limits)
        """Time given back to each item."""
        self.opened: dict[int, int] = {}
        """How many stages of an item may be seen."""
        self.locked: set[int] = set()
        self.withdrawn: set[int] = set()
        self.expired: dict[int, Moment] = {}
        self.answers: dict[tuple[int, int], tuple[ChoiceId, ...]] = {}
        self.lates: list[tuple[int, int, tuple[ChoiceId, ...]]] = []
        self.current: int | None = None
        self.shown_at: Moment = 0
        self.resting: int | None = None
        """The item that a pause took off the screen."""
        self.started_at: Moment | None = None
        self.over_at: Moment | None = None
        self.ended: str = ""
        self.extra: Span = 0
        self.section = 0
        self.section_began: Moment | None = None
        self.section_extra: Span = 0
        self.halted_at: Moment | None = None
        self.halted_until: Moment | None = None
        """A break ends by then; a pause ends when somebody ends it."""
        self.breaks = 0
        self.outages: set[Moment] = set()
        self.long_graces: Span = 0
        self.epoch = 0
        self.stream = ""
        self.heard: dict[str, int] = {}
        self.stored: dict[str, set[int]] = {}
        self._lines: list[tuple[Moment, Moment | None]] = []
        """From when to when a page was connected."""

    # --- deadlines ----------------------------------------------------------------------------------------------

    def _allowed(self, limit: Span) -> Span:
        """A limit with the candidate's allowance: in proportion to the exam's, rounded up."""
        if self.allowance.percent == 100 and not self.allowance.extra:
            return limit
        share = Fraction(self.allowance.percent, 100) + Fraction(self.allowance.extra, self.rules.exam_limit)
        return ceil(limit * share)

    @property
    def exam_due(self) -> Moment:
        if self.started_at is None:
            return self.closes_at
        return min(self.started_at + self._allowed(self.rules.exam_limit) + self.extra, self.closes_at)

    @property
    def section_due(self) -> Moment | None:
        if self.section_began is None or not self.rules.sections:
            return None
        limit = self.rules.sections[self.section].limit
        return None if limit is None else self.section_began + self._allowed(limit) + self.section_extra

    @property
    def item_due(self) -> Moment | None:
        if self.current is None:
            return None
        left = self._allowed(self.limits[self.current]) + self.given[self.current] - self.used[self.current]
        return self.shown_at + max(0, left)

    @property
    def due(self) -> Moment | None:
        if self.ended:
            return None
        if self.halted_at is not None:
            return self.closes_at if self.halted_until is None else min(self.halted_until, self.closes_at)
        return min(due for due in (self.exam_due, self.section_due, self.item_due) if due is not None)

    @property
    def places(self) -> range:
        """The items of the present section."""
        if not self.rules.sections:
            return range(len(self.limits))
        first = sum(section.count for section in self.rules.sections[: self.section])
        return range(first, first + self.rules.sections[self.section].count)

    def grace(self, due: Moment) -> Span:
        """Was there a connection that lasted from before the deadline until after it?"""
        if self.halted_at is not None:
            return 0
        across = any(since <= due and (until is None or until > due) for since, until in self._lines)
        return LIVE if across or self.long_graces >= MOST else BROKEN

    # --- events -------------------------------------------------------------------------------------------------

    def apply(self, event: AnyEvent) -> None:
        """What an event changes."""
        seq: int | None = getattr(event, "seq", None)
        if seq is not None:
            self.heard[self.stream] = seq
            self.stored.setdefault(self.stream, set()).add(seq)
        match event:
            case Attached():
                self.epoch, self.stream = event.epoch, event.stream
                self._lines.append((event.at, None))
            case Detached():
                if self._lines and self._lines[-1][1] is None:
                    self._lines[-1] = (self._lines[-1][0], event.at)
            case Started():
                self.started_at = self.section_began = event.at
            case Responded():
                if self.due is not None and event.at > self.due + LIVE:
                    self.long_graces += event.at - self.due
                self.answers[event.position, event.stage] = event.value
            case RespondedLate():
                self.lates.append((event.position, event.stage, event.value))
            case LateAdmitted():
                position, stage, value = self.lates[event.late]
                self.answers[position, stage] = value
            case Shown() | StageLocked() | ItemLocked() | ItemExpired() | ItemWithdrawn():
                self._apply_to_item(event)
            case SectionClosed() | SectionExpired():
                self._close_section(event)
            case Extended() | OutageCompensated():
                self.extra += event.span
                self.section_extra += event.span
                place = self.resting if self.current is None else self.current
                if place is not None:
                    self.given[place] += event.span
                if isinstance(event, OutageCompensated):
                    self.outages.add(event.began_at)
            case AllowanceSet():
                self.allowance = event.allowance
            case CloseMoved():
                self.closes_at = event.closes_at
            case Paused() | BreakBegun():
                self._halt(event)
            case Resumed() | BreakOver():
                self._go_on(event.at)
            case Ended():
                self._leave(event.at)
                self.ended, self.over_at, self.halted_at = event.reason, event.at, None

    def _apply_to_item(self, event: Shown | StageLocked | ItemLocked | ItemExpired | ItemWithdrawn) -> None:
        match event:
            case Shown():
                self._leave(event.at)
                self.current, self.shown_at, self.resting = event.position, event.at, None
                self.section_began = event.at if self.section_began is None else self.section_began
                self.opened.setdefault(event.position, 1)
            case StageLocked() if event.stage + 1 < self.stages[event.position]:
                self.opened[event.position] = event.stage + 2
            case ItemWithdrawn():
                self.locked.add(event.position)
                self.withdrawn.add(event.position)
            case _:
                self._leave(event.at)
                self.locked.add(event.position)
                if isinstance(event, ItemExpired):
                    self.expired[event.position] = event.at

    def _close_section(self, event: SectionClosed | SectionExpired) -> None:
        self._leave(event.at)
        for place in self.places:
            if place not in self.locked:
                self.locked.add(place)
                if isinstance(event, SectionExpired) and place in self.opened:
                    self.expired[place] = event.at
        self.section_extra, self.resting = 0, None
        if self.section + 1 < len(self.rules.sections):
            self.section += 1
            self.section_began = None

    def _halt(self, event: Paused | BreakBegun) -> None:
        resting = self.resting if self.current is None else self.current
        self._leave(event.at)
        self.halted_at = event.at
        if isinstance(event, Paused):
            self.halted_until, self.resting = None, resting
        else:
            self.halted_until, self.resting = event.until, None
            self.breaks += 1
            self.locked.update(self.opened)

    def _go_on(self, at: Moment) -> None:
        """The clocks stood still: what was left is left still."""
        if self.halted_at is None:
            return
        stood = max(0, at - self.halted_at)
        self.extra += stood
        if self.section_began is not None:
            self.section_extra += stood
        self.halted_at = None

    def _leave(self, at: Moment) -> None:
        if self.current is not None:
            self.used[self.current] += max(0, at - self.shown_at)
            self.current = None
