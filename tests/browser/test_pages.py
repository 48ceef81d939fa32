"""Every page for its role: no barrier, no overflow, no complaint, light and dark, on a desk and on a phone."""

from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from msgspec import Struct
from playwright.async_api import Browser, Page, expect

from app.candidate import READINGS
from app.demo.people import STAFF
from core.access import find_person
from core.database import Database, execute, fetch_one
from core.ids import PersonId
from exam_server.entrance import MOST_PICTURES
from tests.browser.audit import AXE, audit
from tests.browser.chromium import close
from tests.browser.conftest import Booths, Contexts, Examinees
from tests.browser.examinee import Examinee, answer_to, signed_in
from tests.browser.exams import withdraw_simple_cases
from tests.browser.film import Film
from tests.browser.history import History, look_up, simulate
from tests.browser.watchman import Watchman
from tests.server.booth import CONSENT, Booth, sign_in
from tests.server.conftest import wait_for
from tests.server.processes import Server

SHOWN = {
    "": (
        "/",
        "/login",
        "/login?next=/cabinet",
        "/register",
        "/register?q={number}",
        "/register/{number}",
        "/staff/components",
        "/staff/components?theme=contrast",
        "/staff/components?theme=contrast-dark",
    ),
    "kandidat2": ("/account", "/cabinet", "/cabinet/windows", "/cabinet/windows?all=1"),
    "passed": ("/cabinet", "/cabinet/results/{passed}"),
    "failed": ("/cabinet", "/cabinet/results/{failed}"),
    "preliminary": ("/cabinet/results/{preliminary}",),
    "review": ("/cabinet", "/cabinet/results/{review}"),
    "predsedatel": (
        "/staff",
        "/staff/sittings",
        "/staff/sittings?state=confirmed&q=а",
        "/staff/sittings?q=никто",
        "/staff/sittings/{passed}",
        "/staff/sittings/{review}",
        "/staff/sittings/{live}",
        "/staff/reviews",
        "/staff/reviews/{review}",
        "/staff/reviews/{passed}",
        "/staff/protocols",
        "/staff/protocols/{protocol}",
    ),
    "sekretar": (
        "/staff",
        "/staff/windows",
        "/staff/windows?past=1",
        "/staff/windows/1",
        "/staff/allowances",
        "/staff/blueprints",
    ),
    "ekspert": ("/staff", "/staff/protocols", "/staff/reviews/{review}"),
    "apellyaciya": ("/staff", "/staff/sittings/{review}", "/staff/reviews/{review}"),
    "metodist": (
        "/staff",
        "/staff/bank",
        "/staff/bank?kind=case",
        "/staff/bank?q=никто",
        "/staff/bank?q=пневманея&kind=four_option",
        "/staff/bank?where=unready",
        "/staff/requirements",
        "/staff/requirements?q=помощь",
        "/staff/requirements?speciality=31.05.01",
        "/staff/requirements/one?speciality=31.05.01&code=ЛД-01",
        "/staff/bank/{item}",
        "/staff/bank/{case}",
        "/staff/bank/ld-001?version=2&against=1",
        "/staff/bank/{item}/edit",
        "/staff/bank/{case}/edit",
        "/staff/remarks",
        "/staff/withdrawals",
        "/staff/blueprints",
        "/staff/blueprints/ld-12",
        "/staff/blueprints/ld-80",
        "/staff/blueprints/new",
        "/staff/blueprints/ld-12/edit",
        "/staff/blueprints/ld-12/forms",
        "/staff/exposure?blueprint=ld-20",
    ),
    "proktor": (
        "/staff",
        "/staff/proctor",
        "/staff/proctor/{live}",
        "/staff/proctor/{waiting}",
        "/staff/proctor/{live}/connection",
    ),
    "reestr": ("/staff", "/staff/register", "/staff/register?q={number}", "/staff/register/{number}"),
    "rabotodatel": ("/register",),
    "inspektor": ("/staff", "/staff/register/{number}"),
    "operator": ("/staff", "/staff/people", "/staff/people/new", "/staff/operations", "/staff/windows"),
}
"""What is looked at, by the login of who looks; four words stand for candidates of the simulated history."""

