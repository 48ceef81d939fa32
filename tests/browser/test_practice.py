"""A whole practice run at a browser: begun from the cabinet, each item explained, with a picture and a table in it."""

import msgspec
from playwright.async_api import Page, expect

from core.database import Database
from core.ids import BlueprintId, SittingId
from core.web.language import COOKIE as LANGUAGE
from exam_server.store import load_sitting
from question_bank.blueprint_store import save_blueprint
from question_bank.blueprints import Cell
from question_bank.items import Item, Role
from question_bank.store import load_items
from tests.browser.audit import audit
from tests.browser.conftest import Booths, Contexts
from tests.browser.examinee import PATIENCE_MS
from tests.browser.exams import make_blueprint
from tests.server.conftest import wait_for
from tests.server.processes import Server

TITLE = "Тренировка с рисунком и таблицей"
PICTURED = msgspec.structs.replace(
    make_blueprint(BlueprintId("practice-4"), TITLE, (Cell("ЛД-02", "four_option", 3), Cell("ЛД-04", "case", 1))),
    navigation="linear",
    flags=False,
    practice=True,
    explanations="item",
)
WITH_PICTURE, WITH_TABLE = "ld-r2", "ld-rc1"
LOADED = "() => [...document.images].every(one => one.complete && one.naturalWidth > 0)"


def prepare(server: Server) -> None:
    async def plan() -> None:
        database = Database(server.url, pool_size=1)
        try:
            async with database.transaction() as connection:
                await save_blueprint(connection, PICTURED, 1)
        finally:
            await database.close()

    wait_for(plan)


class Trainee:
    """A candidate who begins practice from the cabinet, and knows the keys."""

    def __init__(self, page: Page, address: str, database: Database) -> None:
        self.page = page
        self.address = address
        self.database = database
        self.sitting = SittingId(0)
        self.items: list[Item] = []
        page.set_default_timeout(PATIENCE_MS)

    async def begin(self) -> None:
        await self.page.goto(f"{self.address}/cabinet/practice")
        row = self.page.locator("article.row").filter(has_text=TITLE)
        await row.get_by_role("button", name="Начать").click()
        await self.page.wait_for_url("**/exam/*")
        self.sitting = SittingId(int(self.page.url.rpartition("/")[2]))
        async with self.database.transaction() as connection:
            entries = (await load_sitting(connection, self.sitting)).form.entries
            found = await load_items(connection, [(entry.item, entry.version) for entry in entries])
        self.items = [found[entry.item, entry.version] for entry in entries]
        await expect(self.page.get_by_text("Это тренировка")).to_be_visible()
        await self.page.get_by_role("button", name="Начать тренировку").click()
        await self.heading("Задание", 0)

    async def heading(self, word: str, position: int) -> None:
        heading = self.page.get_by_role("heading", level=1)
        await expect(heading).to_have_text(f"{word} {position + 1} из {len(self.items)}")

    async def choose(self, position: int, stage: int, right: bool) -> None:
        """Choose what earns the whole stage, or a distractor."""
        wanted = {Role.KEY, Role.REQUIRED} if right else {Role.DISTRACTOR}
        chosen = [one.id for one in self.items[position].stages[stage].choices if one.role in wanted]
        for choice in chosen if right else chosen[:1]:
            await self.page.locator(f'.stage input[value="{choice}"]').check()
        await expect(self.page.locator(".saved--done")).to_be_visible()

    async def answer(self, position: int, right: bool) -> None:
        stages = self.items[position].stages
        for stage in range(len(stages)):
            await expect(self.page.locator(f'.stage[data-stage="{stage}"]')).to_be_visible()
            await self.choose(position, stage, right or stage > 0)
            if self.items[position].kind == "case":
                await self.page.get_by_role("button", name="Завершить шаг").click()
                await self.page.get_by_role("dialog").get_by_role("button", name="Завершить шаг").click()
            else:
                await self.page.get_by_role("button", name="Проверить ответ").click()

    async def go_on(self) -> None:
        await self.page.get_by_role("button", name="Дальше").click()


