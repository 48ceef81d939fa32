from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from core.access.gate import signed_in
from core.access.roles import Principal
from core.ids import PersonId
from core.web import csrf, problems
from core.web.pages import Pages
from core.web.requests import LONGEST_TEXT, pages_for, plain, read_field, read_number, read_text

SECRET = b"a secret of the tests, 32 bytes."
ANNA = Principal(PersonId(1), "anna", "Анна", frozenset())
NEW = Principal(PersonId(2), "new", "Новый", frozenset(), password_given=True)
HEADERS = {"who": "anna", "x-csrf-token": csrf.token(SECRET, "login-1")}


class Gate:
    """Stands for the login layer: the header `who` says who it is, or that nobody can know it now."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            who = dict(scope["headers"]).get(b"who", b"")
            scope.setdefault("state", {}).update(
                login_key="login-1",
                principal={b"anna": ANNA, b"new": NEW}.get(who),
                login_unknown=who == b"unknown",
            )
        await self.app(scope, receive, send)


@pages_for(signed_in)
async def page(request: Request, reader: Principal) -> Response:
    if request.method == "GET":
        return JSONResponse({"reader": reader.id})
    read = [await read_field(request, "f", 5), await read_text(request, "f", 5)]
    await request.close()
    return JSONResponse(read)


@pages_for(signed_in, any_password=True)
async def exam(_: Request, reader: Principal) -> Response:
    return JSONResponse({"reader": reader.id})


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(
        routes=[Route("/staff/a", page, methods=["GET", "POST"]), Route("/exam/a", exam, methods=["GET", "POST"])],
        middleware=[Middleware(Gate)],
        exception_handlers=problems.handlers,
    )
    app.state.pages, app.state.csrf_secret = Pages([]), SECRET
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://exam.test") as client:
        yield client


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"accept": "text/html,application/xhtml+xml;q=0.9"}, 303),
        ({"accept": "text/html", "hx-request": "true"}, 401),
        ({"accept": "application/json"}, 401),
        ({"accept": "text/event-stream"}, 401),
        ({"accept": "text/html", "who": "unknown"}, 503),
        ({"who": "anna"}, 200),
    ],
)
async def test_a_visitor_who_opens_a_page_is_led_to_the_sign_in_and_a_script_is_told(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    answer = await client.get("/staff/a?q=1&page=2", headers=headers)
    assert answer.status_code == status
    if status == 303:
        assert answer.headers["location"] == "/login?next=/staff/a%3Fq%3D1%26page%3D2"


@pytest.mark.parametrize(
    ("method", "accept", "status"),
    [
        ("GET", "text/html", 303),
        ("GET", "application/json", 403),
        ("GET", "text/event-stream", 403),
        ("POST", "text/html", 403),
    ],
)
async def test_a_given_password_opens_nothing_but_the_page_to_change_it_and_exams(
    client: httpx.AsyncClient, method: str, accept: str, status: int
) -> None:
    headers = {**HEADERS, "who": "new", "accept": accept}
    answer = await client.request(method, "/staff/a?q=1", headers=headers)
    assert answer.status_code == status
    if status == 303:
        assert answer.headers["location"] == "/account?next=/staff/a%3Fq%3D1"
    else:
        assert "password_given" in answer.text
    assert (await client.request(method, "/exam/a", headers=headers)).json() == {"reader": 2}


async def test_a_change_is_refused_without_a_login_and_without_its_token(client: httpx.AsyncClient) -> None:
    assert (await client.post("/staff/a", data={"f": "1"})).status_code == 401
    assert (await client.post("/staff/a", data={"f": "1"}, headers={"who": "anna"})).status_code == 403


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({"f": "a\x00b"}, ["a\x00b", "ab"]),
        ({"f": "abcdef"}, ["", "abcde"]),
        ({"f": "a\r\nb"}, ["a\r\nb", "a\nb"]),
        ({"g": "a"}, ["", ""]),
    ],
)
async def test_a_field_is_as_it_was_sent_and_a_text_is_fit_to_be_kept(
    client: httpx.AsyncClient, sent: dict[str, str], read: list[str]
) -> None:
    assert (await client.post("/staff/a", data=sent, headers=HEADERS)).json() == read


async def test_an_upload_is_no_field(client: httpx.AsyncClient) -> None:
    assert (await client.post("/staff/a", files={"f": ("f.txt", b"abc")}, headers=HEADERS)).json() == ["", ""]


@given(st.integers(min_value=1, max_value=10**18 - 1))
def test_an_id_is_read_as_it_is_written(number: int) -> None:
    assert read_number(str(number)) == number


@pytest.mark.parametrize("text", ["", "0", "07", "-1", "+1", " 1", "1\n", "1e3", "1_0", "９", "9" * 19, "9" * 5_000])
def test_anything_else_is_no_id(text: str) -> None:
    assert read_number(text) is None


@given(st.text())
def test_what_people_type_can_be_stored_and_is_bounded(text: str) -> None:
    kept = plain(text, LONGEST_TEXT)
    assert "\x00" not in kept
    assert "\r" not in kept
    assert len(kept) <= LONGEST_TEXT
    kept.encode()


def test_ordinary_text_stays_as_it_is() -> None:
    text = "Отключали свет:\n\t«10 минут» <b>&amp;</b>"
    assert plain(text, 100) == text


def test_text_is_cut_to_its_length() -> None:
    assert plain("абв", 2) == "аб"
