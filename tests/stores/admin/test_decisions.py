"""Decisions that reach many sittings, as staff take them: windows, allowances, items withdrawn; remarks on items."""

import pytest

from admin import remarks
from core.access import Role, find_person
from core.access.roles import Principal
from core.database import execute
from core.ids import ItemId, SittingId
from core.moments import HOUR, MINUTE, to_datetime
from exam_server.allowances import give_allowance
from exam_server.closing import cancel_window
from exam_server.conclusion import load_outcome
from exam_server.events import Allowance
from exam_server.sitting import Sitting
from exam_server.store import load_sitting, write_note
from exam_server.withdrawal import withdraw
from tests.stores.admin.school import School

REASON = "Отключили <b>электричество</b>."


async def stored(school: School, sitting: SittingId) -> Sitting:
    async with school.database.transaction() as connection:
        return await load_sitting(connection, sitting)


@pytest.fixture
async def running(school: School) -> SittingId:
    sitting = await school.admit(await school.hire("running", Role.CANDIDATE))
    await school.start(sitting)
    return sitting


async def test_a_window_is_cancelled_on_its_page(school: School, running: SittingId) -> None:
    secretary = school.staff[Role.COMMISSION_SECRETARY]
    path = f"/staff/windows/{school.window}"
    assert f'href="{path}"' in (await school.get(secretary, "/staff/windows")).text
    before = (await school.get(secretary, path)).text
    assert "Отменить это время" in before
    refused = await school.post(secretary, f"{path}/cancel", reason=" ")
    assert (refused.status_code, "reason_missing" in refused.text) == (422, True)
    asked = (await school.post(secretary, f"{path}/cancel", reason=REASON)).text
    assert "Отменить это время?" in asked
    assert "1 тестирование закончится сразу и без результата." in " ".join(asked.split()).replace("\xa0", " ")
    assert "Отключили &lt;b&gt;электричество" in asked
    assert (await stored(school, running)).status == "running", "it was only asked"
    assert (await school.post(secretary, f"{path}/cancel", reason=REASON, sure="yes")).status_code == 303
    state = await stored(school, running)
    assert (state.status, state.end_reason) == ("ended", "window_cancelled")
    page = (await school.get(secretary, path)).text
    assert "Отключили &lt;b&gt;электричество" in page
    assert "Отменить это время" not in page
    ((actor, subject, fields),) = await school.journaled("planning.window_cancelled")
    assert (actor, subject, fields["reason"]) == (f"person:{secretary.id}", f"window:{school.window}", REASON)
    again = await school.post(secretary, f"{path}/cancel", reason=REASON)
    assert again.status_code == 303, "nothing is left to be asked"
    assert len(await school.journaled("planning.window_cancelled")) == 1
    assert (await school.get(secretary, "/staff/windows/404")).status_code == 404
    assert (await school.post(secretary, "/staff/windows/404/cancel", reason=REASON)).status_code == 404


async def test_a_close_is_moved_on_the_windows_page(school: School, running: SittingId) -> None:
    secretary = school.staff[Role.COMMISSION_SECRETARY]
    path = f"/staff/windows/{school.window}"
    wanted = (school.clock.now() + 3 * HOUR) // MINUTE * MINUTE
    local = to_datetime(wanted + 3 * HOUR)  # Moscow
    typed = {"day": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M}", "reason": "Так надо."}
    for wrong in ({**typed, "day": "вчера"}, {**typed, "day": "2020-01-01"}, {**typed, "reason": ""}):
        refused = await school.post(secretary, f"{path}/close", **wrong)
        assert refused.status_code == 422, wrong
    assert (await school.post(secretary, f"{path}/close", **typed)).status_code == 303
    assert (await stored(school, running)).closes_at == wanted
    assert "Так надо." in (await school.get(secretary, path)).text


