"""A world where everything goes wrong, around two sittings that two processes own.

Pages queue their edits and send them again, connections break, two processes own the same sitting, both die and forget,
statements land in any order, land unheard, or never; clocks go back; a proctor acts through either process. Whatever
happens: the chain verifies, replay is what the owners hold, and what a page deleted from its queue because it was
acknowledged stands in the log exactly once, with the value that was sent.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import pairwise

from msgspec import Struct

from core.clock import ManualClock
from core.errors import AccreditationError
from core.ids import ChoiceId, ItemId, SittingId
from core.moments import SECOND, Moment
from exam_server import timing
from exam_server.commands import (
    Admit,
    CandidateCommand,
    Command,
    CompensateOutage,
    Extend,
    Flag,
    LockStage,
    Pause,
    Respond,
    Resume,
    SetAllowance,
    Show,
    Start,
    Stop,
    Tell,
    Withdraw,
)
from exam_server.conduct import Conduct
from exam_server.events import Allowance, AnyEvent, Attached, Created, Ended, Extended, Responded, RespondedLate
from exam_server.held import Held
from exam_server.rulings import decide
from exam_server.sitting import fold
from tests.histories.memory import Line, MemoryLog, Owner, quiet
from tests.histories.sittings import (
    NOW,
    PROCTOR,
    SITTING,
)

SITTINGS = (SITTING, SittingId(8))
BROWSERS = ("browser1", "browser2", "browser3")
KEEP = {"busy", "internal", "paused"}
"""Refusals after which a page keeps the edit and sends it again."""


class Page:
    """What a browser keeps: edits that are not acknowledged yet, in IndexedDB, across all its connections."""

    def __init__(self, sitting: SittingId, stream: str) -> None:
        self.sitting = sitting
        self.stream = stream
        self.queue: dict[int, CandidateCommand] = {}
        self.made: dict[int, CandidateCommand] = {}
        self.acknowledged: set[int] = set()
        self.received: dict[int, set[Moment]] = {}
        self.line: Line | None = None
        self.held: Held | None = None
        self.owner: Owner | None = None
        self.heard = 0

    def edit(self, make: Callable[[int], CandidateCommand]) -> None:
        seq = len(self.made) + 1
        self.made[seq] = self.queue[seq] = make(seq)

    def hear(self) -> None:
        """Take in what came over the line."""
        if self.line is None:
            return
        for message in self.line.told[self.heard :]:
            match message["type"]:
                case "ack" | "snapshot":
                    done = [seq for seq in self.queue if seq <= message["seq"]]
                    self.acknowledged.update(done)
                    for seq in done:
                        del self.queue[seq]
                case "refused" if message["code"] not in KEEP:
                    self.queue.pop(message["seq"], None)
        self.heard = len(self.line.told)
        if self.line.closed is not None:
            self.leave()

    def leave(self) -> None:
        if self.owner is not None and self.held is not None and self.line is not None:
            self.owner.conduct.detach(self.held, self.line)
        self.line = self.held = self.owner = None


class Act(Struct, frozen=True):
    """One thing that happens; the numbers choose who, where and how much."""

    what: str
    who: int
    how: int


class World:
    def __init__(self, created: Created) -> None:
        self.clock = ManualClock(NOW)
        self.log = MemoryLog()
        for sitting in SITTINGS:
            self.log.create(sitting, created)
        self.owners = [Owner(self.log, self.clock), Owner(self.log, self.clock)]
        self.pages = [Page(sitting, stream) for sitting in SITTINGS for stream in BROWSERS]
        self.orders: dict[Owner, list[asyncio.Future[None]]] = {}
        self.note = 0
        self.lines: list[Line] = []
        self.count = len(created.form.entries)

    async def begin(self) -> None:
        for sitting in SITTINGS:
            task = asyncio.ensure_future(self.owners[0].conduct.order(sitting, Admit("biometrics")))
            await quiet()
            self.log.land_all()
            await task
        for page in self.pages[:: len(BROWSERS)]:
            await self.connect(page, 0)
            await self.land(0)
            page.edit(Start)
            self.send(page, 0)

    # --- what can happen ---

    async def act(self, act: Act) -> None:
        page = self.pages[act.who % len(self.pages)]
        match act.what:
            case "edit":
                page.edit(self._choose(page, act.how))
            case "send":
                self.send(page, act.how)
            case "connect":
                await self.connect(page, act.how)
            case "leave":
                page.leave()
            case "crash":
                await self.crash(act.who % 2, act.how)
            case "land":
                await self.land(act.how)
            case "land_unheard":
                if self.log.on_its_way:
                    self.log.land_unheard(act.how % len(self.log.on_its_way))
            case "refuse":
                if self.log.on_its_way:
                    self.log.refuse(act.how % len(self.log.on_its_way))
            case "clock":
                self.clock.advance((act.how - 30) * 400)
            case "settle":
                self.owners[act.who % 2].conduct.deadlines.settle_due()
            case "compare":
                with contextlib.suppress(AccreditationError):
                    await self.owners[act.who % 2].rounds.compare()
            case "sweep":
                self._order(act.who, lambda _: self.owners[act.who % 2].rounds.sweep())
            case "away":
                self.owners[act.who % 2].source.away = act.how % 2 == 0
            case "full":
                self.log.full = act.how % 3 == 0
            case "extend":
                self.note += 1
                extend = Extend(SECOND, PROCTOR, self.note)
                self._order(act.who, lambda conduct: conduct.order(page.sitting, extend))
            case "intervene":
                self.note += 1
                self._order(act.who, lambda conduct: conduct.order(page.sitting, self._intervention(page, act.how)))
            case "race":
                await self.race(page, act)
            case "stop" if act.how % 7 == 0:
                self.note += 1
                stop = Stop(PROCTOR, self.note)
                self._order(act.who, lambda conduct: conduct.order(page.sitting, stop))
        await quiet()
        for everyone in self.pages:
            everyone.hear()

    def _intervention(self, page: Page, how: int) -> Command:
        """What staff and the service do in the middle of an exam."""
        commands: tuple[Command, ...] = (
            Pause(PROCTOR, self.note),
            Resume(PROCTOR),
            Resume(PROCTOR),
            SetAllowance(Allowance(100 + how), PROCTOR, self.note),
            Tell("message", PROCTOR, self.note),
            Withdraw(ItemId("i2")),
            CompensateOutage(self.log.state(page.sitting).last_at, how * 100),
        )
        return commands[how % len(commands)]

    def _choose(self, page: Page, how: int) -> Callable[[int], CandidateCommand]:
        """What a candidate does: mostly answers the item that the page believes is on screen."""
        state = self.log.state(page.sitting)
        place = state.current if state.current is not None and how % 5 else how % self.count
        stage = state.items[place].stage
        value = (ChoiceId(f"{place}.{stage}.{'abcd'[how % 4]}"),)
        match how % 10:
            case 0 | 1 | 2 | 3 | 4 | 5:
                return lambda seq: Respond(seq, place, stage, value)
            case 6 | 7:
                return lambda seq: Show(seq, (place + 1) % self.count)
            case 8:
                return lambda seq: LockStage(seq, place, stage)
            case _:
                return lambda seq: Flag(seq, place, how % 2 == 0)

    def send(self, page: Page, how: int) -> None:
        """The queue from its beginning, or some of it; perhaps something old once more."""
        if page.line is None or page.held is None or page.owner is None:
            return
        waiting = [page.queue[seq] for seq in sorted(page.queue)]
        again = [page.made[1 + how % len(page.made)]] if page.made and how % 3 == 0 else []
        for command in (*waiting[: 1 + how % 8], *(command for command in again if command.seq not in page.queue)):
            page.received.setdefault(command.seq, set()).add(self.clock.now())
            page.owner.conduct.receive(page.held, page.line, command, self.clock.now())

    async def connect(self, page: Page, how: int) -> None:
        page.leave()
        owner = self.owners[how % 2]
        line = Line(self.log, page.sitting, page.stream)
        self.lines.append(line)

        async def attach() -> None:
            with contextlib.suppress(AccreditationError):
                held = await owner.conduct.attach(page.sitting, line, page.stream)
                if page.line is None and owner in self.owners:
                    page.held, page.line, page.owner, page.heard = held, line, owner, 0
                else:
                    owner.conduct.detach(held, line)

        self.orders.setdefault(owner, []).append(asyncio.ensure_future(attach()))
        await quiet()

    async def crash(self, which: int, how: int) -> None:
        """A process dies: what it held is gone, and its statements land for nobody or not at all."""
        dead = self.owners[which]
        for page in self.pages:
            if page.owner is dead:
                page.line = page.held = page.owner = None
        for number, commit in enumerate(dead.die()):
            place = self.log.on_its_way.index(commit)
            if (how + number) % 2:
                self.log.land_for_nobody(place)
            else:
                del self.log.on_its_way[place]
        for order in self.orders.pop(dead, []):
            order.cancel()
        self.owners[which] = Owner(self.log, self.clock)
        self.owners[which].source.away = dead.source.away
        await quiet()

    async def land(self, how: int) -> None:
        if self.log.on_its_way:
            self.log.land(how % len(self.log.on_its_way))
        await quiet()

    async def race(self, page: Page, act: Act) -> None:
        """A proctor's order through the other process lands before edits that were received before it."""
        page.edit(self._choose(page, act.how))
        self.send(page, 7)
        await quiet()
        other = 1 if page.owner is self.owners[0] else 0
        self.note += 1
        extend = Extend(SECOND, PROCTOR, self.note)
        self._order(other, lambda conduct: conduct.order(page.sitting, extend))
        await quiet()
        self.clock.advance(act.how * 100)
        for commit in [one for one in self.log.on_its_way if one in self.owners[other].pipe.sent]:
            self.log.land(self.log.on_its_way.index(commit))
        await self.land(act.how)

    def _order(self, who: int, give: Callable[[Conduct], Awaitable[object]]) -> None:
        owner = self.owners[who % 2]

        async def ordered() -> None:
            with contextlib.suppress(AccreditationError):
                await give(owner.conduct)

        self.orders.setdefault(owner, []).append(asyncio.ensure_future(ordered()))

    # --- how it must look ---

    async def calm_down(self) -> None:
        """Everything comes back, and every page delivers what it still has."""
        self.log.full = False
        for owner in self.owners:
            owner.source.away = False
        await self._drain()  # a pause may be on its way
        for owner in self.owners:
            await owner.rounds.compare()  # or the owner that is to end it may not have heard of it
            await self._drain()
        for sitting in SITTINGS:
            self._order(0, lambda conduct, sitting=sitting: conduct.order(sitting, Resume(PROCTOR)))  # type: ignore[misc]
        for _ in range(3):
            await self._drain()
            for page in self.pages:
                await self.connect(page, 0)
                await self._drain()
                page.hear()
                while page.queue and page.line is not None:
                    before = len(page.queue)
                    self.send(page, 7)
                    await self._drain()
                    page.hear()
                    assert len(page.queue) < before or page.line is None, "a queue can't be emptied"
        for owner in self.owners:
            await owner.rounds.compare()
            await self._drain()
        for orders in self.orders.values():
            assert all(order.done() for order in orders), "an order was never answered"
            await asyncio.gather(*orders)

    async def _drain(self) -> None:
        for _ in range(200):
            await quiet()
            if not self.log.on_its_way:
                return
            self.log.land_all()
        raise AssertionError("commits never come to an end")

    def check(self) -> None:
        assert all(not page.queue for page in self.pages), "something could not be delivered"
        for sitting in SITTINGS:
            events = self.log.events(sitting)
            stored = by_browser(events)
            for page in (page for page in self.pages if page.sitting == sitting):
                mine = stored.get(page.stream, [])
                assert all(first.seq < second.seq for first, second in pairwise(mine)), "stored twice or out of order"
                assert {event.seq for event in mine} <= page.made.keys()
                for seq in page.acknowledged - {event.seq for event in mine}:
                    # its refusal may have been lost with a connection; then a later acknowledgement covers it too
                    assert was_refused(sitting, events, page, seq), f"acknowledged and lost: {seq}"
                for event in mine:
                    made = page.made[event.seq]
                    last = max(before.at for before in events[: position(events, event)])
                    moments = {max(moment, last) for moment in page.received[event.seq]}
                    assert event.at in moments, "it does not stand at the moment of its receipt"
                    if isinstance(event, Responded | RespondedLate):
                        assert isinstance(made, Respond)
                        assert (event.position, event.stage, event.value) == (made.position, made.stage, made.value)
            notes = Counter(event.note for event in events if isinstance(event, Extended | Ended) and event.note)
            assert not notes or max(notes.values()) == 1, "an order was carried out twice"
            assert sum(isinstance(event, Ended) for event in events) <= 1
            state = self.log.state(sitting)
            assert self.log.due[sitting] == state.deadline == timing.next_deadline(state)
            for owner in self.owners:
                held = owner.conduct._held.get(sitting)
                if held is not None:
                    assert (held.flight, held.forming, held.reloading) == (None, None, False)
                    assert held.state == state, "replay differs from what an owner holds"


def was_refused(sitting: SittingId, events: list[AnyEvent], page: Page, seq: int) -> bool:
    """Does the log, somewhere between the edits before and after this one, have no room for it by the rules?"""
    stream = ""
    for count, event in enumerate(events, 1):
        stream = event.stream if isinstance(event, Attached) else stream
        state = fold(sitting, events[:count])
        for moment in page.received[seq] if stream == page.stream else ():
            if state.streams.get(stream, 0) < seq:
                ruling = decide(state, page.made[seq], max(moment, state.last_at))
                if ruling.refusal not in {None, "bad_seq"}:
                    return True
    return False


def position(events: list[AnyEvent], event: AnyEvent) -> int:
    return next(place for place, other in enumerate(events) if other is event)


def by_browser(events: list[AnyEvent]) -> dict[str, list[Responded]]:
    """Numbered events by the browser that sent them."""
    stream = ""
    found: dict[str, list[Responded]] = {}
    for event in events:
        if isinstance(event, Attached):
            stream = event.stream
        if getattr(event, "seq", None) is not None:
            found.setdefault(stream, []).append(event)  # type: ignore[arg-type]
    return found
