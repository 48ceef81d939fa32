"""Pools and their snapshots: a form can be proved whatever became of the bank since."""

import pytest
from msgspec.structs import replace

from core.clock import ManualClock
from core.database import Database, execute
from core.errors import Conflict, NotFound
from core.ids import BlueprintId, ItemId
from core.moments import HOUR
from question_bank.assembly import assemble, prove
from question_bank.blueprints import Blueprint, Cell
from question_bank.items import Item, make_stage, pool_item
from question_bank.pool import Pool
from question_bank.pool_store import PreparedPools, load_pool, load_snapshot, save_snapshot
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement, Speciality
from question_bank.store import publish_items, withdraw_item

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


@pytest.fixture
async def filled(
    database: Database,
    bank: list[Item],
    catalogue: tuple[tuple[Speciality, ...], tuple[Requirement, ...]],
    clock: ManualClock,
) -> Database:
    async with database.transaction() as connection:
        await save_requirements(connection, *catalogue)
        await publish_items(connection, bank, clock.now())
    return database


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
        await execute(connection, "UPDATE question_bank.snapshot SET items = jsonb_set(items, '{0,2}', '1')")
        with pytest.raises(Conflict, match="snapshot_broken"):
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
