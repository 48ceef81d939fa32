"""GIFT as text: where one question ends and the next begins, and what each of them says. Pure.

After Moodle's own reader: questions stand apart by blank lines, comments begin with //, ~ = # { } : and \\ are escaped.
"""

import re
from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Literal, TextIO

from msgspec import Struct

from question_bank.exchange.moodle_texts import MoodleChoice, MoodleItem, MoodleText, TextFormat

LONGEST = 1_000_000
"""Characters of one question, comments and all."""
KEPT = 10_000
"""Characters that are kept of a longer one."""
MOST_ANSWERS = 200

Kind = Literal["choice", "description", "essay", "numerical", "true_false", "matching", "short_answer"]
Fault = Literal["", "unclosed", "too_long"]
BLANK = "_____"
"""What stands in the stem where the answers stood in the midst of it."""


class Block(Struct, frozen=True):
    """What stands between blank lines. `line` is the first one that is no comment."""

    line: int
    lines: tuple[str, ...]
    """All of it, …"""
    comments: tuple[str, ...]
    """… and those of them that are comments."""
    fault: Fault = ""

    @property
    def text(self) -> str:
        """Without its comments."""
        if not self.comments:
            return "".join(self.lines)
        return "".join(line for line in self.lines if not _is_comment(line))


class Question(Struct, frozen=True):
    """`item.choices` are the answers of whatever kind; for `numerical`, `true_false` and `matching` there are none."""

    kind: Kind
    title: str
    item: MoodleItem
    embedded: bool = False


class Unreadable(Exception):
    """A sentence that says why."""


_SPACE = " \t\r\n"
_BRACES = re.compile(r"\\[\\{}]|[{}]")
_ESCAPED = re.compile(r"\\([\\~=#{}:n])")
_TITLE = re.compile(r"\s*::((?:[^\\:]|\\.|:(?!:))*+)::", re.DOTALL)
_FORMAT = re.compile(r"\s*\[(html|moodle|plain|markdown)\]")
_TRUTH = re.compile(r"\s*(?:T|TRUE|F|FALSE)\s*(?:#.*)?", re.DOTALL)
_MARKS = re.compile(r"\\.|[=~]", re.DOTALL)
_HASH = re.compile(r"\\.|#", re.DOTALL)
_GENERAL = re.compile(r"\\.|####", re.DOTALL)
_PERCENT = re.compile(r"\s*%(-?\d{1,3}(?:\.\d*)?)%")
_SPACES = re.compile(r"[ \t\r\n]+")


def read_blocks(file: TextIO) -> Iterator[Block]:
    """Blocks of a file with universal line ends, never more of it in memory than one of the longest."""
    pull = partial(file.readline, LONGEST)
    waiting: deque[str] = deque()
    """Lines that stand behind an unclosed brace, to be read again."""
    lines: list[str] = []
    comments: list[str] = []
    number, base, said, size, gap = 1, 1, 0, 0, 0
    """The next line, the first of the block, its first that is no comment; its characters; a blank line in it."""
    opened = long = False
    whole = True
    while True:
        line = waiting.popleft() if waiting else pull()
        blank = whole and line.isspace()
        if not line or (blank and (long or not opened)):
            fault: Fault = "too_long" if long else "unclosed" if opened else ""
            if opened and gap:
                waiting.extend(lines[gap:])
                number, lines = base + gap, lines[:gap]
            elif blank:
                number += 1
            if said:
                yield Block(said, tuple(lines), tuple(comments), fault)
            lines, comments = [], []
            said = size = gap = 0
            opened = long = False
            if not line and not waiting:
                return
            continue
        whole = line[-1] == "\n"
        if long:
            number += whole
            continue
        comment = "//" in line and _is_comment(line)
        if gap and not comment and _begins(line):
            waiting.extendleft(reversed([*lines[gap:], line]))
            yield Block(said, tuple(lines[:gap]), tuple(comments), "unclosed")
            number, lines, comments = base + gap, [], []
            said = size = gap = 0
            opened = False
            continue
        if not lines:
            base = number
        lines.append(line)
        size += len(line)
        if blank:
            gap = gap or len(lines) - 1
        elif comment:
            comments.append(line)
        else:
            said = said or number
            if "{" in line or "}" in line:
                opened = _still_open(line, opened)
                gap = gap if opened else 0
        number += whole
        if size >= LONGEST:
            lines, long, opened, gap, said = _cut(lines), True, False, 0, said or base


def parse(text: str) -> Question:
    """The question of a block without its comments. Raises Unreadable."""
    title = ""
    titled = _TITLE.match(text)
    if titled is not None:
        title = _unescape(titled[1].strip(_SPACE))
        text = text[titled.end() :]
    begin, end = _find_braces(text)
    before = text if begin < 0 else text[:begin]
    format, before = _take_format(before, "moodle")
    if begin < 0:
        return Question("description", title, MoodleItem(_text(before, format), ()))
    answers, after = text[begin + 1 : end], text[end + 1 :]
    embedded = bool(after.strip(_SPACE))
    if embedded:
        if _find_braces(after)[0] >= 0:
            raise Unreadable(
                "В одном вопросе два списка ответов. Отделите вопросы пустой строкой, "
                "а фигурные скобки в тексте запишите как \\{ и \\}."
            )
        before = f"{before}{BLANK}{after}"
    stem = _text(before, format)
    general = None
    place = _find(_GENERAL, answers, "####") if "####" in answers else -1
    if place >= 0:
        general = _read(answers[place + 4 :], format)
        answers = answers[:place]
    kind = _find_kind(answers)
    choices = _choices(answers, format) if kind in ("choice", "short_answer") else ()
    return Question(kind, title, MoodleItem(stem, choices, general), embedded)


