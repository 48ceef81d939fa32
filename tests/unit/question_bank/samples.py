"""One four-option item and one case, and the way to change them."""

from msgspec.structs import replace

from core.ids import ItemId
from core.moments import MINUTE
from question_bank.items import Item, Role, Stage, make_stage

FOUR = (("Первый", Role.DISTRACTOR), ("Второй", Role.KEY), ("Третий", Role.DISTRACTOR), ("Иной", Role.DISTRACTOR))
ACTIONS = (
    ("Вызвать помощь", Role.REQUIRED),
    ("Начать компрессии", Role.REQUIRED),
    ("Измерить рост", Role.NEUTRAL),
    ("Дать воды", Role.HARMFUL),
)


def item(*stages: Stage, **changes: object) -> Item:
    made = Item(ItemId("i1"), 3, "31.05.01", "ЛД-01", "recall", 0.7, MINUTE, "Вопрос?", stages, "Потому что.")
    return replace(made, **changes)


def simple(options: tuple[tuple[str, Role], ...] = FOUR) -> Item:
    return item(make_stage(ItemId("i1"), 3, 0, "choice", options))


def case() -> Item:
    return item(
        make_stage(ItemId("i1"), 3, 0, "actions", ACTIONS, prompt="Что сделать?", ordered=True),
        make_stage(ItemId("i1"), 3, 1, "choice", FOUR, prompt="Диагноз?", reveal="ЭКГ: …", weight=2),
    )
