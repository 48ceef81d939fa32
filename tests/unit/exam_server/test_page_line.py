"""The way to a page: in order, at once where that goes, and never waited for."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message

from exam_server.page_line import MAX_QUEUE, PageLine
from tests.histories.memory import quiet
from tests.histories.sittings import FIRST, SITTING
from tests.unit.exam_server.house import RESPOND, House, begin_directly


async def test_a_page_that_does_not_read_is_dropped_and_delays_nobody() -> None:
    house = House()
    peer = await house.begin()
    peer.reads.clear()
    before = len(peer.sent)
    for seq in range(2, MAX_QUEUE + 40):
        await peer.say(f'{{"type":"flag","seq":{seq},"position":0,"on":true}}')
    assert house.log.state(SITTING).streams[FIRST] == MAX_QUEUE + 39
    peer.reads.set()
    await peer.task
    assert peer.closed == 1013
    assert len(peer.sent) - before < MAX_QUEUE


class Valve:
    """A socket that can be stopped and opened again, like uvicorn's when a client does not read."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.passed: list[Any] = []

    async def send(self, message: Message) -> None:
        await self.open.wait()
        self.passed.append(message.get("text", message.get("code")))


async def test_what_was_queued_before_a_close_still_goes_out() -> None:
    valve = Valve()
    line = PageLine(valve.send)
    line.send(b"1")
    line.send(b"2")
    line.close(4001, "taken over")
    line.send(b"3")
    line.close(1000, "")
    valve.open.set()
    await line.finish()
    assert valve.passed == ["1", "2", 4001]


async def test_what_the_socket_takes_at_once_goes_at_once() -> None:
    valve = Valve()
    valve.open.set()
    line = PageLine(valve.send)
    line.send(b"1")
    assert valve.passed == ["1"]


async def test_messages_keep_their_order_through_every_stop() -> None:
    valve = Valve()
    line = PageLine(valve.send)
    sent = 0
    for _ in range(4):
        valve.open.clear()
        for _ in range(3):
            line.send(b"%d" % (sent := sent + 1))
            await quiet()
        valve.open.set()  # its waiters are not awake yet when the next message comes
        line.send(b"%d" % (sent := sent + 1))
        valve.open.clear()
        line.send(b"%d" % (sent := sent + 1))
        await quiet()
        valve.open.set()
        await quiet()
        assert valve.passed == [str(number) for number in range(1, sent + 1)]
    await line.finish()
    assert valve.passed[-1] == 1000


async def test_a_message_behind_one_that_is_stuck_is_not_left_behind() -> None:
    valve = Valve()
    line = PageLine(valve.send)
    line.send(b"1")
    line.send(b"2")
    await quiet()
    valve.open.set()
    valve.open.clear()  # lets through what was waiting, and nothing after it
    await quiet()
    assert valve.passed == ["1"]
    line.send(b"3")
    valve.open.set()
    await quiet()
    assert valve.passed == ["1", "2", "3"]
    line.close(4001, "")
    await line.finish()
    assert valve.passed[-1] == 4001


@pytest.mark.parametrize("fault", [OSError("gone"), RuntimeError("after sending 'websocket.close'")])
async def test_a_page_that_is_gone_is_no_fault(fault: Exception) -> None:
    async def send(message: Message) -> None:
        raise fault

    line = PageLine(send)
    line.send(b"1")
    line.send(b"2")
    await line.finish()


async def test_a_page_that_falls_behind_is_told_everything_in_order_later() -> None:
    _, peer = await begin_directly()
    peer.keeps_up = False
    peer.reads.clear()
    await peer.say(RESPOND)
    peer.keeps_up = True
    await peer.say(RESPOND.replace('"seq":2', '"seq":3'))
    assert peer.told[-1]["type"] == "item"
    peer.reads.set()
    await quiet()
    assert [message["seq"] for message in peer.told if message["type"] == "ack"] == [1, 2, 3]


async def test_a_page_that_never_reads_is_hung_up_on() -> None:
    house, peer = await begin_directly()
    peer.keeps_up = False
    peer.reads.clear()
    for seq in range(2, MAX_QUEUE + 10):
        await peer.say(f'{{"type":"flag","seq":{seq},"position":0,"on":true}}')
    assert peer.aborted, "a farewell would wait for it"
    peer.reads.set()
    await peer.task
    assert not house.log.state(SITTING).connected
