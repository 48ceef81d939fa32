"""Items published, loaded with their keys, and listed."""

import pytest
from msgspec.structs import replace
from sqlalchemy.exc import DBAPIError

from core.clock import ManualClock
from core.database import Database, execute, fetch_all, fetch_one
from core.errors import Conflict, Invalid, NotFound
from core.ids import ItemId
from question_bank.catalogue import list_items
from question_bank.items import Item, Role, make_stage
from question_bank.requirement_store import count_holdings
from question_bank.requirements import Requirement, Speciality
from question_bank.store import current_version, load_items, publish_items, withdraw_item
from question_bank.wanted import Wanted

Catalogue = tuple[tuple[Speciality, ...], tuple[Requirement, ...]]


def changed(item: Item, version: int) -> Item:
    options = tuple((choice.text, choice.role) for choice in item.stages[0].choices)
    stage = make_stage(item.id, version, 0, "choice", options)
    return replace(item, version=version, stages=(stage,), stem="Новая основная часть?")


async def test_items_come_back_equal_with_keys_and_the_authors_order(filled: Database, bank: list[Item]) -> None:
    refs = [(item.id, item.version) for item in bank]
    async with filled.transaction() as connection:
        assert await load_items(connection, refs) == dict(zip(refs, bank, strict=True))
        assert await load_items(connection, []) == {}
        with pytest.raises(NotFound, match="item_unknown"):
            await load_items(connection, [*refs, (ItemId("f000"), 2)])


async def test_an_item_stays_in_its_pool(filled: Database, bank: list[Item], clock: ManualClock) -> None:
    with pytest.raises(Conflict, match="pool_fixed"):
        async with filled.transaction() as connection:
            await publish_items(connection, [replace(changed(bank[0], 2), pool="practice")], clock.now())
    fresh = replace(changed(bank[1], 1), id=ItemId("p001"), pool="practice", sources=("Рекомендации, п. 4.2",))
    async with filled.transaction() as connection:
        await publish_items(connection, [fresh], clock.now())
        with pytest.raises(Conflict, match="pool_fixed"):
            await publish_items(connection, [replace(changed(fresh, 2), pool="exam")], clock.now())
        assert (await load_items(connection, [(fresh.id, 1)]))[fresh.id, 1] == fresh
        supply = {place: held.practice for place, held in (await count_holdings(connection)).items()}
        assert supply[fresh.speciality, fresh.requirement] == 1
        assert sum(supply.values()) == 1
    with pytest.raises(DBAPIError, match="stays in its pool"):
        async with filled.transaction() as connection:
            await execute(connection, "UPDATE question_bank.item SET pool = 'exam' WHERE id = 'p001'")


async def test_publishing_again_changes_nothing(filled: Database, bank: list[Item], clock: ManualClock) -> None:
    async with filled.transaction() as connection:
        assert await publish_items(connection, bank, clock.now() + 1) == 0
        revisions = await fetch_all(connection, "SELECT code, revision FROM question_bank.speciality")
        assert {row["code"]: row["revision"] for row in revisions} == {"S1": 1, "S2": 1}


async def test_a_published_version_cannot_be_changed_but_a_new_one_replaces_it(
    filled: Database, bank: list[Item], clock: ManualClock
) -> None:
    old = bank[0]
    with pytest.raises(Conflict, match="version_exists"):
        async with filled.transaction() as connection:
            await publish_items(connection, [replace(old, stem="Иначе?")], clock.now())
    swapped = replace(
        old.stages[0],
        choices=tuple(
            replace(choice, role=Role.KEY if place == 2 else Role.DISTRACTOR)
            for place, choice in enumerate(old.stages[0].choices)
        ),
    )
    with pytest.raises(Conflict, match="version_exists"):
        async with filled.transaction() as connection:
            await publish_items(connection, [replace(old, stages=(swapped,))], clock.now())
    new = changed(old, 2)
    async with filled.transaction() as connection:
        assert await publish_items(connection, [new, old], clock.now()) == 1
        assert await current_version(connection, old.id) == 2
        assert await load_items(connection, [(old.id, 1), (old.id, 2)]) == {(old.id, 1): old, (old.id, 2): new}
        page = await list_items(connection, words="f000")
        assert [(row.version, row.stem) for row in page.rows] == [(2, "Новая основная часть?")]


