"""Items to rows of a table that rows.py reads back to the same. Pure."""

from collections.abc import Mapping, Sequence

from question_bank.drafts import DraftStage
from question_bank.exchange.cells import (
    ITEM_ROW,
    KINDS,
    LANGUAGES,
    LEVELS,
    LINE_ENDS,
    MARKUPS,
    POOLS,
    STAGE_ROW,
    TAG_ENDS,
    escape,
    join_list,
)
from question_bank.exchange.columns import TITLES, Field
from question_bank.exchange.entries import Leaving, Remark
from question_bank.exchange.letters import CYRILLIC
from question_bank.items import OPTIONS, Role

Value = str | int | float

_FIRST: tuple[Field, ...] = ("home", "row", "speciality", "requirement", "stem")
_PLACES: dict[Field, int] = {
    field: place + (0 if field in _FIRST else OPTIONS)
    for place, field in enumerate((*_FIRST, *(field for field in TITLES if field not in _FIRST)))
}
_OPTION_PLACES = tuple(
    len(_FIRST) + number if number < OPTIONS else len(TITLES) + number for number in range(len(CYRILLIC))
)
_WIDTH = len(TITLES) + len(CYRILLIC)

PICTURES_LEFT = Remark(
    "loss",
    "pictures_left",
    "Изображения в таблицу не помещаются, в ней остаются их имена: задание прочтётся там, где эти изображения есть.",
)


def title_row() -> list[str]:
    """The usual four options stand beside the stem, those beyond them at the end."""
    titles = [""] * _WIDTH
    for field, place in _PLACES.items():
        titles[place] = TITLES[field]
    for letter, place in zip(CYRILLIC, _OPTION_PLACES, strict=True):
        titles[place] = letter
    return titles


def rows_of(item: Leaving, *, formulas: bool) -> list[list[Value]]:
    """The rows of one item. `formulas`: whether a text is to be kept from being taken for one."""
    draft = item.draft

    def text(value: str) -> str:
        return escape(value, formulas=formulas) if value else ""

    alone = _is_plain_choice(draft.stages)
    fields: dict[Field, Value] = {
        "home": text(item.item),
        "row": ITEM_ROW,
        "speciality": text(draft.speciality),
        "requirement": text(draft.requirement),
        "stem": text(draft.stem),
        "explanation": text(draft.explanation),
        "sources": text(join_list(draft.sources, "\n", LINE_ENDS)),
        "level": "" if draft.level is None else LEVELS[draft.level],
        "difficulty": "" if draft.difficulty is None else draft.difficulty,
        "limit": "" if draft.limit is None else draft.limit / 1000 if draft.limit % 1000 else draft.limit // 1000,
        "tags": text(join_list(draft.tags, "; ", TAG_ENDS)),
        "language": "" if draft.language is None else LANGUAGES[draft.language],
        "pool": "" if draft.pool is None else POOLS[draft.pool],
        "enemies": text(join_list(item.enemies, "; ", TAG_ENDS)),
        "markup": MARKUPS[draft.markup],
    }
    if alone:
        fields["key"] = _letters(draft.stages[0], Role.KEY)
    rows = [_row(fields, draft.stages[0] if alone else None, formulas)]
    for stage in () if alone else draft.stages:
        of_stage: dict[Field, Value] = {
            "row": STAGE_ROW,
            "stem": text(stage.prompt),
            "key": _letters(stage, Role.KEY if stage.kind == "choice" else Role.REQUIRED),
            "harmful": _letters(stage, Role.HARMFUL),
            "kind": KINDS[stage.kind],
            "reveal": text(stage.reveal),
            "ordered": "да" if stage.ordered else "",
            "weight": stage.weight,
        }
        rows.append(_row(of_stage, stage, formulas))
    return rows


def _is_plain_choice(stages: Sequence[DraftStage]) -> bool:
    """Whether one row holds all there is."""
    return len(stages) == 1 and bool(stages[0].choices) and stages[0] == DraftStage(stages[0].choices)


def _row(fields: Mapping[Field, Value], stage: DraftStage | None, formulas: bool) -> list[Value]:
    row: list[Value] = [""] * _WIDTH
    for field, value in fields.items():
        row[_PLACES[field]] = value
    if stage is not None:
        for place, choice in zip(_OPTION_PLACES, stage.choices, strict=False):
            row[place] = escape(choice.text, formulas=formulas)
    while row[-1] == "":
        row.pop()
    return row


def _letters(stage: DraftStage, role: Role) -> str:
    return ", ".join(letter for letter, choice in zip(CYRILLIC, stage.choices, strict=False) if choice.role == role)
