"""The list of sittings, everything about one, and its sealed stills."""

from fractions import Fraction

import pytest

from admin import sittings
from admin.protocols_desk import list_ready
from core.access import Role
from core.database import execute
from core.ids import SittingId
from core.moments import MINUTE, SECOND
from exam_server.commands import Attach, Question, Respond, Settle, Show
from exam_server.protocols import sign_protocol
from exam_server.store import Connected, load_sitting, record_connections, write_note
from proctoring.signals import Kind
from question_bank.items import Role as ChoiceRole
from question_bank.store import load_items
from tests.stores.admin.school import ITEMS, JPEG, School


async def listed(school: School, **chosen: object) -> list[tuple[int, str]]:
    async with school.database.transaction() as connection:
        page = await sittings.list_sittings(connection, **chosen)  # type: ignore[arg-type]
    return [(row.id, row.state) for row in page.rows]


@pytest.fixture
async def several(school: School) -> dict[str, SittingId]:
    people = {name: await school.hire(name, Role.CANDIDATE, family_name=name.title()) for name in "абвгд"}
    made = {
        "confirmed": await school.finish(people["а"]),
        "preliminary": await school.finish(people["б"], right=1),
        "review": await school.finish(people["в"], incidents=2),
        "live": await school.admit(people["г"]),
    }
    async with school.database.transaction() as connection:
        chair = school.staff[Role.COMMISSION_CHAIR]
        await sign_protocol(connection, [made["confirmed"]], chair, school.signer, school.clock.now())
    return made


async def test_each_state_is_told_apart(school: School, several: dict[str, SittingId]) -> None:
    expected = [(several[state], state) for state in ("live", "review", "preliminary", "confirmed")]
    assert await listed(school) == expected
    for number, state in expected:
        assert await listed(school, state=state) == [(number, state)]
    async with school.database.transaction() as connection:
        assert await sittings.count_states(connection) == {state: 1 for _, state in expected}


async def test_the_list_is_searched_by_name_login_and_exam(school: School, several: dict[str, SittingId]) -> None:
    assert await listed(school, words="В анна") == [(several["review"], "review")]
    assert await listed(school, words="б") == [(several["preliminary"], "preliminary")]
    assert await listed(school, words="%") == await listed(school, words="_") == []
    assert await listed(school, blueprint="exam", state="live") == [(several["live"], "live")]
    assert await listed(school, blueprint="other") == []


async def test_the_list_shows_result_and_incidents(school: School, several: dict[str, SittingId]) -> None:
    async with school.database.transaction() as connection:
        page = await sittings.list_sittings(connection)
    rows = {row.id: row for row in page.rows}
    row = rows[several["preliminary"]]
    assert (row.raw, row.maximum, row.passed) == (Fraction(1), ITEMS, False)
    assert rows[several["review"]].incidents == 2
    assert rows[several["live"]].raw is None
    text = (await school.get(school.staff[Role.OPERATOR], "/staff/sittings")).text
    assert "25\u00a0%" in text


async def test_a_thousand_sittings_are_paged(school: School, several: dict[str, SittingId]) -> None:
    async with school.database.transaction() as connection:
        await execute(
            connection,
            """INSERT INTO exam_server.booking (window_id, candidate, booked_at, cancelled_at)
               SELECT window_id, candidate, n, n FROM exam_server.booking k, generate_series(1, 1000) n
               WHERE k.id = (SELECT booking_id FROM exam_server.sitting WHERE id = :one)""",
            one=several["confirmed"],
        )
        await execute(
            connection,
            """INSERT INTO exam_server.sitting
                   (booking_id, candidate, blueprint_id, blueprint_version, attempt, created_at, entered_at)
               SELECT k.id, k.candidate, 'exam', 1, 1, 1, 1 FROM exam_server.booking k
               WHERE NOT EXISTS (SELECT FROM exam_server.sitting s WHERE s.booking_id = k.id)""",
        )
    operator = school.staff[Role.OPERATOR]
    first = (await school.get(operator, "/staff/sittings")).text
    assert "1\u00a0004" in first
    assert "page=21" in first
    last = (await school.get(operator, "/staff/sittings", params={"page": "21"})).text
    assert last.count('href="/staff/sittings/') == 4
    beyond = (await school.get(operator, "/staff/sittings", params={"page": "999"})).text
    assert beyond.count('href="/staff/sittings/') == sittings.PAGE
    assert len(await listed(school, state="concluding", page=20)) == sittings.PAGE


