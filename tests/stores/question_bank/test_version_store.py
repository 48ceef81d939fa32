"""Versions written and moved on: nothing is lost, nothing is changed, everybody's deed is on record."""

import asyncio

import pytest
from msgspec.structs import replace
from sqlalchemy.exc import DBAPIError

from core.clock import ManualClock
from core.database import Database, execute, fetch_one
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.ids import ItemId, PersonId
from question_bank.drafts import Draft, draft_of
from question_bank.enemy_store import list_enemies, set_enemies
from question_bank.items import Item
from question_bank.requirement_store import (
    list_requirements,
    repeal_requirement,
    restore_requirement,
)
from question_bank.store import load_items, publish_items, withdraw_item
from question_bank.version_store import (
    comment_on,
    list_ratings,
    list_steps,
    load_line,
    load_standing,
    move_version,
    next_item_id,
    rate,
    save_version,
)
from question_bank.workflow import Actor, Move
from tests.stores.question_bank.conftest import four_option

AUTHOR, REVIEWER = PersonId(11), PersonId(12)
WRITING = Actor(AUTHOR, may_edit=True, may_approve=True)
APPROVING = Actor(REVIEWER, may_edit=True, may_approve=True)
NEW = ItemId("i000001")


@pytest.fixture
def draft() -> Draft:
    return replace(draft_of(four_option(1)), tags=("пневмония", "ЭКГ"), language="en")


async def save(database: Database, draft: Draft, based_on: int, clock: ManualClock, who: PersonId = AUTHOR) -> int:
    async with database.transaction() as connection:
        return await save_version(connection, NEW, based_on, draft, who, clock.now())


async def go(database: Database, version: int, clock: ManualClock, *moves: Move) -> None:
    for move in moves:
        actor = WRITING if move in ("send", "recall") else APPROVING
        async with database.transaction() as connection:
            await move_version(connection, NEW, version, move, actor, clock.now(), "Потому")


async def revision(database: Database) -> int:
    async with database.transaction() as connection:
        row = await fetch_one(connection, "SELECT revision FROM question_bank.speciality WHERE code = 'S1'")
    assert row is not None
    return int(row["revision"])


async def test_a_draft_comes_back_as_it_was_written(catalogued: Database, draft: Draft, clock: ManualClock) -> None:
    assert await save(catalogued, draft, 0, clock) == 1
    async with catalogued.transaction() as connection:
        assert draft_of((await load_items(connection, [(NEW, 1)]))[NEW, 1]) == draft
        line = await load_line(connection, NEW)
    assert (line.service, line.in_service, line.latest) == ("working", 1, 1)
    assert (line.versions[0].state, line.versions[0].ready, line.versions[0].author) == ("draft", True, AUTHOR)


async def test_every_save_is_a_version_unless_nothing_changed(
    catalogued: Database, draft: Draft, clock: ManualClock
) -> None:
    await save(catalogued, draft, 0, clock)
    assert await save(catalogued, draft, 1, clock) == 1
    assert await save(catalogued, replace(draft, stem="Иначе?"), 1, clock) == 2
    async with catalogued.transaction() as connection:
        line = await load_line(connection, NEW)
        items = await load_items(connection, [(NEW, 1), (NEW, 2)])
    assert [row.version for row in line.versions] == [2, 1]
    assert line.in_service == 2
    assert (items[NEW, 1].stem, items[NEW, 2].stem) == (draft.stem, "Иначе?")


async def test_who_saves_on_an_older_version_is_told(catalogued: Database, draft: Draft, clock: ManualClock) -> None:
    await save(catalogued, draft, 0, clock)
    await save(catalogued, replace(draft, stem="Раньше?"), 1, clock)
    for based_on in (0, 1, 3):
        with pytest.raises(Conflict, match="version_overtaken"):
            await save(catalogued, replace(draft, stem="Позже?"), based_on, clock)


