from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from core.web import csrf, problems
from core.web.pages import Pages
from core.web.security import SecurityHeaders
from exam_server import pages
from tests.unit.exam_server.pages.hall import CANDIDATE, KEY, SECRET, Door, FakeEntrance, FakeWaiting


@pytest.fixture
def entrance() -> FakeEntrance:
    return FakeEntrance()


@pytest.fixture
def waiting() -> FakeWaiting:
    return FakeWaiting()


@pytest.fixture
def app(entrance: FakeEntrance, waiting: FakeWaiting, monkeypatch: pytest.MonkeyPatch) -> Starlette:
    monkeypatch.setattr(Door, "who", CANDIDATE)
    app = Starlette(
        routes=pages.routes,
        middleware=[Middleware(SecurityHeaders), Middleware(Door)],
        exception_handlers=problems.handlers,
    )
    app.state.pages = Pages(["exam_server"])
    app.state.csrf_secret = SECRET
    app.state.entrance = entrance
    app.state.waiting = waiting
    return app


@pytest.fixture
def nobody(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is signed in."""
    monkeypatch.setattr(Door, "who", None)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://exam.test") as client:
        yield client


@pytest.fixture
def token() -> dict[str, str]:
    """The headers of a page that belongs to the login."""
    return {"X-CSRF-Token": csrf.token(SECRET, KEY), "Accept": "application/json"}