FULL = {
    "/staff": ".desk__card",
    "/staff/sittings": "tbody tr",
    "/staff/sittings/{passed}": ".timeline__event",
    "/staff/sittings/{review}": ".cases > li",
    "/staff/reviews": "tbody tr",
    "/staff/reviews/{review}": ".case--unread",
    "/staff/protocols": "form[data-choose] tbody tr",
    "/staff/protocols/{protocol}": "tbody tr",
    "/staff/bank": "tbody tr",
    "/staff/requirements": "tbody tr",
    "/staff/requirements/one?speciality=31.05.01&code=ЛД-01": "tbody input[name=item]",
    "/staff/bank/{case}": ".options__one",
    "/staff/bank/ld-001?version=2&against=1": ".difference ins",
    "/staff/bank/{item}/edit": ".editor__form",
    "/staff/bank/{case}/edit": ".editor__form",
    "/staff/blueprints": "tbody tr",
    "/staff/blueprints/ld-12": "tbody tr",
    "/staff/blueprints/ld-12/edit": ".demand__input",
    "/staff/exposure?blueprint=ld-20": "tbody tr",
    "/staff/windows": "tbody tr",
    "/staff/windows?past=1": "tbody tr",
    "/staff/proctor": ".tile",
    "/staff/proctor/{live}": ".timeline__event",
    "/staff/proctor/{live}/connection": ".plot__mark",
    "/staff/register": "tbody tr",
    "/staff/register/{number}": "tbody tr",
    "/staff/people": "tbody tr",
    "/staff/operations": ".kv dd",
}
"""Where something has to stand, and what."""

WRONG = (
    ("", "/nothing/here", 404),
    ("", "/register/77-0000-0000-0000-0000-00", 422),
    ("kandidat2", "/staff/sittings", 403),
    ("kandidat2", "/exam/999999", 404),
    ("kandidat2", "/cabinet/results/999999", 404),
    ("predsedatel", "/staff/sittings/999999", 404),
    ("metodist", "/staff/people", 403),
    ("proktor", "/staff/proctor/999999", 404),
)


class Scene(Struct, frozen=True):
    """A server with a history, two sittings that are going on, and who they belong to."""

    server: Server
    history: History
    places: dict[str, str]
    """What stands for the braces in an address."""


def prepare(server: Server) -> None:
    """The demo gets a history before anybody comes, and every form a case of several stages."""
    wait_for(lambda: simulate(server))
    wait_for(lambda: withdraw_simple_cases(server.url))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(house: Server) -> AsyncIterator[Scene]:
    database = Database(house.url, pool_size=1)
    booths: list[Booth] = []
    try:
        history = await look_up(database)
        waiting, live = booths = [await Booth.open(house), await Booth.open(house)]
        await waiting.enter()
        await answer_steps(waiting, biometrics=False)
        page = await live.begin()
        await page.answer()
        places = {
            **{fate: str(sitting) for fate, (sitting, _) in history.sittings.items()},
            "number": history.register_number,
            "protocol": str(history.protocol),
            "waiting": str(waiting.sitting),
            "live": str(live.sitting),
            "item": await item_of(database, "four_option"),
            "case": await item_of(database, "case"),
        }
        yield Scene(house, history, places)
        await page.leave()
    finally:
        for booth in booths:
            await booth.close()
        await database.close()


async def answer_steps(booth: Booth, *, biometrics: bool) -> None:
    """The steps of the entrance that a form answers."""
    for step, content in (("check", READINGS), ("consent", {**CONSENT, "biometrics": biometrics})):
        answer = await booth.post(f"/exam/{booth.sitting}/{step}", json=content)
        assert answer.status_code == 200, answer.text


async def item_of(database: Database, kind: str) -> str:
    async with database.transaction() as connection:
        row = await fetch_one(
            connection, "SELECT min(item_id) AS id FROM question_bank.item_version WHERE kind = :kind", kind=kind
        )
    assert row is not None
    return str(row["id"])


class Guest(Struct, frozen=True):
    page: Page
    watchman: Watchman


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guests(browser: Browser, scene: Scene) -> AsyncIterator[Callable[[str], Awaitable[Guest]]]:
    """`await guests("proktor")`: the page of a person, signed in once for the whole file."""
    pages: dict[str, Guest] = {}
    database = Database(scene.server.url, pool_size=1)

    async def person_of(login: str) -> PersonId:
        if login in scene.history.sittings:
            return scene.history.sittings[login][1]
        async with database.transaction() as connection:
            found = await find_person(connection, login)
        assert found is not None
        return found.id

    async def invite(login: str) -> Guest:
        if login not in pages:
            cookie = await sign_in(database, await person_of(login)) if login else ""
            context = await signed_in(browser, scene.server.address, cookie)
            page = await context.new_page()
            pages[login] = Guest(page, Watchman(page))
        return pages[login]

    yield invite
    for guest in pages.values():
        await close(guest.page.context)
    await database.close()