async def test_an_allowance_is_given_and_reaches_a_running_sitting(school: School, running: SittingId) -> None:
    secretary = school.staff[Role.COMMISSION_SECRETARY]
    exam = (await stored(school, running)).form.blueprint
    typed = {
        "login": "running",
        "blueprint": exam,
        "percent": "150",
        "minutes": "10",
        "breaks": "1",
        "reason": "Решение № 7",
    }
    for name, value in (
        ("login", "нет"),
        ("blueprint", "нет"),
        ("percent", "сто"),
        ("percent", "99"),
        ("minutes", "9999"),
        ("breaks", "-1"),
        ("reason", ""),
    ):
        refused = await school.post(secretary, "/staff/allowances", **{**typed, name: value})
        assert refused.status_code == 422, (name, value)
        assert "Решение № 7" in refused.text or name == "reason"
    assert (await school.post(secretary, "/staff/allowances", **{**typed, "login": secretary.login})).status_code == 403
    assert (await school.post(secretary, "/staff/allowances", **typed)).status_code == 303
    state = await stored(school, running)
    assert (state.allowance.percent, state.allowance.extra, state.allowance.breaks) == (150, 10 * MINUTE, 1)
    page = (await school.get(secretary, "/staff/allowances")).text
    assert "Решение № 7" in page
    assert "исполняется" not in page


async def test_an_item_is_withdrawn_on_its_page(school: School, running: SittingId) -> None:
    methodologist = school.staff[Role.METHODOLOGIST]
    item = (await stored(school, running)).form.entries[0].item
    path = f"/staff/bank/{item}"
    assert "Отозвать задание" in (await school.get(methodologist, path)).text
    refused = await school.post(methodologist, f"{path}/withdraw", reason="")
    assert (refused.status_code, "reason_missing" in refused.text) == (422, True)
    asked = (await school.post(methodologist, f"{path}/withdraw", reason="Утечка <i>.")).text
    assert f"Отозвать задание {item}?" in asked.replace("\xa0", " ")
    assert "Утечка &lt;i&gt;." in asked
    assert "Отозвать задание" in (await school.get(methodologist, path)).text, "it was only asked"
    withdrawn = await school.post(methodologist, f"{path}/withdraw", reason="Утечка.", sure="yes")
    assert withdrawn.status_code == 303
    page = (await school.get(methodologist, path)).text
    assert "Утечка." in page
    assert f"Номера этих тестирований: {running}" in " ".join(page.replace("\xa0", " ").split())
    assert 'action="/staff/bank' not in page
    listed = (await school.get(methodologist, "/staff/withdrawals")).text
    assert f'href="{path}"' in listed
    assert "Утечка." in listed
    ((_, subject, _),) = await school.journaled("bank.item_withdrawn")
    assert subject == f"item:{item}"
    assert (await school.post(methodologist, f"{path}/withdraw", reason="Утечка.")).status_code == 303
    assert (await school.post(methodologist, "/staff/bank/нет/withdraw", reason="Утечка.")).status_code == 404


async def test_a_withdrawal_is_followed_until_it_is_whole(school: School, running: SittingId) -> None:
    methodologist = school.staff[Role.METHODOLOGIST]
    item = (await stored(school, running)).form.entries[0].item
    path = f"/staff/bank/{item}/withdrawal"
    assert (await school.get(methodologist, path)).status_code == 404
    assert (await school.get(school.staff[Role.PROCTOR], path)).status_code == 403
    async with school.database.transaction() as connection:
        await withdraw(connection, item, methodologist.id, "Утечка.", school.clock.now())
    for address in (f"/staff/bank/{item}", path):
        going = (await school.get(methodologist, address)).text
        assert f'hx-get="{path}"' in going
        assert "0 из 1" in going.replace("\xa0", " ")
        assert "Отзыв исполнен" not in going
    assert "исполнено" not in (await school.get(methodologist, "/staff/withdrawals")).text
    await school.app.state.withdrawals.hasten(30)
    whole = (await school.get(methodologist, path)).text
    assert "Отзыв исполнен полностью" in whole
    assert "Тестирований с этим заданием: 1" in whole.replace("\xa0", " ")
    assert "hx-get" not in whole
    assert "<html" not in whole
    assert "исполнено" in (await school.get(methodologist, "/staff/withdrawals")).text
    assert len(await school.journaled("bank.item_read")) == 1, "a look at the numbers is no look at the key"