async def test_the_page_tells_the_whole_story(school: School) -> None:
    candidate = await school.hire("anna", Role.CANDIDATE, family_name="Соколова")
    sitting = await school.admit(candidate)
    held, page = await school.start(sitting)
    await school.app.state.invigilation.give_time(sitting, school.staff[Role.PROCTOR].id, 5, "Отключали свет")
    await school.answer(held, page, ITEMS)
    await school.notice(sitting, Kind.OTHER_PERSON, at=school.clock.now() - 30 * SECOND)
    await school.lose_sight(sitting, since=school.clock.now() - 20 * SECOND, until=school.clock.now() - 10 * SECOND)
    await school.submit(held, page)
    text = (await school.get(school.staff[Role.COMMISSION], f"/staff/sittings/{sitting}")).text
    for words in (
        "Соколова Анна Ивановна", "Журнал тестирования цел", "100\u00a0%", "Отключали свет", "кадры не приходили",
        "Лицо не похоже на контрольный снимок", "0,363", "примерно в", "Неотложная помощь", "Тестирование начато",
        "Результат ждёт рассмотрения", "Обрывов связи не было.", "Время по заданиям", "черта сверху: время вышло",
        "не\u00a0получено ни\u00a0одного кадра",
    ):  # fmt: skip
        assert words in text, words
    assert "Разрывов наблюдения не было." not in text
    assert "Кадров получено" not in text
    assert '<svg class="plot__axis"' in text
    assert "style=" not in text


async def take_late(school: School) -> SittingId:
    """Three of four in time, the fourth rightly but after its time; concluded."""
    sitting = await school.admit(await school.hire("anna", Role.CANDIDATE))
    held, page = await school.start(sitting)
    entries = held.state.form.entries
    async with school.database.transaction() as connection:
        items = await load_items(connection, [(entry.item, entry.version) for entry in entries])
    seq = 1
    for position, entry in enumerate(entries):
        choices = items[entry.item, entry.version].stages[0].choices
        key = next(choice.id for choice in choices if choice.role is ChoiceRole.KEY)
        if position:
            seq += 1
            school.conduct.receive(held, page, Show(seq, position), school.clock.now())
            await page.acknowledged(seq)
        if position == len(entries) - 1:
            school.clock.advance(MINUTE + 30 * SECOND)
            await school.conduct.order(sitting, Settle())
        seq += 1
        school.conduct.receive(held, page, Respond(seq, position, 0, (key,)), school.clock.now())
        await page.acknowledged(seq)
    async with school.database.transaction() as connection:
        assert len((await load_sitting(connection, sitting)).late) == 1
        state = await load_sitting(connection, sitting)
    if state.status == "running":
        await school.submit(held, page)
    else:
        school.clock.advance(MINUTE)
        await school.conclude(sitting)
    return sitting


async def test_the_commission_admits_a_late_answer_and_the_result_is_another_one(school: School) -> None:
    sitting = await take_late(school)
    member = school.staff[Role.COMMISSION]
    page = (await school.get(member, f"/staff/sittings/{sitting}")).text
    assert "75\u00a0%" in page
    assert "Опоздал на" in page
    async with school.database.transaction() as connection:
        (ready,) = await list_ready(connection, school.staff[Role.COMMISSION_CHAIR])
    assert (ready.late, ready.clean) == (True, False)
    assert f"/staff/sittings/{sitting}#late" in (await school.get(member, "/staff/protocols")).text
    assert f'action="/staff/sittings/{sitting}/late/1"' in page
    short = await school.post(member, f"/staff/sittings/{sitting}/late/1", reason="потому")
    assert (short.status_code, "Напишите от 10 до 2000 знаков." in short.text) == (422, True)
    assert "потому</textarea>" in short.text
    unknown = await school.post(member, f"/staff/sittings/{sitting}/late/2", reason="Обрыв связи подтверждён")
    assert (unknown.status_code, "уже учтён" in unknown.text) == (409, True)
    done = await school.post(member, f"/staff/sittings/{sitting}/late/1", reason="Обрыв связи <подтверждён>")
    assert done.headers["location"] == f"/staff/sittings/{sitting}?done=late#late"
    page = (await school.get(member, f"/staff/sittings/{sitting}")).text
    assert "100\u00a0%" in page
    assert "До этого было 3 из 4." in page.replace("\u00a0", " ")
    assert "Обрыв связи &lt;подтверждён&gt;" in page
    assert f'action="/staff/sittings/{sitting}/late/1"' not in page
    assert [fields for _, _, fields in await school.journaled("sitting.late_admitted")] == [{"late": "0"}]


