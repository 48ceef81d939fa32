import json
import re

import httpx
import pytest
from msgspec.structs import replace

from exam_server.pages import STEPS, next_step
from tests.unit.exam_server.pages.hall import VIEW, FakeEntrance

DONE = replace(VIEW, checked=True, consented=True, biometrics=True, referenced=True, admitted=True)


def read_data(page: httpx.Response, name: str) -> dict[str, object]:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page.text, re.S)
    assert found is not None
    data: dict[str, object] = json.loads(found[1])
    return data


@pytest.mark.parametrize(
    ("view", "step"),
    [
        (VIEW, "check"),
        (replace(VIEW, consented=True), "check"),
        (replace(VIEW, checked=True), "consent"),
        (replace(VIEW, checked=True, consented=True), "identity"),
        (DONE, None),
    ],
)
def test_steps_come_in_order(view: object, step: str | None) -> None:
    assert next_step(view) == step  # type: ignore[arg-type]


async def test_a_candidate_who_is_not_admitted_gets_the_step_that_is_due(client: httpx.AsyncClient) -> None:
    page = await client.get("/exam/41")
    assert page.status_code == 200
    assert 'id="checks"' in page.text
    assert read_data(page, "entrance-data")["step"] == "check"
    assert 'aria-current="step"' in page.text


async def test_both_consents_stand_apart_and_none_is_given_beforehand(
    client: httpx.AsyncClient, entrance: FakeEntrance
) -> None:
    entrance.now_is = replace(VIEW, checked=True)
    page = await client.get("/exam/41")
    assert page.text.count("<fieldset") == 2
    assert 'name="processing"' in page.text
    assert len(re.findall(r'name="biometrics"', page.text)) == 2
    assert not re.search(r'<input class="choice__mark"[^>]* checked', page.text)
    assert read_data(page, "entrance-data")["version"] == "2026-1"


@pytest.mark.parametrize(("biometrics", "mark"), [(True, 'id="take"'), (False, "Покажите паспорт")])
async def test_identity_is_confirmed_the_way_that_was_chosen(
    client: httpx.AsyncClient, entrance: FakeEntrance, biometrics: bool, mark: str
) -> None:
    entrance.now_is = replace(VIEW, checked=True, consented=True, biometrics=biometrics)
    assert mark in (await client.get("/exam/41")).text


async def test_who_may_send_no_more_pictures_is_shown_the_other_way(
    client: httpx.AsyncClient, entrance: FakeEntrance
) -> None:
    entrance.now_is = replace(VIEW, checked=True, consented=True, biometrics=True, pictures_left=0)
    page = await client.get("/exam/41")
    assert read_data(page, "entrance-data")["pictures_left"] == 0
    assert 'id="take"' not in page.text
    assert 'href="/exam/41?step=consent"' in page.text


async def test_a_done_step_can_be_opened_again_and_one_ahead_cannot(
    client: httpx.AsyncClient, entrance: FakeEntrance
) -> None:
    entrance.now_is = replace(VIEW, checked=True)
    opened = {step: (await client.get(f"/exam/41?step={step}")) for step in STEPS}
    shown = {step: read_data(page, "entrance-data")["step"] for step, page in opened.items()}
    assert shown == {"check": "check", "consent": "consent", "identity": "consent"}


@pytest.mark.parametrize("view", [DONE, replace(DONE, status="running"), replace(VIEW, status="running")])
async def test_an_admitted_or_running_sitting_opens_the_exam(
    client: httpx.AsyncClient, entrance: FakeEntrance, view: object
) -> None:
    entrance.now_is = view  # type: ignore[assignment]
    page = await client.get("/exam/41")
    data = read_data(page, "exam-data")
    assert data["candidate"] == "Соколова <Анна>"
    assert data["title"] == "Экзамен </script><b>"
    assert data["exam_limit"] == 1_800_000
    assert (data["zone"], data["zone_text"]) == ("Asia/Yakutsk", "МСК+6")
    assert data["sections"] == [{"title": "Терапия", "count": 12, "limit": 900_000}]
    assert "/static/exam_server/exam.js?v=" in page.text


async def test_steps_of_a_running_sitting_cannot_be_opened_again(
    client: httpx.AsyncClient, entrance: FakeEntrance
) -> None:
    entrance.now_is = replace(DONE, status="running")
    assert "exam-data" in (await client.get("/exam/41?step=check")).text


async def test_an_ended_sitting_leads_to_its_result(client: httpx.AsyncClient, entrance: FakeEntrance) -> None:
    entrance.now_is = replace(DONE, status="ended")
    page = await client.get("/exam/41")
    assert (page.status_code, page.headers["location"]) == (303, "/cabinet/results/41")


@pytest.mark.parametrize("path", ["/exam/42", "/exam/99999999999999999999999"])
async def test_a_sitting_of_somebody_else_or_of_nobody_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


@pytest.mark.usefixtures("nobody")
async def test_nobody_gets_in_without_signing_in(client: httpx.AsyncClient) -> None:
    page = await client.get("/exam/41?step=check", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=/exam/41%3Fstep%3Dcheck")
    assert (await client.get("/exam/41", headers={"accept": "application/json"})).status_code == 401


async def test_pages_hold_no_script_or_style_of_their_own_and_are_not_kept(
    client: httpx.AsyncClient, entrance: FakeEntrance
) -> None:
    for view in (VIEW, replace(VIEW, checked=True), replace(VIEW, checked=True, consented=True, biometrics=True), DONE):
        entrance.now_is = view
        page = await client.get("/exam/41")
        scripts = re.findall(r"<script([^>]*)>", page.text)
        assert scripts
        assert all('src="/static/' in script or 'type="application/json"' in script for script in scripts)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page.text)
        assert page.headers["cache-control"] == "no-store"
        assert "<b>" not in page.text.replace("<b>Аккредитация</b>", "")


async def test_the_pages_speak_english_too(client: httpx.AsyncClient, entrance: FakeEntrance) -> None:
    waiting = replace(VIEW, checked=True, consented=True, biometrics=False)
    tried = replace(waiting, biometrics=True, pictures_left=0)
    for view in (VIEW, replace(VIEW, checked=True), waiting, tried):
        entrance.now_is = view
        page = await client.get("/exam/41", headers={"accept-language": "en"})
        main = page.text.partition("<main")[2].partition("<script")[0]
        foreign = re.sub(r"Лечебное дело|Экзамен", "", re.sub(r"<[^>]*>", " ", main))
        assert not re.search("[А-Яа-яЁё]", foreign), re.findall("[А-Яа-яЁё ]{4,}", foreign)
