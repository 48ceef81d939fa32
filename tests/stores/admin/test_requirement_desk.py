"""The catalogue of requirements: what each has, lists taken in, repeals foreseen and done, items moved on."""

import pytest

from admin import requirement_desk as desk
from core.access import Principal, Role
from core.errors import Conflict, Invalid, NotFound
from core.ids import BlueprintId, ItemId
from core.moments import HOUR
from question_bank.blueprint_store import load_blueprint
from question_bank.drafts import draft_of
from question_bank.pool_store import load_pool
from question_bank.requirement_store import Holding, count_holdings, list_requirements, load_requirement
from question_bank.requirements import Requirement
from question_bank.store import load_items
from question_bank.version_store import list_steps, save_version
from tests.stores.admin.school import ITEMS, School

SPECIALITY, CODE = "31.02.01", "ОТ-1"
ONE = {"speciality": SPECIALITY, "code": CODE}


@pytest.fixture
def methodologist(school: School) -> Principal:
    return school.staff[Role.METHODOLOGIST]


async def test_the_catalogue_tells_what_each_requirement_has(school: School, methodologist: Principal) -> None:
    async with school.database.transaction() as connection:
        (old,) = (await load_items(connection, [(ItemId("ld-001"), 1)])).values()
        await save_version(connection, ItemId("n1"), 0, draft_of(old), methodologist.id, 1)
        held = await count_holdings(connection)
        assert held == {(SPECIALITY, CODE): Holding(2 * ITEMS, working=1)}
        assert await count_holdings(connection, "x") == {}
        all_of_it = await desk.open_catalogue(connection, None, "")
        assert [(one.speciality.code, one.requirements) for one in all_of_it.stands] == [(SPECIALITY, 1)]
        assert all_of_it.stands[0].holding == held[SPECIALITY, CODE]
        for words in ("неотлож", "ОТ-1", "от помощь"):
            found = await desk.open_catalogue(connection, None, words)
            assert [row.requirement.code for _, rows in found.sections for row in rows] == [CODE], words
        assert (await desk.open_catalogue(connection, SPECIALITY, "ничего")).sections == ()


async def test_specialities_and_requirements_are_added_once(school: School, methodologist: Principal) -> None:
    answer = await school.post(methodologist, "/staff/requirements/speciality", code=" 31.08.01 ", title="Хирургия")
    assert answer.status_code == 303
    for fields in ({"code": "31.08.01", "title": "Снова"}, {"code": "", "title": ""}, {"code": "x" * 99, "title": "t"}):
        assert (await school.post(methodologist, "/staff/requirements/speciality", **fields)).status_code in (409, 422)
    place = {"speciality": "31.08.01"}
    for title, status in (("", 422), ("т" * 201, 422), ("Хирургия  и травматология", 303)):
        answer = await school.post(methodologist, "/staff/requirements/speciality/title", **place, title=title)
        assert answer.status_code == status
    unknown = await school.post(methodologist, "/staff/requirements/speciality/title", speciality="x", title="Т")
    assert unknown.status_code == 404
    shown = await school.get(methodologist, answer.headers["location"])
    assert "<h1>Хирургия и травматология</h1>" in shown.text
    assert "Название специальности изменено." in shown.text
    assert len(await school.journaled("bank.speciality_saved")) == 2
    new = {"speciality": "31.08.01", "code": "A/01.7", "title": "Осмотр", "section": "Врач"}
    assert (await school.post(methodologist, "/staff/requirements/add", **new)).status_code == 303
    for changes, status in (({}, 409), ({"code": ""}, 422), ({"speciality": "x"}, 422), ({"title": "т" * 600}, 422)):
        refused = await school.post(methodologist, "/staff/requirements/add", **(new | changes))
        assert refused.status_code == status
    renamed = await school.post(methodologist, "/staff/requirements/one", **(new | {"title": "Осмотр и опрос"}))
    assert renamed.status_code == 303
    async with school.database.transaction() as connection:
        requirement, _ = await load_requirement(connection, "31.08.01", "A/01.7")
    assert requirement == Requirement("A/01.7", "31.08.01", "Осмотр и опрос", "Врач")
    page = await school.get(
        methodologist, "/staff/requirements/one", params={"speciality": "31.08.01", "code": "A/01.7"}
    )
    assert page.status_code == 200
    assert "Заданий нет" in page.text
    assert (await school.get(methodologist, "/staff/requirements/one", params={"code": "x"})).status_code == 404


