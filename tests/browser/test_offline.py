"""The line breaks, the page is loaded again, another tab comes, time runs out: no answer is lost."""

import msgspec
from playwright.async_api import Browser, expect

from app.demo.bank_files import read_bank
from app.demo.seed import GENERAL_MEDICINE
from core.clock import SystemClock
from core.database import Database
from core.ids import BlueprintId, ChoiceId
from core.moments import HOUR, MINUTE, SECOND
from exam_server.events import AnyEvent, Attached, ItemExpired, Responded
from exam_server.scheduling import open_window
from question_bank.blueprint_store import save_blueprint
from question_bank.blueprints import Blueprint, Cell
from question_bank.store import publish_items
from tests.browser.conftest import Examinees
from tests.browser.examinee import Examinee, edits_of, until_queued
from tests.browser.line import Line
from tests.server.booth import until
from tests.server.processes import Server

AWAY = "Нет связи. Ответы сохраняются на этом устройстве и будут отправлены, когда связь вернётся."
HURRIED = BlueprintId("hurried-3")
REQUIREMENT = "ЛД-01"
LIMIT = 6 * SECOND


async def test_answers_given_without_a_line_survive_a_reload(line: Line, examinees: Examinees) -> None:
    examinee = await examinees(line.address)
    page = examinee.page
    await examinee.start()
    first, second, third, _ = await options(examinee)
    await examinee.choose(first, keyboard=True)

    line.close_sockets()
    await expect(page.locator(".tray .banner")).to_have_text(AWAY)
    for choice in (second, third):
        await examinee.choose(choice, keyboard=True, saved=False)
    await expect(examinee.option(third).locator(".saved")).to_have_text("Сохранено на этом устройстве")
    await expect(page.locator(".saved--done")).to_have_count(0)
    await until_queued(examinee, 2)
    assert answers(await examinee.events()) == [first]

    page.on("dialog", lambda dialog: dialog.accept())
    await page.reload()
    await expect(page.get_by_role("status").filter(has_text="Открываем тестирование")).to_be_attached()
    assert await examinee.queued() == 2
    line.mend()
    await examinee.await_item(1)
    await expect(examinee.option(third).locator(".saved--done")).to_have_text("Сохранено")
    await until_queued(examinee, 0)

    events = await examinee.events()
    assert answers(events) == [first, second, third]
    assert edits_of(events) == examinee.traffic.sent
    assert len({event.stream for event in events if type(event) is Attached}) == 1
    assert examinee.watchman.take() == []


async def test_a_browser_that_says_it_is_offline_is_believed_at_once(
    browser: Browser, line: Line, examinees: Examinees
) -> None:
    """The line is held too: the browser leaves a WebSocket open that it no longer has."""
    examinee = await examinees(line.address)
    page = examinee.page
    await examinee.start()
    chosen = (await options(examinee))[1]
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Network.enable")
    line.hold()
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    await devtools.send("Network.emulateNetworkConditions", {"offline": True, **conditions})
    await expect(page.locator(".tray .banner")).to_have_text(AWAY, timeout=3_000)
    await examinee.choose(chosen, keyboard=False, saved=False)
    await expect(examinee.option(chosen).locator(".saved")).to_have_text("Сохранено на этом устройстве")
    line.release()
    await devtools.send("Network.emulateNetworkConditions", {"offline": False, **conditions})
    await expect(examinee.option(chosen).locator(".saved--done")).to_have_text("Сохранено")
    assert answers(await examinee.events()) == [chosen]


async def test_a_line_that_breaks_again_and_again_delivers_everything_once_and_in_order(
    line: Line, examinees: Examinees
) -> None:
    examinee = await examinees(line.address)
    await examinee.start()
    choices = await options(examinee)
    given = []
    for round_ in range(6):
        line.cut()
        await expect(examinee.page.locator(".tray .banner")).to_have_text(AWAY)
        for choice in (choices[2 * round_ % 4], choices[(2 * round_ + 1) % 4]):
            await examinee.choose(choice, keyboard=True, saved=False)
            given.append(choice)
        line.mend()
        await expect(examinee.option(given[-1]).locator(".saved--done")).to_have_text("Сохранено")
    await until_queued(examinee, 0)
    events = await examinee.events()
    assert answers(events) == given
    assert edits_of(events) == examinee.traffic.sent


