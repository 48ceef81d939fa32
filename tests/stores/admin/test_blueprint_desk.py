"""Blueprints as staff read and write them, on a real bank and through the pages."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from admin import blueprint_desk, planning
from admin.blueprint_pools import DraftPools
from admin.planning import Plan
from core.access import Principal, Role
from core.database import fetch_all
from core.errors import Conflict, Invalid
from core.ids import BlueprintId, ItemId
from core.moments import DAY, to_datetime
from question_bank.blueprint_store import load_blueprint
from question_bank.blueprints import Blueprint, Cell
from question_bank.requirement_store import repeal_requirement
from question_bank.store import withdraw_item
from tests.stores.admin.school import ITEMS, School

EXAM = BlueprintId("exam")


async def exam_of(school: School) -> Blueprint:
    async with school.database.transaction() as connection:
        return await load_blueprint(connection, EXAM)


def with_count(blueprint: Blueprint, count: int) -> Blueprint:
    return msgspec.structs.replace(blueprint, cells=(Cell("ОТ-1", "four_option", count),))


async def send(school: School, who: Principal, name: str, content: Any, query: str = "") -> httpx.Response:
    """What the editor's page sends."""
    data = content if isinstance(content, bytes) else msgspec.json.encode(content)
    headers = {
        "origin": "http://exam.test",
        "x-csrf-token": school.csrf(who),
        "content-type": "application/json",
        "accept": "application/json",
    }
    async with school.client(who) as client:
        return await client.post(f"/staff/blueprints/{name}{query}", content=data, headers=headers)


@pytest.fixture
def methodologist(school: School) -> Principal:
    return school.staff[Role.METHODOLOGIST]


async def test_the_list_says_what_the_bank_lacks(school: School, methodologist: Principal) -> None:
    async with school.database.transaction() as connection:
        (row,) = await blueprint_desk.list_rows(connection)
        assert (row.blueprint.id, row.missing) == (EXAM, 0)
        for number in range(ITEMS + 1):
            await withdraw_item(connection, ItemId(f"ld-{number:03}"))
        (row,) = await blueprint_desk.list_rows(connection)
        assert row.missing == 1
    assert "не хватает: 1" in (await school.get(school.staff[Role.OPERATOR], "/staff/blueprints")).text


async def test_a_blueprint_stands_with_supply_versions_and_what_changed(
    school: School, methodologist: Principal
) -> None:
    exam = await exam_of(school)
    async with school.database.transaction() as connection:
        await blueprint_desk.save_draft(
            connection, msgspec.structs.replace(with_count(exam, 3), cut=70), methodologist, school.clock.now()
        )
    page = await school.get(methodologist, "/staff/blueprints/exam")
    assert page.status_code == 200
    assert f"3 / {2 * ITEMS}" in page.text
    assert "Последняя версия 2" in page.text
    old = await school.get(school.staff[Role.OPERATOR], "/staff/blueprints/exam?version=1")
    assert "Прежняя версия 1" in old.text
    assert "/edit" not in old.text
    changed = (await school.get(methodologist, "/staff/blueprints/exam?version=2&from=1")).text
    assert "<del>4</del>" in changed
    assert "<ins>3</ins>" in changed
    assert "Порог прохождения" in changed
    for query in ("?version=3", "?version=x", "?from=9", f"?version={2**31}"):
        assert (await school.get(methodologist, f"/staff/blueprints/exam{query}")).status_code == 404
    assert (await school.get(methodologist, "/staff/blueprints/none")).status_code == 404