async def test_a_list_is_shown_first_and_taken_whole(school: School, methodologist: Principal) -> None:
    text = "ОТ-1;Неотложная помощь взрослым;Терапия\nОТ-2;Реанимация\n;без кода"
    shown = await school.post(methodologist, "/staff/requirements/list", speciality=SPECIALITY, text=text)
    assert shown.status_code == 200
    for told in ("Реанимация", "Неотложная помощь взрослым", "Нужны код и название."):
        assert told in shown.text
    async with school.database.transaction() as connection:
        assert len(await list_requirements(connection, SPECIALITY)) == 1
    taken = await school.post(methodologist, "/staff/requirements/list", speciality=SPECIALITY, text=text, sure="yes")
    assert taken.status_code == 303
    async with school.database.transaction() as connection:
        assert await list_requirements(connection, SPECIALITY) == [
            Requirement("ОТ-1", SPECIALITY, "Неотложная помощь взрослым", "Терапия"),
            Requirement("ОТ-2", SPECIALITY, "Реанимация"),
        ]
    nothing = await school.post(methodologist, "/staff/requirements/list", speciality=SPECIALITY, text=text, sure="yes")
    assert "Принимать нечего" in nothing.text
    wrong = await school.post(methodologist, "/staff/requirements/list", speciality="x", text=text)
    assert wrong.status_code == 422


async def test_a_repeal_is_foreseen_and_then_empties_the_pool(school: School, methodologist: Principal) -> None:
    reason = "Приказ 7"
    asked = await school.post(methodologist, "/staff/requirements/repeal", **ONE, reason=reason)
    assert asked.status_code == 200
    assert "Лечебное дело, экзамен" in asked.text
    assert f"не хватит заданий: {ITEMS}" in asked.text
    async with school.database.transaction() as connection:
        assert (await load_requirement(connection, SPECIALITY, CODE))[0].repealed_at is None
    done = await school.post(methodologist, "/staff/requirements/repeal", **ONE, reason=reason, sure="yes")
    assert done.status_code == 303
    async with school.database.transaction() as connection:
        requirement, told = await load_requirement(connection, SPECIALITY, CODE)
        assert (requirement.repealed_at, told) == (school.clock.now(), reason)
        assert len(await load_pool(connection, await load_blueprint(connection, BlueprintId("exam")))) == 0
        assert [step.what for step in await list_steps(connection, ItemId("ld-001"))] == ["repeal"]
    ((_, subject, fields),) = await school.journaled("bank.requirement_repealed")
    assert (subject, fields) == (f"requirement:{SPECIALITY}/{CODE}", {"reason": reason})
    page = await school.get(methodologist, "/staff/requirements/one", params=ONE)
    assert reason in page.text
    assert page.text.count('name="item"') == 2 * ITEMS
    assert (await school.get(methodologist, "/staff/requirements")).text.count("Отменено") == 0
    again = await school.post(methodologist, "/staff/requirements/repeal", **ONE, reason=reason, sure="yes")
    assert again.status_code == 409
    school.clock.advance(HOUR)
    assert (await school.post(methodologist, "/staff/requirements/restore", **ONE)).status_code == 303
    async with school.database.transaction() as connection:
        assert len(await load_pool(connection, await load_blueprint(connection, BlueprintId("exam")))) == 2 * ITEMS
    assert (await school.post(methodologist, "/staff/requirements/restore", **ONE)).status_code == 409


async def test_what_cannot_be_repealed_is_refused(school: School, methodologist: Principal) -> None:
    for reason in ("", "  ", "п" * 1_001):
        refused = await school.post(methodologist, "/staff/requirements/repeal", **ONE, reason=reason)
        assert refused.status_code == 422
    async with school.database.transaction() as connection:
        with pytest.raises(NotFound, match="requirement_unknown"):
            await desk.repeal(connection, SPECIALITY, "ОТ-9", "Приказ", methodologist, 1)
        with pytest.raises(Conflict, match="requirement_in_force"):
            await desk.restore(connection, SPECIALITY, CODE, methodologist, 1)
        with pytest.raises(Invalid, match="reason_missing"):
            await desk.repeal(connection, SPECIALITY, CODE, " ", methodologist, 1)
    proctor = school.staff[Role.PROCTOR]
    for path in ("speciality", "speciality/title", "add", "list", "one", "repeal", "restore"):
        assert (await school.post(proctor, f"/staff/requirements/{path}", **ONE, reason="x")).status_code == 403
    assert (await school.get(proctor, "/staff/requirements")).status_code == 403
