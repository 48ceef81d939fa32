"""The wall, one place looked at closely, and what a proctor does there."""

import asyncio

import pytest

from admin import proctor_room
from admin.pages.proctor import draw_tile
from admin.proctor_room import Wall
from core.access import Role
from core.ids import SittingId
from core.moments import DAY, MINUTE, SECOND
from core.web.formats import datetime_text, time_text
from exam_server.store import load_sitting
from proctoring.incidents import Severity
from proctoring.signals import Kind
from tests.stores.admin.school import ITEMS, JPEG, School


@pytest.fixture
async def running(school: School) -> SittingId:
    sitting = await school.admit(await school.hire("anna", Role.CANDIDATE, family_name="Соколова"))
    await school.start(sitting)
    return sitting


async def fresh_wall(school: School) -> tuple[proctor_room.Tile, ...]:
    return await Wall(school.database).tiles()


async def test_the_wall_shows_who_is_sitting_and_who_waits_for_a_person(school: School, running: SittingId) -> None:
    waiting = await school.admit(await school.hire("boris", Role.CANDIDATE), biometrics=False)
    await school.admit(await school.hire("vera", Role.CANDIDATE))  # ready, in nobody's way
    await school.finish(await school.hire("gleb", Role.CANDIDATE))  # over
    tiles = await fresh_wall(school)
    assert [(tile.sitting, tile.stage) for tile in tiles] == [(waiting, "identity"), (running, "running")]
    assert (tiles[1].item, tiles[1].items, tiles[1].connected) == (1, ITEMS, True)
    assert tiles[1].name == "Соколова Анна Ивановна"


async def test_a_tile_says_until_when_once_the_clock_runs(school: School, running: SittingId) -> None:
    await school.admit(await school.hire("boris", Role.CANDIDATE), biometrics=False)
    waiting, begun = await fresh_wall(school)
    until = f"до {time_text(begun.deadline)}"
    assert until in draw_tile(school.app, begun, "Europe/Moscow", "ru")
    assert "до " not in draw_tile(school.app, waiting, "Europe/Moscow", "ru")
    school.clock.advance(DAY)
    late = draw_tile(school.app, begun, "Europe/Moscow", "ru")
    assert f"до {datetime_text(begun.deadline)}" in late
    assert until not in late


async def test_the_wall_follows_the_log_and_what_is_noticed(school: School) -> None:
    sitting = await school.admit(await school.hire("anna", Role.CANDIDATE))
    wall = Wall(school.database)
    assert await wall.tiles() == ()
    held, page = await school.start(sitting)
    await school.answer(held, page, ITEMS)
    await school.notice(sitting, Kind.ABSENT, open_still=True)
    await school.lose_sight(sitting, since=school.clock.now())
    school.conduct.detach(held, page)
    await school.app.state.invigilation.give_time(sitting, school.staff[Role.PROCTOR].id, 5, "Сбой сети")
    wall._read_at = None
    (tile,) = await wall.tiles()
    assert (tile.item, tile.answered, tile.connected) == (ITEMS, ITEMS, False)
    assert tile.watching == proctor_room.Watching(1, (Kind.ABSENT,), Severity.HIGH, school.clock.now())
    async with school.database.transaction() as connection:
        state = await load_sitting(connection, sitting)
    assert state.started_at is not None
    assert tile.deadline == state.started_at + state.rules.exam_limit + 5 * MINUTE
    await school.app.state.invigilation.end(sitting, school.staff[Role.PROCTOR].id, "По просьбе кандидата")
    wall._read_at = None
    assert await wall.tiles() == ()


async def test_whoever_has_not_begun_takes_no_place_on_the_wall(
    school: School, running: SittingId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proctor_room, "MOST_TILES", 2)
    soon = await school.open_exam("soon", "Первый экзамен дня", "protocol", hours=1)
    for login in ("vera", "gleb", "daria"):
        await school.admit(await school.hire(login, Role.CANDIDATE), window=soon)
    waiting = await school.admit(await school.hire("boris", Role.CANDIDATE), biometrics=False)
    assert {tile.sitting for tile in await fresh_wall(school)} == {waiting, running}


async def test_a_wall_reads_a_long_log_in_parts(
    school: School, running: SittingId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proctor_room, "_ROWS", 2)
    monkeypatch.setattr(proctor_room, "SLICE_SECONDS", 0.0)
    others = [await school.admit(await school.hire(login, Role.CANDIDATE)) for login in ("vera", "gleb")]
    for sitting in others:
        held, page = await school.start(sitting)
        await school.answer(held, page, ITEMS)
    tiles = await fresh_wall(school)
    assert [(tile.sitting, tile.answered) for tile in tiles] == [(running, 0), *((one, ITEMS) for one in others)]


async def test_many_who_look_at_once_cost_one_reading(school: School, running: SittingId) -> None:
    wall = Wall(school.database)
    readings = await asyncio.gather(*(wall.tiles() for _ in range(20)))
    assert all(tiles is readings[0] for tiles in readings)


async def test_a_proctor_does_not_watch_themselves(school: School) -> None:
    both = await school.hire("both", Role.CANDIDATE, Role.PROCTOR)
    sitting = await school.admit(both, biometrics=False)
    school.cameras.pictures[sitting] = (JPEG, 1)
    assert f"/staff/proctor/{sitting}" not in (await school.get(both, "/staff/proctor")).text
    for path in ("", "/panel", "/still.jpg", "/events"):
        assert (await school.get(both, f"/staff/proctor/{sitting}{path}")).status_code == 403, path
    for act in ("time", "end", "identity"):
        answer = await school.post(both, f"/staff/proctor/{sitting}/{act}", minutes="5", reason="Себе")
        assert answer.status_code == 403, act
    async with school.database.transaction() as connection:
        assert (await load_sitting(connection, sitting)).admitted is None


