from collections.abc import Awaitable, Callable

import pytest

from core.access.roles import Principal, Role
from core.database import execute, fetch_one
from core.ids import BookingId, PersonId, WindowId
from core.moments import DAY, HOUR, MINUTE
from exam_server.allowances import give_allowance
from exam_server.closing import cancel_window
from exam_server.events import Allowance
from proctoring.review import Ruling
from tests.stores.cabinet.centre import AUTOMATIC, EXAM, NURSING, PRACTICE, Centre

NUMBER = "77-2026-4821-9037-5526-31"
Scene = Callable[[Centre, Principal], Awaitable[object]]


async def home_of(centre: Centre, candidate: Principal, lang: str = "ru") -> str:
    return await (await centre.browser(candidate, lang)).read("/cabinet")


async def nothing_booked(centre: Centre, candidate: Principal) -> None:
    """Admitted, and that is all."""


async def waiting(centre: Centre, candidate: Principal) -> None:
    await centre.book(candidate, await centre.window(opens_in=3 * DAY))


async def tomorrow(centre: Centre, candidate: Principal) -> None:
    await centre.book(candidate, await centre.window(opens_in=9 * HOUR))


async def today(centre: Centre, candidate: Principal) -> None:
    await centre.book(candidate, await centre.window(opens_in=2 * HOUR))


async def can_enter(centre: Centre, candidate: Principal) -> None:
    await centre.book(candidate, await centre.window())


async def entered(centre: Centre, candidate: Principal) -> None:
    await centre.enter(candidate, await centre.book(candidate, await centre.window()))


async def running(centre: Centre, candidate: Principal) -> None:
    await centre.start(await centre.enter(candidate, await centre.book(candidate, await centre.window())))


async def computing(centre: Centre, candidate: Principal) -> None:
    sitting = await centre.enter(candidate, await centre.book(candidate, await centre.window()))
    await centre.start(sitting)
    await centre.answer(sitting, 17)


async def time_is_up(centre: Centre, candidate: Principal) -> None:
    await running(centre, candidate)
    centre.clock.advance(41 * MINUTE)


async def preliminary(centre: Centre, candidate: Principal) -> None:
    await centre.take(candidate, await centre.book(candidate, await centre.window()), 18)


async def under_review(centre: Centre, candidate: Principal) -> None:
    await centre.take(candidate, await centre.book(candidate, await centre.window(AUTOMATIC)), 18, flagged=True)


async def reviewed(centre: Centre, candidate: Principal) -> None:
    booking = await centre.book(candidate, await centre.window(AUTOMATIC))
    await centre.judge(await centre.take(candidate, booking, 18, flagged=True), Ruling.NO_VIOLATION)


async def passed(centre: Centre, candidate: Principal) -> None:
    await centre.take(candidate, await centre.book(candidate, await centre.window(AUTOMATIC)), 18)


async def registered(centre: Centre, candidate: Principal) -> None:
    sitting = await centre.take(candidate, await centre.book(candidate, await centre.window(AUTOMATIC)), 18)
    await centre.register(sitting, NUMBER)


async def failed(centre: Centre, candidate: Principal) -> None:
    await centre.sign(await centre.take(candidate, await centre.book(candidate, await centre.window()), 13))


async def out_of_attempts(centre: Centre, candidate: Principal) -> None:
    for _ in range(3):
        await failed(centre, candidate)
        centre.clock.advance(31 * DAY)


async def annulled(centre: Centre, candidate: Principal) -> None:
    sitting = await centre.take(candidate, await centre.book(candidate, await centre.window()), 18, flagged=True)
    await centre.judge(sitting, Ruling.ANNUL)
    await centre.sign(sitting)


async def missed(centre: Centre, candidate: Principal) -> None:
    await centre.book(candidate, await centre.window(lasts=HOUR))
    centre.clock.advance(2 * HOUR)


async def window_cancelled(centre: Centre, candidate: Principal) -> None:
    window = await centre.window(opens_in=DAY)
    await centre.book(candidate, window)
    await centre.cancel_window(window)


async def cancelled_with_a_reason(centre: Centre, candidate: Principal) -> None:
    window = await centre.window(opens_in=DAY)
    await centre.book(candidate, window)
    await call_off(centre, window)


async def cancelled_while_it_runs(centre: Centre, candidate: Principal) -> None:
    window = await centre.window()
    await centre.start(await centre.enter(candidate, await centre.book(candidate, window)))
    await call_off(centre, window)


