"""What a proctor does at a place, form by form: the sitting follows, and a refusal says why."""

import pytest

from admin.pages.acts import ACTS
from admin.proctor_room import Wall
from core.access import Role
from core.ids import SittingId
from core.moments import HOUR, MINUTE, SECOND
from exam_server.commands import Attach, Detach, Help, ReadNotice
from exam_server.events import Allowance
from exam_server.sitting import Sitting
from exam_server.store import load_sitting, write_note
from tests.stores.admin.school import School


@pytest.fixture
async def running(school: School) -> SittingId:
    sitting = await school.admit(await school.hire("anna", Role.CANDIDATE, family_name="Соколова"))
    await school.start(sitting)
    return sitting


async def state_of(school: School, sitting: SittingId) -> Sitting:
    async with school.database.transaction() as connection:
        return await load_sitting(connection, sitting)


async def act(school: School, sitting: SittingId, name: str, status: int = 303, **fields: str) -> str:
    """Send the form; the place as it is afterwards, or the refusal."""
    proctor = school.staff[Role.PROCTOR]
    answer = await school.post(proctor, f"/staff/proctor/{sitting}/{name}", **fields)
    assert answer.status_code == status, answer.text
    if status != 303:
        return answer.text
    return (await school.get(proctor, answer.headers["location"])).text


async def panel(school: School, sitting: SittingId) -> str:
    return (await school.get(school.staff[Role.PROCTOR], f"/staff/proctor/{sitting}/panel")).text


async def test_a_warning_and_a_message_say_whether_they_were_read(school: School, running: SittingId) -> None:
    assert "Предупреждение отправлено" in await act(school, running, "warning", text="Уберите <телефон>")
    await act(school, running, "message", text="Осталось полчаса")
    assert [one.kind for one in (await state_of(school, running)).unread] == ["warning", "message"]
    shown = await panel(school, running)
    assert "Уберите &lt;телефон&gt;" in shown
    assert shown.count("ещё не прочитано") == 2
    (first, _) = (await state_of(school, running)).unread
    await school.conduct.order(running, ReadNotice(2, first.note))
    shown = await panel(school, running)
    assert (shown.count("ещё не прочитано"), shown.count("прочитано в 12:00")) == (1, 1)
    (tile,) = await Wall(school.database).tiles()
    assert tile.unread == 1


@pytest.mark.parametrize("text", ["", "   ", "x" * 1_001])
async def test_an_unfit_message_is_refused_and_kept_in_its_form(school: School, running: SittingId, text: str) -> None:
    page = await act(school, running, "message", 422, text=text)
    assert 'id="act-message" aria-labelledby="act-message-title" data-open-now' in page
    assert page.count("data-open-now") == 1
    assert "Напишите от 1 до 1000 знаков." in page
    assert (await state_of(school, running)).unread == ()


async def test_a_pause_and_its_end(school: School, running: SittingId) -> None:
    page = await act(school, running, "pause", reason="Пожарная тревога")
    assert "Часы стоят" in page
    assert "часы стоят" in page
    assert f'action="/staff/proctor/{running}/resume"' in page
    assert 'data-opens="act-pause"' not in page
    (tile,) = await Wall(school.database).tiles()
    assert (tile.paused_since, tile.need) == (school.clock.now(), 3)
    again = await act(school, running, "pause", 409, reason="Ещё раз")
    assert "Тестирование уже приостановлено." in again
    school.clock.advance(5 * MINUTE)
    page = await act(school, running, "resume")
    assert "Время паузы возвращено" in page
    assert 'data-opens="act-pause"' in page
    assert (await state_of(school, running)).extra == 5 * MINUTE
    assert "Тестирование не приостановлено." in await act(school, running, "resume", 409)


async def test_a_call_for_help_stands_first_until_it_is_answered(school: School, running: SittingId) -> None:
    async with school.database.transaction() as connection:
        note = await write_note(connection, running, school.staff[Role.CANDIDATE].id, "help", "Не видно картинку", 0)
    await school.conduct.order(running, Help(2, note))
    shown = await panel(school, running)
    assert "Кандидат просит помощи" in shown
    assert "Не видно картинку" in shown
    (tile,) = await Wall(school.database).tiles()
    assert (tile.help_since, tile.need) == (school.clock.now(), 7)
    assert "на просьбу о помощи ответили" in await act(school, running, "help")
    assert (await state_of(school, running)).help_since is None
    assert f'action="/staff/proctor/{running}/help"' not in await panel(school, running)


