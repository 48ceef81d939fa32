"""Each page for each role: who gets in, who does not, and where a visitor is led."""

import pytest

from admin.pages.acts import ACTS
from core.access import Role
from tests.stores.admin.school import School

COMMISSION = {Role.COMMISSION, Role.COMMISSION_CHAIR, Role.COMMISSION_SECRETARY}
READERS = COMMISSION | {Role.APPEAL_COMMISSION}
PLANNERS = {Role.METHODOLOGIST, Role.COMMISSION_SECRETARY, Role.OPERATOR}
STAFF = set(Role) - {Role.CANDIDATE, Role.EMPLOYER}

GET: dict[str, set[Role]] = {
    "/staff": STAFF,
    "/staff/proctor": {Role.PROCTOR},
    "/staff/proctor/{live}": {Role.PROCTOR},
    "/staff/proctor/{live}/panel": {Role.PROCTOR},
    "/staff/proctor/{live}/connection": {Role.PROCTOR},
    "/staff/proctor/{live}/still.jpg": {Role.PROCTOR},
    "/staff/sittings": READERS | {Role.OPERATOR},
    "/staff/sittings/{ended}": READERS | {Role.OPERATOR},
    "/staff/evidence/{still}": READERS,
    "/staff/reviews": READERS,
    "/staff/reviews/{ended}": READERS,
    "/staff/protocols": READERS,
    "/staff/bank": {Role.METHODOLOGIST},
    "/staff/bank/ld-000": {Role.METHODOLOGIST},
    "/staff/bank/ld-000/edit": {Role.METHODOLOGIST},
    "/staff/bank/find/requirements?q=1": {Role.METHODOLOGIST},
    "/staff/bank/find/items?q=1": {Role.METHODOLOGIST},
    "/staff/bank/import": {Role.METHODOLOGIST},
    "/staff/bank/export": {Role.METHODOLOGIST},
    "/staff/blueprints": PLANNERS,
    "/staff/requirements": {Role.METHODOLOGIST},
    "/staff/requirements/one?speciality=31.02.01&code=ОТ-1": {Role.METHODOLOGIST},
    "/staff/blueprints/exam": PLANNERS,
    "/staff/blueprints/exam/forms": PLANNERS,
    "/staff/exposure": {Role.METHODOLOGIST},
    "/staff/blueprints/new": {Role.METHODOLOGIST},
    "/staff/blueprints/exam/edit": {Role.METHODOLOGIST},
    "/staff/remarks": {Role.METHODOLOGIST},
    "/staff/withdrawals": {Role.METHODOLOGIST},
    "/staff/windows": PLANNERS,
    "/staff/windows/1": PLANNERS,
    "/staff/windows/1/state": PLANNERS,
    "/staff/allowances": PLANNERS,
    "/staff/allowances/list": PLANNERS,
    "/staff/register": {Role.REGISTER_KEEPER, Role.INSPECTOR},
    "/staff/people": {Role.OPERATOR},
    "/staff/people/new": {Role.OPERATOR},
    "/staff/operations": {Role.OPERATOR},
}
POST: dict[str, set[Role]] = {
    **{f"/staff/proctor/{{live}}/{name}": {Role.PROCTOR} for name in ACTS},
    "/staff/sittings/{ended}/late/1": COMMISSION,
    "/staff/reviews/{ended}/findings": COMMISSION,
    "/staff/reviews/{ended}/decision": COMMISSION,
    "/staff/protocols/draft": {Role.COMMISSION_CHAIR, Role.COMMISSION_SECRETARY},
    "/staff/protocols/sign": {Role.COMMISSION_CHAIR, Role.COMMISSION_SECRETARY},
    "/staff/bank/assets": {Role.METHODOLOGIST},
    **{
        f"/staff/bank/import/{name}": {Role.METHODOLOGIST}
        for name in ("files", "1/check", "1/drop", "runs/1/cancel", "runs/1/keep")
    },
    "/staff/bank/export": {Role.METHODOLOGIST},
    "/staff/bank/export/1/cancel": {Role.METHODOLOGIST},
    "/staff/bank/ld-000/withdraw": {Role.METHODOLOGIST},
    **{
        f"/staff/bank/ld-000/{name}": {Role.METHODOLOGIST}
        for name in ("check", "working-copy", "newest", "versions", "move", "comment", "rate")
    },
    **{f"/staff/bank/{name}": {Role.METHODOLOGIST} for name in ("bulk", "bulk/do")},
    **{
        f"/staff/requirements/{name}": {Role.METHODOLOGIST}
        for name in ("speciality", "speciality/title", "add", "list", "one", "repeal", "restore")
    },
    "/staff/blueprints/check": {Role.METHODOLOGIST},
    "/staff/blueprints/example": PLANNERS,
    "/staff/blueprints/save": {Role.METHODOLOGIST},
    "/staff/blueprints/exam/forms": {Role.METHODOLOGIST},
    "/staff/blueprints/exam/forms/1/stop": {Role.METHODOLOGIST},
    "/staff/windows/1/form": PLANNERS,
    "/staff/windows": PLANNERS,
    "/staff/windows/1/cancel": PLANNERS,
    "/staff/windows/1/close": PLANNERS,
    "/staff/allowances": PLANNERS,
    "/staff/people/new": {Role.OPERATOR},
    "/staff/operations/outbox/1/retry": {Role.OPERATOR},
}


