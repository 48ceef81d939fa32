"""The proctor and the rest of the staff: they give time, stop clocks, write, take items out, move the window."""

from typing import TYPE_CHECKING

from core.ids import SittingId
from core.moments import MINUTE, SECOND, Span
from exam_server.commands import (
    AdmitLate,
    AnswerHelp,
    Command,
    CompensateOutage,
    Extend,
    MoveClose,
    Pause,
    Resume,
    SetAllowance,
    Stop,
    Tell,
    Withdraw,
)
from exam_server.events import Allowance
from tests.histories.sittings import PROCTOR
from tests.simulation.timeline import START

if TYPE_CHECKING:
    from tests.simulation.world import World


class Staff:
    """Their orders go through any process, whoever has the page, and may be lost on the way; nobody asks twice."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.timeline = world.timeline
        self.count = 0
        self._note = 0
        self._pace = self.timeline.between(2, 15) * MINUTE
        acts = {
            self._extend: 4,
            self._pause: 4,
            self._allow: 2,
            self._tell: 4,
            self._answer_help: 2,
            self._withdraw: 2,
            self._make_outage_good: 2,
            self._move_close: 1,
            self._stop: 0.2,
        }
        self._acts = list(acts)
        self._weights = list(acts.values())

    def begin(self) -> None:
        self.timeline.later(int(self.timeline.random.expovariate(1 / self._pace)), self._act)

    def _act(self) -> None:
        if self.world.calm:
            return
        candidates = self.world.candidates
        sitting = candidates[self.timeline.between(0, len(candidates) - 1)].sitting
        if self.world.witness.record(sitting).started_at is not None:
            self.timeline.random.choices(self._acts, self._weights)[0](sitting)
        self.begin()

    # --- what they do -----------------------------------------------------------------------------------------------

    def _extend(self, sitting: SittingId) -> None:
        cause = "outage" if self.timeline.chance(0.3) else "given"
        span = self.timeline.between(10, 600) * SECOND
        self.order(sitting, Extend(span, PROCTOR, self.number(), cause))  # type: ignore[arg-type]

    def _pause(self, sitting: SittingId) -> None:
        self.order(sitting, Pause(PROCTOR, self.number()))
        self.timeline.later(self.timeline.between(2, 400) * SECOND, self._resume, sitting)

    def _resume(self, sitting: SittingId) -> None:
        record = self.world.witness.record(sitting)
        if record.halted_at is not None and not self.world.calm:
            self.order(sitting, Resume(PROCTOR))
            self.timeline.later(self.timeline.between(5, 60) * SECOND, self._resume, sitting)

    def _allow(self, sitting: SittingId) -> None:
        timeline = self.timeline
        allowance = Allowance(timeline.between(100, 160), timeline.between(0, 300) * SECOND, timeline.between(0, 2))
        self.order(sitting, SetAllowance(allowance, PROCTOR, self.number()))

    def _tell(self, sitting: SittingId) -> None:
        self.order(sitting, Tell("warning" if self.timeline.chance(0.5) else "message", PROCTOR, self.number()))

    def _answer_help(self, sitting: SittingId) -> None:
        self.order(sitting, AnswerHelp(PROCTOR))

    def _withdraw(self, sitting: SittingId) -> None:
        entries = self.world.forms[sitting].entries
        self.order(sitting, Withdraw(entries[self.timeline.between(0, len(entries) - 1)].item))

    def _make_outage_good(self, sitting: SittingId) -> None:
        """The same outage is told through every process, as each notices it by itself."""
        span: Span = self.timeline.between(5, 40) * SECOND
        began = START + self.timeline.now - span - self.timeline.between(0, 3_000)
        for node in self.world.living():
            node.order(sitting, CompensateOutage(began, span), lambda fate: None)

    def _move_close(self, sitting: SittingId) -> None:
        closes = self.world.witness.record(sitting).closes_at + self.timeline.between(-5, 15) * MINUTE
        self.order(sitting, MoveClose(closes, PROCTOR, self.number()))

    def _stop(self, sitting: SittingId) -> None:
        reason = "window_cancelled" if self.timeline.chance(0.3) else "proctor"
        self.order(sitting, Stop(PROCTOR, self.number(), reason))  # type: ignore[arg-type]

    def admit_late(self) -> None:
        """The commission counts the first late answer of every sitting."""
        for sitting, record in self.world.witness.records.items():
            if record.lates:
                self.order(sitting, AdmitLate(0, PROCTOR, self.number()))

    # --- orders -----------------------------------------------------------------------------------------------------

    def number(self) -> int:
        """The id of a written reason."""
        self._note += 1
        return self._note

    def order(self, sitting: SittingId, command: Command) -> None:
        node = self.world.any_node()
        if node is not None:
            self.count += 1
            self.timeline.note("order", sitting, command)
            node.order(sitting, command, lambda fate: self._told(sitting, command, fate))

    def _told(self, sitting: SittingId, command: Command, fate: str) -> None:
        """What the person who ordered is told is what the log says."""
        note: int | None = getattr(command, "note", None)
        self.timeline.note("ordered", sitting, note, fate)
        if note is None or fate == "unknown":
            return
        if (fate == "done") != (note in self.world.witness.record(sitting).notes):
            self.timeline.blame(f"order {note} is said to be {fate}, and the log of {sitting} says otherwise")
