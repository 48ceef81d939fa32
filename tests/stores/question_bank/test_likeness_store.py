"""Items that are like a draft are found in the bank: by words, not by ids; versions that are over do not count."""

from msgspec.structs import replace

from core.database import Database
from core.ids import ItemId, PersonId
from question_bank.drafts import Draft, draft_of
from question_bank.items import Item, Role, make_stage
from question_bank.likeness_store import find_alike
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement, Speciality
from question_bank.store import publish_items, withdraw_item
from question_bank.version_store import save_version

NAMES = ("пневмония", "плеврит", "бронхит", "бронхиальная астма", "туберкулёз лёгких", "эмфизема")


def item(number: int, stem: str, *options: str) -> Item:
    id = ItemId(f"q{number}")
    choices = tuple((text, Role.DISTRACTOR if place else Role.KEY) for place, text in enumerate(options or NAMES[:4]))
    return Item(
        id, 1, "S1", "R1", "recall", 0.5, 60_000, stem, (make_stage(id, 1, 0, "choice", choices),), "Пояснение."
    )


PNEUMONIA = "У больного внезапно повысилась температура, появились кашель с ржавой мокротой и боль в боку. Диагноз?"
POTASSIUM = "Нормальное содержание калия в плазме крови взрослого составляет, ммоль/л"


async def test_the_likest_come_first_and_the_item_itself_is_left_out(
    database: Database, catalogue: tuple[tuple[Speciality, ...], tuple[Requirement, ...]]
) -> None:
    first = item(1, PNEUMONIA)
    second = item(2, PNEUMONIA.replace("внезапно", "вчера"))
    third = item(3, POTASSIUM, "3,5–5,1", "1,5–2,0", "6,5–7,0", "8,1–9,0")
    changed = replace(first, id=ItemId("q4"), stem=PNEUMONIA.upper(), stages=(shuffled(first),))
    async with database.transaction() as connection:
        await save_requirements(connection, *catalogue)
        await publish_items(connection, [first, second, third, changed], 1)
        found = await find_alike(connection, draft_of(first), 5, besides=first.id)
        assert [one.item for one in found] == ["q4", "q2"]
        assert found[0].likeness == 1
        assert 0.7 < found[1].likeness < 1
        assert (found[1].version, found[1].state, found[1].withdrawn, found[1].stem) == (
            1,
            "active",
            False,
            second.stem,
        )
        assert [one.item for one in await find_alike(connection, draft_of(first), 1)] == ["q1"]
        assert await find_alike(connection, draft_of(third), 5, besides=third.id) == []
        assert await find_alike(connection, Draft("", ()), 5) == []


async def test_a_version_that_is_over_does_not_count(
    database: Database, catalogue: tuple[tuple[Speciality, ...], tuple[Requirement, ...]]
) -> None:
    before = item(1, PNEUMONIA)
    async with database.transaction() as connection:
        await save_requirements(connection, *catalogue)
        await publish_items(connection, [before], 1)
        await publish_items(connection, [replace(item(1, POTASSIUM), version=2)], 2)
        assert await find_alike(connection, draft_of(before), 5) == []
        await save_version(connection, before.id, 2, draft_of(before), PersonId(1), 3)
        (found,) = await find_alike(connection, draft_of(before), 5)
        assert (found.version, found.state, found.likeness) == (3, "draft", 1)
        await withdraw_item(connection, before.id)
        (found,) = await find_alike(connection, draft_of(before), 5)
        assert found.withdrawn


def shuffled(one: Item) -> object:
    stage = one.stages[0]
    return replace(stage, choices=stage.choices[::-1])
