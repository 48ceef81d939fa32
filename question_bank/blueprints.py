"""What an exam is made of: how many items of which requirement, limits, navigation, the cut. Pure."""

from typing import Literal

from msgspec import Struct

from core.errors import Invalid
from core.ids import BlueprintId
from core.moments import HOUR, MINUTE, Span
from question_bank.forms import Explanations, ItemKind, Navigation, OnItemTimeout, Rules, SectionRule

Confirmation = Literal["protocol", "automatic"]
Accreditation = Literal["primary", "primary_specialised", "periodic"]

MAX_ITEMS = 500
MAX_EXAM_LIMIT: Span = 12 * HOUR
MAX_BREAKS = 10
MAX_BREAK: Span = HOUR


class Section(Struct, frozen=True):
    """A part of the exam with an optional limit of its own; its cells name it by its place."""

    title: str
    limit: Span | None = None


class Cell(Struct, frozen=True):
    """`count` items of one kind and one requirement; requirement None takes any of the speciality."""

    requirement: str | None
    kind: ItemKind
    count: int
    weight: int = 1
    """Points for a fully right response to an item of this cell; 0 means not scored."""
    section: int = 0
    """Place of its section, from 0."""


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

    @property
    def rules(self) -> Rules:
        """What the engine needs of it."""
        return Rules(
            self.exam_limit,
            self.navigation,
            self.on_item_timeout,
            self.flags,
            tuple(
                SectionRule(sum(cell.count for cell in self.cells if cell.section == place), section.limit)
                for place, section in enumerate(self.sections)
            ),
            self.breaks,
            self.break_limit,
            self.practice,
            self.explanations if self.practice else "none",
        )

    @property
    def length(self) -> int:
        """How many items a form has."""
        return sum(cell.count for cell in self.cells)

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
        problems |= self._section_problems()
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
