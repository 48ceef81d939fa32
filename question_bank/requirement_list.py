"""A list of requirements as somebody pastes it: code; title; section, one a line. Pure."""

import csv
from collections.abc import Iterable

from msgspec import Struct

from question_bank.faults import is_plain
from question_bank.requirements import Requirement

MOST_LINES = 5_000
LONGEST_CODE, LONGEST_TITLE, LONGEST_SECTION = 60, 500, 300
LONGEST_LINE = 2_000
HEADINGS = ("код", "code", "шифр")


class Wrong(Struct, frozen=True):
    """A line that is not taken, counted from 1, and why."""

    line: int
    told: str
    sentence: str


class Listing(Struct, frozen=True):
    """What a list would change; requirements that it does not name stay as they are."""

    fresh: tuple[Requirement, ...]
    changed: tuple[tuple[Requirement, Requirement], ...]
    """Known ones with another title or section: as they are, as they would be."""
    same: int
    wrong: tuple[Wrong, ...]

    @property
    def wanted(self) -> tuple[Requirement, ...]:
        return self.fresh + tuple(new for _, new in self.changed)


def read_list(text: str, speciality: str, known: Iterable[Requirement]) -> Listing:
    """Columns are parted by tabs, semicolons or commas, whichever the first line has; a line of headings is skipped.
    Where a line has no section, a requirement keeps the one that it has."""
    lines = text.lstrip("\ufeff").splitlines()
    told = {one.code: one for one in known if one.speciality == speciality}
    first = next((line for line in lines if line.strip()), "")
    comma = next((mark for mark in "\t;," if mark in first), ";")
    fresh: dict[str, Requirement] = {}
    changed: list[tuple[Requirement, Requirement]] = []
    same: set[str] = set()
    wrong: list[Wrong] = []
    begun = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if number > MOST_LINES:
            wrong.append(Wrong(number, "", f"В списке больше {MOST_LINES} строк: с этой строки он не прочитан."))
            break
        if len(line) > LONGEST_LINE:
            wrong.append(Wrong(number, line[:80], f"Строка длиннее {LONGEST_LINE} знаков."))
            continue
        # One line is one requirement: a quote that is not closed must not swallow the lines after it.
        cells = [" ".join(cell.split()) for cell in next(csv.reader([line], delimiter=comma), [])]
        code, title, section = [*cells, "", "", ""][:3]
        if not begun and code.lower() in HEADINGS:
            begun = True
            continue
        begun = True
        old = told.get(code)
        new = Requirement(code, speciality, title, section or (old.section if old else ""))
        if fault := find_requirement_fault(code, title, section):
            wrong.append(Wrong(number, line[:80], fault))
        elif code in fresh or code in same or any(code == one.code for _, one in changed):
            wrong.append(Wrong(number, line[:80], "Этот код уже был выше. Оставьте одну строку."))
        elif old is None:
            fresh[code] = new
        elif (old.title, old.section) == (new.title, new.section):
            same.add(code)
        else:
            changed.append((old, new))
    return Listing(tuple(fresh.values()), tuple(changed), len(same), tuple(wrong))


def find_requirement_fault(code: str, title: str, section: str) -> str | None:
    """Why a requirement can't be kept, in a sentence."""
    if not code.strip() or not title.strip():
        return "Нужны код и название."
    if len(code) > LONGEST_CODE or len(title) > LONGEST_TITLE or len(section) > LONGEST_SECTION:
        return f"Код — до {LONGEST_CODE} знаков, название — до {LONGEST_TITLE}, раздел — до {LONGEST_SECTION}."
    if not all(map(is_plain, (code, title, section))):
        return "Уберите управляющие знаки."
    return None
