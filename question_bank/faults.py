"""What is wrong with a version of an item. Pure.

Two kinds: a version that is *unfit* cannot be kept at all (a bound, a tag that is not allowed); one that is *unready*
is kept as a draft and cannot be sent to review (three options, no key). Both are told by field, all at once.
"""

import re

from msgspec import Struct

from core.errors import Invalid
from core.moments import HOUR, SECOND, Span
from question_bank.items import OPTIONS, Item, Role, Stage
from question_bank.markup import find_fault, find_lack, read_plain

MAX_STAGES = 12
MAX_ACTIONS = 20
"""Options or actions of one stage."""
MAX_TEXT = 10_000
MAX_CHOICE_TEXT = 1_000
MAX_SOURCES = 10
MAX_SOURCE = 500
MAX_TAGS = 20
MAX_TAG = 60
MAX_WEIGHT = 1_000
MAX_LIMIT: Span = HOUR
MIN_LIMIT: Span = 5 * SECOND

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Faults(Struct, frozen=True):
    """Sentences by field: `stem`, `limit`, `stages.0.choices`. A field is in one of the two only."""

    unfit: dict[str, str]
    unready: dict[str, str]

    @property
    def all(self) -> dict[str, str]:
        return self.unready | self.unfit


def find_faults(item: Item) -> Faults:
    unfit = _unfit(item)
    return Faults(unfit, {field: sentence for field, sentence in _unready(item).items() if field not in unfit})


def refuse_unfit(item: Item) -> None:
    """Raise Invalid (`item_invalid`) naming every field for which the version cannot even be kept."""
    _refuse(item, _unfit(item))


def refuse_unready(item: Item) -> None:
    """Raise Invalid (`item_invalid`) naming every field that has to be mended before anybody can be given the item."""
    _refuse(item, find_faults(item).all)


def is_plain(text: str) -> bool:
    """Whether the text has no control characters but tabs and line ends, and no lone surrogates."""
    return _CONTROL.search(text) is None


def drop_controls(text: str) -> str:
    return _CONTROL.sub("", text)


def _refuse(item: Item, faults: dict[str, str]) -> None:
    if faults:
        raise Invalid(
            "item_invalid", f"Задание «{item.id}» заполнено неверно. Исправьте указанные поля.", fields=faults
        )


def _unfit(item: Item) -> dict[str, str]:
    faults: dict[str, str] = {}
    rich = item.markup == "html"
    for name in ("id", "speciality", "requirement", "stem", "explanation"):
        value: str = getattr(item, name)
        if name in ("id", "speciality", "requirement") and not value.strip():
            faults[name] = "Заполните поле."
        elif fault := _text_fault(value, MAX_TEXT, rich=rich and name in ("stem", "explanation")):
            faults[name] = fault
    if len(item.sources) > MAX_SOURCES or any(not one.strip() or len(one) > MAX_SOURCE for one in item.sources):
        faults["sources"] = f"Не более {MAX_SOURCES} источников, каждый не длиннее {MAX_SOURCE} знаков."
    elif not all(is_plain(one) for one in item.sources):
        faults["sources"] = "Уберите управляющие знаки."
    if len(item.tags) > MAX_TAGS or any(not one.strip() or len(one) > MAX_TAG for one in item.tags):
        faults["tags"] = f"Не более {MAX_TAGS} меток, каждая не длиннее {MAX_TAG} знаков."
    elif not all(is_plain(one) for one in item.tags):
        faults["tags"] = "Уберите управляющие знаки."
    if item.version < 1:
        faults["version"] = "Версии считаются с 1."
    if not 0 < item.difficulty < 1:
        faults["difficulty"] = "Укажите долю от 0 до 1, не включая границы."
    if not MIN_LIMIT <= item.limit <= MAX_LIMIT:
        faults["limit"] = "Укажите время от 5 секунд до 1 часа."
    if len(item.stages) > MAX_STAGES:
        faults["stages"] = f"Не больше {MAX_STAGES} шагов."
    for number, stage in enumerate(item.stages):
        faults |= _unfit_stage(stage, f"stages.{number}", rich=rich)
    ids = [choice.id for stage in item.stages for choice in stage.choices]
    if len(set(ids)) != len(ids):
        faults.setdefault("stages", "Обозначения вариантов повторяются.")
    return faults


