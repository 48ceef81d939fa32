"""Sections, pauses, breaks, what proctor and candidate tell each other: each screen as it is used, and audited."""

import re
from collections.abc import AsyncIterator, Sequence

import pytest_asyncio
from playwright.async_api import expect

from core.clock import SystemClock
from core.database import Database, fetch_one
from core.ids import ChoiceId
from core.moments import MINUTE, SECOND
from core.web.formats import time_text
from exam_server.commands import AnswerHelp, Extend, MoveClose, Pause, Resume, SetAllowance, Stop, Tell
from exam_server.events import (
    Allowance,
    AnyEvent,
    BreakBegun,
    BreakOver,
    HelpAsked,
    NoticeKind,
    NoticeRead,
    Questioned,
    Responded,
    SectionClosed,
)
from tests.browser.audit import audit
from tests.browser.backroom import Backroom, opened
from tests.browser.conftest import Examinees
from tests.browser.examinee import Examinee, edits_of, until_queued
from tests.browser.exams import LINEAR, SECTIONED, plan_linear_exam, plan_sectioned_exam
from tests.browser.line import Line
from tests.server.booth import until
from tests.server.conftest import wait_for
from tests.server.processes import Server

ITEMS = 5


def prepare(server: Server) -> None:
    async def plan() -> None:
        database = Database(server.url, pool_size=1)
        try:
            await plan_sectioned_exam(database)
            await plan_linear_exam(database)
        finally:
            await database.close()

    wait_for(plan)


@pytest_asyncio.fixture(loop_scope="module")
async def backroom(house: Server) -> AsyncIterator[Backroom]:
    async with opened(house) as room:
        yield room


async def test_sections_and_a_break_from_start_to_end(examinees: Examinees) -> None:
    examinee = await examinees(blueprint=SECTIONED)
    page = examinee.page
    await expect(page.get_by_text("Терапия: 3 задания")).to_be_visible()
    await examinee.start(ITEMS)
    await expect(page.locator(".strip__section")).to_have_text("Раздел 1 из 2. Терапия")
    ahead = page.locator(".exam-side .map__list .map__place--ahead")
    await expect(ahead).to_have_count(2)
    await answer(examinee, 0)

    await page.get_by_role("button", name="Перерыв").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Все задания, которые вы открывали, закроются.")
    faults = {"break dialog": await audit(page)}
    await page.get_by_role("dialog").get_by_role("button", name="Начать перерыв").click()
    await expect(page.get_by_role("heading", name="Перерыв")).to_be_visible()
    stands = await page.locator(".exam-clock").inner_text()
    await expect(page.locator(".countdown__time")).to_have_text("4:58")
    assert await page.locator(".exam-clock").inner_text() == stands
    faults["break"] = await audit(page)
    await page.get_by_role("button", name="Вернуться к заданиям").click()
    await examinee.await_item(2, ITEMS)
    await expect(page.locator(".exam-side .map__list li").first).to_contain_text("есть ответ, закрыто")
    await expect(page.get_by_role("button", name="Перерыв")).to_have_count(0)

    await page.get_by_role("button", name="Проверить раздел").click()
    await expect(page.get_by_text("Без ответа 2 задания.")).to_be_visible()
    await page.get_by_role("button", name="Завершить раздел").click()
    await page.get_by_role("dialog").get_by_role("button", name="Завершить раздел").click()
    await expect(page.get_by_role("heading", name="Раздел 1 завершён")).to_be_visible()
    faults["between"] = await audit(page)
    await page.get_by_role("button", name="Начать раздел 2").click()
    await examinee.await_item(4, ITEMS)
    await expect(page.locator(".strip [role=timer]")).to_contain_text("4:5")
    spoken = page.locator(":is([role=status], [role=alert], [aria-live=polite], [aria-live=assertive])")
    await expect(spoken.locator("[role=timer]")).to_have_count(0)
    await answer(examinee, 1)
    faults["section"] = await audit(page)
    await page.get_by_role("button", name="Проверить и завершить").click()
    await examinee.submit()

    events = await examinee.events()
    kinds = [type(event) for event in events]
    assert [kinds.count(kind) for kind in (BreakBegun, BreakOver, SectionClosed)] == [1, 1, 1]
    assert {state: found for state, found in faults.items() if found} == {}
    assert examinee.watchman.take() == []


