"""People and their passwords: accounts are made here, and a sign-in is proved here.

Guessing is slowed down by counting failures for what was typed, not for who exists: neither the answer, nor
its time, nor a lock tells whether a login is known. An attempt is counted before the password is looked at
and the count is taken back on success, so that guesses sent at once count as well as guesses in a row.
"""

import asyncio
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.access import logins
from core.access.roles import Principal, Role
from core.database import Database, execute, fetch_all, fetch_one
from core.errors import Conflict, Invalid, TooMany, Unauthenticated
from core.ids import PersonId
from core.moments import MINUTE, Moment
from core.randomness import fresh_token

HASHER = PasswordHasher()
"""argon2id with the second recommended option of RFC 9106: 3 passes, 64 MiB, 4 lanes."""

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 256
FAILURE_WINDOW = 10 * MINUTE
FAILURES_PER_LOGIN_AND_ADDRESS = 5
FAILURES_PER_LOGIN = 20
FAILURES_PER_ADDRESS = 100
"""A whole exam centre may stand behind one address, so this one is generous."""
AT_ONCE_PER_ADDRESS = 100
"""Passwords from one address that may wait to be looked at: some seconds of work, which others have to wait for."""
FAILURES_OWN = 5
"""Guesses at the password of one's own account, by who is signed in to it already."""

_LOGIN = re.compile(r"[a-zа-яё0-9][a-zа-яё0-9._@+-]{0,99}")
_NO_PASSWORD = "!"
_NOTHING: Mapping[bytes, int] = {}
_Result = TypeVar("_Result")

# Each hash fills 64 MiB: two at once bound the memory however many people sign in at ten o'clock sharp.
_hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
_at_the_door: Counter[str] = Counter()
"""Sign-ins that are under way in this process, by address."""


class SignInLocked(TooMany):
    """Too many failures for the login or from the address; the next attempt is heard in `minutes`, at least 1."""

    def __init__(self, minutes: int) -> None:
        super().__init__("sign_in_locked", f"Слишком много неудачных попыток входа. Повторите через {minutes} мин.")
        self.minutes = minutes


class PasswordLocked(TooMany):
    """Too many guesses at one's own password; the next attempt is heard in `minutes`, at least 1."""

    def __init__(self, minutes: int) -> None:
        super().__init__("password_locked", f"Слишком много неудачных попыток. Повторите через {minutes} мин.")
        self.minutes = minutes


async def create_person(
    connection: AsyncConnection,
    *,
    login: str,
    password: str | None,
    family_name: str,
    given_name: str = "",
    patronymic: str = "",
    email: str = "",
    zone: str = "Europe/Moscow",
    roles: Iterable[Role],
    now: Moment,
    password_given: bool = False,
    hasher: PasswordHasher = HASHER,
) -> PersonId:
    """A new account. Without a password nobody can sign in to it.

    `password_given`: it was chosen for the person, who is to choose another at the first sign-in.

    Raises Invalid (`login_malformed`, `password_length`, `name_missing`) and Conflict (`login_taken`).
    """
    plain = plain_login(login)
    if not _LOGIN.fullmatch(plain):
        raise Invalid(
            "login_malformed",
            "Логин состоит из букв, цифр и знаков . _ @ + -, не длиннее 100 символов.",
            fields={"login": "Уберите пробелы и другие знаки."},
        )
    if not family_name.strip():
        raise Invalid("name_missing", "Укажите фамилию.", fields={"family_name": "Укажите фамилию."})
    password_hash = _NO_PASSWORD if password is None else await hash_password(password, hasher)
    try:
        async with connection.begin_nested():
            row = await fetch_one(
                connection,
                "INSERT INTO core.person (login, family_name, given_name, patronymic, email, zone,"
                " password_hash, roles, created_at, password_given) VALUES (:login, :family_name, :given_name,"
                " :patronymic, :email, :zone, :password_hash, :roles, :now, :password_given) RETURNING id",
                login=plain,
                family_name=family_name.strip(),
                given_name=given_name.strip(),
                patronymic=patronymic.strip(),
                email=email.strip(),
                zone=zone,
                password_hash=password_hash,
                roles=sorted({role.value for role in roles}),
                now=now,
                password_given=password_given,
            )
    except IntegrityError as error:
        if "person_login_key" not in str(error):
            raise
        raise Conflict(
            "login_taken",
            "Такой логин уже занят. Выберите другой.",
            fields={"login": "Этот логин занят."},
        ) from error
    assert row is not None
    return PersonId(row["id"])


async def person(connection: AsyncConnection, person_id: PersonId) -> Principal | None:
    """The person as a principal, signed in or not."""
    return next(iter(await people(connection, [person_id])), None)


async def people(connection: AsyncConnection, ids: Iterable[PersonId]) -> list[Principal]:
    """The persons with these ids in the order of their ids; unknown ids are left out."""
    rows = await fetch_all(
        connection,
        f"SELECT {logins.PERSON_COLUMNS} FROM core.person p WHERE p.id = ANY(:ids) ORDER BY p.id",
        ids=list(ids),
    )
    return [logins.principal(row) for row in rows]


