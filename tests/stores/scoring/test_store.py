"""Results recorded once and confirmed once."""

from datetime import date
from fractions import Fraction

import pytest
from msgspec.structs import replace
from sqlalchemy.exc import IntegrityError

from core.clock import ManualClock
from core.database import Database, execute
from core.errors import Conflict, NotFound
from core.ids import BlueprintId, ItemId, PersonId, ProtocolId, SittingId
from core.moments import DAY
from scoring.decision import Decision, ItemMark, WeakArea
from scoring.results import Result
from scoring.store import confirm, load_result, load_results, record_result, replace_result, superseded_of

FIRST = SittingId(41)


def result(sitting: SittingId = FIRST, person: int = 7, at: int = 0) -> Result:
    return Result(
        sitting,
        PersonId(person),
        BlueprintId("b1"),
        2,
        "marking/1",
        Decision(False, Fraction(11, 6), 3, 85),
        (
            ItemMark(ItemId("i1"), "R1", 1, Fraction(1)),
            ItemMark(ItemId("i2"), "R1", 2, Fraction(5, 12)),
            ItemMark(ItemId("i3"), "R2", 0, Fraction(1)),
        ),
        (WeakArea("R1", "Неотложная помощь", Fraction(11, 6), 3),),
        date(2026, 12, 22),
        at,
    )


async def test_a_result_comes_back_exactly(database: Database, clock: ManualClock) -> None:
    made = result(at=clock.now())
    async with database.transaction() as connection:
        assert await record_result(connection, made)
    async with database.transaction() as connection:
        assert await load_result(connection, FIRST) == made
        assert await load_results(connection, [FIRST, SittingId(99)]) == {FIRST: made}
        with pytest.raises(NotFound, match="result_unknown"):
            await load_result(connection, SittingId(99))


async def test_recording_again_changes_nothing(database: Database, clock: ManualClock) -> None:
    made = result(at=clock.now())
    async with database.transaction() as connection:
        assert await record_result(connection, made)
        await confirm(connection, FIRST, clock.now() + DAY)
        assert not await record_result(connection, replace(made, decided_at=clock.now() + 5))
        kept = await load_result(connection, FIRST)
    assert kept == replace(made, confirmed_at=clock.now() + DAY)


async def test_another_result_of_the_same_sitting_is_refused(database: Database, clock: ManualClock) -> None:
    made = result(at=clock.now())
    better = replace(made, decision=Decision(True, Fraction(3), 3, 85))
    async with database.transaction() as connection:
        await record_result(connection, made)
        for other in (better, replace(made, marks=made.marks[:2]), replace(made, person=PersonId(8))):
            with pytest.raises(Conflict, match="result_differs"):
                await record_result(connection, other)
        assert await load_result(connection, FIRST) == made


async def test_a_result_worked_out_anew_keeps_what_it_replaces(database: Database, clock: ManualClock) -> None:
    first = result(at=clock.now())
    better = replace(
        first, decision=Decision(True, Fraction(3), 3, 85), advice=(), retake_on=None, decided_at=clock.now() + DAY
    )
    async with database.transaction() as connection:
        await record_result(connection, first)
        assert not await replace_result(connection, replace(first, decided_at=clock.now() + 1), "late", clock.now())
        assert await load_result(connection, FIRST) == first
        assert await superseded_of(connection, FIRST) == []
        assert await replace_result(connection, better, "late", clock.now() + DAY)
        assert await load_result(connection, FIRST) == better
        assert await replace_result(connection, first, "late again", clock.now() + 2 * DAY)
        kept = await superseded_of(connection, FIRST)
    assert [(one.revision, one.passed, one.raw, one.maximum, one.cause) for one in kept] == [
        (1, False, Fraction(11, 6), 3, "late"),
        (2, True, Fraction(3), 3, "late again"),
    ]
    assert [one.superseded_at for one in kept] == [clock.now() + DAY, clock.now() + 2 * DAY]
    assert kept[0].decided_at == first.decided_at


async def test_a_confirmed_result_is_not_worked_out_anew(database: Database, clock: ManualClock) -> None:
    made = result(at=clock.now())
    async with database.transaction() as connection:
        with pytest.raises(NotFound, match="result_unknown"):
            await replace_result(connection, made, "late", clock.now())
        await record_result(connection, made)
        await confirm(connection, FIRST, clock.now())
        for other in (made, replace(made, decision=Decision(True, Fraction(3), 3, 85))):
            with pytest.raises(Conflict, match="already_confirmed"):
                await replace_result(connection, other, "late", clock.now())


async def test_confirmation_happens_once(database: Database, clock: ManualClock) -> None:
    protocol = ProtocolId(3)
    async with database.transaction() as connection:
        await record_result(connection, result(at=clock.now()))
        assert (await load_result(connection, FIRST)).preliminary
        assert await confirm(connection, FIRST, clock.now() + 1, protocol)
        assert not await confirm(connection, FIRST, clock.now() + 2, protocol)
        kept = await load_result(connection, FIRST)
        assert (kept.preliminary, kept.confirmed_at, kept.protocol) == (False, clock.now() + 1, protocol)
        for other in (ProtocolId(4), None):
            with pytest.raises(Conflict, match="already_confirmed"):
                await confirm(connection, FIRST, clock.now() + 3, other)
        with pytest.raises(NotFound, match="result_unknown"):
            await confirm(connection, SittingId(99), clock.now())


@pytest.mark.parametrize("change", ["passed = true", "raw_num = 1000", "maximum = 2", "cut = 61"])
async def test_the_table_itself_holds_the_decision_to_the_points(
    database: Database, clock: ManualClock, change: str
) -> None:
    async with database.transaction() as connection:
        await record_result(connection, result(at=clock.now()))
    with pytest.raises(IntegrityError, match="check"):
        async with database.transaction() as connection:
            await execute(connection, f"UPDATE scoring.result SET {change}")