async def test_a_place_names_the_exam_and_the_sitting(school: School, running: SittingId) -> None:
    proctor = school.staff[Role.PROCTOR]
    page = (await school.get(proctor, f"/staff/proctor/{running}")).text
    for words in ("Соколова Анна Ивановна", f"Тестирование № {running}", "Лечебное дело, экзамен"):
        assert words in page, words
    assert f"Тестирование № {running}" in (await school.get(proctor, f"/staff/proctor/{running}/connection")).text


async def test_time_is_given_with_a_reason(school: School, running: SittingId) -> None:
    proctor = school.staff[Role.PROCTOR]
    answer = await school.post(proctor, f"/staff/proctor/{running}/time", minutes="15", reason="Отключали свет")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/staff/proctor/{running}?done=time")
    async with school.database.transaction() as connection:
        assert (await load_sitting(connection, running)).extra == 15 * MINUTE
    page = (await school.get(proctor, f"/staff/proctor/{running}?done=time")).text
    assert "Время добавлено" in page
    assert "Отключали свет" in page


@pytest.mark.parametrize(
    ("minutes", "reason"),
    [("", "Причина"), ("0", "Причина"), ("241", "Причина"), ("-5", "Причина"), ("1e3", "Причина"), ("10", "  ")],
)
async def test_a_refused_extension_says_why_and_keeps_what_was_typed(
    school: School, running: SittingId, minutes: str, reason: str
) -> None:
    proctor = school.staff[Role.PROCTOR]
    answer = await school.post(proctor, f"/staff/proctor/{running}/time", minutes=minutes, reason=reason)
    assert answer.status_code == 422
    assert f'value="{minutes}"' in answer.text
    assert "field__error" in answer.text
    async with school.database.transaction() as connection:
        assert (await load_sitting(connection, running)).extra == 0


async def test_an_ended_sitting_can_be_ended_no_more(school: School, running: SittingId) -> None:
    proctor = school.staff[Role.PROCTOR]
    first = await school.post(proctor, f"/staff/proctor/{running}/end", reason="По просьбе кандидата")
    assert first.status_code == 303
    async with school.database.transaction() as connection:
        assert (await load_sitting(connection, running)).end_reason == "proctor"
    again = await school.post(proctor, f"/staff/proctor/{running}/end", reason="Ещё раз")
    assert again.status_code == 409
    page = (await school.get(proctor, f"/staff/proctor/{running}")).text
    assert f'action="/staff/proctor/{running}/end"' not in page
    assert "По просьбе кандидата" in page


async def test_identity_is_confirmed_by_passport_once_it_was_asked_for(school: School, running: SittingId) -> None:
    proctor = school.staff[Role.PROCTOR]
    waiting = await school.admit(await school.hire("boris", Role.CANDIDATE), biometrics=False)
    assert (
        f'action="/staff/proctor/{waiting}/identity"' in (await school.get(proctor, f"/staff/proctor/{waiting}")).text
    )
    assert (await school.post(proctor, f"/staff/proctor/{waiting}/identity")).status_code == 303
    async with school.database.transaction() as connection:
        assert (await load_sitting(connection, waiting)).admitted == "person"
    assert (await school.post(proctor, f"/staff/proctor/{running}/identity")).status_code == 409
    assert [actor for actor, _, _ in await school.journaled("identity.confirmed")] == [f"person:{proctor.id}"]


async def test_the_newest_picture_is_never_kept_by_the_browser(school: School, running: SittingId) -> None:
    proctor = school.staff[Role.PROCTOR]
    school.cameras.pictures[running] = (JPEG, 77)
    answer = await school.get(proctor, f"/staff/proctor/{running}/still.jpg")
    assert (answer.content, answer.headers["content-type"]) == (JPEG, "image/jpeg")
    assert answer.headers["cache-control"] == "no-store"
    del school.cameras.pictures[running]
    assert (await school.get(proctor, f"/staff/proctor/{running}/still.jpg")).status_code == 204


async def test_names_and_reasons_are_text_and_never_markup(school: School) -> None:
    evil = await school.hire("evil", Role.CANDIDATE, family_name="<img src=x onerror=alert(1)>")
    sitting = await school.admit(evil)
    await school.start(sitting)
    proctor = school.staff[Role.PROCTOR]
    await school.post(proctor, f"/staff/proctor/{sitting}/time", minutes="5", reason="<script>alert(2)</script>")
    refused = await school.post(proctor, f"/staff/proctor/{sitting}/time", minutes='"><b>', reason="</textarea><b>")
    pages = [
        (await school.get(proctor, path)).text
        for path in ("/staff/proctor", f"/staff/proctor/{sitting}", f"/staff/proctor/{sitting}/panel")
    ]
    chair = school.staff[Role.COMMISSION_CHAIR]
    pages += [(await school.get(chair, path)).text for path in ("/staff/sittings", f"/staff/sittings/{sitting}")]
    for page in [*pages, refused.text]:
        assert "<img src=x" not in page
        assert "<script>alert" not in page
        assert "<b>" not in page.replace("<b>Аккредитация</b>", "").replace("<b>1</b>", "")
    assert all("&lt;img src=x" in page for page in [*pages[:2], *pages[3:], refused.text])
    assert "&lt;script&gt;alert" in pages[2]


async def test_the_clock_of_the_panel_runs_to_the_deadline(school: School, running: SittingId) -> None:
    school.clock.advance(100 * SECOND)
    panel = (await school.get(school.staff[Role.PROCTOR], f"/staff/proctor/{running}/panel")).text
    assert f'data-now="{school.clock.now()}"' in panel
