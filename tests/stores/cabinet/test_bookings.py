import asyncio

import pytest
from msgspec.structs import replace

from core.access.roles import Principal
from core.ids import BlueprintId
from core.moments import DAY, HOUR
from core.randomness import fresh_token
from exam_server.scheduling import list_bookings
from question_bank.blueprint_store import save_blueprint
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement, Speciality
from tests.stores.cabinet.centre import AUTOMATIC, EXAM, PRACTICE, Centre, plain


async def windows_of(centre: Centre, candidate: Principal, query: str = "", lang: str = "ru") -> str:
    return await (await centre.browser(candidate, lang)).read(f"/cabinet/windows{query}")


async def booked(centre: Centre, candidate: Principal) -> list[int]:
    async with centre.database.transaction() as connection:
        return [booking.window.id for booking in await list_bookings(connection, candidate.id)]


async def test_windows_stand_by_day_in_both_zones_with_their_places(centre: Centre, candidate: Principal) -> None:
    await centre.window(lasts=2 * HOUR, capacity=1)
    await centre.window(opens_in=8 * HOUR, capacity=3)
    await centre.window(opens_in=60 * DAY, capacity=5)
    page = await windows_of(centre, candidate)
    now, coming = page.split("Открыто сейчас")[1].split('class="day__number"', 1)
    assert "До 22 ноября 2026, 18:00 (МСК+4)" in now
    assert "У организатора: до 22 ноября 2026, 14:00 (МСК)" in now
    assert "Свободно 1 место" in now
    first, later = coming.split('class="day__number"')
    assert ">23</span>" in first
    assert "ноября" in first
    assert "понедельник" in first
    assert "00:00–04:00 (МСК+4)" in first
    assert "22 ноября 2026, 20:00 — 23 ноября 2026, 00:00 (МСК)" in first
    assert "Свободно 3 места" in first
    assert "января 2027" in later
    assert "Свободно 5 мест" in later
    assert "20 заданий, 40 мин" in later


async def test_a_calendar_without_windows_says_what_will_be_here(centre: Centre, candidate: Principal) -> None:
    window = await centre.window(opens_in=DAY)
    await centre.cancel_window(window)
    assert "Дат пока нет" in await windows_of(centre, candidate)


async def test_one_exam_can_be_seen_alone(centre: Centre, candidate: Principal) -> None:
    await centre.window(opens_in=DAY)
    await centre.window(AUTOMATIC, opens_in=DAY)
    page = await windows_of(centre, candidate, f"?exam={AUTOMATIC.id}")
    rows = page.split('class="day"', 1)[1]
    assert AUTOMATIC.title in rows
    assert EXAM.title not in rows
    assert "Дат пока нет" in await windows_of(centre, candidate, "?exam=%3Cscript%3E&page=zzz&all=2")


async def test_other_specialities_are_left_out_until_asked_for(centre: Centre, candidate: Principal) -> None:
    async with centre.database.transaction() as connection:
        await save_requirements(connection, [Speciality("S2", "Педиатрия")], [Requirement("R1", "S2", "Уход")])
        other = replace(
            EXAM,
            id=BlueprintId("other"),
            title="Педиатрия: <b>тестирование</b>",
            speciality="S2",
            speciality_title="Педиатрия",
            cells=(replace(EXAM.cells[0], requirement="R1"),),
        )
        await save_blueprint(connection, other, centre.clock.now())
    await centre.window(other, opens_in=DAY)
    await centre.window(opens_in=DAY)
    page = await windows_of(centre, candidate)
    assert "Педиатрия" not in page
    assert "Показать все специальности" in page
    everything = await windows_of(centre, candidate, "?all=1")
    assert "Педиатрия: &lt;b&gt;тестирование&lt;/b&gt;" in everything
    assert "Нет допуска по этой специальности" in everything
    assert everything.count('action="/cabinet/bookings"') == 1


