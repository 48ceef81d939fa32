"""The demo question bank: reads app/demo/bank/*.toml into items.

A file belongs to one speciality; several files may share one. Requirements may stand in any of them.
"""

import tomllib
from pathlib import Path

import msgspec
from msgspec import Struct

from core.errors import Invalid
from core.ids import ItemId
from core.moments import SECOND
from question_bank.faults import refuse_unready
from question_bank.forms import ItemPool, Level, StageKind
from question_bank.items import Item, Role, Stage, make_stage
from question_bank.markup import Markup
from question_bank.requirements import Requirement, Speciality

FOLDER = Path(__file__).parent / "bank"
LETTERS = ("a", "b", "c", "d")
VERSION = 1


class DemoBank(Struct, frozen=True):
    """Everything that stands in the files, in the order of their names."""

    specialities: tuple[Speciality, ...]
    requirements: tuple[Requirement, ...]
    items: tuple[Item, ...]

    @property
    def titles(self) -> dict[str, str]:
        """Titles of the requirements by code."""
        return {requirement.code: requirement.title for requirement in self.requirements}


class _Requirement(Struct, forbid_unknown_fields=True):
    code: str
    title: str


class _Item(Struct, forbid_unknown_fields=True):
    id: str
    requirement: str
    level: Level
    difficulty: float
    limit_s: int
    stem: str
    options: dict[str, str]
    key: str
    explanation: str
    pool: ItemPool = "exam"
    sources: list[str] = []
    markup: Markup = "text"


class _Option(Struct, forbid_unknown_fields=True):
    text: str
    role: Role


class _Stage(Struct, forbid_unknown_fields=True):
    kind: StageKind
    prompt: str
    options: list[_Option]
    reveal: str = ""
    ordered: bool = False
    weight: int = 1


class _Case(Struct, forbid_unknown_fields=True):
    id: str
    requirement: str
    level: Level
    difficulty: float
    limit_s: int
    stem: str
    explanation: str
    stage: list[_Stage]
    pool: ItemPool = "exam"
    sources: list[str] = []
    markup: Markup = "text"


class _File(Struct, forbid_unknown_fields=True):
    speciality: str
    title: str
    requirement: list[_Requirement] = []
    item: list[_Item] = []
    case: list[_Case] = []


def read_bank(folder: Path = FOLDER) -> DemoBank:
    """Read and check all files of a folder.

    Raises Invalid (`bank_invalid`) whose fields say, for each place ("file: item"), what is wrong: all
    of it at once, so that a file is mended in one go.
    """
    problems: dict[str, str] = {}
    specialities: dict[str, Speciality] = {}
    requirements: dict[tuple[str, str], Requirement] = {}
    items: dict[str, Item] = {}
    places: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            file = msgspec.convert(tomllib.loads(path.read_text("utf-8")), type=_File)
        except (ValueError, msgspec.ValidationError) as error:
            problems[path.name] = str(error)
            continue
        known = specialities.setdefault(file.speciality, Speciality(file.speciality, file.title))
        if known.title != file.title:
            problems[path.name] = f"speciality {file.speciality} has two titles"
        for line in file.requirement:
            if (
                requirements.setdefault(
                    (file.speciality, line.code), Requirement(line.code, file.speciality, line.title)
                ).title
                != line.title
            ):
                problems[f"{path.name}: {line.code}"] = "this requirement has two titles"
        entries: list[_Item | _Case] = [*file.item, *file.case]
        for entry in entries:
            place = f"{path.name}: {entry.id}"
            try:
                item = _item(file.speciality, entry)
                refuse_unready(item)
            except Invalid as error:
                problems[place] = "; ".join(f"{field}: {what}" for field, what in error.fields.items())
                continue
            if item.id in items:
                problems[place] = "this id is taken"
            items[item.id] = item
            places[item.id] = place
    for item in items.values():
        if (item.speciality, item.requirement) not in requirements:
            problems[places[item.id]] = f"requirement {item.requirement} is not in the speciality's files"
    if problems:
        raise Invalid(
            "bank_invalid",
            "В файлах банка есть ошибки: " + "; ".join(f"{where}: {what}" for where, what in problems.items()),
            fields=problems,
        )
    return DemoBank(tuple(specialities.values()), tuple(requirements.values()), tuple(items.values()))


def _item(speciality: str, entry: _Item | _Case) -> Item:
    id = ItemId(entry.id)
    if isinstance(entry, _Item):
        if set(entry.options) != set(LETTERS) or entry.key not in LETTERS:
            raise Invalid("bank_invalid", "", fields={"options": "options a, b, c, d and a key among them"})
        roles = {letter: Role.KEY if letter == entry.key else Role.DISTRACTOR for letter in LETTERS}
        texts = tuple((entry.options[letter].strip(), roles[letter]) for letter in LETTERS)
        stages: tuple[Stage, ...] = (make_stage(id, VERSION, 0, "choice", texts),)
    else:
        stages = tuple(
            make_stage(
                id,
                VERSION,
                number,
                stage.kind,
                tuple((option.text.strip(), option.role) for option in stage.options),
                prompt=stage.prompt.strip(),
                reveal=stage.reveal.strip(),
                ordered=stage.ordered,
                weight=stage.weight,
            )
            for number, stage in enumerate(entry.stage)
        )
    return Item(
        id,
        VERSION,
        speciality,
        entry.requirement,
        entry.level,
        entry.difficulty,
        entry.limit_s * SECOND,
        entry.stem.strip(),
        stages,
        entry.explanation.strip(),
        entry.pool,
        tuple(entry.sources),
        entry.markup,
    )
