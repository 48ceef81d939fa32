"""What the engine reads, from real tables: logs, versions, overdue sittings, items without their keys."""

import asyncio

import pytest

from core.database import Database, execute
from core.errors import NotFound, Unavailable
from core.ids import ItemId, PersonId, SittingId
from core.moments import HOUR, Moment, to_datetime
from exam_server.chain import follow_chain
from exam_server.source import DatabaseSource
from question_bank.candidate_store import encode_content
from tests.histories.sittings import CHOICE, NOW, UNFOLDING, first_row, make_copies, make_created, make_form

FORM = make_form(CHOICE, UNFOLDING)
COPIES = make_copies(FORM)


async def seat(database: Database, sitting: int, due: Moment | None) -> None:
    """A sitting with its first row, and the booking behind it."""
    row = first_row(SittingId(sitting), make_created(FORM))
    async with database.transaction() as connection:
        await execute(
            connection,
            """WITH w AS (INSERT INTO exam_server."window"
                                      (blueprint_id, blueprint_version, opens_at, closes_at, capacity)
                          VALUES ('bp', 1, :now, :closes, 9) RETURNING id),
                    b AS (INSERT INTO exam_server.booking (window_id, candidate, booked_at)
                          SELECT id, 70, :now FROM w RETURNING id)
               INSERT INTO exam_server.sitting (id, booking_id, candidate, blueprint_id, blueprint_version, attempt,
                                                created_at, next_deadline)
               OVERRIDING SYSTEM VALUE SELECT :id, id, 70, 'bp', 1, 1, :now, :due FROM b""",
            now=NOW,
            closes=NOW + HOUR,
            id=sitting,
            due=None if due is None else to_datetime(due),
        )
        await execute(
            connection,
            "INSERT INTO exam_server.log VALUES (:id, 0, :prev, :digest, :events)",
            id=sitting,
            prev=row.prev,
            digest=row.digest,
            events=row.events,
        )


async def test_a_log_comes_back_in_order_and_verifies(database: Database) -> None:
    await seat(database, 7, NOW + HOUR)
    rows = await DatabaseSource(database).rows(SittingId(7))
    assert rows == [first_row(SittingId(7), make_created(FORM))]
    assert list(follow_chain(SittingId(7), rows)) == [make_created(FORM)]
    assert await DatabaseSource(database).rows(SittingId(8)) == []


async def test_a_candidate_is_given_no_log_but_their_own(database: Database) -> None:
    for sitting in (7, 9):
        await seat(database, sitting, NOW + HOUR)
    source = DatabaseSource(database)
    own, staff, unknown = await asyncio.gather(
        source.rows(SittingId(7), PersonId(70)), source.rows(SittingId(7)), source.rows(SittingId(8), PersonId(70))
    )
    assert own == staff == [first_row(SittingId(7), make_created(FORM))]
    assert unknown == []
    stranger, staff = await asyncio.gather(source.rows(SittingId(9), PersonId(71)), source.rows(SittingId(7)))
    assert (stranger, staff) == ([], own)


async def test_versions_of_those_that_exist(database: Database) -> None:
    await seat(database, 7, NOW)
    await seat(database, 9, NOW)
    async with database.transaction() as connection:
        await execute(connection, "INSERT INTO exam_server.log VALUES (9, 1, '', '', ''), (9, 2, '', '', '')")
    source = DatabaseSource(database)
    assert await source.versions([SittingId(9), SittingId(8), SittingId(7)]) == {9: 2, 7: 0}
    assert await source.versions([]) == {}


async def test_overdue_sittings_longest_first_and_not_too_many(database: Database) -> None:
    for sitting, due in {1: NOW + 10, 2: NOW - 10, 3: None, 4: NOW - 20, 5: NOW}.items():
        await seat(database, sitting, due)
    source = DatabaseSource(database)
    assert await source.overdue(NOW, 10) == [4, 2]
    assert await source.overdue(NOW + 1, 2) == [4, 2]
    assert await source.overdue(NOW + 11, 10) == [4, 2, 5, 1]


async def put_items(database: Database) -> None:
    async with database.transaction() as connection:
        await execute(connection, "INSERT INTO question_bank.speciality (code, title) VALUES ('s', 'S')")
        await execute(connection, "INSERT INTO question_bank.requirement VALUES ('s', 'r', 'R')")
        for (item, version), copy in COPIES.items():
            await execute(
                connection, "INSERT INTO question_bank.item (id, version, latest) VALUES (:id, 1, 1)", id=item
            )
            await execute(
                connection,
                """INSERT INTO question_bank.item_version (item_id, version, speciality, requirement, kind, level,
                                                           difficulty, limit_ms, content, words, published_at, state,
                                                           sketch)
                   VALUES (:id, :version, 's', 'r', :kind, 'recall', 0.5, 1000, CAST(:content AS jsonb), '', 0,
                           'retired', '{}')""",
                id=item,
                version=version,
                kind=copy.kind,
                content=encode_content(copy),
            )


async def test_the_databases_clock_is_the_databases(database: Database) -> None:
    source = DatabaseSource(database)
    first = await source.moment()
    assert first <= await source.moment()
    assert first > NOW - 10 * 365 * 24 * HOUR


async def test_a_database_that_is_away_is_called_that() -> None:
    source = DatabaseSource(Database("postgresql://nobody@127.0.0.1:1/nowhere"))
    with pytest.raises(Unavailable):
        await source.rows(SittingId(1))


async def test_items_are_read_once_and_missing_ones_are_named(database: Database) -> None:
    await put_items(database)
    source = DatabaseSource(database)
    refs = [(entry.item, entry.version) for entry in FORM.entries]
    found = await source.copies(refs)
    assert {ref: found[ref] for ref in refs} == COPIES
    async with database.transaction() as connection:
        await execute(connection, "ALTER TABLE question_bank.item_version RENAME TO gone")
    again = await source.copies(refs)
    assert {ref: again[ref] for ref in refs} == COPIES


async def test_an_item_that_does_not_exist(database: Database) -> None:
    with pytest.raises(NotFound):
        await DatabaseSource(database).copies([(ItemId("no-such-item"), 1)])
