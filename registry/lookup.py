"""Checking an accreditation: by number, or by name and speciality. An answer holds what a check needs, no more."""

from datetime import date

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import NotFound, TooMany
from registry import entries, names, numbers, store
from registry.entries import Entry, Status
from registry.notices import Kind, Speciality

MOST_NAMESAKES = 5


class Answer(Struct, frozen=True):
    """What the public may know of an entry. Never why it is suspended or annulled, never a birth date.

    Who asked by name gets `number` masked; `successor` is the number of the entry that replaced this one.
    """

    number: str
    name: str
    speciality: Speciality
    kind: Kind
    status: Status
    valid_from: date
    valid_to: date
    successor: str | None


async def by_number(connection: AsyncConnection, text: str, today: date) -> Answer:
    """The entry with this number. Raises Invalid (`number_…`) and NotFound (`entry_unknown`)."""
    number = numbers.read(text)
    found = await store.entry(connection, number)
    if found is None:
        raise NotFound("entry_unknown", "Записи с таким номером в реестре нет. Сверьте номер с выпиской.")
    return _answer(found, today, masked=False)


async def by_name(connection: AsyncConnection, text: str, today: date) -> list[Answer]:
    """What stands of those with this name in this speciality; empty when nobody is found.

    Entries that were replaced are left out. Raises Invalid (`query_…`), and TooMany (`too_many_namesakes`)
    where only a number can tell people apart.
    """
    query = names.read_query(text, await store.specialities(connection))
    found = await store.entries_named(connection, query.name, query.speciality.code, limit=100)
    current = [entry for entry in found if entry.superseded_by is None]
    if len(current) > MOST_NAMESAKES:
        raise TooMany(
            "too_many_namesakes",
            "Под это имя подходит слишком много записей. Укажите имя полностью или номер записи из выписки.",
            fields={"q": "Уточните имя или укажите номер."},
        )
    return [_answer(entry, today, masked=True) for entry in current]


def _answer(entry: Entry, today: date, masked: bool) -> Answer:
    successor = entry.superseded_by
    return Answer(
        number=numbers.masked(entry.number) if masked else entry.number,
        name=entry.name,
        speciality=entry.speciality,
        kind=entry.kind,
        status=entries.status(entry, today),
        valid_from=entry.valid_from,
        valid_to=entry.valid_to,
        successor=None if masked else successor,
    )
