"""The catalogue."""

import pytest
from sqlalchemy.exc import IntegrityError

from core.database import Database
from question_bank.requirement_store import (
    count_holdings,
    list_requirements,
    list_specialities,
    save_requirements,
)
from question_bank.requirements import Requirement, Speciality

Catalogue = tuple[tuple[Speciality, ...], tuple[Requirement, ...]]


async def test_it_is_kept_and_mended(database: Database, catalogue: Catalogue) -> None:
    specialities, requirements = catalogue
    async with database.transaction() as connection:
        await save_requirements(connection, specialities, requirements)
        await save_requirements(connection, specialities, requirements)
        assert await list_specialities(connection) == list(specialities)
        assert await list_requirements(connection) == list(requirements)
        assert await list_requirements(connection, "S2") == [requirements[2]]
        mended = Requirement("R1", "S2", "Неонатология и уход")
        await save_requirements(connection, [Speciality("S2", "Детство")], [mended])
        assert await list_requirements(connection, "S2") == [mended]
        assert (await list_specialities(connection))[1].title == "Детство"
        assert await count_holdings(connection) == {}


async def test_a_requirement_belongs_to_a_known_speciality(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.transaction() as connection:
            await save_requirements(connection, [], [Requirement("R1", "S9", "Нет")])
