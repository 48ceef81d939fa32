"""What an item of the methodologist's list has to be, and the conditions by which the database tells."""

from typing import Literal

from msgspec import Struct

from core.ids import PersonId
from question_bank.forms import ItemKind, ItemPool, Language, Level
from question_bank.standings import WRITTEN_SINCE

Where = Literal["draft", "review", "approved", "piloted", "active", "retired", "withdrawn", "unready"]
"""The first three are states of the newest version, `unready` its faults; the others what the item is in the bank."""


class Condition(Struct, frozen=True):
    """Asked by whoever knows more of an item than the bank does: SQL over `i.id`, with its values."""

    sql: str
    values: dict[str, object] = {}


class Wanted(Struct, frozen=True):
    """What an item has to be to stand in the list; None: whatever."""

    speciality: str | None = None
    section: str | None = None
    requirement: str | None = None
    kind: ItemKind | None = None
    level: Level | None = None
    easier: float | None = None
    """Difficulty from here..."""
    harder: float | None = None
    """...to below here."""
    where: Where | None = None
    pool: ItemPool | None = None
    tag: str | None = None
    language: Language | None = None
    author: PersonId | None = None
    """Of the newest version."""
    reviewer: PersonId | None = None
    """In review, and this person may approve it: wrote none of it."""
    rated: bool | None = None
    """By judges, for the cut."""
    calibrated: bool | None = None
    """By responses."""
    repealed: bool | None = None
    """Written to a requirement that is no longer in force."""
    beside: Condition | None = None


REPEALED = """
    EXISTS (SELECT FROM question_bank.requirement r
            WHERE r.speciality = v.speciality AND r.code = v.requirement AND r.repealed_at IS NOT NULL)
"""
_WHERE: dict[Where, str] = {
    "draft": "v.state = 'draft' AND i.state <> 'withdrawn'",
    "review": "v.state = 'review' AND i.state <> 'withdrawn'",
    "approved": "v.state = 'approved' AND i.state <> 'withdrawn'",
    "piloted": "i.state = 'piloted'",
    "active": "i.state = 'active'",
    "retired": "i.state = 'retired'",
    "withdrawn": "i.state = 'withdrawn'",
    "unready": "NOT v.ready AND i.state <> 'withdrawn'",
}
_RATED = """
    EXISTS (SELECT FROM question_bank.angoff_rating a WHERE a.item_id = v.item_id AND a.version = v.version)
"""
CALIBRATED = """
    EXISTS (SELECT FROM question_bank.calibration c WHERE c.item_id = v.item_id AND c.version = v.version)
"""
_FOR_REVIEW = f"""
    v.state = 'review' AND i.state <> 'withdrawn' AND NOT EXISTS (
        SELECT FROM question_bank.item_version w
        WHERE {WRITTEN_SINCE} AND w.author = :reviewer)
"""


def conditions(wanted: Wanted) -> tuple[str, dict[str, object]]:
    """WHERE … of what is wanted, with its values."""
    said: list[str] = ["true"]
    values: dict[str, object] = {}
    for name, column in (
        ("speciality", "v.speciality"),
        ("requirement", "v.requirement"),
        ("kind", "v.kind"),
        ("level", "v.level"),
        ("pool", "i.pool"),
        ("language", "v.language"),
        ("author", "v.author"),
    ):
        value = getattr(wanted, name)
        if value is not None:
            said.append(f"{column} = :{name}")
            values[name] = value
    if wanted.section is not None:
        said.append("""(v.speciality, v.requirement) IN (
            SELECT r.speciality, r.code FROM question_bank.requirement r WHERE r.section = :section)""")
        values["section"] = wanted.section
    if wanted.easier is not None:
        said.append("v.difficulty >= :easier")
        values["easier"] = wanted.easier
    if wanted.harder is not None:
        said.append("v.difficulty < :harder")
        values["harder"] = wanted.harder
    if wanted.where is not None:
        said.append(_WHERE[wanted.where])
    if wanted.tag is not None:
        said.append("v.tags @> ARRAY[CAST(:tag AS text)]")
        values["tag"] = wanted.tag
    if wanted.reviewer is not None:
        said.append(_FOR_REVIEW)
        values["reviewer"] = wanted.reviewer
    if wanted.beside is not None:
        said.append(wanted.beside.sql)
        values |= wanted.beside.values
    for asked, condition in (
        (wanted.rated, _RATED),
        (wanted.calibrated, CALIBRATED),
        (wanted.repealed, REPEALED),
    ):
        if asked is not None:
            said.append(condition if asked else f"NOT {condition}")
    return "WHERE " + " AND ".join(said), values
