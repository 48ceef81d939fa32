"""What candidates get of the bank."""

import pytest

from core.clock import ManualClock
from core.database import Database, execute
from core.errors import NotFound
from core.ids import ItemId
from question_bank.candidate_store import candidate_copies
from question_bank.items import Item, candidate_copy
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement, Speciality
from question_bank.store import publish_items


async def test_copies_hold_what_was_published_and_need_no_key_table(
    database: Database,
    bank: list[Item],
    catalogue: tuple[tuple[Speciality, ...], tuple[Requirement, ...]],
    clock: ManualClock,
) -> None:
    async with database.transaction() as connection:
        await save_requirements(connection, *catalogue)
        await publish_items(connection, bank, clock.now())
        # As a database role for candidates' connections would have it.
        await execute(connection, "DROP TABLE question_bank.item_key")
        refs = [(item.id, item.version) for item in bank]
        copies = await candidate_copies(connection, [*refs, refs[0]])
        assert copies == {(item.id, item.version): candidate_copy(item) for item in bank}
        assert await candidate_copies(connection, []) == {}
        with pytest.raises(NotFound) as refusal:
            await candidate_copies(connection, [refs[0], (ItemId("nothing"), 1)])
    assert refusal.value.code == "item_unknown"
    assert refusal.value.fields == {"item": "nothing", "version": "1"}
