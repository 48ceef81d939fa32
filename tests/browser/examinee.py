"""A candidate at a browser: reads the page, presses keys and buttons, and remembers what went over the exam socket."""

import json
import re
from collections.abc import Mapping
from typing import Any

from playwright.async_api import Browser, BrowserContext, Locator, Page, WebSocket, expect

from core.access import LOGIN_COOKIE
from core.database import Database
from core.ids import ChoiceId, ItemId, SittingId
from exam_server.events import AnyEvent, Ended, Flagged, Responded, RespondedLate, Shown, StageLocked, Started
from exam_server.sitting import Sitting
from exam_server.store import load_events, load_sitting
from question_bank.items import Item, Role, Stage
from question_bank.store import load_items
from tests.browser.watchman import Watchman
from tests.server.booth import until

PATIENCE_MS = 20_000
QUICK_TITLE = "Демонстрационный экзамен, 20 заданий"

Keys = dict[tuple[ItemId, int], Item]


class Traffic:
    """What the page and the server told each other over exam sockets, in the order of the page."""

    def __init__(self, page: Page) -> None:
        self.sent: dict[int, dict[str, Any]] = {}
        """Edits by their number, as last sent."""
        self.times_sent: dict[int, int] = {}
        self.acknowledged = 0
        self.connections = 0
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        if "/ws/sittings/" in socket.url:
            self.connections += 1
            socket.on("framesent", lambda payload: self._sent(json.loads(payload)))
            socket.on("framereceived", lambda payload: self._received(json.loads(payload)))

    def _sent(self, message: dict[str, Any]) -> None:
        if "seq" in message:
            message.pop("epoch", None)  # of the connection, which no event repeats
            self.sent[message["seq"]] = message
            self.times_sent[message["seq"]] = self.times_sent.get(message["seq"], 0) + 1

    def _received(self, message: dict[str, Any]) -> None:
        if message["type"] in ("ack", "snapshot"):
            self.acknowledged = max(self.acknowledged, message["seq"])