async def test_without_admission_only_practice_is_offered(centre: Centre) -> None:
    newcomer = await centre.person("new")
    await centre.window(opens_in=DAY)
    await centre.window(PRACTICE)
    page = await windows_of(centre, newcomer)
    assert "Допуск к тестированию ещё не оформлен" in page
    assert PRACTICE.title in page
    assert EXAM.title not in page


async def test_many_windows_come_in_pages(centre: Centre, candidate: Principal) -> None:
    for day in range(45):
        await centre.window(opens_in=(day + 1) * DAY)
    first = await windows_of(centre, candidate, f"?exam={EXAM.id}")
    assert first.count('action="/cabinet/bookings"') == 40
    assert f'href="/cabinet/windows?exam={EXAM.id}&amp;page=2"' in first
    assert (await windows_of(centre, candidate, "?page=2")).count('action="/cabinet/bookings"') == 5
    assert (await windows_of(centre, candidate, "?page=99999")).count('action="/cabinet/bookings"') == 5


async def test_booking_takes_a_place_once(centre: Centre, candidate: Principal) -> None:
    window = await centre.window(opens_in=DAY)
    browser = await centre.browser(candidate)
    for _ in range(2):
        answer = await browser.submit("/cabinet/bookings", window=window)
        assert (answer.status_code, answer.headers["location"]) == (303, "/cabinet")
    assert await booked(centre, candidate) == [window]
    page = await windows_of(centre, candidate)
    assert "Вы записаны" in page
    assert "Свободно" not in page


@pytest.mark.parametrize("window", ["999", "", "0", "-1", "1e3", "9" * 30, "١"])
async def test_an_unknown_window_is_not_found(centre: Centre, candidate: Principal, window: str) -> None:
    answer = await (await centre.browser(candidate)).submit("/cabinet/bookings", window=window)
    assert answer.status_code == 404
    assert "Такого времени тестирования нет." in plain(answer.text)


async def test_a_form_of_another_page_books_nothing(centre: Centre, candidate: Principal) -> None:
    window = await centre.window(opens_in=DAY)
    browser = await centre.browser(candidate)
    browser.csrf = fresh_token(18)
    assert (await browser.submit("/cabinet/bookings", window=window)).status_code == 403
    assert await booked(centre, candidate) == []


async def refused(centre: Centre, candidate: Principal, window: int) -> str:
    answer = await (await centre.browser(candidate)).submit("/cabinet/bookings", window=window)
    assert answer.status_code == 409
    assert "Дата и время тестирования" in plain(answer.text)
    return plain(answer.text)


async def test_a_full_window_is_refused(centre: Centre, candidate: Principal) -> None:
    window = await centre.window(opens_in=DAY, capacity=1)
    await centre.book(await centre.person("first"), window)
    assert "Свободных мест на это время нет." in await refused(centre, candidate, window)
    assert "Мест нет" in await windows_of(centre, candidate)


async def test_a_window_that_is_over_or_cancelled_is_refused(centre: Centre, candidate: Principal) -> None:
    over, cancelled = await centre.window(lasts=HOUR), await centre.window(opens_in=DAY)
    await centre.cancel_window(cancelled)
    centre.clock.advance(2 * HOUR)
    for window in (over, cancelled):
        assert "На это время записаться уже нельзя." in await refused(centre, candidate, window)


async def test_the_last_place_goes_to_one_of_two(centre: Centre, candidate: Principal) -> None:
    window = await centre.window(opens_in=DAY, capacity=1)
    other = await centre.person("other")
    await centre.admit(other)
    browsers = [await centre.browser(candidate), await centre.browser(other)]
    answers = await asyncio.gather(*(browser.submit("/cabinet/bookings", window=window) for browser in browsers))
    assert sorted(answer.status_code for answer in answers) == [303, 409]


