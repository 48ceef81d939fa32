"""Bank, register, people, timetable, operations."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from admin import operations, people, planning, register_desk
from admin.people import NewPerson
from admin.planning import Plan
from core import outbox
from core.access import Role, find_person, sign_in
from core.clock import ManualClock
from core.database import execute, fetch_one
from core.errors import Conflict, Invalid, NotFound
from core.ids import ItemId
from core.moments import HOUR, from_datetime, to_datetime
from core.signatures import Signer
from exam_server.protocols import sign_protocol
from question_bank.store import load_items, publish_items, withdraw_item
from registry.entries import Status
from registry.intake import Intake, Sender
from registry.notices import NOTICE_TYPE, Decision, Kind, OutcomeNotice, Person, Speciality, Term, encode
from tests.stores.admin.school import HASHER, ITEMS, PASSWORD, School

MIGRATIONS = Path(__file__).resolve().parents[3] / "migrations" / "versions"

# --- the bank


async def test_an_item_is_shown_with_its_key_and_the_look_is_written_down(school: School) -> None:
    methodologist = school.staff[Role.METHODOLOGIST]
    page = (await school.get(methodologist, "/staff/bank/ld-001")).text
    assert "Вопрос 1 о помощи?" in page
    assert page.count("Эталон ответа") == 1
    assert page.count("Дистрактор") == 3
    ((actor, subject, fields),) = await school.journaled("bank.item_read")
    assert (actor, subject, fields) == (f"person:{methodologist.id}", "item:ld-001", {"version": "1"})


async def test_items_are_found_by_words_and_filters(school: School) -> None:
    methodologist = school.staff[Role.METHODOLOGIST]

    async def found(**chosen: str) -> int:
        return (await school.get(methodologist, "/staff/bank", params=chosen)).text.count(
            '<a class="long" href="/staff/bank/'
        )

    assert await found() == 2 * ITEMS
    assert await found(q="ld-00") == 2 * ITEMS
    assert await found(q="вопрос") == 2 * ITEMS
    assert await found(kind="case") == 0
    assert await found(speciality="31.02.01", requirement="ОТ-1") == 2 * ITEMS
    assert await found(speciality="x") == 2 * ITEMS  # as the list of specialities shows it: any


async def test_an_older_version_and_a_withdrawn_item_are_told_apart(school: School) -> None:
    async with school.database.transaction() as connection:
        item = (await load_items(connection, [(ItemId("ld-002"), 1)]))[ItemId("ld-002"), 1]
        await publish_items(connection, [msgspec.structs.replace(item, version=2, stem="Новый вопрос?")], 1)
        await withdraw_item(connection, item.id)
    methodologist = school.staff[Role.METHODOLOGIST]
    new = (await school.get(methodologist, "/staff/bank/ld-002")).text
    old = (await school.get(methodologist, "/staff/bank/ld-002", params={"version": "1"})).text
    assert ("Новый вопрос?" in new, "<span>Версия 2</span>" in new, "Отозвано" in new) == (True, True, True)
    assert "Есть более новая версия" not in new
    assert ("Вопрос 2 о помощи?" in old, "Есть более новая версия 2" in old) == (True, True)
    assert "Выведена" in old
    assert (await school.get(methodologist, "/staff/bank/ld-002", params={"version": "3"})).status_code == 404


# --- the register


@pytest.fixture
async def numbers(school: School) -> dict[str, str]:
    """Two entries by name."""
    register, sender = Signer.fresh(), Signer.fresh()
    known = {sender.kid: Sender("exam", sender.public)}
    intake = Intake(school.database, known, register, school.clock, zone="Europe/Moscow")
    today = to_datetime(school.clock.now()).date()
    for number, name in enumerate(("Ёлкина Анна Ивановна", "Юдин Артём"), start=1):
        notice = OutcomeNotice(
            key=f"sitting:{number}",
            sequence=number,
            person=Person(reference=f"person:{number}", name=name),
            speciality=Speciality("31.02.01", "Лечебное дело"),
            kind=Kind.PRIMARY,
            decision=Decision.PASSED,
            decided_on=today,
            basis="протокол № 1",
            term=Term(years=5),
        )
        await intake.receive(sender.sign(encode(notice), NOTICE_TYPE))
    async with school.database.transaction() as connection:
        page = await register_desk.list_entries(connection, today)
    return {row.name: row.number for row in page.rows}


async def test_entries_are_found_by_number_name_and_state(school: School, numbers: dict[str, str]) -> None:
    today = to_datetime(school.clock.now()).date()
    async with school.database.transaction() as connection:

        async def found(**chosen: object) -> list[str]:
            page = await register_desk.list_entries(connection, today, **chosen)  # type: ignore[arg-type]
            return [row.name for row in page.rows]

        assert await found(words="елкина") == ["Ёлкина Анна Ивановна"]
        assert await found(words=numbers["Юдин Артём"].replace("-", " ")) == ["Юдин Артём"]
        assert await found(words="нет") == []
        assert await found(words="%") == await found()
        assert len(await found(status=Status.VALID)) == 2
        assert await found(status=Status.ANNULLED) == []
        assert await found(speciality="нет") == []
        with pytest.raises(Invalid):
            await found(words="77-2026-1111-1111-1111-11")
        later = today.replace(year=today.year + 6)
        expired = await register_desk.list_entries(connection, later, status=Status.EXPIRED)
    assert expired.total == 2


async def test_an_entry_shows_its_versions_and_the_look_is_written_down(
    school: School, numbers: dict[str, str]
) -> None:
    keeper = school.staff[Role.REGISTER_KEEPER]
    number = numbers["Ёлкина Анна Ивановна"]
    page = (await school.get(keeper, f"/staff/register/{number}")).text
    assert "Внесена: протокол № 1" in page
    assert "экзаменационная система" in page
    assert "sender:" not in page
    assert "Действует" in page
    assert [subject for _, subject, _ in await school.journaled("register.entry_read")] == [f"entry:{number}"]
    assert (await school.get(keeper, "/staff/register/77")).status_code == 422
    mistyped = await school.get(keeper, "/staff/register", params={"q": "77-2026-1111-1111-1111-11"})
    assert mistyped.status_code == 422
    assert "контрольные цифры" in mistyped.text


async def test_an_empty_register_says_what_will_be_here(school: School) -> None:
    assert "Реестр пуст" in (await school.get(school.staff[Role.INSPECTOR], "/staff/register")).text


# --- people


NEW_PASSWORD = "Длинный-пароль-1"
WANTED: dict[str, str | list[str]] = {
    "login": "Novaya",
    "password": NEW_PASSWORD,
    "family_name": "Новая",
    "given_name": "Анна",
    "patronymic": "",
    "email": "",
    "zone": "Asia/Omsk",
    "role": ["proctor", "commission"],
}


async def test_a_new_person_can_sign_in_with_the_roles_given(school: School) -> None:
    operator = school.staff[Role.OPERATOR]
    answer = await school.post(operator, "/staff/people/new", **WANTED)
    assert answer.headers["location"] == "/staff/people?done=person"
    async with school.database.transaction() as connection:
        made = await find_person(connection, "novaya")
    assert made is not None
    assert (sorted(made.roles), made.zone) == ([Role.COMMISSION, Role.PROCTOR], "Asia/Omsk")
    assert await sign_in(school.database, "novaya", NEW_PASSWORD, "10.0.0.9", school.clock.now())
    ((_, subject, fields),) = await school.journaled("people.created")
    assert (subject, fields["roles"]) == (f"person:{made.id}", "commission,proctor")
    assert NEW_PASSWORD not in str(fields)


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("login", "два слова", 422),
        ("login", "operator", 409),
        ("password", "коротк", 422),
        ("password", "x" * 300, 422),
        ("family_name", "  ", 422),
        ("given_name", "x" * 101, 422),
        ("email", "без собаки", 422),
        ("zone", "Mars/Base", 422),
        ("role", [], 422),
        ("role", ["emperor"], 422),
    ],
)
async def test_what_is_wrong_with_a_new_person_is_said_and_the_password_is_not_shown(
    school: School, field: str, value: str | list[str], status: int
) -> None:
    wanted = {**WANTED, "family_name": "<i>Новая</i>", field: value}
    answer = await school.post(school.staff[Role.OPERATOR], "/staff/people/new", **wanted)
    assert answer.status_code == status
    assert "Длинный-пароль-1" not in answer.text
    assert "x" * 256 not in answer.text
    assert "<i>Новая" not in answer.text
    async with school.database.transaction() as connection:
        assert await find_person(connection, "novaya") is None


async def test_people_are_listed_by_role_and_words(school: School) -> None:
    async with school.database.transaction() as connection:
        everybody = await people.list_people(connection)
        proctors = await people.list_people(connection, role=Role.PROCTOR)
        found = await people.list_people(connection, words="РЕГИСТЕР")
        nobody = await people.list_people(connection, words="%_")
        named = await people.list_people(connection, words="register_k")
    assert everybody.total == len(Role)
    assert [row.login for row in proctors.rows] == ["proctor"]
    assert (found.total, nobody.total) == (0, 0)
    assert [row.login for row in named.rows] == ["register_keeper"]


async def test_a_role_of_another_release_does_not_break_the_list(school: School) -> None:
    async with school.database.transaction() as connection:
        await execute(connection, "UPDATE core.person SET roles = '{emperor,proctor}' WHERE login = 'proctor'")
        page = await people.list_people(connection, role=Role.PROCTOR)
    assert page.rows[0].roles == (Role.PROCTOR,)


def test_a_password_is_not_in_a_representation() -> None:
    new = NewPerson("a", "tайна", "b", "", "", "", "Europe/Moscow", ("proctor",))
    assert "тайна" not in repr(new)
    assert "tайна" not in repr(new)


async def test_a_refused_person_leaves_nothing_behind(school: School) -> None:
    new = NewPerson("operator", PASSWORD, "b", "", "", "", "Europe/Moscow", ("proctor",))
    with pytest.raises(Conflict):
        async with school.database.transaction() as connection:
            await people.add_person(connection, new, school.staff[Role.OPERATOR], school.clock.now(), HASHER)
    assert await school.journaled("people.created") == []


# --- the timetable


def plan(**changed: str) -> Plan:
    wanted = {
        "blueprint": "exam",
        "day": "2026-11-25",
        "time": "09:30",
        "hours": "6",
        "capacity": "12",
        "place": "Зал 2",
    }
    return Plan(**(wanted | changed))


async def test_a_window_is_planned_in_the_planners_zone(school: School) -> None:
    planner = msgspec.structs.replace(school.staff[Role.OPERATOR], zone="Asia/Yakutsk")
    async with school.database.transaction() as connection:
        made = await planning.plan_window(connection, plan(), planner, school.pools, school.clock.now())
        page = await planning.list_all_windows(connection, school.clock.now(), past=False)
    row = next(row for row in page.rows if row.id == made)
    assert row.opens_at == from_datetime(to_datetime(1_795_566_600_000))  # 2026-11-25T00:30Z
    assert (row.closes_at - row.opens_at, row.capacity, row.taken, row.place) == (6 * HOUR, 12, 0, "Зал 2")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"blueprint": "none"}, "blueprint"),
        ({"day": ""}, "day"),
        ({"day": "2026-02-30"}, "day"),
        ({"day": "2026-11-20"}, "day"),
        ({"day": "9999-12-31"}, "day"),
        ({"time": "25:00"}, "day"),
        ({"hours": "0"}, "hours"),
        ({"hours": "1.5"}, "hours"),
        ({"capacity": "-1"}, "capacity"),
        ({"capacity": "99999"}, "capacity"),
        ({"place": "x" * 201}, "place"),
    ],
)
async def test_a_window_that_makes_no_sense_is_refused_at_its_field(
    school: School, changed: dict[str, str], field: str
) -> None:
    async with school.database.transaction() as connection:
        with pytest.raises(Invalid) as refusal:
            await planning.plan_window(
                connection, plan(**changed), school.staff[Role.OPERATOR], school.pools, school.clock.now()
            )
    assert field in refusal.value.fields


async def test_a_window_is_planned_from_the_page_and_kept_when_refused(school: School) -> None:
    operator = school.staff[Role.OPERATOR]
    typed = {"blueprint": "exam", "day": "2026-11-25", "time": "09:30", "hours": "6", "capacity": "12"}
    refused = await school.post(operator, "/staff/windows", **{**typed, "capacity": "много", "place": "<b>Зал</b>"})
    assert refused.status_code == 422
    assert 'value="много"' in refused.text
    assert "<b>Зал" not in refused.text
    assert (await school.post(operator, "/staff/windows", **typed, place="Зал 3")).status_code == 303
    page = (await school.get(operator, "/staff/windows")).text
    assert "Зал 3" in page
    assert "0 из 12" in page


async def test_windows_that_are_over_stand_apart(school: School, clock: ManualClock) -> None:
    clock.advance(24 * HOUR)
    async with school.database.transaction() as connection:
        ahead = await planning.list_all_windows(connection, clock.now(), past=False)
        over = await planning.list_all_windows(connection, clock.now(), past=True)
    assert (ahead.total, over.total) == (0, 1)


async def test_places_and_begun_exams_are_counted(school: School) -> None:
    await school.admit(await school.hire("anna", Role.CANDIDATE))
    async with school.database.transaction() as connection:
        (row,) = (await planning.list_all_windows(connection, school.clock.now(), past=False)).rows
    assert (row.taken, row.begun) == (1, 1)


# --- operations


async def test_what_is_stuck_is_sent_again_on_request(school: School) -> None:
    operator = school.staff[Role.OPERATOR]
    async with school.database.transaction() as connection:
        await outbox.post(connection, "exam.outcome", "sitting:1", b"<secret>")
        await execute(
            connection,
            """UPDATE core.outbox SET attempts = 7, next_try = now() + interval '1 hour', last_error = '<b>boom</b>'
               WHERE key = 'sitting:1'""",
        )
        (stuck,) = await outbox.stuck(connection)
    page = (await school.get(operator, "/staff/operations")).text
    assert "&lt;b&gt;boom&lt;/b&gt;" in page
    assert "secret" not in page
    answer = await school.post(operator, f"/staff/operations/outbox/{stuck.id}/retry")
    assert answer.status_code == 303
    async with school.database.transaction() as connection:
        row = await fetch_one(
            connection, "SELECT next_try <= now() AS due FROM core.outbox WHERE id = :id", id=stuck.id
        )
        assert row is not None
        assert row["due"] is True
        await execute(connection, "UPDATE core.outbox SET sent = now() WHERE id = :id", id=stuck.id)
        with pytest.raises(NotFound):
            await operations.retry(connection, stuck.id, operator, school.clock.now())
    gone = await school.post(operator, f"/staff/operations/outbox/{stuck.id}/retry")
    assert (gone.status_code, "уже доставлено" in gone.text) == (404, True)


async def test_the_machine_tells_what_is_wrong(school: School) -> None:
    operator = school.staff[Role.OPERATOR]
    sitting = await school.admit(await school.hire("anna", Role.CANDIDATE))
    quiet = (await school.get(operator, "/staff/operations")).text
    assert "Журнал тестирований не пишется" not in quiet
    assert max(path.stem for path in MIGRATIONS.glob("*.py")) in quiet
    assert tomllib.loads(operations.PROJECT.read_text(encoding="utf-8"))["project"]["version"] in quiet
    school.log.away = True
    school.conduct.clock_off = 5_000
    loud = (await school.get(operator, "/staff/operations")).text
    school.conduct.clock_off = 0
    assert "Журнал тестирований не пишется" in loud
    assert "Часы сервера расходятся" in loud
    async with school.database.transaction() as connection:
        machine = await operations.read_machine(connection, school.conduct, school.log, school.cameras, 2)  # type: ignore[arg-type]
    assert machine.sittings_held == 1
    assert machine.frames == (10, 7, 2, 1)
    assert sitting in school.cameras.pictures


async def test_the_desk_counts_what_waits(school: School) -> None:
    held = await school.finish(await school.hire("held", Role.CANDIDATE), incidents=1)
    clean = await school.finish(await school.hire("clean", Role.CANDIDATE))
    chair = school.staff[Role.COMMISSION_CHAIR]
    page = (await school.get(chair, "/staff")).text
    assert "<b>1</b> ждёт рассмотрения" in page
    assert "<b>1</b> результат ждёт протокола" in page
    async with school.database.transaction() as connection:
        await sign_protocol(connection, [clean], chair, school.signer, school.clock.now())
    again = (await school.get(chair, "/staff")).text
    assert "<b>0</b> результатов ждут протокола" in again
    assert held
    bank = (await school.get(school.staff[Role.METHODOLOGIST], "/staff")).text
    assert "<b>0</b> ждут вашей проверки" in bank