async def test_a_whole_run_explains_every_item_before_the_next(
    house: Server, contexts: Contexts, booths: Booths, database: Database
) -> None:
    booth = await booths(house)
    context = await contexts(*booth.cookie.values(), house.address)
    trainee = Trainee(await context.new_page(), house.address, database)
    page = trainee.page
    faults: dict[str, list[str]] = {}
    await trainee.begin()
    for position, item in enumerate(trainee.items):
        if item.id == WITH_PICTURE:
            await trainee_looks_at_the_picture(page)
            faults["an item with a picture"] = await audit(page)
        if item.id == WITH_TABLE:
            table = page.get_by_role("region", name="Анализы при поступлении").get_by_role("table")
            await expect(table.get_by_role("columnheader", name="Показатель")).to_be_visible()
            await expect(table.get_by_role("row")).to_have_count(7)
            faults["a case with a table"] = await audit(page)
        right = position % 2 == 0
        await trainee.answer(position, right)
        if position + 1 < len(trainee.items):
            await trainee.heading("Разбор задания", position)
            assert await page.locator(".item-clock").count() == 0, "the clock of an item runs"
        else:
            await expect(page.get_by_role("heading", name="Разбор последнего задания")).to_be_visible()
        verdict = page.locator(".explanation__verdict").first
        await expect(verdict).to_have_text("Верно" if right else "Неверно")
        mine = page.locator(".explanation__option", has_text="ваш ответ").first
        await expect(mine).to_contain_text("верно" if right else "неверно")
        await expect(page.locator(".explanation__option--right").first).to_be_visible()
        await expect(page.get_by_role("heading", name="Почему так")).to_be_visible()
        if item.id == WITH_PICTURE:
            await page.wait_for_function(LOADED)
            faults["an explanation"] = await audit(page)
            await page.reload()
            await trainee.heading("Разбор задания", position)
            await expect(verdict).to_be_visible()
        if position + 1 < len(trainee.items):
            await trainee.go_on()
            await trainee.heading("Задание", position + 1)
    await expect(page.get_by_role("heading", name="Тренировка завершена")).to_be_visible()
    await page.get_by_role("link", name="Посмотреть, что получилось").click()
    await expect(page.get_by_role("heading", name="Тренировка завершена:")).to_be_visible()
    await page.get_by_role("link", name="Разобрать ошибки").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("из")
    assert await page.locator("details[open]").count() == 2
    picture = page.locator('img[alt^="Полоска ЭКГ"]')
    await page.locator("details", has=picture).evaluate("one => { one.open = true; }")
    await picture.scroll_into_view_if_needed()
    await page.wait_for_function("() => [...document.images].some(one => one.naturalWidth === 960)")
    assert "<p>" not in await page.locator("main").inner_text()
    faults["a run reviewed"] = await audit(page)
    await page.goto(f"{house.address}/cabinet/practice")
    await expect(page.get_by_role("heading", name="Ошибки по требованиям")).to_be_visible()
    for mistake in await page.locator("details.mistake summary").all():
        await mistake.click()
    faults["practice in the cabinet"] = await audit(page)
    assert {place: found for place, found in faults.items() if found} == {}


async def trainee_looks_at_the_picture(page: Page) -> None:
    """It has its place before it comes, is described, and opens large by key and closes again."""
    button = page.locator(".item__stem").get_by_role("button", name="Увеличить изображение")
    image = button.locator("img")
    assert (await image.get_attribute("width"), await image.get_attribute("height")) == ("960", "216")
    assert "сегмент ST" in (await image.get_attribute("alt") or "")
    await page.wait_for_function(LOADED)
    await button.focus()
    await page.keyboard.press("Enter")
    large = page.get_by_role("dialog")
    await expect(large.locator("img")).to_be_visible()
    await large.get_by_role("button", name="Настоящий размер").click()
    assert await large.locator("img").evaluate("one => one.getBoundingClientRect().width") == 960
    await page.keyboard.press("Escape")
    await expect(large).to_have_count(0)


async def test_a_picture_is_refused_once_its_item_is_left_behind(
    house: Server, contexts: Contexts, booths: Booths, database: Database
) -> None:
    booth = await booths(house)
    context = await contexts(*booth.cookie.values(), house.address)
    trainee = Trainee(await context.new_page(), house.address, database)
    await trainee.begin()
    page = trainee.page
    place = next(n for n, item in enumerate(trainee.items) if item.id == WITH_PICTURE)
    for position in range(place):
        await trainee.answer(position, True)
        await trainee.go_on()
        await trainee.heading("Задание", position + 1)
    await page.wait_for_function(LOADED)
    address = await page.locator(".item__stem img").get_attribute("src")
    status = "address => fetch(address).then(answer => answer.status)"
    assert await page.evaluate(status, address) == 200
    assert await page.evaluate(status, f"{address}x") == 403
    other = await booths(house)
    stranger = await (await contexts(*other.cookie.values(), house.address)).new_page()
    await stranger.goto(f"{house.address}/cabinet")
    assert await stranger.evaluate(status, address) == 403


