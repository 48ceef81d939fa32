"""The contract with whoever sends outcomes: the notice that comes in and the receipt that goes back. Pure.

Both travel as compact JWS with Ed25519 (`core.signatures`), `typ` NOTICE_TYPE and RECEIPT_TYPE. Unknown
fields are refused: a change of meaning takes a new `schema`.
"""

from calendar import isleap
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from core.errors import Invalid
from core.ids import RegisterNumber
from core.moments import Moment

NOTICE_TYPE = "accreditation-outcome+jws"
RECEIPT_TYPE = "accreditation-receipt+jws"
SCHEMA = 1
LONGEST_YEARS = 5

# No control characters: they have no place in a name, and PostgreSQL takes no NUL.
_PRINTABLE = r"^[^\x00-\x1f\x7f\ud800-\udfff]*[^\s\x00-\x1f\x7f\ud800-\udfff][^\x00-\x1f\x7f\ud800-\udfff]*$"
_Word = Annotated[str, Meta(min_length=1, max_length=200, pattern=_PRINTABLE)]
_Line = Annotated[str, Meta(min_length=1, max_length=500, pattern=_PRINTABLE)]


class Kind(StrEnum):
    """Kinds of accreditation."""

    PRIMARY = "primary"
    PRIMARY_SPECIALISED = "primary_specialised"
    PERIODIC = "periodic"


class Decision(StrEnum):
    """What was decided. `annulled` takes back the decision of an earlier notice."""

    PASSED = "passed"
    FAILED = "failed"
    ANNULLED = "annulled"


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom it is about. `reference` is the sender's lasting name of the person, the same in every notice."""

    reference: _Word
    name: _Word
    """«Фамилия Имя Отчество»."""
    birth_date: date | None = None


class Speciality(Struct, frozen=True, forbid_unknown_fields=True):
    """A speciality by its code and title: 31.05.01, «Лечебное дело»."""

    code: Annotated[str, Meta(min_length=1, max_length=50, pattern=_PRINTABLE)]
    title: _Word


class Term(Struct, frozen=True, forbid_unknown_fields=True):
    """How long the accreditation is asked for, counted from the day of the decision; five years at most."""

    years: Annotated[int, Meta(ge=0, le=100)] = 0
    days: Annotated[int, Meta(ge=0, le=36_600)] = 0


class OutcomeNotice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One outcome. `key` makes it idempotent; the same key always stands for the same content.

    `sequence` grows with every notice about a person: notices may arrive in any order, and the register ends
    up as if they had come in this one. `annuls` is the key of the notice that an annulment takes back.
    """

    schema: int = SCHEMA
    key: _Word
    sequence: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    person: Person
    speciality: Speciality
    kind: Kind
    decision: Decision
    decided_on: date
    basis: _Line
    """The protocol's number, or "automatic confirmation"."""
    term: Term | None = None
    annuls: _Word | None = None


class Effect(StrEnum):
    """What a notice did at the time of its receipt."""

    ENTERED = "entered"
    """A new entry stands."""
    OUTDATED = "outdated"
    """An entry was made, and a later one or an annulment that came before it has already replaced it."""
    RECORDED = "recorded"
    """Kept, without an entry: a failure, or an annulment of one."""
    ANNULLED = "annulled"
    """The entry of the annulled notice no longer stands."""
    AWAITED = "awaited"
    """The notice that this one annuls has not come yet; when it comes it will not stand."""


class Receipt(Struct, frozen=True, kw_only=True):
    """The register's answer, which the sender keeps. `digest` is the SHA-256 of the notice's bytes, in hex."""

    schema: int = SCHEMA
    key: str
    digest: str
    received_at: Moment
    effect: Effect
    number: RegisterNumber | None = None
    valid_from: date | None = None
    valid_to: date | None = None


def encode(message: OutcomeNotice | Receipt) -> bytes:
    """The bytes that get signed: JSON with sorted names, the same for the same message."""
    return msgspec.json.encode(message, order="sorted")


def read_notice(payload: bytes, today: date) -> OutcomeNotice:
    """The notice in these bytes, if it keeps every rule of the contract.

    Raises Invalid: `notice_malformed`, `notice_schema`, `notice_from_future`, `notice_term`, `notice_annuls`,
    `notice_birth_date`. The sender's clock may be a day ahead.
    """
    try:
        if msgspec.json.decode(payload, type=_Versioned).schema != SCHEMA:
            raise Invalid(
                "notice_schema", f"Реестр понимает извещения версии {SCHEMA}.", fields={"schema": "Неизвестная версия."}
            )
        notice = msgspec.json.decode(payload, type=OutcomeNotice)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(
            "notice_malformed", "Извещение не соответствует схеме.", fields={"body": str(error)[:300]}
        ) from error
    _check(notice, today)
    return notice


def read_receipt(payload: bytes) -> Receipt:
    """The receipt in these bytes. Raises Invalid (`receipt_malformed`)."""
    try:
        return msgspec.json.decode(payload, type=Receipt)
    except msgspec.DecodeError as error:
        raise Invalid("receipt_malformed", "Квитанция реестра не соответствует схеме.") from error


def last_day(decided_on: date, term: Term) -> date:
    """The last day of the term.

    A term counted in years ends on the same day and month of its last year, and where that month has no such
    day, on the month's last (Civil Code of Russia, article 192).
    """
    year = decided_on.year + term.years
    shortened = decided_on.month == 2 and decided_on.day == 29 and not isleap(year)
    return decided_on.replace(year=year, day=28 if shortened else decided_on.day) + timedelta(days=term.days)


class _Versioned(Struct):
    schema: int


def _check(notice: OutcomeNotice, today: date) -> None:
    if notice.decided_on > today + timedelta(days=1):
        raise Invalid(
            "notice_from_future",
            "Решение датировано будущим днём. Проверьте часы отправителя.",
            fields={"decided_on": "Дата ещё не наступила."},
        )
    birth = notice.person.birth_date
    if birth is not None and birth >= notice.decided_on:
        raise Invalid(
            "notice_birth_date",
            "Дата рождения не раньше даты решения.",
            fields={"person.birth_date": "Проверьте дату рождения."},
        )
    if (notice.term is not None) != (notice.decision is Decision.PASSED) or not _bearable(notice):
        raise Invalid(
            "notice_term",
            f"Срок указывают только для сданной аккредитации: от одного дня до {LONGEST_YEARS} лет.",
            fields={"term": "Проверьте срок."},
        )
    if (notice.annuls is not None) != (notice.decision is Decision.ANNULLED) or notice.annuls == notice.key:
        raise Invalid(
            "notice_annuls",
            "Аннулирование называет ключ другого извещения; остальные извещения его не называют.",
            fields={"annuls": "Проверьте ключ."},
        )


def _bearable(notice: OutcomeNotice) -> bool:
    term = notice.term
    if term is None:
        return True
    if not (term.years or term.days) or term.years > LONGEST_YEARS:
        return False
    return last_day(notice.decided_on, term) <= last_day(notice.decided_on, Term(years=LONGEST_YEARS))
