"""What the columns of a table of items are, by their titles in Russian or English, or by what stands in them. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from question_bank.exchange.cells import Cell, text_of
from question_bank.exchange.letters import CYRILLIC, Alphabet, alphabet_of_all, number_of

Field = Literal[
    "home",
    "row",
    "identifier",
    "speciality",
    "requirement",
    "stem",
    "key",
    "harmful",
    "explanation",
    "sources",
    "level",
    "difficulty",
    "limit",
    "tags",
    "language",
    "pool",
    "enemies",
    "markup",
    "kind",
    "reveal",
    "ordered",
    "weight",
]

TITLES: Mapping[Field, str] = {
    "home": "Задание банка",
    "row": "Строка",
    "speciality": "Специальность",
    "requirement": "Требование",
    "stem": "Условие",
    "key": "Эталон",
    "explanation": "Пояснение",
    "sources": "Источники",
    "level": "Уровень",
    "difficulty": "Трудность",
    "limit": "Время, с",
    "tags": "Метки",
    "language": "Язык",
    "pool": "Пул",
    "enemies": "Несовместимые",
    "markup": "Разметка",
    "kind": "Вид шага",
    "reveal": "Новые данные",
    "ordered": "По порядку",
    "weight": "Вес",
    "harmful": "Вредные",
}
"""What is written above the columns on the way out; the first of them tells a table of ours."""
MOST_OPTIONS = len(CYRILLIC)

_NAMES: dict[Field, str] = {
    "home": "задание банка|bank item",
    "row": "строка|row",
    "identifier": "id|ид|n вопроса|n задания|идентификатор|идентификатор задания|код задания|номер|номер вопроса|"
    "n|no|п п|idx|item id|question id|number",
    "speciality": "специальность|код специальности|speciality|specialty",
    "requirement": "требование|код требования|трудовая функция|компетенция|код компетенции|requirement|"
    "requirement code|competence",
    "stem": "условие|вопрос|текст вопроса|текст задания|формулировка|формулировка вопроса|задание|содержание вопроса|"
    "stem|question|question text|item|prompt|text",
    "key": "эталон|эталон ответа|ключ|ответ|верный ответ|верный вариант|правильный ответ|правильный вариант|"
    "номер правильного ответа|key|answer|answer key|correct|correct answer|correct option|right answer",
    "harmful": "вредные|вредные действия|harmful",
    "explanation": "пояснение|объяснение|обоснование|комментарий|explanation|rationale|feedback|comment",
    "sources": "источник|источники|литература|ссылка|ссылки|source|sources|reference|references",
    "level": "уровень|когнитивный уровень|level|cognitive level",
    "difficulty": "трудность|сложность|difficulty",
    "limit": "время|время с|время сек|время в секундах|лимит времени|limit|time limit|time|seconds|time limit seconds",
    "tags": "метка|метки|тег|теги|ключевые слова|tag|tags|keywords",
    "language": "язык|language|lang",
    "pool": "пул|назначение|pool",
    "enemies": "несовместимые|несовместимые задания|enemies|enemy",
    "markup": "разметка|markup",
    "kind": "вид шага|вид|тип шага|kind|stage kind",
    "reveal": "новые данные|данные шага|reveal",
    "ordered": "по порядку|порядок важен|ordered",
    "weight": "вес|баллы|балл|вес шага|weight|weights|points",
}
_FIELDS: dict[str, Field] = {name: field for field, names in _NAMES.items() for name in names.split("|")}
_OPTION = re.compile(
    r"(?:(?:вариант(?: ответа)?|ответ|опция|(?:answer )?option|answer|choice|op) ?)?(?:n ?)?([a-tа-ф]|\d{1,2})"
)
_SPELLED = str.maketrans("ё№#", "еnn")
_RUBBISH = re.compile(r"[\W_]+")
_KEY = re.compile(r"\(?([A-Za-zА-Яа-я]|\d{1,2})[).]?")


class Columns(Struct, frozen=True):
    """Places of cells in a row, from 0."""

    at: Mapping[Field, int]
    options: tuple[int, ...]
    """In the order of options."""
    alphabet: Alphabet | None
    """Of the options' titles, where those are letters."""
    strange: tuple[tuple[int, str], ...] = ()
    """Columns with a title that says nothing to us."""
    titled: bool = True

    @property
    def ours(self) -> bool:
        """Whether the bank wrote the table: then every text is exactly what stands there."""
        return "home" in self.at

    @property
    def russian(self) -> bool:
        return self.alphabet != "latin"


def find_columns(cells: Sequence[Cell]) -> Columns | None:
    """What the titles in a row say; None where they are no titles of a table of items."""
    at: dict[Field, int] = {}
    marks: list[tuple[int, str]] = []
    strange: list[tuple[int, str]] = []
    for place, cell in enumerate(cells):
        title = text_of(cell).strip()
        name = _RUBBISH.sub(" ", title.lower().translate(_SPELLED)).strip()
        field = _FIELDS.get(name)
        option = _OPTION.fullmatch(name) if field is None else None
        if field is not None and field not in at:
            at[field] = place
        elif option is not None:
            marks.append((place, option[1]))
        elif title:
            strange.append((place, title))
    alphabet = alphabet_of_all(mark for _, mark in marks)
    options: dict[int, int] = {}
    for place, mark in marks:
        number = _option_number(mark, alphabet)
        if number is None or options.setdefault(number, place) != place:
            strange.append((place, text_of(cells[place]).strip()))
    if "stem" not in at or len(options) < 2 or max(options) != len(options) - 1:
        return None
    return Columns(at, tuple(options[number] for number in sorted(options)), alphabet, tuple(strange))


def guess_columns(cells: Sequence[Cell]) -> Columns | None:
    """A row without titles above it: the question, its options, the key as a letter or number; None if it is not so."""
    texts = [text_of(cell).strip() for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    count = len(texts) - 2
    if not 2 <= count <= MOST_OPTIONS or not texts[0]:
        return None
    key = _KEY.fullmatch(texts[-1])
    number = None if key is None else _option_number(key[1], None, count)
    if number is None:
        return None
    return Columns({"stem": 0, "key": count + 1}, tuple(range(1, count + 1)), None, titled=False)


def _option_number(mark: str, alphabet: Alphabet | None, count: int = MOST_OPTIONS) -> int | None:
    if mark.isdecimal():
        return int(mark) - 1 if 1 <= int(mark) <= count else None
    return number_of(mark, count, alphabet)
