from collections.abc import AsyncIterator

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from core.access import (
    LoginGate,
    Permission,
    Role,
    clear_cookie,
    create_person,
    put_cookie,
    require,
    sign_in,
    sign_out,
    signed_in,
)
from core.clock import ManualClock
from core.database import Database, execute
from core.errors import AccreditationError
from core.web import problems

QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


async def page(request: Request) -> Response:
    who = request.state.principal
    return HTMLResponse(f"{who.login if who else None} {request.state.login_key}")


async def plain(request: Request) -> Response:
    return JSONResponse({"login_key": request.state.login_key})


async def room(request: Request) -> Response:
    return HTMLResponse(require(request, Permission.PROCTOR_WATCH).login)


async def own(request: Request) -> Response:
    return HTMLResponse(signed_in(request).login)


async def given(request: Request) -> Response:
    return HTMLResponse(str(signed_in(request).password_given))


async def enter(request: Request) -> Response:
    database: Database = request.app.state.database
    token = await sign_in(database, "anna", "верная-лошадь", "10.0.0.1", request.app.state.clock.now(), 2, hasher=QUICK)
    response = HTMLResponse("")
    put_cookie(response, request, token, 2)
    return response


async def leave(request: Request) -> Response:
    await sign_out(request.app.state.database, request.cookies["login"])
    response = HTMLResponse("")
    clear_cookie(response)
    return response


@pytest.fixture
async def site(database: Database, clock: ManualClock) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(
        routes=[
            Route("/", page),
            Route("/plain", plain),
            Route("/room", room),
            Route("/own", own),
            Route("/given", given),
            Route("/enter", enter, methods=["POST"]),
            Route("/leave", leave, methods=["POST"]),
        ],
        middleware=[Middleware(LoginGate)],
        exception_handlers={AccreditationError: as_json},
    )
    app.state.database, app.state.clock = database, clock
    async with database.transaction() as connection:
        await create_person(
            connection,
            login="anna",
            password="верная-лошадь",
            family_name="Иванова",
            roles={Role.CANDIDATE},
            now=clock.now(),
            hasher=QUICK,
        )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://exam.example") as client:
        yield client


async def as_json(request: Request, error: Exception) -> Response:
    assert isinstance(error, AccreditationError)
    return problems.as_json(error, request.url.path)


async def test_a_login_is_known_until_it_ends(site: httpx.AsyncClient) -> None:
    entered = await site.post("/enter")
    cookie = next(c for c in entered.headers.get_list("set-cookie") if c.startswith("login="))
    assert {"HttpOnly", "Secure", "SameSite=lax", "Max-Age=7200", "Path=/"} <= set(cookie.split("; "))
    assert (await site.get("/")).text.startswith("anna login:")
    kept = site.cookies["login"]
    await site.post("/leave")
    assert "login" not in site.cookies
    # At once, although the gate had just seen it: and also for whoever kept the cookie.
    site.cookies.set("login", kept, domain="exam.example")
    assert (await site.get("/")).text.startswith("None visitor:")


async def test_a_login_is_not_asked_for_anew_at_every_request(
    site: httpx.AsyncClient, database: Database, clock: ManualClock
) -> None:
    await site.post("/enter")
    assert (await site.get("/own")).text == "anna"
    async with database.transaction() as connection:
        await execute(connection, "DELETE FROM core.login")
    assert (await site.get("/own")).text == "anna"
    clock.advance(3_000)
    assert (await site.get("/own")).status_code == 401


async def test_who_has_to_choose_a_password_is_asked_about_every_time(
    site: httpx.AsyncClient, database: Database
) -> None:
    """Another process, which saw the person a moment ago, must not lead back to the page of the password."""
    for given in (True, False):
        async with database.transaction() as connection:
            await execute(connection, "UPDATE core.person SET password_given = :given", given=given)
        if given:
            await site.post("/enter")
        assert (await site.get("/given")).text == str(given)


async def test_the_key_for_forms_changes_with_the_login(site: httpx.AsyncClient) -> None:
    keys = [(await site.get("/")).text.split()[1]]
    assert (await site.get("/")).text.split()[1] == keys[0]
    for _ in range(2):
        await site.post("/enter")
        keys.append((await site.get("/")).text.split()[1])
    assert len(set(keys)) == 3
    assert not [key for key in keys if site.cookies["login"] in key]


async def test_a_visitor_gets_a_key_of_their_own_with_the_first_page(site: httpx.AsyncClient) -> None:
    assert "set-cookie" not in (await site.get("/plain")).headers
    first = await site.get("/")
    assert {"HttpOnly", "Secure", "SameSite=Lax"} <= set(first.headers["set-cookie"].split("; "))
    assert "set-cookie" not in (await site.get("/")).headers
    assert (await site.get("/plain")).json()["login_key"] == first.text.split()[1]


@pytest.mark.parametrize("cookie", ["", "short", "x" * 5000, "<script>alert(1)</script>xxxxxxxx"])
async def test_strange_cookies_are_nobody(site: httpx.AsyncClient, cookie: str) -> None:
    answer = await site.get("/", headers={"cookie": f"login={cookie}; visitor={cookie}"})
    assert answer.text.startswith("None visitor:")
    assert not cookie or cookie not in answer.text


async def test_pages_ask_for_a_login_and_then_for_the_permission(site: httpx.AsyncClient) -> None:
    assert (await site.get("/room")).json()["code"] == "unauthenticated"
    await site.post("/enter")
    refused = await site.get("/room")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_without_the_database_the_last_answer_holds_for_a_while(
    site: httpx.AsyncClient, clock: ManualClock
) -> None:
    await site.post("/enter")
    assert (await site.get("/own")).text == "anna"
    away = Database("postgresql://nobody@127.0.0.1:1/none")
    site._transport.app.state.database = away  # type: ignore[attr-defined]
    clock.advance(60_000)
    assert (await site.get("/own")).text == "anna"
    clock.advance(60_001)
    refused = await site.get("/own")
    assert (refused.status_code, refused.json()["code"]) == (503, "database_away")
    assert (await site.get("/")).text.startswith("None login:")
    await away.close()


async def test_a_websocket_handshake_is_known_too(site: httpx.AsyncClient, database: Database) -> None:
    await site.post("/enter")
    seen: list[str] = []

    async def socket(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["state"]["principal"].login)

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope = {
        "type": "websocket",
        "path": "/",
        "headers": [(b"cookie", f"login={site.cookies['login']}".encode())],
        "app": site._transport.app,  # type: ignore[attr-defined]
    }
    await LoginGate(socket)(scope, receive, send)
    assert seen == ["anna"]


async def test_other_scopes_pass(site: httpx.AsyncClient) -> None:
    seen: list[Scope] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    scope = {"type": "lifespan"}
    await LoginGate(inner)(scope, None, None)  # type: ignore[arg-type]
    assert seen == [{"type": "lifespan"}]
