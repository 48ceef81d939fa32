"""A methodologist brings in a file with faults and takes its items away again, in a real browser, without a barrier."""

import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Page, expect

from tests.browser.audit import audit
from tests.browser.watchman import Watchman
from tests.server.processes import Server

Desks = Callable[[str], Awaitable[Page]]

GOOD = "Какой препарат вводят первым при анафилактическом шоке?"
FILE = f"""// a bank of others
{GOOD} {{=Эпинефрин ~Преднизолон ~Хлоропирамин ~Аминофиллин}}

::Три варианта:: Сколько камер в сердце человека? {{~Две =Четыре ~Шесть}}

{GOOD} {{=Эпинефрин ~Преднизолон ~Хлоропирамин ~Аминофиллин}}

Опишите <script>alert(1)</script> тактику при тромбоэмболии лёгочной артерии. {{}}

Сопоставьте. {{=А -> 1 =Б -> 2 =В -> 3}}
"""
DROP = """([target, name, text]) => {
    const data = new DataTransfer();
    data.items.add(new File([text], name));
    for (const kind of ["dragenter", "dragover", "drop"]) {
        const event = new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: data});
        document.querySelector(target).dispatchEvent(event);
    }
}"""


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


async def test_a_file_with_faults_is_judged_read_about_brought_in_and_taken_away(
    house: Server, desks: Desks, tmp_path: Path
) -> None:
    page = await desks("metodist")
    watch = Watchman(page)
    file = tmp_path / "чужой банк.gift"
    file.write_text(FILE, encoding="utf-8")
    await page.goto(f"{house.address}/staff/bank")
    await page.get_by_role("link", name="Загрузить из файла").click()
    await expect(page.get_by_role("heading", name="Загрузка заданий")).to_be_visible()
    assert await audit(page) == []
    await page.get_by_label("Файл с заданиями").set_input_files(file)
    await expect(page.get_by_text("По содержимому это GIFT.")).to_be_visible()
    assert await audit(page) == []
    await page.get_by_label("Требование", exact=True).select_option("31.05.01/ЛД-01")
    await page.get_by_role("button", name="Проверить файл").click()

    await expect(page.get_by_role("heading", name="Что с заданиями")).to_be_visible()
    counts = await page.locator("dl.kv dd").all_inner_texts()
    assert counts == ["5", "2", "0", "0", "1", "2"]
    await expect(page.locator("tbody tr").first).to_be_visible()
    assert await audit(page) == []
    await page.get_by_label("Показать").select_option("rejection")
    await page.get_by_role("button", name="Показать").click()
    await expect(page.locator("tbody tr")).to_have_count(2)
    await page.get_by_role("link", name="Исходный текст").first.click()
    await expect(page.locator("pre")).to_contain_text("Опишите <script>alert(1)</script> тактику")
    assert await audit(page) == []
    await page.get_by_role("link", name="К отчёту").click()
    async with page.expect_download() as report:
        await page.get_by_role("link", name="CSV").click()
    assert "будет отклонено" in read(await (await report.value).path())
    await page.get_by_role("button", name="Загрузить заданий: 2").click()

    await expect(page.get_by_text("Загружено заданий: 2")).to_be_visible()
    assert await audit(page) == []
    brought = page.locator("section", has=page.get_by_role("heading", name="Загруженные задания")).locator(
        "a[href*=version]"
    )
    items = await brought.all_inner_texts()
    assert len(items) == 2
    await brought.first.click()
    await expect(page.get_by_text(GOOD).first).to_be_visible()

    await page.goto(f"{house.address}/staff/bank?where=draft")
    await page.get_by_label("Слова, номер или код требования").fill(items[0])
    await expect(page.locator("#found tbody tr")).to_have_count(1)
    await page.get_by_role("link", name="Выгрузить").click()
    await expect(page.locator("dl.kv dd").first).to_have_text("1")
    await expect(page.locator("dl.kv dd").nth(1)).to_have_text(items[0])
    assert await audit(page) == []
    await page.get_by_role("button", name="Выгрузить").click()
    await expect(page.get_by_text("Выберите формат.")).to_be_visible()
    watch.take()  # the refusal
    await page.get_by_label("GIFT").check()
    await page.get_by_role("button", name="Выгрузить").click()
    await expect(page.get_by_text("Файл готов")).to_be_visible()
    assert await audit(page) == []
    async with page.expect_download() as taken:
        await page.get_by_role("link", name="Скачать").click()
    text = read(await (await taken.value).path())
    assert f"[id:{items[0]}]" in text
    assert GOOD in text

    await page.goto(f"{house.address}/staff/bank/export?where=draft&author=me")
    await page.get_by_label("QTI 3.0").check()
    await page.get_by_role("button", name="Выгрузить").click()
    async with page.expect_download() as taken:
        await page.get_by_role("link", name="Скачать").click()
    with zipfile.ZipFile(await (await taken.value).path()) as package:
        told = "".join(package.read(name).decode() for name in package.namelist() if name.endswith(".xml"))
    assert "Сколько камер" in told
    assert items[1] in told
    await page.goto(f"{house.address}/staff/bank/import")
    await expect(page.locator("tbody tr")).to_have_count(2)
    assert await audit(page) == []
    assert watch.take() == []


async def test_what_cannot_be_read_is_told_and_another_file_is_asked_for(house: Server, desks: Desks) -> None:
    page = await desks("metodist")
    watch = Watchman(page)
    await page.goto(f"{house.address}/staff/bank/import")
    await page.evaluate(DROP, ["[data-drop]", "пусто.csv", ""])
    await expect(page.locator("#f-file-said")).to_have_text("Файл пуст. Выберите другой.")
    await expect(page.get_by_label("Файл с заданиями")).to_be_focused()
    assert await audit(page) == []
    await page.evaluate(DROP, ["[data-drop]", "setup.exe", "MZ" + "\x00\x01" * 100])
    await expect(page.get_by_text("По содержимому не понять, какой это формат.")).to_be_visible()
    assert await audit(page) == []
    await page.get_by_label("Формат").select_option("qti")
    await page.get_by_role("button", name="Проверить файл").click()
    await expect(page.get_by_text("Файл прочитан не до конца")).to_be_visible()
    assert await audit(page) == []
    await page.get_by_role("link", name="Проверить этот файл с другими условиями").click()
    await page.get_by_role("button", name="Удалить файл").click()
    await expect(page.get_by_text("Файл удалён.")).to_be_visible()
    assert watch.take() == []
