"""Accounts: who there is, what each of them is, and new ones."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from argon2 import PasswordHasher
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.access import HASHER, Principal, Role, create_person
from core.access.roles import known_roles
from core.database import fetch_all
from core.errors import Invalid
from core.ids import PersonId
from core.moments import Moment

PAGE = 50
LONGEST_NAME = 100
MACHINE = "machine"
"""Who did it, in the journal, where that was the command line."""


class PersonRow(Struct, frozen=True):
    """One line of the list."""

    id: PersonId
    login: str
    name: str
    email: str
    roles: tuple[Role, ...]
    zone: str
    created_at: Moment
    seen_at: Moment | None
    """When the latest login that is still open was made."""


class PeoplePage(Struct, frozen=True):
    """One page of the list and how many people match in all."""

    rows: tuple[PersonRow, ...]
    total: int


async def list_people(
    connection: AsyncConnection, *, role: Role | None = None, words: str = "", page: int = 1
) -> PeoplePage:
    """People by name; `words` is looked for in names and logins."""
    wanted = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = await fetch_all(
        connection,
        """SELECT p.id, p.login, p.email, p.roles, p.zone, p.created_at,
                  concat_ws(' ', p.family_name, NULLIF(p.given_name, ''), NULLIF(p.patronymic, '')) AS name,
                  (SELECT max(l.created_at) FROM core.login l WHERE l.person_id = p.id) AS seen_at,
                  count(*) OVER () AS total
           FROM core.person p
           WHERE (CAST(:role AS text) IS NULL OR :role = ANY(p.roles))
             AND (p.login ILIKE :words
                  OR concat_ws(' ', p.family_name, p.given_name, p.patronymic) ILIKE :words)
           ORDER BY p.family_name, p.given_name, p.patronymic, p.id LIMIT :limit OFFSET :offset""",
        role=None if role is None else role.value,
        words=f"%{wanted}%",
        limit=PAGE,
        offset=(page - 1) * PAGE,
    )
    found = tuple(
        PersonRow(
            PersonId(row["id"]),
            row["login"],
            row["name"],
            row["email"],
            tuple(role for role in Role if role in known_roles(row["roles"])),
            row["zone"],
            row["created_at"],
            row["seen_at"],
        )
        for row in rows
    )
    return PeoplePage(found, rows[0]["total"] if rows else 0)


class NewPerson(Struct, frozen=True):
    """What a form says about a new account."""

    login: str
    password: str
    family_name: str
    given_name: str
    patronymic: str
    email: str
    zone: str
    roles: tuple[str, ...]

    def __repr__(self) -> str:
        return f"NewPerson(login={self.login!r})"


async def add_person(
    connection: AsyncConnection,
    wanted: NewPerson,
    by: Principal | None,
    now: Moment,
    hasher: PasswordHasher = HASHER,
) -> PersonId:
    """A new account, made by somebody or, None, at the machine itself.

    Raises Invalid with the fields that are wrong, Conflict (`login_taken`).
    """
    problems = _problems(wanted)
    if problems:
        raise Invalid("person_invalid", "Учётная запись не создана. Исправьте отмеченное.", fields=problems)
    roles = [Role(role) for role in wanted.roles]
    made = await create_person(
        connection,
        login=wanted.login,
        password=wanted.password,
        family_name=wanted.family_name,
        given_name=wanted.given_name,
        patronymic=wanted.patronymic,
        email=wanted.email,
        zone=wanted.zone,
        roles=roles,
        now=now,
        password_given=True,
        hasher=hasher,
    )
    await journal.record(
        connection,
        MACHINE if by is None else f"person:{by.id}",
        "people.created",
        f"person:{made}",
        {"login": wanted.login, "roles": _joined(roles)},
        now,
    )
    return made


def _joined(roles: Iterable[Role]) -> str:
    return ",".join(sorted(role.value for role in roles))


def _problems(wanted: NewPerson) -> dict[str, str]:
    problems = {
        name: f"Не длиннее {LONGEST_NAME} символов."
        for name in ("family_name", "given_name", "patronymic")
        if len(getattr(wanted, name).strip()) > LONGEST_NAME
    }
    if not wanted.family_name.strip():
        problems["family_name"] = "Укажите фамилию."
    if wanted.email.strip() and ("@" not in wanted.email or len(wanted.email.strip()) > 254):
        problems["email"] = "Укажите адрес полностью, например ivanova@example.org."
    if not wanted.roles or any(role not in {known.value for known in Role} for role in wanted.roles):
        problems["roles"] = "Отметьте хотя бы одну роль."
    try:
        ZoneInfo(wanted.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems["zone"] = "Выберите часовой пояс из списка."
    return problems
