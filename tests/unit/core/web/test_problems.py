import httpx
import pytest
from starlette.requests import Request

from core.errors import AccreditationError
from core.web import problems

JSON = {"accept": "application/json"}
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("accept", "content_type", "json"),
    [
        (None, None, False),
        ("*/*", None, False),
        (BROWSER["accept"], None, False),
        ("application/json", None, True),
        ("application/problem+json", None, True),
        ("application/json, text/html;q=0.9", None, True),
        ("application/json;q=0.5, text/html", None, False),
        ("application/*, text/html;q=0.1", None, True),
        ("text/html;q=0, */*", None, True),
        ("*/*", "application/json", True),
        ("text/html", "application/json", False),
    ],
)
def test_json_goes_to_those_who_prefer_it(accept: str | None, content_type: str | None, json: bool) -> None:
    given = [(b"accept", accept), (b"content-type", content_type)]
    headers = [(name, value.encode()) for name, value in given if value is not None]
    assert problems.prefers_json(Request({"type": "http", "headers": headers})) is json


async def test_a_refusal_as_problem_details(client: httpx.AsyncClient) -> None:
    answer = await client.get("/invalid", headers=JSON)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:accreditation:problem:bad_form",
        "title": "Проверьте введённые данные",
        "status": 422,
        "detail": "Проверьте введённые данные",
        "instance": "/invalid",
        "code": "bad_form",
        "fields": {"snils": "Введите <11> цифр"},
    }


async def test_a_refusal_as_a_page_says_what_happened_and_what_to_do(client: httpx.AsyncClient) -> None:
    answer = await client.get("/conflict", headers=BROWSER)
    text = answer.text.replace("\xa0", " ")
    assert answer.status_code == 409
    assert "Сейчас это сделать нельзя" in text
    assert "Обновите страницу: возможно, данные уже изменились." in text
    assert "<code>slot_taken</code>" in text


async def test_nothing_in_a_message_becomes_markup(client: httpx.AsyncClient) -> None:
    for headers in (BROWSER, BROWSER | {"hx-request": "true"}):
        text = (await client.get("/conflict", headers=headers)).text.replace("\xa0", " ")
        assert "Место занял &lt;b&gt;другой&lt;/b&gt; заявитель на 100 %" in text
        assert "<b>другой</b>" not in text
        fields = (await client.get("/invalid", headers=headers)).text.replace("\xa0", " ")
        assert "Введите &lt;11&gt; цифр" in fields


async def test_htmx_gets_a_banner_for_the_problem_region(client: httpx.AsyncClient) -> None:
    answer = await client.get("/conflict", headers={"hx-request": "true"})
    assert answer.status_code == 409
    assert answer.headers["hx-retarget"] == "#problem"
    assert "banner--warn" in answer.text
    assert "<html" not in answer.text
    boosted = await client.get("/conflict", headers={"hx-request": "true", "hx-boosted": "true"})
    assert "<html" in boosted.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "sentence"),
    [
        ("GET", "/absent", 404, "not_found", "Страница не найдена"),
        ("DELETE", "/conflict", 405, "method_not_allowed", "Так это действие не выполняется"),
        ("GET", "/broken", 500, "internal", "Ошибка на нашей стороне"),
        ("GET", "/unavailable", 503, "database_away", "Сервис временно недоступен"),
        ("POST", "/change", 403, "csrf_failed", "Нет доступа"),
    ],
)
async def test_each_kind_of_failure_has_both_forms(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str, sentence: str
) -> None:
    page = await client.request(method, path, headers=BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert f"<h1>{sentence}</h1>" in page.text
    assert f"<code>{code}</code>" in page.text
    details = await client.request(method, path, headers=JSON)
    assert (details.status_code, details.json()["code"]) == (status, code)
    assert details.json()["title"] == sentence


async def test_an_unexpected_exception_shows_nothing_of_itself(client: httpx.AsyncClient) -> None:
    for headers in (BROWSER, JSON):
        assert "hunter2" not in (await client.get("/broken", headers=headers)).text


async def test_headers_that_belong_to_a_status_are_sent(client: httpx.AsyncClient) -> None:
    assert "POST" in (await client.get("/change")).headers["allow"]
    assert (await client.get("/unavailable")).headers["retry-after"] == "10"


async def test_the_reader_gets_his_language(client: httpx.AsyncClient) -> None:
    english = {"accept-language": "en"}
    page = await client.get("/absent", headers=BROWSER | english)
    assert "<h1>Page not found</h1>" in page.text
    assert '<html lang="en"' in page.text
    assert (await client.get("/absent", headers=JSON | english)).json()["title"] == "Page not found"


def test_an_unlisted_status_is_still_explained() -> None:
    assert problems.explain(418).code == "bad_request"
    assert problems.explain(507).code == "internal"


def test_every_explanation_is_a_sentence_with_advice() -> None:
    for status, explanation in problems.EXPLANATIONS.items():
        assert AccreditationError(explanation.code, explanation.message, status=status).status == status
        assert explanation.message.endswith("."), status
        assert explanation.advice.endswith("."), status
