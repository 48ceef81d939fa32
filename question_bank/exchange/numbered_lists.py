"""Numbered questions with lettered options, paragraph by paragraph, to items. Pure.

Labels are drawn by a word processor or typed. A key is an option in bold, one with an asterisk, or named by a line
«Ответ: Б» below; where they disagree there is none, and it is told.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from question_bank.drafts import Draft, DraftChoice, DraftStage
from question_bank.exchange.entries import Arriving, Place, Rejected, Remark, Weight
from question_bank.exchange.letters import Alphabet, alphabet_of, alphabet_of_all, number_of
from question_bank.faults import drop_controls
from question_bank.items import Role
from question_bank.markup import clean

LabelKind = Literal["number", "latin", "cyrillic", "bullet"]

MOST_OPTIONS = 20
MOST_LOOSE = 50
"""Paragraphs of one item beyond which it is none."""


class Label(Struct, frozen=True):
    """What a word processor draws before a paragraph: `place` in its list from 0, `list` "" where it was typed."""

    kind: LabelKind
    place: int
    list: str = ""
    level: int = 0
    end: str = ""
    """What closes a typed one: a full stop or a bracket."""


class Paragraph(Struct, frozen=True):
    """`text` without formatting, `html` with it; `rich` where that makes a difference. Pictures by name."""

    number: int
    text: str
    html: str = ""
    rich: bool = False
    bold: bool = False
    label: Label | None = None
    heading: bool = False
    pictures: Mapping[str, bytes] = {}
    lost: tuple[str, ...] = ()
    """What of it could not be read: formula, object, picture."""


_LOST = {
    "formula": "Формула Word прочитана как текст. Наберите её заново.",
    "object": "Вставленный объект не прочитан.",
    "picture": "Рисунок не PNG, JPEG или WebP либо слишком велик и не прочитан.",
}
_QUESTION = re.compile(
    r"(?:(?:вопрос|задание|тест|question)\s*)?(?:№\s*)?(\d{1,4})\s*([.):])\s*(?=[^\d\s])", re.IGNORECASE
)
_OPTION = re.compile(r"([*+]\s*)?\(?([A-Za-zА-Яа-я])\s*([.)])\s*")
_MARKED = re.compile(r"^\*\s*|(?<!\s)\s*\*$")
_ANSWER = re.compile(
    r"(?:правильный ответ|верный ответ|эталон(?: ответа)?|ответ|ключ|correct answer|answer|key)"
    r"\s*(?:[:–—-]|\s(?=\S{1,3}$))\s*(.+)",
    re.IGNORECASE | re.DOTALL,
)
_EXPLANATION = re.compile(
    r"(?:пояснение|обоснование|комментарий|explanation|rationale)\s*[:–—-]\s*(.+)", re.IGNORECASE | re.DOTALL
)
_SOURCE = re.compile(r"(?:источник|литература|source)\s*[:–—-]\s*(.+)", re.IGNORECASE | re.DOTALL)
_REQUIREMENT = re.compile(r"(?:требование|код требования|requirement)\s*[:–—-]\s*(\S+)", re.IGNORECASE)
_MARK = re.compile(r"\(?([A-Za-zА-Яа-я]|\d{1,2})[).]?\.?")


Tell = Callable[[Weight, str, str], None]


class _Option(Struct):
    paragraph: Paragraph
    letter: str
    marked: bool


class _Item:
    """An item while it is read."""

    def __init__(self, first: Paragraph, label: Label | None) -> None:
        self.stem = [first]
        self.label = label
        self.options: list[_Option] = []
        self.answer = self.requirement = ""
        self.explanation: list[Paragraph] = []
        self.sources: list[str] = []
        self.line = first.number


def read_paragraphs(paragraphs: Iterable[Paragraph]) -> Iterator[Arriving | Rejected]:
    """Items in their order; a paragraph that belongs to none is rejected as it stands."""
    reader = _Reader()
    for paragraph in paragraphs:
        if paragraph.text or paragraph.pictures:
            yield from reader.take(paragraph)
    yield from reader.end()


class _Reader:
    def __init__(self) -> None:
        self._item: _Item | None = None
        self._loose: list[Paragraph] = []
        """After the options of an item: the stem of the next, or what belongs to none."""
        self._number = 0

    def take(self, paragraph: Paragraph) -> Iterator[Arriving | Rejected]:
        item = self._item
        if item is not None and item.options and not self._loose and self._take_line(item, paragraph):
            return
        label, body, marked = _read_label(paragraph)
        if label is None or paragraph.heading:
            yield from self._take_loose(paragraph)
        elif item is not None and len(item.options) >= MOST_LOOSE:
            yield from self.end()
            yield self._outside(paragraph)
        elif self._is_option(label, item):
            if self._loose and (label.place == 0 or item is None):
                yield from self._begin_loose()
                item = self._item
            assert item is not None
            if self._loose and item.options:
                last = item.options[-1]
                last.paragraph = _joined([last.paragraph, *self._loose])
                self._loose = []
            typed = label.kind in ("latin", "cyrillic") and not label.list
            item.options.append(_Option(body, paragraph.text.lstrip("*+ (")[:1] if typed else "", marked))
        else:
            yield from self.end()
            self._item = _Item(body, label)

    def end(self) -> Iterator[Arriving | Rejected]:
        if self._item is not None:
            yield self._finish(self._item)
            self._item = None
        for paragraph in self._loose:
            yield self._outside(paragraph)
        self._loose = []

    def _is_option(self, label: Label, item: _Item | None) -> bool:
        begun = item is not None or bool(self._loose)
        if label.kind in ("latin", "cyrillic"):
            return begun
        if not begun:
            return False
        if label.kind == "bullet" or label.level > 0:
            return True
        if item is None or item.label is None:
            return label.place == 0 or (item is not None and label.place == len(item.options))
        question = item.label
        if label.list:
            return label.list != question.list and (not item.options or bool(self._loose) or label.place > 0)
        if question.list:
            return label.place == len(item.options)
        return label.end != question.end and label.place == len(item.options)

    def _take_loose(self, paragraph: Paragraph) -> Iterator[Arriving | Rejected]:
        item = self._item
        if item is not None and not item.options and not paragraph.heading and len(item.stem) < MOST_LOOSE:
            item.stem.append(paragraph)
        elif paragraph.heading or len(self._loose) >= MOST_LOOSE:
            yield from self.end()
            yield self._outside(paragraph)
        else:
            self._loose.append(paragraph)

    def _begin_loose(self) -> Iterator[Arriving | Rejected]:
        """The last paragraph between two items is the stem of the second."""
        *others, stem = self._loose
        self._loose = others
        yield from self.end()
        self._item = _Item(stem, None)

    def _take_line(self, item: _Item, paragraph: Paragraph) -> bool:
        """Whether the paragraph says something of the item above it."""
        text = paragraph.text
        if answer := _ANSWER.fullmatch(text):
            item.answer = answer[1].strip()
        elif explanation := _EXPLANATION.fullmatch(text):
            item.explanation.append(_cut(paragraph, len(text) - len(explanation[1])))
        elif source := _SOURCE.fullmatch(text):
            item.sources.append(source[1].strip())
        elif requirement := _REQUIREMENT.fullmatch(text):
            item.requirement = requirement[1]
        else:
            return False
        return True

    def _finish(self, item: _Item) -> Arriving | Rejected:
        if not item.options:
            text = "\n".join(paragraph.text for paragraph in item.stem)
            return self._reject(item.line, "no_options", "Под вопросом нет вариантов ответа: он не прочитан.", text)
        parts = [*item.stem, *(option.paragraph for option in item.options), *item.explanation]
        rich = any(part.rich for part in parts)
        remarks: dict[str, Remark] = {}

        def tell(weight: Weight, code: str, sentence: str) -> None:
            remarks.setdefault(code, Remark(weight, code, sentence))

        for lost in sorted({name for part in parts for name in part.lost}):
            tell("loss", f"{lost}_lost", _LOST[lost])
        key = _find_key(item, tell)
        choices = tuple(
            DraftChoice(_text(option.paragraph, rich), Role.KEY if number in key else Role.DISTRACTOR)
            for number, option in enumerate(item.options)
        )
        self._number += 1
        pictures: dict[str, bytes] = {}
        for part in parts:
            pictures |= part.pictures
        return Arriving(
            Place(self._number, line=item.line),
            Draft(
                stem=_join(item.stem, rich),
                stages=(DraftStage(choices),),
                explanation=_join(item.explanation, rich),
                sources=tuple(item.sources),
                requirement=item.requirement,
                markup="html" if rich else "text",
            ),
            identifier=str(item.label.place + 1) if item.label is not None else "",
            remarks=tuple(remarks.values()),
            pictures=pictures,
        )

    def _outside(self, paragraph: Paragraph) -> Rejected:
        return self._reject(
            paragraph.number, "outside", "Абзац не относится ни к одному вопросу: он не прочитан.", paragraph.text
        )

    def _reject(self, line: int, code: str, sentence: str, text: str) -> Rejected:
        self._number += 1
        return Rejected(Place(self._number, line=line), code, sentence, original=text.encode(errors="replace"))


def _read_label(paragraph: Paragraph) -> tuple[Label | None, Paragraph, bool]:
    """The label, what follows it, and whether an asterisk marks it."""
    label, body, marked = paragraph.label, paragraph, False
    if label is None:
        if option := _OPTION.match(paragraph.text):
            alphabet = alphabet_of(option[2])
            place = number_of(option[2], MOST_OPTIONS, alphabet)
            if alphabet is not None and place is not None:
                label = Label(alphabet, place, end=option[3])
                body, marked = _cut(paragraph, option.end()), bool(option[1])
        elif question := _QUESTION.match(paragraph.text):
            label = Label("number", int(question[1]) - 1, end=question[2])
            body = _cut(paragraph, question.end())
    if label is not None and (star := _MARKED.search(body.text)):
        marked = True
        kept = body.text[: star.start()] if star.start() else body.text[star.end() :]
        html = _MARKED.sub("", body.html, count=1)
        body = replace(body, text=kept, html=html)
    return label, body, marked


def _find_key(item: _Item, tell: Tell) -> set[int]:
    count = len(item.options)
    bold = {number for number, option in enumerate(item.options) if option.paragraph.bold}
    starred = {number for number, option in enumerate(item.options) if option.marked}
    found = [marks for marks in (starred, bold) if 0 < len(marks) < count]
    if item.answer:
        named = _named(item)
        if named is None:
            tell("fault", "key_unread", f"Ответ «{item.answer[:100]}» не найден среди вариантов. Отметьте эталон.")
            return set()
        found.insert(0, named)
    if not found:
        tell("fault", "no_key", "Эталон не отмечен: нет ни жирного варианта, ни звёздочки, ни строки «Ответ: …».")
        return set()
    if any(marks != found[0] for marks in found):
        tell("fault", "key_ambiguous", "Строка ответа и отметка варианта расходятся. Отметьте верный вариант.")
        return set()
    if len(found[0]) > 1:
        tell("fault", "several_keys", "Отмечено несколько эталонов. Оставьте один.")
    return found[0]


def _named(item: _Item) -> set[int] | None:
    """Options that the answer line names: by letter, number or text."""
    count, numbers = len(item.options), set()
    alphabet: Alphabet | None = alphabet_of_all(option.letter for option in item.options)
    for part in re.split(r"[;,\s]+", item.answer.rstrip(". ")):
        mark = _MARK.fullmatch(part)
        number = None
        if mark is not None:
            number = int(mark[1]) - 1 if mark[1].isdecimal() else number_of(mark[1], count, alphabet)
        if number is None or not 0 <= number < count:
            break
        numbers.add(number)
    else:
        return numbers
    said = _fold(re.sub(r"^\(?[A-Za-zА-Яа-я0-9][).]\s*", "", item.answer))
    same = {number for number, option in enumerate(item.options) if _fold(option.paragraph.text) == said}
    return same if len(same) == 1 else None


def _cut(paragraph: Paragraph, length: int) -> Paragraph:
    """Without its first characters, in the text and in the HTML."""
    html, place, left = paragraph.html, 0, length
    kept = ""
    while left > 0 and place < len(html):
        if html[place] == "<":
            end = html.find(">", place) + 1 or len(html)
            kept += html[place:end]
            place = end
        else:
            entity = re.match(r"&[a-z#0-9]+;", html[place:]) if html[place] == "&" else None
            place += len(entity[0]) if entity else 1
            left -= 1
    return replace(paragraph, text=paragraph.text[length:].strip(), html=(kept + html[place:]).strip())


def _text(paragraph: Paragraph, rich: bool) -> str:
    return clean(paragraph.html) if rich else drop_controls(paragraph.text)


def _join(paragraphs: list[Paragraph], rich: bool) -> str:
    if not rich:
        return "\n".join(drop_controls(paragraph.text) for paragraph in paragraphs)
    if len(paragraphs) == 1:
        return clean(paragraphs[0].html)
    return "".join(clean(f"<p>{paragraph.html}</p>") for paragraph in paragraphs)


def _joined(paragraphs: list[Paragraph]) -> Paragraph:
    """Several as one, line by line."""
    first = paragraphs[0]
    return replace(
        first,
        text="\n".join(paragraph.text for paragraph in paragraphs),
        html="<br>".join(paragraph.html for paragraph in paragraphs),
        rich=any(paragraph.rich for paragraph in paragraphs),
        pictures={name: data for paragraph in paragraphs for name, data in paragraph.pictures.items()},
        lost=tuple({name for paragraph in paragraphs for name in paragraph.lost}),
    )


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".")
