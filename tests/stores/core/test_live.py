"""One contract, kept by fan-out inside the process and by fan-out over a real server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from core.live import Live, LocalLive, RedisLive, Subscription

Opener = Callable[[], Live]


@pytest.fixture(params=["local", "redis"])
async def live(request: pytest.FixtureRequest) -> AsyncIterator[Live]:
    opened: Live = (
        LocalLive(queue=8) if request.param == "local" else RedisLive(request.getfixturevalue("valkey"), queue=8)
    )
    yield opened
    await opened.close()


async def heard(subscription: Subscription, count: int) -> list[bytes]:
    async with asyncio.timeout(10):
        return [await anext(subscription) for _ in range(count)]


async def test_listeners_hear_what_is_published_in_order(live: Live) -> None:
    async with live.subscribe("room:1") as one, live.subscribe("room:1") as other:
        for number in range(5):
            live.publish("room:1", b"%d" % number)
        assert await heard(one, 5) == [b"0", b"1", b"2", b"3", b"4"]
        assert await heard(other, 5) == [b"0", b"1", b"2", b"3", b"4"]
        assert (one.lost, other.lost) == (0, 0)


async def test_channels_are_apart(live: Live) -> None:
    async with live.subscribe("room:1") as one, live.subscribe("room:*") as star:
        live.publish("room:11", b"other")
        live.publish("room:1", b"mine")
        live.publish("room:*", b"star")
        assert await heard(one, 1) == [b"mine"]
        assert await heard(star, 1) == [b"star"]


async def test_any_bytes_pass(live: Live) -> None:
    everything = bytes(range(256)) * 100
    async with live.subscribe("комната") as one:
        live.publish("комната", everything)
        live.publish("комната", b"")
        assert await heard(one, 2) == [everything, b""]


async def test_a_slow_listener_keeps_the_newest_and_knows_how_many_it_lost(live: Live) -> None:
    async with live.subscribe("room:1") as slow, live.subscribe("end") as end:
        for number in range(20):
            live.publish("room:1", b"%d" % number)
        live.publish("end", b"")
        await heard(end, 1)
        assert await heard(slow, 8) == [b"%d" % number for number in range(12, 20)]
        assert slow.lost == 12


async def test_who_has_left_hears_nothing_and_who_comes_back_only_what_is_new(live: Live) -> None:
    async with live.subscribe("room:1") as gone:
        pass
    live.publish("room:1", b"unheard")
    async with live.subscribe("end") as end:
        live.publish("end", b"")
        await heard(end, 1)
    async with live.subscribe("room:1") as back:
        live.publish("room:1", b"new")
        assert await heard(back, 1) == [b"new"]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await anext(gone)


async def test_processes_hear_each_other(valkey: str) -> None:
    here, there = RedisLive(valkey), RedisLive(valkey)
    try:
        async with here.subscribe("room:1") as one, there.subscribe("room:1") as other:
            here.publish("room:1", b"hello")
            assert await heard(one, 1) == [b"hello"]
            assert await heard(other, 1) == [b"hello"]
    finally:
        await here.close()
        await there.close()


async def test_after_a_break_listeners_know_and_hear_again(valkey: str) -> None:
    live = RedisLive(valkey)
    try:
        async with live.subscribe("room:1") as one:
            async with Redis.from_url(valkey) as admin:
                assert await admin.client_kill_filter(_type="pubsub") >= 1
            # A message may fall into the break; one published after it may not.
            arrived = b""
            number = 0
            while not one.lost or arrived != b"%d" % number:
                number += 1
                live.publish("room:1", b"%d" % number)
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.2):
                        arrived = await anext(one)
            assert one.lost == 1
    finally:
        await live.close()


async def test_without_redis_this_process_still_hears_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.live._JOIN_SECONDS", 0.05)
    live = RedisLive("redis://127.0.0.1:1/0")
    try:
        async with live.subscribe("room:1") as one:
            live.publish("room:1", b"hello")
            assert await heard(one, 1) == [b"hello"]
    finally:
        await live.close()