async def test_what_is_wrong_is_refused_and_leaves_nothing(
    filled: Database, bank: list[Item], clock: ManualClock
) -> None:
    good = changed(bank[1], 2)
    for wrong, code in (
        (replace(changed(bank[2], 2), requirement="R9"), "requirement_unknown"),
        (replace(changed(bank[2], 2), speciality="S2", requirement="R2"), "requirement_unknown"),
        (replace(changed(bank[2], 2), stem=""), "item_invalid"),
        (good, "item_repeated"),
    ):
        with pytest.raises(Invalid, match=code):
            async with filled.transaction() as connection:
                await publish_items(connection, [good, wrong], clock.now())
    async with filled.transaction() as connection:
        assert await current_version(connection, good.id) == 1
        with pytest.raises(NotFound, match="item_unknown"):
            await current_version(connection, ItemId("nothing"))


async def test_no_role_and_no_explanation_stands_outside_the_key_table(filled: Database, bank: list[Item]) -> None:
    async with filled.transaction() as connection:
        rows = await fetch_all(connection, "SELECT row_to_json(v)::text AS text FROM question_bank.item_version v")
        keys = await fetch_one(connection, "SELECT count(*) AS n FROM question_bank.item_key")
    assert len(rows) == len(bank)
    for row in rows:
        for word in ("role", "harmful", "required", "distractor", "Пояснение"):
            assert word not in row["text"]
    assert keys is not None
    assert keys["n"] == len(bank)


async def test_the_list_is_filtered_paged_and_searched(filled: Database) -> None:
    async with filled.transaction() as connection:
        everything = await list_items(connection)
        assert everything.total == 38
        assert [row.item for row in everything.rows] == sorted(row.item for row in everything.rows)
        assert (await list_items(connection, Wanted(speciality="S1"))).total == 33
        assert (await list_items(connection, Wanted(speciality="S1", requirement="R2"))).total == 13
        assert (await list_items(connection, Wanted(kind="case"))).total == 3
        page = await list_items(connection, Wanted(speciality="S1"), limit=10, offset=30)
        assert page.total == 33
        assert len(page.rows) == 3
        # Other forms of the words, ё for е, words of the options, beginnings of ids.
        assert (await list_items(connection, words="лечение пневмонией")).total == 35
        assert (await list_items(connection, words="ЕЛКИН")).total == 3
        assert (await list_items(connection, words="инфаркты")).total == 3
        assert (await list_items(connection, words="F01")).total == 10
        assert (await list_items(connection, words="пневмония -вопрос")).total == 0
        for hostile in ("'", "%", "\\", "a:b & | !", "(" * 300, "'); DROP TABLE x; --"):
            assert (await list_items(connection, words=hostile)).total == 0


async def test_a_withdrawn_item_leaves_the_supply(filled: Database) -> None:
    async with filled.transaction() as connection:
        await withdraw_item(connection, ItemId("f000"))
        await withdraw_item(connection, ItemId("c000"))
        with pytest.raises(NotFound, match="item_unknown"):
            await withdraw_item(connection, ItemId("nothing"))
        supply = {place: (held.four_option, held.case) for place, held in (await count_holdings(connection)).items()}
        (row,) = (await list_items(connection, words="f000")).rows
    assert supply == {("S1", "R1"): (19, 0), ("S1", "R2"): (10, 2), ("S2", "R1"): (5, 0)}
    assert row.service == "withdrawn"


async def test_many_items_are_published_in_batches(filled: Database, bank: list[Item], clock: ManualClock) -> None:
    options = tuple((f"Вариант {n}", Role.DISTRACTOR if n else Role.KEY) for n in range(4))
    many = [
        replace(bank[0], id=id, stages=(make_stage(id, 1, 0, "choice", options),))
        for id in (ItemId(f"m{number}") for number in range(4_500))
    ]
    async with filled.transaction() as connection:
        assert await publish_items(connection, many, clock.now()) == 4_500
        assert (await list_items(connection, Wanted(speciality="S1"), words="m4499")).total == 1
        assert (await list_items(connection)).total == 4_538