async def test_a_final_result_takes_no_late_answer(school: School) -> None:
    sitting, member = await take_late(school), school.staff[Role.COMMISSION]
    async with school.database.transaction() as connection:
        chair = school.staff[Role.COMMISSION_CHAIR]
        await sign_protocol(connection, [sitting], chair, school.signer, school.clock.now())
    page = (await school.get(member, f"/staff/sittings/{sitting}")).text
    assert "/late/1" not in page
    assert "только апелляция" in page
    refused = await school.post(member, f"/staff/sittings/{sitting}/late/1", reason="Обрыв связи подтверждён")
    assert (refused.status_code, "already_final" in refused.text) == (409, True)


async def test_nobody_admits_their_own_late_answer(school: School) -> None:
    both = await school.hire("both", Role.CANDIDATE, Role.COMMISSION)
    sitting = await school.finish(both, right=1)
    answer = await school.post(both, f"/staff/sittings/{sitting}/late/1", reason="Обрыв связи подтверждён")
    assert (answer.status_code, "own_sitting" in answer.text) == (403, True)


FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0"


async def test_breaks_and_takeovers_are_told_to_proctor_and_commission(school: School) -> None:
    sitting = await school.admit(await school.hire("anna", Role.CANDIDATE))
    held, page = await school.start(sitting)
    async with school.database.transaction() as connection:
        now = school.clock.now()
        places = (
            Connected(sitting, 1, "192.0.2.1", FIREFOX, now),
            Connected(sitting, 2, "192.0.2.9", "<b>Firefox", now),
        )
        await record_connections(connection, places)
    school.conduct.detach(held, page)
    school.clock.advance(40 * SECOND)
    await school.conduct.order(sitting, Attach("browser-2"))
    await school.app.state.invigilation.tell(sitting, school.staff[Role.PROCTOR].id, "message", "Всё в порядке?")
    for reader, path in (
        (Role.PROCTOR, f"/staff/proctor/{sitting}/connection"),
        (Role.COMMISSION, f"/staff/sittings/{sitting}"),
    ):
        text = (await school.get(school.staff[reader], path)).text
        for words in (
            "40\u00a0с",
            "192.0.2.9",
            "&lt;b&gt;Firefox",
            "<summary>Firefox 132, Windows</summary>",
            FIREFOX,
            "другой адрес",
            "другое устройство",
            "другой браузер",
        ):
            assert words in text, (path, words)
        assert '<svg class="plot__axis"' in text
        assert "style=" not in text


async def test_what_the_candidate_wrote_is_told_apart_from_what_staff_wrote(school: School) -> None:
    candidate = await school.hire("anna", Role.CANDIDATE)
    sitting = await school.admit(candidate)
    held, page = await school.start(sitting)
    async with school.database.transaction() as connection:
        note = await write_note(
            connection, sitting, candidate.id, "question", "Два верных варианта", school.clock.now()
        )
    await school.conduct.order(sitting, Question(2, 0, note))
    text = (await school.get(school.staff[Role.COMMISSION], f"/staff/sittings/{sitting}")).text
    assert "Замечания и просьбы кандидата" in text
    assert "Заметки сотрудников" not in text
    assert text.count("Два верных варианта") == 3, "the remark, and the story twice"
    assert held.line is page


async def test_the_key_and_the_items_are_for_those_who_may_read_the_bank(school: School) -> None:
    sitting = await school.finish(await school.hire("anna", Role.CANDIDATE))
    commission = (await school.get(school.staff[Role.COMMISSION], f"/staff/sittings/{sitting}")).text
    assert "о помощи?" not in commission
    assert "Вариант" not in commission
    both = await school.hire("both", Role.COMMISSION, Role.METHODOLOGIST)
    open_to_both = (await school.get(both, f"/staff/sittings/{sitting}")).text
    assert open_to_both.count("о помощи?") == ITEMS
    assert open_to_both.count("выбрано") == ITEMS


