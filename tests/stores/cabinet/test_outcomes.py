import pytest

from cabinet.pages.outcomes import PATIENCE
from core.access.roles import Principal
from core.ids import PersonId, SittingId
from core.moments import HOUR, MINUTE
from exam_server.closing import cancel_window
from exam_server.commands import Stop, Withdraw
from exam_server.store import load_sitting
from proctoring.review import Ruling
from question_bank.store import load_items
from tests.stores.cabinet.centre import AREAS, AUTOMATIC, EXAM, PRACTICE, Centre, plain

NUMBER = "77-2026-4821-9037-5526-31"
ASKING = {"hx-request": "true"}


async def take(
    centre: Centre, candidate: Principal, right: int, *, automatic: bool = False, flagged: bool = False
) -> SittingId:
    window = await centre.window(AUTOMATIC if automatic else EXAM)
    return await centre.take(candidate, await centre.book(candidate, window), right, flagged)


async def result_of(centre: Centre, candidate: Principal, sitting: SittingId, lang: str = "ru") -> str:
    return await (await centre.browser(candidate, lang)).read(f"/cabinet/results/{sitting}")


async def test_a_preliminary_result_says_who_confirms_it(centre: Centre, candidate: Principal) -> None:
    page = await result_of(centre, candidate, await take(centre, candidate, 18))
    assert "<h1>Результат предварительный</h1>" in page
    assert "Порог достигнут: 18 из 20 баллов, порог 17." in page
    assert "90 %" in page
    assert "Результат утверждает аккредитационная подкомиссия" in page
    assert "Новая попытка" not in page


async def test_a_preliminary_failure_says_when_one_could_try_again(centre: Centre, candidate: Principal) -> None:
    page = await result_of(centre, candidate, await take(centre, candidate, 16))
    assert "Порог не достигнут: 16 из 20 баллов, порог 17." in page
    assert "Если результат утвердят, новая попытка будет возможна с 22 декабря 2026 года." in page


async def test_answers_that_came_late_are_not_passed_over_in_silence(centre: Centre, candidate: Principal) -> None:
    sitting = await centre.enter(candidate, await centre.book(candidate, await centre.window(EXAM)))
    await centre.start(sitting)
    centre.clock.advance(EXAM.exam_limit + MINUTE)
    await centre.settle(sitting)
    await centre.watch(sitting)
    await centre.conclude(sitting)
    assert "После срока" not in await result_of(centre, candidate, sitting)
    await centre.answer_late(sitting)
    page = await result_of(centre, candidate, sitting)
    assert "После срока пришло ответов: 1. Они сохранены и пока не засчитаны" in page
    await centre.sign(sitting)
    page = await result_of(centre, candidate, sitting)
    assert "После срока пришло ответов: 1. Они не засчитаны." in page


async def test_a_check_of_the_recording_accuses_nobody_and_names_nothing(centre: Centre, candidate: Principal) -> None:
    sitting = await take(centre, candidate, 18, automatic=True, flagged=True)
    page = await result_of(centre, candidate, sitting)
    assert "<h1>Идёт проверка записи наблюдения</h1>" in page
    assert "Что будет дальше" in page
    assert "18 из 20 баллов" in page
    for word in ("инцидент", "нарушен", "подозр", "лиц в кадре", "several_faces", "Несколько"):
        assert word not in page
    await centre.judge(sitting, Ruling.NO_VIOLATION)
    assert "<h1>Результат предварительный</h1>" in await result_of(centre, candidate, sitting)


async def test_a_pass_is_a_sentence_with_the_way_to_the_register(centre: Centre, candidate: Principal) -> None:
    sitting = await take(centre, candidate, 18, automatic=True)
    page = await result_of(centre, candidate, sitting)
    assert "<h1>Тестирование сдано: 18 из 20 баллов, порог 17</h1>" in page
    assert "Сведения отправлены в реестр" in page
    assert "Что повторить" not in page
    await centre.register(sitting, NUMBER)
    page = await result_of(centre, candidate, sitting)
    assert "Внесено в реестр" in page
    assert f'href="/register/{NUMBER}"' in page


