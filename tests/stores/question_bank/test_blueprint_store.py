"""Blueprints kept by version."""

import pytest
from msgspec.structs import replace

from core.clock import ManualClock
from core.database import Database
from core.errors import Conflict, Invalid, NotFound
from core.ids import BlueprintId
from core.moments import HOUR
from question_bank.blueprint_store import list_blueprints, load_blueprint, save_blueprint
from question_bank.blueprints import Blueprint, Cell

PLAN = Blueprint(
    id=BlueprintId("b1"),
    version=1,
    title="Пробное тестирование",
    speciality="S1",
    speciality_title="Лечебное дело",
    cells=(Cell("R1", "four_option", 5), Cell(None, "case", 2, weight=3)),
    exam_limit=HOUR,
    navigation="free",
    on_item_timeout="finish",
    flags=True,
    confirmation="automatic",
    cut=85,
    accreditation="primary_specialised",
    practice=True,
)


async def test_versions_are_kept_and_the_latest_is_loaded(catalogued: Database, clock: ManualClock) -> None:
    later = replace(PLAN, version=2, cut=70)
    other = replace(PLAN, id=BlueprintId("b2"), speciality="S2", title="Другое")
    async with catalogued.transaction() as connection:
        for blueprint in (PLAN, later, other, PLAN):
            await save_blueprint(connection, blueprint, clock.now())
        assert await load_blueprint(connection, PLAN.id) == later
        assert await load_blueprint(connection, PLAN.id, 1) == PLAN
        assert await list_blueprints(connection) == [later, other]
        assert await list_blueprints(connection, "S2") == [other]
        with pytest.raises(NotFound, match="blueprint_unknown"):
            await load_blueprint(connection, PLAN.id, 3)
        with pytest.raises(NotFound, match="blueprint_unknown"):
            await load_blueprint(connection, BlueprintId("b9"))
        with pytest.raises(Conflict, match="version_exists"):
            await save_blueprint(connection, replace(PLAN, cut=1), clock.now())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"speciality": "S9"}, "speciality"),
        ({"cells": (Cell("R1", "case", 1), Cell("R7", "case", 1))}, "cells.1.requirement"),
        ({"speciality": "S2", "cells": (Cell("R2", "case", 1),)}, "cells.0.requirement"),
        ({"cut": 0}, "cut"),
    ],
)
async def test_what_the_bank_does_not_know_is_refused(
    catalogued: Database, clock: ManualClock, change: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        async with catalogued.transaction() as connection:
            await save_blueprint(connection, replace(PLAN, **change), clock.now())
    assert set(refusal.value.fields) == {field}