async def test_a_running_exam_shows_its_items_to_nobody(school: School) -> None:
    sitting = await school.admit(await school.hire("anna", Role.CANDIDATE))
    await school.start(sitting)
    both = await school.hire("both", Role.COMMISSION, Role.METHODOLOGIST)
    text = (await school.get(both, f"/staff/sittings/{sitting}")).text
    assert "о помощи?" not in text


async def test_a_log_that_was_changed_is_told(school: School) -> None:
    sitting = await school.finish(await school.hire("anna", Role.CANDIDATE))
    async with school.database.transaction() as connection:
        await execute(connection, "ALTER TABLE exam_server.log DISABLE TRIGGER log_is_final")
        await execute(
            connection,
            "UPDATE exam_server.log SET digest = sha256(digest) WHERE sitting_id = :id AND version = 2",
            id=sitting,
        )
    answer = await school.get(school.staff[Role.COMMISSION], f"/staff/sittings/{sitting}")
    assert answer.status_code == 200
    assert "Журнал тестирования не сходится" in answer.text
    assert "Журнал тестирования цел" not in answer.text


async def test_a_look_at_a_still_is_written_down_and_nothing_is_kept(school: School) -> None:
    sitting = await school.finish(await school.hire("anna", Role.CANDIDATE), incidents=1)
    evidence, reviewer = await school.evidence(sitting), school.staff[Role.COMMISSION]
    answer = await school.get(reviewer, f"/staff/evidence/{evidence}")
    assert (answer.content, answer.headers["content-type"]) == (JPEG, "image/jpeg")
    assert answer.headers["cache-control"] == "no-store"
    ((actor, subject, fields),) = await school.journaled("evidence.viewed")
    assert (actor, subject) == (f"person:{reviewer.id}", f"sitting:{sitting}")
    assert fields["evidence"] == str(evidence)
    assert fields["address"] == "127.0.0.1"


async def test_who_may_not_see_a_still_leaves_no_look(school: School) -> None:
    sitting = await school.finish(await school.hire("anna", Role.CANDIDATE), incidents=1)
    evidence = await school.evidence(sitting)
    for role in (Role.OPERATOR, Role.PROCTOR, Role.CANDIDATE):
        assert (await school.get(school.staff[role], f"/staff/evidence/{evidence}")).status_code == 403
    assert (await school.get(school.staff[Role.COMMISSION], "/staff/evidence/9999")).status_code == 404
    assert await school.journaled("evidence.viewed") == []
    operator = (await school.get(school.staff[Role.OPERATOR], f"/staff/sittings/{sitting}")).text
    assert "/staff/evidence/" not in operator


async def test_destroyed_evidence_is_gone_and_the_page_stays(school: School) -> None:
    sitting = await school.finish(await school.hire("anna", Role.CANDIDATE), incidents=1)
    evidence = await school.evidence(sitting)
    async with school.database.transaction() as connection:
        assert await school.blobs.destroy(connection, f"sitting:{sitting}", school.clock.now())
    reviewer = school.staff[Role.COMMISSION]
    assert (await school.get(reviewer, f"/staff/evidence/{evidence}")).status_code == 404
    assert (await school.get(reviewer, f"/staff/sittings/{sitting}")).status_code == 200


async def test_nobody_reads_their_own_sitting_as_staff(school: School) -> None:
    both = await school.hire("both", Role.CANDIDATE, Role.COMMISSION)
    sitting = await school.finish(both, incidents=1)
    for path in (f"/staff/sittings/{sitting}", f"/staff/evidence/{await school.evidence(sitting)}"):
        answer = await school.get(both, path)
        assert (answer.status_code, "own_sitting" in answer.text) == (403, True)


async def test_an_empty_list_says_what_will_be_here(school: School) -> None:
    operator = school.staff[Role.OPERATOR]
    assert "Тестирований пока не было" in (await school.get(operator, "/staff/sittings")).text
    await school.admit(await school.hire("anna", Role.CANDIDATE))
    nothing = (await school.get(operator, "/staff/sittings", params={"q": "нет такого"})).text
    assert "Ничего не нашлось" in nothing
