"""What verification finds: broken chains, results that do not follow, outcomes that differ."""

import json

import pytest

from app.verification import CONCLUDED_WITHIN, verify
from core.clock import ManualClock
from core.database import Database, execute
from core.errors import Unavailable
from core.ids import SittingId
from core.moments import SECOND
from core.web.pages import Pages
from exam_server.store import load_sitting
from tests.stores.cabinet.centre import Centre


@pytest.fixture
async def taken(database: Database, clock: ManualClock) -> list[SittingId]:
    """Two concluded sittings, one that has not begun."""
    centre = Centre(database, clock, Pages(["cabinet"]))
    await centre.fill()
    made = []
    for number in range(2):
        one = await centre.person(f"k{number}")
        await centre.admit(one)
        made.append(await centre.take(one, await centre.book(one, await centre.window()), 18))
    last = await centre.person("last")
    await centre.admit(last)
    made.append(await centre.enter(last, await centre.book(last, await centre.window())))
    return made


async def spoil(database: Database, statement: str, sitting: SittingId) -> None:
    async with database.transaction() as connection:
        assert await execute(connection, statement, id=sitting) == 1


async def test_what_is_right_has_no_faults(database_url: str, taken: list[SittingId]) -> None:
    report = await verify(database_url, None)
    assert (report.sittings, report.results, report.faults) == (3, 2, [])
    assert report.events > 2 * 20
    assert json.loads(report.as_json()) == {"sittings": 3, "events": report.events, "results": 2, "faults": 0}


async def test_only_the_chosen_are_looked_at(database: Database, database_url: str, taken: list[SittingId]) -> None:
    await spoil(database, "UPDATE exam_server.outcome SET passed = NOT passed WHERE sitting_id = :id", taken[0])
    assert (await verify(database_url, taken[1:])).faults == []
    assert (await verify(database_url, [taken[1]])).sittings == 1


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("UPDATE exam_server.outcome SET passed = NOT passed WHERE sitting_id = :id", "outcome differs"),
        (
            """INSERT INTO exam_server.log (sitting_id, version, prev, digest, events)
               VALUES (:id, 99, '\\x00', '\\x00', '{}')""",
            "does not verify",
        ),
        ("DELETE FROM scoring.result WHERE sitting_id = :id", "result_unknown"),
        ("UPDATE scoring.result SET marks = '[{}]' WHERE sitting_id = :id", "ValidationError"),
        ("UPDATE exam_server.outcome SET state = 'absent', passed = NULL WHERE sitting_id = :id", "as absent"),
        ("UPDATE exam_server.outcome SET state = 'cancelled', passed = NULL WHERE sitting_id = :id", "as cancelled"),
        ("UPDATE exam_server.form SET items[1] = items[2] WHERE sitting_id = :id", "other items"),
        ("DELETE FROM exam_server.form WHERE sitting_id = :id", "not found from its items"),
    ],
)
async def test_a_fault_is_named_with_its_sitting(
    database: Database, database_url: str, taken: list[SittingId], statement: str, word: str
) -> None:
    await spoil(database, statement, taken[1])
    report = await verify(database_url, None)
    assert len(report.faults) == 1
    assert word in report.faults[0]
    assert str(taken[1]) in report.faults[0]
    assert report.sittings == 3, "the others are still looked at"


async def test_a_mark_that_does_not_follow_is_found(
    database: Database, database_url: str, taken: list[SittingId]
) -> None:
    await spoil(database, "UPDATE scoring.result SET raw_num = raw_num + 1 WHERE sitting_id = :id", taken[0])
    report = await verify(database_url, None)
    assert len(report.faults) == 1
    assert "does not follow from the log" in report.faults[0]


async def test_an_outcome_without_an_end_is_a_fault(
    database: Database, database_url: str, taken: list[SittingId]
) -> None:
    insert = """INSERT INTO exam_server.outcome (sitting_id, candidate, state, flagged, concluded_at)
                SELECT id, candidate, 'absent', false, 0 FROM exam_server.sitting WHERE id = :id"""
    await spoil(database, insert, taken[-1])
    (fault,) = (await verify(database_url, None)).faults
    assert fault == f"sitting {taken[-1]}: an outcome without an end"


async def test_an_end_without_an_outcome_is_a_fault_after_a_minute(
    database: Database, database_url: str, clock: ManualClock, taken: list[SittingId]
) -> None:
    await spoil(database, "DELETE FROM exam_server.outcome WHERE sitting_id = :id", taken[1])
    async with database.transaction() as connection:
        ended = (await load_sitting(connection, taken[1])).ended_at
    assert ended is not None
    clock.set(ended + CONCLUDED_WITHIN)
    assert (await verify(database_url, None, clock)).faults == []
    clock.advance(SECOND)
    (fault,) = (await verify(database_url, None, clock)).faults
    assert fault == f"sitting {taken[1]}: ended without an outcome"


async def test_a_database_that_is_away_is_no_fault_of_a_sitting() -> None:
    with pytest.raises(Unavailable):
        await verify("postgresql://nobody@127.0.0.1:1/nowhere", None)


async def test_an_unknown_sitting_is_a_fault(database_url: str, taken: list[SittingId]) -> None:
    report = await verify(database_url, [SittingId(404)])
    assert len(report.faults) == 1


async def test_a_form_that_its_seed_does_not_draw_is_a_fault(
    database: Database, database_url: str, taken: list[SittingId]
) -> None:
    """A pool whose items were not what was kept of them, under the digest of another."""
    async with database.transaction() as connection:
        await execute(connection, "DELETE FROM question_bank.snapshot")
    report = await verify(database_url, [taken[0]])
    assert len(report.faults) == 1
    assert "snapshot_unknown" in report.faults[0]


async def test_a_decision_that_the_log_does_not_have_is_a_fault(
    database: Database, database_url: str, taken: list[SittingId]
) -> None:
    async with database.transaction() as connection:
        item = (await load_sitting(connection, taken[2])).form.entries[0].item
        await execute(
            connection,
            "INSERT INTO exam_server.withdrawal VALUES (:item, 'Утечка', 1, 1, 1)",
            item=item,
        )
        await execute(
            connection,
            "INSERT INTO exam_server.withdrawal_case VALUES (:item, :id, 'removed', 1)",
            item=item,
            id=taken[2],
        )
        await execute(
            connection,
            """INSERT INTO exam_server.window_change
                   (window_id, kind, reason, decided_by, decided_at, applied_at)
               SELECT b.window_id, 'cancelled', 'Нет света', 1, 1, 1 FROM exam_server.booking b
               JOIN exam_server.sitting s ON s.booking_id = b.id WHERE s.id = :id""",
            id=taken[2],
        )
    assert (await verify(database_url, None)).faults == [
        f"sitting {taken[2]}: item {item} was withdrawn, and is not removed",
        f"sitting {taken[2]}: its window was cancelled, and it goes on",
    ]
