"""The live streams: what they say, when they end, how many one person may open."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from admin.pages import streams
from core.access import Principal, Role
from core.ids import SittingId
from core.live import ROOM, channel_of
from tests.stores.admin.school import School


@pytest.fixture
def proctor(school: School) -> Principal:
    return school.staff[Role.PROCTOR]


def read(event: bytes) -> tuple[str, dict[str, Any]]:
    name, data = event.decode().removesuffix("\n\n").split("\n")
    return name.removeprefix("event: "), msgspec.json.decode(data.removeprefix("data: "))


async def following(events: AsyncGenerator[bytes, None]) -> tuple[str, dict[str, Any]]:
    async with asyncio.timeout(10):
        return read(await anext(events))


async def test_the_wall_comes_whole_and_then_by_changes(
    school: School, proctor: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "REST_SECONDS", 0.0)
    monkeypatch.setattr("admin.proctor_room.FRESH_SECONDS", 0.0)
    first = await school.admit(await school.hire("anna", Role.CANDIDATE))
    held, page = await school.start(first)
    async with aclosing(streams.wall_events(school.app, proctor, "ru")) as events:
        name, whole = await following(events)
        assert (name, whole["order"], list(whole["tiles"])) == ("wall", [first], [str(first)])
        second = await school.admit(await school.hire("boris", Role.CANDIDATE), biometrics=False)
        school.app.state.live.publish(ROOM, b"{}")
        name, change = await following(events)
        assert (change["order"], list(change["tiles"])) == ([second, first], [str(second)])
        await school.submit(held, page)
        school.app.state.live.publish(ROOM, b"{}")
        name, change = await following(events)
        assert (change["order"], change["tiles"]) == ([second], {})


async def test_the_wall_is_looked_at_without_being_told(
    school: School, proctor: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "REST_SECONDS", 0.0)
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr("admin.proctor_room.FRESH_SECONDS", 0.0)
    async with aclosing(streams.wall_events(school.app, proctor, "en")) as events:
        assert await following(events) == ("wall", {"order": [], "tiles": {}})
        sitting = await school.admit(await school.hire("anna", Role.CANDIDATE), biometrics=False)
        _, change = await following(events)
        assert change["order"] == [sitting]


async def test_a_stream_ends_with_the_server(school: School, proctor: Principal) -> None:
    live = school.app.state.live
    async with aclosing(streams.wall_events(school.app, proctor, "ru")) as events:
        await following(events)
        school.app.state.stopping.set()
        async with asyncio.timeout(10):
            assert [event async for event in events] == []
    assert live._listeners == {}


async def test_a_stream_ends_by_itself_so_that_the_login_is_asked_again(
    school: School, proctor: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LIFE_SECONDS", 0.05)
    monkeypatch.setattr(streams, "REST_SECONDS", 0.0)
    async with asyncio.timeout(10):
        told = [read(event)[0] async for event in streams.wall_events(school.app, proctor, "ru")]
    assert told == ["wall"]


async def test_a_silent_stream_beats(school: School, proctor: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEARTBEAT_SECONDS", "REST_SECONDS"):
        monkeypatch.setattr(streams, name, 0.0)
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.01)
    async with aclosing(streams.wall_events(school.app, proctor, "ru")) as events:
        assert [(await following(events))[0] for _ in range(3)] == ["wall", "beat", "beat"]


async def test_a_place_hears_of_pictures_and_of_everything_else(school: School) -> None:
    sitting = await school.admit(await school.hire("anna", Role.CANDIDATE))
    live = school.app.state.live
    async with aclosing(streams.place_events(school.app, sitting)) as events:
        assert (await following(events))[0] == "changed"
        for message in (b'{"kind":"frame","at":5,"faces":2,"boxes":[]}', b'{"kind":"incident","what":"absent"}'):
            live.publish(channel_of(sitting), message)
        assert await following(events) == ("frame", {"kind": "frame", "at": 5, "faces": 2})
        assert await following(events) == ("changed", {})
        live.publish(channel_of(sitting), b"not json")
        live.publish(channel_of(sitting), b'{"kind":"coverage"}')
        assert await following(events) == ("changed", {})
        live.publish(channel_of(SittingId(999)), b'{"kind":"frame"}')
        school.app.state.stopping.set()
        async with asyncio.timeout(10):
            assert [event async for event in events] == []


async def test_a_person_can_open_so_many_and_closing_one_gives_it_back(school: School, proctor: Principal) -> None:
    school.app.state.proctor_streams = open_now = Counter({proctor.id: streams.MOST_STREAMS})
    refused = await school.get(proctor, "/staff/proctor/events", headers={"accept": "text/event-stream"})
    assert refused.status_code == 429
    open_now[proctor.id] -= 1
    counted = streams._counted(open_now, proctor.id, streams.place_events(school.app, SittingId(1)))
    await following(counted)
    assert open_now[proctor.id] == streams.MOST_STREAMS
    await counted.aclose()
    assert open_now[proctor.id] == streams.MOST_STREAMS - 1
    assert school.app.state.live._listeners == {}


async def test_a_stopping_server_answers_with_an_empty_stream(school: School, proctor: Principal) -> None:
    school.app.state.stopping.set()
    answer = await school.get(proctor, "/staff/proctor/events", headers={"accept": "text/event-stream"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