async def test_sections_in_order(examinees: Examinees) -> None:
    examinee = await examinees(blueprint=LINEAR)
    page = examinee.page
    await examinee.start(3)
    first = await answer(examinee, 0)
    await examinee.go_on(keyboard=True)
    await examinee.await_item(2, 3)
    await page.locator(".item__moves").get_by_role("button", name="Завершить раздел").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Без ответа 1 задание. Вернуться к разделу будет нельзя.")
    await page.get_by_role("dialog").get_by_role("button", name="Завершить раздел").click()
    await page.get_by_role("button", name="Начать раздел 2").click()
    await examinee.await_item(3, 3)
    second = await answer(examinee, 3)
    await page.locator(".item__moves").get_by_role("button", name="Завершить тестирование").click()
    await page.get_by_role("dialog").get_by_role("button", name="Завершить тестирование").click()
    await expect(page.get_by_role("heading", name="Тестирование завершено")).to_be_visible()
    assert answers(await examinee.events()) == [first, second]
    assert examinee.watchman.take() == []


async def test_who_has_less_time_than_the_exam_is_told_before_and_during_it(
    house: Server, examinees: Examinees, backroom: Backroom
) -> None:
    examinee = await examinees(blueprint=SECTIONED)
    page = examinee.page
    await expect(page.locator(".start__late")).to_have_count(0)
    note = await backroom.write(examinee.sitting, "Центр закрывается раньше.")
    closes = SystemClock().now() + 10 * MINUTE
    await backroom.order(examinee.sitting, MoveClose(closes, backroom.by, note))
    # Shortly before midnight the page says the day too.
    until_when = re.compile(rf"доступ\sоткрыт\sдо\s(\d+\s\w+,\s)?{time_text(closes)}", re.IGNORECASE)
    await expect(page.locator(".start__late")).to_contain_text("У вас будет 9 минут")
    await expect(page.locator(".start__late")).to_contain_text(until_when)
    faults = await audit(page)
    await examinee.start(ITEMS)
    await expect(page.locator(".strip")).to_contain_text(until_when)
    await expect(page.locator(".exam-clock")).to_contain_text("9:")
    assert faults == []


async def test_a_pause_keeps_the_clock_and_the_answers(
    line: Line, examinees: Examinees, backroom: Backroom, database: Database
) -> None:
    """An answer given without a line meets the pause; it is kept, and counts once the exam goes on."""
    examinee = await examinees(line.address, blueprint=SECTIONED)
    page = examinee.page
    await examinee.start(ITEMS)
    line.cut()
    await expect(page.locator(".strip--warn")).to_be_visible()
    chosen = await answer(examinee, 2, saved=False)
    await until_queued(examinee, 1)
    note = await backroom.write(examinee.sitting, "Проверяем <b>звук</b> в аудитории.")
    await backroom.order(examinee.sitting, Pause(backroom.by, note))
    line.mend()
    await expect(page.get_by_role("heading", name="Тестирование приостановлено")).to_be_visible()
    await expect(page.locator("blockquote")).to_have_text("Проверяем <b>звук</b> в аудитории.")
    await expect(page.get_by_text("1 изменение сохранено на этом устройстве")).to_be_visible()
    faults = {"paused": await audit(page)}
    stands = await page.locator(".exam-clock").inner_text()
    await page.reload()
    await expect(page.get_by_role("heading", name="Тестирование приостановлено")).to_be_visible()
    await expect(page.locator(".exam-clock")).to_have_text(stands, use_inner_text=True)
    assert answers(await examinee.events()) == []
    # What the pause puts off does not keep a call for help back.
    await page.get_by_role("button", name="Нужна помощь").click()
    await page.get_by_role("dialog").get_by_role("button", name="Позвать проктора").click()

    async def called() -> bool:
        return any(type(event) is HelpAsked for event in await examinee.events())

    await until(called, "the call is stored")
    await until_queued(examinee, 1)
    assert answers(await examinee.events()) == []

    await backroom.order(examinee.sitting, Resume(backroom.by))
    await examinee.await_item(1, ITEMS)
    await expect(examinee.option(chosen).locator(".saved--done")).to_have_text("Сохранено")
    await until_queued(examinee, 0)
    events = await examinee.events()
    assert answers(events) == [chosen]
    edits_of(events)
    assert {state: found for state, found in faults.items() if found} == {}


