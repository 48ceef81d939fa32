import asyncio
import functools
import json
from importlib import import_module

import pytest
from argon2 import PasswordHasher

from core import journal
from core.access import (
    HASHER,
    Permission,
    Role,
    change_password,
    create_person,
    find_person,
    forget_failures,
    people,
    person,
    principal_of,
    set_password,
    sign_in,
    sign_out,
)
from core.access.logins import digest
from core.access.people import (
    FAILURE_WINDOW,
    FAILURES_OWN,
    FAILURES_PER_ADDRESS,
    FAILURES_PER_LOGIN,
    FAILURES_PER_LOGIN_AND_ADDRESS,
    PasswordLocked,
    SignInLocked,
)
from core.database import Database, fetch_all, fetch_one
from core.errors import Conflict, Invalid, TooMany, Unauthenticated
from core.ids import PersonId
from core.moments import HOUR

NOW = 1_795_338_000_000
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
PASSWORD = "верная-лошадь"


async def someone(database: Database, login: str = "anna", password: str | None = PASSWORD) -> PersonId:
    async with database.transaction() as connection:
        return await create_person(
            connection,
            login=login,
            password=password,
            family_name="Иванова",
            given_name="Анна",
            patronymic="Петровна",
            roles={Role.CANDIDATE, Role.PROCTOR},
            now=NOW,
            hasher=QUICK,
        )


async def try_in(
    database: Database, login: str = "anna", password: str = PASSWORD, address: str = "10.0.0.1", now: int = NOW
) -> str:
    return await sign_in(database, login, password, address, now, hours=12, hasher=QUICK)


async def test_who_signs_in_is_who_the_token_stands_for(database: Database) -> None:
    person_id = await someone(database)
    token = await try_in(database, login="  ANNA ")
    async with database.transaction() as connection:
        found = await principal_of(connection, token, NOW)
        assert found == await person(connection, person_id)
        assert await principal_of(connection, token + "x", NOW) is None
    assert found is not None
    assert (found.id, found.login, found.name) == (person_id, "anna", "Иванова Анна Петровна")
    assert found.roles == {Role.CANDIDATE, Role.PROCTOR}
    assert found.may(Permission.EXAM_TAKE)


async def test_a_login_ends_by_time_and_by_sign_out(database: Database) -> None:
    await someone(database)
    first, second = [await try_in(database) for _ in range(2)]
    async with database.transaction() as connection:
        assert await principal_of(connection, first, NOW + 12 * HOUR - 1) is not None
        assert await principal_of(connection, first, NOW + 12 * HOUR) is None
    await sign_out(database, first)
    async with database.transaction() as connection:
        assert await principal_of(connection, first, NOW) is None
        assert await principal_of(connection, second, NOW) is not None


async def test_neither_token_nor_password_is_stored(database: Database) -> None:
    await someone(database)
    token = await try_in(database)
    async with database.transaction() as connection:
        rows = await fetch_all(connection, "SELECT p::text || l::text AS text FROM core.person p, core.login l")
    assert rows
    assert not [row for row in rows if token in row["text"] or PASSWORD in row["text"]]
    assert "$argon2id$" in rows[0]["text"]


async def test_unknown_login_and_wrong_password_look_the_same(database: Database) -> None:
    await someone(database)
    await someone(database, "closed", password=None)
    refusals = []
    for login, password in [
        ("anna", "wrong"),
        ("nobody", PASSWORD),
        ("closed", PASSWORD),
        ("closed", "!"),
        ("no\0body", "x"),
        ("", ""),
        ("\ud800", "\ud800"),
        ("x" * 100_000, "y" * 100_000),
    ]:
        with pytest.raises(Unauthenticated) as refusal:
            await try_in(database, login, password)
        refusals.append((refusal.value.code, refusal.value.message))
    assert len(set(refusals)) == 1
    assert refusals[0][0] == "sign_in_failed"


@pytest.mark.parametrize("login", ["anna", "nobody"])
async def test_too_many_failures_lock_known_and_unknown_logins_alike(database: Database, login: str) -> None:
    await someone(database)
    for _ in range(FAILURES_PER_LOGIN_AND_ADDRESS):
        with pytest.raises(Unauthenticated):
            await try_in(database, login, "wrong")
    with pytest.raises(SignInLocked) as refusal:
        await try_in(database, login, PASSWORD, now=NOW + 1)
    assert (refusal.value.code, refusal.value.status, refusal.value.minutes) == ("sign_in_locked", 429, 10)
    assert "через 10 мин" in refusal.value.message


