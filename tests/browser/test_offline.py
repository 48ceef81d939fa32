"""The line breaks, the page is loaded again, another tab comes, time runs out: no answer is lost."""

import re

import httpx
from playwright.async_api import Browser, Dialog, expect

from app.demo.people import PASSWORD
from core.access.people import hash_password
from core.database import Database, execute
from core.ids import ChoiceId
from exam_server.events import AnyEvent, Attached, ItemExpired, Responded
from tests.browser.audit import SIZES, audit
from tests.browser.conftest import Examinees
from tests.browser.examinee import Examinee, edits_of, until_queued
from tests.browser.exams import HURRIED, LIMIT, plan_hurried_exam
from tests.browser.line import Line
from tests.server.booth import until
from tests.server.processes import Server

AWAY = "Нет связи. Ответы сохраняются на этом устройстве и уйдут сами."


async def test_answers_given_without_a_line_survive_a_reload(line: Line, examinees: Examinees) -> None:
    examinee = await examinees(line.address)
    page = examinee.page
    await examinee.start()
    first, second, third, _ = await options(examinee)
    await examinee.choose(first, keyboard=True)

    line.close_sockets()
    await expect(page.locator(".strip--warn p")).to_contain_text(AWAY)
    for choice in (second, third):
        await examinee.choose(choice, keyboard=True, saved=False)
    await expect(examinee.option(third).locator(".saved")).to_have_text("Сохранено на этом устройстве")
    await expect(page.locator(".saved--done")).to_have_count(0)
    await until_queued(examinee, 2)
    await expect(page.locator(".strip--warn p")).to_have_text(f"{AWAY} Ждут отправки: 2.")
    assert answers(await examinee.events()) == [first]

    asked: list[str] = []

    async def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.accept()

    page.on("dialog", leave)
    await page.reload()
    assert asked == ["beforeunload"]
    await expect(page.get_by_role("status").filter(has_text="Открываем тестирование")).to_be_attached()
    assert await examinee.queued() == 2
    line.mend()
    await examinee.await_item(1)
    await expect(examinee.option(third).locator(".saved--done")).to_have_text("Сохранено")
    await until_queued(examinee, 0)
    await expect(page.locator(".strip--warn")).to_have_count(0)

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
    await expect(page.locator(".strip--warn p")).to_contain_text(AWAY, timeout=3_000)
    await examinee.choose(chosen, keyboard=False, saved=False)
    await expect(examinee.option(chosen).locator(".saved")).to_have_text("Сохранено на этом устройстве")
    line.release()
    await devtools.send("Network.emulateNetworkConditions", {"offline": False, **conditions})
    await expect(examinee.option(chosen).locator(".saved--done")).to_have_text("Сохранено")
    assert answers(await examinee.events()) == [chosen]


async def test_where_no_socket_gets_through_the_exam_goes_on_by_requests_and_returns_to_a_socket(
    house: Server, database: Database, line: Line, examinees: Examinees
) -> None:
    examinee = await examinees(line.address)
    page = examinee.page
    await page.clock.install()
    await page.reload()
    await examinee.start()
    first, second, third, _ = await options(examinee)
    await examinee.choose(first, keyboard=True)

    line.close_sockets()
    await expect(page.locator(".strip--warn p")).to_contain_text(AWAY)
    await examinee.choose(second, keyboard=True, saved=False)
    for _ in range(8):  # every pause before the next try is shorter than this
        await page.clock.fast_forward(1_000)
    await expect(page.locator(".strip__slow")).to_have_text("Связь медленная, но ответы сохраняются")
    await expect(examinee.option(second).locator(".saved--done")).to_have_text("Сохранено")
    await examinee.choose(third, keyboard=True)
    await expect(page.get_by_text("Связь восстановлена, ответы отправлены.")).to_be_visible()
    await examinee.go_on(keyboard=True)
    await examinee.await_item(2)
    await until_queued(examinee, 0)
    events = await examinee.events()
    assert answers(events) == [first, second, third]
    assert [event.via for event in events if type(event) is Attached][-1] == "http"

    line.mend()
    await page.clock.fast_forward(61_000)
    await expect(page.locator(".strip__slow")).to_have_count(0)
    chosen = (await options(examinee))[0]
    await examinee.choose(chosen, keyboard=True)
    events = await examinee.events()
    assert answers(events)[-1] == chosen
    assert [event.via for event in events if type(event) is Attached][-1] == "socket"
    edits_of(events)
    assert examinee.watchman.take() == []