async def test_what_the_proctor_says_stays_until_it_is_read(
    house: Server, examinees: Examinees, backroom: Backroom, database: Database
) -> None:
    examinee = await examinees(blueprint=SECTIONED)
    page = examinee.page
    await examinee.start(ITEMS)
    kinds: tuple[NoticeKind, ...] = ("message", "message", "warning")
    words = ("Через десять минут откроем окно.", "Скоро конец смены.", "Уберите телефон со стола.")
    notes = [await backroom.write(examinee.sitting, text) for text in words]
    said = page.locator(".tray .banner")
    for number, (kind, note) in enumerate(zip(kinds, notes, strict=True)):
        await backroom.order(examinee.sitting, Tell(kind, backroom.by, note))
        # What came first stays: nothing else gets under a finger.
        await expect(said.locator(".tray__words")).to_have_text(words[0])
        await expect(said.locator(".tray__more")).to_contain_text(f"Ещё {number}" if number else "")
    await expect(said).to_have_count(1)
    await expect(said.locator(".tray__more")).to_have_text("Ещё 2, есть предупреждение")
    faults = {"notices": await audit(page)}
    await page.reload()
    await expect(page.get_by_role("alert").locator(".tray__words")).to_have_text("Уберите телефон со стола.")
    await page.set_viewport_size({"width": 360, "height": 640})
    room = await page.evaluate("innerHeight - document.querySelector('.tray').getBoundingClientRect().height")
    assert room > 640 / 2, "the item stays in sight"
    await page.set_viewport_size({"width": 1280, "height": 900})
    await said.get_by_role("button", name="Прочитано").dblclick()
    await expect(said.locator(".tray__words")).to_have_text(words[0])
    await until_queued(examinee, 0)
    for text in words[:2]:
        await expect(page.locator(".tray__place[role=status] .tray__words")).to_have_text(text)
        await said.get_by_role("button", name="Прочитано").press("Enter")
    await expect(page.locator("h1.item__number")).to_be_focused()
    await expect(said).to_have_count(0)
    await until_queued(examinee, 0)
    read = [event.note for event in await examinee.events() if type(event) is NoticeRead]
    assert read == [notes[2], notes[0], notes[1]]
    assert {state: found for state, found in faults.items() if found} == {}
    assert examinee.watchman.take() == []


async def test_a_call_for_help_and_a_remark_survive_a_line_that_is_down(
    line: Line, examinees: Examinees, backroom: Backroom, database: Database
) -> None:
    examinee = await examinees(line.address, blueprint=SECTIONED)
    page = examinee.page
    await examinee.start(ITEMS)
    line.cut()
    await expect(page.locator(".strip--warn")).to_be_visible()
    dialog = page.get_by_role("dialog")
    await page.set_viewport_size({"width": 360, "height": 640})
    await expect(page.get_by_role("button", name="Нужна помощь").locator(".strip__short")).to_be_visible()
    await page.set_viewport_size({"width": 1280, "height": 900})
    await page.get_by_role("button", name="Нужна помощь").click()
    faults = {"help": await audit(page)}
    await dialog.get_by_role("textbox").fill("Не слышно проктора")
    await dialog.get_by_role("button", name="Позвать проктора").click()
    await page.get_by_role("button", name="В задании ошибка?").click()
    await dialog.get_by_role("button", name="Отправить замечание").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Напишите хотя бы несколько слов.")
    faults["remark"] = await audit(page)
    await dialog.get_by_role("textbox").fill("Опечатка в варианте <Б>")
    await dialog.get_by_role("button", name="Отправить замечание").click()
    await until_queued(examinee, 2)
    line.mend()
    await until_queued(examinee, 0)
    await expect(page.get_by_role("button", name="Проктор позван")).to_be_visible()
    await expect(page.get_by_role("button", name="Замечание отправлено")).to_be_visible()
    await expect(page.get_by_role("button", name="1: открыто сейчас, без ответа, есть замечание")).to_be_visible()

    events = await examinee.events()
    asked = [event.note for event in events if type(event) is HelpAsked]
    doubted = [event.note for event in events if type(event) is Questioned]
    assert await texts(database, [*asked, *doubted]) == ["Не слышно проктора", "Опечатка в варианте <Б>"]
    await backroom.order(examinee.sitting, AnswerHelp(backroom.by))
    await expect(page.get_by_role("button", name="Нужна помощь")).to_be_visible()
    assert {state: found for state, found in faults.items() if found} == {}


