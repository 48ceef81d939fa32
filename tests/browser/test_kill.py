"""The server, or the browser, dies in the middle of an exam without a word, and comes back."""

from pathlib import Path

from playwright.async_api import Browser, Playwright, expect

from core.access import LOGIN_COOKIE
from core.database import Database
from core.ids import ChoiceId
from exam_server.events import Attached, Responded
from tests.browser.chromium import kill, launched
from tests.browser.conftest import Booths, Examinees
from tests.browser.examinee import Examinee, answer_to, edits_of, until_queued
from tests.browser.film import Film
from tests.browser.line import Line
from tests.server.booth import until
from tests.server.processes import Server

BEFORE = 4


async def test_a_killed_server_loses_no_answer_and_doubles_none(
    house: Server, line: Line, examinees: Examinees
) -> None:
    examinee = await examinees(line.address)
    page = examinee.page
    await examinee.start()
    keys = await examinee.keys()
    form = (await examinee.state()).form
    for number, entry in enumerate(form.entries[:BEFORE], start=1):
        await examinee.await_item(number)
        await examinee.choose(answer_to(keys[entry.item, entry.version].stages[0])[0], keyboard=True)
        await examinee.go_on(keyboard=True)
    await examinee.await_item(BEFORE + 1)
    entry = form.entries[BEFORE]
    stage = keys[entry.item, entry.version].stages[0]
    right, wrong = answer_to(stage)[0], answer_to(stage, rightly=False)[0]

    # Stored, but its acknowledgement never arrives: what the page hears on its return has to settle it.
    line.hold()
    await examinee.choose(wrong, keyboard=True, saved=False)

    async def stored() -> bool:
        return any(type(event) is Responded and event.value == (wrong,) for event in await examinee.events())

    await until(stored, "the answer is stored")
    unheard = max(examinee.traffic.sent)
    assert examinee.traffic.acknowledged == unheard - 1
    house.kill()
    line.cut()
    line.release()
    line.mend()

    banner = page.locator(".strip--warn p")
    await expect(banner).to_contain_text("Нет связи. Ответы сохраняются на этом устройстве и уйдут сами.")
    await expect(page.locator("#move-note")).to_have_text("Без связи можно отвечать только на открытое задание.")
    await examinee.choose(right, keyboard=False, saved=False)
    await expect(examinee.option(right).locator(".saved")).to_have_text("Сохранено на этом устройстве")
    await expect(page.locator(".saved--done")).to_have_count(0)
    await expect(page.get_by_role("button", name="Дальше")).to_have_attribute("aria-disabled", "true")
    await until_queued(examinee, 2)

    house.start()
    await expect(examinee.option(right).locator(".saved--done")).to_have_text("Сохранено")
    await expect(banner).to_have_count(0)
    await until_queued(examinee, 0)
    assert examinee.traffic.times_sent[unheard] == 1
    assert examinee.traffic.connections >= 2
    await examinee.go_on(keyboard=True)
    await examinee.take_all(keys, BEFORE + 2)
    await examinee.submit()

    events = await examinee.events()
    assert edits_of(events) == examinee.traffic.sent
    assert examinee.traffic.acknowledged == max(examinee.traffic.sent)
    assert len({event.stream for event in events if type(event) is Attached}) == 1
    assert (await examinee.state()).items[BEFORE].answers == ((right,),)
    await examinee.open_result()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Тестирование сдано: 20 из 20 баллов")
    assert examinee.watchman.take() == []


async def test_a_killed_browser_sends_on_its_next_start_what_it_had_kept(
    house: Server,
    line: Line,
    database: Database,
    booths: Booths,
    playwright: Playwright,
    chromium: Path,
    film: Film,
    tmp_path: Path,
) -> None:
    booth = await booths(house)
    await booth.pass_entrance()

    async def sit_down(browser: Browser) -> Examinee:
        (context,) = browser.contexts  # the profile's own; any other is gone with the browser
        await context.set_extra_http_headers({"Accept-Language": "ru"})
        cookie = {"name": LOGIN_COOKIE, "value": booth.cookie[LOGIN_COOKIE], "url": line.address}
        await context.add_cookies([cookie])  # type: ignore[list-item]
        examinee = Examinee(await context.new_page(), line.address, database)
        examinee.sitting = booth.sitting
        await examinee.open_exam()
        return examinee

    async with launched(playwright, chromium, film, profile=tmp_path) as browser:
        before = await sit_down(browser)
        await before.start()
        values = await before.stage.locator("input").evaluate_all("all => all.map(one => one.value)")
        given = [ChoiceId(value) for value in values[:3]]
        line.close_sockets()
        await expect(before.page.locator(".strip--warn")).to_be_visible()
        for choice in given:
            await before.choose(choice, keyboard=True, saved=False)
        await until_queued(before, len(given))
        await kill(browser)
    line.mend()
    async with launched(playwright, chromium, film, profile=tmp_path) as browser:
        after = await sit_down(browser)
        await expect(after.option(given[-1]).locator(".saved--done")).to_have_text("Сохранено")
        await until_queued(after, 0)
        events = await after.events()
        assert [event.value[0] for event in events if type(event) is Responded] == given
        assert len({event.stream for event in events if type(event) is Attached}) == 1
        edits_of(events)
