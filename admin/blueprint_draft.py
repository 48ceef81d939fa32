"""A blueprint as the editor's page sends it: read, bounded, refused by the field."""

import re
from collections.abc import Collection, Mapping

import msgspec

from core.errors import Invalid
from core.ids import BlueprintId
from core.web.requests import plain
from question_bank.blueprints import MAX_ITEMS, Blueprint, Section

LONGEST_TITLE = 200
LONGEST_ID = 40
MOST_WEIGHT = 1_000
MOST_SECTIONS = 20
MAX_DRAFT = 256 * 1024
"""Of what the page sends: a blueprint of 500 cells takes a quarter of it."""

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_PLACE = re.compile(r" - at `\$\.?([^`]*)`")
_MISSING = re.compile(r"required field `(\w+)`")
_HARD = re.compile(
    r"cells\.\d+\.\w+|cut|speciality|pilots|exposure_cap|minimum_information|sections|explanations|version|many"
)
"""Fields without which nothing can be told of the supply."""

_blueprints = msgspec.json.Decoder(Blueprint)


def read_draft(data: bytes) -> Blueprint:
    """What the page sends; `version` is the one that was edited, 0 for a new blueprint.

    Raises Invalid (`blueprint_unreadable`) where a value is not of its kind, naming the field as `cells.0.count`.
    """
    if len(data) > MAX_DRAFT:
        raise _unreadable({"cells": "Отправлено слишком много данных."})
    try:
        draft = _blueprints.decode(data)
    except msgspec.ValidationError as error:
        raise _unreadable(_fault(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable({"cells": "Данные повреждены."}) from error
    return msgspec.structs.replace(
        draft,
        id=BlueprintId(_line(draft.id, LONGEST_ID + 1)),
        title=_line(draft.title, LONGEST_TITLE + 1),
        speciality=_line(draft.speciality, LONGEST_TITLE),
        speciality_title=_line(draft.speciality_title, LONGEST_TITLE),
        sections=tuple(Section(_line(one.title, LONGEST_TITLE + 1), one.limit) for one in draft.sections),
    )


def find_problems(draft: Blueprint, requirements: Collection[str]) -> dict[str, str]:
    """What is wrong with it by field, beside what the bank lacks. `requirements`: codes of its speciality."""
    problems: dict[str, str] = {}
    try:
        # A new one gets its first version when it is saved.
        msgspec.structs.replace(draft, version=max(1, draft.version)).validate()
    except Invalid as error:
        problems |= error.fields
    if draft.version < 0:
        problems["version"] = "Обновите страницу и повторите правку."
    if not _ID.fullmatch(draft.id) or len(draft.id) > LONGEST_ID:
        problems["id"] = f"Код — латинские строчные буквы, цифры и дефис, не длиннее {LONGEST_ID} знаков."
    if len(draft.title) > LONGEST_TITLE:
        problems["title"] = f"Название — не длиннее {LONGEST_TITLE} знаков."
    if len(draft.cells) > MAX_ITEMS:
        problems["many"] = f"Заполненных клеток — не больше {MAX_ITEMS}."
    if len(draft.sections) > MOST_SECTIONS:
        problems["sections"] = f"Разделов — не больше {MOST_SECTIONS}."
    for place, section in enumerate(draft.sections):
        if len(section.title) > LONGEST_TITLE:
            problems[f"sections.{place}.title"] = f"Название — не длиннее {LONGEST_TITLE} знаков."
    for number, cell in enumerate(draft.cells):
        if cell.count > MAX_ITEMS:
            problems[f"cells.{number}.count"] = f"Количество заданий — не больше {MAX_ITEMS}."
        if cell.weight > MOST_WEIGHT:
            problems[f"cells.{number}.weight"] = f"Вес — не больше {MOST_WEIGHT}."
        if cell.requirement is not None and cell.requirement not in requirements:
            problems[f"cells.{number}.requirement"] = "В этой специальности нет такого требования."
    return problems


def refuse(draft: Blueprint, problems: Mapping[str, str], *, all_of_them: bool) -> None:
    """Raise Invalid (`blueprint_invalid`) for all problems, or only for those that leave nothing to be told."""
    named = {name: text for name, text in problems.items() if all_of_them or _HARD.fullmatch(name)}
    if named:
        raise Invalid("blueprint_invalid", "Спецификация заполнена неверно. Исправьте отмеченное.", fields=named)


def _line(text: str, longest: int) -> str:
    return " ".join(plain(text, longest).split())


def _fault(said: str) -> dict[str, str]:
    place = _PLACE.search(said)
    name = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", place.group(1) if place else "")
    missing = _MISSING.search(said)
    if missing:
        return {".".join(filter(None, (name, missing.group(1)))): "Заполните поле."}
    if "Expected `int" in said or "out of range" in said:
        return {name or "cells": "Укажите целое число."}
    if "Expected `float" in said:
        return {name or "cells": "Укажите число."}
    return {name or "cells": "Такого значения быть не может."}


def _unreadable(fields: Mapping[str, str]) -> Invalid:
    return Invalid("blueprint_unreadable", "Спецификацию не удалось прочесть. Исправьте отмеченное.", fields=fields)
