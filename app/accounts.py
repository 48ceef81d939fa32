"""Accounts of staff made at the machine itself: the first one of an empty database, and a way back in for the rest.

Who can run the program on the machine can read its database anyway, so nobody is asked to sign in here; what is done
stands in the journal as done at the machine.
"""

from collections.abc import Sequence

from admin.people import MACHINE, NewPerson, add_person
from app.migrate import check_schema
from core import journal
from core.access import Role, find_person, set_password
from core.clock import Clock
from core.database import Database, fetch_one
from core.errors import Invalid, NotFound
from core.randomness import fresh_token

PASSWORD_BYTES = 12


async def add_staff(url: str, clock: Clock, login: str, roles: Sequence[Role], name: str, zone: str) -> str:
    """A new account: its password, which is kept nowhere. `name`: «Фамилия Имя Отчество».

    Raises Invalid, Conflict (`login_taken`), Unavailable (`schema_old`).
    """
    if Role.CANDIDATE in roles:
        raise Invalid("not_staff", "Кандидатов заводит администратор на странице «Люди».")
    family_name, given_name, patronymic = [*name.split(maxsplit=2), "", "", ""][:3]
    password = fresh_token(PASSWORD_BYTES)
    wanted = NewPerson(
        login, password, family_name, given_name, patronymic, "", zone, tuple(role.value for role in roles)
    )
    await check_schema(url)
    database = Database(url, pool_size=1)
    try:
        async with database.transaction() as connection:
            await add_person(connection, wanted, None, clock.now())
    finally:
        await database.close()
    return password


async def renew_password(url: str, clock: Clock, login: str) -> str:
    """Another password for an account; whoever is signed in to it is signed out.

    Raises NotFound (`unknown_person`), Unavailable (`schema_old`).
    """
    password = fresh_token(PASSWORD_BYTES)
    await check_schema(url)
    database = Database(url, pool_size=1)
    try:
        async with database.transaction() as connection:
            who = await find_person(connection, login)
            if who is None:
                raise NotFound("unknown_person", f"Учётной записи {login} нет. Проверьте логин.")
            await set_password(connection, who.id, password)
            await journal.record(connection, MACHINE, "people.password_renewed", f"person:{who.id}", {}, clock.now())
    finally:
        await database.close()
    return password


async def has_staff(url: str) -> bool:
    """Whether there is anybody who could sign in and make other accounts."""
    database = Database(url, pool_size=1)
    try:
        async with database.transaction() as connection:
            sql = "SELECT true AS found FROM core.person WHERE :role = ANY(roles) LIMIT 1"
            return await fetch_one(connection, sql, role=Role.OPERATOR.value) is not None
    finally:
        await database.close()
