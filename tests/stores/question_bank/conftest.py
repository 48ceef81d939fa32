"""A small bank: two specialities, three requirements, items of every shape."""

from pathlib import Path

import pytest

from core.blobs import Blobs
from core.clock import ManualClock
from core.database import Database
from core.ids import ItemId
from core.moments import MINUTE
from question_bank.items import Item, Role, make_stage
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement, Speciality
from question_bank.store import publish_items
from tests.stores.question_bank.house import House

SPECIALITIES = (Speciality("S1", "Лечебное дело"), Speciality("S2", "Педиатрия"))
REQUIREMENTS = (
    Requirement("R1", "S1", "Неотложная помощь"),
    Requirement("R2", "S1", "Хирургия"),
    Requirement("R1", "S2", "Неонатология"),
)


def four_option(number: int, *, speciality: str = "S1", requirement: str = "R1", version: int = 1) -> Item:
    id = ItemId(f"f{number:03}")
    options = tuple(
        (f"Вариант {letter} задания {number}", Role.KEY if place == number % 4 else Role.DISTRACTOR)
        for place, letter in enumerate("абвг")
    )
    return Item(
        id,
        version,
        speciality,
        requirement,
        "recall",
        0.5 + number % 40 / 100,
        MINUTE,
        f"Вопрос {number} о лечении пневмонии?",
        (make_stage(id, version, 0, "choice", options),),
        f"Пояснение {number}.",
    )


def case(number: int) -> Item:
    id = ItemId(f"c{number:03}")
    actions = (
        ("Вызвать бригаду", Role.REQUIRED),
        ("Снять электрокардиограмму", Role.REQUIRED),
        ("Взвесить пациента", Role.NEUTRAL),
        ("Отпустить домой", Role.HARMFUL),
    )
    options = (
        ("Инфаркт миокарда", Role.KEY),
        ("Стенокардия", Role.DISTRACTOR),
        ("Плеврит", Role.DISTRACTOR),
        ("Остеохондроз", Role.DISTRACTOR),
    )
    stages = (
        make_stage(id, 1, 0, "actions", actions, prompt="Что сделать?", ordered=True),
        make_stage(id, 1, 1, "choice", options, prompt="Диагноз?", reveal="Подъём ST.", weight=2),
    )
    return Item(id, 1, "S1", "R2", "analysis", 0.6, 8 * MINUTE, "Больной Ёлкин, 60 лет.", stages, "Потому.")


@pytest.fixture
def bank() -> list[Item]:
    """20 items of S1/R1, 10 of S1/R2, 5 of S2/R1, 3 cases of S1/R2."""
    return [
        *(four_option(number) for number in range(20)),
        *(four_option(number, requirement="R2") for number in range(20, 30)),
        *(four_option(number, speciality="S2") for number in range(30, 35)),
        *(case(number) for number in range(3)),
    ]


@pytest.fixture
def catalogue() -> tuple[tuple[Speciality, ...], tuple[Requirement, ...]]:
    return SPECIALITIES, REQUIREMENTS


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs.in_folder(tmp_path / "blobs", {"k": bytes(32)})


@pytest.fixture
async def catalogued(database: Database, catalogue: tuple[tuple[Speciality, ...], tuple[Requirement, ...]]) -> Database:
    async with database.transaction() as connection:
        await save_requirements(connection, *catalogue)
    return database


@pytest.fixture
async def filled(catalogued: Database, bank: list[Item], clock: ManualClock) -> Database:
    async with catalogued.transaction() as connection:
        assert await publish_items(connection, bank, clock.now()) == len(bank)
    return catalogued


@pytest.fixture
def house(catalogued: Database, blobs: Blobs, clock: ManualClock, tmp_path: Path) -> House:
    return House(catalogued, blobs, clock, tmp_path)
