"""A sitting that is under way on one owner, over a log whose every answer the test decides."""

import asyncio

from core.clock import ManualClock
from core.ids import ChoiceId, SittingId
from core.moments import Moment
from exam_server.commands import Admit, CandidateCommand, Extend, Pause, Respond, Resume, Settle, Start, Stop
from exam_server.events import Created
from exam_server.held import Held
from exam_server.sitting import Sitting
from tests.histories.memory import Line, MemoryLog, Owner, quiet
from tests.histories.sittings import FIRST, NOW, SITTING, make_created

OTHER = SittingId(8)
SURE = 1_800
"""How long after a beat a process is sure of the deadlines, ms."""


class Room:
    """A sitting that is under way on one owner, with its page."""

    def __init__(self, created: Created | None = None) -> None:
        self.clock = ManualClock(NOW)
        self.log = MemoryLog()
        self.log.create(SITTING, created or make_created())
        self.owner = Owner(self.log, self.clock)
        self.held: Held
        self.line: Line

    async def enter(self) -> "Room":
        await self.order(Admit("biometrics"))
        self.held, self.line = await self.owner.attach(SITTING, FIRST)
        self.say(Start(1))
        self.log.land_all()
        assert self.line.kinds() == ["snapshot", "ack", "deadlines", "item"]
        self.line.told.clear()
        return self

    async def order(self, command: Admit | Extend | Pause | Resume | Stop | Settle, owner: Owner | None = None) -> None:
        task = asyncio.ensure_future((owner or self.owner).conduct.order(SITTING, command))
        await quiet()
        self.log.land_all()
        ruling = await task
        assert ruling.refusal is None

    def say(self, *commands: CandidateCommand, line: Line | None = None) -> None:
        for command in commands:
            self.owner.conduct.receive(self.held, line or self.line, command, self.clock.now())

    @property
    def stored(self) -> Sitting:
        return self.log.state(SITTING)


def answer(seq: int, letter: str = "a", position: int = 0) -> Respond:
    return Respond(seq, position, 0, (ChoiceId(f"{position}.0.{letter}"),))


async def overtake(room: Room, command: Extend | Stop | Settle) -> None:
    """Another process writes to the sitting while a commit of ours is under way."""
    ours, room.log.on_its_way = room.log.on_its_way, []
    await room.order(command, Owner(room.log, room.clock))
    room.log.on_its_way = ours


async def settle_at(room: Room, moment: Moment) -> None:
    """What is due at a moment is settled, and stored."""
    room.clock.set(moment)
    room.owner.conduct.deadlines.settle_due()
    await quiet()
    room.log.land_all()


async def land(room: Room) -> None:
    """Everything that can become durable, and what follows from it."""
    for _ in range(4):
        await quiet()
        room.log.land_all()
    await quiet()
