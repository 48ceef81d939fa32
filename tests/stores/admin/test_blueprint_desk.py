"""Blueprints as staff read and write them."""

from admin import blueprint_desk
from core.access import Role
from core.ids import ItemId
from question_bank.store import withdraw_item
from tests.stores.admin.school import ITEMS, School


async def test_a_blueprint_stands_with_what_the_bank_has(school: School) -> None:
    async with school.database.transaction() as connection:
        (sheet,) = await blueprint_desk.list_sheets(connection)
        assert [(cell.supply, cell.short) for cell in sheet.cells] == [(2 * ITEMS, False)]
        for number in range(ITEMS + 1):
            await withdraw_item(connection, ItemId(f"ld-{number:03}"))
        (sheet,) = await blueprint_desk.list_sheets(connection)
    assert [(cell.supply, cell.short) for cell in sheet.cells] == [(ITEMS - 1, True)]
    assert "не хватает" in (await school.get(school.staff[Role.OPERATOR], "/staff/blueprints")).text
