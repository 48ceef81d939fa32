"""The demo exam as people live it: the candidate, the proctor, the commission, each at a browser of their own."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Page, expect

from app.demo.people import CANDIDATES, PASSWORD
from core.database import Database, fetch_one
from core.ids import SittingId
from core.moments import DAY, to_datetime
from core.web.formats import date_text
from exam_server.events import Flagged, Responded, StageLocked, Started
from tests.browser.conftest import Contexts, Examinees
from tests.browser.examinee import Examinee, answer_to, plain
from tests.browser.exams import withdraw_simple_cases
from tests.browser.film import Film, nobody, person, two_people
from tests.browser.line import Line
from tests.server.booth import until
from tests.server.conftest import wait_for
from tests.server.processes import Server

Desks = Callable[[str], Awaitable[Page]]

FIRST, FLAGGED = 1, 3
NUMBER = re.compile(r"\d\d-\d{4}-\d{4}-\d{4}-\d{4}-\d\d")


def prepare(server: Server) -> None:
    wait_for(lambda: withdraw_simple_cases(server.url))


async def test_the_demo_exam_from_sign_in_to_the_register(
    house: Server, line: Line, database: Database, contexts: Contexts, film: Film
) -> None:
    context = await contexts(viewport={"width": 1280, "height": 900})
    examinee = Examinee(await context.new_page(), line.address, database)
    page = examinee.page
    await examinee.sign_in(CANDIDATES[0].login, PASSWORD)
    await examinee.enter()

    await pass_check(examinee)
    await expect(page.get_by_role("heading", name="Дайте согласия")).to_be_visible()
    await page.get_by_role("button", name="Продолжить").click()
    await expect(page.locator("#processing-error")).to_be_visible()
    await examinee.consent(biometrics=True)
    await examinee.take_reference()
    await expect(page.locator(".preview__picture")).to_be_visible()
    await examinee.start()

    keys = await examinee.keys()
    await saved_only_when_acknowledged(examinee, line)
    await flag_and_come_back(examinee)
    await examinee.pick(FIRST)
    await examinee.take_all(keys)

    await expect(page.get_by_text("Вы ответили на все задания.")).to_be_visible()
    marked = page.locator("section", has=page.get_by_role("heading", name="Отмечено")).locator(".review__list")
    await expect(marked).to_have_text(str(FLAGGED))
    await examinee.submit()
    await examinee.open_result()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Тестирование сдано")
    await expect(page.locator(".result__share")).to_have_text("100 %")

    number = await register_number(database, examinee.sitting)
    await page.reload()
    await page.get_by_role("link", name=number).click()
    await page.wait_for_url(f"**/register/{number}")
    await expect(page.get_by_role("heading", level=2)).to_contain_text("Аккредитация действительна до")
    await expect(page.locator(".kv")).to_contain_text("Соколова Анна Викторовна")

    events = await examinee.events()
    answers = [event for event in events if type(event) is Responded]
    stages = sum(len(item.stages) for item in keys.values())
    assert len({(event.position, event.stage) for event in answers}) == stages > 20, "cases in stages are among them"
    assert sum(1 for event in events if type(event) is StageLocked) == sum(
        len(item.stages) for item in keys.values() if item.kind == "case"
    )
    assert [event.position for event in events if type(event) is Flagged] == [FLAGGED - 1]
    assert sum(1 for event in events if type(event) is Started) == 1
    assert examinee.watchman.take() == []


async def pass_check(examinee: Examinee) -> None:
    """Every line of the check has a sign, and what is measured has its number."""
    lines = await examinee.await_check()
    assert all(text.endswith("✓") for text in lines.values()), lines
    assert lines["camera"] == "640 × 480 ✓"
    assert lines["screen"].startswith("1280 × ")
    for name, unit in {"download": "Мбит/с", "upload": "Мбит/с", "websocket": "мс"}.items():
        measured = re.fullmatch(rf"([\d ]+(?:,\d)?) {unit} ✓", lines[name])
        assert measured, lines[name]
        assert float(measured[1].replace(" ", "").replace(",", ".")) > 0
    await examinee.page.locator("#check-go").click()


async def saved_only_when_acknowledged(examinee: Examinee, line: Line) -> None:
    """While the acknowledgement is on its way the option says that it is being saved, though it is stored already."""
    page = examinee.page
    item = (await examinee.state()).form.entries[0]
    wrong = answer_to((await examinee.keys())[item.item, item.version].stages[0], rightly=False)
    line.hold()
    await examinee.choose(wrong[0], keyboard=True, saved=False)

    async def stored() -> bool:
        return any(type(event) is Responded and event.value == wrong for event in await examinee.events())

    await until(stored, "the answer is stored")
    await expect(examinee.option(wrong[0]).locator(".saved")).to_have_text("Сохраняется…")
    await expect(page.locator(".saved--done")).to_have_count(0)
    line.release()
    await expect(examinee.option(wrong[0]).locator(".saved--done")).to_have_text("Сохранено")


async def flag_and_come_back(examinee: Examinee) -> None:
    """Flag an item, go on, and back by the button; the review screen leads to it too."""
    page = examinee.page
    await examinee.pick(FLAGGED)
    await page.keyboard.press("f")
    await expect(page.get_by_role("button", name="Флажок")).to_have_attribute("aria-pressed", "true")
    await examinee.go_on(keyboard=True)
    await examinee.await_item(FLAGGED + 1)
    await page.get_by_role("button", name="Назад").click()
    await examinee.await_item(FLAGGED)
    await page.get_by_role("button", name="Проверить и завершить").click()
    await expect(page.get_by_text("Без ответа 19 заданий.")).to_be_visible()
    await page.get_by_role("button", name="Вернуться к заданию").click()
    await examinee.await_item(FLAGGED)


async def test_who_answers_wrongly_reads_what_to_repeat_and_when_to_come_again(
    house: Server, examinees: Examinees, database: Database
) -> None:
    examinee = await examinees()
    page = examinee.page
    await examinee.start()
    keys = await examinee.keys()
    entry = (await examinee.state()).form.entries[0]
    item = keys[entry.item, entry.version]
    await examinee.answer(item, [answer_to(stage, rightly=False) for stage in item.stages], keyboard=True)
    await page.get_by_role("button", name="Проверить и завершить").click()
    await page.get_by_role("button", name="Завершить тестирование").click()
    question = page.get_by_role("dialog")
    await expect(question).to_contain_text("Без ответа 19 заданий.")
    await question.get_by_role("button", name="Вернуться к заданиям").click()
    assert (await examinee.state()).status == "running"
    await examinee.submit()
    await examinee.open_result()

    await expect(page.get_by_role("heading", level=1)).to_contain_text("Тестирование не сдано: 0 из 20 баллов")
    ended_at = (await examinee.state()).ended_at
    assert ended_at is not None
    retake = date_text(to_datetime(ended_at + house.settings.retake_days * DAY), "ru")
    await expect(page.locator(".card--next")).to_contain_text(f"Новая попытка возможна с {plain(retake)} года")
    await expect(page.locator(".card--next")).to_contain_text("Осталось 2 попытки")
    advice = page.locator("section", has=page.get_by_role("heading", name="Что повторить")).locator("li")
    assert await advice.count() > 0
    assert "" not in await advice.all_inner_texts()
    async with database.transaction() as connection:
        assert await fetch_one(
            connection, "SELECT 1 FROM exam_server.outcome WHERE sitting_id = :id AND NOT passed", id=examinee.sitting
        )
    assert examinee.watchman.take() == []


async def test_what_the_camera_sees_reaches_the_proctor_and_a_person_decides(
    house: Server, examinees: Examinees, database: Database, desks: Desks, film: Film
) -> None:
    examinee = await examinees()
    page = examinee.page
    await examinee.start()

    proctor = await desks("proktor")
    await proctor.goto(f"{house.address}/staff/proctor")
    tile = proctor.locator(f'[data-sitting="{examinee.sitting}"]')
    await expect(tile).to_contain_text("На связи")
    film.show(two_people)
    await expect(tile).to_contain_text("Несколько лиц в кадре", timeout=30_000)
    await tile.get_by_role("link").click()
    film.show(nobody)
    story = proctor.locator(".place__story .timeline")
    await expect(story).to_contain_text("Несколько лиц в кадре")
    await expect(story).to_contain_text("Нет лица в кадре", timeout=30_000)
    film.show(person)
    await expect(story.locator("li", has_text="Нет лица в кадре").first).not_to_contain_text("продолжается")
    still = proctor.locator("img[data-still]")
    await expect(still).to_be_visible()
    assert await still.evaluate("image => image.naturalWidth") > 0

    await examinee.take_all(await examinee.keys())
    await examinee.submit()
    await examinee.open_result()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Идёт проверка записи наблюдения")
    assert (await outcome(database, examinee.sitting))["state"] == "preliminary"

    chair = await desks("predsedatel")
    await see_the_evidence(chair, house, examinee.sitting)
    await decide(chair, house, examinee.sitting)
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Результат предварительный")
    await sign_protocol(chair, house)

    number = await register_number(database, examinee.sitting)
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Тестирование сдано")
    await expect(page.get_by_role("link", name=number)).to_be_visible()
    await expect(page.locator(".kv")).to_contain_text("подписан: Лаптева Нина Сергеевна")
    assert examinee.watchman.take() == []


async def see_the_evidence(chair: Page, house: Server, sitting: SittingId) -> None:
    """The staff page of the sitting has each incident with the stills that were sealed for it."""
    await chair.goto(f"{house.address}/staff/sittings/{sitting}")
    for title in ("Несколько лиц в кадре", "Нет лица в кадре"):
        card = chair.locator(".cases > li", has_text=title).first
        picture = card.locator("img").first
        await picture.scroll_into_view_if_needed()
        await expect(picture).to_have_js_property("complete", True)
        assert await picture.evaluate("image => image.naturalWidth") == 640


async def decide(chair: Page, house: Server, sitting: SittingId) -> None:
    """A finding for every incident that holds the outcome, then the decision."""
    await chair.goto(f"{house.address}/staff/reviews/{sitting}")
    while await chair.locator(".case--unread").count():
        left = await chair.locator(".case--unread").count()
        case = chair.locator(".case--unread").first
        await case.get_by_role("radio", name="Нарушения нет").check()
        await case.get_by_label("Обоснование").fill("За спиной прошёл сотрудник центра.")
        await case.get_by_role("button", name="Сохранить заключение").click()
        await expect(chair.locator(".case--unread")).to_have_count(left - 1)
    form = chair.locator("#decision form")
    await form.get_by_role("radio", name="Нарушений нет").check()
    await form.get_by_label("Обоснование").fill("Посторонней помощи не было.")
    await form.get_by_role("button", name="Принять решение").click()
    await expect(chair.locator("#decision")).to_contain_text("Решение принято")


async def sign_protocol(chair: Page, house: Server) -> None:
    """Choose the sitting, read the draft, sign it with the password."""
    await chair.goto(f"{house.address}/staff/protocols")
    row = chair.locator("form[data-choose] tbody tr")
    await expect(row).to_have_count(1)
    await row.get_by_role("checkbox").check()
    await chair.get_by_role("button", name="Составить проект протокола").click()
    await expect(chair.get_by_role("heading", name="Проект протокола")).to_be_visible()
    await chair.get_by_label("Ваш пароль").fill("wrong")
    await chair.get_by_role("button", name="Подписать протокол").click()
    await expect(chair.locator(".banner--danger")).to_be_visible()
    await chair.get_by_label("Ваш пароль").fill(PASSWORD)
    await chair.get_by_role("button", name="Подписать протокол").click()
    await expect(chair.locator(".banner--ok").first).to_contain_text("Протокол подписан")


async def outcome(database: Database, sitting: SittingId) -> Any:
    async with database.transaction() as connection:
        row = await fetch_one(connection, "SELECT * FROM exam_server.outcome WHERE sitting_id = :id", id=sitting)
    assert row is not None
    return row


async def register_number(database: Database, sitting: SittingId) -> str:
    """The number of the entry, once the register has given its receipt."""

    async def given() -> str | None:
        return (await outcome(database, sitting))["register_number"]  # type: ignore[no-any-return]

    number = str(await until(given, "the register gives a number"))
    assert NUMBER.fullmatch(number), number
    return number