Guests = Callable[[str], Awaitable[Guest]]


@pytest.mark.parametrize(
    ("login", "path"),
    [(login, path) for login, paths in SHOWN.items() for path in paths],
    ids=lambda value: value or "anybody",
)
async def test_a_page_has_no_barrier(scene: Scene, guests: Guests, login: str, path: str) -> None:
    guest = await guests(login)
    answer = await guest.page.goto(scene.server.address + path.format(**scene.places))
    assert answer is not None
    assert answer.status == 200
    if path in FULL:
        await expect(guest.page.locator(FULL[path]).first).to_be_visible()
    assert await audit(guest.page) == []
    assert guest.watchman.take() == []


@pytest.mark.parametrize(("login", "path", "status"), WRONG, ids=lambda value: str(value) or "anybody")
async def test_a_page_that_says_no_has_no_barrier(
    scene: Scene, guests: Guests, login: str, path: str, status: int
) -> None:
    guest = await guests(login)
    answer = await guest.page.goto(scene.server.address + path)
    assert answer is not None
    assert answer.status == status
    assert await audit(guest.page) == []
    complaints = [one for one in guest.watchman.take() if f"with a status of {status}" not in one]
    assert complaints == []


async def test_every_section_of_every_menu_is_looked_at_and_opens(scene: Scene, guests: Guests) -> None:
    looked_at = {urlsplit(path).path for paths in SHOWN.values() for path in paths}
    for person in STAFF:
        guest = await guests(person.login)
        await guest.page.goto(f"{scene.server.address}/")
        links = await guest.page.locator("nav.nav a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
        assert set(links) <= looked_at, person.login
        for link in links:
            answer = await guest.page.request.get(scene.server.address + link)
            assert answer.status == 200, (person.login, link)
        assert guest.watchman.take() == []


# --- the exam and the way to it -------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["check", "consent", "photo", "tried", "passport"])
async def test_a_step_of_the_entrance_has_no_barrier(
    scene: Scene, contexts: Contexts, booths: Booths, film: Film, step: str
) -> None:
    house = scene.server
    booth = await booths(house)
    await booth.enter()
    if step != "check":
        await booth.post(f"/exam/{booth.sitting}/check", json=READINGS)
    if step in ("photo", "tried", "passport"):
        await answer_steps(booth, biometrics=step != "passport")
    examinee = Examinee(
        await (await contexts(*booth.cookie.values(), house.address)).new_page(), house.address, booth.database
    )
    examinee.sitting = booth.sitting
    await examinee.open_exam()
    page = examinee.page
    if step == "check":
        await examinee.await_check()
    elif step == "consent":
        await page.get_by_role("button", name="Продолжить").click()
        await expect(page.locator("#biometrics-error")).to_be_visible()
    elif step == "photo":
        await page.get_by_role("button", name="Сделать фото").click()
        await expect(page.locator("#booth-still")).to_be_visible()
    elif step == "tried":
        async with booth.database.transaction() as connection:
            await execute(
                connection,
                "UPDATE exam_server.entrance SET pictures = :most WHERE sitting_id = :id",
                most=MOST_PICTURES,
                id=booth.sitting,
            )
        await page.get_by_role("button", name="Сделать фото").click()
        await page.get_by_role("button", name="Отправить фото").click()
        await page.get_by_role("link", name="Подтвердить личность паспортом").click()
        await expect(page.locator("#biometrics-error")).to_be_hidden()
        await page.evaluate("history.back()")  # nothing is loaded where the browser has kept the page
        await expect(page.get_by_role("heading", name="Подтвердите личность паспортом")).to_be_visible()
        examinee.watchman.take()  # the refusal of the picture
    else:
        await expect(page.locator("#booth-note")).to_contain_text("Ждём проктора")
    assert await audit(page) == []
    assert examinee.watchman.take() == []


async def test_the_exam_page_has_no_barrier_in_any_of_its_states(scene: Scene, examinees: Examinees) -> None:
    examinee = await examinees()
    page = examinee.page
    button = page.get_by_role("button", name="Начать тестирование")
    await expect(button).to_have_attribute("aria-disabled", "false")
    faults = {"start": await audit(page)}

    await examinee.start()
    keys, form = await examinee.keys(), (await examinee.state()).form
    first = keys[form.entries[0].item, form.entries[0].version]
    await examinee.choose(answer_to(first.stages[0])[0], keyboard=True)
    await page.keyboard.press("f")
    await expect(page.get_by_role("button", name="Флажок")).to_have_attribute("aria-pressed", "true")
    faults["item"] = await audit(page)
    await page.get_by_role("button", name="Клавиши").click()
    faults["keys"] = await audit(page)
    await page.keyboard.press("Escape")

    cases = [(number, keys[entry.item, entry.version]) for number, entry in enumerate(form.entries, start=1)]
    number, case = max((one for one in cases if one[1].kind == "case"), key=lambda one: len(one[1].stages))
    await examinee.pick(number)
    for choice in answer_to(case.stages[0]):
        await examinee.choose(choice, keyboard=False)
    await page.get_by_role("button", name="Завершить шаг").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    faults["question"] = await audit(page)
    await page.get_by_role("dialog").get_by_role("button", name="Вернуться к шагу").click()
    await examinee.complete_stage(last=False)
    await page.locator("details.case__closed summary").first.click()
    faults["case"] = await audit(page)

    await page.get_by_role("button", name="Проверить и завершить").click()
    await expect(page.get_by_role("heading", name="Проверьте ответы")).to_be_visible()
    faults["review"] = await audit(page)
    await page.get_by_role("button", name="Завершить тестирование").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    faults["finish"] = await audit(page)
    await page.keyboard.press("Escape")
    await examinee.submit()
    faults["ended"] = await audit(page)
    assert {state: found for state, found in faults.items() if found} == {}
    assert examinee.watchman.take() == []


async def test_the_exam_page_has_no_barrier_when_the_line_is_down_or_it_was_taken_over(
    scene: Scene, examinees: Examinees
) -> None:
    examinee = await examinees()
    page = examinee.page
    await examinee.start()
    other = Examinee(await page.context.new_page(), scene.server.address, examinee.database)
    other.sitting = examinee.sitting
    await other.open_exam()
    await other.await_item(1)
    await expect(page.get_by_role("heading", name="Тестирование продолжено в другом окне")).to_be_visible()
    assert await audit(page) == []
    await other.page.context.set_offline(True)
    await expect(other.page.locator(".strip--warn p")).to_contain_text("Нет связи")
    assert await audit(other.page) == []
    assert examinee.watchman.take() + other.watchman.take() == []


# --- whether a fault would be found ---------------------------------------------------------------------------


async def test_faults_are_found(browser: Browser) -> None:
    page = await browser.new_page()
    watchman = Watchman(page)
    await page.set_content(
        """<!doctype html><html lang="ru"><title>faulty</title><style>
        @media (prefers-color-scheme: dark) { .pale { color: #222; background: #333 } }
        .wide { width: 350px }</style><main><h1>h</h1><p class="pale">text</p><div class="wide">w</div>
        <button></button><script>undefined_function()</script></main></html>"""
    )
    found = await audit(page)
    assert sum("button-name" in fault for fault in found) == 4
    assert {fault.partition(":")[0] for fault in found if "color-contrast" in fault} == {"desktop, dark", "phone, dark"}
    assert any(fault.startswith("320 px: div.wide") for fault in found)
    assert not any(fault.startswith("phone: ") for fault in found)
    assert "undefined_function" in " ".join(watchman.take())
    await close(page.context)


async def test_a_breach_of_the_policy_is_noted(scene: Scene, contexts: Contexts) -> None:
    page = await (await contexts()).new_page()
    watchman = Watchman(page)
    await page.goto(f"{scene.server.address}/register")
    assert watchman.take() == []
    await page.evaluate("document.querySelector('h1').setAttribute('style', 'color: red')")
    await page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'x = 1'}))")
    noted = watchman.take()
    assert len(noted) == 2
    assert all("Content Security Policy" in one for one in noted)


def test_axe_is_the_file_that_is_written_down() -> None:
    assert sha256(AXE.read_bytes()).hexdigest() in (AXE.parent / "README.md").read_text()