def _unfit_stage(stage: Stage, place: str, *, rich: bool) -> dict[str, str]:
    faults: dict[str, str] = {}
    for name in ("prompt", "reveal"):
        if fault := _text_fault(getattr(stage, name), MAX_TEXT, rich=rich):
            faults[f"{place}.{name}"] = fault
    if not 1 <= stage.weight <= MAX_WEIGHT:
        faults[f"{place}.weight"] = f"Вес шага — целое число от 1 до {MAX_WEIGHT}."
    if any(not choice.id for choice in stage.choices):
        faults[f"{place}.choices"] = "Заполните все варианты."
    if len(stage.choices) > MAX_ACTIONS:
        faults[f"{place}.choices"] = f"Не больше {MAX_ACTIONS} вариантов."
    for choice in stage.choices:
        if fault := _text_fault(choice.text, MAX_CHOICE_TEXT, rich=rich, inline=True):
            faults.setdefault(f"{place}.choices", fault)
    roles = {choice.role for choice in stage.choices}
    if stage.kind == "choice":
        if not roles <= {Role.KEY, Role.DISTRACTOR}:
            faults[f"{place}.roles"] = "Вариант ответа бывает эталоном или дистрактором."
        if stage.ordered:
            faults[f"{place}.ordered"] = "Порядок учитывается только в наборе действий."
    elif not roles <= {Role.REQUIRED, Role.NEUTRAL, Role.HARMFUL}:
        faults[f"{place}.roles"] = "Действие бывает необходимым, лишним или вредным."
    return faults


def _text_fault(text: str, most: int, *, rich: bool, inline: bool = False) -> str | None:
    if _CONTROL.search(text):
        return "Уберите управляющие знаки."
    if len(text) > most:
        return f"Не более {most} знаков{' в варианте' if inline else ''}."
    return find_fault(text, inline=inline) if rich else None


def _unready(item: Item) -> dict[str, str]:
    faults: dict[str, str] = {}
    if _is_blank(item.stem, item):
        faults["stem"] = "Заполните поле."
    if item.pool == "practice" and _is_blank(item.explanation, item):
        faults["explanation"] = "Напишите пояснение: тренировка показывает его после ответа."
    if item.markup == "html":
        faults |= _lacks(item)
    if not item.stages:
        faults["stages"] = f"Нужно от 1 до {MAX_STAGES} шагов."
    for number, stage in enumerate(item.stages):
        faults |= _unready_stage(stage, item, f"stages.{number}", first=number == 0)
    return faults


def _lacks(item: Item) -> dict[str, str]:
    texts: dict[str, tuple[str, ...]] = {"stem": (item.stem,), "explanation": (item.explanation,)}
    for number, stage in enumerate(item.stages):
        place = f"stages.{number}"
        texts |= {f"{place}.prompt": (stage.prompt,), f"{place}.reveal": (stage.reveal,)}
        texts[f"{place}.choices"] = tuple(choice.text for choice in stage.choices)
    found = ((field, lack) for field, several in texts.items() for text in several if (lack := find_lack(text)))
    faults: dict[str, str] = {}
    for field, lack in found:
        faults.setdefault(field, lack)
    return faults


def _unready_stage(stage: Stage, item: Item, place: str, *, first: bool) -> dict[str, str]:
    faults: dict[str, str] = {}
    if item.kind == "case" and _is_blank(stage.prompt, item):
        faults[f"{place}.prompt"] = "Напишите, что нужно сделать на этом шаге."
    if first and stage.reveal:
        faults[f"{place}.reveal"] = "Данные первого шага пишут в условии."
    texts = [" ".join(choice.text.split()).casefold() for choice in stage.choices]
    if any(_is_blank(choice.text, item) for choice in stage.choices):
        faults[f"{place}.choices"] = "Заполните все варианты."
    elif len(set(texts)) != len(texts):
        faults[f"{place}.choices"] = "Варианты должны различаться."
    roles = [choice.role for choice in stage.choices]
    if stage.kind == "choice":
        if len(roles) != OPTIONS:
            faults[f"{place}.choices"] = "Нужно ровно четыре варианта."
        elif roles.count(Role.KEY) != 1:
            faults[f"{place}.key"] = "Отметьте ровно один правильный вариант."
    elif len(roles) < 2:
        faults[f"{place}.choices"] = f"Нужно от 2 до {MAX_ACTIONS} действий."
    elif Role.REQUIRED not in roles:
        faults[f"{place}.roles"] = "Отметьте хотя бы одно необходимое действие."
    return faults


def _is_blank(text: str, item: Item) -> bool:
    """Whether there is nothing to read: a picture with its description is something."""
    return not (read_plain(text) if item.markup == "html" else text).strip()