async def test_a_call_from_the_waiting_room_is_on_the_wall(school: School) -> None:
    sitting = await school.admit(await school.hire("boris", Role.CANDIDATE))
    assert await Wall(school.database).tiles() == ()
    await school.conduct.order(sitting, Attach("browser-1"))
    await school.conduct.order(sitting, Help(1))
    (tile,) = await Wall(school.database).tiles()
    assert (tile.stage, tile.need) == ("ready", 7)
    await act(school, sitting, "help")
    assert await Wall(school.database).tiles() == ()


async def test_a_lost_connection_is_made_good_as_the_record_proposes(school: School, running: SittingId) -> None:
    assert 'data-opens="act-outage"' not in await panel(school, running)
    await school.conduct.order(running, Detach(1))
    school.clock.advance(150 * SECOND)
    (tile,) = await Wall(school.database).tiles()
    assert tile.away_since == school.clock.now() - 150 * SECOND
    assert "Нет связи с 12:00" in await panel(school, running)
    await school.conduct.order(running, Attach("browser-1"))
    shown = await panel(school, running)
    assert 'data-opens="act-outage"' in shown
    assert 'value="3"' in shown
    refused = await act(school, running, "outage", 422, minutes="4", reason="Сбой сети")
    assert "Не больше, чем показывают записи." in refused
    assert 'value="4"' in refused
    assert "Потерянное время возвращено" in await act(school, running, "outage", minutes="3", reason="Сбой сети")
    assert (await state_of(school, running)).extra == 3 * MINUTE
    assert 'data-opens="act-outage"' not in await panel(school, running)


async def test_an_allowance_is_shown_by_what_it_gives(school: School, running: SittingId) -> None:
    fields = {"percent": "150", "extra": "10", "breaks": "1", "reason": "Решение № 4 от 12 ноября"}
    page = await act(school, running, "allowance", 303, **fields)
    assert "Дополнительное время: 150 % обычного времени, ещё 10\u00a0мин, перерывов сверх обычных: 1" in page
    assert (await state_of(school, running)).allowance == Allowance(150, 10 * MINUTE, 1)
    (tile,) = await Wall(school.database).tiles()
    assert tile.allowed
    for wrong in ({"percent": "90"}, {"extra": "-1"}, {"breaks": "много"}, {"reason": ""}):
        assert "field__error" in await act(school, running, "allowance", 422, **{**fields, **wrong})
    assert (await state_of(school, running)).allowance == Allowance(150, 10 * MINUTE, 1)


async def test_the_close_is_moved_in_the_proctors_own_zone(school: School, running: SittingId) -> None:
    closes_at = (await state_of(school, running)).closes_at
    place = (await school.get(school.staff[Role.PROCTOR], f"/staff/proctor/{running}")).text
    assert 'value="20:00"' in place
    await act(school, running, "close", day="2026-11-22", time="21:00", reason="Поздно запустили зал")
    assert (await state_of(school, running)).closes_at == closes_at + HOUR
    assert "Укажите день и время." in await act(school, running, "close", 422, day="", time="21:00", reason="Перенос")
    past = await act(school, running, "close", 409, day="2020-01-01", time="21:00", reason="Перенос")
    assert "должно быть в\u00a0будущем" in past or "должно быть в будущем" in past


async def test_nobody_acts_on_their_own_sitting(school: School) -> None:
    both = await school.hire("both", Role.CANDIDATE, Role.PROCTOR)
    sitting = await school.admit(both)
    await school.start(sitting)
    for name in ACTS:
        answer = await school.post(
            both, f"/staff/proctor/{sitting}/{name}", reason="Причина", text="Текст", minutes="5"
        )
        assert (answer.status_code, "own_sitting" in answer.text) == (403, True), name


async def test_after_the_end_nothing_can_be_done(school: School, running: SittingId) -> None:
    await act(school, running, "end", reason="По просьбе кандидата")
    place = (await school.get(school.staff[Role.PROCTOR], f"/staff/proctor/{running}")).text
    assert "<dialog" not in place
    for name, fields in {
        "warning": {"text": "Уберите телефон"},
        "pause": {"reason": "Пожарная тревога"},
        "resume": {},
        "allowance": {"percent": "150", "extra": "0", "breaks": "0", "reason": "Решение"},
        "close": {"day": "2026-11-22", "time": "23:00", "reason": "Перенос"},
    }.items():
        assert "Тестирование уже завершено." in await act(school, running, name, 409, **fields), name