def escape(text: str) -> str:
    return text.translate(_ESCAPES)


def starts_with_format(text: str) -> bool:
    return _FORMAT.match(text) is not None


_ESCAPES = str.maketrans({sign: f"\\{sign}" for sign in "~=#{}:\\"} | {"\n": "\\n"})


def _find_kind(answers: str) -> Kind:
    told = answers.strip(_SPACE)
    if not told:
        return "essay"
    if told[0] == "#":
        return "numerical"
    if _TRUTH.fullmatch(told):
        return "true_false"
    if "~" in told and _find(_MARKS, told, "~") >= 0:
        return "choice"
    if "->" in told and _find(_MARKS, told, "=") >= 0:
        return "matching"
    return "short_answer"


def _choices(answers: str, format: TextFormat) -> tuple[MoodleChoice, ...]:
    marks = [match.start() for match in _MARKS.finditer(answers) if match[0] in "=~"]
    if len(marks) > MOST_ANSWERS:
        raise Unreadable(f"Вариантов ответа больше {MOST_ANSWERS}: вопрос не прочитан.")
    begin = answers[: marks[0]] if marks else answers
    choices = []
    if begin.strip(_SPACE):
        if marks:
            raise Unreadable("Перед первым ответом стоит лишний текст. Начните каждый ответ со знака = или ~.")
        choices.append(_choice(f"={begin}", format))
    for place, end in pairwise((*marks, len(answers))):
        choices.append(_choice(answers[place:end], format))
    return tuple(choices)


def _choice(told: str, format: TextFormat) -> MoodleChoice:
    """One answer from its sign on."""
    percent = 100.0 if told[0] == "=" else 0.0
    told = told[1:]
    if weighed := _PERCENT.match(told):
        percent = float(weighed[1])
        told = told[weighed.end() :]
    feedback = None
    if "#" in told and (place := _find(_HASH, told, "#")) >= 0:
        said = told[place + 1 :]
        told = told[:place]
        if said.strip(_SPACE):
            feedback = _read(said, format)
    return MoodleChoice(_read(told, format), percent, feedback)


def _read(told: str, format: TextFormat) -> MoodleText:
    format, told = _take_format(told, format)
    return _text(told, format)


def _take_format(told: str, format: TextFormat) -> tuple[TextFormat, str]:
    if "[" in told and (named := _FORMAT.match(told)):
        name: TextFormat = named[1]  # type: ignore[assignment]
        return name, told[named.end() :]
    return format, told


def _text(told: str, format: TextFormat) -> MoodleText:
    told = told.strip(_SPACE)
    if format == "moodle" and ("\n" in told or "  " in told or "\t" in told):
        told = _SPACES.sub(" ", told)
    return MoodleText(_unescape(told), format)


def _unescape(told: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], told) if "\\" in told else told


def _find(pattern: re.Pattern[str], told: str, sign: str) -> int:
    """Where the sign stands unescaped, or -1."""
    return next((match.start() for match in pattern.finditer(told) if match[0] == sign), -1)


def _find_braces(text: str) -> tuple[int, int]:
    """Where the answers begin and end. Raises Unreadable where they do not end."""
    begin = text.find("{")
    if begin < 0:
        return -1, -1
    if "\\" not in text and (end := text.find("}", begin)) > 0 and text.find("{", begin + 1, end) < 0:
        return begin, end
    begin = -1
    for match in _BRACES.finditer(text):
        if match[0] == "{":
            if begin >= 0:
                raise Unreadable("Внутри ответов стоит фигурная скобка. Запишите её как \\{.")
            begin = match.start()
        elif match[0] == "}" and begin >= 0:
            return begin, match.start()
    if begin >= 0:
        raise Unreadable("Фигурная скобка с ответами не закрыта.")
    return -1, -1


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("//")


def _begins(line: str) -> bool:
    """Whether a line after a blank one begins a question, though the braces before it are not closed."""
    if line.lstrip().startswith(("::", "$CATEGORY:")):
        return True
    return "{" in line and any(match[0] == "{" for match in _BRACES.finditer(line))


def _still_open(line: str, opened: bool) -> bool:
    for match in _BRACES.finditer(line):
        opened = opened if len(match[0]) > 1 else match[0] == "{"
    return opened


def _cut(lines: list[str]) -> list[str]:
    kept, room = [], KEPT
    for line in lines:
        if room <= 0:
            break
        kept.append(line[:room])
        room -= len(line)
    return kept
