"""One WebSocket, spoken to as a server would: ASGI messages in, ASGI messages out."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from core.moments import SECOND
from exam_server import wire
from exam_server.commands import Admit
from exam_server.connection import Flow, caller
from exam_server.events import Detached, HelpAsked, Questioned, Responded
from exam_server.rulings import ATTACH_BURST
from exam_server.sitting import ATTACH_EVERY
from tests.histories.memory import quiet
from tests.histories.sittings import CANDIDATE, NOW, PROCTOR, SECOND_BROWSER, SITTING, make_created
from tests.unit.exam_server.house import RESPOND, START, DirectPeer, House, begin_directly


async def test_a_page_connects_starts_and_answers() -> None:
    house = House()
    peer = await house.begin()
    await peer.say(RESPOND)
    assert [message["type"] for message in peer.told] == ["snapshot", "ack", "deadlines", "item", "ack"]
    assert peer.sent[0] == {"type": "websocket.accept"}
    assert [one[:2] for one in house.records.greeted] == [(SITTING, 1)]
    assert house.log.state(SITTING).items[0].answers == (("0.0.a",),)
    await peer.leave()
    assert isinstance(house.log.events(SITTING)[-1], Detached)


async def test_a_client_may_send_the_same_bytes_in_binary_frames() -> None:
    peer = await House().begin()
    await peer.say(RESPOND.encode())
    assert peer.told[-1] == {"type": "ack", "seq": 2}
    await peer.leave()


@pytest.mark.parametrize(
    ("visitor", "code"),
    [
        ({"person": None}, 4401),
        ({"stream": ""}, 4400),
        ({"stream": "short"}, 4400),
        ({"stream": "x" * 65}, 4400),
        ({"stream": "bad-sign!"}, 4400),
        ({"stream": "%D0%BF" * 10}, 4400),
        ({"person": PROCTOR}, 4404),
        ({"sitting": 404}, 4404),
        ({"sitting": "abc"}, 4404),
        ({"sitting": "-7"}, 4404),
        ({"sitting": 2**63}, 4404),
        ({"sitting": "9" * 5_000}, 4404),
    ],
)
async def test_whoever_may_not_come_in_is_told_why(visitor: dict[str, Any], code: int) -> None:
    house = House()
    peer = await house.visit(**visitor)
    assert peer.closed == code
    await peer.task
    assert peer.told == []
    assert house.records.greeted == []
    assert house.log.state(SITTING).epoch == 0
    assert house.owner.source.given == [], "somebody else's log was read"


async def test_a_sitting_whose_window_is_not_open_yet_looks_like_none() -> None:
    house = House()
    house.log.create(SITTING, replace(make_created(), opens_at=NOW + SECOND))
    early = await house.visit()
    assert (early.closed, early.told, house.owner.conduct.held) == (4404, [], 0)
    house.clock.advance(SECOND)
    assert (await house.visit()).told[0]["type"] == "snapshot"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "malformed"),
        ("{", "malformed"),
        (b"\xff\xfe\x00", "malformed"),
        ('{"x":' + "[" * 16_000, "malformed"),
        ('{"type":"nope"}', "unknown_type"),
        ('{"type":"respond","seq":2}', "invalid_message"),
        ('{"type":"show","seq":2,"position":77}', "unknown_item"),
        ('{"type":"respond","seq":2,"position":0,"stage":0,"value":["1.0.a"]}', "unknown_option"),
        ('{"type":"respond","seq":2,"position":1,"stage":0,"value":["1.0.a"]}', "item_not_open"),
        ('{"type":"submit","seq":900000}', "bad_seq"),
        ('{"type":"start","seq":2}', "already_started"),
        ("x" * (wire.MAX_MESSAGE + 1), "message_too_large"),
        (b"\x00" * 1_000_000, "message_too_large"),
    ],
)
async def test_bad_input_is_refused_and_the_exam_lives_on(data: str | bytes, code: str) -> None:
    peer = await House().begin()
    await peer.say(data)
    assert peer.told[-1]["type"] == "refused"
    assert peer.told[-1]["code"] == code
    await peer.say(RESPOND)
    assert peer.told[-1] == {"type": "ack", "seq": 2}
    assert peer.closed is None
    await peer.leave()


async def test_a_message_after_the_end_is_refused() -> None:
    peer = await House().begin()
    await peer.say('{"type":"submit","seq":2}', '{"type":"flag","seq":3,"position":0,"on":true}')
    assert [message["type"] for message in peer.told[-3:]] == ["ack", "ended", "refused"]
    assert peer.told[-1]["code"] == "ended"
    await peer.leave()


async def test_a_ping_is_answered_with_the_servers_time() -> None:
    peer = await House().begin()
    await peer.say('{"type":"ping","sent":12.5}')
    assert peer.told[-1] == {"type": "pong", "sent": 12.5, "now": NOW}
    await peer.leave()


async def test_a_flood_is_closed_and_the_sitting_can_be_resumed() -> None:
    house = House(rate=10, burst=5)
    peer = await house.begin()
    await peer.say(*['{"type":"ping","sent":1}'] * 10)
    await peer.task
    assert peer.told[-1]["code"] == "flood"
    assert peer.closed == 1008
    back = await house.visit()
    assert back.told[0]["type"] == "snapshot"
    await back.leave()


async def test_a_page_that_connects_again_does_not_begin_with_a_burst() -> None:
    house = House(rate=10, burst=5)
    peer = await house.begin()
    await peer.say(*['{"type":"ping","sent":1}'] * 4)
    assert peer.told[-1]["type"] == "pong"
    await peer.leave()
    back = await house.visit()
    await back.say('{"type":"ping","sent":2}')
    await back.task
    assert back.closed == 1008
    house.clock.advance(SECOND)
    again = await house.visit()
    await again.say('{"type":"ping","sent":3}')
    assert again.told[-1]["type"] == "pong"
    await again.leave()


async def test_two_tabs() -> None:
    house = House()
    older = await house.begin()
    newer = await house.visit(stream=SECOND_BROWSER)
    await older.task
    assert older.told[-1]["type"] == "taken_over"
    assert older.closed == 4001
    await newer.say('{"type":"respond","seq":1,"position":0,"stage":0,"value":["0.0.a"]}')
    assert newer.told[-1] == {"type": "ack", "seq": 1}
    assert house.log.state(SITTING).connected
    await newer.leave()


async def test_a_page_that_comes_and_goes_in_a_loop_is_told_to_come_later() -> None:
    house = House()
    peer = await house.begin()
    for _ in range(ATTACH_BURST - 1):
        older, peer = peer, await house.visit()
        await older.task
    early = await house.visit()
    await early.task
    assert (early.closed, early.told) == (1013, [])
    await peer.say(RESPOND)
    assert peer.told[-1] == {"type": "ack", "seq": 2}
    house.clock.advance(ATTACH_EVERY)
    assert (await house.visit()).told[0]["type"] == "snapshot"


async def test_the_database_away_sends_the_page_away_for_a_while() -> None:
    house = House()
    house.owner.source.away = True
    peer = await house.visit()
    await peer.task
    assert peer.closed == 1013


async def test_a_page_that_could_not_be_greeted_is_not_left_attached() -> None:
    house = House()
    house.records.away = True
    peer = await house.visit()
    await peer.task
    await quiet()
    assert peer.closed == 1013
    assert not house.log.state(SITTING).connected
    assert (await house.owner.conduct.hold(SITTING)).line is None


async def test_a_fault_of_ours_is_called_that() -> None:
    house = House()
    house.log.rows[SITTING] = house.log.rows[SITTING] * 2  # does not verify
    peer = await house.visit()
    with pytest.raises(ValueError, match="does not verify"):
        await peer.task
    assert peer.closed == 1011


def test_a_flow_lets_bursts_through_and_then_its_rate() -> None:
    flow = Flow(rate=10, burst=3, now=NOW)
    assert [flow.admit(NOW) for _ in range(4)] == [True, True, True, False]
    assert flow.admit(NOW + 99) is False
    assert flow.admit(NOW + 200) is True
    assert [flow.admit(NOW + 60_000) for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_goes_back_is_no_flood() -> None:
    flow = Flow(rate=10, burst=3, now=NOW)
    assert flow.admit(NOW - 3_600_000)
    assert flow.admit(NOW - 3_600_000)


def test_a_caller_is_named_within_bounds() -> None:
    assert caller({"headers": [(b"user-agent", b"F" * 999)], "client": ("1" * 200, 5)}) == ("1" * 64, "F" * 300)
    assert caller({}) == ("", "")


async def test_a_remark_is_kept_before_the_event_that_names_it() -> None:
    house = House()
    peer = await house.begin()
    await peer.say(json.dumps({"type": "remark", "seq": 2, "position": 0, "text": "  Нет верного варианта\0 "}))
    assert house.records.remarks == [(SITTING, CANDIDATE, "question", "Нет верного варианта")]
    assert house.log.events(SITTING)[-1] == Questioned(NOW, 0, 1, 2)
    await peer.say(json.dumps({"type": "remark", "seq": 2, "position": 0, "text": "Нет верного варианта"}))
    assert len(house.records.remarks) == 1, "a repeated edit was kept twice"
    assert [m["seq"] for m in peer.told if m["type"] == "ack"][-2:] == [2, 2]


async def test_a_remark_that_can_not_be_kept_stays_with_the_page() -> None:
    house = House()
    peer = await house.begin()
    house.records.away = True
    await peer.say(json.dumps({"type": "help", "seq": 2, "text": "Пропал звук"}))
    assert peer.told[-1]["code"] == "busy"
    await peer.say(json.dumps({"type": "flag", "seq": 3, "position": 0, "on": True}))
    assert peer.told[-1] == {**peer.told[-1], "code": "busy", "seq": 3}, "a later edit overtook it"
    house.records.away = False
    await peer.say(json.dumps({"type": "help", "seq": 2, "text": "Пропал звук"}))
    assert house.log.state(SITTING).help_since == NOW


async def test_what_is_going_to_be_refused_is_not_kept() -> None:
    house = House()
    peer = await house.begin()
    far = {"seq": 20_000, "text": "Далеко впереди"}
    await peer.say(json.dumps({"type": "help", **far}), json.dumps({"type": "remark", "position": 0, **far}))
    await peer.say('{"type":"submit","seq":2}')
    late = {"seq": 3, "text": "Уже после конца"}
    await peer.say(json.dumps({"type": "help", **late}), json.dumps({"type": "remark", "position": 0, **late}))
    assert [one["code"] for one in peer.told if one["type"] == "refused"] == ["bad_seq", "bad_seq", "ended", "ended"]
    assert house.records.remarks == []
    await peer.leave()


async def test_a_remark_on_what_is_not_open_is_not_kept() -> None:
    house = House()
    peer = await house.begin()
    for position in (1, 9_999):
        await peer.say(json.dumps({"type": "remark", "seq": 2, "position": position, "text": "Опечатка"}))
    assert [one["code"] for one in peer.told if one["type"] == "refused"] == ["item_not_open", "unknown_item"]
    assert house.records.remarks == []
    await peer.leave()


async def test_a_remark_of_a_page_that_is_being_taken_over_stays_with_the_browser() -> None:
    house = House()
    peer = await house.begin()
    house.log.by_itself = False
    newer = await house.visit(stream=SECOND_BROWSER)
    await peer.say(json.dumps({"type": "remark", "seq": 2, "position": 0, "text": "Опечатка"}))
    assert house.records.remarks == []
    house.log.land_all()
    await quiet()
    assert [one["type"] for one in peer.told if one["type"] in ("refused", "taken_over")] == ["taken_over"]
    await newer.leave()


async def test_a_remark_without_words_says_nothing() -> None:
    house = House()
    peer = await house.begin()
    await peer.say(json.dumps({"type": "remark", "seq": 2, "position": 0, "text": " \0 "}))
    assert peer.told[-1]["code"] == "invalid_message"
    await peer.say(json.dumps({"type": "help", "seq": 2}))
    assert house.log.events(SITTING)[-1] == HelpAsked(NOW, 2)
    assert house.records.remarks == []


# --- the short way ------------------------------------------------------------------------------------------


async def test_by_the_short_way_a_page_is_heard_and_told_without_its_task() -> None:
    house, peer = await begin_directly()
    house.log.by_itself = False
    assert peer.ear is not None
    assert peer.ear(RESPOND.encode())
    assert peer.told[-1]["type"] == "item"
    house.log.land()
    assert peer.told[-1] == {"type": "ack", "seq": 2}
    house.log.by_itself = True
    await peer.leave()
    assert isinstance(house.log.events(SITTING)[-1], Detached)


async def test_what_follows_a_remark_waits_for_it_by_the_short_way_too() -> None:
    house, peer = await begin_directly()
    remark = json.dumps({"type": "remark", "seq": 2, "position": 0, "text": "Нет верного варианта"})
    answer = {"type": "respond", "position": 0, "stage": 0, "value": ["0.0.a"]}
    await peer.say(remark, json.dumps({**answer, "seq": 3}), json.dumps({**answer, "seq": 4}))
    assert [type(event) for event in house.log.events(SITTING)[-3:]] == [Questioned, Responded, Responded]
    await peer.say(json.dumps({**answer, "seq": 5}))
    assert peer.told[-1] == {"type": "ack", "seq": 5}


async def test_what_was_said_before_anybody_listened_comes_first() -> None:
    house = House()
    house.kind = DirectPeer
    await house.owner.conduct.order(SITTING, Admit("biometrics"))
    house.log.by_itself = False
    peer = await house.visit()
    await peer.say(START)
    house.log.by_itself = True
    house.log.land_all()
    await quiet()
    await peer.say(RESPOND)
    assert [message["seq"] for message in peer.told if message["type"] == "ack"] == [1, 2]


async def test_a_flood_ends_the_connection_by_the_short_way_too() -> None:
    house, peer = await begin_directly(rate=1.0, burst=5)
    await peer.say(*[RESPOND] * 6)
    await peer.task
    assert peer.closed == 1008
    assert isinstance(house.log.events(SITTING)[-1], Detached)


async def test_a_fault_of_ours_ends_the_connection_with_1011_by_the_short_way_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house, peer = await begin_directly()

    def fail(*_: object) -> None:
        raise RuntimeError("a fault of the engine")

    monkeypatch.setattr(house.owner.conduct, "receive", fail)
    await peer.say(RESPOND)
    await peer.task
    assert peer.closed == 1011
