"""Whatever arrives on the exam's socket: it is refused with a code, and the connection and the exam live on."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import cycle
from typing import Any, NamedTuple

import pytest
import websockets

from core.ids import SittingId
from core.web.security import SameOrigin
from exam_server import wire
from exam_server.rulings import MAX_SEQ_STEP
from tests.server.booth import STREAM, Booth, Page, dial, until
from tests.server.conftest import wait_for
from tests.server.processes import Server, faults_in

Booths = Callable[[Server], Awaitable[Booth]]
NEXT = -77
"""Stands for the number that comes next."""
SEATS = 4


class Seat(NamedTuple):
    house: Server
    sitting: SittingId
    cookie: dict[str, str]

    async def open_page(self) -> Page:
        page = Page(await dial(self.house, f"/ws/sittings/{self.sitting}?stream={STREAM}", self.cookie))
        await page.hear("snapshot")
        return page


@pytest.fixture(scope="module")
def seats(house: Server) -> list[Seat]:
    """Sittings that are under way: every test of the table goes on with one, on a connection of its own.

    They take turns, since pages of one sitting may attach no more than so often.
    """

    async def begin() -> Seat:
        booth = await Booth.open(house)
        page = await booth.begin()
        await page.leave()
        await booth.close()
        return Seat(house, booth.sitting, booth.cookie)

    return [wait_for(begin) for _ in range(SEATS)]


@pytest.fixture(scope="module")
def turns(seats: list[Seat]) -> Iterator[Seat]:
    return cycle(seats)


@pytest.fixture
async def page(turns: Iterator[Seat]) -> AsyncIterator[Page]:
    page = await next(turns).open_page()
    yield page
    await page.leave()


def respond(**changed: Any) -> dict[str, Any]:
    return {"type": "respond", "seq": NEXT, "position": 0, "stage": 0, "value": ["own"], **changed}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("", "malformed"),
        ("{", "malformed"),
        ('{"type":"respond"', "malformed"),
        ("\u0000", "malformed"),
        (b"\xff\xfe\x00\x01", "malformed"),
        (b'{"type":"respond","seq":1,"position":0,"stage":0,"value":["\xc3\x28"]}', "malformed"),
        (b"\xff\xd8\xff\xe0 a frame on the wrong socket", "malformed"),
        ("[" * 16_000, "invalid_message"),
        ('{"type":"flag","seq":' + "9" * 5_000 + "}", "*"),
        ("null", "invalid_message"),
        ("[]", "invalid_message"),
        ('"start"', "invalid_message"),
        ("7", "invalid_message"),
        ("{}", "*"),
        ({"type": "teleport", "seq": NEXT}, "unknown_type"),
        ({"type": 7, "seq": NEXT}, "*"),
        ({"type": None}, "*"),
        ({"type": "snapshot", "seq": NEXT}, "unknown_type"),
        ({"type": "settle"}, "unknown_type"),
        ({"type": "extend", "span": 9_000_000, "by": 1, "note": 1}, "unknown_type"),
        ({"type": "ack", "seq": NEXT}, "unknown_type"),
        (respond(seq=0), "invalid_message"),
        (respond(seq=-1), "invalid_message"),
        (respond(seq=1.5), "invalid_message"),
        (respond(seq="2"), "invalid_message"),
        (respond(seq=True), "invalid_message"),
        (respond(seq=None), "invalid_message"),
        (respond(seq=2**53 + 1), "invalid_message"),
        (respond(seq=2**64), "invalid_message"),
        (respond(seq=2**53), "bad_seq"),
        (respond(seq=MAX_SEQ_STEP + 50_000), "bad_seq"),
        ({"type": "submit", "seq": MAX_SEQ_STEP + 50_000}, "bad_seq"),
        ({"type": "respond", "seq": NEXT}, "invalid_message"),
        (respond(position=-1), "invalid_message"),
        (respond(position="0"), "invalid_message"),
        (respond(position=0.5), "invalid_message"),
        (respond(position=10_000), "invalid_message"),
        (respond(position=20), "unknown_item"),
        (respond(position=9_999), "unknown_item"),
        (respond(position=5), "unknown_option"),
        (respond(stage=-1), "invalid_message"),
        (respond(stage=1), "unknown_option"),
        (respond(value=["of another item"]), "unknown_option"),
        (respond(value=["alien"]), "unknown_option"),
        (respond(value=[""]), "unknown_option"),
        (respond(value=["\u0000"]), "unknown_option"),
        (respond(value=["😀"]), "unknown_option"),
        (respond(value=["x" * 65]), "invalid_message"),
        (respond(value=["own", "other"]), "wrong_count"),
        (respond(value=["own", "own"]), "wrong_count"),
        (respond(value=["own"] * 33), "invalid_message"),
        (respond(value=[0]), "invalid_message"),
        (respond(value="own"), "invalid_message"),
        (respond(value=None), "invalid_message"),
        (respond(value={"0": "own"}), "invalid_message"),
        (respond(correct=True), "invalid_message"),
        ({"type": "start", "seq": NEXT}, "already_started"),
        ({"type": "show", "seq": NEXT, "position": 20}, "unknown_item"),
        ({"type": "show", "seq": NEXT, "position": -1}, "invalid_message"),
        ({"type": "show", "seq": NEXT}, "invalid_message"),
        ({"type": "lock", "seq": NEXT, "position": 3, "stage": 0}, "item_not_open"),
        ({"type": "lock", "seq": NEXT, "position": 0, "stage": 1}, "stage_not_open"),
        ({"type": "flag", "seq": NEXT, "position": 77, "on": True}, "unknown_item"),
        ({"type": "flag", "seq": NEXT, "position": 0, "on": 1}, "invalid_message"),
        ({"type": "submit", "seq": NEXT, "sure": True}, "invalid_message"),
        ({"type": "submit"}, "invalid_message"),
        ({"type": "ping"}, "invalid_message"),
        ({"type": "ping", "sent": "now"}, "invalid_message"),
        ({"type": "ping", "sent": -1}, "invalid_message"),
        ({"type": "ping", "sent": 1e16}, "invalid_message"),
        (" " * (wire.MAX_MESSAGE + 1), "message_too_large"),
        (respond(value=["own"], padding="x" * wire.MAX_MESSAGE), "message_too_large"),
        (b"\x00" * 900_000, "message_too_large"),
    ],
    ids=lambda value: ascii(value)[:60],
)
async def test_a_bad_message_is_refused_and_the_next_answer_counts(
    page: Page, message: dict[str, Any] | str | bytes, code: str
) -> None:
    before = page.seq
    refusal = await page.ask(fit(page, message))
    assert refusal["type"] == "refused"
    assert refusal["code"] in wire.SENTENCES if code == "*" else refusal["code"] == code
    assert refusal["message"].startswith(wire.SENTENCES[refusal["code"]])
    if isinstance(message, dict) and message.get("seq") == NEXT and code != "message_too_large":
        assert refusal["seq"] == before + 1

    await page.answer(before % 4)
    await page.say({"type": "ping", "sent": 1})
    assert (await page.hear("pong"))["sent"] == 1
    assert [heard["type"] for heard in page.told] == ["snapshot", "refused", "ack", "pong"]


def fit(page: Page, message: dict[str, Any] | str | bytes) -> dict[str, Any] | str | bytes:
    """The message with the page's next number and the ids of real options in place of `own` and `other`."""
    if not isinstance(message, dict):
        return message
    message = dict(message)
    if message.get("seq") == NEXT and type(message["seq"]) is int:
        message["seq"] = page.seq + 1
    if isinstance(message.get("value"), list):
        names = {"own": page.choices()[0], "other": page.choices()[1]}
        message["value"] = [names.get(value, value) if isinstance(value, str) else value for value in message["value"]]
    return message


