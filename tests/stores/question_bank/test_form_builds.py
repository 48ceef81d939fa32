"""Searches for parallel forms: followed, stopped from anywhere, their result kept with all it takes to check it."""

import asyncio

import pytest
from msgspec.structs import replace

from core.clock import ManualClock
from core.database import Database, execute
from core.errors import Conflict, Invalid, NotFound
from core.ids import BlueprintId, ItemId, PersonId
from core.moments import HOUR, SECOND
from question_bank.blueprint_store import save_blueprint
from question_bank.blueprints import Blueprint, Cell
from question_bank.fixed_form_store import (
    ask_stop,
    check_fixed,
    is_in_service,
    list_builds,
    load_build,
    load_fixed,
)
from question_bank.fixed_forms import Order, Progress, find_deviations
from question_bank.form_builds import MOST_AT_ONCE, FormBuilds
from question_bank.form_model import SOLVER
from question_bank.form_report import compare_forms
from question_bank.items import Item
from question_bank.pool_store import load_snapshot
from question_bank.requirement_store import repeal_requirement
from question_bank.store import publish_items, withdraw_item

PLAN = Blueprint(
    id=BlueprintId("b1"),
    version=1,
    title="Пробное тестирование",
    speciality="S1",
    speciality_title="Лечебное дело",
    cells=(Cell("R1", "four_option", 5), Cell(None, "four_option", 5)),
    exam_limit=HOUR,
    navigation="linear",
    on_item_timeout="advance",
    flags=False,
    confirmation="protocol",
    cut=85,
    accreditation="primary",
)
WHO = PersonId(7)


@pytest.fixture
async def planned(filled: Database, clock: ManualClock) -> Database:
    async with filled.transaction() as connection:
        await save_blueprint(connection, PLAN, clock.now())
    return filled


async def test_what_was_found_is_kept_with_all_it_takes_to_check_it(planned: Database, clock: ManualClock) -> None:
    told: list[Progress] = []
    number = await FormBuilds(planned, clock).run(PLAN.id, Order(2, time_limit=2 * SECOND), WHO, told.append)
    async with planned.transaction() as connection:
        build = await load_build(connection, number)
        assert await list_builds(connection, PLAN.id) == [build]
        assert await list_builds(connection, BlueprintId("other")) == []
        pool = await load_snapshot(connection, build.snapshot)
        fixed = [(await load_fixed(connection, digest))[0] for digest in build.forms]
        for form in fixed:
            assert await is_in_service(connection, form, "S1")
            await check_fixed(connection, form.digest, PLAN.id, 1)
        with pytest.raises(Invalid, match="fixed_form_strange"):
            await check_fixed(connection, build.forms[0], PLAN.id, 2)
        with pytest.raises(NotFound, match="fixed_form_unknown"):
            await check_fixed(connection, "0" * 64, PLAN.id, 1)
        with pytest.raises(NotFound, match="build_unknown"):
            await load_build(connection, number + 1)
    assert told
    assert (build.state, build.begun_by, build.solver, build.order.count) == ("done", WHO, SOLVER, 2)
    assert build.deviation is not None
    assert build.deviation <= 1
    assert [find_deviations(PLAN, pool, form) for form in fixed] == [[], []]
    assert build.report == compare_forms(pool, fixed)


async def test_a_form_whose_items_have_left_is_told(planned: Database, clock: ManualClock) -> None:
    number = await FormBuilds(planned, clock).run(PLAN.id, Order(2, time_limit=2 * SECOND), WHO)
    async with planned.transaction() as connection:
        digests = (await load_build(connection, number)).forms
        one, other = [(await load_fixed(connection, digest))[0] for digest in digests]
        await withdraw_item(connection, one.places[0].item)
        assert not await is_in_service(connection, one, "S1")
        assert await is_in_service(connection, other, "S1")
        await repeal_requirement(connection, "S1", "R1", WHO, "Приказ", clock.now())
        assert not await is_in_service(connection, other, "S1")


async def test_a_form_that_was_meddled_with_is_refused(planned: Database, clock: ManualClock) -> None:
    number = await FormBuilds(planned, clock).run(PLAN.id, Order(1, time_limit=2 * SECOND), WHO)
    async with planned.transaction() as connection:
        (digest,) = (await load_build(connection, number)).forms
        await execute(connection, "UPDATE question_bank.fixed_form SET places = jsonb_set(places, '{0,weight}', '5')")
        with pytest.raises(Conflict, match="fixed_form_broken"):
            await load_fixed(connection, digest)


async def test_a_search_that_cannot_be_begun_or_finds_nothing_says_why(planned: Database, clock: ManualClock) -> None:
    builds = FormBuilds(planned, clock)
    with pytest.raises(Invalid, match="order_invalid"):
        await builds.run(PLAN.id, Order(0), WHO)
    with pytest.raises(NotFound, match="blueprint_unknown"):
        await builds.run(BlueprintId("strange"), Order(1), WHO)
    with pytest.raises(Conflict, match="blueprint_unfillable"):
        await builds.run(PLAN.id, Order(12), WHO)
    async with planned.transaction() as connection:
        (build,) = await list_builds(connection)
    assert build.state == "failed"
    assert "не хватает" in build.message


async def begin_endless(builds: FormBuilds, database: Database, clock: ManualClock, bank: list[Item]) -> int:
    """A search that won't end by itself: forms that are never as equal as it would like."""
    plan = replace(PLAN, id=BlueprintId("endless"), cells=(Cell(None, "four_option", 6),))
    more = [
        replace(item, id=ItemId(f"x{at}-{item.id}"), difficulty=0.3 + (at * 37 + place * 11) % 60 / 100)
        for at in range(8)
        for place, item in enumerate(bank)
        if item.kind == "four_option" and item.speciality == "S1"
    ]
    async with database.transaction() as connection:
        await publish_items(connection, more, clock.now())
        await save_blueprint(connection, plan, clock.now())
    return await builds.begin(plan.id, Order(12, time_limit=HOUR), WHO)


async def wait_for(database: Database, build: int, state: str) -> None:
    while True:
        async with database.transaction() as connection:
            if (await load_build(connection, build)).state == state:
                return
        await asyncio.sleep(0.05)


async def test_a_search_is_stopped_from_any_process_and_holds_up_nobody(
    planned: Database, clock: ManualClock, bank: list[Item]
) -> None:
    builds = FormBuilds(planned, clock)
    number = await begin_endless(builds, planned, clock, bank)
    turns = 0
    while True:
        async with planned.transaction() as connection:
            build = await load_build(connection, number)
        turns += 1
        if build.progress is not None and build.progress.deviation is not None:
            break
        await asyncio.sleep(0)
    assert build.state == "running"
    assert turns > 5, "others have their turn while it searches"
    async with planned.transaction() as connection:
        await ask_stop(connection, number)
    await wait_for(planned, number, "cancelled")


async def test_only_so_many_run_at_once_and_none_outlives_its_process(
    planned: Database, clock: ManualClock, bank: list[Item]
) -> None:
    builds = FormBuilds(planned, clock)
    numbers = [await begin_endless(builds, planned, clock, bank)]
    while len(numbers) < MOST_AT_ONCE:
        numbers.append(await builds.begin(BlueprintId("endless"), Order(12, time_limit=HOUR), WHO))
    with pytest.raises(Conflict, match="builds_busy"):
        await builds.begin(BlueprintId("endless"), Order(1), WHO)
    await builds.close()
    async with planned.transaction() as connection:
        assert {(await load_build(connection, number)).state for number in numbers} == {"cancelled"}