@pytest.fixture
async def places(school: School) -> dict[str, str]:
    live = await school.admit(await school.hire("live", Role.CANDIDATE))
    await school.start(live)
    ended = await school.finish(await school.hire("ended", Role.CANDIDATE), incidents=1)
    return {"live": str(live), "ended": str(ended), "still": str(await school.evidence(ended))}


async def test_each_page_opens_for_exactly_the_roles_it_is_for(school: School, places: dict[str, str]) -> None:
    wrong = []
    for path, allowed in GET.items():
        for role in Role:
            answer = await school.get(school.staff[role], path.format(**places))
            expected = 200 if role in allowed else 403
            if answer.status_code != expected:
                wrong.append((path, role.value, answer.status_code, expected))
    assert wrong == []


async def test_each_action_is_refused_to_everybody_else(school: School, places: dict[str, str]) -> None:
    wrong = []
    for path, allowed in POST.items():
        for role in set(Role) - allowed:
            answer = await school.post(school.staff[role], path.format(**places))
            if answer.status_code != 403:
                wrong.append((path, role.value, answer.status_code))
    assert wrong == []


async def test_an_action_without_the_token_of_this_login_is_refused(school: School, places: dict[str, str]) -> None:
    for path, allowed in POST.items():
        who = school.staff[sorted(allowed)[0]]
        async with school.client(who) as client:
            headers = {"origin": "http://exam.test"}
            for token in ({}, {"csrf": "wrong"}, {"csrf": school.csrf(school.staff[Role.CANDIDATE])}):
                answer = await client.post(path.format(**places), data=token, headers=headers)
                assert answer.status_code == 403, path
                assert "csrf_failed" in answer.text, path


async def test_a_form_from_another_site_is_refused(school: School, places: dict[str, str]) -> None:
    proctor = school.staff[Role.PROCTOR]
    async with school.client(proctor) as client:
        answer = await client.post(
            f"/staff/proctor/{places['live']}/end",
            data={"csrf": school.csrf(proctor), "reason": "Завершить"},
            headers={"origin": "https://evil.test"},
        )
    assert answer.status_code == 403


async def test_a_visitor_is_led_to_the_sign_in_and_back(school: School, places: dict[str, str]) -> None:
    for path in GET:
        answer = await school.get(None, path.format(**places), params={"page": "2"})
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/login?next=/staff"), path
    quiet = await school.get(None, "/staff/proctor/events", headers={"accept": "text/event-stream"})
    assert quiet.status_code == 401


async def test_strange_addresses_are_unknown_and_never_a_fault(school: School) -> None:
    chair, proctor = school.staff[Role.COMMISSION_CHAIR], school.staff[Role.PROCTOR]
    for number in ("0", "-1", "x", "9" * 30, "1%00", "１"):
        assert (await school.get(chair, f"/staff/sittings/{number}")).status_code == 404
        assert (await school.get(chair, f"/staff/reviews/{number}")).status_code == 404
        assert (await school.get(chair, f"/staff/protocols/{number}")).status_code == 404
        assert (await school.get(chair, f"/staff/evidence/{number}")).status_code == 404
        assert (await school.get(proctor, f"/staff/proctor/{number}")).status_code == 404
    listed = await school.get(chair, "/staff/sittings", params={"q": "\x00%_\\'", "page": "9" * 18, "state": "x"})
    assert listed.status_code == 200
    bank = await school.get(
        school.staff[Role.METHODOLOGIST], "/staff/bank", params={"q": '\x00 " & ! :*', "page": "99"}
    )
    assert bank.status_code == 200
    assert (await school.get(school.staff[Role.METHODOLOGIST], "/staff/bank/нет")).status_code == 404


async def test_the_menu_holds_what_the_person_may_open(school: School) -> None:
    for role in STAFF:
        page = (await school.get(school.staff[role], "/staff")).text
        for path in ("/staff/proctor", "/staff/sittings", "/staff/bank", "/staff/people", "/staff/operations"):
            assert (f'href="{path}"' in page) == (role in GET[path]), (role, path)
