"""SIGKILL in the middle of answering: what was acknowledged is there, and the same sitting is finished."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random

import websockets

from app.verification import verify
from core.clock import SystemClock
from core.moments import SECOND, Span
from exam_server import timing
from exam_server.events import Attached, Detached, OutageCompensated
from exam_server.store import load_events
from tests.server.booth import Booth, Page, until
from tests.server.conftest import Serve
from tests.server.processes import Server

Booths = Callable[[Server], Awaitable[Booth]]
CLIENTS = 6
ENOUGH = 40


class Answering:
    """One candidate who answers item after item, and keeps account of every acknowledgement."""

    def __init__(self, booth: Booth, page: Page, number: int) -> None:
        self.booth = booth
        self.page = page
        self.random = Random(number)
        self.acknowledged: dict[tuple[int, int], tuple[str, ...]] = {}
        """What the last acknowledged answer to each item and stage was."""
        self.sent: dict[tuple[int, int], tuple[str, ...]] = {}
        self.count = 0
        self.acked_seq = page.seq

    async def go(self, limit: int | None = None) -> None:
        """Answer and move on, until the connection breaks or so many answers are acknowledged."""
        while limit is None or self.count < limit:
            item = self.page.item
            assert item is not None
            place = (item["position"], item["stage"])
            response = self.page.response(self.random.randrange(len(self.page.choices())))
            self.sent[place] = tuple(response["value"])
            try:
                await self.page.order("respond", **{k: v for k, v in response.items() if k != "type"})
            except websockets.ConnectionClosed:
                return
            self.acknowledged[place] = self.sent[place]
            self.acked_seq = self.page.seq
            self.count += 1
            if self.random.random() < 0.7:
                try:
                    await self.page.show((item["position"] + 1) % 18)
                except websockets.ConnectionClosed:
                    return
                self.acked_seq = self.page.seq


async def test_a_killed_server_loses_no_acknowledged_answer(serve: Serve, demo_url: str, booths: Booths) -> None:
    server = serve(demo_url)
    made = [await booths(server) for _ in range(CLIENTS)]
    candidates = [Answering(booth, await booth.begin(), number) for number, booth in enumerate(made)]
    waiting = made[0]
    async with asyncio.TaskGroup() as group:
        for candidate in candidates:
            group.create_task(candidate.go())
        await until(lambda: all(one.count >= ENOUGH // 4 for one in candidates), "everybody is answering")
        await until(lambda: sum(one.count for one in candidates) >= ENOUGH * 3, "a lot is acknowledged")
        server.kill()
    shown = candidates[0].page.item
    assert shown is not None

    # By the log itself, before any server is there again.
    deadlines = []
    for one in candidates:
        state = await one.booth.state()
        assert state.status == "running"
        assert state.streams[state.stream] >= one.acked_seq
        for (position, stage), value in one.acknowledged.items():
            stored = state.items[position].answers[stage]
            assert stored in (value, one.sent[position, stage]), "the last acknowledged answer, or a later one"
        deadlines.append(timing.exam_deadline(state))

    server.start()
    for one, deadline in zip(candidates, deadlines, strict=True):
        before = one.page
        one.page = await one.booth.open_page()
        assert one.page.snapshot["status"] == "running"
        assert one.page.seq >= one.acked_seq
        answered = {place for place, mark in enumerate(one.page.snapshot["marks"]) if mark.get("answered")}
        assert {position for position, _ in one.acknowledged} <= answered
        item = one.page.item
        assert item is not None
        place = (item["position"], item["stage"])
        if place in one.acknowledged:
            assert tuple(item["answers"][item["stage"]]) in (one.acknowledged[place], one.sent[place])
        # The clocks went on all the while, unless it took so long that it is an outage of ours.
        given = await given_back(one.booth)
        assert one.page.snapshot["deadline"] == deadline + given
        if before.item is not None and item["position"] == before.item["position"]:
            assert item["deadline"] == before.item["deadline"] + given

    # The same sittings, finished.
    for one in candidates:
        one.count = 0
        await one.go(5)
        await one.page.order("submit")
        assert (await one.page.hear("ended"))["reason"] == "submitted"
    fates = [await until(partial(decided, one.booth), "a result") for one in candidates]
    assert set(fates) <= {"passed", "failed"}
    report = await verify(server.url, None)
    assert report.faults == []
    assert report.sittings == report.results == CLIENTS
    assert report.events > CLIENTS * 20
    async with waiting.database.transaction() as connection:
        events = await load_events(connection, waiting.sitting)
    kinds = [type(event) for event in events if isinstance(event, Attached | Detached)]
    assert kinds == [Attached, Detached, Attached] or kinds == [Attached, Detached, Attached, Detached]


async def given_back(booth: Booth) -> Span:
    """Time that the sitting got for outages of the service."""
    async with booth.database.transaction() as connection:
        events = await load_events(connection, booth.sitting)
    return sum(event.span for event in events if isinstance(event, OutageCompensated))


async def decided(booth: Booth) -> str:
    fate = await booth.fate()
    return fate if fate not in ("running", "computing") else ""


async def test_the_clock_of_the_item_on_screen_runs_while_the_server_is_dead(
    serve: Serve, demo_url: str, booths: Booths
) -> None:
    server = serve(demo_url)
    booth = await booths(server)
    page = await booth.begin()
    assert page.item is not None
    deadline, exam_deadline = page.item["deadline"], (await booth.state()).deadline
    kept = await page.answer(1)
    server.kill()
    assert await page.closed() == 1006
    dead_since = SystemClock().now()
    server.start()
    back = await booth.open_page()
    assert back.item is not None
    given = await given_back(booth)  # nothing, unless it took five seconds to come back
    assert back.item["deadline"] == deadline + given
    assert back.item["answers"] == [[kept]]
    left = back.item["deadline"] - back.snapshot["now"]
    assert left <= deadline + given - dead_since, "the time without a server is spent"
    assert exam_deadline is not None
    assert (await booth.state()).deadline == exam_deadline + given
    state = await booth.state()
    assert state.items[0].spent == 0
    await back.show(1)
    spent = (await booth.state()).items[0].spent
    assert back.snapshot["now"] - dead_since <= spent < 60 * SECOND

    # An orderly restart says so, and writes down that the page is gone.
    kept = await back.answer(2)
    _, code = await asyncio.gather(asyncio.to_thread(server.stop), back.closed())
    assert code == 1012
    assert not (await booth.state()).connected
    server.start()
    again = await booth.open_page()
    assert again.item is not None
    assert again.item["answers"] == [[kept]]
    await again.leave()
