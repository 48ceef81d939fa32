"""The first account of an empty database, and a way back in for who forgot the password."""

import json

import pytest

from app import accounts
from core.access import Permission, Role, principal_of, sign_in
from core.clock import ManualClock
from core.database import Database, fetch_all
from core.errors import AccreditationError, Conflict, Invalid, NotFound, Unauthenticated

ADDRESS = "127.0.0.1"
ZONE = "Asia/Yakutsk"


async def test_the_first_of_staff_signs_in_and_may_make_others(database: Database, clock: ManualClock) -> None:
    assert not await accounts.has_staff(database.url)
    password = await accounts.add_staff(
        database.url, clock, " Admin ", [Role.OPERATOR, Role.PROCTOR], "Носов  Денис Романович Младший", ZONE
    )
    assert await accounts.has_staff(database.url)
    token = await sign_in(database, "admin", password, ADDRESS, clock.now())
    async with database.transaction() as connection:
        who = await principal_of(connection, token, clock.now())
    assert who is not None
    assert (who.name, who.zone, who.roles) == (
        "Носов Денис Романович Младший",
        ZONE,
        frozenset({Role.OPERATOR, Role.PROCTOR}),
    )
    assert who.may(Permission.PEOPLE_MANAGE)
    assert who.password_given, "to be replaced at the first sign-in"


@pytest.mark.parametrize(
    ("login", "name", "roles", "kind", "code"),
    [
        ("a b", "Носов", [Role.OPERATOR], Invalid, "login_malformed"),
        ("admin", "  ", [Role.OPERATOR], Invalid, "person_invalid"),
        ("admin", "Носов", [], Invalid, "person_invalid"),
        ("admin", "Носов", [Role.OPERATOR, Role.CANDIDATE], Invalid, "not_staff"),
        ("taken", "Носов", [Role.OPERATOR], Conflict, "login_taken"),
    ],
)
async def test_the_rules_of_accounts_hold_here_too(
    database: Database,
    clock: ManualClock,
    login: str,
    name: str,
    roles: list[Role],
    kind: type[AccreditationError],
    code: str,
) -> None:
    await accounts.add_staff(database.url, clock, "taken", [Role.PROCTOR], "Зимин", ZONE)
    with pytest.raises(kind) as refusal:
        await accounts.add_staff(database.url, clock, login, roles, name, ZONE)
    assert refusal.value.code == code
    assert not await accounts.has_staff(database.url), "a proctor can make nobody else"


async def test_a_new_password_closes_what_was_open_with_the_old_one(database: Database, clock: ManualClock) -> None:
    old = await accounts.add_staff(database.url, clock, "admin", [Role.OPERATOR], "Носов", ZONE)
    token = await sign_in(database, "admin", old, ADDRESS, clock.now())
    new = await accounts.renew_password(database.url, clock, "ADMIN")
    async with database.transaction() as connection:
        assert await principal_of(connection, token, clock.now()) is None
    with pytest.raises(Unauthenticated):
        await sign_in(database, "admin", old, ADDRESS, clock.now())
    token = await sign_in(database, "admin", new, ADDRESS, clock.now())
    async with database.transaction() as connection:
        who = await principal_of(connection, token, clock.now())
    assert who is not None
    assert who.password_given
    with pytest.raises(NotFound, match="unknown_person"):
        await accounts.renew_password(database.url, clock, "nobody")


async def test_what_is_done_at_the_machine_stands_in_the_journal_and_no_password_does(
    database: Database, clock: ManualClock
) -> None:
    old = await accounts.add_staff(database.url, clock, "admin", [Role.OPERATOR], "Носов", ZONE)
    new = await accounts.renew_password(database.url, clock, "admin")
    async with database.transaction() as connection:
        rows = await fetch_all(
            connection, "SELECT convert_from(body, 'UTF8') AS body FROM core.outbox WHERE topic = 'journal' ORDER BY id"
        )
    written = [json.loads(row["body"]) for row in rows]
    assert [(one["actor"], one["action"]) for one in written] == [
        ("machine", "people.created"),
        ("machine", "people.password_renewed"),
    ]
    assert not any(password in row["body"] for row in rows for password in (old, new))