async def test_a_failure_says_what_to_revise_and_when_to_come_again(centre: Centre, candidate: Principal) -> None:
    sitting = await take(centre, candidate, 13)
    number = await centre.sign(sitting)
    page = await result_of(centre, candidate, sitting)
    assert "<h1>Тестирование не сдано: 13 из 20 баллов, порог 17</h1>" in page
    assert "65 %" in page
    assert "Новая попытка возможна с 22 декабря 2026 года" in page
    assert "Осталось 2 попытки." in page
    assert "Баллы по разделам" in page
    assert page.count("<meter") == 3
    assert "Остальные разделы" in page
    assert "Что повторить" in page
    assert "Начните с первого" not in page
    assert "9 мин из 40 мин" in page
    assert "завершено вами" in page
    assert "1 из 3" in page
    assert f"№ {number} от 22 ноября 2026, подписан: Орлова" in page


async def test_after_the_last_attempt_it_says_who_decides(centre: Centre, candidate: Principal) -> None:
    centre.settings = centre.settings.model_copy(update={"attempts": 1})
    centre.app.state.settings = centre.settings
    sitting = await take(centre, candidate, 3)
    await centre.sign(sitting)
    page = await result_of(centre, candidate, sitting)
    assert "Все попытки использованы." in page
    assert "Новая попытка возможна" not in page


async def test_an_annulled_result_shows_no_points(centre: Centre, candidate: Principal) -> None:
    sitting = await take(centre, candidate, 18, flagged=True)
    await centre.judge(sitting, Ruling.ANNUL)
    await centre.sign(sitting)
    page = await result_of(centre, candidate, sitting)
    assert "<h1>Результат аннулирован решением подкомиссии</h1>" in page
    assert "Протокол" in page
    assert "18 из 20" not in page
    assert "<meter" not in page


@pytest.mark.parametrize("right", [0, 13, 20])
async def test_no_item_no_key_and_no_explanation_is_on_the_page(
    centre: Centre, candidate: Principal, right: int
) -> None:
    sitting = await take(centre, candidate, right)
    for lang in ("ru", "en"):
        page = await result_of(centre, candidate, sitting, lang)
        async with centre.database.transaction() as connection:
            form = (await load_sitting(connection, sitting)).form
            items = await load_items(connection, [(entry.item, entry.version) for entry in form.entries])
        for item in items.values():
            assert item.stem not in page
            assert item.explanation not in page
            for choice in item.stages[0].choices:
                assert choice.text not in page
                assert choice.id not in page
        for code in AREAS:
            assert code not in page


async def test_practice_has_a_result_but_no_register_and_no_wait(centre: Centre, candidate: Principal) -> None:
    window = await centre.window(PRACTICE)
    sitting = await centre.take(candidate, await centre.book(candidate, window), 2)
    page = await result_of(centre, candidate, sitting)
    assert "<h1>Тренировка завершена: 2 из 5 баллов" in page
    assert "На экзамене этого не хватило бы" in page
    assert "пробное" in page
    main = page.partition("<main")[2].lower()
    for word in ("новая попытка", "попытки использованы", "сведения отправлены", "запись внесена", "сдано", "попытк"):
        assert word not in main, word
    english = await (await centre.browser(candidate, "en")).read(f"/cabinet/results/{sitting}")
    assert "Practice is finished: 2 of 5 points" in english


async def test_while_it_is_worked_out_the_page_waits_and_asks_less_and_less_often(
    centre: Centre, candidate: Principal
) -> None:
    sitting = await centre.enter(candidate, await centre.book(candidate, await centre.window()))
    browser = await centre.browser(candidate)
    await centre.start(sitting)
    page = await browser.read(f"/cabinet/results/{sitting}")
    assert "Тестирование ещё идёт" in page
    assert f'href="/exam/{sitting}"' in page
    await centre.answer(sitting, 17)
    page = await browser.read(f"/cabinet/results/{sitting}")
    assert "Считаем результат" in page
    assert '<noscript><meta http-equiv="refresh"' in page
    delays = []
    path = f"/cabinet/results/{sitting}?asked=0"
    for _ in range(10):
        asked = await browser.get(path, headers=ASKING)
        assert asked.status_code == 200
        assert "<h1>" not in asked.text
        path = asked.text.partition('hx-get="')[2].partition('"')[0]
        delays.append(int(asked.text.partition("delay:")[2].partition("s")[0]))
    assert delays == [*PATIENCE, *[PATIENCE[-1]] * (10 - len(PATIENCE))]
    await centre.conclude(sitting)
    done = await browser.get(path, headers=ASKING)
    assert (done.status_code, done.headers["hx-refresh"]) == (204, "true")