async def test_a_decision_about_a_window_is_followed_until_it_is_whole(school: School, running: SittingId) -> None:
    secretary = school.staff[Role.COMMISSION_SECRETARY]
    path = f"/staff/windows/{school.window}"
    quiet = (await school.get(secretary, path)).text
    assert "hx-get" not in quiet
    assert "Решение исполн" not in quiet
    async with school.database.transaction() as connection:
        await cancel_window(connection, school.window, secretary.id, REASON, school.clock.now())
    for address in (path, f"{path}/state"):
        going = (await school.get(secretary, address)).text
        assert f'hx-get="{path}/state"' in going
        assert "0 из 1" in going.replace("\xa0", " ")
        assert "исполняется" in going
    await school.app.state.closing.hasten(30)
    whole = (await school.get(secretary, f"{path}/state")).text
    assert "Решение исполнено" in whole
    assert "Тестирований, которых оно коснулось: 1." in whole.replace("\xa0", " ")
    assert "hx-get" not in whole
    assert "<html" not in whole
    assert "Решение исполнено" not in (await school.get(secretary, path)).text, "only who followed it is told"
    assert (await school.get(secretary, "/staff/windows/404/state")).status_code == 404
    assert (await school.get(school.staff[Role.PROCTOR], f"{path}/state")).status_code == 403


async def test_an_allowance_is_followed_until_the_sitting_has_it(school: School, running: SittingId) -> None:
    secretary = school.staff[Role.COMMISSION_SECRETARY]
    path = "/staff/allowances"
    state = await stored(school, running)
    assert "hx-get" not in (await school.get(secretary, path)).text
    async with school.database.transaction() as connection:
        candidate = await find_person(connection, "running")
        assert candidate is not None
        given = Allowance(150, 0, 0)
        now = school.clock.now()
        await give_allowance(connection, candidate.id, state.form.blueprint, given, secretary.id, REASON, now)
    for address in (path, f"{path}/list"):
        going = (await school.get(secretary, address)).text
        assert f'hx-get="{path}/list"' in going
        assert "0 из 1" in going.replace("\xa0", " ")
    await school.app.state.allowances.hasten(30)
    whole = (await school.get(secretary, f"{path}/list")).text
    assert "Решение исполнено" in whole
    assert "hx-get" not in whole
    assert "<html" not in whole
    assert (await stored(school, running)).allowance == given


async def remark(school: School, sitting: SittingId, candidate: Principal, position: int, text: str) -> ItemId:
    async with school.database.transaction() as connection:
        at = school.clock.now()
        await write_note(connection, sitting, candidate.id, "question", text, at, position)
    return (await stored(school, sitting)).form.entries[position].item


async def test_remarks_are_read_without_names(school: School, running: SittingId) -> None:
    other = await school.hire("other", Role.CANDIDATE, family_name="Тайная")
    sitting = await school.admit(other)
    item = await remark(school, sitting, other, 1, "Два <i>верных</i> ответа")
    school.clock.advance(MINUTE)
    await remark(school, sitting, other, 1, "И опечатка")
    rare = await remark(school, sitting, other, 0, "Не по теме")
    async with school.database.transaction() as connection:
        await write_note(connection, sitting, other.id, "help", "Помогите", school.clock.now())
        found = await remarks.list_remarks(connection)
        alone = await remarks.list_remarks(connection, item=rare)
    assert [(row.item, row.remarks) for row in found.rows] == [(item, 2), (rare, 1)]
    assert [comment.text for comment in found.rows[0].comments] == ["И опечатка", "Два <i>верных</i> ответа"]
    having = [one for one in (running, sitting) if item in {e.item for e in (await stored(school, one)).form.entries}]
    assert found.rows[0].sittings == len(having)
    assert [row.item for row in alone.rows] == [rare]
    methodologist = school.staff[Role.METHODOLOGIST]
    page = (await school.get(methodologist, "/staff/remarks")).text
    assert "Два &lt;i&gt;верных&lt;/i&gt; ответа" in page
    assert "Тайная" not in page
    assert f"/{sitting}" not in page
    assert "Помогите" not in page
    assert "Замечания кандидатов: 2" in (await school.get(methodologist, f"/staff/bank/{item}")).text


async def test_whoever_did_not_come_is_not_counted_as_having_had_an_item(school: School) -> None:
    candidate = await school.hire("away", Role.CANDIDATE)
    sitting = await school.admit(candidate)
    await remark(school, sitting, candidate, 0, "Странно")
    async with school.database.transaction() as connection:
        await execute(connection, "UPDATE exam_server.sitting SET entered_at = NULL WHERE id = :id", id=sitting)
        (row,) = (await remarks.list_remarks(connection)).rows
        assert await load_outcome(connection, sitting) is None
    assert (row.remarks, row.sittings) == (1, 0)
