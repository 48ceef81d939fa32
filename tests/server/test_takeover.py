"""Two tabs: the newer one has the sitting, the older one says so; across processes too."""

import asyncio
from collections.abc import Awaitable, Callable

import websockets

from tests.server.booth import STREAM, Booth, Page, until
from tests.server.processes import Server

Booths = Callable[[Server], Awaitable[Booth]]
OTHER = "browser02"


async def test_the_newer_tab_takes_over_and_the_older_one_is_told(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    older = await booth.begin()
    kept = await older.answer(1)
    newer = await booth.open_page(OTHER)
    assert newer.snapshot["epoch"] == older.snapshot["epoch"] + 1
    assert newer.item is not None
    assert newer.item["answers"] == [[kept]]
    assert await older.closed() == 4001
    assert older.told[-1] == {"type": "taken_over"}
    changed = await newer.answer(2)
    assert (await booth.state()).items[0].answers == ((changed,),)
    await newer.leave()


async def test_what_the_older_tab_still_says_changes_nothing(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    older = await booth.begin()
    response = older.response(3)
    late = [{**response, "seq": older.seq + 1}, {"type": "submit", "seq": older.seq + 2}]
    closing = asyncio.create_task(older.closed())
    newer = await booth.open_page(OTHER)
    kept = await newer.answer(0)
    for message in late:
        try:
            await older.say(message)
        except websockets.ConnectionClosed:
            break
    assert await closing == 4001
    state = await booth.state()
    assert (state.status, state.items[0].answers) == ("running", ((kept,),))
    assert state.streams[STREAM] == older.seq
    assert not any(heard["type"] == "ack" and heard["seq"] > older.seq for heard in older.told)
    await newer.answer(1)
    await newer.leave()


async def test_a_message_on_its_way_when_the_tab_is_taken_over_is_dropped_or_acknowledged(
    house: Server, booths: Booths
) -> None:
    """Whichever came first: what was acknowledged is there, what was not changed nothing."""
    booth = await booths(house)
    older = await booth.begin()
    first = older.seq
    choices = older.choices()

    async def answer() -> None:
        for number in range(1, 30):
            try:
                await older.say({**older.response(number % 4), "seq": first + number})
            except websockets.ConnectionClosed:
                return

    _, newer, code = await asyncio.gather(answer(), booth.open_page(OTHER), older.closed())
    assert code == 4001
    acknowledged = max((heard["seq"] for heard in older.told if heard["type"] == "ack"), default=first)
    state = await booth.state()
    assert state.streams[STREAM] >= acknowledged
    stored = state.streams[STREAM] - first
    assert state.items[0].answers == (((choices[stored % 4],),) if stored else ((),))
    assert newer.item is not None
    assert newer.item["answers"] == [list(state.items[0].answers[0])]
    await newer.leave()


async def test_the_older_tab_can_take_the_sitting_back(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    older = await booth.begin()
    newer = await booth.open_page(OTHER)
    assert await older.closed() == 4001
    kept = await newer.answer(2)
    back = await booth.open_page(STREAM)
    assert await newer.closed() == 4001
    assert back.seq == older.seq
    assert back.item is not None
    assert back.item["answers"] == [[kept]]
    await back.answer(0)
    await back.leave()


async def test_two_pages_of_one_browser_are_two_pages(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    older = await booth.begin()
    await older.answer()
    newer = await booth.open_page(STREAM)
    assert await older.closed() == 4001
    assert newer.seq == older.seq
    await newer.answer(1)
    await newer.leave()


async def test_a_page_on_another_process_takes_over(house: Server, annex: Server, booths: Booths) -> None:
    booth = await booths(house)
    older = await booth.begin()
    kept = await older.answer(1)
    newer = Page(await booth.connect(f"/ws/sittings/{booth.sitting}?stream={OTHER}", annex))
    await newer.hear("snapshot")
    assert newer.item is not None
    assert newer.item["answers"] == [[kept]]
    assert await older.closed() == 4001, "the first process learns of it without a word from its page"
    assert older.told[-1] == {"type": "taken_over"}
    changed = await newer.answer(2)

    back = Page(await booth.connect(f"/ws/sittings/{booth.sitting}?stream={STREAM}"))
    await back.hear("snapshot")
    assert back.item is not None
    assert back.item["answers"] == [[changed]]
    last = await back.answer(3)
    assert await newer.closed() == 4001
    await back.order("submit")
    await back.hear("ended")
    state = await booth.state()
    assert (state.status, state.items[0].answers) == ("ended", ((last,),))

    async def concluded() -> bool:
        return await booth.fate() in ("passed", "failed")

    await until(concluded, "one of the processes concludes it, once")


async def test_an_edit_on_a_process_that_was_left_behind_changes_nothing(
    house: Server, annex: Server, booths: Booths
) -> None:
    """The first process still believes it has the page when an edit arrives there: the log's key says no."""
    booth = await booths(house)
    older = await booth.begin()
    newer = Page(await booth.connect(f"/ws/sittings/{booth.sitting}?stream={OTHER}", annex))
    closing = asyncio.create_task(older.closed())
    await asyncio.gather(
        newer.hear("snapshot"),
        *(older.say({**older.response(3), "seq": older.seq + number}) for number in range(1, 9)),
    )
    assert await closing == 4001
    kept = await newer.answer(0)
    state = await booth.state()
    assert state.items[0].answers == ((kept,),)
    acknowledged = max((heard["seq"] for heard in older.told if heard["type"] == "ack"), default=0)
    assert state.streams[STREAM] >= acknowledged
    await newer.leave()
