"""An exam without any WebSocket: over HTTP requests alone, at one process and at two."""

from collections.abc import Awaitable, Callable
from typing import Any

from exam_server.events import Attached
from exam_server.store import load_events
from tests.server.booth import STREAM, Booth, Page, until
from tests.server.examinee import read_keys, solve
from tests.server.processes import Server

Booths = Callable[[Server], Awaitable[Booth]]
OTHER = "browser02"


class Asker(Page):
    """A page whose every word is a request; what it hears is what the answer brings."""

    def __init__(self, booth: Booth, stream: str = STREAM) -> None:
        self.booth = booth
        self.stream = stream
        self.epoch = 0
        self.told: list[dict[str, Any]] = []
        self.seq = 0
        self.item: dict[str, Any] | None = None
        self.snapshot: dict[str, Any] = {}
        self.address = booth.server.address

    async def exchange(self, *edits: dict[str, Any]) -> list[dict[str, Any]]:
        """One request with these edits; the messages of its answer."""
        letter = {"stream": self.stream, "epoch": self.epoch, "edits": edits}
        headers = {"X-CSRF-Token": self.booth.csrf, "Origin": self.address}
        path = f"{self.address}/exam/{self.booth.sitting}/edits"
        answer = await self.booth.http.post(path, json=letter, headers=headers)
        assert answer.status_code == 200, answer.text
        heard: list[dict[str, Any]] = answer.json()["messages"]
        self.told += heard
        if heard[-1]["type"] == "snapshot":
            self.snapshot, self.item = heard[-1], heard[-1].get("item")
            self.epoch, self.seq = heard[-1]["epoch"], max(self.seq, heard[-1]["seq"])
        return heard

    async def order(self, kind: str, **fields: Any) -> None:
        self.seq += 1
        heard = await self.exchange({"type": kind, "seq": self.seq, **fields})
        assert {"type": "ack", "seq": self.seq} in heard, heard


async def test_a_whole_exam_over_http(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    await booth.pass_entrance()
    page = Asker(booth)
    await page.exchange()
    assert page.snapshot["status"] == "ready"
    await page.order("start")
    keys = await read_keys(booth)
    count = len(page.snapshot["marks"])
    for position in range(count):
        assert page.item is not None
        if page.item["position"] != position:
            await page.order("show", position=position)
        while page.snapshot["status"] == "running" and page.item["position"] == position:
            item = page.item
            stages = keys[item["content"]["item"]].stages
            value = solve(stages[item["stage"]], True)
            await page.order("respond", position=position, stage=item["stage"], value=value)
            if len(stages) == 1:
                break
            await page.order("lock", position=position, stage=item["stage"])
    if page.snapshot["status"] == "running":
        await page.order("submit")
    assert (page.snapshot["status"], page.snapshot["ended"]) in [("ended", "submitted"), ("ended", "completed")]

    async def passed() -> bool:
        return await booth.fate() == "passed"

    await until(passed, "the exam is passed")
    async with booth.database.transaction() as connection:
        attached = [event for event in await load_events(connection, booth.sitting) if type(event) is Attached]
    assert [event.via for event in attached] == ["http"]


async def test_a_request_whose_answer_was_lost_is_sent_again_and_counts_once(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    await booth.pass_entrance()
    page = Asker(booth)
    await page.exchange()
    await page.order("start")
    edits = [{**page.response(which), "seq": page.seq + 1 + which} for which in range(3)]
    first = await page.exchange(*edits)
    again = await page.exchange(*edits)
    for heard in (first, again):
        assert {message["type"] for message in heard[:-1]} == {"ack"}
        assert heard[-2]["seq"] == edits[-1]["seq"]
    state = await booth.state()
    assert state.items[0].revisions == 3
    assert state.items[0].answers == (tuple(edits[2]["value"]),)


async def test_socket_and_http_take_the_sitting_over_from_each_other(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    older = await booth.begin()
    kept = await older.answer(1)
    page = Asker(booth, OTHER)
    assert [message["type"] for message in await page.exchange()] == ["snapshot", "snapshot"]
    assert page.item is not None
    assert page.item["answers"] == [[kept]]
    assert await older.closed() == 4001
    changed = page.choices()[2]
    await page.order("respond", position=0, stage=0, value=[changed])

    back = await booth.open_page(STREAM)
    assert back.item is not None
    assert back.item["answers"] == [[changed]]
    assert await page.exchange({**page.response(0), "seq": page.seq + 1}) == [{"type": "taken_over"}]
    assert (await booth.state()).items[0].answers == ((changed,),)
    await back.leave()


async def test_two_processes_answer_in_turn(house: Server, annex: Server, booths: Booths) -> None:
    booth = await booths(house)
    await booth.pass_entrance()
    page = Asker(booth)
    await page.exchange()
    await page.order("start")
    for number in range(6):
        page.address = (annex, house)[number % 2].address
        await page.order("respond", position=0, stage=0, value=[page.choices()[number % 4]])
        assert page.item is not None
        assert page.item["answers"] == [[page.choices()[number % 4]]]
    state = await booth.state()
    assert (state.items[0].revisions, state.streams) == (6, {STREAM: page.seq})


async def test_requests_are_checked_like_every_other_post(house: Server, booths: Booths) -> None:
    booth, stranger = await booths(house), await booths(house)
    await booth.enter()
    path = f"/exam/{booth.sitting}/edits"
    letter = {"stream": STREAM, "edits": []}
    answers = [
        await stranger.post(path, json=letter),
        await booth.post(path, json={"stream": "x"}),
        await booth.post(path, content=b"x" * 70_000),
        await booth.http.post(path, json=letter),
        await booth.http.post(
            path, json=letter, headers={"X-CSRF-Token": booth.csrf, "Origin": "https://elsewhere.ru"}
        ),
        await booth.http.post(path, json=letter, headers={"X-CSRF-Token": booth.csrf, "Cookie": ""}),
        await booth.http.get(path),
    ]
    assert [answer.status_code for answer in answers] == [404, 422, 413, 403, 403, 401, 405]
    assert (await booth.state()).epoch == 0
