"""Two processes hold one sitting: what one writes, the other reads at once, without waiting for its comparison."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.neighbours import CHANNEL, Neighbours
from core.clock import ManualClock
from core.ids import SittingId
from core.live import LocalLive
from core.moments import MINUTE
from exam_server import timing
from exam_server.commands import Admit, Extend, Start, Stop, WithdrawAdmission
from exam_server.events import AnyEvent
from exam_server.sitting import Sitting
from tests.histories.memory import MemoryLog, Owner, hurry, quiet
from tests.histories.sittings import FIRST, NOW, PROCTOR, SITTING, make_created


class Process:
    """An owner and its neighbours, on a line that all processes share."""

    def __init__(self, log: MemoryLog, clock: ManualClock, live: LocalLive) -> None:
        self.owner = Owner(log, clock)
        self.neighbours = Neighbours(live)
        note = self.owner.conduct._on_change
        assert note is not None

        def tell(state: Sitting, events: tuple[AnyEvent, ...]) -> None:
            self.neighbours.tell(state.id)
            note(state, events)

        self.owner.conduct._on_change = tell
        self.listening = asyncio.ensure_future(self.neighbours.listen(self.owner.rounds))


class Two:
    def __init__(self) -> None:
        self.log = MemoryLog()
        self.log.create(SITTING, make_created())
        self.live = LocalLive()
        clock = ManualClock(NOW)
        self.here, self.there = (Process(self.log, clock, self.live) for _ in range(2))

    async def order(self, process: Process, *commands: Admit | Extend | Stop | WithdrawAdmission) -> None:
        for command in commands:
            task = asyncio.ensure_future(process.owner.conduct.order(SITTING, command))
            await quiet()
            self.log.land_all()
            assert (await task).refusal is None


@pytest.fixture
async def two(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Two]:
    hurry(monkeypatch)
    made = Two()
    await quiet()
    yield made
    for process in (made.here, made.there):
        process.listening.cancel()
        await asyncio.gather(process.listening, return_exceptions=True)


async def test_a_proctors_act_at_another_process_reaches_the_page_at_once(two: Two) -> None:
    await two.order(two.here, Admit("biometrics"))
    held, line = await two.here.owner.attach(SITTING, FIRST)
    two.here.owner.conduct.receive(held, line, Start(1), NOW)
    two.log.land_all()
    await quiet()
    line.told.clear()
    await two.order(two.there, Extend(5 * MINUTE, PROCTOR, 1))
    await quiet()
    assert line.kinds() == ["snapshot"]
    assert line.told[0]["deadline"] == timing.exam_deadline(two.log.state(SITTING))
    await two.order(two.there, Stop(PROCTOR, 2))
    await quiet()
    assert line.told[-1]["type"] == "snapshot"
    assert line.told[-1]["status"] == "ended"
    assert held.state == two.log.state(SITTING)


async def test_what_this_process_wrote_itself_is_not_read_again(two: Two) -> None:
    asked: list[SittingId] = []
    source = two.here.owner.source
    versions = source.versions

    async def ask(sittings: list[SittingId]) -> object:
        asked.extend(sittings)
        return await versions(sittings)

    source.versions = ask  # type: ignore[assignment,method-assign]
    await two.order(two.here, Admit("biometrics"))
    await quiet()
    assert asked == []


async def test_a_sitting_that_is_not_held_here_stays_so(two: Two) -> None:
    await two.order(two.there, Admit("biometrics"))
    await quiet()
    assert two.here.owner.conduct.held == 0


async def test_while_the_database_is_away_a_hint_is_let_go_and_the_next_one_counts(two: Two) -> None:
    await two.order(two.here, Admit("biometrics"))
    held, _ = await two.here.owner.attach(SITTING, FIRST)
    two.here.owner.source.away = True
    await two.order(two.there, WithdrawAdmission())
    await quiet()
    assert not two.here.listening.done()
    two.here.owner.source.away = False
    two.live.publish(CHANNEL, f"somebody {SITTING}".encode())
    await quiet()
    assert held.state == two.log.state(SITTING)