async def test_documents_and_attempts_are_looked_at_before_a_place_is_given(
    centre: Centre, candidate: Principal
) -> None:
    window = await centre.window(opens_in=DAY)
    await centre.admit(candidate, "Диплом об образовании")
    assert "Для допуска не хватает документов." in await refused(centre, candidate, window)
    stranger = await centre.person("stranger")
    assert "Допуск к тестированию ещё не оформлен." in await refused(centre, stranger, window)
    assert await booked(centre, candidate) == []


async def test_after_a_failure_only_windows_after_the_wait_are_offered(centre: Centre, candidate: Principal) -> None:
    first = await centre.window()
    await centre.sign(await centre.take(candidate, await centre.book(candidate, first), 13))
    soon, later = await centre.window(opens_in=10 * DAY), await centre.window(opens_in=30 * DAY)
    page = await windows_of(centre, candidate, f"?exam={EXAM.id}")
    assert "Вы уже входили" in page
    assert page.count("Новая попытка — с 22 декабря 2026") == 1
    assert page.count('action="/cabinet/bookings"') == 1
    assert "Новая попытка пока недоступна" in await refused(centre, candidate, soon)
    browser = await centre.browser(candidate)
    assert (await browser.submit("/cabinet/bookings", window=later)).status_code == 303
    assert await booked(centre, candidate) == [later, first]


async def test_a_passed_exam_is_not_booked_again(centre: Centre, candidate: Principal) -> None:
    await centre.take(candidate, await centre.book(candidate, await centre.window(AUTOMATIC)), 20)
    window = await centre.window(AUTOMATIC, opens_in=DAY)
    assert "Уже сдано" in await windows_of(centre, candidate)
    assert "уже сдано" in await refused(centre, candidate, window)


async def test_another_time_moves_the_booking(centre: Centre, candidate: Principal) -> None:
    first, second = await centre.window(opens_in=DAY), await centre.window(opens_in=2 * DAY)
    practice = await centre.window(PRACTICE)
    for window in (first, practice):
        await centre.book(candidate, window)
    assert "Перенести сюда" in await windows_of(centre, candidate)
    answer = await (await centre.browser(candidate)).submit("/cabinet/bookings", window=second)
    assert answer.status_code == 303
    assert await booked(centre, candidate) == [second, practice]


async def test_a_move_to_a_full_window_leaves_the_place_that_was_held(centre: Centre, candidate: Principal) -> None:
    held, full = await centre.window(opens_in=DAY), await centre.window(opens_in=2 * DAY, capacity=1)
    await centre.book(await centre.person("first"), full)
    await centre.book(candidate, held)
    assert "Свободных мест на это время нет." in await refused(centre, candidate, full)
    assert await booked(centre, candidate) == [held]


async def test_while_a_window_of_the_exam_is_open_no_other_is_booked(centre: Centre, candidate: Principal) -> None:
    now, later = await centre.window(), await centre.window(opens_in=DAY)
    await centre.book(candidate, now)
    assert "Вы уже записаны на это тестирование" in await refused(centre, candidate, later)
    centre.clock.advance(5 * HOUR)
    assert (await (await centre.browser(candidate)).submit("/cabinet/bookings", window=later)).status_code == 303


async def test_two_bookings_of_one_exam_at_once_leave_one(centre: Centre, candidate: Principal) -> None:
    windows = [await centre.window(opens_in=(day + 1) * DAY) for day in range(4)]
    browser = await centre.browser(candidate)
    answers = await asyncio.gather(*(browser.submit("/cabinet/bookings", window=window) for window in windows))
    assert {answer.status_code for answer in answers} == {303}
    assert len(await booked(centre, candidate)) == 1


async def test_the_calendar_speaks_english(centre: Centre, candidate: Principal) -> None:
    await centre.window(opens_in=DAY)
    page = await windows_of(centre, candidate, lang="en")
    assert "Monday" in page
    assert "10 places left" in page
    assert "Organiser’s time: 12:00–16:00 (MSK)" in page
