"""Two methodologists at their desks: an item written, reviewed, approved; nothing lost on the way, and no barrier."""

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from core.database import Database
from core.ids import ItemId
from question_bank.items import Item
from question_bank.store import load_items
from question_bank.version_store import load_line
from tests.browser.audit import audit
from tests.browser.watchman import Watchman
from tests.server.processes import Server

Desks = Callable[[str], Awaitable[Page]]

STEM = "Какой препарат вводят первым при анафилактическом шоке у взрослого пациента?"
OPTIONS = (
    "Преднизолон внутривенно",
    "Эпинефрин внутримышечно",
    "Хлоропирамин внутримышечно",
    "Аминофиллин внутривенно",
)
MENDED, CONTESTED, LEFT_OPEN, CASE = "ld-003", "ld-004", "ld-005", "ld-c1"
PASTED = """<meta charset="utf-8"><style>p{color:red}</style><script>window.stolen = 1</script>
<h1 style="color:red" onclick="x()">Доза</h1><p class=MsoNormal><b style='mso-bidi-font-weight:normal'>5</b>&nbsp;мг
<a href="javascript:x()">в сутки</a></p><ul><li>утром<li>вечером</ul>
<img src="https://elsewhere.test/a.png" onerror="x()"><svg><script>x()</script></svg>
<iframe src="//elsewhere.test"></iframe>"""


async def edit(page: Page, house: Server, path: str) -> str:
    """Open the editor; returns the number of the item."""
    await page.goto(f"{house.address}/staff/bank/{path}")
    await expect(page.locator(".editor__form")).to_be_visible()
    match = re.search(r"/bank/([^/]+)/edit", page.url)
    assert match
    return match[1]