async def test_hostile_markup_builds_nothing(house: Server, contexts: Contexts, booths: Booths) -> None:
    booth = await booths(house)
    page = await (await contexts(*booth.cookie.values(), house.address)).new_page()
    await page.goto(f"{house.address}/cabinet")
    built = await page.evaluate(
        """async () => {
            const { Text } = await import("/static/exam_server/rich.js");
            const { Exam } = await import("/static/exam_server/pieces.js");
            const { html, render } = await import("/static/core/vendor/preact-htm.js");
            const place = document.createElement("div");
            const text = `<p onclick="x()">a<script>window.bad = 1</` + `script>
                <img src=x onerror="window.bad = 2" data-asset="a-1" alt="alt">
                <a href="javascript:window.bad = 3">link</a><svg onload="window.bad = 4"></svg>
                <iframe srcdoc="<b>"></iframe>
                <style>*{}</style><b style="color:red">b</b></p>
                <table><tr><td colspan="2" onmouseover="x()">1</td></tr></table>`;
            const model = { data: { icons: "" } };
            render(html`<${Exam.Provider} value=${{ model, act: {}, say: key => key }}>
                <${Text} text=${text} markup="html" block /><//>`, place);
            document.body.append(place);
            await new Promise(done => setTimeout(done));
            const all = [...place.querySelectorAll("*")];
            return { tags: [...new Set(all.map(one => one.localName))].sort(), bad: window.bad ?? null,
                     names: [...new Set(all.flatMap(one => one.getAttributeNames()))].sort() };
        }"""
    )
    assert built["bad"] is None
    assert set(built["tags"]) <= {"div", "p", "span", "svg", "use", "table", "tbody", "tr", "td"}
    assert not [name for name in built["names"] if name.startswith("on") or name in ("style", "src", "srcdoc")]


async def test_formulas_are_built_of_what_is_allowed_and_stay_in_the_page(
    house: Server, contexts: Contexts, booths: Booths
) -> None:
    booth = await booths(house)
    page = await (await contexts(*booth.cookie.values(), house.address)).new_page()
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(f"{house.address}/cabinet")
    built = await page.evaluate(
        """async () => {
            const { Text } = await import("/static/exam_server/rich.js");
            const { Exam } = await import("/static/exam_server/pieces.js");
            const { html, render } = await import("/static/core/vendor/preact-htm.js");
            const place = document.createElement("div");
            const terms = "<mo>+</mo><mtext>слагаемое</mtext>".repeat(20);
            const text = `<p>a <math alttext="доля" href="javascript:window.bad = 1" onclick="window.bad = 2"><mfrac
                linethickness="99em"><mi mathvariant="normal" style="color:red">x</mi><msqrt><mn>2</mn></msqrt></mfrac>
                <annotation-xml encoding="text/html"><img src=x onerror="window.bad = 3"></annotation-xml>
                <mtext><img src=x onerror="window.bad = 4">m</mtext>
                <maction actiontype="statusline"><mi>y</mi></maction></math></p>
                <math display="block">${terms}</math>`;
            const model = { data: { icons: "" } };
            const draw = () => render(html`<${Exam.Provider} value=${{ model, act: {}, say: key => key }}>
                <${Text} text=${text} markup="html" block /><//>`, place);
            document.body.append(place);
            draw();
            await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
            const [first, wide] = place.querySelectorAll("math");
            draw();
            const all = [...first.querySelectorAll("*"), first];
            return {
                namespaces: [...new Set(all.map(one => one.namespaceURI))],
                tags: all.map(one => one.localName),
                names: [...new Set(all.flatMap(one => one.getAttributeNames()))].sort(),
                label: first.getAttribute("aria-label"), text: first.textContent, bad: window.bad ?? null,
                kept: place.querySelector("math") === first,
                reachable: wide.parentNode.tabIndex, fraction: first.firstChild.getBoundingClientRect().height,
                overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
            };
        }"""
    )
    assert built["namespaces"] == ["http://www.w3.org/1998/Math/MathML"]
    assert built["tags"] == ["mfrac", "mi", "msqrt", "mn", "mtext", "math"]
    assert built["names"] == ["alttext", "aria-label", "mathvariant", "role"]
    assert (built["label"], built["text"], built["bad"]) == ("доля", "x2m", None)
    assert built["kept"]
    assert built["fraction"] > 20
    assert (built["reachable"], built["overflow"]) == (0, 0)


async def test_practice_speaks_english(house: Server, contexts: Contexts, booths: Booths) -> None:
    booth = await booths(house)
    context = await contexts(*booth.cookie.values(), house.address)
    await context.add_cookies([{"name": LANGUAGE, "value": "en", "url": house.address}])
    page = await context.new_page()
    await page.goto(f"{house.address}/cabinet/practice")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Practice")
    await page.locator("article.row").filter(has_text=TITLE).get_by_role("button", name="Begin").click()
    await page.get_by_role("button", name="Start practice").click()
    await page.locator(".choice__mark").first.check()
    await page.get_by_role("button", name="Check the answer").click()
    await expect(page.get_by_role("heading", name="Why")).to_be_visible()
    await expect(page.get_by_text("your answer")).to_be_visible()
