"""What the rows of one sitting amount to, by rules written down a second time."""

from collections.abc import Sequence
from typing import Any

from core.ids import ChoiceId, SittingId
from core.moments import SECOND, Moment, Span
from exam_server.events import (
    AnyEvent,
    Attached,
    Created,
    Detached,
    Ended,
    Extended,
    Flagged,
    ItemExpired,
    ItemLocked,
    Responded,
    RespondedLate,
    Shown,
    StageLocked,
    Started,
)
from tests.simulation.timeline import Timeline

LIVE: Span = 2 * SECOND
BROKEN: Span = 10 * SECOND
CLOCKS: Span = 250
"""Two clocks within tolerance, and the readings in between, differ by no more than this."""
COMMIT: Span = 10 * SECOND
"""An answer in time that takes no longer than this to be stored is scored, whoever settles."""
BY_TIME = {"exam_time", "item_time", "window_closed", "not_started"}


class Record:
    """One sitting as its rows tell it. `take` judges each event by what came before it."""

    def __init__(
        self,
        timeline: Timeline,
        sitting: SittingId,
        created: Created,
        kept: dict[tuple[str, int], dict[str, Any]],
    ) -> None:
        self.timeline = timeline
        self.sitting = sitting
        self.kept = kept
        self.rules = created.rules
        self.closes_at = created.closes_at
        self.limits = [entry.limit for entry in created.form.entries]
        self.stages = [len(entry.stages) for entry in created.form.entries]
        self.receipts: dict[tuple[str, int], list[tuple[Moment, Moment]]] = {}
        """Of each edit, by stream and number: what the process's clock said, and what time it was."""
        self.used: list[Span] = [0] * len(self.limits)
        self.opened: dict[int, int] = {}
        """How many stages of an item may be seen."""
        self.locked: set[int] = set()
        self.expired: dict[int, Moment] = {}
        self.answers: dict[tuple[int, int], tuple[ChoiceId, ...]] = {}
        self.current: int | None = None
        self.shown_at: Moment = 0
        self.started_at: Moment | None = None
        self.over_at: Moment | None = None
        self.ended: str = ""
        self.extra: Span = 0
        self.epoch = 0
        self.stream = ""
        self.heard: dict[str, int] = {}
        self.stored: dict[str, set[int]] = {}
        self.late = 0
        self.notes: set[int] = set()
        self.trusted = True
        """No clock was ever beyond the tolerance, so the true time may be judged too."""
        self._newest: Moment = created.at
        self._lines: list[list[Moment | None]] = []

    # --- deadlines, by the rules -----------------------------------------------------------------------------

    @property
    def exam_due(self) -> Moment:
        if self.started_at is None:
            return self.closes_at
        return min(self.started_at + self.rules.exam_limit + self.extra, self.closes_at)

    @property
    def item_due(self) -> Moment | None:
        if self.current is None:
            return None
        return self.shown_at + max(0, self.limits[self.current] - self.used[self.current])

    @property
    def due(self) -> Moment | None:
        if self.ended:
            return None
        return self.exam_due if self.item_due is None else min(self.item_due, self.exam_due)

    def grace(self, due: Moment) -> Span:
        """Was there a connection that lasted from before the deadline until after it?"""
        across = any(
            since <= due and (until is None or until > due) for since, until in self._lines if since is not None
        )
        return LIVE if across else BROKEN

    # --- events ------------------------------------------------------------------------------------------------

    def take(self, events: Sequence[AnyEvent]) -> None:
        """Everything of one row, in order."""
        for number, event in enumerate(events):
            following = events[number + 1] if number + 1 < len(events) else None
            self._judge(event, following)
            self._apply(event)
            self._newest = max(self._newest, event.at)

    def _judge(self, event: AnyEvent, following: AnyEvent | None) -> None:
        seq: int | None = getattr(event, "seq", None)
        if seq is not None:
            self._judge_number(event, seq)
        if self.ended and not isinstance(event, Attached | Detached | RespondedLate):
            self._blame(f"{type(event).__name__} after the end")
        match event:
            case ItemExpired():
                self._judge_settlement(event.at, self.item_due, isinstance(following, Shown))
                if event.position != self.current or event.position in self.locked:
                    self._blame(f"item {event.position} expired and was not on screen")
            case Ended() if event.reason in BY_TIME:
                self._judge_settlement(event.at, self.item_due if event.reason == "item_time" else self.exam_due, False)
                if (event.reason == "not_started") != (self.started_at is None):
                    self._blame(f"ended as {event.reason}")
            case Ended() if event.reason == "completed":
                if len(self.locked) != len(self.limits):
                    self._blame("completed with open items")
            case Detached():
                pass
            case _:
                due = self.due
                if due is not None and event.at > due + self.grace(due):
                    self._blame(f"{type(event).__name__} {event.at - due} ms after the deadline")
        if isinstance(event, Responded):
            self._judge_answer(event)
        elif isinstance(event, RespondedLate):
            self._judge_late(event)
        note: int | None = getattr(event, "note", None)
        if note is not None and note in self.notes:
            self._blame(f"order {note} was carried out twice")

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
        receipts = self.receipts.get((self.stream, seq), [])
        moments = {moment for moment, _ in receipts}
        waited = event.at == self._newest and any(moment <= event.at for moment in moments)
        if event.at not in moments and not waited:
            self._blame(f"{self.stream}: {seq} stands at {event.at}, received at {sorted(moments)}")

    def _judge_settlement(self, at: Moment, due: Moment | None, moved_on: bool) -> None:
        if due is None or at != due or at != self.due:
            self._blame(f"settled at {at}, where the deadline is {due} of {self.due}")
        elif self.trusted:
            grace = 0 if moved_on else self.grace(due)  # who asks for the next item gives the rest of the grace up
            if self.timeline.moment < due + grace - CLOCKS:
                self._blame(f"settled {due + grace - self.timeline.moment} ms too early")

    def _judge_answer(self, event: Responded) -> None:
        place = (event.position, event.stage)
        if event.position != self.current or event.position in self.locked:
            self._blame(f"an answer to item {place}, which is not open")
        if event.stage != self.opened.get(event.position, 0) - 1:
            self._blame(f"an answer to stage {place}, which is not open")
        due = self.due
        if due is not None and self.trusted:
            arrived = [true for moment, true in self.receipts.get((self.stream, event.seq), []) if moment <= event.at]
            if arrived and min(arrived) > due + self.grace(due) + CLOCKS:
                self._blame(f"an answer {min(arrived) - due} ms after the deadline is scored")

    def _judge_late(self, event: RespondedLate) -> None:
        due = self.expired.get(event.position, self.over_at)
        if due is None:
            self._blame("an answer is late for an item that is open")
        elif event.at <= due + self.grace(due) - CLOCKS and self.timeline.moment - event.at < COMMIT:
            self._blame(f"an answer {event.at - due} ms after the deadline is not scored, although it was in time")

    def _apply(self, event: AnyEvent) -> None:
        seq: int | None = getattr(event, "seq", None)
        if seq is not None:
            self.heard[self.stream] = seq
            self.stored.setdefault(self.stream, set()).add(seq)
        match event:
            case Started():
                self.started_at = event.at
            case Attached():
                if event.epoch != self.epoch + 1:
                    self._blame(f"epoch {event.epoch} follows {self.epoch}")
                self.epoch, self.stream = event.epoch, event.stream
                self._lines.append([event.at, None])
            case Detached():
                if self._lines and self._lines[-1][1] is None:
                    self._lines[-1][1] = event.at
            case Shown():
                self._leave(event.at)
                self.current, self.shown_at = event.position, event.at
                self.opened.setdefault(event.position, 1)
            case Responded():
                self.answers[event.position, event.stage] = event.value
            case StageLocked():
                if event.stage + 1 == self.stages[event.position]:
                    self._leave(event.at)
                    self.locked.add(event.position)
                else:
                    self.opened[event.position] = event.stage + 2
            case ItemLocked():
                self._leave(event.at)
                self.locked.add(event.position)
            case ItemExpired():
                self._leave(event.at)
                self.locked.add(event.position)
                self.expired[event.position] = event.at
            case RespondedLate():
                self.late += 1
            case Extended():
                self.extra += event.span
                self.notes.add(event.note)
                if self.current is not None:
                    self.used[self.current] -= event.span
            case Ended():
                self._leave(event.at)
                self.ended, self.over_at = event.reason, event.at
                if event.note is not None:
                    self.notes.add(event.note)

    def _leave(self, at: Moment) -> None:
        if self.current is not None:
            self.used[self.current] += max(0, at - self.shown_at)
            self.current = None

    def _blame(self, what: str) -> None:
        self.timeline.blame(f"sitting {self.sitting}: {what}")


def _fits(event: AnyEvent, made: dict[str, Any]) -> bool:
    """Is this what the page asked for?"""
    match event:
        case Started():
            return made == {"type": "start"}
        case Shown():
            return made == {"type": "show", "position": event.position} or made == {"type": "start"}
        case Responded() | RespondedLate():
            return made == {
                "type": "respond",
                "position": event.position,
                "stage": event.stage,
                "value": list(event.value),
            }
        case StageLocked():
            return made == {"type": "lock", "position": event.position, "stage": event.stage}
        case Flagged():
            return made == {"type": "flag", "position": event.position, "on": event.on}
        case Ended():
            return made == {"type": "submit"}
        case _:
            return False
