"""What an exam is made of: how many items of which requirement, limits, navigation, the cut. Pure."""

from typing import Literal

from msgspec import Struct

from core.errors import Invalid
from core.ids import BlueprintId
from core.moments import HOUR, MINUTE, Span
from question_bank.bands import Band
from question_bank.forms import Explanations, ItemKind, Level, Navigation, OnItemTimeout, Rules, SectionRule

Confirmation = Literal["protocol", "automatic"]
Accreditation = Literal["primary", "primary_specialised", "periodic"]

MAX_ITEMS = 500
MAX_PILOTS = 50
LEAST_CAP = 0.001
MAX_INFORMATION = 1_000
MAX_EXAM_LIMIT: Span = 12 * HOUR
MAX_BREAKS = 10
MAX_BREAK: Span = HOUR


class Section(Struct, frozen=True):
    """A part of the exam with an optional limit of its own; its cells name it by its place."""

    title: str
    limit: Span | None = None


class Cell(Struct, frozen=True):
    """`count` items of one kind; requirement, level, band are those asked for, None takes any."""

    requirement: str | None
    kind: ItemKind
    count: int
    weight: int = 1
    """Points for a fully right response to an item of this cell; 0 means not scored."""
    section: int = 0
    """Place of its section, from 0."""
    level: Level | None = None
    band: Band | None = None
    """By the expected score at the cut."""


class Blueprint(Struct, frozen=True):
    """One version of an exam's specification."""

    id: BlueprintId
    version: int
    title: str
    speciality: str
    speciality_title: str
    cells: tuple[Cell, ...]
    exam_limit: Span
    navigation: Navigation
    on_item_timeout: OnItemTimeout
    flags: bool
    """Whether items may be flagged for review."""
    confirmation: Confirmation
    """protocol: signed by the commission; automatic: confirmed by itself where nothing was flagged."""
    cut: int
    """Per cent of the maximum that passes, 1..100."""
    accreditation: Accreditation
    practice: bool = False
    explanations: Explanations = "none"
    """Only in practice."""
    sections: tuple[Section, ...] = ()
    breaks: int = 0
    """How many breaks a candidate may take."""
    break_limit: Span = 0
    pilots: int = 0
    """Items that are tried out: as many more than the cells ask for, shown among the others and not scored."""
    exposure_cap: float | None = None
    """The largest share of forms that an item may stand on, above 0 and up to 1."""
    minimum_information: float | None = None
    """What the scored items of a form have to tell together at the cut, in 1/logit²: the standard error of measurement
    there is 1 / √information."""

    @property
    def rules(self) -> Rules:
        """What the engine needs of it."""
        return Rules(
            self.exam_limit,
            self.navigation,
            self.on_item_timeout,
            self.flags,
            tuple(SectionRule(self._count(place), section.limit) for place, section in enumerate(self.sections)),
            self.breaks,
            self.break_limit,
            self.practice,
            self.explanations if self.practice else "none",
        )

    @property
    def length(self) -> int:
        """How many items a form has, those that are tried out included."""
        return sum(cell.count for cell in self.cells) + self.pilots

    @property
    def pilots_place(self) -> tuple[ItemKind, int]:
        """Kind of the items that are tried out, and their section: where the form has most of that kind."""
        kind: ItemKind = "four_option" if any(cell.kind == "four_option" for cell in self.cells) else "case"
        counts: dict[int, int] = {}
        for cell in self.cells:
            if cell.kind == kind:
                counts[cell.section] = counts.get(cell.section, 0) + cell.count
        return kind, max(counts, key=lambda section: (counts[section], -section), default=0)

    def _count(self, section: int) -> int:
        own = sum(cell.count for cell in self.cells if cell.section == section)
        return own + (self.pilots if self.pilots_place[1] == section else 0)

    def validate(self) -> None:
        """Raise Invalid (`blueprint_invalid`) naming every field that is wrong."""
        problems: dict[str, str] = {}
        for name in ("id", "title", "speciality", "speciality_title"):
            if not getattr(self, name).strip():
                problems[name] = "Заполните поле."
        if self.version < 1:
            problems["version"] = "Версии считаются с 1."
        if not self.cells:
            problems["cells"] = "Добавьте хотя бы одну строку спецификации."
        for number, cell in enumerate(self.cells):
            if cell.count < 1:
                problems[f"cells.{number}.count"] = "Количество заданий — не меньше 1."
            if cell.weight < 0:
                problems[f"cells.{number}.weight"] = "Вес не бывает отрицательным."
        if self.cells and all(cell.weight == 0 for cell in self.cells):
            problems["cells"] = "Хотя бы одно задание должно оцениваться."
        if self.length > MAX_ITEMS:
            problems["cells"] = f"В наборе не более {MAX_ITEMS} заданий."
        if not MINUTE <= self.exam_limit <= MAX_EXAM_LIMIT:
            problems["exam_limit"] = "Укажите время от 1 минуты до 12 часов."
        if not 1 <= self.cut <= 100:
            problems["cut"] = "Порог — целое число процентов от 1 до 100."
        problems |= self._section_problems() | self._draw_problems()
        if not 0 <= self.breaks <= MAX_BREAKS:
            problems["breaks"] = f"Перерывов — от 0 до {MAX_BREAKS}."
        if self.breaks and not MINUTE <= self.break_limit <= MAX_BREAK:
            problems["break_limit"] = "Укажите длительность перерыва от 1 минуты до 1 часа."
        if self.explanations != "none" and not self.practice:
            problems["explanations"] = "Пояснения показывают только в тренировке."
        if self.flags and self.navigation == "linear":
            problems["flags"] = "Отметки для возврата возможны только при свободном переходе между заданиями."
        if problems:
            raise Invalid(
                "blueprint_invalid",
                f"Спецификация «{self.id}» заполнена неверно. Исправьте указанные поля.",
                fields=problems,
            )

    def _draw_problems(self) -> dict[str, str]:
        problems: dict[str, str] = {}
        if not 0 <= self.pilots <= MAX_PILOTS:
            problems["pilots"] = f"Пробных заданий — от 0 до {MAX_PILOTS}."
        elif self.pilots and self.practice:
            problems["pilots"] = "Пробные задания бывают только в экзамене."
        if self.exposure_cap is not None and not LEAST_CAP <= self.exposure_cap <= 1:
            problems["exposure_cap"] = f"Наибольшая доля наборов с одним заданием — от {LEAST_CAP} до 1."
        if self.minimum_information is not None and not 0 < self.minimum_information <= MAX_INFORMATION:
            problems["minimum_information"] = f"Информация на пороге — больше 0 и не больше {MAX_INFORMATION}."
        return problems

    def _section_problems(self) -> dict[str, str]:
        problems: dict[str, str] = {}
        places = range(max(1, len(self.sections)))
        for number, cell in enumerate(self.cells):
            if cell.section not in places:
                problems[f"cells.{number}.section"] = "Такого раздела нет."
        for place, section in enumerate(self.sections):
            if not section.title.strip():
                problems[f"sections.{place}.title"] = "Назовите раздел."
            if not any(cell.section == place for cell in self.cells):
                problems[f"sections.{place}"] = "В разделе нет заданий."
            if section.limit is not None and not MINUTE <= section.limit <= self.exam_limit:
                problems[f"sections.{place}.limit"] = "Время раздела — от 1 минуты до времени всего тестирования."
        return problems
