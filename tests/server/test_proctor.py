"""What a proctor does reaches the candidate's page at once, and what the candidate does reaches the proctor's."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from core.database import fetch_all
from core.moments import MINUTE
from tests.server.booth import Booth, Page, Staff, until
from tests.server.processes import Server

Booths = Callable[..., Awaitable[Booth]]


@pytest.fixture
async def proctor(house: Server) -> AsyncIterator[Staff]:
    async with await Staff.open(house, "proktor") as staff:
        yield staff


async def act(proctor: Staff, booth: Booth, name: str, **fields: str) -> None:
    answer = await proctor.post(f"/staff/proctor/{booth.sitting}/{name}", data=fields)
    assert answer.status_code == 303, answer.text


async def panel(proctor: Staff, booth: Booth) -> str:
    answer = await proctor.http.get(f"/staff/proctor/{booth.sitting}/panel", headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer.text


async def begun(booths: Booths, server: Server) -> tuple[Booth, Page]:
    booth = await booths(server)
    return booth, await booth.begin()


async def test_a_pause_takes_the_item_off_the_screen_and_gives_its_time_back(
    house: Server, booths: Booths, proctor: Staff
) -> None:
    booth, page = await begun(booths, house)
    await act(proctor, booth, "pause", reason="Пожарная тревога")
    paused = await page.hear("changed")
    assert paused["halt"]["text"] == "Пожарная тревога"
    assert paused.get("item") is None
    refused = await page.ask({**page.response(), "seq": page.seq + 1})
    assert (refused["type"], refused["code"]) == ("refused", "paused")
    assert "часы стоят" in await panel(proctor, booth)
    await act(proctor, booth, "resume")
    resumed = await page.hear("changed")
    assert resumed.get("halt") is None
    assert resumed["item"]["position"] == 0
    assert resumed["deadline"] >= paused["deadline"]
    await page.answer()
    await page.leave()


async def test_a_message_is_heard_read_and_seen_to_be_read(house: Server, booths: Booths, proctor: Staff) -> None:
    booth, page = await begun(booths, house)
    await act(proctor, booth, "warning", text="Уберите телефон")
    notice = await page.hear("notice")
    assert (notice["kind"], notice["text"]) == ("warning", "Уберите телефон")
    assert "ещё не прочитано" in await panel(proctor, booth)
    await page.order("read", notice=notice["id"])
    assert "прочитано в" in await panel(proctor, booth)


async def test_an_allowance_moves_the_deadline_on_the_page(house: Server, booths: Booths, proctor: Staff) -> None:
    booth, page = await begun(booths, house)
    await act(proctor, booth, "time", minutes="5", reason="Отключали свет")
    given = await page.hear("deadlines")
    await act(proctor, booth, "allowance", percent="100", extra="10", breaks="1", reason="Решение № 4")
    changed = await page.hear("changed")
    assert changed["deadline"] == given["deadline"] + 10 * MINUTE
    assert changed["breaks_left"] == 1
    await act(proctor, booth, "end", reason="По просьбе кандидата")
    ended = await page.hear("ended")
    assert (ended["reason"], ended["text"]) == ("proctor", "По просьбе кандидата")


async def test_a_call_for_help_is_on_the_stream_of_the_wall(house: Server, booths: Booths, proctor: Staff) -> None:
    booth, page = await begun(booths, house)
    async with proctor.http.stream("GET", "/staff/proctor/events", headers={"Accept": "text/event-stream"}) as stream:
        lines = stream.aiter_lines()
        async with asyncio.timeout(20):
            while "event: wall" not in await anext(lines):
                pass
            await page.order("help", text="Не видно рисунок")
            while "Просит помощи с" not in await anext(lines):
                pass
    assert "Не видно рисунок" in await panel(proctor, booth)
    await act(proctor, booth, "help")
    assert (await page.hear("changed")).get("help", False) is False


async def test_every_act_is_in_the_journal(house: Server, booths: Booths, proctor: Staff) -> None:
    booth, page = await begun(booths, house)
    await act(proctor, booth, "pause", reason="Пожарная тревога")
    await act(proctor, booth, "resume")
    await page.leave()

    async def journalled() -> bool:
        async with booth.database.transaction() as connection:
            rows = await fetch_all(
                connection,
                "SELECT action FROM core.journal WHERE subject = :subject ORDER BY position",
                subject=f"sitting:{booth.sitting}",
            )
        return [row["action"] for row in rows if row["action"].startswith("sitting.")] == [
            "sitting.paused",
            "sitting.resumed",
        ]

    await until(journalled, "the journal has both acts")
