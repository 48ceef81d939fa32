"""An exam over HTTP: what is asked, what is told, who has the sitting."""

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace

from core.clock import ManualClock
from core.errors import AccreditationError, NotFound, TooMany, Unavailable
from core.ids import PersonId
from core.moments import SECOND
from exam_server import fallback
from exam_server.commands import Admit, Tell
from exam_server.events import Attached, Detached, Questioned, Responded
from exam_server.fallback import MAX_EDITS, CollectingLine, Fallback, read_letter
from exam_server.rulings import ATTACH_BURST
from exam_server.sitting import ATTACH_EVERY
from tests.histories.memory import MemoryLog, MemoryRecords, Owner, quiet
from tests.histories.sittings import CANDIDATE, FIRST, NOW, PROCTOR, SECOND_BROWSER, SITTING, make_created

START = {"type": "start", "seq": 1}
FROM = ("10.0.0.7", "Firefox")


def respond(seq: int, letter: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": "respond", "seq": seq, "position": 0, "stage": 0, "value": [f"0.0.{letter}"], **more}


class House:
    """One process in front of a sitting that is ready to begin."""

    def __init__(self, log: MemoryLog | None = None, clock: ManualClock | None = None, **options: Any) -> None:
        self.clock = clock or ManualClock(NOW)
        self.log = log or MemoryLog()
        self.log.by_itself = True
        if log is None:
            self.log.create(SITTING, make_created())
        self.owner = Owner(self.log, self.clock)
        self.records = MemoryRecords()
        self.fallback = Fallback(self.owner.conduct, self.clock, self.records, **{"burst": 1_000, **options})

    async def ask(
        self, *edits: Any, stream: str = FIRST, epoch: int = 0, person: int = CANDIDATE
    ) -> list[dict[str, Any]]:
        letter = read_letter(json.dumps({"stream": stream, "epoch": epoch, "edits": edits}).encode())
        return [json.loads(told) for told in await self.fallback.answer(SITTING, PersonId(person), letter, FROM)]

    async def begin(self) -> int:
        """Admitted and started; the epoch of the page."""
        await self.owner.conduct.order(SITTING, Admit("biometrics"))
        return int((await self.ask(START))[-1]["epoch"])


def kinds(told: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in told]


async def test_the_first_request_attaches_and_every_answer_ends_with_a_snapshot() -> None:
    house = House()
    await house.owner.conduct.order(SITTING, Admit("biometrics"))
    told = await house.ask(START, respond(2))
    assert kinds(told) == ["snapshot", "ack", "deadlines", "item", "ack", "snapshot"]
    assert told[-1]["item"]["answers"] == [["0.0.a"]]
    assert told[-1]["seq"] == 2
    assert house.records.greeted == [(SITTING, 1, *FROM)]
    attached = [event for event in house.log.events(SITTING) if isinstance(event, Attached)]
    assert [(event.stream, event.via) for event in attached] == [(FIRST, "http")]


async def test_requests_that_follow_do_not_attach_again() -> None:
    house = House()
    epoch = await house.begin()
    assert kinds(await house.ask(respond(2), epoch=epoch)) == ["ack", "snapshot"]
    assert kinds(await house.ask(epoch=epoch)) == ["snapshot"]
    assert house.log.state(SITTING).epoch == epoch == 1


async def test_an_edit_sent_again_is_acknowledged_again_and_stored_once() -> None:
    house = House()
    epoch = await house.begin()
    await house.ask(respond(2), epoch=epoch)
    told = await house.ask(respond(2, "b"), respond(3, "c"), epoch=epoch)
    assert told[:2] == [{"type": "ack", "seq": 2}, {"type": "ack", "seq": 3}]
    answers = [event for event in house.log.events(SITTING) if isinstance(event, Responded)]
    assert [event.value for event in answers] == [("0.0.a",), ("0.0.c",)]


async def test_nothing_is_answered_before_it_is_durable() -> None:
    house = House()
    epoch = await house.begin()
    house.log.by_itself = False
    asking = asyncio.ensure_future(house.ask(respond(2), epoch=epoch))
    await quiet()
    assert not asking.done()
    house.log.land_all()
    await quiet()
    assert kinds(await asking) == ["ack", "snapshot"]


async def test_what_happened_between_two_requests_is_told_with_the_next() -> None:
    house = House()
    epoch = await house.begin()
    await house.owner.conduct.order(SITTING, Tell("warning", PROCTOR, 5))
    told = await house.ask(epoch=epoch)
    assert kinds(told) == ["notice", "snapshot"]
    assert told[0]["text"] == told[1]["notices"][0]["text"] == "text of note 5"


async def test_what_cannot_be_read_is_refused_and_the_rest_goes_on() -> None:
    house = House()
    epoch = await house.begin()
    long = {"type": "remark", "seq": 9, "position": 0, "text": "я" * 17_000}
    told = await house.ask({"type": "no"}, 7, long, {"type": "ping", "sent": 4}, respond(2), epoch=epoch)
    assert [message.get("code", message["type"]) for message in told] == [
        "unknown_type",
        "invalid_message",
        "message_too_large",
        "pong",
        "ack",
        "snapshot",
    ]


async def test_a_remark_is_kept_like_one_from_a_socket() -> None:
    house = House()
    epoch = await house.begin()
    told = await house.ask({"type": "remark", "seq": 2, "position": 0, "text": "Опечатка"}, epoch=epoch)
    assert kinds(told) == ["ack", "snapshot"]
    assert told[-1]["marks"][0]["questioned"]
    assert house.records.remarks == [(SITTING, CANDIDATE, "question", "Опечатка")]
    assert isinstance(house.log.events(SITTING)[-1], Questioned)


# --- who has the sitting ------------------------------------------------------------------------------------


async def test_a_page_at_a_socket_takes_over_and_the_older_one_is_told_with_its_next_request() -> None:
    house = House()
    epoch = await house.begin()
    _, line = await house.owner.attach(SITTING, SECOND_BROWSER)
    assert await house.ask(respond(2), epoch=epoch) == [{"type": "taken_over"}]
    assert house.log.state(SITTING).items[0].answers == ((),)
    assert line.kinds() == ["snapshot"]
    assert kinds(await house.ask(respond(2), epoch=0))[-1] == "snapshot"
    assert (line.closed, line.kinds()[-1]) == (4001, "taken_over")


async def test_a_page_of_another_browser_takes_over_by_asking() -> None:
    house = House()
    epoch = await house.begin()
    newer = (await house.ask(stream=SECOND_BROWSER))[-1]
    assert newer["epoch"] == epoch + 1
    assert await house.ask(epoch=epoch) == [{"type": "taken_over"}]
    assert kinds(await house.ask(stream=SECOND_BROWSER, epoch=newer["epoch"])) == ["snapshot"]


async def test_the_same_page_back_at_a_socket_is_not_put_out_by_a_request_that_was_still_on_its_way() -> None:
    house = House()
    epoch = await house.begin()
    _, line = await house.owner.attach(SITTING, FIRST)
    assert await house.ask(epoch=epoch) == [{"type": "taken_over"}]
    assert line.closed is None


async def test_any_process_may_answer_the_next_request() -> None:
    one = House()
    epoch = await one.begin()
    other = House(one.log, one.clock)
    told = await other.ask(respond(2), epoch=epoch)
    assert kinds(told) == ["snapshot", "ack", "snapshot"]
    told = await one.ask(respond(3, "b"), epoch=told[-1]["epoch"])
    assert kinds(told)[-2:] == ["ack", "snapshot"]
    assert told[-1]["epoch"] == epoch + 2
    assert one.log.state(SITTING).items[0].answers == (("0.0.b",),)


async def test_an_answer_of_another_process_that_was_lost_on_the_way_does_not_put_the_page_out() -> None:
    one = House()
    epoch = await one.begin()
    other = House(one.log, one.clock)
    await other.ask(respond(2), epoch=epoch)
    await one.owner.rounds.compare()
    await quiet()
    assert kinds(await one.ask(respond(2), epoch=epoch)) == ["snapshot", "ack", "snapshot"]


async def test_an_epoch_that_was_never_given_out_counts_as_the_newest() -> None:
    house = House()
    epoch = await house.begin()
    rows = len(house.log.rows[SITTING])
    for _ in range(100):
        told = await house.ask(epoch=2**31)
        assert (kinds(told), told[-1]["epoch"]) == (["snapshot"], epoch)
    assert len(house.log.rows[SITTING]) == rows
    newer = (await house.ask(stream=SECOND_BROWSER))[-1]
    assert newer["epoch"] == epoch + 1
    other = House(house.log, house.clock)
    assert kinds(await other.ask(respond(2), epoch=2**31)) == ["snapshot", "ack", "snapshot"]


async def test_an_epoch_of_another_process_is_known_before_it_is_judged() -> None:
    one = House()
    epoch = await one.begin()
    other = House(one.log, one.clock)
    (snapshot,) = (await other.ask(stream=SECOND_BROWSER))[-1:]
    assert kinds(await one.ask(epoch=snapshot["epoch"], stream=SECOND_BROWSER)) == ["snapshot", "snapshot"]
    assert one.log.state(SITTING).epoch == epoch + 2
    assert await one.ask(epoch=epoch) == [{"type": "taken_over"}]


async def test_where_pages_come_too_often_the_one_that_is_on_stays_on() -> None:
    house = House()
    epoch = await house.begin()
    while epoch < ATTACH_BURST:
        epoch = (await house.ask(stream=SECOND_BROWSER if epoch % 2 else FIRST))[-1]["epoch"]
    on, other = (FIRST, SECOND_BROWSER) if epoch % 2 else (SECOND_BROWSER, FIRST)
    with pytest.raises(Unavailable, match="busy"):
        await house.ask(stream=other)
    rows = len(house.log.rows[SITTING])
    assert kinds(await house.ask(stream=on, epoch=epoch)) == ["snapshot"]
    assert len(house.log.rows[SITTING]) == rows


# --- bounds -------------------------------------------------------------------------------------------------


async def test_a_page_that_falls_silent_is_detached() -> None:
    house = House(silence=0.0)
    await house.begin()
    await quiet()
    assert isinstance(house.log.events(SITTING)[-1], Detached)
    assert not house.log.state(SITTING).connected
    assert house.fallback._seats == {}


async def test_nobody_falls_silent_while_a_request_is_being_answered() -> None:
    house = House(silence=0.0)
    epoch = await house.begin()
    house.log.by_itself = False
    asking = asyncio.ensure_future(house.ask({"type": "flag", "position": 0, "on": True, "seq": 2}, epoch=epoch))
    await quiet()
    assert house.log.state(SITTING).connected
    assert house.fallback._seats.keys() == {SITTING}
    house.log.by_itself = True
    house.log.land_all()
    assert kinds(await asking)[0] == "ack"


async def test_a_foreign_sitting_looks_like_none() -> None:
    house = House()
    with pytest.raises(NotFound):
        await house.ask(person=PROCTOR)
    assert (house.owner.conduct.held, house.fallback._seats, house.owner.source.given) == (0, {}, [])
    assert house.log.state(SITTING).epoch == 0
    epoch = await house.begin()
    with pytest.raises(NotFound):
        await house.ask(person=PROCTOR)
    assert kinds(await house.ask(epoch=epoch)) == ["snapshot"]


async def test_a_sitting_whose_window_is_not_open_yet_looks_like_none() -> None:
    house = House()
    house.log.create(SITTING, replace(make_created(), opens_at=NOW + SECOND))
    with pytest.raises(NotFound):
        await house.ask()
    assert (house.owner.conduct.held, house.fallback._seats) == (0, {})
    house.clock.advance(SECOND)
    assert "snapshot" in kinds(await house.ask())


async def test_a_flood_is_turned_away_and_subsides() -> None:
    house = House(burst=5)
    epoch = await house.begin()
    with pytest.raises(TooMany):
        await house.ask(*(respond(seq) for seq in range(2, 9)), epoch=epoch)
    house.clock.advance(SECOND)
    assert kinds(await house.ask(respond(2), epoch=epoch)) == ["ack", "snapshot"]


async def test_asking_for_news_without_end_is_a_flood_too() -> None:
    house = House(burst=4)
    epoch = await house.begin()  # the request and its edit
    for _ in range(2):
        await house.ask(epoch=epoch)
    with pytest.raises(TooMany):
        await house.ask(epoch=epoch)


async def test_a_page_is_told_in_time_that_its_edits_are_not_stored_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    epoch = await house.begin()
    house.log.by_itself = False
    monkeypatch.setattr(fallback, "PATIENCE", 0.001)
    with pytest.raises(Unavailable):
        await house.ask(respond(2), epoch=epoch)
    house.log.land_all()
    monkeypatch.undo()
    house.log.by_itself = True
    assert "ack" in kinds(await house.ask(respond(2), epoch=epoch))


async def test_the_database_away_is_no_fault_of_the_page() -> None:
    house = House()
    house.owner.source.away = True
    with pytest.raises(Unavailable):
        await house.ask()


async def test_a_browser_too_many_is_refused() -> None:
    house = House()
    await house.begin()
    with pytest.raises(AccreditationError) as refusal:
        for number in range(40):
            house.clock.advance(ATTACH_EVERY)
            await house.ask(stream=f"browser{number:04d}")
    assert (refusal.value.code, refusal.value.status) == ("too_many_devices", 409)


def test_what_waits_for_a_page_is_bounded() -> None:
    line = CollectingLine()
    for number in range(1_000):
        line.send(b"%d" % number)
    assert 0 < len(line.take()) <= 256
    assert line.take() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"stream":"short"}',
        b'{"stream":"browser01\\n"}',
        b'{"stream":"browser01","epoch":-1}',
        b'{"stream":"browser01","edits":{}}',
        b'{"stream":"browser01","more":1}',
        b'{"stream":"browser01","edits":[' + b",".join([b"1"] * (MAX_EDITS + 1)) + b"]}",
    ],
)
def test_a_letter_has_its_shape(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's own errors are ValueErrors
        read_letter(body)