class Examinee:
    """One page of a candidate."""

    def __init__(self, page: Page, address: str, database: Database) -> None:
        self.page = page
        self.address = address
        self.database = database
        self.traffic = Traffic(page)
        self.watchman = Watchman(page)
        self.sitting = SittingId(0)
        page.set_default_timeout(PATIENCE_MS)

    # --- the way in

    async def sign_in(self, login: str, password: str) -> None:
        await sign_in(self.page, self.address, login, password)

    async def enter(self, title: str = QUICK_TITLE) -> None:
        """From the cabinet to the technical check of a booked exam."""
        await self.page.goto(f"{self.address}/cabinet")
        place = self.page.locator(".card--next, article.row").filter(has_text=title)
        await place.get_by_role("button", name="Перейти к тестированию").click()
        await self.page.wait_for_url("**/exam/*")
        self.sitting = SittingId(int(self.page.url.rpartition("/")[2]))

    async def await_check(self) -> dict[str, str]:
        """What the technical check shows when it is done: the result of each line by its name."""
        await expect(self.page.locator("#check-again")).to_be_enabled(timeout=60_000)
        lines = {}
        for line in await self.page.locator("[data-check]").all():
            name = await line.get_attribute("data-check") or ""
            lines[name] = plain(await line.locator(".check__result").inner_text())
        return lines

    async def consent(self, *, biometrics: bool) -> None:
        form = self.page.locator("#consent")
        await form.locator('input[name="processing"]').check()
        await form.locator(f'input[name="biometrics"][value="{"yes" if biometrics else "no"}"]').check()
        await form.get_by_role("button", name="Продолжить").click()

    async def take_reference(self) -> None:
        await self.page.get_by_role("button", name="Сделать фото").click()
        await expect(self.page.locator("#booth-still")).to_be_visible()
        await self.page.get_by_role("button", name="Отправить фото").click()

    async def pass_entrance(self) -> None:
        """Check, consents and the reference picture, up to the start screen."""
        await self.await_check()
        await self.page.locator("#check-go").click()
        await self.consent(biometrics=True)
        await self.take_reference()
        await expect(self.page.get_by_role("button", name="Начать тестирование")).to_be_visible()

    async def open_exam(self) -> None:
        await self.page.goto(f"{self.address}/exam/{self.sitting}")

    async def start(self, items: int = 20) -> None:
        button = self.page.get_by_role("button", name="Начать тестирование")
        await expect(button).to_have_attribute("aria-disabled", "false")
        await button.click()
        await self.await_item(1, items)

    # --- the exam

    async def await_item(self, number: int, items: int = 20) -> None:
        await expect(self.page.locator("h1.item__number")).to_have_text(f"Задание {number} из {items}")
        await expect(self.page.locator("fieldset.stage[inert]")).to_have_count(0)

    @property
    def stage(self) -> Locator:
        """The options that can be chosen now."""
        return self.page.locator("fieldset.stage").last

    def option(self, choice: ChoiceId) -> Locator:
        return self.stage.locator("label.choice").filter(has=self.page.locator(f'input[value="{choice}"]'))

    async def choose(self, choice: ChoiceId, *, keyboard: bool, saved: bool = True) -> None:
        """Choose an option; wait until the page says beside it that it is saved."""
        option = self.option(choice)
        if keyboard:
            values = await self.stage.locator("input").evaluate_all("all => all.map(one => one.value)")
            await self.page.keyboard.press(str(values.index(choice) + 1))
        else:
            await option.click()
        if saved:
            await expect(option.locator(".saved--done")).to_have_text("Сохранено")

    async def answer(self, item: Item, values: list[tuple[ChoiceId, ...]], *, keyboard: bool) -> None:
        """Answer every stage of the item on screen. Stages of a case are completed one after the other."""
        for number, value in enumerate(values):
            for choice in value:
                await self.choose(choice, keyboard=keyboard and len(item.stages[number].choices) < 10)
            if item.kind == "case":
                await self.complete_stage(last=number == len(values) - 1)

    async def complete_stage(self, *, last: bool) -> None:
        closed = await self.page.locator("details.case__closed").count()
        heading = await self.page.locator("h1.item__number").inner_text()
        await self.page.get_by_role("button", name="Завершить шаг").click()
        await self.page.get_by_role("dialog").get_by_role("button", name="Завершить шаг").click()
        if last:
            await expect(self.page.locator("h1.item__number")).not_to_have_text(heading)
        else:
            await expect(self.page.locator("details.case__closed")).to_have_count(closed + 1)

    async def go_on(self, *, keyboard: bool) -> None:
        if keyboard:
            await self.page.keyboard.press("Enter")
        else:
            await self.page.get_by_role("button", name="Дальше").click()

    async def pick(self, number: int) -> None:
        """Open an item from the map."""
        await self.page.locator(".exam-side .map__list li").nth(number - 1).get_by_role("button").click()
        await self.await_item(number)

    async def take_all(self, keys: Keys, first: int = 1, *, rightly: bool = True) -> None:
        """Answer from the item numbered `first` to the last, every other one by mouse, and end on the review screen."""
        sitting = await self.state()
        entries = sitting.form.entries
        for number in range(first, len(entries) + 1):
            await self.await_item(number, len(entries))
            entry = entries[number - 1]
            item = keys[entry.item, entry.version]
            await self.answer(item, [answer_to(stage, rightly) for stage in item.stages], keyboard=number % 2 == 0)
            if item.kind != "case":
                await self.go_on(keyboard=number % 2 == 0)
        review = self.page.get_by_role("heading", name="Проверьте ответы")
        button = self.page.get_by_role("button", name="Проверить и завершить")
        # A completed case leads to the next item that is open, wherever that is.
        await expect(review.or_(button)).to_be_visible()
        if await button.count():
            await button.click()
        await expect(review).to_be_visible()

    async def submit(self) -> None:
        """From the review screen to the end, through the question whether it is meant."""
        await self.page.get_by_role("button", name="Завершить тестирование").click()
        await self.page.get_by_role("dialog").get_by_role("button", name="Завершить тестирование").click()
        await expect(self.page.get_by_role("heading", name="Тестирование завершено")).to_be_visible()

    async def open_result(self) -> None:
        await self.page.get_by_role("link", name="Открыть результат").click()
        await self.page.wait_for_url(f"**/cabinet/results/{self.sitting}")

    # --- what is stored

    async def state(self) -> Sitting:
        async with self.database.transaction() as connection:
            return await load_sitting(connection, self.sitting)

    async def events(self) -> list[AnyEvent]:
        async with self.database.transaction() as connection:
            return await load_events(connection, self.sitting)

    async def keys(self) -> Keys:
        """The items of the form with their keys, which only a test may put beside a candidate."""
        sitting = await self.state()
        async with self.database.transaction() as connection:
            return await load_items(connection, [(entry.item, entry.version) for entry in sitting.form.entries])

    async def queued(self) -> int:
        """How many edits the browser keeps on its disk for this sitting."""
        count = await self.page.evaluate(
            """sitting => new Promise((resolve, reject) => {
                const asked = indexedDB.open("exam", 1);
                asked.onerror = () => reject(asked.error);
                asked.onsuccess = () => {
                    const all = asked.result.transaction("edits").objectStore("edits").getAll();
                    all.onsuccess = () => {
                        asked.result.close();
                        resolve(all.result.filter(one => one.sitting === sitting).length);
                    };
                };
            })""",
            self.sitting,
        )
        return int(count)