async def late(centre: Centre, candidate: Principal) -> None:
    await centre.book(candidate, await centre.window(lasts=HOUR))
    centre.clock.advance(35 * MINUTE)


async def call_off(centre: Centre, window: WindowId) -> None:
    async with centre.database.transaction() as connection:
        await cancel_window(connection, window, PersonId(1), "Нет <b>света</b>", centre.clock.now())


async def documents_lost(centre: Centre, candidate: Principal) -> None:
    await waiting(centre, candidate)
    await centre.admit(candidate, "Диплом об образовании", "<b>Справка</b>")


async def booked_too_early(centre: Centre, candidate: Principal) -> None:
    await failed(centre, candidate)
    await centre.book(candidate, await centre.window(lasts=60 * DAY))


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        (nothing_booked, ("Выберите дату и время тестирования", 'href="/cabinet/windows"')),
        (waiting, ("Через 3 дня", "25 ноября 2026, 16:00 (МСК+4)", "Вы записаны.", "Отменить запись")),
        (tomorrow, ("Завтра", "23 ноября 2026, 01:00 (МСК+4)")),
        (today, ("Сегодня", "22 ноября 2026, 18:00 (МСК+4)", "hx-trigger")),
        (can_enter, ("Перейти к тестированию", "/enter", "Войти можно до 22 ноября 2026, 20:00 (МСК+4).")),
        (entered, ("Часы ещё не идут. Начните до 22 ноября 2026, 20:00 (МСК+4).", "Продолжить", 'href="/exam/1"')),
        (running, ("Время идёт. Тестирование закончится 22 ноября 2026, 16:40 (МСК+4).", 'href="/exam/1"')),
        (computing, ("Считаем результат", 'hx-get="/cabinet?seen=computing-1"')),
        (time_is_up, ("Считаем результат",)),
        (preliminary, ("Результат предварительный", "18 из 20 баллов, порог 17", "/cabinet/results/1")),
        (under_review, ("Идёт проверка записи наблюдения", "Делать ничего не нужно")),
        (reviewed, ("Результат предварительный",)),
        (passed, ("Тестирование сдано", "Сведения отправлены в реестр")),
        (registered, ("Тестирование сдано", "внесена в реестр", f'href="/register/{NUMBER}"')),
        (
            failed,
            (
                "Тестирование не сдано",
                "13 из 20 баллов, порог 17",
                "Новая попытка возможна с 22 декабря 2026 года",
                "Осталось 2 попытки.",
                "Начните подготовку с раздела",
            ),
        ),
        (out_of_attempts, ("Все попытки использованы", "обратитесь в неё")),
        (annulled, ("Результат аннулирован решением подкомиссии", "записаться можно снова")),
        (missed, ("Вы не вошли на тестирование", "Попытка не израсходована")),
        (window_cancelled, ("Это время отменено организатором", "Выбрать другое время")),
        (
            cancelled_with_a_reason,
            ("Это время отменено организатором", "Причина: Нет &lt;b&gt;света&lt;/b&gt;", "Попытка не израсходована"),
        ),
        (
            cancelled_while_it_runs,
            ("Это время отменено организатором", "Причина: Нет &lt;b&gt;света&lt;/b&gt;", "Выбрать другое время"),
        ),
        (late, ("Времени будет меньше обычного", "До закрытия 25 мин, а не 40 мин.", "/enter")),
        (
            documents_lost,
            ("не хватает документов", "Диплом об образовании", "&lt;b&gt;Справка&lt;/b&gt;", "25 ноября 2026, 16:00"),
        ),
        (booked_too_early, ("Новая попытка возможна с 22 декабря 2026 года",)),
    ],
)
async def test_the_card_says_what_is_next(
    centre: Centre, candidate: Principal, scene: Scene, said: tuple[str, ...]
) -> None:
    await scene(centre, candidate)
    page = await home_of(centre, candidate)
    assert [sentence for sentence in said if sentence not in page] == []
    assert "<b>Справка</b>" not in page


async def test_a_new_booking_stands_before_a_cancelled_one(centre: Centre, candidate: Principal) -> None:
    await cancelled_with_a_reason(centre, candidate)
    await centre.book(candidate, await centre.window(opens_in=3 * DAY))
    page = await home_of(centre, candidate)
    card, _, before = page.partition("Что было раньше")
    assert "Через 3 дня" in card
    assert "Время отменено" not in card
    assert "Время отменено" in before


