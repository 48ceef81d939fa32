"""A real Chromium with a film as its webcam, in front of a real server with the demo.

Everything here lives as long as one test file, and all tests of a file share one event loop: a browser, a server
and its database are started once for each.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright, expect

from app.chromium import browsers_folder, get_chromium
from app.embedded import free_port
from core.database import Database
from core.settings import Settings
from proctoring.models import Models
from tests.browser.chromium import close, launched
from tests.browser.examinee import PATIENCE_MS, Examinee, signed_in
from tests.browser.film import Film, person
from tests.browser.line import Line, laid
from tests.server.booth import Booth, Staff
from tests.server.conftest import _demo, _demo_copies, drop, furnish
from tests.server.processes import Server

__all__ = ["_demo", "_demo_copies"]

HERE = Path(__file__).parent

Booths = Callable[..., Awaitable[Booth]]
Contexts = Callable[..., Awaitable[BrowserContext]]
Examinees = Callable[..., Awaitable[Examinee]]


expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    shared = pytest.mark.asyncio(loop_scope="module")
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)
            if pytest_asyncio.is_async_test(item):
                item.add_marker(shared, append=False)


@pytest.fixture(scope="module")
def house(
    _demo_copies: Callable[[str], str],
    models: Models,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Server]:
    """A running server with the demo. A test file may `prepare(server)` it before it starts."""
    url = _demo_copies(request.module.__name__.rpartition(".")[2])
    server = Server(url, furnish(tmp_path_factory, "house"), free_port(), models.detector.parent)
    try:
        getattr(request.module, "prepare", lambda server: None)(server)
        yield server.start()
    finally:
        server.stop()
        drop(url)
    assert "graceful shutdown exceeded" not in server.said(), "the end of some connection was not noticed"


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Chromium's program; the run fails where there is none and none can be installed."""
    return get_chromium(browsers_folder(Settings()))


@pytest.fixture(scope="module")
def _film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    return Film(tmp_path_factory.mktemp("film") / "film.y4m")


@pytest.fixture
def film(_film: Film) -> Film:
    """What the browser's webcam sees: one person, until a test shows another scene."""
    _film.show(person)
    return _film


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as driver:
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(playwright: Playwright, chromium: Path, _film: Film) -> AsyncIterator[Browser]:
    """A browser whose webcam shows the film."""
    async with launched(playwright, chromium, _film) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A tab of the browser's own window, hidden when another one is in front of it."""
    opened = await browser.contexts[0].new_page()
    yield opened
    await close(opened)


@pytest_asyncio.fixture(loop_scope="module")
async def contexts(browser: Browser) -> AsyncIterator[Contexts]:
    """`await contexts(cookie, address)`: a browser of somebody who is signed in; without a cookie, of anybody."""
    async with AsyncExitStack() as stack:

        async def open_one(cookie: str = "", address: str = "", **options: Any) -> BrowserContext:
            context = await signed_in(browser, address, cookie, **options)
            stack.push_async_callback(close, context)
            return context

        yield open_one


@pytest_asyncio.fixture(loop_scope="module")
async def line(house: Server) -> AsyncIterator[Line]:
    """A line to the server that can be cut."""
    async with laid("127.0.0.1", house.port) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def database(house: Server) -> AsyncIterator[Database]:
    """The server's database, which only the test looks into."""
    opened = Database(house.url, pool_size=2)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="module")
async def booths() -> AsyncIterator[Booths]:
    """`await booths(server)`: a fresh candidate, booked and signed in, without a browser."""
    async with AsyncExitStack() as stack:

        async def make(server: Server, **options: Any) -> Booth:
            booth = await Booth.open(server, **options)
            stack.push_async_callback(booth.close)
            return booth

        yield make


@pytest_asyncio.fixture(loop_scope="module")
async def examinees(house: Server, database: Database, contexts: Contexts, booths: Booths, film: Film) -> Examinees:
    """`await examinees()`: a fresh candidate who has passed the entrance, at a browser that shows the start screen.

    `address` is where the browser finds the server: the server itself, or a line to it.
    """

    async def seat(address: str = house.address, **options: Any) -> Examinee:
        booth = await booths(house, **options)
        await booth.pass_entrance()
        context = await contexts(*booth.cookie.values(), address)
        examinee = Examinee(await context.new_page(), address, database)
        examinee.sitting = booth.sitting
        await examinee.open_exam()
        return examinee

    return seat


@pytest_asyncio.fixture(loop_scope="module")
async def desks(house: Server, contexts: Contexts) -> AsyncIterator[Callable[[str], Awaitable[Page]]]:
    """`await desks("proktor")`: a page of a member of the demo's staff, signed in."""
    async with AsyncExitStack() as stack:

        async def open_desk(login: str) -> Page:
            staff = await Staff.open(house, login)
            stack.push_async_callback(staff.close)
            context = await contexts(*staff.cookie.values(), house.address, viewport={"width": 1280, "height": 900})
            return await context.new_page()

        yield open_desk
