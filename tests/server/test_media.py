"""Pictures over the public interface: signed, for one login, while their item is on screen, from any process."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import cv2
import httpx
import numpy as np
import pytest

from app.demo.seed import MEDICINE_PRACTICE
from core.clock import SystemClock
from exam_server.practice import begin_run
from exam_server.store import load_sitting
from question_bank.pool_store import PreparedPools
from tests.server.booth import Booth, Page
from tests.server.processes import Server

Booths = Callable[..., Awaitable[Booth]]
ILLUSTRATED = ("ld-r2", "ld-r3")


async def practise(booth: Booth) -> tuple[Page, int]:
    """A run that has begun, and where in it an item with a picture stands."""
    pools = PreparedPools()
    for seed in range(200):
        async with booth.database.transaction() as connection:
            booth.sitting = await begin_run(
                connection, MEDICINE_PRACTICE, booth.person, pools=pools, seed=seed, now=SystemClock().now()
            )
            form = (await load_sitting(connection, booth.sitting)).form
            places = [place for place, entry in enumerate(form.entries) if entry.item in ILLUSTRATED]
            if not places:
                await connection.rollback()
                continue
        page = await booth.open_page()
        await page.order("start")
        await page.hear("item")
        return page, places[0]
    pytest.fail("no form has a picture")


async def walk_to(page: Page, position: int) -> None:
    """Skip items up to that one: each is left, explained, and the next one asked for."""
    for place in range(position):
        await page.order("show", position=place + 1)
        await page.hear("changed")
        await page.show(place + 1)


async def get(booth: Booth, address: str) -> httpx.Response:
    return await booth.http.get(address, headers={"Accept": "application/json"})


def altered(address: str, **changes: str) -> str:
    place = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(place.query).items()} | changes
    return f"{place.path}?" + "&".join(f"{name}={value}" for name, value in query.items())


async def test_a_picture_is_served_while_its_item_is_open_and_refused_after(
    house: Server, annex: Server, booths: Booths
) -> None:
    booth, other = await booths(house), await booths(house)
    page, position = await practise(booth)
    await walk_to(page, position)
    assert page.item is not None
    assert page.item["content"]["markup"] == "html"
    (exhibit,) = page.item["media"]
    asset, address = exhibit["asset"], exhibit["address"]
    shown = await get(booth, address)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    assert shown.headers["cache-control"] == "private, no-store"
    drawn = cv2.imdecode(np.frombuffer(shown.content, np.uint8), cv2.IMREAD_COLOR)
    assert drawn is not None
    height, width = drawn.shape[:2]
    assert f'width="{width}" height="{height}"' in page.item["content"]["stem"]
    elsewhere = await booth.http.get(annex.address + address)
    assert elsewhere.content == shown.content, "another process of the service"

    async def code(by: Booth, asked: str) -> Any:
        answer = await get(by, asked)
        return answer.status_code, answer.json()["code"]

    assert await code(other, address) == (403, "media_unsigned")
    assert await code(booth, altered(address, sig="A" * 43)) == (403, "media_unsigned")
    assert await code(booth, altered(address, until="9999999999999")) == (403, "media_unsigned")
    assert await code(booth, altered(address, position="0")) == (403, "media_unsigned")
    assert await code(booth, address.replace(asset, "ekg-bez-p")) == (403, "media_unsigned")
    assert await code(booth, address.partition("?")[0]) == (404, "unknown_item")
    async with httpx.AsyncClient(base_url=house.address) as anybody:
        assert (await anybody.get(address, headers={"Accept": "application/json"})).status_code == 401

    await page.order("show", position=position + 1)
    await page.hear("changed")
    assert (await get(booth, address)).status_code == 200, "its explanation is open"
    told = (await get(booth, f"/exam/{booth.sitting}/items/{position}/explanation")).json()
    assert (await get(booth, told["media"][0]["address"])).status_code == 200
    await page.leave()


async def test_the_exam_closes_a_picture_with_its_item(house: Server, booths: Booths) -> None:
    for _ in range(60):
        booth = await booths(house)
        await booth.enter()
        form = (await booth.state()).form
        if places := [place for place, entry in enumerate(form.entries) if entry.item == "ld-r1"]:
            break
    else:
        pytest.fail("no form has the picture")
    page = await booth.begin()
    if places[0]:
        await page.show(places[0])
    assert page.item is not None
    (address,) = (exhibit["address"] for exhibit in page.item["media"])
    assert (await get(booth, address)).status_code == 200
    await page.show(places[0] + 1 if places[0] + 1 < len(form.entries) else 0)
    refused = await get(booth, address)
    assert (refused.status_code, refused.json()["code"]) == (403, "media_closed")
    await page.leave()