async def test_a_draft_is_weighed_as_it_is_typed(school: School, methodologist: Principal) -> None:
    exam = await exam_of(school)
    answer = await send(school, methodologist, "check", with_count(exam, 2 * ITEMS + 1))
    said = answer.json()
    assert (answer.status_code, said["fillable"], said["fields"]) == (200, False, {})
    assert said["cells"][0]["missing"] == 1
    assert said["cells"][0]["remedies"] == [{"way": "fewer", "count": 2 * ITEMS}]
    assert sum(line[-1] for line in said["supply"]) == 2 * ITEMS
    narrow = msgspec.structs.replace(exam, cells=(Cell("ОТ-1", "four_option", 2 * ITEMS, level="analysis"),))
    wider = (await send(school, methodologist, "check", narrow)).json()["cells"][0]["remedies"]
    assert wider[1:] == [{"way": "level", "count": 2 * ITEMS}]
    again = (await send(school, methodologist, "check", with_count(exam, 3), f"?known={said['mark']}")).json()
    assert (again["fillable"], again["supply"]) == (True, None)
    unnamed = await send(school, methodologist, "check", msgspec.structs.replace(exam, title="", version=0))
    assert (unnamed.status_code, list(unnamed.json()["fields"])) == (200, ["title"])


async def test_what_the_bank_loses_is_seen_at_the_next_key(school: School, methodologist: Principal) -> None:
    exam = await exam_of(school)
    first = (await send(school, methodologist, "check", exam)).json()
    async with school.database.transaction() as connection:
        await withdraw_item(connection, ItemId("ld-000"))
    second = (await send(school, methodologist, "check", exam)).json()
    assert (first["cells"][0]["have"], second["cells"][0]["have"]) == (2 * ITEMS, 2 * ITEMS - 1)
    async with school.database.transaction() as connection:
        await repeal_requirement(connection, "31.02.01", "ОТ-1", methodologist.id, "Приказ отменён", school.clock.now())
    third = (await send(school, methodologist, "check", exam)).json()
    assert (third["cells"][0]["have"], third["cells"][0]["why"]) == (0, "none")


HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "cells"),
    "no number": (b'"count":NaN', "cells"),
    "infinite": (b'"count":1e999', "cells.0.count"),
    "huge": (b'"count":999999999999999', "cells.0.count"),
    "negative": (b'"count":-3', "cells.0.count"),
    "text": (b'"count":"4"', "cells.0.count"),
    "unknown code": (b'"requirement":"\xd0\xa5-9","count":1', "cells.0.requirement"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_no_page_sends_is_refused_by_its_field(school: School, methodologist: Principal, name: str) -> None:
    data, field = HOSTILE[name]
    good = msgspec.json.encode(await exam_of(school))
    if data:
        whole = '"requirement":"ОТ-1","kind":"four_option","count":4'.encode()
        assert whole in good
        kept = b'"kind":"four_option",' + (data if b"requirement" in data else whole.split(b',"kind"')[0] + b"," + data)
        data = good.replace(whole, kept)
    for address in ("check", "save", "example"):
        answer = await send(school, methodologist, address, data)
        assert answer.status_code == 422, (address, answer.text)
        assert field in answer.json()["fields"], address


async def test_ten_megabytes_are_refused_too(school: School, methodologist: Principal) -> None:
    answer = await send(school, methodologist, "check", b'{"title":"' + b"x" * 10_000_000 + b'"}')
    assert (answer.status_code, answer.json()["code"]) == (422, "blueprint_unreadable")


async def test_a_draft_is_kept_as_the_next_version_and_written_down(school: School, methodologist: Principal) -> None:
    exam = await exam_of(school)
    answer = await send(school, methodologist, "save", msgspec.structs.replace(exam, title="Новое имя"))
    assert answer.json() == {"address": "/staff/blueprints/exam?done=blueprint"}
    kept = await exam_of(school)
    assert (kept.version, kept.title) == (2, "Новое имя")
    async with school.database.transaction() as connection:
        posted = await fetch_all(connection, "SELECT * FROM core.outbox")
        window = await planning.open_sheet(connection, school.window)
    assert [row for row in posted if "bank.blueprint_saved" in str(dict(row))]
    assert window.window.version == 1

    late = await send(school, methodologist, "save", msgspec.structs.replace(exam, title="Другое имя"))
    assert (late.status_code, late.json()["code"]) == (409, "blueprint_changed")
    same = await send(school, methodologist, "save", kept)
    assert (same.status_code, same.json()["code"]) == (409, "blueprint_same")
    taken = await send(school, methodologist, "save", msgspec.structs.replace(exam, version=0))
    assert (taken.status_code, taken.json()["code"]) == (409, "blueprint_exists")
    gone = await send(school, methodologist, "save", msgspec.structs.replace(exam, id=BlueprintId("no"), version=4))
    assert gone.status_code == 404
    empty = await send(school, methodologist, "save", msgspec.structs.replace(exam, title="", exam_limit=0))
    assert (empty.status_code, set(empty.json()["fields"])) == (422, {"title", "exam_limit"})


async def test_of_two_who_save_at_once_one_is_told(school: School, methodologist: Principal) -> None:
    exam = await exam_of(school)
    answers = await asyncio.gather(
        *(send(school, methodologist, "save", msgspec.structs.replace(exam, title=f"Имя {n}")) for n in range(4))
    )
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    assert (await exam_of(school)).version == 2


async def test_no_window_opens_with_what_cannot_be_filled(school: School, methodologist: Principal) -> None:
    exam = await exam_of(school)
    answer = await send(school, methodologist, "save", with_count(exam, 2 * ITEMS + 1))
    assert answer.status_code == 200
    assert "Набор собрать нельзя" in (await school.get(methodologist, "/staff/blueprints/exam")).text
    tomorrow = f"{to_datetime(school.clock.now() + DAY):%Y-%m-%d}"
    wanted = Plan("exam", tomorrow, "09:00", "8", "30", "")
    async with school.database.transaction() as connection:
        with pytest.raises(Invalid) as refused:
            await planning.plan_window(connection, wanted, methodologist, school.pools, school.clock.now())
    assert list(refused.value.fields) == ["blueprint"]
    assert "набор не собрать" in refused.value.fields["blueprint"]


async def test_three_example_forms_are_drawn(school: School, methodologist: Principal) -> None:
    exam = await exam_of(school)
    for who in (methodologist, school.staff[Role.OPERATOR]):
        drawn = (await send(school, who, "example", exam)).json()
        assert len(drawn["forms"]) == 3
        assert [drawn["shared"][place][place] for place in range(3)] == [ITEMS] * 3
    refused = await send(school, methodologist, "example", with_count(exam, 100))
    assert (refused.status_code, refused.json()["code"]) == (409, "blueprint_unfillable")


async def test_a_new_one_begins_with_its_speciality(school: School, methodologist: Principal) -> None:
    asked = (await school.get(methodologist, "/staff/blueprints/new")).text
    assert '<option value="31.02.01"' in asked
    page = await school.get(methodologist, "/staff/blueprints/new?speciality=31.02.01")
    assert page.status_code == 200
    assert "blueprint_edit.js" in page.text
    assert "requirements" in page.text
    fresh = msgspec.structs.replace(await exam_of(school), id=BlueprintId("fresh-1"), version=0, title="Новая")
    assert (await send(school, methodologist, "save", fresh)).status_code == 200
    assert (await school.get(methodologist, "/staff/blueprints/fresh-1")).status_code == 200


async def test_pools_of_drafts_are_kept_until_something_changes(school: School) -> None:
    exam = await exam_of(school)
    pools = DraftPools()
    async with school.database.transaction() as connection:
        mark, pool = await pools.pool(connection, exam)
        assert (await pools.pool(connection, with_count(exam, 1)))[1] is pool
        assert (await pools.pool(connection, msgspec.structs.replace(exam, cut=50)))[1] is not pool
        await withdraw_item(connection, ItemId("ld-000"))
        other, _ = await pools.pool(connection, exam)
    assert other != mark


async def test_a_conflict_is_no_fault_of_the_database(school: School, methodologist: Principal) -> None:
    exam = await exam_of(school)
    async with school.database.transaction() as connection:
        await blueprint_desk.save_draft(connection, with_count(exam, 2), methodologist, school.clock.now())
        with pytest.raises(Conflict):
            await blueprint_desk.save_draft(connection, with_count(exam, 1), methodologist, school.clock.now())