async def test_a_lock_does_not_reach_the_owner_elsewhere_and_ends(database: Database) -> None:
    await someone(database)
    for _ in range(FAILURES_PER_LOGIN_AND_ADDRESS + 3):
        with pytest.raises((Unauthenticated, TooMany)):
            await try_in(database, password="wrong")
    with pytest.raises(TooMany):
        await try_in(database)
    assert await try_in(database, address="10.9.9.9")
    assert await try_in(database, now=NOW + FAILURE_WINDOW)


async def test_guesses_sent_at_once_count_like_guesses_in_a_row(database: Database) -> None:
    await someone(database)
    results = await asyncio.gather(
        *(try_in(database, password=f"guess-{number}") for number in range(15)), return_exceptions=True
    )
    kinds = [kind for result in results for kind in (Unauthenticated, TooMany) if isinstance(result, kind)]
    assert kinds.count(Unauthenticated) == FAILURES_PER_LOGIN_AND_ADDRESS
    assert kinds.count(TooMany) == 15 - FAILURES_PER_LOGIN_AND_ADDRESS


async def test_one_person_may_sign_in_several_times_at_once(database: Database) -> None:
    person_id = await someone(database)
    tokens = await asyncio.gather(*(try_in(database) for _ in range(FAILURES_PER_LOGIN_AND_ADDRESS)))
    async with database.transaction() as connection:
        found = [await principal_of(connection, token, NOW) for token in tokens]
    assert [one.id for one in found if one] == [person_id] * len(tokens)


async def test_a_login_is_locked_for_many_addresses_together(database: Database) -> None:
    await someone(database)
    for number in range(FAILURES_PER_LOGIN):
        with pytest.raises(Unauthenticated):
            await try_in(database, password="wrong", address=f"10.0.1.{number}")
    with pytest.raises(TooMany):
        await try_in(database, address="10.0.2.1")


async def test_an_address_is_locked_for_many_logins_together(database: Database) -> None:
    await someone(database)
    for number in range(FAILURES_PER_ADDRESS):
        with pytest.raises(Unauthenticated):
            await try_in(database, login=f"guess{number}")
    with pytest.raises(TooMany):
        await try_in(database)
    assert await try_in(database, address="10.0.0.2")


async def test_one_address_does_not_fill_the_queue_of_everybody(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("core.access.people"), "AT_ONCE_PER_ADDRESS", 3)
    await someone(database)
    enter = functools.partial(sign_in, database, "anna", PASSWORD, now=NOW, hasher=QUICK)
    crowd = [asyncio.create_task(enter(address="203.0.113.7")) for _ in range(4)]
    elsewhere = asyncio.create_task(enter(address="203.0.113.8"))
    fates = await asyncio.gather(*crowd, return_exceptions=True)
    (refused,) = [fate for fate in fates if not isinstance(fate, str)]
    assert isinstance(refused, TooMany)
    assert (refused.code, refused.status) == ("sign_in_crowd", 429)
    assert await elsewhere
    assert await enter(address="203.0.113.7"), "the queue is empty again"


async def test_success_takes_the_failures_back(database: Database) -> None:
    await someone(database)
    for _ in range(3):
        for _ in range(FAILURES_PER_LOGIN_AND_ADDRESS - 1):
            with pytest.raises(Unauthenticated):
                await try_in(database, password="wrong")
        assert await try_in(database)


async def test_old_failures_are_swept(database: Database) -> None:
    with pytest.raises(Unauthenticated):
        await try_in(database)
    async with database.transaction() as connection:
        assert await forget_failures(connection, NOW + FAILURE_WINDOW - 1) == 0
        assert await forget_failures(connection, NOW + FAILURE_WINDOW) == 3


async def test_a_login_is_taken_once_in_any_spelling(database: Database) -> None:
    await someone(database)
    with pytest.raises(Conflict) as refusal:
        await someone(database, " Anna")
    assert (refusal.value.code, list(refusal.value.fields)) == ("login_taken", ["login"])


