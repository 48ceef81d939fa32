"""Pools and their snapshots: a form can be proved whatever became of the bank since."""

import asyncio

import pytest
from msgspec.structs import replace

from core.clock import ManualClock
from core.database import Database, execute
from core.errors import Conflict, NotFound
from core.ids import BlueprintId, ItemId, PersonId
from core.moments import HOUR
from question_bank.assembly import assemble, prove
from question_bank.blueprints import Blueprint, Cell
from question_bank.calibration_store import Calibrated, save_calibrations
from question_bank.enemy_store import set_enemies
from question_bank.expectation import Calibration, Evidence, expect
from question_bank.exposure import Openness
from question_bank.exposure_store import save_opennesses
from question_bank.items import Item, make_stage, pool_item
from question_bank.pool import WHOLE, Pool
from question_bank.pool_store import PreparedPools, load_pool, load_snapshot, save_snapshot
from question_bank.requirement_store import repeal_requirement
from question_bank.snapshots import pack
from question_bank.store import publish_items, withdraw_item
from question_bank.version_store import rate

PLAN = Blueprint(
    id=BlueprintId("b1"),
    version=1,
    title="Пробное тестирование",
    speciality="S1",
    speciality_title="Лечебное дело",
    cells=(Cell("R1", "four_option", 8), Cell(None, "case", 2, weight=3)),
    exam_limit=HOUR,
    navigation="linear",
    on_item_timeout="advance",
    flags=False,
    confirmation="protocol",
    cut=85,
    accreditation="primary",
)


async def test_a_pool_holds_what_the_cells_can_take(filled: Database, bank: list[Item]) -> None:
    any_kind = replace(PLAN, cells=(Cell(None, "four_option", 8),))
    async with filled.transaction() as connection:
        pool = await load_pool(connection, PLAN)
        wider = await load_pool(connection, any_kind)
    wanted = [i for i in bank if i.speciality == "S1" and (i.kind == "case" or i.requirement == "R1")]
    assert pool.items == Pool(pool_item(item) for item in wanted).items
    assert pool.snapshot == Pool(pool_item(item) for item in wanted).snapshot
    assert {i.item for i in wider.items} == {i.id for i in bank if i.speciality == "S1" and i.kind == "four_option"}


async def test_practice_and_exams_never_draw_from_each_others_pool(
    filled: Database, bank: list[Item], clock: ManualClock
) -> None:
    other = [replace(item, id=ItemId(f"p{item.id}"), pool="practice") for item in bank if item.speciality == "S1"]
    async with filled.transaction() as connection:
        await publish_items(connection, other, clock.now())
        exam = await load_pool(connection, PLAN)
        practice = await load_pool(connection, replace(PLAN, practice=True))
    assert {item.item for item in exam.items}.isdisjoint(item.item for item in practice.items)
    assert {item.item for item in exam.items} <= {item.id for item in bank}
    assert {item.item for item in practice.items} <= {item.id for item in other}
    assert len(exam) == len(practice)


async def test_a_form_is_proved_from_its_snapshot_after_the_bank_has_changed(
    filled: Database, bank: list[Item], clock: ManualClock
) -> None:
    async with filled.transaction() as connection:
        pool = await load_pool(connection, PLAN)
        assert await save_snapshot(connection, pool, clock.now()) == pool.snapshot
        assert await save_snapshot(connection, pool, clock.now()) == pool.snapshot
        form = assemble(PLAN, pool, seed=77)
        for entry in form.entries[:3]:
            await withdraw_item(connection, entry.item)
        old = next(item for item in bank if item.id == form.entries[3].item)
        options = tuple((choice.text, choice.role) for choice in old.stages[0].choices)
        new = replace(old, version=2, stages=(make_stage(old.id, 2, 0, "choice", options),), difficulty=0.1)
        await publish_items(connection, [new], clock.now())
    async with filled.transaction() as connection:
        now = await load_pool(connection, PLAN)
        kept = await load_snapshot(connection, form.snapshot)
    assert now.snapshot != form.snapshot
    assert not prove(form, PLAN, now)
    assert prove(form, PLAN, kept)


async def test_a_snapshot_that_was_meddled_with_is_refused(filled: Database, clock: ManualClock) -> None:
    async with filled.transaction() as connection:
        pool = await load_pool(connection, PLAN)
        digest = await save_snapshot(connection, pool, clock.now())
        other = Pool(replace(item, expected=1) for item in pool.items)
        for packed in (pack(other), pack(pool)[:-9], b"", b"[]"):
            await execute(connection, "UPDATE question_bank.snapshot SET packed = :packed", packed=packed)
            with pytest.raises(Conflict, match="snapshot_broken"):
                await load_snapshot(connection, digest)
        await execute(connection, "UPDATE question_bank.snapshot SET items = '[]', packed = NULL")
        with pytest.raises(Conflict, match="snapshot_old"):
            await load_snapshot(connection, digest)
        with pytest.raises(NotFound, match="snapshot_unknown"):
            await load_snapshot(connection, "0" * 64)


async def test_prepared_pools_are_kept_until_the_bank_changes(
    filled: Database, bank: list[Item], clock: ManualClock
) -> None:
    pools = PreparedPools()
    async with filled.transaction() as connection:
        first = await pools.pool(connection, PLAN)
        assert await pools.pool(connection, PLAN) is first
        other = await pools.pool(connection, replace(PLAN, version=2, cells=(Cell(None, "case", 1),)))
        assert len(other) == 3
        assert await pools.pool(connection, PLAN) is first
        await withdraw_item(connection, ItemId("f000"))
        second = await pools.pool(connection, PLAN)
        assert {i.item for i in first.items} - {i.item for i in second.items} == {"f000"}
        changed = replace(
            bank[1],
            version=2,
            stages=(
                make_stage(
                    bank[1].id,
                    2,
                    0,
                    "choice",
                    tuple((choice.text, choice.role) for choice in bank[1].stages[0].choices),
                ),
            ),
        )
        await publish_items(connection, [changed], clock.now())
        third = await pools.pool(connection, PLAN)
        assert {i.version for i in third.items if i.item == changed.id} == {2}


