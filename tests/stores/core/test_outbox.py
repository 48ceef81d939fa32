import asyncio

from sqlalchemy.ext.asyncio import AsyncConnection

from core import outbox
from core.database import Database, execute, fetch_all


async def post(database: Database, *keys: str, topic: str = "notes") -> None:
    async with database.transaction() as connection:
        for key in keys:
            assert await outbox.post(connection, topic, key, key.encode())


async def test_a_message_is_delivered_once_with_what_was_posted(database: Database) -> None:
    seen: list[outbox.Message] = []

    async def see(_: AsyncConnection, message: outbox.Message) -> None:
        seen.append(message)

    await post(database, "a", "b")
    assert await outbox.deliver(database, {"notes": see}) == 2
    assert await outbox.deliver(database, {"notes": see}) == 0
    assert [(m.topic, m.key, m.body, m.attempts) for m in seen] == [
        ("notes", "a", b"a", 0),
        ("notes", "b", b"b", 0),
    ]


async def test_a_body_stays_until_it_was_delivered_and_no_longer(database: Database) -> None:
    async def refuse_bad(_: AsyncConnection, message: outbox.Message) -> None:
        if message.key == "bad":
            raise ValueError("not today")

    await post(database, "good", "bad")
    assert await outbox.deliver(database, {"notes": refuse_bad}) == 1
    async with database.transaction() as connection:
        rows = await fetch_all(connection, "SELECT key, body FROM core.outbox")
        assert not await outbox.post(connection, "notes", "good", b"good"), "its key is still known"
    assert {row["key"]: bytes(row["body"]) for row in rows} == {"good": b"", "bad": b"bad"}


async def test_posting_the_same_key_again_changes_nothing(database: Database) -> None:
    await post(database, "a")
    async with database.transaction() as connection:
        assert not await outbox.post(connection, "notes", "a", b"other")
        assert await outbox.post(connection, "letters", "a", b"other topic")
        rows = await fetch_all(connection, "SELECT topic, body FROM core.outbox ORDER BY id")
    assert [(row["topic"], bytes(row["body"])) for row in rows] == [("notes", b"a"), ("letters", b"other topic")]


async def test_a_message_goes_with_the_transaction_that_caused_it(database: Database) -> None:
    async with database.transaction() as connection:
        await outbox.post(connection, "notes", "a", b"")
        await connection.rollback()
    async with database.transaction() as connection:
        assert await outbox.waiting(connection) == {}


async def test_topics_without_a_handler_wait(database: Database) -> None:
    await post(database, "a", topic="elsewhere")

    async def never(_: AsyncConnection, message: outbox.Message) -> None:
        raise AssertionError(message)

    assert await outbox.deliver(database, {"notes": never}) == 0
    async with database.transaction() as connection:
        assert await outbox.waiting(connection) == {"elsewhere": 1}


async def test_two_deliverers_at_once_deliver_each_exactly_once(database: Database) -> None:
    """What the handler wrote is counted in the database, as another process would see it."""
    await post(database, *(f"m{number}" for number in range(60)))
    both_busy = asyncio.Barrier(2)
    begun: set[int] = set()

    def handler(mine: int) -> outbox.Handler:
        async def note(connection: AsyncConnection, message: outbox.Message) -> None:
            if mine not in begun:
                begun.add(mine)
                await both_busy.wait()
            await outbox.post(connection, "done", f"{mine}:{message.key}", b"")

        return note

    counts = await asyncio.gather(*(outbox.deliver(database, {"notes": handler(mine)}, limit=100) for mine in (1, 2)))
    assert sum(counts) == 60
    assert min(counts) > 0
    async with database.transaction() as connection:
        rows = await fetch_all(connection, "SELECT split_part(key, ':', 2) AS key FROM core.outbox WHERE topic='done'")
    assert sorted(row["key"] for row in rows) == sorted(f"m{number}" for number in range(60))


