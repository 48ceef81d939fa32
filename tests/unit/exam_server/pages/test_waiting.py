"""The page in front of an exam that is not open yet."""

import re

import httpx
import pytest
from msgspec.structs import replace

from core.errors import Conflict
from core.ids import SittingId
from exam_server.waiting import state_of
from tests.unit.exam_server.pages.hall import BOOKING, PREPARED, WAIT, FakeWaiting
from tests.unit.exam_server.pages.test_pages import read_data

PATH = f"/exam/bookings/{BOOKING}"
REFUSAL = Conflict("documents_missing", "Для допуска не хватает документов.", fields={"documents": "Диплом <b>"})


def test_what_stands_in_the_way_comes_before_the_time() -> None:
    assert state_of(SittingId(1), REFUSAL, 100, 50) == "entered"
    assert state_of(None, REFUSAL, 100, 50) == "hindered"
    assert [state_of(None, None, 100, now) for now in (99, 100)] == ["waiting", "open"]


async def test_it_says_when_it_opens_and_knows_nothing_of_a_form(client: httpx.AsyncClient) -> None:
    page = await client.get(PATH)
    assert page.status_code == 200
    assert read_data(page, "wait-data") == {
        "booking": BOOKING,
        "state": "waiting",
        "opensAt": WAIT.opens_at,
        "now": WAIT.now,
    }
    assert f'action="/cabinet/bookings/{BOOKING}/enter"' in page.text
    assert "/static/exam_server/waiting.js?v=" in page.text
    assert str(PREPARED) not in page.text.partition("<main")[2]


async def test_it_tells_the_time_and_the_state(client: httpx.AsyncClient, waiting: FakeWaiting) -> None:
    waiting.now_is = replace(WAIT, state="open")
    told = await client.get(f"{PATH}/state")
    assert told.json() == {"state": "open", "opensAt": WAIT.opens_at, "now": WAIT.now}


async def test_the_address_of_an_exam_that_is_not_open_leads_to_it(client: httpx.AsyncClient) -> None:
    page = await client.get(f"/exam/{PREPARED}")
    assert (page.status_code, page.headers["location"]) == (303, PATH)


async def test_who_has_come_in_is_led_on(client: httpx.AsyncClient, waiting: FakeWaiting) -> None:
    waiting.now_is = replace(WAIT, state="entered", sitting=SittingId(41))
    page = await client.get(PATH)
    assert (page.status_code, page.headers["location"]) == (303, "/exam/41")


async def test_what_stands_in_the_way_is_said_and_there_is_no_door(
    client: httpx.AsyncClient, waiting: FakeWaiting
) -> None:
    waiting.now_is = replace(WAIT, state="hindered", hindrance=REFUSAL)
    page = await client.get(PATH)
    assert "Для допуска не хватает документов." in page.text
    assert "Диплом &lt;b&gt;" in page.text
    assert "/enter" not in page.text
    assert "waiting.js" not in page.text


@pytest.mark.parametrize("booking", ["8", "0", "x", "99999999999999999999999"])
async def test_a_booking_of_somebody_else_or_of_nobody_is_not_found(client: httpx.AsyncClient, booking: str) -> None:
    for path in (f"/exam/bookings/{booking}", f"/exam/bookings/{booking}/state"):
        assert (await client.get(path)).status_code == 404


@pytest.mark.usefixtures("nobody")
async def test_nobody_waits_without_signing_in(client: httpx.AsyncClient) -> None:
    page = await client.get(PATH, headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, f"/login?next={PATH}")
    assert (await client.get(f"{PATH}/state")).status_code == 401


@pytest.mark.parametrize("state", ["waiting", "open", "hindered"])
async def test_it_holds_no_script_of_its_own_and_speaks_english(
    client: httpx.AsyncClient, waiting: FakeWaiting, state: str
) -> None:
    waiting.now_is = replace(WAIT, state=state, practice=state == "open")
    if state == "hindered":
        waiting.now_is = replace(waiting.now_is, hindrance=Conflict("passed", "Passed."))
    page = await client.get(PATH, headers={"accept-language": "en"})
    scripts = re.findall(r"<script([^>]*)>", page.text)
    assert all('src="/static/' in script or 'type="application/json"' in script for script in scripts)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page.text)
    main = page.text.partition("<main")[2].partition("<script")[0]
    foreign = re.sub(r"Лечебное дело|Экзамен", "", re.sub(r"<[^>]*>", " ", main))
    assert not re.search("[А-Яа-яЁё]", foreign), re.findall("[А-Яа-яЁё ]{4,}", foreign)
