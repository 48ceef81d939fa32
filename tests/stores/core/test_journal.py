import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal, outbox
from core.database import Database, execute, fetch_all, fetch_one

NOW = 1_795_338_000_000


@pytest.fixture
async def chained(database: Database) -> Database:
    """A journal of five records with two fields each."""
    await record(database, 5)
    return database


async def record(database: Database, count: int) -> None:
    async with database.transaction() as connection:
        for number in range(count):
            await journal.record(
                connection,
                f"person:{number}",
                "bank.item_opened",
                "item:7",
                {"birth_date": f"1990-01-0{number + 1}", "place": number},
                NOW + number,
            )
    assert await outbox.deliver(database, {journal.TOPIC: journal.append}) == count


async def first_broken(database: Database) -> int | None:
    async with database.transaction() as connection:
        return await journal.verify(connection)


async def change(database: Database, sql: str, **values: object) -> None:
    async with database.transaction() as connection:
        assert await execute(connection, sql, **values) > 0


async def test_an_untouched_journal_holds_and_reads_in_order(chained: Database) -> None:
    assert await first_broken(chained) is None
    async with chained.transaction() as connection:
        records = await journal.read(connection, after=3)
    assert records[0] == journal.Record(
        position=4,
        at=NOW + 3,
        actor="person:3",
        action="bank.item_opened",
        subject="item:7",
        fields={"birth_date": "1990-01-04", "place": "3"},
    )
    assert [record.position for record in records] == [4, 5]


async def test_an_empty_journal_holds(database: Database) -> None:
    assert await first_broken(database) is None


async def test_records_are_read_by_subject(chained: Database) -> None:
    async with chained.transaction() as connection:
        await journal.record(connection, "person:1", "register.read", "entry:1", {}, NOW)
    await outbox.deliver(chained, {journal.TOPIC: journal.append})
    async with chained.transaction() as connection:
        (found,) = await journal.read(connection, subject="entry:1")
    assert (found.position, found.fields) == (6, {})


async def test_an_erased_field_is_gone_and_the_chain_still_holds(chained: Database) -> None:
    async with chained.transaction() as connection:
        assert await journal.erase(connection, 2, "birth_date", NOW)
        assert not await journal.erase(connection, 2, "birth_date", NOW)
        assert not await journal.erase(connection, 2, "shoe_size", NOW)
        records = await journal.read(connection, after=1, limit=1)
        everything = await fetch_all(
            connection,
            "SELECT encode(body, 'escape') AS text FROM core.journal UNION ALL"
            " SELECT value FROM core.journal_field UNION ALL SELECT encode(body, 'escape') FROM core.outbox",
        )
    assert records[0].fields == {"birth_date": None, "place": "1"}
    assert not [row for row in everything if row["text"] and "1990-01-02" in row["text"]]
    assert await first_broken(chained) is None


@pytest.mark.parametrize(
    ("sql", "position"),
    [
        ("UPDATE core.journal SET actor = 'person:9' WHERE position = 3", 3),
        ("UPDATE core.journal SET at = at - 1 WHERE position = 2", 2),
        ("UPDATE core.journal SET body = set_byte(body, 9, get_byte(body, 9) # 1) WHERE position = 4", 4),
        ("UPDATE core.journal SET digest = set_byte(digest, 0, get_byte(digest, 0) # 1) WHERE position = 1", 1),
        ("UPDATE core.journal_field SET value = '1990-02-02' WHERE position = 5 AND name = 'birth_date'", 5),
        ("UPDATE core.journal_field SET name = 'x' WHERE position = 5 AND name = 'birth_date'", 5),
        ("DELETE FROM core.journal_field WHERE position = 3 AND name = 'place'", 3),
        ("UPDATE core.journal_field SET position = 2, name = 'y' WHERE position = 1 AND name = 'place'", 1),
    ],
)
async def test_a_change_is_found_where_it_was_made(chained: Database, sql: str, position: int) -> None:
    await change(chained, sql)
    assert await first_broken(chained) == position


async def test_a_removed_record_is_found(chained: Database) -> None:
    await change(chained, "DELETE FROM core.journal_field WHERE position = 3")
    await change(chained, "DELETE FROM core.journal WHERE position = 3")
    assert await first_broken(chained) == 3


async def test_swapped_records_are_found(chained: Database) -> None:
    async with chained.transaction() as connection:
        await execute(connection, "ALTER TABLE core.journal_field DROP CONSTRAINT journal_field_position_fkey")
        for before, after in ((2, 99), (3, 2), (99, 3)):
            for table in ("journal", "journal_field"):
                await execute(
                    connection,
                    f"UPDATE core.{table} SET position = :after WHERE position = :before",
                    before=before,
                    after=after,
                )
    assert await first_broken(chained) == 2


async def test_a_record_chained_anew_breaks_the_next_link(chained: Database) -> None:
    """Whoever rewrites one record with a right digest of its own is given away by the next one."""
    async with chained.transaction() as connection:
        row = await fetch_one(connection, "SELECT body, prev FROM core.journal WHERE position = 2")
        assert row is not None
        forged = bytes(row["body"]).replace(b"person:1", b"person:8")
        await execute(
            connection,
            "UPDATE core.journal SET actor = 'person:8', body = :body, digest = :digest WHERE position = 2",
            body=forged,
            digest=journal.link(bytes(row["prev"]), 2, forged),
        )
    assert await first_broken(chained) == 3


async def test_writers_at_once_make_one_chain(database: Database) -> None:
    async with database.transaction() as connection:
        for number in range(40):
            await journal.record(connection, "person:1", "a.b", f"item:{number}", {}, NOW)
    handlers = {journal.TOPIC: journal.append}
    counts = await asyncio.gather(*(outbox.deliver(database, handlers) for _ in range(3)))
    assert sum(counts) == 40
    assert await first_broken(database) is None
    async with database.transaction() as connection:
        records = await journal.read(connection)
    assert {record.subject for record in records} == {f"item:{number}" for number in range(40)}


async def test_a_record_of_an_undone_transaction_is_none(database: Database) -> None:
    async def undone(connection: AsyncConnection) -> None:
        await journal.record(connection, "person:1", "a.b", "c", {}, NOW)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await undone(connection)
    assert await outbox.deliver(database, {journal.TOPIC: journal.append}) == 0


def test_the_digest_tells_fields_apart() -> None:
    salt = bytes(16)
    assert journal.field_digest(salt, "a", "bc") != journal.field_digest(salt, "ab", "c")
    assert journal.field_digest(salt, "a", "b") != journal.field_digest(b"\1" * 16, "a", "b")