async def test_of_two_who_save_at_once_one_is_told(catalogued: Database, draft: Draft, clock: ManualClock) -> None:
    for based_on in (0, 1):
        made = await asyncio.gather(
            *(save(catalogued, replace(draft, stem=f"{based_on} {n}?"), based_on, clock) for n in range(4)),
            return_exceptions=True,
        )
        assert sorted(one for one in made if isinstance(one, int)) == [based_on + 1]
        assert all(isinstance(one, int | Conflict) for one in made)


async def test_an_unready_draft_is_kept_and_an_unfit_one_is_not(
    catalogued: Database, draft: Draft, clock: ManualClock
) -> None:
    three = replace(draft, stages=(replace(draft.stages[0], choices=draft.stages[0].choices[:3]),))
    await save(catalogued, three, 0, clock)
    with pytest.raises(Conflict, match="item_unready"):
        await go(catalogued, 1, clock, "send")
    with pytest.raises(Invalid, match="item_invalid"):
        await save(catalogued, replace(draft, stem="а" * 10_001), 1, clock)
    with pytest.raises(Invalid, match="requirement_unknown"):
        await save(catalogued, replace(draft, requirement="R9"), 1, clock)
    with pytest.raises(Conflict, match="pool_fixed"):
        await save(catalogued, replace(draft, pool="practice"), 1, clock)
    async with catalogued.transaction() as connection:
        assert (await load_line(connection, NEW)).latest == 1


async def test_the_whole_way_into_service_and_out(catalogued: Database, draft: Draft, clock: ManualClock) -> None:
    await save(catalogued, draft, 0, clock)
    before = await revision(catalogued)
    await go(catalogued, 1, clock, "send", "return", "send", "approve")
    assert await revision(catalogued) == before
    await go(catalogued, 1, clock, "pilot", "activate")
    async with catalogued.transaction() as connection:
        assert (await load_line(connection, NEW)).service == "active"
    await save(catalogued, replace(draft, stem="Лучше?"), 1, clock)
    async with catalogued.transaction() as connection:
        line = await load_line(connection, NEW)
    assert (line.service, line.in_service, line.latest) == ("active", 1, 2)
    await go(catalogued, 2, clock, "send", "approve", "activate")
    async with catalogued.transaction() as connection:
        line = await load_line(connection, NEW)
    assert [row.state for row in line.versions] == ["active", "retired"]
    assert line.in_service == 2
    await go(catalogued, 2, clock, "retire")
    assert await revision(catalogued) == before + 4
    async with catalogued.transaction() as connection:
        steps = await list_steps(connection, NEW)
        assert (await load_line(connection, NEW)).service == "retired"
    assert [(step.version, step.what) for step in steps] == [
        (1, "save"),
        *((1, what) for what in ("send", "return", "send", "approve", "pilot", "activate")),
        (2, "save"),
        (2, "send"),
        (2, "approve"),
        (1, "replace"),
        (2, "activate"),
        (2, "retire"),
    ]
    assert steps[4].done_by == REVIEWER


async def test_a_version_whose_approval_was_taken_back_has_its_author_again(
    catalogued: Database, draft: Draft, clock: ManualClock
) -> None:
    await save(catalogued, draft, 0, clock)
    await go(catalogued, 1, clock, "send", "approve", "return", "send")
    async with catalogued.transaction() as connection:
        assert (await load_standing(connection, NEW, 1)).authors == {AUTHOR}
        with pytest.raises(Forbidden, match="four_eyes"):
            await move_version(connection, NEW, 1, "approve", WRITING, clock.now())


async def test_four_eyes_reach_back_to_the_last_approved_version(
    catalogued: Database, draft: Draft, clock: ManualClock
) -> None:
    await save(catalogued, draft, 0, clock)
    await save(catalogued, replace(draft, stem="Вторая рука?"), 1, clock, REVIEWER)
    await go(catalogued, 2, clock, "send")
    with pytest.raises(Forbidden, match="four_eyes"):
        await go(catalogued, 2, clock, "approve")
    third = Actor(PersonId(13), True, True)
    async with catalogued.transaction() as connection:
        assert (await load_standing(connection, NEW, 2)).authors == {AUTHOR, REVIEWER}
        await move_version(connection, NEW, 2, "approve", third, clock.now())
    await save(catalogued, replace(draft, stem="После утверждения?"), 2, clock)
    await go(catalogued, 3, clock, "send", "approve")