async def test_an_answer_lost_on_the_way_is_sent_again_under_its_number(line: Line, examinees: Examinees) -> None:
    examinee = await examinees(line.address)
    await examinee.start()
    first, second, _, _ = await options(examinee)
    await examinee.choose(first, keyboard=True)
    line.swallow()
    await examinee.choose(second, keyboard=True, saved=False)

    async def sent() -> bool:
        return len(examinee.traffic.sent) == 3  # the start, and two answers

    await until(sent, "the answer has left the page")
    lost = max(examinee.traffic.sent)
    line.cut()
    line.mend()
    await expect(examinee.option(second).locator(".saved--done")).to_have_text("Сохранено")
    assert examinee.traffic.times_sent == {lost - 2: 1, lost - 1: 1, lost: 2}
    events = await examinee.events()
    assert answers(events) == [first, second]
    assert edits_of(events) == examinee.traffic.sent


async def test_the_newer_tab_takes_over_and_the_older_one_can_take_it_back(
    house: Server, database: Database, examinees: Examinees
) -> None:
    older = await examinees()
    await older.start()
    first, second, third, _ = await options(older)
    await older.choose(first, keyboard=True)
    newer = Examinee(await older.page.context.new_page(), house.address, database)
    newer.sitting = older.sitting
    await newer.open_exam()
    await newer.await_item(1)
    await expect(newer.option(first).locator(".saved--done")).to_have_text("Сохранено")

    await expect(older.page.get_by_role("heading", name="Тестирование продолжено в другом окне")).to_be_visible()
    await expect(older.page.locator("fieldset.stage")).to_have_count(0)
    await newer.choose(second, keyboard=True)
    await older.page.get_by_role("button", name="Продолжить в этом окне").click()
    await older.await_item(1)
    await expect(older.option(second).locator(".saved--done")).to_have_text("Сохранено")
    await expect(newer.page.get_by_role("heading", name="Тестирование продолжено в другом окне")).to_be_visible()
    await older.choose(third, keyboard=True)

    events = await older.events()
    assert answers(events) == [first, second, third]
    edits_of(events)
    attached = [event for event in events if type(event) is Attached]
    assert len({event.stream for event in attached}) == 1
    assert [event.epoch for event in attached] == [1, 2, 3]
    assert older.watchman.take() + newer.watchman.take() == []


async def test_time_for_an_item_runs_out_on_screen_and_the_next_one_comes(
    house: Server, database: Database, examinees: Examinees
) -> None:
    await plan_hurried_exam(database)
    examinee = await examinees(blueprint=HURRIED)
    page = examinee.page
    await examinee.start(items=3)
    chosen = (await options(examinee))[2]
    await examinee.choose(chosen, keyboard=True)

    await expect(page.locator("fieldset.stage[inert]")).to_have_count(1)
    await expect(page.locator("#move-note")).to_have_text("Время на это задание вышло. Открываем следующее.")
    await examinee.await_item(2, items=3)
    await expect(page.locator(".item .banner")).to_have_text(
        "Время на задание 1 вышло, оно закрыто. Сохранённый ответ учтён."
    )
    await expect(page.locator(".exam-side .map__list li").first).to_contain_text("есть ответ, время вышло")
    state = await examinee.state()
    assert state.items[0].answers == ((chosen,),)
    expired = [event for event in await examinee.events() if type(event) is ItemExpired]
    assert [event.position for event in expired] == [0]
    assert state.started_at is not None
    assert expired[0].at == state.started_at + LIMIT


async def plan_hurried_exam(database: Database) -> None:
    """Three items with six seconds for each, in a window that is open."""
    now = SystemClock().now()
    blueprint = Blueprint(
        id=HURRIED,
        version=1,
        title="Три задания",
        speciality=GENERAL_MEDICINE,
        speciality_title="Лечебное дело",
        cells=(Cell(REQUIREMENT, "four_option", 3),),
        exam_limit=10 * MINUTE,
        navigation="free",
        on_item_timeout="advance",
        flags=True,
        confirmation="automatic",
        cut=85,
        accreditation="primary",
        practice=True,
    )
    items = [
        msgspec.structs.replace(item, version=item.version + 1, limit=LIMIT)
        for item in read_bank().items
        if (item.speciality, item.requirement, item.kind) == (GENERAL_MEDICINE, REQUIREMENT, "four_option")
    ]
    async with database.transaction() as connection:
        await publish_items(connection, items, now)
        await save_blueprint(connection, blueprint, now)
        await open_window(connection, blueprint, now - HOUR, now + 24 * HOUR, 10, "")


async def options(examinee: Examinee) -> list[ChoiceId]:
    """The options of the item on screen, from top to bottom."""
    values = await examinee.stage.locator("input").evaluate_all("all => all.map(one => one.value)")
    return [ChoiceId(value) for value in values]


def answers(events: list[AnyEvent]) -> list[ChoiceId]:
    """The options that the log holds, in the order in which they were given."""
    return [event.value[0] for event in events if type(event) is Responded]
