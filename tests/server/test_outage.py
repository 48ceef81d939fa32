"""The service was away for a while: candidates have that time back before anything it let run out is settled."""

import asyncio
from collections.abc import Awaitable, Callable

from app.embedded import EmbeddedPostgres, ask
from app.verification import verify
from core.moments import MINUTE
from exam_server.events import AnyEvent, ItemExpired, OutageCompensated, Started
from exam_server.outages import SHORTEST_OUTAGE
from exam_server.store import load_events
from tests.server.booth import Booth, until
from tests.server.conftest import Serve
from tests.server.processes import Server

Booths = Callable[[Server], Awaitable[Booth]]


async def events_of(booth: Booth) -> list[AnyEvent]:
    async with booth.database.transaction() as connection:
        return await load_events(connection, booth.sitting)


async def test_a_service_that_was_down_gives_the_time_back(serve: Serve, demo_url: str, booths: Booths) -> None:
    """Down for twenty minutes by the beats, which began before the sitting did: it gets all the time it ever had."""
    server = serve(demo_url)
    watched, alone = await booths(server), await booths(server)
    page, other = await watched.begin(), await alone.begin()
    kept = await page.answer(1)
    await other.answer(2)
    assert page.item is not None
    deadline = page.item["deadline"]
    server.kill()
    ask(demo_url, "UPDATE exam_server.beat SET at = at - 1200000")
    server.start()
    back = await watched.open_page()
    assert back.item is not None
    events = await events_of(watched)
    (given,) = [event for event in events if isinstance(event, OutageCompensated)]
    (started,) = [event for event in events if isinstance(event, Started)]
    assert given.began_at < started.at
    assert 0 <= given.at - started.at - given.span < MINUTE
    assert not any(isinstance(event, ItemExpired) for event in events)
    assert back.item["answers"] == [[kept]]
    assert back.item["deadline"] == deadline + given.span

    async def made_good() -> bool:
        return any(isinstance(event, OutageCompensated) for event in await events_of(alone))

    await until(made_good, "who has not come back yet has the time too")
    assert ask(demo_url, "SELECT count(*) FROM exam_server.outage") == 1
    await until(
        lambda: asyncio.to_thread(ask, demo_url, "SELECT count(*) = 1 FROM exam_server.outage WHERE applied_at > 0"),
        "the outage is done with",
    )
    await back.answer(0)
    await back.order("submit")
    assert (await verify(demo_url, None)).faults == []


async def test_a_database_that_was_away_gives_the_time_back(
    serve: Serve, postgres: EmbeddedPostgres, booths: Booths
) -> None:
    server = serve(postgres.url)
    booth = await booths(server)
    page = await booth.begin()
    assert page.item is not None
    item_deadline = page.item["deadline"]
    before = int(str(ask(postgres.url, "SELECT max(at) FROM exam_server.beat")))
    await asyncio.to_thread(postgres.suspend)
    edit = {**page.response(2), "seq": page.seq + 1}
    await page.say(edit)
    # Nobody can commit, and nobody is told anything, for as long as it takes to be an outage.
    started = asyncio.get_running_loop().time()
    pongs = 0
    while asyncio.get_running_loop().time() - started < SHORTEST_OUTAGE / 1_000:
        await page.say({"type": "ping", "sent": pongs})
        assert (await page.hear())["type"] == "pong"
        pongs += 1
        await asyncio.sleep(0.2)
    await asyncio.to_thread(postgres.resume)
    assert await page.hear("ack") == {"type": "ack", "seq": edit["seq"]}
    heard = await page.hear("changed")
    (given,) = [event for event in await events_of(booth) if isinstance(event, OutageCompensated)]
    assert given.span >= SHORTEST_OUTAGE
    assert given.began_at >= before
    assert heard["deadline"] > heard["now"]
    assert heard["item"]["deadline"] == item_deadline + given.span
    assert (await booth.state()).items[0].answers == ((edit["value"][0],),)
    await page.leave()
