"""Aiken: a line with the question, options by letter, a line with the letter of the key. Latin letters or Cyrillic.

Сколько камер у сердца человека?
А) Две
Б) Четыре
ОТВЕТ: Б
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Literal, TextIO

from msgspec import Struct
from msgspec.structs import replace

from question_bank.drafts import Draft, DraftChoice, DraftStage
from question_bank.exchange.carried import find_plain_choice, settle_text
from question_bank.exchange.entries import Arriving, Leaving, Place, Rejected, Remark, Written
from question_bank.exchange.head import Head
from question_bank.exchange.letters import CYRILLIC, LATIN, Alphabet, alphabet_of_all, is_foreign, number_of
from question_bank.exchange.text_files import GUESSED, find_encoding, peek
from question_bank.items import Role
from question_bank.markup import read_plain

LONGEST = 1_000_000
"""Characters of one question."""
KEPT = 10_000
"""Characters that are kept of a longer one."""
LONGEST_KEY = 100
"""Characters of the line of the key that may still name options."""

_OPTION = re.compile(r"\s*([A-Za-zА-Яа-я])(?:\)|\.(?!\S))(.*)", re.DOTALL)
_KEY = re.compile(r"\s*(?:ANSWER|(?:ПРАВИЛЬНЫЙ\s+)?ОТВЕТ)\s*[:：]\s*(.*)", re.IGNORECASE | re.DOTALL)
_LETTER = re.compile(r"\(?([A-Za-zА-Яа-я])[.)]*")
_SEVERAL = re.compile(r"[A-Za-zА-Яа-я](?: ?(?:[,;+&/]|\bи\b|\band\b| ) ?[A-Za-zА-Яа-я])+[.)]*", re.IGNORECASE)
_OPTION_LINE = re.compile(r"^[ \t]*[AaАа](?:\)|\.[ \t])", re.MULTILINE)
_KEY_LINE = re.compile(r"^[ \t]*(?:ANSWER|(?:ПРАВИЛЬНЫЙ[ \t]+)?ОТВЕТ)[ \t]*[:：]", re.IGNORECASE | re.MULTILINE)
_EXPECTED = tuple(
    frozenset(
        letter
        for letter in {*LATIN, *CYRILLIC}
        if number in (number_of(letter, number + 1, "latin"), number_of(letter, number + 1, "cyrillic"))
    )
    for number in range(len(LATIN))
)
"""The letters with which an option at that place may begin."""

_SENTENCES = {
    "description": "Текст без вариантов ответа и без строки «ОТВЕТ»: это не задание, он не прочитан.",
    "no_options": "Перед строкой «ОТВЕТ» нет вариантов: нужны строки «А) …», «Б) …». Задание не прочитано.",
    "no_stem": "Перед строкой «ОТВЕТ» нет вопроса: строка не прочитана.",
    "syntax": "Буквы вариантов идут не по порядку: непонятно, где кончается один вопрос и начинается другой.",
    "several_keys": "Правильных ответов несколько: здесь он один, задание не прочитано.",
    "too_long": f"Вопрос длиннее {LONGEST} знаков и не прочитан; сохранено его начало, {KEPT} знаков.",
}


Fault = Literal["", "syntax", "too_long"]


class Question(Struct, frozen=True):
    """`said` is what stands in the line of the key, None where there is no such line."""

    line: int
    lines: tuple[str, ...]
    stem: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """Letter and text."""
    said: str | None = None
    fault: Fault = ""


def recognise(head: Head) -> bool:
    text = peek(head.start).replace("\r", "\n")
    return _OPTION_LINE.search(text) is not None and _KEY_LINE.search(text) is not None


def read(path: Path) -> Iterator[Arriving | Rejected]:
    """Raises Invalid of find_encoding."""
    encoding = find_encoding(path)
    guessed = encoding == "cp1251"
    with path.open(encoding=encoding) as file:
        for number, question in enumerate(read_questions(file), 1):
            entry = _read(question, Place(number, line=question.line))
            if guessed and isinstance(entry, Arriving):
                entry, guessed = replace(entry, remarks=(GUESSED, *entry.remarks)), False
            yield entry


def write(items: Iterable[Leaving], target: IO[bytes]) -> Iterator[Written]:
    for item in items:
        stage = find_plain_choice(item.draft)
        if isinstance(stage, Remark):
            yield Written(item.item, (stage,), left_out=True)
            continue
        stem, *options = (_line(text, item.draft) for text in (item.draft.stem, *(one.text for one in stage.choices)))
        key = next((number for number, choice in enumerate(stage.choices) if choice.role == Role.KEY), None)
        reason = _find_obstacle(stem, options, key)
        if reason is not None or key is None:
            yield Written(item.item, () if reason is None else (reason,), left_out=True)
            continue
        lines = [stem, *(f"{letter}. {text}" for letter, text in zip(LATIN, options, strict=False))]
        target.write("\n".join((*lines, f"ANSWER: {LATIN[key]}", "", "")).encode())
        yield Written(item.item, _remarks(item))


def read_questions(file: TextIO) -> Iterator[Question]:
    """Questions of a file with universal line ends, never more of it in memory than one of the longest.

    The line of the key ends a question; where there is none, a blank line does, unless an option or the key follows.
    """
    pending = _Pending()
    number, whole, apart = 1, True, False
    for line in iter(partial(file.readline, LONGEST), ""):
        if whole and line.isspace():
            apart = True
        else:
            option = _OPTION.fullmatch(line) if pending.stem else None
            if option is not None and not pending.expects(option[1]):
                pending.fault = pending.fault or ("syntax" if pending.options else "")
                option = None
            key = _KEY.fullmatch(line)
            if apart and ((option is None and key is None) or pending.long):
                yield from pending.end()
                pending = _Pending()
            if not pending.long:
                pending.take(line, number, option, key)
                if key is not None and not pending.long:
                    yield from pending.end()
                    pending = _Pending()
            apart = False
        whole = line.endswith("\n")
        number += whole
    yield from pending.end()


class _Pending:
    """A question as far as it has been read."""

    def __init__(self) -> None:
        self.stem: list[str] = []
        self.options: list[tuple[str, list[str]]] = []
        """Letter and lines."""
        self.fault: Fault = ""
        self._lines: list[str] = []
        self._line = self._size = 0
        self._said: str | None = None

    @property
    def long(self) -> bool:
        return self.fault == "too_long"

    def expects(self, letter: str) -> bool:
        place = len(self.options)
        return place < len(_EXPECTED) and letter.upper() in _EXPECTED[place]

    def take(self, line: str, number: int, option: re.Match[str] | None, key: re.Match[str] | None) -> None:
        self._line = self._line or number
        self._lines.append(line)
        self._size += len(line)
        if self._size >= LONGEST:
            self.fault = "too_long"
            self._lines = ["".join(self._lines)[:KEPT]]
        elif key is not None:
            self._said = key[1].strip()
        elif option is not None:
            self.options.append((option[1], [option[2].strip()]))
        elif self.options:
            self.options[-1][1].append(line.strip())
        else:
            self.stem.append(line.strip())

    def end(self) -> Iterator[Question]:
        if self._lines:
            yield Question(
                self._line,
                tuple(self._lines),
                "\n".join(self.stem),
                tuple((letter, "\n".join(lines)) for letter, lines in self.options),
                self._said,
                self.fault,
            )


def _read(question: Question, place: Place) -> Arriving | Rejected:
    said = question.said
    reason: str = question.fault
    if not reason and not question.options:
        reason = "description" if said is None else "no_options" if question.stem else "no_stem"
    if not reason and said is not None and len(said) <= LONGEST_KEY and _SEVERAL.fullmatch(" ".join(said.split())):
        reason = "several_keys"
    if reason:
        return Rejected(place, reason, _SENTENCES[reason], original="".join(question.lines).encode(errors="replace"))
    remarks: list[Remark] = []
    key = _find_key(question, remarks)
    choices = (
        DraftChoice(settle_text(text, remarks), Role.KEY if number == key else Role.DISTRACTOR)
        for number, (_, text) in enumerate(question.options)
    )
    draft = Draft(settle_text(question.stem, remarks), (DraftStage(tuple(choices)),))
    return Arriving(place, draft, remarks=tuple(remarks))


def _find_key(question: Question, remarks: list[Remark]) -> int | None:
    said = question.said
    if said is None:
        remarks.append(Remark("fault", "no_key", "Эталон не указан. Отметьте правильный вариант."))
        return None
    letter = _LETTER.fullmatch(said)
    alphabet = _alphabet([letter for letter, _ in question.options])
    key = None if letter is None else number_of(letter[1], len(question.options), alphabet)
    if letter is None or key is None:
        told = f"Эталон «{said[:100]}» не найден среди вариантов. Отметьте его."
        remarks.append(Remark("fault", "key_unread", told))
    elif is_foreign(letter[1], alphabet):
        told = f"Буква эталона «{letter[1]}» — из другого алфавита, чем буквы вариантов. Сверьте эталон."
        remarks.append(Remark("note", "key_alphabet", told))
    return key


def _alphabet(letters: list[str]) -> Alphabet | None:
    """Of the options. Of the first three in both alphabets, only the second tells: В there is a B, for Б would be В."""
    if len(letters) > 1:
        return "cyrillic" if letters[1].upper() == CYRILLIC[1] else "latin"
    return alphabet_of_all(letters)


def _line(text: str, draft: Draft) -> str:
    return read_plain(text) if draft.markup == "html" else " ".join(text.split())


def _find_obstacle(stem: str, options: list[str], key: int | None) -> Remark | None:
    if key is None:
        return Remark("loss", "no_key", "Эталон не отмечен: в этом формате без него нельзя, задание не записано.")
    if not stem or _KEY.fullmatch(stem):
        return Remark("loss", "no_stem", "Условие пусто или начинается как строка ответа: задание не записано.")
    if len(options) > len(LATIN):
        return Remark("loss", "too_many_options", f"Вариантов больше {len(LATIN)}: задание не записано.")
    return None


def _remarks(item: Leaving) -> tuple[Remark, ...]:
    draft = item.draft
    stage = draft.stages[0]
    texts = (draft.stem, *(choice.text for choice in stage.choices))
    lost = (
        ("оформление", draft.markup == "html"),
        ("строки и пробелы внутри текста", draft.markup == "text" and any(_line(one, draft) != one for one in texts)),
        ("изображения", bool(item.pictures)),
        ("пояснение", bool(draft.explanation)),
        ("источники", bool(draft.sources)),
        ("специальность и требование", bool(draft.speciality or draft.requirement)),
        ("уровень", draft.level is not None),
        ("трудность", draft.difficulty is not None),
        ("время", draft.limit is not None),
        ("вес", stage.weight != 1),
        ("метки", bool(draft.tags)),
        ("язык", draft.language is not None),
        ("пул", draft.pool is not None),
        ("несовместимые задания", bool(item.enemies)),
    )
    names = ", ".join(name for name, is_lost in lost if is_lost)
    return (Remark("loss", "fields", f"В этот формат не помещаются: {names}."),) if names else ()
