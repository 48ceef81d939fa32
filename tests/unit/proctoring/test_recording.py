import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import Database
from core.errors import Unavailable
from proctoring import recording
from proctoring.recording import Recorder, Work, stop


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


def write(text: str, fail: Callable[[], Exception] | None = None) -> Work:
    async def work(connection: AsyncConnection) -> None:
        if fail is not None:
            raise fail()
        cast(list[str], connection).append(text)

    return work


class Desk:
    """A recorder with its ledger, running."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.recorder = Recorder(cast(Database, self.ledger))
        self.task: asyncio.Task[None] | None = None

    def run(self) -> None:
        self.task = asyncio.create_task(self.recorder.run())


class Shelf:
    """Stands in for the files of stills: away until told otherwise, and counts how often it was tried."""

    def __init__(self) -> None:
        self.away = True
        self.tries = 0
        self.tried_often = asyncio.Event()

    def still(self, text: str) -> Work:
        async def work(connection: AsyncConnection) -> None:
            self.tries += 1
            if self.tries >= 3:
                self.tried_often.set()
            if self.away:
                raise Unavailable("files_away", "Нет хранилища")
            cast(list[str], connection).append(text)

        return work


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
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


async def test_what_follows_a_write_comes_once_after_its_commit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "FIRST_WAIT_SECONDS", 0.001)
    kept: list[list[str]] = []
    desk.ledger.away = 2
    desk.recorder.submit(write("one"), lambda: kept.append(list(desk.ledger.kept)))
    desk.recorder.submit(write("bad", fail=lambda: ValueError("never")), lambda: kept.append([]))
    desk.run()
    await desk.recorder.flush()
    assert kept == [["one"]]


async def test_a_flush_waits_for_what_came_before_and_for_nothing_else(desk: Desk) -> None:
    rounds = 0

    async def restless(connection: AsyncConnection) -> None:
        nonlocal rounds
        rounds += 1
        await asyncio.sleep(0)  # as a database would
        desk.recorder.submit(restless)  # there is never nothing to write

    desk.recorder.submit(restless)
    desk.recorder.submit(write("before"))
    desk.run()
    async with asyncio.timeout(5):
        await desk.recorder.flush()
    assert desk.ledger.kept == ["before"]
    assert rounds >= 1


async def test_a_still_that_cannot_be_kept_holds_no_row_and_is_kept_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "FIRST_WAIT_SECONDS", 0.001)
    shelf = Shelf()
    desk.recorder.submit(write("incident"))
    assert desk.recorder.submit_still(shelf.still("still"), recording.LARGEST_BACKLOG)
    desk.recorder.submit(write("closed"))
    desk.run()
    async with asyncio.timeout(5):
        await desk.recorder.flush()
        await shelf.tried_often.wait()
        assert desk.ledger.kept == ["incident", "closed"]
        assert not desk.recorder.submit_still(shelf.still("too many"), 1)
        shelf.away = False
        await desk.recorder.flush_stills()
    assert desk.ledger.kept == ["incident", "closed", "still"]
    assert (desk.recorder.failed, desk.recorder.refused_stills) == (0, 1)


async def test_a_still_comes_after_the_row_it_belongs_to(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "FIRST_WAIT_SECONDS", 0.001)
    desk.ledger.away = 3
    shelf = Shelf()
    shelf.away = False
    for number in range(3):
        desk.recorder.submit(write(f"incident {number}"))
        desk.recorder.submit_still(shelf.still(f"still {number}"), 1)
    desk.run()
    await desk.recorder.flush_stills()
    kept = desk.ledger.kept
    assert sorted(kept) == sorted(f"{what} {number}" for what in ("incident", "still") for number in range(3))
    assert all(kept.index(f"incident {number}") < kept.index(f"still {number}") for number in range(3))


async def test_a_still_that_can_never_be_kept_is_counted_and_costs_no_other(desk: Desk) -> None:
    desk.recorder.submit_still(write("bad", fail=lambda: ValueError("never")), recording.LARGEST_BACKLOG - 1)
    desk.recorder.submit_still(write("good"), 1)
    desk.run()
    await desk.recorder.flush_stills()
    assert desk.ledger.kept == ["good"]
    assert desk.recorder.failed == 1
    assert desk.recorder.submit_still(write("another"), recording.LARGEST_BACKLOG)


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
    assert desk.recorder.submit_still(write("one"), half)
    assert desk.recorder.submit_still(write("two"), half)
    assert not desk.recorder.submit_still(write("three"), 1)
    desk.recorder.submit(write("a row"))
    desk.run()
    await desk.recorder.flush_stills()
    assert desk.ledger.kept == ["a row", "one", "two"]
    assert desk.recorder.refused_stills == 1
    assert desk.recorder.submit_still(write("three"), half)
