from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import Conflict, Invalid, Unavailable
from core.web import components, csrf, language, problems
from core.web.pages import Pages
from core.web.security import SameOrigin, SecurityHeaders

SECRET = b"a secret of the tests, 32 bytes."
LOGIN_KEY = "login-1"


class SignedIn:
    """Stands for the login layer: whoever calls has the login key of the tests."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["login_key"] = LOGIN_KEY
        await self.app(scope, receive, send)


async def change(request: Request) -> Response:
    await csrf.require(request)
    name = (await request.form()).get("name", "")
    return PlainTextResponse(f"changed {name}")


async def conflict(request: Request) -> Response:
    raise Conflict("slot_taken", "Место занял <b>другой</b> заявитель на 100 %")


async def invalid(request: Request) -> Response:
    raise Invalid("bad_form", "Проверьте введённые данные", fields={"snils": "Введите <11> цифр"})


async def unavailable(request: Request) -> Response:
    raise Unavailable("database_away", "База данных не отвечает")


async def broken(request: Request) -> Response:
    raise RuntimeError("password=hunter2")


@pytest.fixture(scope="session")
def app() -> Starlette:
    app = Starlette(
        routes=[
            Route("/change", change, methods=["POST"]),
            Route("/conflict", conflict),
            Route("/invalid", invalid),
            Route("/unavailable", unavailable),
            Route("/broken", broken),
            *language.routes,
            *components.routes,
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(SameOrigin), Middleware(SignedIn)],
        exception_handlers=problems.handlers,
    )
    app.state.pages = Pages([])
    app.state.csrf_secret = SECRET
    return app


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://exam.test") as client:
        yield client
