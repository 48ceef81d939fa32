"""The stage on screen, as far as one more answer to it needs to look. Pure.

Nearly everything a page says is one more answer to the stage on screen, and what such an answer is judged by changes
only when something else happens. So it is taken out of the state once and asked many times.
"""

from msgspec import Struct

from core.ids import ChoiceId
from core.moments import Moment
from exam_server.commands import Respond
from exam_server.events import Responded
from exam_server.rulings import MAX_SEQ_STEP
from exam_server.sitting import Sitting, respond


class OpenStage(Struct, eq=False):
    """What decides about an ordinary answer, and what was taken here and is not in the state yet.

    `since`: an answer that waited on this device since an older epoch met a newer one of another device there.
    """

    position: int
    stage: int
    choices: tuple[ChoiceId, ...]
    deadline: Moment
    since: int
    heard: int
    last_at: Moment
    newest: Responded | None = None
    first_at: Moment = 0
    count: int = 0

    def take(self, command: Respond, received: Moment) -> Responded | None:
        """What `decide` would make of an answer in time with one fitting choice; None: ask `decide`."""
        seq, value, heard = command.seq, command.value, self.heard
        now = received if received > self.last_at else self.last_at
        if (
            now > self.deadline
            or not heard < seq <= heard + MAX_SEQ_STEP
            or command.position != self.position
            or command.stage != self.stage
            or 0 < command.epoch < self.since
            or len(value) != 1
            or value[0] not in self.choices
        ):
            return None
        if self.newest is None:
            self.first_at = now
        self.heard, self.last_at = seq, now
        self.count += 1
        self.newest = event = Responded(now, self.position, self.stage, value, seq)
        return event

    def hand_in(self, sitting: Sitting) -> Sitting:
        """The state with everything that was taken."""
        newest, count = self.newest, self.count
        if newest is None:
            return sitting
        self.newest, self.count = None, 0
        return respond(sitting, newest, self.first_at, count)


def open_stage(sitting: Sitting) -> OpenStage | None:
    """The stage that answers can go to; None when there is none."""
    position, deadline = sitting.current, sitting.deadline
    if sitting.status != "running" or sitting.halt is not None or position is None or deadline is None:
        return None
    item = sitting.items[position]
    if item.locked:
        return None
    return OpenStage(
        position,
        item.stage,
        sitting.form.entries[position].stages[item.stage].choices,
        deadline,
        item.epoch if item.stream != sitting.stream else 0,
        sitting.streams.get(sitting.stream, 0),
        sitting.last_at,
    )