async def test_an_option_of_another_item_is_none_of_this_one(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    page = await booth.begin()
    foreign = page.choices()[0]
    await page.show(1)
    answer = await page.ask({**page.response(), "value": [foreign], "seq": page.seq + 1})
    assert answer["code"] == "unknown_option"
    item_not_open = await page.ask({**page.response(), "position": 0, "value": [foreign], "seq": page.seq + 1})
    assert item_not_open["code"] == "item_not_open"
    chosen = await page.answer()
    sitting = await booth.state()
    assert [item.answers for item in sitting.items[:2]] == [((),), ((chosen,),)]
    await page.leave()


async def test_a_number_that_goes_back_is_acknowledged_and_changes_nothing(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    page = await booth.begin()
    await page.answer(0)
    chosen = await page.answer(1)
    for seq in (1, page.seq - 1, page.seq):
        assert await page.ask({**page.response(2), "seq": seq}) == {"type": "ack", "seq": seq}
    assert (await booth.state()).items[0].answers == ((chosen,),)
    chosen = await page.answer(3)
    assert (await booth.state()).items[0].answers == ((chosen,),)
    await page.leave()


@pytest.mark.parametrize(
    "edit",
    [
        {"type": "respond", "position": 0, "stage": 0, "value": []},
        {"type": "show", "position": 0},
        {"type": "flag", "position": 0, "on": True},
        {"type": "lock", "position": 0, "stage": 0},
        {"type": "submit"},
    ],
    ids=lambda edit: str(edit["type"]),
)
async def test_an_edit_before_the_start(house: Server, booths: Booths, edit: dict[str, Any]) -> None:
    booth = await booths(house)
    await booth.enter()
    page = await booth.open_page()
    refusal = await page.ask({**edit, "seq": 1})
    assert refusal["code"] == "not_started"
    refusal = await page.ask({"type": "start", "seq": 1})
    assert refusal["code"] == "not_admitted"
    assert page.snapshot["status"] == "ready"
    assert (await booth.state()).status == "ready"
    await page.leave()


async def test_messages_after_the_end_are_refused(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    page = await booth.begin()
    response = page.response()
    await page.order("submit")
    assert (await page.hear("ended"))["reason"] == "submitted"
    for message in (
        {**response, "seq": page.seq + 1},
        {"type": "show", "seq": page.seq + 1, "position": 1},
        {"type": "flag", "seq": page.seq + 1, "position": 0, "on": True},
        {"type": "submit", "seq": page.seq + 1},
        {"type": "start", "seq": page.seq + 1},
    ):
        refusal = await page.ask(message)
        assert (refusal["code"], refusal["seq"]) == ("ended", page.seq + 1)
    await page.say({"type": "ping", "sent": 5})
    await page.hear("pong")
    assert not any(any(item.answers) for item in (await booth.state()).items)
    await page.leave()


# --- whoever may not come in --------------------------------------------------------------------------------


@pytest.mark.parametrize("socket", ["sittings", "camera"])
async def test_whoever_is_not_signed_in_is_sent_to_do_so(house: Server, booths: Booths, socket: str) -> None:
    booth = await booths(house)
    await booth.enter()
    path = f"/ws/{socket}/{booth.sitting}?stream={STREAM}"
    for cookies in ({}, {"login": "made up"}, {"login": "x" * 3_000}):
        page = Page(await dial(house, path, cookies))
        assert await page.closed() == 4401
        assert page.told == []


@pytest.mark.parametrize("socket", ["sittings", "camera"])
async def test_a_foreign_sitting_looks_like_none(house: Server, booths: Booths, socket: str) -> None:
    mine, other = await booths(house), await booths(house)
    await other.pass_entrance()
    for sitting in (other.sitting, 99_999_999, "abc", "-1", "0", "9" * 30, "9" * 6_000, "%00", "%F0%9F%98%80"):
        page = Page(await mine.connect(f"/ws/{socket}/{sitting}?stream={STREAM}"))
        assert await page.closed() == 4404
        assert page.told == []
    assert (await other.state()).epoch == 0


@pytest.mark.parametrize("stream", ["", "short", "x" * 65, "with-sign!", "%D0%B1%D1%80%D0%B0%D1%83%D0%B7%D0%B5%D1%80"])
async def test_a_bad_name_of_a_browser(house: Server, booths: Booths, stream: str) -> None:
    booth = await booths(house)
    await booth.enter()
    assert await Page(await booth.connect(f"/ws/sittings/{booth.sitting}?stream={stream}")).closed() == 4400


async def test_a_page_of_another_site_gets_no_socket(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    await booth.enter()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://elsewhere.example"}):
        with pytest.raises(websockets.InvalidStatus) as refusal:
            await booth.connect(f"/ws/sittings/{booth.sitting}?stream={STREAM}", None, **headers)
        assert refusal.value.response.status_code == 403
    assert SameOrigin.__doc__


async def test_a_33rd_browser_is_one_too_many_and_the_others_go_on(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    await booth.enter()
    for number in range(32):
        page = await booth.open_page(f"browser{number:04d}")
        await page.leave()
    assert await Page(await booth.connect(f"/ws/sittings/{booth.sitting}?stream=browser9999")).closed() == 4409
    page = await booth.open_page("browser0000")
    assert page.snapshot["status"] == "ready"
    await page.leave()


# --- what closes the connection, and what is there afterwards -----------------------------------------------


async def test_a_flood_is_closed_and_every_acknowledged_answer_is_there_on_return(
    house: Server, booths: Booths
) -> None:
    booth = await booths(house)
    page = await booth.begin()
    choices = page.choices()
    for number in range(20):
        await page.answer(number % 4)
    sent = {page.seq + number: choices[number % 4] for number in range(1, 300)}
    async with asyncio.TaskGroup() as group:
        code = group.create_task(page.closed())
        for seq, choice in sent.items():
            try:
                await page.say({**page.response(), "value": [choice], "seq": seq})
            except websockets.ConnectionClosed:
                break
    assert code.result() == 1008
    assert page.told[-1]["code"] == "flood"
    acknowledged = max(heard["seq"] for heard in page.told if heard["type"] == "ack")
    assert acknowledged >= 21

    back = await booth.open_page()
    assert back.seq >= acknowledged
    assert 70 < back.seq < 200, "what came before the flood was too much is stored, the rest is not"
    assert back.item is not None
    assert back.item["answers"] == [[sent[back.seq]]]
    for _ in range(20):
        answer = await back.ask({**back.response(), "seq": back.seq + 1})
        if answer["type"] == "ack":
            break
        assert answer["code"] == "flood", "the pace is the sitting's: to come back brings no fresh burst"
        back = await booth.open_page()
    assert answer == {"type": "ack", "seq": back.seq + 1}
    await back.leave()


async def test_a_flood_of_nonsense_is_closed_too(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    page = await booth.begin()
    kept = await page.answer(2)
    async with asyncio.TaskGroup() as group:
        code = group.create_task(page.closed())
        for _ in range(300):
            try:
                await page.say("nonsense")
            except websockets.ConnectionClosed:
                break
    assert code.result() == 1008
    back = await booth.open_page()
    assert back.item is not None
    assert back.item["answers"] == [[kept]]
    await back.leave()


@pytest.mark.parametrize(
    ("breach", "code"),
    [("invalid UTF-8", 1007), ("too large for a frame", 1009), ("unmasked", 1002), ("reserved opcode", 1002)],
)
async def test_a_breach_of_the_websocket_protocol_ends_the_connection_and_not_the_exam(
    house: Server, booths: Booths, breach: str, code: int
) -> None:
    booth = await booths(house)
    page = await booth.begin()
    kept = await page.answer(1)
    match breach:
        case "invalid UTF-8":
            await page.socket.send(b'{"type":"ping","sent":\xff}', text=True)
        case "too large for a frame":
            await page.socket.send(b"\x00" * 1_200_000)
        case "unmasked":
            page.socket.transport.write(b"\x81\x02{}")
        case "reserved opcode":
            page.socket.transport.write(b"\x83\x80\x00\x00\x00\x00")
    assert await page.closed() == code
    back = await booth.open_page()
    assert back.item is not None
    assert back.item["answers"] == [[kept]]
    await back.answer()
    await back.leave()


async def test_a_connection_cut_without_a_word_is_noticed(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    page = await booth.begin()
    kept = await page.answer(3)
    page.socket.transport.abort()

    async def detached() -> bool:
        return not (await booth.state()).connected

    await until(detached, "the connection's end stands in the log")
    back = await booth.open_page()
    assert back.item is not None
    assert back.item["answers"] == [[kept]]
    await back.leave()


async def test_nothing_of_all_this_was_a_fault_of_the_server(house: Server, seats: list[Seat]) -> None:
    """Runs last: the server wrote no traceback, and the sittings of the table are still running."""
    answers = 0
    for seat in seats:
        page = await seat.open_page()
        assert page.snapshot["status"] == "running"
        assert json.dumps(page.snapshot).count('"answered": true') == 1
        answers += page.snapshot["seq"]
        await page.leave()
    assert answers > 60
    assert faults_in(house.said()) == []
