"""A whole practice run over the public interface: no booking, no camera, explanations as they fall due."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import websockets

from app.demo.seed import MEDICINE_PRACTICE, NURSING_PRACTICE
from core.clock import SystemClock
from core.database import fetch_all
from core.ids import BlueprintId, SittingId
from core.randomness import fresh_seed
from exam_server.conclusion import load_outcome
from exam_server.practice import begin_run
from question_bank.pool_store import PreparedPools
from scoring.practice_store import load_practice
from tests.server.booth import Booth, Page, until
from tests.server.examinee import read_keys, solve, take
from tests.server.processes import Server

Booths = Callable[..., Awaitable[Booth]]


async def practise(booth: Booth, blueprint: BlueprintId) -> Page:
    """A run, begun: the first item is on screen."""
    async with booth.database.transaction() as connection:
        booth.sitting = await begin_run(
            connection, blueprint, booth.person, pools=PreparedPools(), seed=fresh_seed(), now=SystemClock().now()
        )
    page = await booth.open_page()
    await page.order("start")
    await page.hear("item")
    return page


async def explanation(booth: Booth, position: int, sitting: SittingId | None = None) -> dict[str, Any]:
    path = f"/exam/{sitting or booth.sitting}/items/{position}/explanation"
    answer = await booth.http.get(path, headers={"Accept": "application/json"})
    return {"status": answer.status_code, **answer.json()}


async def test_each_item_is_explained_before_the_next_one_is_shown(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    page = await practise(booth, MEDICINE_PRACTICE)
    keys = await read_keys(booth)
    count = len(page.snapshot["marks"])
    assert page.snapshot["explanations"] == "item"
    for position in range(count):
        assert page.item is not None
        assert page.item["position"] == position
        assert (await explanation(booth, position))["code"] == "item_not_locked"
        stages = keys[page.item["content"]["item"]].stages
        chosen = [solve(stage, position % 2 == 0) for stage in stages]
        for number, value in enumerate(chosen):
            await page.order("respond", position=position, stage=number, value=value)
            await page.order("lock", position=position, stage=number)
            if number + 1 < len(stages):
                await page.hear("item")
        if position + 1 < count:
            told = await page.hear("changed")
            assert (told["explained"], told.get("item")) == (position, None)
        else:
            assert (await page.hear("ended"))["reason"] == "completed"
        found = await explanation(booth, position)
        assert found["status"] == 200
        assert found["answers"] == chosen
        assert ([stage["right"] for stage in found["stages"]] == chosen) is (position % 2 == 0)
        assert found["explanation"] == keys[found["content"]["item"]].explanation
        if position + 1 < count:
            await page.show(position + 1)

    async def concluded() -> bool:
        async with booth.database.transaction() as connection:
            return booth.sitting in await load_practice(connection, [booth.sitting])

    await until(concluded, "the run is marked")
    assert await booth.fate() == "failed"
    async with booth.database.transaction() as connection:
        assert await load_outcome(connection, booth.sitting) is None
        posted = await fetch_all(
            connection,
            "SELECT 1 FROM core.outbox WHERE topic = 'exam.outcome' AND key = :key",
            key=f"sitting:{booth.sitting}",
        )
    assert posted == []
    await page.leave()


async def test_everything_is_explained_at_the_end_and_to_nobody_else(house: Server, booths: Booths) -> None:
    booth, other = await booths(house), await booths(house)
    page = await practise(booth, NURSING_PRACTICE)
    await page.answer()
    assert (await explanation(booth, 0))["code"] == "item_not_locked"
    assert (await explanation(other, 0, booth.sitting))["status"] == 404
    await take(page, await read_keys(booth))
    assert (await explanation(booth, 19))["status"] == 200
    assert (await explanation(other, 19, booth.sitting))["code"] == "unknown_sitting"
    assert (await booth.http.get(f"/exam/{booth.sitting}/items/x/explanation")).status_code == 404
    await page.leave()


async def test_an_exam_explains_nothing_before_its_end_or_after(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    page = await booth.begin()
    refused = await explanation(booth, 0)
    assert (refused["status"], refused["code"]) == (403, "not_practice")
    await page.order("submit")
    assert (await explanation(booth, 0))["code"] == "not_practice"
    await page.leave()


async def test_practice_is_not_watched(house: Server, booths: Booths, face: bytes) -> None:
    booth = await booths(house)
    page = await practise(booth, MEDICINE_PRACTICE)
    camera = await booth.connect(f"/ws/camera/{booth.sitting}")
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await camera.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "practice")
    await page.leave()
