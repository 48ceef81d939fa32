"""What is told about a sitting, and that an ended one is concluded once its observation is closed."""

import asyncio
from typing import cast

import pytest

from app.aftermath import NEWS, Aftermath
from core.errors import Unavailable
from core.ids import SittingId
from core.live import ROOM, LocalLive, channel_of
from core.moments import MINUTE, Moment
from exam_server.camera import Observation
from exam_server.commands import Submit
from exam_server.conclusion import Conclusion
from tests.histories.sittings import NOW, SITTING, Drive

PATIENCE = 5.0


class Office:
    """Observation and conclusion in one: what was asked of them, in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, SittingId]] = []
        self.ended_at: Moment | None = None
        self.troubles: list[Exception] = []
        self.concluded = asyncio.Event()

    async def end(self, sitting: SittingId, at: Moment) -> None:
        self.asked.append(("end", sitting))
        self.ended_at = at
        if self.troubles:
            raise self.troubles.pop(0)

    async def conclude(self, sitting: SittingId) -> bool:
        self.asked.append(("conclude", sitting))
        self.concluded.set()
        return True


def make(live: LocalLive, office: Office) -> Aftermath:
    return Aftermath(live, cast(Observation, office), cast(Conclusion, office))


async def test_changes_are_told_at_once_to_the_room_and_to_whoever_watches_the_sitting() -> None:
    live = LocalLive()
    aftermath = make(live, Office())
    async with (
        live.subscribe(ROOM) as room,
        live.subscribe(channel_of(SITTING)) as one,
        live.subscribe(channel_of(SittingId(SITTING + 1))) as other,
    ):
        drive = Drive().start()
        aftermath.note(drive.state, tuple(drive.events))
        aftermath.note(drive.state, ())
        async with asyncio.timeout(PATIENCE):
            assert [await anext(room) for _ in range(2)] == [NEWS] * 2
            assert [await anext(one) for _ in range(2)] == [NEWS] * 2
        assert not other._waiting


async def test_an_end_closes_the_observation_and_then_concludes() -> None:
    office = Office()
    aftermath = make(LocalLive(), office)
    task = asyncio.create_task(aftermath.conclude())
    drive = Drive().start()
    aftermath.note(drive.state, tuple(drive.events))
    ended = drive.do(Submit(0), at=NOW + MINUTE)
    aftermath.note(drive.state, ended)
    await asyncio.wait_for(office.concluded.wait(), PATIENCE)
    assert office.asked == [("end", SITTING), ("conclude", SITTING)]
    assert office.ended_at == NOW + MINUTE
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("trouble", [Unavailable("database_away", "Нет базы."), ValueError("a fault")])
async def test_what_fails_is_left_to_the_sweep_and_the_next_one_is_done(trouble: Exception) -> None:
    office = Office()
    office.troubles = [trouble]
    aftermath = make(LocalLive(), office)
    task = asyncio.create_task(aftermath.conclude())
    drive = Drive().start()
    ended = drive.do(Submit(0))
    aftermath.note(drive.state, ended)
    aftermath.note(drive.state, ended)
    await asyncio.wait_for(office.concluded.wait(), PATIENCE)
    assert office.asked == [("end", SITTING), ("end", SITTING), ("conclude", SITTING)]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
