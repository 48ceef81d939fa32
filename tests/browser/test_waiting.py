"""The page in front of an exam: it waits, and goes in by itself once the window opens."""

import re

from playwright.async_api import expect

from app.demo.seed import QUICK
from core.clock import SystemClock
from core.database import execute
from core.ids import BookingId
from core.moments import HOUR, MINUTE, SECOND, Span
from exam_server.preparation import prepare_some
from exam_server.scheduling import book, open_window
from question_bank.blueprint_store import load_blueprint
from question_bank.pool_store import PreparedPools
from tests.browser.audit import audit
from tests.browser.conftest import Booths, Contexts
from tests.browser.watchman import Watchman
from tests.server.booth import Booth
from tests.server.processes import Server

WINDOW_OF = "(SELECT window_id FROM exam_server.booking WHERE id = :booking)"


async def book_ahead(booth: Booth, ahead: Span) -> BookingId:
    """A booking for a window that opens so far from now, with its form drawn."""
    now = SystemClock().now()
    async with booth.database.transaction() as connection:
        window = await open_window(
            connection, await load_blueprint(connection, QUICK), now + ahead, now + ahead + 3 * HOUR, 5
        )
        booking = await book(connection, window, booth.person, now)
        (booth.sitting,) = await prepare_some(connection, window, pools=PreparedPools(), seeds=lambda: 7, now=now)
    return booking


async def test_it_counts_down_and_goes_in_by_itself(house: Server, booths: Booths, contexts: Contexts) -> None:
    booth = await booths(house)
    booking = await book_ahead(booth, MINUTE + 5 * SECOND)
    page = await (await contexts(*booth.cookie.values(), house.address)).new_page()
    watchman = Watchman(page)
    await page.goto(f"{house.address}/exam/{booth.sitting}")
    await page.wait_for_url(f"**/exam/bookings/{booking}")
    await expect(page.locator("#left-time")).to_have_text(re.compile("1:0[0-5]"))
    await expect(page.get_by_role("button", name="Войти на тестирование")).to_be_hidden()
    spoken = page.locator("#said")
    await expect(spoken).to_have_text("")
    await expect(spoken).to_have_text("До открытия осталось 1 минута")
    assert await audit(page) == []
    async with booth.database.transaction() as connection:
        await execute(
            connection,
            f'UPDATE exam_server."window" SET opens_at = :at WHERE id = {WINDOW_OF}',
            at=SystemClock().now() + 2 * SECOND,
            booking=booking,
        )
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await page.wait_for_url(f"**/exam/{booth.sitting}", timeout=30_000)
    await expect(page.locator("#checks")).to_be_visible()
    assert watchman.take() == []


async def test_what_stands_in_the_way_meanwhile_is_said(house: Server, booths: Booths, contexts: Contexts) -> None:
    booth = await booths(house)
    booking = await book_ahead(booth, HOUR)
    page = await (await contexts(*booth.cookie.values(), house.address)).new_page()
    await page.goto(f"{house.address}/exam/bookings/{booking}")
    await expect(page.locator("#left-time")).to_be_visible()
    async with booth.database.transaction() as connection:
        await execute(
            connection,
            f'UPDATE exam_server."window" SET cancelled_at = :at WHERE id = {WINDOW_OF}',
            at=SystemClock().now(),
            booking=booking,
        )
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page.get_by_text("Это время тестирования отменено.")).to_be_visible()
    assert await audit(page) == []
