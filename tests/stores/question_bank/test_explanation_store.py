"""Explanations come from the practice pool, and from nowhere else."""

import pytest
from msgspec.structs import replace

from core.clock import ManualClock
from core.database import Database
from core.errors import NotFound
from core.ids import ItemId
from question_bank.explanation_store import load_explanation, load_explanations
from question_bank.items import Item, Role, candidate_copy
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement, Speciality
from question_bank.store import publish_items


@pytest.fixture
async def practice(
    database: Database,
    bank: list[Item],
    catalogue: tuple[tuple[Speciality, ...], tuple[Requirement, ...]],
    clock: ManualClock,
) -> list[Item]:
    items = [replace(item, id=ItemId(f"p-{item.id}"), pool="practice", sources=("п. 4",)) for item in bank]
    async with database.transaction() as connection:
        await save_requirements(connection, *catalogue)
        await publish_items(connection, [*bank, *items], clock.now())
    return items


async def test_an_explanation_names_what_was_right_in_the_authors_order(
    database: Database, practice: list[Item]
) -> None:
    async with database.transaction() as connection:
        found = await load_explanations(connection, [(item.id, item.version) for item in practice])
    for item in practice:
        told = found[item.id, 1]
        assert told.content == candidate_copy(item)
        assert (told.explanation, told.sources, told.requirement) == (item.explanation, ("п. 4",), item.requirement)
        for stage, explained in zip(item.stages, told.stages, strict=True):
            right = tuple(one.id for one in stage.choices if one.role in (Role.KEY, Role.REQUIRED))
            assert explained.right == right
            assert explained.harmful == tuple(one.id for one in stage.choices if one.role is Role.HARMFUL)


async def test_items_of_the_exam_are_not_explained(database: Database, bank: list[Item], practice: list[Item]) -> None:
    async with database.transaction() as connection:
        assert await load_explanations(connection, [(item.id, item.version) for item in bank]) == {}
        with pytest.raises(NotFound, match="not_explained"):
            await load_explanation(connection, (bank[0].id, 1))