async def test_a_cancelled_booking_beside_another_says_why_and_what_next(centre: Centre, candidate: Principal) -> None:
    window = await centre.window(AUTOMATIC, opens_in=DAY)
    await centre.book(candidate, window)
    await call_off(centre, window)
    await can_enter(centre, candidate)
    _, _, other = (await home_of(centre, candidate)).partition("Другие записи")
    said = (
        "Время отменено",
        "Причина: Нет &lt;b&gt;света&lt;/b&gt;",
        "Попытка не израсходована",
        "Выбрать другое время",
    )
    assert [sentence for sentence in said if sentence not in other.replace("\N{NO-BREAK SPACE}", " ")] == []


async def test_an_allowance_is_counted_into_the_time_there_will_be(centre: Centre, candidate: Principal) -> None:
    async with centre.database.transaction() as connection:
        await give_allowance(
            connection, candidate.id, EXAM.id, Allowance(200), PersonId(1), "Решение", centre.clock.now()
        )
    await late(centre, candidate)
    assert "Времени будет меньше обычного" not in await home_of(centre, candidate)


@pytest.mark.parametrize(
    "scene",
    [nothing_booked, waiting, running, passed, failed, annulled, documents_lost, late, cancelled_with_a_reason],
)
async def test_an_english_page_has_no_russian_sentence(centre: Centre, candidate: Principal, scene: Scene) -> None:
    await scene(centre, candidate)
    page = await home_of(centre, candidate, "en")
    assert "My account" in page
    for word in ("Вы ", "Запис", "Попытк", "Тестирование ", "Осталось"):
        assert word not in page


async def test_without_admission_it_says_who_decides(centre: Centre) -> None:
    newcomer = await centre.person("new")
    assert "Допуск к тестированию ещё не оформлен" in await home_of(centre, newcomer)
    await centre.admit(newcomer, "Диплом об образовании")
    page = await home_of(centre, newcomer)
    assert "Для допуска не хватает документов" in page
    assert "Диплом об образовании" in page


async def test_earlier_attempts_and_practice_stand_apart(centre: Centre, candidate: Principal) -> None:
    await failed(centre, candidate)
    practice = await centre.book(candidate, await centre.window(PRACTICE))
    await centre.take(candidate, practice, 5)
    await centre.book(candidate, await centre.window(opens_in=40 * DAY))
    page = await home_of(centre, candidate)
    card, _, rest = page.partition("Пробные тестирования")
    trials, _, before = rest.partition("Что было раньше")
    assert "Через 40 дней" in card
    assert "5 из 5 баллов" in trials
    assert "13 из 20 баллов" in before
    assert "Не сдано" in before
    assert "5 из 5 баллов" not in before


async def test_practice_alone_is_not_what_is_next(centre: Centre, candidate: Principal) -> None:
    await centre.book(candidate, await centre.window(PRACTICE))
    page = await home_of(centre, candidate)
    assert "Выберите дату и время тестирования" in page
    assert "/cabinet/bookings/1/enter" in page


async def test_names_are_text(centre: Centre) -> None:
    stranger = await centre.person("x", family_name="<script>alert(1)</script>", given_name="{{ 7*7 }}")
    await centre.admit(stranger)
    page = await home_of(centre, stranger)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7*7 }}" in page


async def test_the_open_page_is_reloaded_only_when_something_changed(centre: Centre, candidate: Principal) -> None:
    await today(centre, candidate)
    browser = await centre.browser(candidate)
    asking = {"hx-request": "true"}
    same = await browser.get("/cabinet?seen=waiting-1", headers=asking)
    assert (same.status_code, same.content, "hx-redirect" in same.headers) == (204, b"", False)
    centre.clock.advance(2 * HOUR)
    other = await browser.get("/cabinet?seen=waiting-1", headers=asking)
    assert (other.status_code, other.headers["hx-redirect"]) == (204, "/cabinet")


async def test_only_candidates_have_a_cabinet(centre: Centre) -> None:
    nobody = await centre.browser()
    assert (await nobody.get("/cabinet")).headers["location"] == "/login?next=/cabinet"
    assert (await nobody.get("/cabinet", headers={"hx-request": "true"})).status_code == 401
    assert (await nobody.submit("/cabinet/bookings/1/enter")).status_code == 401
    proctor = await centre.browser(await centre.person("proctor", Role.PROCTOR))
    assert (await proctor.get("/cabinet")).status_code == 403