async def test_a_failing_handler_leaves_nothing_and_gets_the_message_again(database: Database) -> None:
    await post(database, "a")
    crashes = [True, False]

    async def sometimes(connection: AsyncConnection, message: outbox.Message) -> None:
        await outbox.post(connection, "done", message.key, b"")
        if crashes.pop(0):
            raise ValueError("wires \0 crossed")

    handlers = {"notes": sometimes}
    assert await outbox.deliver(database, handlers) == 0
    async with database.transaction() as connection:
        assert await outbox.waiting(connection) == {"notes": 1}
        (kept,) = await outbox.stuck(connection, attempts=1)
        assert (kept.attempts, kept.last_error) == (1, "ValueError('wires \\x00 crossed')")
        assert kept.next_try > kept.created
        assert await outbox.hasten(connection, kept.id)
    assert await outbox.deliver(database, handlers) == 1
    async with database.transaction() as connection:
        assert await outbox.waiting(connection) == {"done": 1}
        assert not await outbox.hasten(connection, kept.id)


async def test_a_failed_message_rests_and_others_pass_it(database: Database) -> None:
    await post(database, "bad", "good")
    seen: list[str] = []

    async def picky(_: AsyncConnection, message: outbox.Message) -> None:
        seen.append(message.key)
        if message.key == "bad":
            raise ValueError

    assert await outbox.deliver(database, {"notes": picky}) == 1
    assert await outbox.deliver(database, {"notes": picky}) == 0
    assert seen == ["bad", "good"]


async def test_a_handler_with_a_broken_statement_fails_alone(database: Database) -> None:
    await post(database, "bad", "good")

    async def breaks(connection: AsyncConnection, message: outbox.Message) -> None:
        if message.key == "bad":
            await execute(connection, "SELECT 1 / 0")

    assert await outbox.deliver(database, {"notes": breaks}) == 1
    async with database.transaction() as connection:
        (kept,) = await outbox.stuck(connection, attempts=1)
    assert kept.key == "bad"
    assert "division by zero" in kept.last_error


async def test_a_handler_that_hangs_is_given_up(database: Database) -> None:
    await post(database, "slow", "quick")

    async def hangs(connection: AsyncConnection, message: outbox.Message) -> None:
        if message.key == "slow":
            await execute(connection, "SELECT pg_sleep(60)")

    assert await outbox.deliver(database, {"notes": hangs}, handler_seconds=0.2) == 1
    async with database.transaction() as connection:
        (kept,) = await outbox.stuck(connection, attempts=1)
    assert (kept.key, kept.last_error) == ("slow", "TimeoutError()")


async def test_a_handler_that_breaks_the_connection_is_counted_too(database: Database) -> None:
    await post(database, "bad", "good")

    async def breaks(connection: AsyncConnection, message: outbox.Message) -> None:
        if message.key == "bad":
            await execute(connection, "SELECT pg_terminate_backend(pg_backend_pid())")

    assert await outbox.deliver(database, {"notes": breaks}) == 1
    async with database.transaction() as connection:
        (kept,) = await outbox.stuck(connection, attempts=1)
    assert (kept.key, kept.attempts) == ("bad", 1)


async def test_ids_that_commit_out_of_order_are_not_lost(database: Database) -> None:
    seen: list[str] = []

    async def see(_: AsyncConnection, message: outbox.Message) -> None:
        seen.append(message.key)

    async with database.transaction() as early:
        await outbox.post(early, "notes", "low id", b"")
        await post(database, "high id")
        assert await outbox.deliver(database, {"notes": see}) == 1
    assert await outbox.deliver(database, {"notes": see}) == 1
    assert seen == ["high id", "low id"]


def test_the_wait_doubles_up_to_an_hour() -> None:
    assert [outbox.wait_seconds(n) for n in (1, 2, 3, 12, 13, 5000)] == [1.0, 2.0, 4.0, 2048.0, 3600.0, 3600.0]


async def test_sent_messages_are_forgotten_unsent_ones_never(database: Database) -> None:
    await post(database, "sent", "sent too")
    await post(database, "sent", topic="orders")
    async with database.transaction() as connection:
        await execute(connection, "UPDATE core.outbox SET sent = to_timestamp(1000)")
    await post(database, "unsent")
    async with database.transaction() as connection:
        assert await outbox.forget_sent(connection, ["notes"], before=1_000_000) == 0
        assert await outbox.forget_sent(connection, ["notes"], before=1_000_001, limit=1) == 1
        assert await outbox.forget_sent(connection, ["notes"], before=1_000_001) == 1
        rows = await fetch_all(connection, "SELECT topic, key FROM core.outbox ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [("orders", "sent"), ("notes", "unsent")]
