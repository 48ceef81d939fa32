"""What is told about a sitting, and that an ended one is concluded once its observation is closed."""

import asyncio
from typing import cast

import msgspec
import pytest

from app.aftermath import ROOM, Aftermath, SittingNews, describe
from core.errors import Unavailable
from core.ids import SittingId
from core.live import LocalLive
from core.moments import MINUTE, Moment
from exam_server.camera import Observation
from exam_server.commands import Detach, Submit
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


def test_a_sitting_is_described_for_staff() -> None:
    drive = Drive().start()
    drive.do(drive.answer(0))
    assert describe(drive.state) == SittingNews(SITTING, NOW, "running", 0, 3, 1, True, None)
    drive.do(Detach(drive.state.epoch))
    assert not describe(drive.state).connected
    drive.do(Submit(0), at=NOW + MINUTE)
    news = describe(drive.state)
    assert (news.status, news.position, news.ended, news.at) == ("ended", None, "submitted", NOW + MINUTE)


def test_what_is_told_has_neither_answers_nor_items() -> None:
    drive = Drive().start()
    drive.do(drive.answer(0))
    said = msgspec.json.encode(describe(drive.state)).decode()
    assert "0.0.a" not in said
    assert "i0" not in said


async def test_changes_are_told_to_the_room_and_to_whoever_watches_the_sitting() -> None:
    live = LocalLive()
    aftermath = make(live, Office())
    task = asyncio.create_task(aftermath.tell())
    async with (
        live.subscribe(ROOM) as room,
        live.subscribe(f"sitting:{SITTING}") as one,
        live.subscribe("sitting:8") as other,
    ):
        drive = Drive().start()
        aftermath.note(drive.state, tuple(drive.events))
        drive.do(drive.answer(0))
        aftermath.note(drive.state, ())
        heard = [await asyncio.wait_for(anext(room), PATIENCE) for _ in range(2)]
        assert [msgspec.json.decode(message, type=SittingNews).answered for message in heard] == [0, 1]
        assert await asyncio.wait_for(anext(one), PATIENCE) == heard[0]
        assert not other._waiting
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


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