async def find_person(connection: AsyncConnection, login: str) -> Principal | None:
    """The person with this login."""
    row = await fetch_one(
        connection,
        f"SELECT {logins.PERSON_COLUMNS} FROM core.person p WHERE p.login = :login",
        login=plain_login(login),
    )
    return None if row is None else logins.principal(row)


async def hash_password(password: str, hasher: PasswordHasher = HASHER) -> str:
    """The password's argon2id hash, computed off the event loop. Raises Invalid (`password_length`)."""
    check_length(password)
    return await _in_thread(partial(hasher.hash, _plain_password(password)))


def check_length(password: str) -> None:
    """Raise Invalid (`password_length`) where a password is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Invalid(
            "password_length",
            f"Пароль должен быть не короче {SHORTEST_PASSWORD} и не длиннее {LONGEST_PASSWORD} символов.",
            fields={"password": f"Не короче {SHORTEST_PASSWORD} символов."},
        )


async def set_password(
    connection: AsyncConnection, person_id: PersonId, password: str, hasher: PasswordHasher = HASHER
) -> None:
    """Give a person another password, to be replaced at the next sign-in; every login of the person is closed.

    Raises Invalid (`password_length`).
    """
    await execute(
        connection,
        "UPDATE core.person SET password_hash = :hash, password_given = true WHERE id = :id",
        id=person_id,
        hash=await hash_password(password, hasher),
    )
    await logins.close_logins(connection, person_id)


async def change_password(
    database: Database,
    person_id: PersonId,
    old: str,
    new: str,
    *,
    kept: bytes,
    address: str,
    now: Moment,
    hasher: PasswordHasher = HASHER,
) -> None:
    """The person's own choice of another password. Every login is closed but the one with the digest `kept`.

    Guesses at the old one are counted as those at the sign-in are, for the person alone. Raises Invalid
    (`password_length`, `password_same`, `password_wrong`), PasswordLocked, Conflict (`password_changed`).
    """
    if new == old:
        reason = "Новый пароль совпадает с нынешним. Придумайте другой."
        raise Invalid("password_same", reason, fields={"password": reason})
    check_length(new)
    own = _subject("own", str(person_id))
    async with database.transaction() as connection:
        free_at = await _count_attempt(connection, {own: FAILURES_OWN}, now)
        sql = "SELECT password_hash FROM core.person WHERE id = :id"
        row = await fetch_one(connection, sql, id=person_id)
    if free_at is not None:
        raise PasswordLocked(_minutes_until(free_at, now))
    stored = None if row is None else row["password_hash"]
    right, _ = await _in_thread(partial(_verify, hasher, stored, _plain_password(old)))
    if not right:
        reason = "Нынешний пароль введён неверно. Проверьте раскладку клавиатуры и Caps Lock."
        raise Invalid("password_wrong", reason, fields={"old": reason})
    fresh = await hash_password(new, hasher)
    async with database.transaction() as connection:
        await execute(connection, "DELETE FROM core.sign_in_failure WHERE subject = :subject", subject=own)
        changed = await execute(
            connection,
            "UPDATE core.person SET password_hash = :fresh, password_given = false"
            " WHERE id = :id AND password_hash = :stored",
            id=person_id,
            fresh=fresh,
            stored=stored,
        )
        if not changed:
            raise Conflict("password_changed", "Пароль только что сменили в другом месте. Войдите с новым паролем.")
        ended = await logins.close_logins(connection, person_id, kept)
        who = f"person:{person_id}"
        await journal.record(connection, who, "access.password_changed", who, {"address": address[:200]}, now)
    for key in ended:
        logins.recent.forget(key)


async def sign_in(
    database: Database,
    login: str,
    password: str,
    address: str,
    now: Moment,
    hours: int = 12,
    hasher: PasswordHasher = HASHER,
) -> str:
    """Prove who it is and open a login: the token that goes into the cookie.

    Raises Unauthenticated (`sign_in_failed`) for a wrong password and for an unknown login alike, and
    SignInLocked after too many failures for the login or from the address, TooMany (`sign_in_crowd`) while too many
    of that address wait.
    """
    with _queued(address):
        return await _sign_in(database, login, password, address, now, hours, hasher)


async def _sign_in(
    database: Database, login: str, password: str, address: str, now: Moment, hours: int, hasher: PasswordHasher
) -> str:
    plain = plain_login(login)
    pair, alone, place = (_subject("pair", plain, address), _subject("login", plain), _subject("at", address))
    async with database.transaction() as connection:
        counted = {pair: FAILURES_PER_LOGIN_AND_ADDRESS, alone: FAILURES_PER_LOGIN}
        free_at = await _count_attempt(connection, counted, now, {place: FAILURES_PER_ADDRESS})
        row = None
        if _LOGIN.fullmatch(plain):
            row = await fetch_one(
                connection, "SELECT id, password_hash FROM core.person WHERE login = :login", login=plain
            )
    if free_at is not None:
        raise SignInLocked(_minutes_until(free_at, now))
    stored = None if row is None else row["password_hash"]
    right, renewed = await _in_thread(partial(_verify, hasher, stored, _plain_password(password)))
    async with database.transaction() as connection:
        if row is None or not right:
            await _count_failure(connection, place, now)
        else:
            # In the order in which they are counted: two sign-ins at once must not wait for each other.
            for subject in sorted((pair, alone)):
                await execute(connection, "DELETE FROM core.sign_in_failure WHERE subject = :subject", subject=subject)
            if renewed is not None:
                await execute(
                    connection,
                    "UPDATE core.person SET password_hash = :hash WHERE id = :id",
                    id=row["id"],
                    hash=renewed,
                )
            token = fresh_token(32)
            await logins.open_login(connection, token, row["id"], address, now, hours)
            await journal.record(
                connection,
                f"person:{row['id']}",
                "access.signed_in",
                f"person:{row['id']}",
                {"address": address[:200]},
                now,
            )
            return token
    raise Unauthenticated(
        "sign_in_failed",
        "Логин или пароль не подходят. Проверьте раскладку клавиатуры и Caps Lock и попробуйте ещё раз.",
    )


@contextmanager
def _queued(address: str) -> Iterator[None]:
    """A place in the queue of those who sign in from there."""
    if _at_the_door[address] >= AT_ONCE_PER_ADDRESS:
        raise TooMany("sign_in_crowd", "С этого адреса входят слишком многие сразу. Повторите через несколько секунд.")
    _at_the_door[address] += 1
    try:
        yield
    finally:
        _at_the_door[address] -= 1
        if not _at_the_door[address]:
            del _at_the_door[address]


def plain_login(login: str) -> str:
    """A login as it is stored: without spaces around it, in small letters, compatibility forms folded."""
    return unicodedata.normalize("NFKC", login[:200]).strip().lower()


async def forget_failures(connection: AsyncConnection, now: Moment) -> int:
    """Remove the counts of failures that lock nobody any more."""
    return await execute(
        connection,
        "DELETE FROM core.sign_in_failure WHERE since_at <= :before",
        before=now - FAILURE_WINDOW,
    )


async def _count_attempt(
    connection: AsyncConnection, counted: Mapping[bytes, int], now: Moment, looked_at: Mapping[bytes, int] = _NOTHING
) -> Moment | None:
    """Count the attempt; when one of the limits is passed, the moment from which the next one is heard.

    Both say how many failures each subject may have; what is only looked at is counted where the attempt fails.
    """
    for subject in sorted(counted):
        await _count_failure(connection, subject, now)
    rows = await fetch_all(
        connection,
        "SELECT subject, failures, since_at FROM core.sign_in_failure"
        " WHERE subject = ANY(:subjects) AND since_at > :before",
        subjects=[*counted, *looked_at],
        before=now - FAILURE_WINDOW,
    )
    # The attempt itself is counted already.
    limits = {subject: most + 1 for subject, most in counted.items()} | dict(looked_at)
    return max(
        (row["since_at"] + FAILURE_WINDOW for row in rows if row["failures"] >= limits[bytes(row["subject"])]),
        default=None,
    )


async def _count_failure(connection: AsyncConnection, subject: bytes, now: Moment) -> None:
    await execute(
        connection,
        "INSERT INTO core.sign_in_failure AS f (subject, failures, since_at) VALUES (:subject, 1, :now)"
        " ON CONFLICT (subject) DO UPDATE SET"
        " failures = CASE WHEN f.since_at <= :before THEN 1 ELSE least(f.failures + 1, 1000000) END,"
        " since_at = CASE WHEN f.since_at <= :before THEN excluded.since_at ELSE f.since_at END",
        subject=subject,
        now=now,
        before=now - FAILURE_WINDOW,
    )


def _minutes_until(free_at: Moment, now: Moment) -> int:
    return max(1, -(-(free_at - now) // MINUTE))


def _subject(*parts: str) -> bytes:
    """What failures are counted for. Digested: people do type their password into the login field."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()


def _plain_password(password: str) -> bytes:
    return unicodedata.normalize("NFKC", password[: 4 * LONGEST_PASSWORD]).encode("utf-8", "replace")


def _verify(hasher: PasswordHasher, stored: str | None, password: bytes) -> tuple[bool, str | None]:
    """Whether it is the password, and its hash anew where the parameters have changed since."""
    decoy = _decoy(hasher.time_cost, hasher.memory_cost, hasher.parallelism)
    known = stored is not None and stored != _NO_PASSWORD
    try:
        hasher.verify(stored if known and stored is not None else decoy, password)
    except (VerifyMismatchError, InvalidHashError):
        return False, None
    if not known or stored is None:
        return False, None
    return True, hasher.hash(password) if hasher.check_needs_rehash(stored) else None


@lru_cache
def _decoy(time_cost: int, memory_cost: int, parallelism: int) -> str:
    """What a password is compared with where there is no account, so that it takes as long."""
    return PasswordHasher(time_cost, memory_cost, parallelism).hash(fresh_token(32))


async def _in_thread(work: Callable[[], _Result]) -> _Result:
    return await asyncio.get_running_loop().run_in_executor(_hashing, work)
