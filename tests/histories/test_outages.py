"""Whatever the service goes through: no deadline that fell into an outage is settled before the outage is made good."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import ManualClock
from core.errors import AccreditationError
from core.ids import ChoiceId
from core.moments import SECOND, Moment, Span
from exam_server import reading
from exam_server.commands import Admit, CompensateOutage, Respond, Settle, Start
from exam_server.events import BreakOver, Ended, ItemExpired, OutageCompensated, SectionExpired
from exam_server.held import Held
from exam_server.outages import BEAT_EVERY, SHORTEST_OUTAGE, SURE_FOR
from tests.histories.memory import Line, MemoryLog, Owner, quiet
from tests.histories.sittings import CHOICE, FIRST, NOW, SITTING, make_created, make_form, thorough

BY_TIME = (ItemExpired, SectionExpired, BreakOver)


class Beats:
    """What `exam_server.beat` and `exam_server.outage` do in tables."""

    def __init__(self) -> None:
        self.last: Moment | None = None
        self.outages: list[CompensateOutage] = []

    def beat(self, now: Moment) -> list[CompensateOutage]:
        if self.last is not None and now - self.last >= SHORTEST_OUTAGE:
            self.outages.append(CompensateOutage(self.last, now - self.last))
        self.last = now
        return list(self.outages)


class Service:
    """Two processes on one log; `up` while commits and beats get through. One page, which may be at either."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.log = MemoryLog()
        self.log.create(SITTING, make_created(make_form(CHOICE, CHOICE, CHOICE, CHOICE, limit=20 * SECOND)))
        self.beats = Beats()
        self.up = True
        self.beaten: dict[int, Moment] = {}
        self.owners = [Owner(self.log, self.clock) for _ in range(2)]
        self.held: Held | None = None
        self.line: Line | None = None
        self.seq = 0

    async def open(self) -> None:
        for place in range(2):
            self.beat(place)
        task = asyncio.ensure_future(self.owners[0].conduct.order(SITTING, Admit("biometrics")))
        await self.land()
        await task
        self.held, self.line = await self.owners[0].attach(SITTING, FIRST)
        self.say(Start(1))
        await self.land()

    def beat(self, place: int) -> None:
        if self.up:
            now = self.clock.now()
            self.beaten[place] = now
            self.owners[place].conduct.deadlines.assure(now + SURE_FOR, self.beats.beat(now))

    def say(self, command: Start | Respond) -> None:
        self.seq = command.seq
        if self.held is not None and self.line is not None and self.line.closed is None:
            owner = next(one for one in self.owners if self.held in one.conduct._held.values())
            owner.conduct.receive(self.held, self.line, command, self.clock.now())

    async def land(self) -> None:
        for _ in range(3):
            await quiet()
            if self.up:
                self.log.land_all()
        await quiet()

    async def wait(self, span: Span) -> None:
        """Time passes; processes beat every second, settle what is due and sweep, as their jobs do."""
        end = self.clock.now() + span
        while self.clock.now() < end:
            self.clock.set(min(end, self.clock.now() + 250))
            for place, owner in enumerate(self.owners):
                if self.clock.now() - self.beaten.get(place, 0) >= BEAT_EVERY:
                    self.beat(place)
                owner.conduct.deadlines.settle_due()
            await self.land()

    async def act(self, kind: str, number: int) -> None:
        match kind:
            case "wait":
                await self.wait(number * 600)
            case "down":
                self.up = False
            case "up":
                self.up = True
            case "crash":
                await self.crash(number % 2)
            case "answer" if self.held is not None and self.held.state.current is not None:
                position = self.held.state.current
                self.say(Respond(self.seq + 1, position, 0, (ChoiceId(f"{position}.0.a"),)))
            case "settle":
                asked = asyncio.ensure_future(self.owners[number % 2].conduct.order(SITTING, Settle()))
                await self.land()
                if not asked.done():
                    asked.cancel()
                    await asyncio.gather(asked, return_exceptions=True)
        await self.land()

    async def crash(self, place: int) -> None:
        """A process dies with all it has not written; the next one begins with a beat, so not while nobody can."""
        if not self.up:
            return
        dead = self.owners[place]
        if self.held is not None and self.held in dead.conduct._held.values():
            self.held = self.line = None
        for commit in dead.die():
            self.log.on_its_way.remove(commit)
        self.owners[place] = Owner(self.log, self.clock)
        self.beat(place)
        if self.held is None:
            with contextlib.suppress(AccreditationError):
                self.held, self.line = await self.owners[place].attach(SITTING, FIRST)

    def check(self) -> None:
        made_good: list[Moment] = []
        for event in self.log.events(SITTING):
            if isinstance(event, OutageCompensated):
                assert event.began_at not in made_good, "once is enough"
                made_good.append(event.began_at)
            by_time = isinstance(event, BY_TIME) or (isinstance(event, Ended) and event.reason == "exam_time")
            for outage in self.beats.outages if by_time else ():
                fell_into = outage.began_at < event.at < outage.began_at + outage.span
                assert not fell_into or outage.began_at in made_good, "settled before the outage was made good"
        if self.log.state(SITTING).status == "running":
            assert made_good == [outage.began_at for outage in self.beats.outages]


STEPS = st.lists(
    st.tuples(st.sampled_from(["wait", "wait", "wait", "down", "up", "answer", "settle", "crash"]), st.integers(1, 30)),
    max_size=25,
)


@thorough(60)
@given(STEPS)
def test_outages_are_made_good_before_what_they_let_run_out(steps: list[tuple[str, int]]) -> None:
    async def live() -> None:
        service = Service()
        await service.open()
        for kind, number in steps:
            await service.act(kind, number)
        service.up = True
        await service.wait(3 * SECOND)
        service.check()
        for owner in service.owners:
            owner.die()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "RETRY_FIRST", 0.0)
        patch.setattr(reading, "RETRY_MOST", 0.0)
        asyncio.run(live())


def test_without_being_sure_the_order_would_be_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check has teeth: a process that settles whatever the beats say is found out."""
    monkeypatch.setattr(Held, "overdue", lambda self, now: False)
    with pytest.raises(AssertionError, match="settled before"):
        test_down_across_a_deadline()


def test_down_across_a_deadline() -> None:
    async def live() -> None:
        service = Service()
        await service.open()
        for kind, number in (("wait", 25), ("down", 1), ("wait", 30), ("up", 1)):
            await service.act(kind, number)
        await service.wait(3 * SECOND)
        assert service.beats.outages
        service.check()
        for owner in service.owners:
            owner.die()

    asyncio.run(live())
