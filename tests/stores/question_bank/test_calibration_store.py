"""Calibrations: kept with where they come from, and nothing that is none."""

import pytest
from msgspec.structs import replace

from core.clock import ManualClock
from core.database import Database, fetch_one
from core.errors import Invalid
from core.ids import ItemId
from question_bank.calibration_store import Calibrated, list_calibrations, save_calibrations
from question_bank.items import Item
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement, Speciality
from question_bank.store import publish_items

ONE = Calibrated(ItemId("f000"), 1, 1.2, -0.3, 0.1, None, 250, "Анализ весны 2026")


async def test_the_newest_comes_first_and_the_bank_has_changed(
    database: Database,
    bank: list[Item],
    catalogue: tuple[tuple[Speciality, ...], tuple[Requirement, ...]],
    clock: ManualClock,
) -> None:
    async with database.transaction() as connection:
        await save_requirements(connection, *catalogue)
        await publish_items(connection, bank, clock.now())
        before = await fetch_one(connection, "SELECT revision FROM question_bank.speciality WHERE code = 'S1'")
        await save_calibrations(connection, [ONE], 5)
        await save_calibrations(connection, [replace(ONE, b=0.4)], 6)
        await save_calibrations(connection, [replace(ONE, b=0.5)], 6)
        after = await fetch_one(connection, "SELECT revision FROM question_bank.speciality WHERE code = 'S1'")
        assert await list_calibrations(connection, ONE.item) == [replace(ONE, b=0.5, at=6), replace(ONE, at=5)]
    assert before is not None
    assert after is not None
    assert after["revision"] == before["revision"] + 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"a": 0.0}, "calibration_invalid"),
        ({"a": float("nan")}, "calibration_invalid"),
        ({"b": 12.5}, "calibration_invalid"),
        ({"b_error": -0.1}, "calibration_invalid"),
        ({"a_error": float("nan")}, "calibration_invalid"),
        ({"sample": 0}, "calibration_invalid"),
        ({"source": " "}, "calibration_invalid"),
        ({"item": ItemId("strange")}, "item_unknown"),
        ({"version": 2}, "item_unknown"),
    ],
)
async def test_what_is_no_calibration_is_refused(database: Database, change: dict[str, object], code: str) -> None:
    async with database.transaction() as connection:
        with pytest.raises(Invalid, match=code):
            await save_calibrations(connection, [replace(ONE, **change)], 5)
