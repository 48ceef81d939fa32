"""Takes the pictures of the README: `python -m tests.browser.pictures`.

On a server and a database of its own, thrown away afterwards: the demo, a small simulated history, a handful of
people who take the exam. Every picture is at most 1,280 pixels wide and 150 KB.
"""

import asyncio
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import cv2
import numpy as np
from playwright.async_api import Browser, Page, async_playwright, expect

from app.chromium import browsers_folder, get_chromium
from app.demo.people import CANDIDATES, PASSWORD
from app.embedded import EmbeddedPostgres, free_port
from app.migrate import migrate
from app.provisions import get_models
from core.database import Database, execute
from core.settings import Settings
from tests.browser.chromium import launched
from tests.browser.examinee import PATIENCE_MS, Examinee, answer_to, signed_in
from tests.browser.film import Film, Picture, dark, frames, nobody, person, two_people
from tests.browser.history import simulate
from tests.places import quick_folder
from tests.server.booth import Booth, Staff
from tests.server.conftest import fill, wait_for
from tests.server.processes import ROOT, Server

FOLDER = ROOT / "docs" / "pictures"
MOST_BYTES = 150_000
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 780}
NAMES = (
    ("Абрамов", "Денис", "Ильич"),
    ("Гордеева", "Мария", "Олеговна"),
    ("Тихонов", "Павел", "Андреевич"),
    ("Ермакова", "Светлана", "Юрьевна"),
    ("Хабибуллин", "Рустам", "Маратович"),
)
SCENES: Sequence[Callable[[], Picture]] = (person, dark, two_people, person)
FETCHED = re.compile("^blob:")
ANSWERED, FLAGGED = 6, 3


def main() -> int:
    asyncio.run(take_pictures())
    return 0


async def take_pictures() -> None:
    expect.set_options(timeout=PATIENCE_MS)
    FOLDER.mkdir(parents=True, exist_ok=True)
    settings = Settings()
    chromium = get_chromium(browsers_folder(settings))
    with _folder() as folder, _server(folder, get_models(settings).detector.parent) as server:
        database = Database(server.url, pool_size=2)
        film = Film(folder / "film.y4m")
        try:
            async with (
                async_playwright() as driver,
                launched(driver, chromium, film, more=["--hide-scrollbars"]) as browser,
            ):
                await picture_an_exam(browser, server, database)
                await picture_the_watch(browser, server, database, film)
        finally:
            await database.close()


async def picture_an_exam(browser: Browser, server: Server, database: Database) -> None:
    """The technical check, an item, a case, the result, the register: as one candidate sees them."""
    context = await browser.new_context(locale="ru-RU", viewport=WIDE)  # type: ignore[arg-type]
    examinee = Examinee(await context.new_page(), server.address, database)
    page = examinee.page
    await examinee.sign_in(CANDIDATES[0].login, PASSWORD)
    await examinee.enter()
    await examinee.await_check()
    await page.locator("#checks").scroll_into_view_if_needed()
    await page.evaluate("window.scrollTo(0, 230)")
    await save(page, "check")
    await examinee.pass_entrance()
    await examinee.start()

    keys, form = await examinee.keys(), (await examinee.state()).form
    items = [keys[entry.item, entry.version] for entry in form.entries]
    for number, item in enumerate(items[:ANSWERED], start=1):
        await examinee.await_item(number)
        await examinee.choose(answer_to(item.stages[0])[0], keyboard=True)
        if number == FLAGGED:
            await page.keyboard.press("f")
        await examinee.go_on(keyboard=True)
    await examinee.await_item(ANSWERED + 1)
    await examinee.choose(answer_to(items[ANSWERED].stages[0])[0], keyboard=False)
    await page.mouse.move(0, 0)
    await save(page, "exam")

    case = max(range(len(items)), key=lambda number: len(items[number].stages))
    await examinee.pick(case + 1)
    for choice in answer_to(items[case].stages[0]):
        await examinee.choose(choice, keyboard=False)
    await examinee.complete_stage(last=len(items[case].stages) == 1)
    await page.mouse.move(0, 0)
    await save(page, "case")
    for stage in items[case].stages[1:]:
        for choice in answer_to(stage):
            await examinee.choose(choice, keyboard=False)
        await examinee.complete_stage(last=stage is items[case].stages[-1])
    for number, item in enumerate(items, start=1):
        if number > ANSWERED + 1 and number != case + 1:
            await examinee.pick(number)
            await examinee.answer(item, [answer_to(stage) for stage in item.stages], keyboard=False)
    await page.get_by_role("button", name="Проверить и завершить").click()
    await examinee.submit()
    await examinee.open_result()
    number_link = page.locator(".banner a.nowrap")
    while not await number_link.count():  # the register answers within a second
        await page.reload()
    await save(page, "result")
    await number_link.click()
    await expect(page.get_by_role("heading", level=2)).to_be_visible()
    await save(page, "register", full=True)
    await context.close()


