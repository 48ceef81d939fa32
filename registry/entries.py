"""Entries of the register: what stands, what no longer does, and why. Pure.

Every passed notice has one entry of its own, for ever. An entry changes only by getting a next version with
a reason. Of a person's entries in one speciality the latest that is not annulled stands and supersedes the
earlier ones; which that is depends on the set of notices alone, not on the order in which they came.
"""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from core.errors import Conflict, Invalid
from core.ids import RegisterNumber
from registry.notices import Kind, OutcomeNotice, Speciality, last_day

SOON = timedelta(days=90)
"""How long before its end an entry is said to expire soon."""

LONGEST_REASON = 500


class Status(StrEnum):
    """What an entry is on a given day."""

    VALID = "valid"
    EXPIRES_SOON = "expires_soon"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    ANNULLED = "annulled"
    SUPERSEDED = "superseded"


class Entry(Struct, frozen=True, kw_only=True):
    """One version of an entry. `valid_from` and `valid_to` are the first and the last day of the term."""

    number: RegisterNumber
    version: int = 1
    key: str
    """Of the notice that made the entry."""
    sequence: int
    name: str
    birth_date: date | None = None
    speciality: Speciality
    kind: Kind
    basis: str
    valid_from: date
    valid_to: date
    suspended: bool = False
    annulled: bool = False
    superseded_by: RegisterNumber | None = None
    reason: str
    """Why there is this version. Never public."""


def enter(notice: OutcomeNotice, number: RegisterNumber) -> Entry:
    """The first version of a passed notice's entry. A notice without a term raises ValueError."""
    if notice.term is None:
        raise ValueError("only a passed notice makes an entry")
    return Entry(
        number=number,
        key=notice.key,
        sequence=notice.sequence,
        name=" ".join(notice.person.name.split()),
        birth_date=notice.person.birth_date,
        speciality=notice.speciality,
        kind=notice.kind,
        basis=notice.basis,
        valid_from=notice.decided_on,
        valid_to=last_day(notice.decided_on, notice.term),
        reason=f"Внесена: {notice.basis}",
    )


def settle(entries: Sequence[Entry], annulled: Collection[str]) -> list[Entry]:
    """Next versions of those entries of one person and speciality that have to change, in their order.

    `annulled` holds the keys of all notices that were taken back. What is annulled stays so.
    """
    gone = {entry.number for entry in entries if entry.annulled or entry.key in annulled}
    standing = max(
        (entry for entry in entries if entry.number not in gone),
        key=lambda entry: (entry.sequence, entry.key),
        default=None,
    )
    return [changed for entry in entries if (changed := _settled(entry, entry.number in gone, standing)) is not None]


def status(entry: Entry, today: date) -> Status:
    """What the entry is on that day."""
    if entry.annulled:
        return Status.ANNULLED
    if entry.superseded_by is not None:
        return Status.SUPERSEDED
    if today > entry.valid_to:
        return Status.EXPIRED
    if entry.suspended:
        return Status.SUSPENDED
    return Status.EXPIRES_SOON if entry.valid_to - today <= SOON else Status.VALID


def suspend(entry: Entry, reason: str) -> Entry:
    """The keeper's decision that the entry does not count for the time being."""
    _must_stand(entry)
    if entry.suspended:
        raise Conflict("entry_suspended", "Запись уже приостановлена.")
    return _next(entry, reason, suspended=True)


def resume(entry: Entry, reason: str) -> Entry:
    """The end of a suspension."""
    _must_stand(entry)
    if not entry.suspended:
        raise Conflict("entry_not_suspended", "Запись не приостановлена, возобновлять нечего.")
    return _next(entry, reason, suspended=False)


def annul(entry: Entry, reason: str) -> Entry:
    """The end of the entry, for good."""
    if entry.annulled:
        raise Conflict("entry_annulled", "Запись уже аннулирована.")
    return _next(entry, reason, annulled=True, superseded_by=None)


def _must_stand(entry: Entry) -> None:
    if entry.annulled:
        raise Conflict("entry_annulled", "Запись аннулирована, изменить её состояние нельзя.")
    if entry.superseded_by is not None:
        raise Conflict("entry_superseded", f"Запись заменена записью {entry.superseded_by}. Измените новую.")


def _settled(entry: Entry, gone: bool, standing: Entry | None) -> Entry | None:
    if gone:
        return None if entry.annulled else annul(entry, "Аннулирована: решение об итоге отменено")
    by = None if standing is None or standing.number == entry.number else standing.number
    if by == entry.superseded_by:
        return None
    reason = "Восстановлена: более поздняя запись аннулирована" if by is None else f"Заменена записью {by}"
    return _next(entry, reason, superseded_by=by)


def _next(entry: Entry, reason: str, **changes: object) -> Entry:
    plain = " ".join(reason.split())
    if not plain or len(plain) > LONGEST_REASON:
        raise Invalid(
            "reason_missing",
            f"Укажите причину изменения, не длиннее {LONGEST_REASON} символов.",
            fields={"reason": "Укажите причину."},
        )
    return replace(entry, version=entry.version + 1, reason=plain, **changes)
