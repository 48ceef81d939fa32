"""PostgreSQL goes away while answers arrive: nothing is acknowledged meanwhile, and nothing is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.embedded import EmbeddedPostgres
from app.verification import verify
from core.clock import SystemClock
from core.database import plain_url
from exam_server.events import Responded
from exam_server.store import load_events
from tests.server.booth import Booth, Page, sign_in, until
from tests.server.conftest import Serve
from tests.server.processes import Server, faults_in

Booths = Callable[[Server], Awaitable[Booth]]
OUTAGE_ANSWERS = 5


async def health(server: Server) -> int:
    async with httpx.AsyncClient() as anybody:
        return (await anybody.get(f"{server.address}/ready")).status_code


@pytest.mark.parametrize("how", ["suspended", "killed"])
async def test_no_acknowledged_answer_is_lost_and_nobody_is_thrown_out(
    serve: Serve, postgres: EmbeddedPostgres, booths: Booths, how: str
) -> None:
    server = serve(postgres.url)
    made = [await booths(server) for _ in range(4)]
    pages = [await booth.begin() for booth in made]
    kept = [await page.answer(0) for page in pages]
    newcomer = await booths(server)
    await newcomer.pass_entrance()
    stranger = await booths(server)  # signed in, but the server has never heard of the login
    await stranger.pass_entrance()
    stranger.cookie = {"login": await sign_in(stranger.database, stranger.person)}

    await asyncio.to_thread(postgres.suspend if how == "suspended" else postgres.kill)
    sent: list[list[dict[str, Any]]] = [[] for _ in pages]
    for number in range(OUTAGE_ANSWERS):
        for page, edits in zip(pages, sent, strict=True):
            edits.append({**page.response(number % 4), "seq": page.seq + number + 1})
            await page.say(edits[-1])

    async def away() -> bool:
        return await health(server) == 503

    await until(away, "the server says that its database is away")

    # Pages that come now wait or are sent away for a while; none is told to sign in or that it has failed.
    waiting = asyncio.create_task(newcomer.connect(f"/ws/sittings/{newcomer.sitting}?stream=browser01"))
    waiting_page = Page(await waiting)
    heard = asyncio.create_task(waiting_page.hear("snapshot"))
    turned_away = Page(await stranger.connect(f"/ws/sittings/{stranger.sitting}?stream=browser01"))
    assert await turned_away.closed() == 1013
    turned_away = Page(await stranger.connect(f"/ws/camera/{stranger.sitting}"))
    assert await turned_away.closed() == 1013
    answer = await stranger.http.get("/cabinet")
    assert answer.status_code == 503, "a page says that it is our fault and will pass"
    assert "retry-after" in answer.headers

    # The connections are up and nothing was acknowledged: a ping comes back as the first thing said.
    for page in pages:
        before = len(page.told)
        await page.say({"type": "ping", "sent": 7})
        assert (await page.hear())["type"] == "pong"
        assert len(page.told) == before + 1

    await asyncio.to_thread(postgres.resume)
    for page, edits in zip(pages, sent, strict=True):
        while True:
            answer_heard = await page.hear("ack", "refused", "snapshot")
            assert answer_heard["type"] == "ack", answer_heard
            if answer_heard["seq"] == edits[-1]["seq"]:
                break
        page.seq = edits[-1]["seq"]
    for booth, first, edits in zip(made, kept, sent, strict=True):
        async with booth.database.transaction() as connection:
            events = await load_events(connection, booth.sitting)
        answers = [event.value for event in events if isinstance(event, Responded)]
        assert answers == [(first,), *(tuple(edit["value"]) for edit in edits)], "each one once, in their order"
        assert (await booth.state()).connected
    assert (await heard)["status"] == "ready"

    async def back() -> bool:
        return await health(server) == 200

    await until(back, "the server says that all is well")
    comes_back = await stranger.open_page()
    await comes_back.order("start")
    for page, booth in zip(pages, made, strict=True):
        await page.answer(1)
        await page.order("submit")
        await page.hear("ended")

        async def decided(booth: Booth = booth) -> bool:
            return await booth.fate() in ("passed", "failed")

        await until(decided, "the result is worked out")
    assert (await verify(postgres.url, None)).faults == []
    assert [line for line in faults_in(server.said()) if "Exception in ASGI" in line] == []


async def test_a_database_that_only_hangs_is_waited_for(
    serve: Serve, postgres: EmbeddedPostgres, booths: Booths
) -> None:
    """A lock instead of an outage: commits stand still, the connection does not."""
    server = serve(postgres.url)
    booth = await booths(server)
    page = await booth.begin()
    blocker = await asyncpg.connect(plain_url(postgres.url))
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("LOCK TABLE exam_server.log IN EXCLUSIVE MODE")
    edit = {**page.response(1), "seq": page.seq + 1}
    await page.say(edit)
    await page.say({"type": "ping", "sent": 1})
    assert (await page.hear())["type"] == "pong"
    started = SystemClock().now()
    await page.say({"type": "ping", "sent": 2})
    assert (await page.hear())["type"] == "pong"
    assert SystemClock().now() - started < 5_000
    await transaction.rollback()
    await blocker.close()
    assert await page.hear("ack") == {"type": "ack", "seq": edit["seq"]}
    assert (await booth.state()).items[0].answers == ((edit["value"][0],),)
    await page.leave()
