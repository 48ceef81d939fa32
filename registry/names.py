"""Names and specialities as they are compared: letters only, small, ё as е. Pure."""

import re
import unicodedata
from collections.abc import Sequence

from msgspec import Struct

from core.errors import Invalid
from registry.notices import Speciality

LONGEST_QUERY = 300


class NameQuery(Struct, frozen=True):
    """Who is asked about: a plain name of at least two words, and a speciality's code."""

    name: str
    speciality: Speciality


def plain(text: str) -> str:
    """«Фёдорова-Ли  Анна» as "федорова-ли анна". Whatever is neither letter, hyphen nor digit is a space."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return " ".join(re.sub(r"[^\w\-]|_", " ", folded).split())


def read_query(text: str, specialities: Sequence[Speciality]) -> NameQuery:
    """A line like «Иванова Анна Петровна, лечебное дело» (or a code) taken apart.

    The speciality stands at the end, with or without a comma; the longest that fits is meant. Raises Invalid:
    `query_too_long`, `query_speciality`, `query_name`.
    """
    if len(text) > LONGEST_QUERY:
        raise _refusal("query_too_long", "Запрос слишком длинный. Укажите номер записи или имя и специальность.")
    whole = plain(text)
    spellings = [
        (spelling, speciality)
        for speciality in specialities
        for spelling in (plain(speciality.title), plain(speciality.code))
        if spelling and (whole == spelling or whole.endswith(" " + spelling))
    ]
    if not spellings:
        raise _refusal(
            "query_speciality",
            "Добавьте к имени специальность из реестра, например «Иванова Анна Петровна, лечебное дело».",
        )
    spelling, speciality = max(spellings, key=lambda pair: len(pair[0]))
    name = whole[: len(whole) - len(spelling)].strip()
    if len(name.split()) < 2:
        raise _refusal("query_name", "Укажите фамилию и имя полностью, отчество тоже, если оно есть.")
    return NameQuery(name, speciality)


def _refusal(code: str, message: str) -> Invalid:
    return Invalid(code, message, fields={"q": message})
