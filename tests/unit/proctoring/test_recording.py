import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import Database
from core.errors import Unavailable
from core.live import LocalLive
from proctoring import recording
from proctoring.recording import Announcer, Recorder, Told, Work, stop


class Ledger:
    """Stands in for a database: keeps what was written in transactions that succeeded; away for a while if told."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.transactions = 0
        self.away = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        self.transactions += 1
        if self.away:
            self.away -= 1
            raise Unavailable("database_away", "Нет связи")
        written: list[str] = []
        yield cast(AsyncConnection, written)
        self.kept += written


def write(text: str, told: Told | None = None, fail: Callable[[], Exception] | None = None) -> Work:
    async def work(connection: AsyncConnection) -> Told | None:
        if fail is not None:
            raise fail()
        cast(list[str], connection).append(text)
        return told

    return work


class Desk:
    """A recorder with its ledger, running."""

    def __init__(self, live: LocalLive) -> None:
        self.ledger = Ledger()
        self.announcer = Announcer(live)
        self.recorder = Recorder(cast(Database, self.ledger), self.announcer)
        self.task: asyncio.Task[None] | None = None

    def run(self) -> None:
        self.task = asyncio.create_task(self.recorder.run())


@pytest.fixture
def live() -> LocalLive:
    return LocalLive()


@pytest.fixture
async def desk(live: LocalLive) -> AsyncIterator[Desk]:
    made = Desk(live)
    yield made
    if made.task is not None:
        await stop(made.task)


async def test_what_waits_is_written_together_and_in_order(desk: Desk) -> None:
    for number in range(5):
        desk.recorder.submit(write(str(number)))
    desk.run()
    await desk.recorder.flush()
    assert desk.ledger.kept == list("01234")
    assert desk.ledger.transactions == 1


async def test_news_come_after_the_commit(desk: Desk, live: LocalLive) -> None:
    async with live.subscribe("wall") as heard:
        desk.recorder.submit(write("one", Told("wall", b"one is stored")))
        desk.run()
        await desk.recorder.flush()
        await desk.announcer.flush()
        assert await anext(heard) == b"one is stored"


async def test_writes_wait_while_the_database_is_away(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "FIRST_WAIT_SECONDS", 0.001)
    desk.ledger.away = 4
    desk.recorder.submit(write("one"))
    desk.run()
    await desk.recorder.flush()
    assert desk.ledger.kept == ["one"]
    assert desk.ledger.transactions == 5
    assert desk.recorder.failed == 0


async def test_one_write_that_cannot_succeed_costs_no_other(desk: Desk) -> None:
    desk.recorder.submit(write("one"))
    desk.recorder.submit(write("bad", fail=lambda: ValueError("never")))
    desk.recorder.submit(write("two"))
    desk.run()
    await desk.recorder.flush()
    assert desk.ledger.kept == ["one", "two"]
    assert desk.recorder.failed == 1


async def test_stills_are_bounded_and_room_is_given_back(desk: Desk) -> None:
    half = recording.LARGEST_BACKLOG // 2
    assert desk.recorder.submit(write("one"), half)
    assert desk.recorder.submit(write("two"), half)
    assert not desk.recorder.submit(write("three"), 1)
    assert desk.recorder.submit(write("small change"))
    desk.run()
    await desk.recorder.flush()
    assert desk.ledger.kept == ["one", "two", "small change"]
    assert desk.recorder.refused_stills == 1
    assert desk.recorder.submit(write("three"), half)


async def test_old_news_give_way_to_new_ones(live: LocalLive) -> None:
    announcer = Announcer(live)
    async with live.subscribe("wall") as heard:
        for number in range(recording.NEWS_KEPT + 1):
            announcer.tell(Told("wall", str(number).encode()))
        await announcer.flush()
        heard_first = int(await anext(heard))
    assert heard_first > 0