@pytest.mark.parametrize("asked", ["-1", "x", "9" * 20, "١", ""])
async def test_a_strange_count_of_askings_does_no_harm(centre: Centre, candidate: Principal, asked: str) -> None:
    sitting = await take(centre, candidate, 3)
    answer = await (await centre.browser(candidate)).get(f"/cabinet/results/{sitting}", params={"asked": asked})
    assert answer.status_code == 200


async def test_an_exam_that_was_left_open_counts_as_over_when_its_time_is(centre: Centre, candidate: Principal) -> None:
    sitting = await centre.enter(candidate, await centre.book(candidate, await centre.window()))
    await centre.start(sitting)
    centre.clock.advance(41 * MINUTE)
    assert "Считаем результат" in await result_of(centre, candidate, sitting)


async def test_an_exam_that_was_never_started_used_no_attempt(centre: Centre, candidate: Principal) -> None:
    sitting = await centre.enter(candidate, await centre.book(candidate, await centre.window(lasts=HOUR)))
    centre.clock.advance(2 * HOUR)
    await centre.settle(sitting)
    await centre.conclude(sitting)
    page = await result_of(centre, candidate, sitting)
    assert "<h1>Тестирование не начато</h1>" in page
    assert "Попытка не израсходована." in page
    assert "Баллы по разделам" not in page


async def test_an_exam_that_was_cancelled_says_why_and_what_next(centre: Centre, candidate: Principal) -> None:
    window = await centre.window()
    sitting = await centre.enter(candidate, await centre.book(candidate, window))
    await centre.start(sitting)
    async with centre.database.transaction() as connection:
        await cancel_window(connection, window, PersonId(1), "Нет <b>света</b>", centre.clock.now())
    await centre.obey(sitting, [Stop(PersonId(1), 1, "window_cancelled")])
    await centre.conclude(sitting)
    page = await result_of(centre, candidate, sitting)
    assert "<h1>Тестирование отменено организатором</h1>" in page
    assert "Причина: Нет &lt;b&gt;света&lt;/b&gt;" in page
    assert "Попытка не израсходована" in page
    assert "Баллы по разделам" not in page


async def test_what_was_taken_out_is_told_and_does_not_count(centre: Centre, candidate: Principal) -> None:
    sitting = await centre.enter(candidate, await centre.book(candidate, await centre.window()))
    await centre.start(sitting)
    async with centre.database.transaction() as connection:
        entries = (await load_sitting(connection, sitting)).form.entries
    await centre.obey(sitting, [Withdraw(entry.item) for entry in entries[-2:]])
    await centre.answer(sitting, 18)
    await centre.conclude(sitting)
    page = await result_of(centre, candidate, sitting)
    assert "2 задания отозваны комиссией до показа: они не учтены ни в баллах, ни в пороге." in page
    assert "18 из 18 баллов" in page


async def test_somebody_elses_result_looks_like_none(centre: Centre, candidate: Principal) -> None:
    sitting = await take(centre, candidate, 18)
    stranger = await centre.browser(await centre.person("stranger"))
    for headers in ({}, ASKING, {"accept": "application/json"}):
        answers = [
            await stranger.get(f"/cabinet/results/{number}", headers=headers)
            for number in (sitting, 999, 0, "9" * 30, "abc")
        ]
        assert {answer.status_code for answer in answers} == {404}
        texts = {
            plain(answer.text.replace(f"results/{number}", ""))
            for answer, number in zip(answers, (sitting, 999, 0, "9" * 30, "abc"), strict=True)
        }
        assert len(texts) == 1


async def test_a_program_gets_the_bare_fate(centre: Centre, candidate: Principal) -> None:
    sitting = await take(centre, candidate, 18, automatic=True)
    answer = await (await centre.browser(candidate)).get(
        f"/cabinet/results/{sitting}", headers={"accept": "application/json"}
    )
    assert answer.json() == {"sitting": sitting, "fate": "passed"}


async def test_names_on_the_result_are_text(centre: Centre) -> None:
    stranger = await centre.person("x", family_name="<img src=x onerror=alert(1)>")
    await centre.admit(stranger)
    page = await result_of(centre, stranger, await take(centre, stranger, 18))
    assert "<img" not in page
    assert "&lt;img src=x" in page


async def test_the_result_speaks_english(centre: Centre, candidate: Principal) -> None:
    sitting = await take(centre, candidate, 13)
    await centre.sign(sitting)
    page = await result_of(centre, candidate, sitting, "en")
    assert "You have not passed: 13 of 20 points, pass mark 17" in page
    assert "You can try again from 22 December 2026" in page
    assert "You have 2 attempts left." in page
