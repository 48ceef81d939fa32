"""Chromium as a process of its own, joined over its debugging protocol.

Pages of a browser that Playwright launches are always `visible`, whatever happens to their tab; here only the
pages of contexts that it makes are.
"""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, Playwright

from benchmarks.postgres import should_this_be_killed
from tests.browser.film import Film
from tests.places import quick_folder

START_SECONDS = 60
CLOSE_SECONDS = 10
LOG = "chromium.log"
PORT = "DevToolsActivePort"
WIDE = (1280, 900)
END = 'kill -9 "-$1"; rm -rf "$2"'
"""What becomes of a browser whose test run was killed: its group of processes, and its folder."""


def flags(film: Film, folder: str) -> list[str]:
    """What Chromium is started with: no call home, no prompts, the film for a camera."""
    chosen = [
        "--headless=new",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
        f"--window-size={WIDE[0]},{WIDE[1]}",
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
    return chosen


@asynccontextmanager
async def launched(
    playwright: Playwright,
    chromium: Path,
    film: Film,
    *,
    more: Sequence[str] = (),
    profile: Path | None = None,
) -> AsyncIterator[Browser]:
    """A browser, and its processes gone at the end. `more`: further flags. Without a `profile` it has a fresh one."""
    browser = None
    with contextlib.ExitStack() as stack:
        folder = profile or Path(stack.enter_context(_fresh()))
        (folder / PORT).unlink(missing_ok=True)  # of a browser that was killed
        with (folder / LOG).open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                chromium,
                *flags(film, str(folder)),
                *more,
                "about:blank",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            end = ("/bin/sh", "-c", END, "sh", str(process.pid), "" if profile else str(folder))
            stack.enter_context(should_this_be_killed(*end))
            address = await _endpoint(process, folder)
            browser = await playwright.chromium.connect_over_cdp(address, no_defaults=True)
            yield browser
        finally:
            # Killed, not asked to close: it may never answer, and nothing of it is needed any more.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            if browser is not None:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await browser.close()  # at once: Playwright's own traces


def _fresh() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="chromium-", dir=quick_folder(), ignore_cleanup_errors=True)


async def close(done: Page | BrowserContext) -> None:
    """Close it. Chromium may never answer when a page is on its way to another one; it goes with the browser then."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await done.close()


async def kill(browser: Browser) -> None:
    """SIGKILL: what is not on its disk by now is lost."""
    devtools = await browser.new_browser_cdp_session()
    found = await devtools.send("SystemInfo.getProcessInfo")
    (main,) = [process for process in found["processInfo"] if process["type"] == "browser"]
    os.kill(main["id"], signal.SIGKILL)


async def _endpoint(process: asyncio.subprocess.Process, folder: Path) -> str:
    """The debugging address, which Chromium writes into its folder once it listens."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            lines = _content(folder / PORT).splitlines()
            if len(lines) >= 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            assert process.returncode is None, f"Chromium ended: {_content(folder / LOG)[-2000:]}"
            await asyncio.sleep(0.02)


def _content(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