async def tab_to(page: Page, selector: str, most: int = 30) -> None:
    """Press Tab until the field has the focus: it is reached by keyboard, and on the way that the eye goes."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached by {most} presses of Tab")


async def newest(database: Database, item: str) -> tuple[str, Item]:
    """State and text of the newest version."""
    async with database.transaction() as connection:
        line = await load_line(connection, ItemId(item))
        key = (ItemId(item), line.latest)
        return line.versions[0].state, (await load_items(connection, [key]))[key]


async def test_an_item_is_written_by_keyboard_reviewed_and_approved_by_two_people(
    house: Server, database: Database, desks: Desks
) -> None:
    author, reviewer = await desks("metodist"), await desks("metodist2")
    watched = [Watchman(author), Watchman(reviewer)]
    item = await edit(author, house, "new")
    await tab_to(author, "#f-stem")
    await author.keyboard.type(STEM)
    for number, option in enumerate(OPTIONS):
        await tab_to(author, f"#f-0-{number}")
        await author.keyboard.type(option)
    await author.keyboard.press("Control+ArrowUp")
    await expect(author.locator("#f-0-2")).to_be_focused()
    await author.keyboard.press("Alt+2")
    await expect(author.locator("input[name=key-0]").nth(1)).to_be_checked()
    await expect(author.locator("[data-preview] .choice__text")).to_have_text(
        [OPTIONS[0], OPTIONS[1], OPTIONS[3], OPTIONS[2]]
    )
    await author.keyboard.press("Control+Enter")
    await expect(author.locator(".banner--danger")).to_contain_text("заполнено неверно")
    await expect(author.locator("#f-requirement-error")).to_have_text("Заполните поле.")
    await tab_to(author, "#f-speciality")
    await author.keyboard.type("31.05.01")
    await tab_to(author, "#f-requirement")
    await author.keyboard.type("лд-01")
    await expect(author.locator("#f-requirement-list li").first).to_contain_text("ЛД-01")
    await author.keyboard.press("Enter")
    await expect(author.locator("#f-requirement")).to_have_value(re.compile("^ЛД-01 "))
    await author.keyboard.press("Control+Enter")
    await expect(author.locator(".banner--ok")).to_contain_text("Версия 1 отправлена на проверку")

    page = f"{house.address}/staff/bank/{item}"
    await author.goto(page)
    await expect(author.get_by_text("Вы автор этой версии: утвердит другой методист.")).to_be_visible()
    await expect(author.get_by_role("button", name="Утвердить")).to_have_count(0)
    await reviewer.goto(page)
    await reviewer.get_by_label("О чём").select_option("Шаг 1: Варианты ответа")
    await reviewer.get_by_label("Комментарий").fill("Добавьте дозу.")
    await reviewer.get_by_role("button", name="Сказать").click()
    await expect(reviewer.locator(".life__words")).to_have_text("Добавьте дозу.")
    await reviewer.get_by_role("button", name="Вернуть автору").click()
    await expect(reviewer.locator("#f-words-error")).to_have_text("Напишите, почему.")
    watched[1].take()  # the refusal
    await reviewer.get_by_label("Что сказать").fill("Нужна доза.")
    await reviewer.get_by_role("button", name="Вернуть автору").click()
    await expect(reviewer.get_by_text("Версия возвращена автору.")).to_be_visible()

    await edit(author, house, f"{item}/edit")
    await expect(author.locator(".editor__comment")).to_contain_text("Добавьте дозу.")
    await expect(author.locator(".banner--info")).to_contain_text("Нужна доза.")
    await author.locator("#f-0-1").fill("Эпинефрин 0,5 мг внутримышечно")
    await author.get_by_role("button", name="Сохранить и отправить на проверку").click()
    await expect(author.locator(".banner--ok")).to_contain_text("Версия 2 отправлена на проверку")
    await expect(author.locator("[data-state=idle]")).to_contain_text("Версия 2 отправлена на проверку")
    await reviewer.goto(f"{page}?version=2&against=1")
    await expect(reviewer.locator(".difference ins")).to_have_text("0,5 мг ")
    assert await audit(reviewer) == []
    for button, said in (("Утвердить", "Версия утверждена."), ("Ввести в действие", "Версия действует")):
        await reviewer.get_by_role("button", name=button, exact=True).click()
        await expect(reviewer.get_by_text(said).first).to_be_visible()
    state, written = await newest(database, item)
    assert (state, written.stem, written.stages[0].choices[1].role) == ("active", STEM, "key")
    assert [complaint for one in watched for complaint in one.take() if "status of 4" not in complaint] == []


async def test_a_page_loaded_again_in_the_middle_of_a_word_has_lost_nothing(
    house: Server, database: Database, desks: Desks
) -> None:
    page = await desks("metodist")
    await edit(page, house, f"{MENDED}/edit")
    before = await page.locator("#f-stem").input_value()
    await page.locator("#f-stem").press("End")
    await page.locator("#f-stem").press_sequentially(" Недопис")
    await page.reload()
    await expect(page.locator("#f-stem")).to_have_value(f"{before} Недопис")
    await expect(page.locator(".banner__title")).to_contain_text("Вы не закончили правку")
    await page.get_by_role("button", name="Продолжить").click()
    await expect(page.locator("[data-state=idle]")).to_contain_text("Черновик записан")
    assert await page.evaluate("localStorage.length") == 0, "what the server has is not kept here"

    await page.context.set_offline(True)
    await page.locator("#f-stem").press("End")
    await page.locator("#f-stem").press_sequentially("анное")
    await expect(page.locator(".banner--warn")).to_contain_text("Нет связи с сервером")
    assert await page.evaluate("localStorage.length") == 1
    await page.context.set_offline(False)
    await expect(page.locator("[data-state=idle]")).to_contain_text("Черновик записан")
    other = await desks("metodist")
    await edit(other, house, f"{MENDED}/edit")
    await expect(other.locator("#f-stem")).to_have_value(f"{before} Недописанное")
    await other.get_by_role("button", name="Отбросить").click()
    await other.get_by_role("dialog").get_by_role("button", name="Отбросить").click()
    await expect(other.locator("#f-stem")).to_have_value(before)
    await other.reload()
    await expect(other.locator("#f-stem")).to_have_value(before)
    assert (await newest(database, MENDED))[1].version == 1


async def test_of_two_authors_the_second_sees_what_the_first_has_changed_and_keeps_the_own_text(
    house: Server, database: Database, desks: Desks
) -> None:
    first, second = await desks("metodist"), await desks("metodist2")
    for page, words in ((first, "Первый текст?"), (second, "Второй текст?")):
        await edit(page, house, f"{CONTESTED}/edit")
        await page.locator("#f-stem").fill(words)
    await first.keyboard.press("Control+s")
    await expect(first.locator(".banner--ok")).to_contain_text("Версия 2 сохранена")
    await second.keyboard.press("Control+s")
    await expect(second.locator("#overtaken-title")).to_contain_text("Орлова Вера Ильинична: версия 2 сохранена")
    await expect(second.locator("#overtaken del").first).to_have_text("Первый")
    await expect(second.locator("#overtaken ins").first).to_have_text("Второй")
    await expect(second.locator("#f-stem")).to_have_value("Второй текст?")
    assert await audit(second) == []
    await second.get_by_role("button", name="Сохранить мой текст следующей версией").click()
    await expect(second.locator(".banner--ok")).to_contain_text("Версия 3 сохранена")
    state, written = await newest(database, CONTESTED)
    assert (state, written.version, written.stem) == ("draft", 3, "Второй текст?")


async def test_an_edit_that_was_left_open_meets_what_was_saved_meanwhile(house: Server, desks: Desks) -> None:
    slow, quick = await desks("metodist"), await desks("metodist2")
    await edit(slow, house, f"{LEFT_OPEN}/edit")
    await slow.locator("#f-stem").fill("Начатое вчера?")
    await expect(slow.locator("[data-state=idle]")).to_contain_text("Черновик записан")
    await edit(quick, house, f"{LEFT_OPEN}/edit")
    await quick.locator("#f-stem").fill("Сохранённое сегодня?")
    await quick.keyboard.press("Control+s")
    await expect(quick.locator(".banner--ok")).to_contain_text("Версия 2 сохранена")
    await slow.reload()
    await expect(slow.locator("#overtaken-title")).to_contain_text("Савельев Игорь Константинович: версия 2 сохранена")
    await expect(slow.locator("#f-stem")).to_have_value("Начатое вчера?")
    await slow.get_by_role("button", name="Взять версию 2").click()
    await slow.get_by_role("dialog").get_by_role("button", name="Взять").click()
    await expect(slow.locator("#f-stem")).to_have_value("Сохранённое сегодня?")


async def test_of_two_tabs_the_newer_one_has_the_item(house: Server, desks: Desks) -> None:
    page = await desks("metodist")
    item = await edit(page, house, "new")
    await page.locator("#f-stem").fill("Из первой вкладки")
    await expect(page.locator("[data-state=idle]")).to_contain_text("Черновик записан")
    newer = await page.context.new_page()
    await edit(newer, house, f"{item}/edit")
    await expect(newer.locator("#f-stem")).to_have_value("Из первой вкладки")
    await expect(page.locator(".banner--warn")).to_contain_text("Задание открыто в другой вкладке")
    await newer.locator("#f-stem").fill("Из второй вкладки")
    await expect(newer.locator("[data-state=idle]")).to_contain_text("Черновик записан")
    await page.get_by_role("button", name="Продолжить здесь").click()
    await expect(page.locator("#f-stem")).to_have_value("Из второй вкладки")


async def test_what_is_pasted_into_rich_text_leaves_everything_strange_behind(house: Server, desks: Desks) -> None:
    page = await desks("metodist")
    watchman = Watchman(page)
    await edit(page, house, "new")
    await page.get_by_role("button", name="С оформлением").click()
    await page.get_by_role("textbox", name="Условие с вопросом").click()
    await page.evaluate(
        """html => {
            const data = new DataTransfer();
            data.setData("text/html", html);
            document.activeElement.dispatchEvent(
                new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        }""",
        PASTED,
    )
    await page.get_by_role("button", name="Текст с тегами").first.click()
    await expect(page.locator("#f-stem")).to_have_value(
        "<p>Доза</p><p><strong>5</strong> мг в сутки</p><ul><li>утром</li><li>вечером</li></ul>"
    )
    assert await page.evaluate("window.stolen") is None
    assert await page.locator("[data-preview] strong").inner_text() == "5"
    await page.locator("#f-stem").fill("<p>Тег <script>x()</script> и <b>другие</b></p>")
    await expect(page.locator("#f-stem-error")).to_contain_text("<script>")
    assert await page.locator("[data-preview] script").count() == 0
    assert watchman.take() == []


async def test_a_case_is_built_of_stages_and_seen_as_a_candidate_sees_it(
    house: Server, database: Database, desks: Desks
) -> None:
    page = await desks("metodist")
    await edit(page, house, f"{CASE}/edit")
    _, before = await newest(database, CASE)
    await page.get_by_role("button", name="Добавить шаг").click()
    last = len(before.stages)
    await expect(page.locator(f"#f-{last}-prompt")).to_be_focused()
    await page.keyboard.type("Что дальше?")
    for number in range(4):
        await page.locator(f"#f-{last}-{number}").fill(f"Действие {number}")
    await page.get_by_role("button", name=f"Поднять шаг {last + 1}", exact=True).click()
    await expect(page.locator(f"#f-{last - 1}-prompt")).to_have_value("Что дальше?")
    assert await page.locator("[data-preview] .case__reveal").count() == 0, "nobody sees what is to come"
    await page.locator("[data-preview] .choice").first.click()
    await page.get_by_role("button", name="Завершить шаг").click()
    await expect(page.locator("[data-preview] .case__closed")).to_have_count(1)
    await page.get_by_role("button", name="Сохранить версию").click()
    await expect(page.locator(".banner--ok")).to_contain_text("Версия 2 сохранена")
    _, after = await newest(database, CASE)
    assert len(after.stages) == last + 1
    assert after.stages[last - 1].prompt == "Что дальше?"


async def test_the_editor_has_no_barrier_in_any_of_its_states(house: Server, desks: Desks) -> None:
    page = await desks("metodist")
    watchman = Watchman(page)
    faults = {}
    await edit(page, house, "new")
    faults["blank"] = await audit(page)
    await page.locator("#f-stem").fill("Коротко?")
    await page.get_by_role("button", name="Сохранить и отправить на проверку").click()
    await expect(page.locator("#f-speciality-error")).to_be_visible()
    faults["faults"] = await audit(page)
    await page.get_by_role("button", name="С оформлением").click()
    await page.get_by_role("button", name="Ситуационная задача").click()
    faults["rich case"] = await audit(page)
    await page.get_by_role("button", name="Вставить формулу").first.click()
    faults["formula"] = await audit(page)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Клавиши").click()
    faults["keys"] = await audit(page)
    await page.keyboard.press("Escape")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.get_by_role("button", name="Просмотр").click()
    await expect(page.locator("[data-preview]")).to_be_visible()
    await expect(page.locator(".editor__form")).to_be_hidden()
    assert {state: found for state, found in faults.items() if found} == {}
    assert [one for one in watchman.take() if "status of 422" not in one] == []
