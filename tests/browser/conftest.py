"""A real Chromium with a film as its webcam.

Chromium is started as a process of its own and joined over its debugging protocol: pages of a browser that
Playwright launches are always `visible`, whatever happens to their tab.
"""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Playwright, async_playwright

from app.chromium import browsers_folder, get_chromium
from core.settings import Settings
from tests.browser.film import Film
from tests.places import quick_folder

START_SECONDS = 60
LOG = "chromium.log"
WIDE = (1280, 900)
PHONE = (390, 844)

Launch = Callable[..., AbstractAsyncContextManager[Browser]]


def flags(film: Film, folder: str, size: tuple[int, int]) -> list[str]:
    """What Chromium is started with: no call home, no prompts, the film for a camera."""
    chosen = [
        "--headless=new",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
        f"--window-size={size[0]},{size[1]}",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--lang=ru",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film.path}",
    ]
    if quick_folder() is None:
        chosen.append("--disable-dev-shm-usage")  # containers give it 64 MB, which is too little
    if os.geteuid() == 0:
        chosen.append("--no-sandbox")  # the sandbox refuses root
    return [*chosen, "about:blank"]


async def _endpoint(process: asyncio.subprocess.Process, folder: Path) -> str:
    """The debugging address, which Chromium writes into its folder once it listens."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            lines = _content(folder / "DevToolsActivePort").splitlines()
            if len(lines) >= 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            assert process.returncode is None, f"Chromium ended: {_content(folder / LOG)[-2000:]}"
            await asyncio.sleep(0.02)


def _content(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


@asynccontextmanager
async def launched(playwright: Playwright, chromium: Path, film: Film, size: tuple[int, int]) -> AsyncIterator[Browser]:
    """A browser with a fresh profile, and everything of it gone at the end."""
    with tempfile.TemporaryDirectory(prefix="chromium-", dir=quick_folder(), ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (folder / LOG).open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                chromium,
                *flags(film, name, size),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            address = await _endpoint(process, folder)
            browser = await playwright.chromium.connect_over_cdp(address, no_defaults=True)
            yield browser
            await browser.close()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Chromium's program; the run fails where there is none and none can be installed."""
    return get_chromium(browsers_folder(Settings()))


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """What the browser's webcam sees: one person, until a test shows another scene."""
    return Film(tmp_path / "film.y4m")


@pytest.fixture
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as driver:
        yield driver


@pytest.fixture
def launch(playwright: Playwright, chromium: Path, film: Film) -> Launch:
    """`async with launch(size=PHONE) as browser:` for a test that needs browsers of its own."""

    def start(film: Film = film, size: tuple[int, int] = WIDE) -> AbstractAsyncContextManager[Browser]:
        return launched(playwright, chromium, film, size)

    return start


@pytest.fixture
async def browser(launch: Launch) -> AsyncIterator[Browser]:
    """A browser whose webcam shows `film`."""
    async with launch() as started:
        yield started


@pytest.fixture
async def page(browser: Browser) -> Page:
    """The browser's first page."""
    return browser.contexts[0].pages[0]