@pytest.mark.parametrize("login", ["", "with space", "a\0b", "-dash", "x" * 101, "<b>"])
async def test_a_strange_login_is_refused(database: Database, login: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await someone(database, login)
    assert refusal.value.code == "login_malformed"


@pytest.mark.parametrize("password", ["", "seven77", "x" * 257])
async def test_a_password_has_its_length(database: Database, password: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await someone(database, password=password)
    assert refusal.value.code == "password_length"


async def test_the_same_password_in_another_unicode_form_fits(database: Database) -> None:
    await someone(database, password="й" * 8)
    assert await try_in(database, password="\u0438\u0306" * 8)


async def test_a_hash_with_older_parameters_is_made_anew(database: Database) -> None:
    await someone(database)
    await sign_in(database, "anna", PASSWORD, "10.0.0.1", NOW, hasher=HASHER)
    async with database.transaction() as connection:
        row = await fetch_one(connection, "SELECT password_hash FROM core.person")
    assert row is not None
    assert row["password_hash"].startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await sign_in(database, "anna", PASSWORD, "10.0.0.1", NOW, hasher=HASHER)


async def test_people_are_found_by_login_and_by_id(database: Database) -> None:
    person_id = await someone(database)
    other_id = await someone(database, "boris")
    async with database.transaction() as connection:
        found = await find_person(connection, "ANNA")
        assert found is not None
        assert found.id == person_id
        assert [one.id for one in await people(connection, [other_id, person_id, PersonId(999)])] == [
            person_id,
            other_id,
        ]
        assert await find_person(connection, "nobody") is None


NEW = "новая верная лошадь"


async def change(
    database: Database, who: PersonId, old: str = PASSWORD, new: str = NEW, kept: str = "", now: int = NOW
) -> None:
    await change_password(database, who, old, new, kept=digest(kept), address="10.0.0.1", now=now, hasher=QUICK)


async def test_who_changes_the_password_stays_signed_in_here_and_nowhere_else(database: Database) -> None:
    who, other = await someone(database), await someone(database, "vera")
    here, there, foreign = await try_in(database), await try_in(database), await try_in(database, "vera")
    await change(database, who, kept=here)
    async with database.transaction() as connection:
        found = [await principal_of(connection, token, NOW) for token in (here, there, foreign)]
        rows = await fetch_all(connection, "SELECT body FROM core.outbox WHERE topic = :topic", topic=journal.TOPIC)
    assert [one and one.id for one in found] == [who, None, other]
    noted = [json.loads(row["body"]) for row in rows]
    assert [(one["actor"], one["subject"]) for one in noted if one["action"] == "access.password_changed"] == [
        (f"person:{who}", f"person:{who}")
    ]
    assert not [one for one in noted if NEW in str(one) or PASSWORD in str(one)]
    with pytest.raises(Unauthenticated):
        await try_in(database)
    assert await try_in(database, password=NEW)


async def test_a_given_password_is_marked_until_the_person_chooses_another(database: Database) -> None:
    who = await someone(database)
    given = []
    for step in ("own", "given", "chosen"):
        async with database.transaction() as connection:
            if step == "given":
                await set_password(connection, who, PASSWORD, QUICK)
        if step == "chosen":
            await change(database, who)
        async with database.transaction() as connection:
            found = await person(connection, who)
        assert found is not None
        given.append(found.password_given)
    assert given == [False, True, False]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("wrong", NEW, "password_wrong"),
        (PASSWORD, PASSWORD, "password_same"),
        (PASSWORD, "short", "password_length"),
        (PASSWORD, "x" * 257, "password_length"),
        ("\ud800", NEW, "password_wrong"),
    ],
)
async def test_a_password_that_cannot_be_taken_changes_nothing(
    database: Database, old: str, new: str, code: str
) -> None:
    who, token = await someone(database), await try_in(database)
    with pytest.raises(Invalid) as refusal:
        await change(database, who, old, new)
    assert refusal.value.code == code
    assert refusal.value.fields
    async with database.transaction() as connection:
        assert await principal_of(connection, token, NOW) is not None
    assert await try_in(database)


async def test_guesses_at_ones_own_password_are_counted_apart_from_the_sign_in(database: Database) -> None:
    who = await someone(database)
    guesses = [change(database, who, f"wrong {guess}") for guess in range(FAILURES_OWN + 1)]
    refusals = await asyncio.gather(*guesses, return_exceptions=True)
    assert sorted(type(one).__name__ for one in refusals) == ["Invalid"] * FAILURES_OWN + ["PasswordLocked"]
    with pytest.raises(PasswordLocked) as refusal:
        await change(database, who, now=NOW + 1)
    assert refusal.value.minutes == 10
    assert await try_in(database), "the way in is not closed by it"
    await change(database, who, now=NOW + FAILURE_WINDOW)
    await change(database, who, NEW, PASSWORD, now=NOW + FAILURE_WINDOW)


async def test_of_two_changes_at_once_one_holds(database: Database) -> None:
    who = await someone(database)
    changes = [change(database, who, new=f"{NEW} {number}") for number in range(2)]
    refusals = await asyncio.gather(*changes, return_exceptions=True)
    lost = [one for one in refusals if one is not None]
    assert len(lost) == 1
    assert isinstance(lost[0], Conflict | Invalid)
    assert await try_in(database, password=f"{NEW} {1 - refusals.index(lost[0])}")