async def test_two_windows_of_one_browser_that_both_go_by_requests_do_not_fight(
    house: Server, database: Database, line: Line, examinees: Examinees
) -> None:
    older = await examinees(line.address)
    await older.start()
    first, second, third, _ = await options(older)
    line.close_sockets()
    await expect(older.page.locator(".strip__slow")).to_be_visible()
    await older.choose(first, keyboard=True)
    newer = Examinee(await older.page.context.new_page(), line.address, database)
    newer.sitting = older.sitting
    await newer.open_exam()
    await newer.await_item(1)
    await expect(older.page.get_by_role("heading", name="Тестирование продолжено в другом окне")).to_be_visible()
    await newer.choose(second, keyboard=True)
    await older.page.get_by_role("button", name="Продолжить в этом окне").click()
    await expect(older.option(second).locator(".saved--done")).to_have_text("Сохранено")
    await expect(newer.page.get_by_role("heading", name="Тестирование продолжено в другом окне")).to_be_visible()
    await older.choose(third, keyboard=True)
    events = await older.events()
    assert answers(events) == [first, second, third]
    edits_of(events)


async def test_who_has_to_sign_in_again_comes_back_and_the_answers_go_by_themselves(
    house: Server, database: Database, line: Line, examinees: Examinees
) -> None:
    examinee = await examinees(line.address)
    page = examinee.page
    await examinee.start()
    chosen = (await options(examinee))[1]
    state = await examinee.state()
    line.cut()
    await expect(page.locator(".strip--warn p")).to_contain_text(AWAY)
    await examinee.choose(chosen, keyboard=True, saved=False)
    await expect(examinee.option(chosen).locator(".saved")).to_have_text("Сохранено на этом устройстве")
    async with database.transaction() as connection:
        await execute(connection, "DELETE FROM core.login WHERE person_id = :id", id=state.candidate)
        await execute(
            connection,
            "UPDATE core.person SET login = :login, password_hash = :password WHERE id = :id",
            login="zabyl",
            password=await hash_password(PASSWORD),
            id=state.candidate,
        )
    # A login is believed for some seconds without asking; the line stays cut until the server has asked again.
    cookies = {one["name"]: one["value"] for one in await page.context.cookies()}
    async with httpx.AsyncClient(base_url=house.address, cookies=cookies) as visitor:

        async def is_signed_out() -> bool:
            return (await visitor.get("/cabinet")).status_code != 200

        await until(is_signed_out, "the login is gone")
    line.mend()
    away = page.locator(".strip--warn p")
    await expect(away).to_contain_text("Вход закончился. Ответы сохранены на этом устройстве, время идёт.")
    assert await audit(page) == []
    await away.get_by_role("link", name="Войти и продолжить").click()
    await page.wait_for_url(re.compile(re.escape(f"/login?next=/exam/{examinee.sitting}")))
    await page.locator("#f-login").fill("zabyl")
    await page.locator("#f-password").fill(PASSWORD)
    await page.locator("form.form").get_by_role("button", name="Войти").click()
    await page.wait_for_url(f"**/exam/{examinee.sitting}")
    await expect(examinee.option(chosen).locator(".saved--done")).to_have_text("Сохранено")
    await until_queued(examinee, 0)
    assert answers(await examinee.events()) == [chosen]


async def test_a_lost_line_moves_nothing_that_a_finger_may_be_about_to_press(line: Line, examinees: Examinees) -> None:
    examinee = await examinees(line.address)
    page = examinee.page
    await examinee.start()
    chosen = (await options(examinee))[3]
    await examinee.choose(chosen, keyboard=True)

    async def places() -> dict[str, float]:
        found = {}
        for size, (width, height) in SIZES.items():
            await page.set_viewport_size({"width": width, "height": height})
            box = await examinee.option(chosen).bounding_box()
            assert box is not None
            found[size] = box["y"]
        return found

    before = await places()
    line.cut()
    await expect(page.locator(".strip--warn p")).to_contain_text(AWAY)
    for _ in range(2):
        await examinee.choose(chosen, keyboard=False, saved=False)
        await examinee.choose((await options(examinee))[0], keyboard=False, saved=False)
    await expect(page.locator(".strip--warn p")).to_contain_text("Ждут отправки")
    assert await places() == before


async def test_a_line_that_breaks_again_and_again_delivers_everything_once_and_in_order(
    line: Line, examinees: Examinees
) -> None:
    examinee = await examinees(line.address)
    await examinee.start()
    choices = await options(examinee)
    given = []
    for round_ in range(6):
        line.cut()
        await expect(examinee.page.locator(".strip--warn p")).to_contain_text(AWAY)
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


async def options(examinee: Examinee) -> list[ChoiceId]:
    """The options of the item on screen, from top to bottom."""
    values = await examinee.stage.locator("input").evaluate_all("all => all.map(one => one.value)")
    return [ChoiceId(value) for value in values]


def answers(events: list[AnyEvent]) -> list[ChoiceId]:
    """The options that the log holds, in the order in which they were given."""
    return [event.value[0] for event in events if type(event) is Responded]
