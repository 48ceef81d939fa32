"""The list of the bank as a methodologist reads it: by how often items were drawn too, and so for all that follows."""

import re

import pytest
from msgspec.structs import replace

from core.access import Principal, Role
from core.ids import BlueprintId
from exam_server.exposure import Exposure, count_drawn, count_uses
from question_bank.blueprint_store import load_blueprint, save_blueprint
from tests.stores.admin.school import ITEMS, School


@pytest.fixture
def methodologist(school: School) -> Principal:
    return school.staff[Role.METHODOLOGIST]


async def listed(school: School, reader: Principal, **query: str) -> list[str]:
    page = await school.get(reader, "/staff/bank", params=query)
    assert page.status_code == 200
    return re.findall(r'href="/staff/bank/(ld-\d+)"', page.text)


async def test_items_are_listed_by_how_often_they_were_drawn(school: School, methodologist: Principal) -> None:
    everything = await listed(school, methodologist)
    assert await listed(school, methodologist, exposed="never") == everything
    assert await listed(school, methodologist, exposed="ever") == []
    await school.finish(await school.hire("k1", Role.CANDIDATE))
    async with school.database.transaction() as connection:
        drawn = sorted(await count_uses(connection, BlueprintId("exam")))
    assert len(drawn) == ITEMS < len(everything)
    for counted in (False, True):
        if counted:
            assert await Exposure(school.database, school.clock).sweep() == 1
        assert await listed(school, methodologist, exposed="ever") == drawn
        assert await listed(school, methodologist, exposed="never") == [one for one in everything if one not in drawn]
        page = await school.get(methodologist, "/staff/bank")
        assert page.text.count("в 1 тестировании") == ITEMS
    assert await listed(school, methodologist, exposed="over") == [], "no exam has a cap"
    async with school.database.transaction() as connection:
        exam = await load_blueprint(connection, BlueprintId("exam"))
        await save_blueprint(connection, replace(exam, version=2, exposure_cap=0.9), school.clock.now())
    assert await listed(school, methodologist, exposed="over") == drawn
    english = await school.get(methodologist, "/staff/bank", headers={"accept-language": "en"})
    assert english.text.count("in 1 exam<") == ITEMS


async def test_what_is_done_with_all_that_were_found_keeps_to_the_filter(
    school: School, methodologist: Principal
) -> None:
    await school.finish(await school.hire("k1", Role.CANDIDATE))
    asked = "exposed=never"
    foreseen = await school.post(methodologist, "/staff/bank/bulk", act="retire", all="yes", asked=asked)
    assert foreseen.status_code == 200
    async with school.database.transaction() as connection:
        drawn = list(await count_uses(connection, BlueprintId("exam")))
        assert await count_drawn(connection, drawn) == dict.fromkeys(drawn, 1)
    named = set(re.findall(r"ld-\d+(?=:1)", foreseen.text))
    assert len(named) == ITEMS
    assert named.isdisjoint(drawn)
    away = await school.get(methodologist, f"/staff/bank/export?{asked}")
    assert "Ни разу" in away.text


async def test_an_unknown_speciality_is_any(school: School, methodologist: Principal) -> None:
    assert await listed(school, methodologist, speciality="99.99.99") == await listed(school, methodologist)