def answer_to(stage: Stage, rightly: bool = True) -> tuple[ChoiceId, ...]:
    """What earns the full score of a stage, or nothing of it."""
    by_role: Mapping[Role, list[ChoiceId]] = {
        role: [choice.id for choice in stage.choices if choice.role is role] for role in Role
    }
    if stage.kind == "choice":
        return (by_role[Role.KEY if rightly else Role.DISTRACTOR][0],)
    wrong = by_role[Role.HARMFUL] or by_role[Role.NEUTRAL]
    return tuple(by_role[Role.REQUIRED] if rightly else wrong[:1])


async def until_queued(examinee: Examinee, count: int) -> None:
    """Until so many edits are on the browser's disk: storing and deleting follow what is drawn by milliseconds."""

    async def so_many() -> bool:
        return await examinee.queued() == count

    await until(so_many, f"{count} edits wait in the browser")


def edits_of(events: list[AnyEvent]) -> dict[int, dict[str, Any]]:
    """The edits that the log holds, as a page sends them, by their number. A number that stands there twice fails."""
    found: dict[int, dict[str, Any]] = {}
    for event in events:
        edit: dict[str, Any]
        match event:
            case Started():
                edit = {"type": "start"}
            case Shown() if event.seq is not None:
                edit = {"type": "show", "position": event.position}
            case Responded() | RespondedLate():
                edit = {"type": "respond", **_place(event), "value": list(event.value)}
            case StageLocked():
                edit = {"type": "lock", **_place(event)}
            case Flagged():
                edit = {"type": "flag", "position": event.position, "on": event.on}
            case Ended() if event.seq is not None:
                edit = {"type": "submit"}
            case _:
                continue
        assert event.seq is not None
        assert event.seq not in found, f"number {event.seq} stands in the log twice"
        found[event.seq] = {**edit, "seq": event.seq}
    return found


def _place(event: Responded | RespondedLate | StageLocked) -> dict[str, int]:
    return {"position": event.position, "stage": event.stage}


async def sign_in(page: Page, address: str, login: str, password: str) -> None:
    """Through the form, as people do it."""
    await page.goto(f"{address}/login")
    await page.locator("#f-login").fill(login)
    await page.locator("#f-password").fill(password)
    await page.locator("form.form").get_by_role("button", name="Войти").click()
    await page.wait_for_url(re.compile(r"/(cabinet|staff)"))


async def signed_in(browser: Browser, address: str, cookie: str, **options: Any) -> BrowserContext:
    """A context of a person whose login was made in the database; without a cookie, of anybody."""
    context = await browser.new_context(locale="ru-RU", **options)
    if cookie:
        await context.add_cookies([{"name": LOGIN_COOKIE, "value": cookie, "url": address}])
    return context


def plain(text: str) -> str:
    """Text with its spaces made ordinary."""
    return " ".join(text.split())