async def test_an_approval_that_was_taken_back_opens_no_eyes(
    catalogued: Database, draft: Draft, clock: ManualClock
) -> None:
    await save(catalogued, draft, 0, clock)
    await go(catalogued, 1, clock, "send", "approve", "return")
    await save(catalogued, replace(draft, tags=("только метка",)), 1, clock, REVIEWER)
    await go(catalogued, 2, clock, "send")
    async with catalogued.transaction() as connection:
        with pytest.raises(Forbidden, match="four_eyes"):
            await move_version(connection, NEW, 2, "approve", WRITING, clock.now())


async def test_who_takes_an_item_to_another_speciality_empties_its_place(
    catalogued: Database, draft: Draft, clock: ManualClock
) -> None:
    await save(catalogued, draft, 0, clock)
    await go(catalogued, 1, clock, "send", "approve", "activate")
    before = await revision(catalogued)
    await save(catalogued, replace(draft, speciality="S2"), 1, clock)
    await go(catalogued, 2, clock, "send", "approve", "activate")
    assert await revision(catalogued) > before, "a pool that is kept would go on drawing the version that was replaced"


async def test_a_version_and_its_history_are_never_changed(
    catalogued: Database, draft: Draft, clock: ManualClock
) -> None:
    await save(catalogued, draft, 0, clock)
    for change in (
        "UPDATE question_bank.item_version SET content = '{}'",
        "UPDATE question_bank.item_version SET requirement = 'R2'",
        "UPDATE question_bank.item_key SET explanation = 'x'",
        "DELETE FROM question_bank.item_key",
        "DELETE FROM question_bank.item_version",
        "UPDATE question_bank.history SET words = 'x'",
        "DELETE FROM question_bank.history",
    ):
        with pytest.raises(DBAPIError, match="is never changed"):
            async with catalogued.transaction() as connection:
                await execute(connection, change)


async def test_two_moves_at_once_make_one(catalogued: Database, draft: Draft, clock: ManualClock) -> None:
    await save(catalogued, draft, 0, clock)
    made = await asyncio.gather(*(go(catalogued, 1, clock, "send") for _ in range(4)), return_exceptions=True)
    assert made.count(None) == 1
    assert all(one is None or (isinstance(one, Conflict) and one.code == "move_impossible") for one in made)


async def test_a_withdrawn_item_takes_no_version_and_makes_no_move(catalogued: Database, clock: ManualClock) -> None:
    item = four_option(1)
    async with catalogued.transaction() as connection:
        await publish_items(connection, [item], clock.now())
        await withdraw_item(connection, item.id)
        assert (await load_line(connection, item.id)).versions[0].state == "retired"
        with pytest.raises(Conflict, match="item_withdrawn"):
            await save_version(connection, item.id, 1, replace(draft_of(item), stem="?"), AUTHOR, clock.now())
        with pytest.raises(Conflict, match="item_withdrawn"):
            await move_version(connection, item.id, 1, "reopen", APPROVING, clock.now(), "Потому")