async def test_time_that_is_given_moves_the_clock_and_is_said_once(
    house: Server, examinees: Examinees, backroom: Backroom
) -> None:
    examinee = await examinees(blueprint=SECTIONED)
    page = examinee.page
    await examinee.start(ITEMS)
    note = await backroom.write(examinee.sitting, "Свет погас.")
    await backroom.order(examinee.sitting, Extend(10 * MINUTE, backroom.by, note))
    await expect(page.locator(".exam-clock")).to_contain_text("29:")
    await backroom.order(examinee.sitting, SetAllowance(Allowance(200), backroom.by, note))
    await expect(page.locator(".exam-clock")).to_contain_text("49:")
    await expect(page.locator(".tray .banner")).to_have_count(1)
    await expect(page.locator(".tray .banner")).to_contain_text("Время изменено. До конца тестирования 49 минут")
    await expect(page.locator("[aria-live=polite].visually-hidden")).to_have_text("")


async def test_half_of_the_time_is_said_once_and_not_while_the_clocks_stand(
    house: Server, examinees: Examinees, backroom: Backroom
) -> None:
    examinee = await examinees(blueprint=SECTIONED)
    page = examinee.page
    await page.clock.install()
    await page.reload()
    await examinee.start(ITEMS)
    spoken = page.locator(".visually-hidden[aria-live=polite]")
    entry = (await examinee.state()).form.entries[0]
    await page.clock.fast_forward(entry.limit // 4)
    await expect(spoken).to_have_text("")
    await page.clock.fast_forward(entry.limit // 4 + SECOND)
    await expect(spoken).to_contain_text("На задание осталось")
    said = await spoken.inner_text()
    for _ in range(5):
        await page.clock.fast_forward(SECOND)
        assert await spoken.inner_text() == said
    note = await backroom.write(examinee.sitting, "Проверяем звук.")
    await backroom.order(examinee.sitting, Pause(backroom.by, note))
    await expect(page.get_by_role("heading", name="Тестирование приостановлено")).to_be_visible()
    await expect(spoken).to_have_text("")


async def test_who_is_stopped_reads_why_and_what_comes_next(
    house: Server, examinees: Examinees, backroom: Backroom
) -> None:
    examinee = await examinees(blueprint=SECTIONED)
    page = examinee.page
    await examinee.start(ITEMS)
    note = await backroom.write(examinee.sitting, "Вы покинули помещение & не вернулись.")
    await backroom.order(examinee.sitting, Stop(backroom.by, note))
    await expect(page.get_by_role("heading", name="Тестирование завершено")).to_be_visible()
    await expect(page.locator("blockquote")).to_have_text("Вы покинули помещение & не вернулись.")
    await expect(page.get_by_text("Причину рассмотрит комиссия.")).to_be_visible()
    assert await audit(page) == []
    cancelled = await examinees(blueprint=SECTIONED)
    note = await backroom.write(cancelled.sitting, "Авария на подстанции.")
    await backroom.order(cancelled.sitting, Stop(backroom.by, note, "window_cancelled"))
    page = cancelled.page
    await expect(page.get_by_role("heading", name="Тестирование не состоялось")).to_be_visible()
    await expect(page.locator("blockquote")).to_have_text("Авария на подстанции.")
    await expect(page.get_by_role("link", name="В личный кабинет")).to_be_visible()
    assert await audit(page) == []


async def answer(examinee: Examinee, which: int, *, saved: bool = True) -> ChoiceId:
    """Choose an option of the item on screen; its id."""
    option = examinee.stage.locator("label.choice").nth(which)
    await option.click()
    if saved:
        await expect(option.locator(".saved--done")).to_have_text("Сохранено")
    return ChoiceId(await option.locator("input").get_attribute("value") or "")


def answers(events: list[AnyEvent]) -> list[str]:
    return [event.value[0] for event in events if type(event) is Responded]


async def texts(database: Database, notes: Sequence[int | None]) -> list[str]:
    found = []
    async with database.transaction() as connection:
        for note in notes:
            row = await fetch_one(connection, "SELECT body FROM exam_server.note WHERE id = :id", id=note)
            assert row is not None
            found.append(row["body"])
    return found
