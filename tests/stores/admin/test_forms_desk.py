"""Fixed forms through the pages: searched for, followed, judged, given to a window; and the exposure report."""

import asyncio
import re

import msgspec
import pytest

from admin import exposure_desk, forms_desk
from admin.blueprint_pools import DraftPools
from core.access import Principal, Role
from core.database import execute, fetch_all
from core.errors import NotFound
from core.ids import BlueprintId
from core.moments import SECOND
from exam_server.scheduling import load_window
from question_bank.blueprint_store import load_blueprint, save_blueprint
from question_bank.blueprints import Cell
from question_bank.fixed_form_store import load_build
from tests.stores.admin.school import ITEMS, School

FORMS = "/staff/blueprints/exam/forms"
PATIENCE = 60


@pytest.fixture
def methodologist(school: School) -> Principal:
    return school.staff[Role.METHODOLOGIST]


async def search(school: School, who: Principal, **typed: str) -> int:
    """Begin a search and wait for its end; its number."""
    answer = await school.post(who, FORMS, **{"count": "2", "overlap": "0", "seconds": "10", **typed})
    assert answer.status_code == 303, answer.text
    number = int(answer.headers["location"].rpartition("/")[2])
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == f"build-{number}"))
    async with school.database.transaction() as connection:
        assert (await load_build(connection, number)).state != "running"
    return number


async def test_forms_are_found_judged_and_given_to_a_window(school: School, methodologist: Principal) -> None:
    number = await search(school, methodologist)
    page = (await school.get(methodologist, f"{FORMS}/{number}")).text
    assert "Готово" in page
    assert page.count("<polyline") == 4
    assert f"всего {ITEMS}" in page
    listed = (await school.get(school.staff[Role.OPERATOR], FORMS)).text
    assert f"Подбор {number}" in listed
    assert 'name="seconds"' not in listed

    async with school.database.transaction() as connection:
        first, second = await forms_desk.list_choices(connection, BlueprintId("exam"), 1)
        assert await forms_desk.list_choices(connection, BlueprintId("exam"), 2) == []
    assert (first.number, second.number, first.build) == (1, 2, number)
    planner = school.staff[Role.COMMISSION_SECRETARY]
    window = f"/staff/windows/{school.window}"
    assert first.short in (await school.get(planner, window)).text
    assert (await school.post(planner, f"{window}/form", form=first.digest)).status_code == 303
    assert re.search(f'value="{first.digest}" selected', (await school.get(planner, window)).text)
    one, other = [await school.admit(await school.hire(f"c{n}", Role.CANDIDATE)) for n in range(2)]
    async with school.database.transaction() as connection:
        rows = await fetch_all(connection, "SELECT sitting_id, items FROM exam_server.form")
        assert (await load_window(connection, school.window)).fixed_form == first.digest
        posted = await fetch_all(connection, "SELECT * FROM core.outbox")
    drawn = {row["sitting_id"]: frozenset(row["items"]) for row in rows}
    assert drawn[one] == drawn[other]
    assert [row for row in posted if "planning.form_given" in str(dict(row))]

    assert (await school.post(planner, f"{window}/form", form="")).status_code == 303
    async with school.database.transaction() as connection:
        assert (await load_window(connection, school.window)).fixed_form is None
    assert (await school.post(planner, f"{window}/form", form="0" * 64)).status_code == 404
    assert (await school.post(planner, f"{window}/form", form="\x00x")).status_code == 404


async def test_what_cannot_be_searched_for_is_told(school: School, methodologist: Principal) -> None:
    for typed, field in (
        ({"count": "0"}, "Наборов — от 1"),
        ({"count": "1e9"}, "Наборов — от 1"),
        ({"overlap": "-1"}, "Общих заданий — от 0"),
        ({"overlap": "99"}, "Общих заданий — от 0"),
        ({"seconds": "999999"}, "Время поиска — от 1"),
        ({"seconds": ""}, "Время поиска — от 1"),
    ):
        answer = await school.post(methodologist, FORMS, **{"count": "2", "overlap": "0", "seconds": "5", **typed})
        assert answer.status_code == 422, typed
        assert field in answer.text.replace("\u00a0", " "), typed
    number = await search(school, methodologist, count="3")
    page = (await school.get(methodologist, f"{FORMS}/{number}")).text
    assert "Не удалось" in page
    assert "не хватает" in page
    assert (await school.get(methodologist, "/staff/blueprints/other/forms")).status_code == 404
    assert (await school.get(methodologist, f"/staff/blueprints/other/forms/{number}")).status_code == 404
    assert (await school.get(methodologist, f"{FORMS}/999")).status_code == 404
    assert (await school.post(methodologist, f"{FORMS}/999/stop")).status_code == 404


async def test_a_search_is_followed_stopped_and_missed_when_its_process_is_gone(
    school: School, methodologist: Principal
) -> None:
    number = await search(school, methodologist)
    async with school.database.transaction() as connection:
        await execute(connection, "UPDATE question_bank.form_build SET state = 'running', report = NULL")
    running = (await school.get(methodologist, f"{FORMS}/{number}")).text
    assert f'hx-get="{FORMS}/{number}/state"' in running
    assert (await school.post(methodologist, f"{FORMS}/{number}/stop")).status_code == 303
    async with school.database.transaction() as connection:
        (row,) = await fetch_all(connection, "SELECT stop_asked FROM question_bank.form_build")
    assert row["stop_asked"]
    school.clock.advance(forms_desk.LONGEST_SILENCE + SECOND)
    gone = (await school.get(methodologist, f"{FORMS}/{number}/state")).text
    assert "Прервано" in gone
    assert "hx-get" not in gone


async def test_the_exposure_report_counts_what_was_drawn_and_seen(school: School, methodologist: Principal) -> None:
    empty = (await school.get(methodologist, "/staff/exposure")).text
    assert "Наборов ещё не было" in empty
    await school.finish(await school.hire("one", Role.CANDIDATE))
    await school.admit(await school.hire("two", Role.CANDIDATE))
    async with school.database.transaction() as connection:
        sheet = await exposure_desk.open_exposure(connection, DraftPools(), BlueprintId("exam"), 1, school.clock.now())
    assert (sheet.page.forms, sheet.health.items) == (2, 2 * ITEMS)
    assert sum(row.drawn for row in sheet.page.rows) == 2 * ITEMS
    assert sum(bar.items for bar in sheet.histogram.bars) == 2 * ITEMS
    assert sheet.histogram.bars[0].items == sheet.health.never_used
    page = await school.get(methodologist, "/staff/exposure?blueprint=exam&page=1")
    assert page.status_code == 200
    assert sheet.page.rows[0].item in page.text
    assert (await school.get(methodologist, "/staff/exposure?blueprint=none")).status_code == 404


async def test_what_is_above_the_cap_is_told(school: School, methodologist: Principal) -> None:
    async with school.database.transaction() as connection:
        exam = await load_blueprint(connection, BlueprintId("exam"))
        capped = msgspec.structs.replace(exam, version=2, exposure_cap=0.4, cells=(Cell("ОТ-1", "four_option", ITEMS),))
        await save_blueprint(connection, capped, school.clock.now())
    await school.admit(await school.hire("one", Role.CANDIDATE))
    page = (await school.get(methodologist, "/staff/exposure?blueprint=exam")).text.replace("\u00a0", " ")
    assert page.count("больше предела") == ITEMS
    assert "histogram__bar--over" in page
    async with school.database.transaction() as connection:
        with pytest.raises(NotFound):
            await exposure_desk.open_exposure(connection, DraftPools(), BlueprintId("x"), 1, school.clock.now())
