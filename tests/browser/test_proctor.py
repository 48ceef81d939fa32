"""The proctor's place by keyboard: acts open by a key, a refusal stays open, and the page follows what happens."""

from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from tests.browser.audit import audit
from tests.browser.conftest import Booths
from tests.browser.watchman import Watchman
from tests.server.processes import Server

Desks = Callable[[str], Awaitable[Page]]


async def ready(page: Page, done: str = "") -> None:
    """The page says what was done, and its script has the keys."""
    if done:
        await page.wait_for_url(f"**?done={done}")
    await expect(page.locator('[data-live="on"]')).to_be_visible()


async def test_every_act_of_a_quick_hand_has_a_key(house: Server, booths: Booths, desks: Desks) -> None:
    booth = await booths(house)
    exam = await booth.begin()
    page = await desks("proktor")
    watchman = Watchman(page)
    await page.goto(f"{house.address}/staff/proctor/{booth.sitting}")
    await ready(page)

    await page.keyboard.press("w")
    await expect(page.get_by_label("Текст предупреждения")).to_be_focused()
    assert await audit(page) == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("n")
    await page.keyboard.type("Осталось полчаса, w и p")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert (await exam.hear("notice"))["text"] == "Осталось полчаса, w и p"
    await ready(page, "told")
    await expect(page.locator(".told")).to_contain_text("ещё не прочитано")

    await page.keyboard.press("p")
    await page.keyboard.type("ой")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#act-pause")).to_be_visible()
    reason = page.locator("#act-pause-reason")
    await expect(reason).to_be_focused()
    await expect(reason).to_have_value("ой")
    assert [one for one in watchman.take() if "status of 422" not in one] == []
    assert await audit(page) == []
    await page.keyboard.type(", пожарная тревога")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert (await exam.hear("changed"))["halt"]["text"] == "ой, пожарная тревога"

    await ready(page, "paused")
    await expect(page.locator(".facts").first).to_contain_text("часы стоят")
    assert await audit(page) == []
    await page.keyboard.press("p")
    await expect(page.get_by_role("button", name="Продолжить тестирование")).to_be_focused()
    await page.keyboard.press("Enter")
    assert "halt" not in await exam.hear("changed")
    await ready(page, "resumed")
    assert watchman.take() == []


async def test_a_call_for_help_comes_up_by_itself_and_is_answered_by_a_key(
    house: Server, booths: Booths, desks: Desks
) -> None:
    booth = await booths(house)
    exam = await booth.begin()
    place, wall = await desks("proktor"), await desks("proktor")
    await place.goto(f"{house.address}/staff/proctor/{booth.sitting}")
    await wall.goto(f"{house.address}/staff/proctor")
    for page in (place, wall):
        await ready(page)
    await expect(wall.locator("[data-sound]")).to_have_attribute("aria-pressed", "false")
    await exam.order("help", text="Не видно рисунок")
    await expect(place.locator('[data-fresh="acts"]')).to_contain_text("Не видно рисунок")
    tile = wall.locator(f'[data-sitting="{booth.sitting}"]')
    await expect(tile).to_contain_text("Просит помощи с")
    await expect(wall.locator("[data-calling]")).to_contain_text("Просит помощи: Проверкина Вера")
    assert await audit(place) == []
    assert await audit(wall) == []
    await place.keyboard.press("h")
    assert (await exam.hear("changed")).get("help", False) is False
    await expect(tile).not_to_contain_text("Просит помощи")
    await ready(place, "helped")