async def picture_the_watch(browser: Browser, server: Server, database: Database, film: Film) -> None:
    """The exam on a phone, the proctor room, and afterwards the sitting with its incidents."""
    async with AsyncExitStack() as stack:
        booths = [await Booth.open(server) for _ in NAMES]
        for booth, name in zip(booths, NAMES, strict=True):
            stack.push_async_callback(booth.close)
            await rename(database, booth, name)
        *others, candidate = booths
        for booth, scene in zip(others, SCENES, strict=True):
            exam = await booth.begin()
            stack.push_async_callback(exam.leave)
            await exam.answer()
            await stack.enter_async_context(filmed(booth, scene()))
        await candidate.pass_entrance()
        phone = await signed_in(
            browser, server.address, *candidate.cookie.values(), viewport=PHONE, device_scale_factor=2, is_mobile=True
        )
        examinee = Examinee(await phone.new_page(), server.address, database)
        examinee.sitting = candidate.sitting
        await examinee.open_exam()
        await examinee.start()
        item = (await examinee.state()).form.entries[0]
        stage = (await examinee.keys())[item.item, item.version].stages[0]
        await examinee.choose(answer_to(stage)[0], keyboard=False)
        await save(examinee.page, "phone")

        proctor = await desk(browser, server, "proktor", stack)
        await proctor.goto(f"{server.address}/staff/proctor")
        tile = proctor.locator(f'[data-sitting="{examinee.sitting}"]')
        film.show(two_people)
        await expect(tile).to_contain_text("Несколько лиц в кадре", timeout=60_000)
        for picture in await proctor.locator("img[data-still]").all():
            await expect(picture).not_to_have_js_property("naturalWidth", 0)
        await expect(tile.locator("img")).to_have_attribute("src", FETCHED)
        await save(proctor, "room")
        film.show(nobody)
        await expect(tile).to_contain_text("Нет лица в кадре", timeout=60_000)
        film.show(person)
        await expect(tile).not_to_contain_text("Нет лица в кадре", timeout=60_000)

        await examinee.page.get_by_role("button", name="Проверить и завершить").click()
        await examinee.submit()
        chair = await desk(browser, server, "predsedatel", stack)
        await chair.goto(f"{server.address}/staff/sittings/{examinee.sitting}")
        heading = chair.get_by_role("heading", name="На шкале времени")
        await heading.evaluate("one => scrollTo(0, one.getBoundingClientRect().top - 24)")
        for still in await chair.locator(".cases img").all():
            await expect(still).not_to_have_js_property("naturalWidth", 0)
        await save(chair, "sitting")
        await phone.close()


async def rename(database: Database, booth: Booth, name: tuple[str, str, str]) -> None:
    async with database.transaction() as connection:
        await execute(
            connection,
            "UPDATE core.person SET family_name = :family, given_name = :given, patronymic = :more WHERE id = :id",
            family=name[0],
            given=name[1],
            more=name[2],
            id=booth.person,
        )


async def desk(browser: Browser, server: Server, login: str, stack: AsyncExitStack) -> Page:
    """A page of a member of staff."""
    staff = await Staff.open(server, login)
    stack.push_async_callback(staff.close)
    context = await signed_in(browser, server.address, *staff.cookie.values(), viewport=WIDE)
    stack.push_async_callback(context.close)
    return await context.new_page()


@asynccontextmanager
async def filmed(booth: Booth, scene: Picture) -> AsyncIterator[None]:
    """A camera that sends the scene once a second."""
    pictures = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in frames(scene)]
    socket = await booth.connect(f"/ws/camera/{booth.sitting}")

    async def send() -> None:
        while True:
            for picture in pictures:
                await socket.send(picture)
                await asyncio.sleep(1)

    sending = asyncio.create_task(send())
    try:
        yield
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await socket.close()


async def save(page: Page, name: str, *, full: bool = False) -> None:
    """What the window shows, as WebP in the best quality that is small enough."""
    await page.evaluate("document.fonts.ready")
    png = await page.screenshot(animations="disabled", caret="hide", full_page=full)
    picture = cv2.imdecode(np.frombuffer(png, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    for quality in range(95, 20, -5):
        data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()
        if len(data) <= MOST_BYTES:
            break
    path = FOLDER / f"{name}.webp"
    path.write_bytes(data)
    height, width = picture.shape[:2]
    sys.stdout.write(f"{path.relative_to(ROOT)}: {width} x {height}, {len(data) // 1000} KB\n")


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="pictures-", dir=quick_folder()))
    folder.chmod(0o711)  # PostgreSQL's own account has to get through
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _server(folder: Path, models: Path) -> Iterator[Server]:
    postgres = EmbeddedPostgres(folder / "postgres", folder / "password", durable=False)
    try:
        url = postgres.start()
        wait_for(lambda: migrate(url))
        wait_for(lambda: fill(url, folder / "var"))
        server = Server(url, folder / "var", free_port(), models)
        wait_for(lambda: simulate(server))
        try:
            yield server.start()
        finally:
            server.stop()
    finally:
        postgres.stop()
        postgres.erase()


if __name__ == "__main__":
    raise SystemExit(main())
