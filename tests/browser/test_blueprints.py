"""A methodologist builds a blueprint that can't be filled, is told at once, and mends it."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from core.access import find_person
from core.database import Database
from tests.browser.audit import audit
from tests.browser.conftest import Contexts
from tests.browser.watchman import Watchman
from tests.server.booth import sign_in
from tests.server.processes import Server

Desks = Callable[..., Awaitable[Page]]


@pytest.fixture
def desks(house: Server, database: Database, contexts: Contexts) -> Desks:
    """`await desks(path)`: a methodologist's page."""

    async def open_desk(path: str, **options: object) -> Page:
        async with database.transaction() as connection:
            found = await find_person(connection, "metodist")
        assert found is not None
        context = await contexts(await sign_in(database, found.id), house.address, **options)
        page = await context.new_page()
        await page.goto(house.address + path)
        return page

    return open_desk


def told(page: Page, text: str) -> Locator:
    """What the bank says to the draft."""
    return page.locator("#supply").get_by_text(text)


async def look(page: Page, name: str) -> None:
    """A picture for whoever asks for one."""
    if folder := os.environ.get("BLUEPRINT_PICTURES"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


async def test_a_blueprint_that_cannot_be_filled_is_built_and_mended(desks: Desks, house: Server) -> None:
    page = await desks("/staff/blueprints/new")
    watchman = Watchman(page)
    await page.get_by_label("Специальность").select_option("31.05.01")
    await page.get_by_role("button", name="Продолжить").click()
    await expect(page.get_by_text("Впишите в таблицу, сколько заданий нужно.")).to_be_visible()

    first = page.locator("section.card").first
    await first.get_by_label("По уровням").check()
    cell = first.get_by_label("ЛД-01, Знание:")
    await cell.fill("7")
    await expect(told(page, "Набор собрать нельзя")).to_be_visible()
    await expect(page.get_by_text("ЛД-01, знание: нужно 7, есть 6, не хватает 1.")).to_be_visible()
    await expect(cell).to_have_attribute("aria-invalid", "true")
    assert await audit(page) == []
    await look(page, "unfillable")

    # By keyboard to the next row, where there is enough.
    await cell.press("ArrowDown")
    await page.keyboard.type("2")
    await expect(first.get_by_label("ЛД-02, Знание:")).to_have_value("2")

    await page.get_by_label("Название", exact=True).fill("Экзамен методиста")
    await page.get_by_label("Код", exact=True).fill("metodist-1")
    await page.get_by_role("button", name="Сохранить новой версией").click()
    await expect(page).to_have_url(f"{house.address}/staff/blueprints/metodist-1?done=blueprint")
    await expect(page.get_by_text("Набор собрать нельзя")).to_be_visible()
    assert await audit(page) == []

    await page.get_by_role("link", name="Править").click()
    await page.get_by_role("button", name="снять уровень").click()
    await expect(told(page, "Набор собрать можно")).to_be_visible()
    await expect(page.locator("section.card").first.get_by_label("ЛД-01, Любые:")).to_have_value("7")
    await page.get_by_role("button", name="Собрать пример").click()
    await expect(page.get_by_role("rowheader", name="Набор 3")).to_be_visible()
    assert await audit(page) == []
    await look(page, "mended")
    await page.get_by_role("button", name="Сохранить новой версией").click()
    await expect(page.get_by_text("Последняя версия 2")).to_be_visible()
    await page.get_by_role("link", name="от версии 1").click()
    await expect(page.get_by_role("heading", name="Что изменилось от версии 1 к версии 2")).to_be_visible()
    assert await audit(page) == []
    await look(page, "difference")
    assert watchman.take() == []


async def test_a_column_is_pasted_and_arrows_walk_the_grid(desks: Desks) -> None:
    page = await desks("/staff/blueprints/new?speciality=31.05.01")
    first = page.locator("section.card").first
    start = first.get_by_label("ЛД-01, Заданий / в банке:")
    await start.focus()
    await page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.setData("text/plain", "1\\r\\n2\\r\\nмного\\r\\n4\\r\\n");
            document.activeElement.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true,
                cancelable: true}));
        }"""
    )
    await expect(first.get_by_text("Вставлено значений: 3. Не подошло: 1")).to_be_visible()
    for code, value in (("ЛД-01", "1"), ("ЛД-02", "2"), ("ЛД-03", ""), ("ЛД-04", "4")):
        await expect(first.get_by_label(f"{code}, Заданий / в банке:")).to_have_value(value)
    await page.keyboard.press("Enter")
    await expect(first.get_by_label("ЛД-02, Заданий / в банке:")).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(start).to_be_focused()

    # Columns that go are added up, and can be had back.
    await first.get_by_label("По трудности").check()
    await first.get_by_label("ЛД-01, Лёгкие:").fill("2")
    await first.get_by_label("По трудности").uncheck()
    await expect(start).to_have_value("3")
    await first.get_by_role("button", name="Вернуть как было").click()
    await expect(first.get_by_label("ЛД-01, Лёгкие:")).to_have_value("2")


async def test_what_makes_no_sense_is_told_at_its_field_and_nothing_is_lost(desks: Desks) -> None:
    page = await desks("/staff/blueprints/ld-12/edit")
    watchman = Watchman(page)
    await expect(told(page, "Набор собрать можно")).to_be_visible()
    first = page.locator("section.card").first
    await first.get_by_label("ЛД-01, Заданий / в банке:").fill("x")
    await expect(told(page, "Исправьте отмеченное")).to_be_visible()
    await page.get_by_label("Порог прохождения, %").fill("101")
    await expect(page.get_by_text("Порог — целое число процентов от 1 до 100.")).to_be_visible()
    assert await audit(page) == []
    await page.get_by_role("button", name="Сохранить новой версией").click()
    await expect(page.get_by_role("alert").filter(has_text="Не сохранено")).to_be_visible()
    await expect(page.get_by_label("Порог прохождения, %")).to_have_value("101")
    await look(page, "refused")
    await first.get_by_label("ЛД-01, Заданий / в банке:").fill("1")
    await page.get_by_label("Порог прохождения, %").fill("85")
    await expect(told(page, "Набор собрать можно")).to_be_visible()
    complaints = [one for one in watchman.take() if "status of 422" not in one]
    assert complaints == []


async def test_it_speaks_english_and_fits_a_phone(desks: Desks) -> None:
    page = await desks("/staff/blueprints/ld-12/edit", viewport={"width": 390, "height": 844}, has_touch=True)
    await page.get_by_role("button", name="English").click()
    await expect(told(page, "Forms can be drawn")).to_be_visible()
    await look(page, "phone")
    words = await page.locator("main").inner_text()
    left = {word for word in ("Заданий", "Раздел", "Сохранить", "Порог", "Требование", "Любое") if word in words}
    assert left == set()
    assert await audit(page) == []


async def test_parallel_forms_are_searched_for_and_judged_by_their_curves(desks: Desks) -> None:
    page = await desks("/staff/blueprints/ld-12/forms")
    watchman = Watchman(page)
    await expect(page.get_by_text("Готовых наборов пока нет")).to_be_visible()
    await page.get_by_label("Искать не дольше, секунд").fill("5")
    await page.get_by_role("button", name="Подобрать").click()
    await (
        page.get_by_role("link", name="Открыть отчёт").or_(page.locator(".curves").first).first.wait_for(timeout=60_000)
    )
    await page.reload()
    await expect(page.locator(".curves polyline")).to_have_count(4)
    assert await audit(page) == []
    await look(page, "forms")
    assert watchman.take() == []