async def test_comments_ratings_and_enemies(
    catalogued: Database, draft: Draft, clock: ManualClock, bank: list[Item]
) -> None:
    await save(catalogued, draft, 0, clock)
    async with catalogued.transaction() as connection:
        await publish_items(connection, bank[:3], clock.now())
        await comment_on(connection, NEW, 1, " Уточните дозу ", REVIEWER, clock.now(), "stem")
        with pytest.raises(Invalid, match="words_invalid"):
            await comment_on(connection, NEW, 1, " ", REVIEWER, clock.now())
        (_, step) = await list_steps(connection, NEW)
        assert (step.what, step.field, step.words, step.done_by) == ("comment", "stem", "Уточните дозу", REVIEWER)
        await rate(connection, NEW, 1, AUTHOR, 60, clock.now())
        await rate(connection, NEW, 1, AUTHOR, 65, clock.now())
        await rate(connection, NEW, 1, REVIEWER, 80, clock.now())
        assert await list_ratings(connection, NEW, 1) == {AUTHOR: 65, REVIEWER: 80}
        with pytest.raises(Invalid, match="rating_invalid"):
            await rate(connection, NEW, 1, AUTHOR, 101, clock.now())
        with pytest.raises(NotFound, match="item_unknown"):
            await rate(connection, NEW, 2, AUTHOR, 10, clock.now())
        first, second = bank[0].id, bank[1].id
        await set_enemies(connection, NEW, [first, second, NEW], AUTHOR, clock.now())
        await set_enemies(connection, NEW, [second], AUTHOR, clock.now())
        assert await list_enemies(connection, NEW) == [second]
        assert await list_enemies(connection, second) == [NEW]
        assert await list_enemies(connection, first) == []
        with pytest.raises(NotFound, match="item_unknown"):
            await set_enemies(connection, NEW, [ItemId("nowhere")], AUTHOR, clock.now())


async def test_a_repealed_requirement_stops_its_items(catalogued: Database, draft: Draft, clock: ManualClock) -> None:
    await save(catalogued, draft, 0, clock)
    before = await revision(catalogued)
    async with catalogued.transaction() as connection:
        with pytest.raises(Invalid, match="reason_missing"):
            await repeal_requirement(connection, "S1", "R1", REVIEWER, " ", clock.now())
        with pytest.raises(NotFound, match="requirement_unknown"):
            await repeal_requirement(connection, "S1", "R9", REVIEWER, "Приказ", clock.now())
        await repeal_requirement(connection, "S1", "R1", REVIEWER, "Приказ", clock.now())
        with pytest.raises(Conflict, match="requirement_repealed"):
            await repeal_requirement(connection, "S1", "R1", REVIEWER, "Приказ", clock.now())
        repealed = {one.code: one.repealed_at for one in await list_requirements(connection, "S1")}
        assert repealed == {"R1": clock.now(), "R2": None}
    assert await revision(catalogued) == before + 1
    with pytest.raises(Conflict, match="requirement_repealed"):
        await go(catalogued, 1, clock, "send")
    async with catalogued.transaction() as connection:
        await restore_requirement(connection, "S1", "R1")
        with pytest.raises(Conflict, match="requirement_in_force"):
            await restore_requirement(connection, "S1", "R1")
    await go(catalogued, 1, clock, "send")


async def test_new_ids_pass_over_those_that_are_taken(catalogued: Database, draft: Draft, clock: ManualClock) -> None:
    async with catalogued.transaction() as connection:
        first = await next_item_id(connection)
        taken = ItemId(f"i{int(first[1:]) + 1:06}")
        await save_version(connection, taken, 0, draft, AUTHOR, clock.now())
        assert await next_item_id(connection) == f"i{int(first[1:]) + 2:06}"


async def test_who_withdraws_an_item_waits_for_who_is_saving_it(
    catalogued: Database, draft: Draft, clock: ManualClock
) -> None:
    await save(catalogued, draft, 0, clock)

    async def withdraw() -> None:
        async with catalogued.transaction() as connection:
            await withdraw_item(connection, NEW)

    async with catalogued.transaction() as connection:
        await save_version(connection, NEW, 1, replace(draft, stem="Пока отзывают?"), AUTHOR, clock.now())
        gone = asyncio.create_task(withdraw())
        waits = None
        while waits is None and not gone.done():
            async with catalogued.transaction() as other:
                waits = await fetch_one(
                    other,
                    """
                    SELECT pid FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'
                    """,
                )
    await gone
    async with catalogued.transaction() as connection:
        line = await load_line(connection, NEW)
    assert (line.service, line.latest) == ("withdrawn", 2)