async def test_entering_makes_one_sitting_and_leads_to_it(centre: Centre, candidate: Principal) -> None:
    booking = await centre.book(candidate, await centre.window())
    browser = await centre.browser(candidate)
    for _ in range(2):
        answer = await browser.submit(f"/cabinet/bookings/{booking}/enter")
        assert (answer.status_code, answer.headers["location"]) == (303, "/exam/1")
    async with centre.database.transaction() as connection:
        row = await fetch_one(connection, "SELECT count(*) AS n FROM exam_server.sitting")
    assert row is not None
    assert row["n"] == 1


async def test_a_form_of_another_page_neither_enters_nor_cancels(centre: Centre, candidate: Principal) -> None:
    booking = await centre.book(candidate, await centre.window(opens_in=DAY))
    browser = await centre.browser(candidate)
    browser.csrf = "another"
    for act in ("enter", "cancel"):
        assert (await browser.submit(f"/cabinet/bookings/{booking}/{act}")).status_code == 403
    assert "Завтра" in await home_of(centre, candidate)


@pytest.mark.parametrize("act", ["enter", "cancel"])
async def test_somebody_elses_booking_looks_like_none(centre: Centre, candidate: Principal, act: str) -> None:
    booking = await centre.book(candidate, await centre.window(opens_in=DAY))
    stranger = await centre.browser(await centre.person("stranger"))
    answers = [
        await stranger.submit(f"/cabinet/bookings/{number}/{act}")
        for number in (booking, 999, 0, "1" * 40, "1;DROP", "-1")
    ]
    assert {answer.status_code for answer in answers} == {404}
    texts = {answer.text.replace(stranger.csrf, "") for answer in answers}
    assert len(texts) == 1
    assert "Отменить запись" in await home_of(centre, candidate)


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        (waiting, "Тестирование ещё не открыто."),
        (missed, "Время тестирования прошло."),
        (window_cancelled, "Это время тестирования отменено."),
        (documents_lost, "Для допуска не хватает документов. Передайте их"),
    ],
)
async def test_entering_at_the_wrong_time_is_refused_on_the_page_itself(
    centre: Centre, candidate: Principal, scene: Scene, said: str
) -> None:
    await scene(centre, candidate)
    answer = await (await centre.browser(candidate)).submit("/cabinet/bookings/1/enter")
    assert answer.status_code == 409
    assert said in answer.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Личный кабинет" in answer.text


async def test_a_bank_that_cannot_fill_the_exam_is_not_the_candidates_business(
    centre: Centre, candidate: Principal
) -> None:
    await can_enter(centre, candidate)
    async with centre.database.transaction() as connection:
        await execute(connection, "UPDATE question_bank.item SET state = 'withdrawn'")
        await execute(
            connection, "UPDATE question_bank.speciality SET revision = revision + 1 WHERE code = :c", c=NURSING
        )
    answer = await (await centre.browser(candidate)).submit("/cabinet/bookings/1/enter")
    assert answer.status_code == 409
    assert "Организатор ещё не подготовил задания." in answer.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "банк" not in answer.text
    assert "СД-01" not in answer.text


async def test_a_booking_can_be_cancelled_until_its_window_opens(centre: Centre, candidate: Principal) -> None:
    window = await centre.window(opens_in=HOUR, capacity=1)
    await centre.book(candidate, window)
    answer = await (await centre.browser(candidate)).submit("/cabinet/bookings/1/cancel")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cabinet")
    assert "Выберите дату и время тестирования" in await home_of(centre, candidate)
    other = await centre.person("other")
    await centre.admit(other)
    assert await centre.book(other, window) == BookingId(2)
    async with centre.database.transaction() as connection:
        row = await fetch_one(
            connection, "SELECT body FROM core.outbox WHERE topic = 'journal' ORDER BY id DESC LIMIT 1"
        )
    assert row is not None
    assert b'"booking.cancelled"' in bytes(row["body"])


@pytest.mark.parametrize(
    ("scene", "said"),
    [(can_enter, "Запись отменяют до начала тестирования"), (entered, "эту запись отменить нельзя")],
)
async def test_an_open_window_is_past_cancelling(centre: Centre, candidate: Principal, scene: Scene, said: str) -> None:
    await scene(centre, candidate)
    answer = await (await centre.browser(candidate)).submit("/cabinet/bookings/1/cancel")
    assert answer.status_code == 409
    assert said in answer.text.replace("\N{NO-BREAK SPACE}", " ")
