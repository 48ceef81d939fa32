"""One contract, kept by fan-out inside the process and by fan-out over real servers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import asyncpg
import pytest
from redis.asyncio import Redis

from core.live import PART, Live, LocalLive, PostgresLive, RedisLive, Subscription, open_live

Opener = Callable[[], Live]


@pytest.fixture(params=["local", "redis", "postgres"])
async def live(request: pytest.FixtureRequest) -> AsyncIterator[Live]:
    match request.param:
        case "redis":
            opened: Live = RedisLive(request.getfixturevalue("valkey"), queue=8)
        case "postgres":
            opened = PostgresLive(request.getfixturevalue("database_url"), queue=8)
        case _:
            opened = LocalLive(queue=8)
    yield opened
    await opened.close()


@pytest.fixture(params=["redis", "postgres"])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Live, Live]]:
    """The fan-out of two processes."""
    if request.param == "redis":
        url = request.getfixturevalue("valkey")
        both: tuple[Live, Live] = RedisLive(url), RedisLive(url)
    else:
        url = request.getfixturevalue("database_url")
        both = PostgresLive(url), PostgresLive(url)
    yield both
    for one in both:
        await one.close()


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


async def test_processes_hear_each_other(pair: tuple[Live, Live]) -> None:
    here, there = pair
    everything = bytes(range(256)) * 100
    async with here.subscribe("комната") as one, there.subscribe("комната") as other:
        for message in (b"hello", everything, b"", b"bye"):
            here.publish("комната", message)
        assert await heard(one, 4) == [b"hello", everything, b"", b"bye"]
        assert await heard(other, 4) == [b"hello", everything, b"", b"bye"]
        there.publish("комната", b"and you")
        assert await heard(one, 1) == [b"and you"]
        assert await heard(other, 1) == [b"and you"]


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


async def test_a_part_is_as_long_as_a_notification_may_be(database_url: str) -> None:
    here, there = PostgresLive(database_url), PostgresLive(database_url)
    channel = "ж" * 32
    try:
        async with here.subscribe(channel), there.subscribe(channel) as other:
            for size in (PART - 1, PART, PART + 1, 3 * PART):
                here.publish(channel, b"x" * size)
            assert [len(message) for message in await heard(other, 4)] == [PART - 1, PART, PART + 1, 3 * PART]
    finally:
        await here.close()
        await there.close()


async def test_what_is_said_again_before_it_is_sent_reaches_others_once(database_url: str) -> None:
    here, there = PostgresLive(database_url), PostgresLive(database_url)
    try:
        async with there.subscribe("room:1") as other, here.subscribe("room:1") as one:
            for message in (b"news", b"news", b"other", b"news"):
                here.publish("room:1", message)
            assert await heard(one, 4) == [b"news", b"news", b"other", b"news"]
            assert await heard(other, 2) == [b"news", b"other"]
            here.publish("room:1", b"news")
            assert await heard(other, 1) == [b"news"]
    finally:
        await here.close()
        await there.close()


async def test_a_connection_that_postgres_ends_comes_back(database_url: str) -> None:
    here, there = PostgresLive(database_url), PostgresLive(database_url)
    admin = await asyncpg.connect(database_url)
    try:
        async with there.subscribe("room:1") as other, here.subscribe("room:1"):
            assert (
                await admin.fetchval(
                    """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE application_name = 'live' AND datname = current_database()"""
                )
                == 2
            )
            arrived, number = b"", 0
            async with asyncio.timeout(20):
                while not other.lost or arrived != b"%d" % number:
                    number += 1
                    here.publish("room:1", b"%d" % number)
                    with suppress(TimeoutError):
                        while arrived != b"%d" % number:  # what waited while the connection was down comes first
                            async with asyncio.timeout(0.2):
                                arrived = await anext(other)
            assert other.lost == 1
    finally:
        await admin.close()
        await here.close()
        await there.close()


async def test_without_postgres_this_process_still_hears_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.live._JOIN_SECONDS", 0.05)
    live = PostgresLive("postgresql://nobody@127.0.0.1:1/nothing")
    try:
        async with live.subscribe("room:1") as one:
            live.publish("room:1", b"hello")
            assert await heard(one, 1) == [b"hello"]
    finally:
        await live.close()


@pytest.mark.parametrize(
    ("redis_url", "alone", "kind"),
    [
        (None, True, LocalLive),
        (None, False, PostgresLive),
        ("redis://127.0.0.1:1/0", True, RedisLive),
        ("redis://127.0.0.1:1/0", False, RedisLive),
    ],
)
async def test_one_rule_decides_how_processes_hear_each_other(
    redis_url: str | None, alone: bool, kind: type[Live]
) -> None:
    live = open_live(redis_url, "postgresql://nobody@127.0.0.1:1/nothing", alone=alone)
    assert type(live) is kind
    await live.close()
