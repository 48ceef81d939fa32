"""Exams that the demo does not have: one in a hurry, two in sections; and the demo's without its simple cases."""

import msgspec

from app.demo.bank_files import read_bank
from app.demo.seed import GENERAL_MEDICINE
from core.clock import SystemClock
from core.database import Database
from core.ids import BlueprintId
from core.moments import HOUR, MINUTE, SECOND
from exam_server.scheduling import open_window
from question_bank.blueprint_store import save_blueprint
from question_bank.blueprints import Blueprint, Cell, Section
from question_bank.store import publish_items, withdraw_item

HURRIED = BlueprintId("hurried-3")
SECTIONED = BlueprintId("sectioned-5")
LINEAR = BlueprintId("linear-3")
REQUIREMENT = "ЛД-01"
SECTION_REQUIREMENTS = ("ЛД-02", "ЛД-03")
LIMIT = 6 * SECOND
LATER = 9
"""A version that no item of the demo has yet."""


async def plan_hurried_exam(database: Database) -> None:
    """Three items with six seconds for each, in a window that is open."""
    items = [
        msgspec.structs.replace(item, version=LATER, limit=LIMIT)
        for item in read_bank().items
        if (item.speciality, item.requirement, item.kind) == (GENERAL_MEDICINE, REQUIREMENT, "four_option")
    ]
    async with database.transaction() as connection:
        await publish_items(connection, items, SystemClock().now())
    await plan(database, make_blueprint(HURRIED, "Три задания", (Cell(REQUIREMENT, "four_option", 3),)))


async def plan_sectioned_exam(database: Database) -> None:
    """Three items, then two with a limit of their own, and one break of five minutes."""
    blueprint = msgspec.structs.replace(
        make_blueprint(
            SECTIONED,
            "Экзамен из двух разделов",
            (
                Cell(SECTION_REQUIREMENTS[0], "four_option", 3),
                Cell(SECTION_REQUIREMENTS[1], "four_option", 2, section=1),
            ),
        ),
        sections=(Section("Терапия"), Section("Неотложная помощь", 5 * MINUTE)),
        breaks=1,
        break_limit=5 * MINUTE,
        exam_limit=20 * MINUTE,
    )
    await plan(database, blueprint)


async def plan_linear_exam(database: Database) -> None:
    """Two sections in which nobody goes back: two items, then one."""
    cells = tuple(
        Cell(SECTION_REQUIREMENTS[0], "four_option", count, section=place) for place, count in enumerate((2, 1))
    )
    blueprint = msgspec.structs.replace(
        make_blueprint(LINEAR, "Экзамен по порядку", cells),
        sections=(Section("Терапия"), Section("Неотложная помощь")),
        navigation="linear",
        flags=False,
    )
    await plan(database, blueprint)


async def withdraw_simple_cases(url: str) -> None:
    """Leave only cases that unfold in stages, so that every form has some. Before forms are drawn."""
    database = Database(url, pool_size=1)
    try:
        async with database.transaction() as connection:
            for item in read_bank().items:
                if item.speciality == GENERAL_MEDICINE and item.kind == "case" and len(item.stages) == 1:
                    await withdraw_item(connection, item.id)
    finally:
        await database.close()


def make_blueprint(id: BlueprintId, title: str, cells: tuple[Cell, ...]) -> Blueprint:
    return Blueprint(
        id=id,
        version=1,
        title=title,
        speciality=GENERAL_MEDICINE,
        speciality_title="Лечебное дело",
        cells=cells,
        exam_limit=10 * MINUTE,
        navigation="free",
        on_item_timeout="advance",
        flags=True,
        confirmation="automatic",
        cut=85,
        accreditation="primary",
        practice=False,
    )


async def plan(database: Database, blueprint: Blueprint) -> None:
    """A window that is open."""
    now = SystemClock().now()
    async with database.transaction() as connection:
        await save_blueprint(connection, blueprint, now)
        await open_window(connection, blueprint, now - HOUR, now + 24 * HOUR, 10, "")
