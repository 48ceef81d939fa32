"""What an exam is made of: how many items of which requirement, limits, navigation, the cut. Pure."""

from typing import Literal

from msgspec import Struct

from core.errors import Invalid
from core.ids import BlueprintId
from core.moments import HOUR, MINUTE, Span
from question_bank.forms import ItemKind, Navigation, OnItemTimeout, Rules

Confirmation = Literal["protocol", "automatic"]
Accreditation = Literal["primary", "primary_specialised", "periodic"]

MAX_ITEMS = 500
MAX_EXAM_LIMIT: Span = 12 * HOUR


class Cell(Struct, frozen=True):
    """`count` items of one kind and one requirement; requirement None takes any of the speciality."""

    requirement: str | None
    kind: ItemKind
    count: int
    weight: int = 1
    """Points for a fully right response to an item of this cell; 0 means not scored."""


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

    @property
    def rules(self) -> Rules:
        """What the engine needs of it."""
        return Rules(self.exam_limit, self.navigation, self.on_item_timeout, self.flags)

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
        if self.flags and self.navigation == "linear":
            problems["flags"] = "Отметки для возврата возможны только при свободном переходе между заданиями."
        if problems:
            raise Invalid(
                "blueprint_invalid",
                f"Спецификация «{self.id}» заполнена неверно. Исправьте указанные поля.",
                fields=problems,
            )
