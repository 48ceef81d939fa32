"""The bank's list in Chromium: found as one types, many chosen, foreseen, done; and all of it without a script."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect

from core.access import find_person
from core.database import Database
from tests.browser.audit import audit
from tests.browser.conftest import Contexts
from tests.browser.watchman import Watchman
from tests.server.booth import sign_in
from tests.server.processes import Server


async def enter(contexts: Contexts, house: Server, database: Database, **options: object) -> BrowserContext:
    async with database.transaction() as connection:
        who = await find_person(connection, "metodist")
    assert who is not None
    return await contexts(await sign_in(database, who.id), house.address, **options)


@pytest_asyncio.fixture(loop_scope="module")
async def desk(contexts: Contexts, house: Server, database: Database) -> AsyncIterator[Page]:
    """The list of the bank, opened by a methodologist."""
    page = await (await enter(contexts, house, database)).new_page()
    watchman = Watchman(page)
    await page.goto(f"{house.address}/staff/bank")
    yield page
    assert watchman.take() == []


async def test_the_list_follows_what_is_typed(desk: Page) -> None:
    words = desk.get_by_label("Слова, номер или код требования")
    await words.press_sequentially("пневмания")
    await expect(desk.locator("#found")).to_contain_text("Показано похожее")
    await expect(desk.locator("#found mark").first).to_be_visible()
    await expect(words).to_be_focused()
    assert "q=" in desk.url
    await words.fill("ничего такого нет")
    await expect(desk.locator("#found")).to_contain_text("Ничего не нашлось")
    await expect(desk.locator("#count")).to_have_text("Ничего не нашлось")
    await words.fill("")
    await desk.get_by_label("Специальность").select_option("31.05.02")
    await expect(desk.locator("#f-requirement")).to_contain_text("ПД-01")
    await expect(desk.locator("#found tbody tr").first).to_contain_text("ПД-")
    assert "speciality=31.05.02" in desk.url
    assert await audit(desk) == []


async def test_many_are_chosen_foreseen_and_done(desk: Page, house: Server) -> None:
    await desk.goto(f"{house.address}/staff/bank?where=active&pool=practice")
    boxes = desk.locator('#found input[name="item"]')
    await boxes.nth(0).check()
    await boxes.nth(2).click(modifiers=["Shift"])
    await expect(desk.locator("[data-chosen]")).to_have_text("3")
    await desk.get_by_label("Что сделать").select_option("retire")
    await desk.get_by_role("button", name="Дальше").click()
    await expect(desk.get_by_role("heading", level=1)).to_have_text("Вывести из действия")
    assert await audit(desk) == []
    await desk.get_by_label("Почему").fill("Устарели")
    await desk.get_by_role("button", name="Вывести из действия: 3").click()
    await expect(desk.get_by_text("Сделано: 3")).to_be_visible()
    assert await audit(desk) == []


async def test_a_requirement_is_repealed_and_restored_by_hand(desk: Page, house: Server) -> None:
    await desk.goto(f"{house.address}/staff/requirements")
    await desk.get_by_label("Код или слова названия").press_sequentially("доврачебная")
    await desk.locator("#found").get_by_role("link", name="СД-04").click()
    await desk.get_by_label("Документ или причина").fill("Приказ № 7н")
    await desk.get_by_role("button", name="Дальше").click()
    await expect(desk.get_by_role("heading", level=1)).to_contain_text("Отменить требование")
    await desk.get_by_role("button", name="Да, отменить требование").click()
    await expect(desk.get_by_text("Приказ № 7н")).to_be_visible()
    assert await audit(desk) == []
    await desk.get_by_role("button", name="Вернуть в действие").click()
    await expect(desk.get_by_text("Требование снова действует")).to_be_visible()


async def test_the_list_works_without_a_script(contexts: Contexts, house: Server, database: Database) -> None:
    page = await (await enter(contexts, house, database, java_script_enabled=False)).new_page()
    await page.goto(f"{house.address}/staff/bank")
    await page.get_by_label("Слова, номер или код требования").fill("инфаркт")
    await page.get_by_role("button", name="Показать").click()
    await expect(page.locator("#found mark").first).to_be_visible()
    await page.locator('#found input[name="item"]').first.check()
    await page.get_by_label("Что сделать").select_option("requirement")
    await page.get_by_role("button", name="Дальше").click()
    await expect(page.get_by_label("К какому требованию")).to_be_visible()