async def test_those_who_come_at_once_share_one_loading(filled: Database) -> None:
    pools = PreparedPools()

    async def come() -> Pool:
        async with filled.transaction() as connection:
            return await pools.pool(connection, PLAN)

    first, *others = await asyncio.gather(*(come() for _ in range(5)))
    assert all(other is first for other in others)


JUDGE, OTHER_JUDGE = PersonId(1), PersonId(2)


async def test_what_is_known_of_items_comes_to_what_is_expected_at_the_cut(
    filled: Database, bank: list[Item], clock: ManualClock
) -> None:
    plan = replace(PLAN, cells=(Cell("R1", "four_option", 3, level="recall"),), cut=70)
    now = clock.now()
    async with filled.transaction() as connection:
        plain = await load_pool(connection, plan)
        first, second, third, *rest = (item.item for item in plain.items)
        await save_calibrations(
            connection,
            [
                Calibrated(first, 1, 1.0, -0.5, None, 0.1, 300, "пилот 2026"),
                Calibrated(second, 1, 1.4, 0.7, 0.2, 0.1, 300, "пилот 2026"),
            ],
            now,
        )
        await save_calibrations(connection, [Calibrated(second, 1, 0.9, 0.6, 0.2, 0.1, 600, "экзамен")], now + 1)
        for judge, rating in ((JUDGE, 60), (OTHER_JUDGE, 71)):
            await rate(connection, third, 1, judge, rating, now)
        await set_enemies(connection, first, [third, ItemId("c000")], JUDGE, now)
        pool = await load_pool(connection, plan)
        estimates = {item.id: item.difficulty for item in bank}
        wanted = expect(
            [
                Evidence(0.5, Calibration(1.0, -0.5)),
                Evidence(0.5, Calibration(0.9, 0.6)),
                Evidence(0.5, angoff=0.655),
                *(Evidence(estimates[item]) for item in rest),
            ],
            70,
        )
        assert [(item.expected, item.information) for item in pool.items] == [
            (one.expected, one.information) for one in wanted
        ]
        assert {one.basis for one in wanted} >= {"calibration", "angoff", "band"}
        assert pool.pairs == ((first, third),)
        await save_snapshot(connection, pool, now)
        form = assemble(plan, pool, 5)
        await save_calibrations(connection, [Calibrated(first, 1, 1.0, 0.5, None, 0.1, 900, "экзамен")], now + 2)
        assert (await load_pool(connection, plan)).snapshot != pool.snapshot
        kept = await load_snapshot(connection, pool.snapshot)
    assert kept.items == pool.items
    assert kept.pairs == pool.pairs
    assert prove(form, plan, kept)


async def test_items_that_are_tried_out_are_there_only_for_a_blueprint_that_does(
    filled: Database, clock: ManualClock
) -> None:
    tries = replace(PLAN, pilots=2)
    async with filled.transaction() as connection:
        await execute(
            connection, "UPDATE question_bank.item SET state = 'piloted' WHERE id IN ('f000', 'f001', 'c000')"
        )
        await execute(connection, "UPDATE question_bank.item SET state = 'retired' WHERE id = 'f002'")
        without, pool = await load_pool(connection, PLAN), await load_pool(connection, tries)
        ids = {item.item for item in without.items}
        assert ids.isdisjoint({"f000", "f001", "c000", "f002"})
        assert {item.item for item in pool.items} - ids == {"f000", "f001"}
        assert {item.item for item in pool.items if item.pilot} == {"f000", "f001"}
        await save_snapshot(connection, pool, clock.now())
        form = assemble(tries, pool, 9)
        assert {entry.item for entry in form.entries if not entry.weight} == {"f000", "f001"}
        assert prove(form, tries, await load_snapshot(connection, pool.snapshot))


async def test_items_of_a_repealed_requirement_leave_the_pool(filled: Database, clock: ManualClock) -> None:
    pools = PreparedPools()
    plan = replace(PLAN, cells=(Cell(None, "four_option", 5),))
    async with filled.transaction() as connection:
        before = await pools.pool(connection, plan)
        assert {item.requirement for item in before.items} == {"R1", "R2"}
        await repeal_requirement(connection, "S1", "R2", JUDGE, "Приказ", clock.now())
        after = await pools.pool(connection, plan)
    assert {item.requirement for item in after.items} == {"R1"}


async def test_shares_are_those_last_worked_out_and_of_the_exams_that_cap_exposure(
    filled: Database, clock: ManualClock
) -> None:
    pools = PreparedPools()
    capped = replace(PLAN, id=BlueprintId("b2"), exposure_cap=0.4)
    async with filled.transaction() as connection:
        plain, first = await pools.pool(connection, PLAN), await pools.pool(connection, capped)
        item = first.items[3].item
        assert {one.share for one in first.items} == {WHOLE}
        found = {item: Openness(250_000, 40)}
        assert await save_opennesses(connection, capped.id, 0, 50, found, clock.now())
        assert not await save_opennesses(connection, capped.id, 0, 51, {}, clock.now()), "another process was first"
        second = await pools.pool(connection, capped)
        assert {one.item: one.share for one in second.items if one.share != WHOLE} == {item: 250_000}
        assert await pools.pool(connection, capped) is second
        assert await pools.pool(connection, PLAN) is plain
        await save_snapshot(connection, second, clock.now())
        assert (await load_snapshot(connection, second.snapshot)).items == second.items
