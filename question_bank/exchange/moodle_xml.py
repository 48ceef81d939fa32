"""Moodle XML: whole questions with pictures, tags and categories. What it has no place for stands in an element of our
own, which a Moodle passes over, and in tags, which it keeps."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from lxml import etree
from msgspec.structs import replace

from question_bank.drafts import Draft
from question_bank.exchange.carried import (
    MARK,
    UNREAD,
    Carried,
    as_tags,
    carry,
    find_plain_choice,
    from_tags,
    give_back,
    pack,
    settle_tags,
    unpack,
)
from question_bank.exchange.entries import Arriving, Leaving, Place, Rejected, Remark, Written
from question_bank.exchange.head import Head
from question_bank.exchange.moodle_pictures import BroughtPictures, put_pictures
from question_bank.exchange.moodle_texts import (
    REJECTED,
    MoodleChoice,
    MoodleItem,
    MoodleText,
    TextFormat,
    category_tag,
    find_reason,
    make_draft,
)
from question_bank.exchange.strict_xml import iterate
from question_bank.exchange.text_files import peek
from question_bank.items import Role
from question_bank.markup import find_assets, read_plain

MOST_ANSWERS = 200
_OWN = f"{{urn:{MARK}}}{MARK}"
_ROOT = re.compile(r"\ufeff?(?:\s++|<\?.*?\?>|<!--.*?-->)*+<quiz[\s/>]", re.DOTALL)
_NO_XML = re.compile("[\ufffe\uffff]")
_SPACE = " \t\r\n"
_FORMATS: dict[str, TextFormat] = {
    "html": "html",
    "moodle_auto_format": "moodle",
    "plain_text": "plain",
    "markdown": "markdown",
}
_REASONS = {
    "truefalse": "true_false",
    "shortanswer": "short_answer",
    "numerical": "numerical",
    "calculated": "numerical",
    "calculatedsimple": "numerical",
    "calculatedmulti": "numerical",
    "matching": "matching",
    "match": "matching",
    "randomsamatch": "matching",
    "essay": "essay",
    "description": "description",
    "cloze": "cloze",
}
_SENTENCES = REJECTED | {
    "cloze": "Текст с вложенными ответами: здесь такого вида заданий нет, оно не прочитано.",
    "too_many_options": f"Вариантов ответа больше {MOST_ANSWERS}: задание не прочитано.",
    "interaction": "Такого вида заданий здесь нет: оно не прочитано.",
}
_COMMON = ("correctfeedback", "partiallycorrectfeedback", "incorrectfeedback")
_NAME = 80
"""Characters of the stem by which a Moodle lists the question."""
_WRONG = ' fraction="0"'


def recognise(head: Head) -> bool:
    return _ROOT.match(peek(head.start)) is not None


def read(path: Path) -> Iterator[Arriving | Rejected]:
    """Raises Invalid and TooLarge of strict_xml, also half way."""
    number, category = 0, ""
    with path.open("rb") as file:
        for element in iterate(file, "{*}question"):
            kind = element.get("type") or "" if element.tag == "question" else ""
            if kind == "category":
                category = category_tag(" ".join(_text_in(_child(element, "category")).split()))
                continue
            number += 1
            place = Place(number, line=element.sourceline)
            if kind == "multichoice":
                yield _Brought(element, place, category).end()
            else:
                yield _reject(element, place, _REASONS.get(kind, "interaction"))


def write(items: Iterable[Leaving], target: IO[bytes]) -> Iterator[Written]:
    target.write(b'<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n')
    for item in items:
        stage = find_plain_choice(item.draft)
        if isinstance(stage, Remark):
            yield Written(item.item, (stage,), left_out=True)
        else:
            remarks: list[Remark] = []
            target.write(_write(item, remarks).encode())
            yield Written(item.item, tuple(remarks))
    target.write(b"</quiz>\n")


class _Brought:
    """One question as it is read."""

    def __init__(self, element: Any, place: Place, category: str) -> None:
        self._element, self._place = element, place
        self._remarks: list[Remark] = []
        self._tags: list[str] = []
        self._answers: list[Any] = []
        self._parts: dict[str, Any] = {}
        self._category = category
        for one in element:
            name = one.tag
            if name == "answer":
                self._answers.append(one)
            elif name == "tags":
                self._tags = [_text_in(tag) for tag in one]
            elif name == "hint":
                self._lose("hints", "Подсказки не перенесены: здесь их нет.")
            else:
                self._parts[name] = one
        self._carried = self._read_own()
        self._own = None if self._carried is None else self._carried.markup
        self._pictures = BroughtPictures(own=self._own is not None)

    def end(self) -> Arriving | Rejected:
        if len(self._answers) > MOST_ANSWERS:
            return _reject(self._element, self._place, "too_many_options")
        stem = self._take(self._parts.get("questiontext"), "html") or MoodleText("", "html")
        if old := _text_in(self._parts.get("image_base64"), "").strip():
            stem = MoodleText(stem.text + self._pictures.take_old(old), "html")
        choices = tuple(self._choice(answer, stem.format) for answer in self._answers)
        item = MoodleItem(stem, choices, self._take(self._parts.get("generalfeedback"), stem.format))
        if reason := find_reason(item):
            return _reject(self._element, self._place, reason)
        draft = make_draft(item, self._own, self._pictures.name, self._remarks)
        if self._carried is None:
            self._tell_unread(draft)
        return self._arriving(draft)

    def _arriving(self, draft: Draft) -> Arriving:
        carried, tags = self._carried, [tag for tag in self._tags if tag]
        if carried is None:
            carried, others = from_tags(tuple(tags))
            tags = list(others)
        else:
            known = as_tags(carried)
            tags = [tag for tag in tags if tag not in known]
        if tags or self._category:
            draft = replace(draft, tags=settle_tags([*tags, self._category], self._remarks))
        if carried is not None:
            draft = give_back(draft, carried)
        identifier = (self._said("idnumber") or _text_in(self._parts.get("name"))).strip()
        pictures = self._pictures.used(draft)
        return Arriving(
            self._place,
            draft,
            identifier,
            "" if carried is None else carried.home,
            (*self._remarks, *self._pictures.remarks),
            pictures,
            () if carried is None else carried.enemies,
        )

    def _choice(self, answer: Any, format: TextFormat) -> MoodleChoice:
        try:
            percent = float(answer.get("fraction") or 0)
        except ValueError:
            percent = 0.0
            self._remarks.append(
                Remark("fault", "fraction_unread", "Доля балла одного из вариантов не прочитана. Проверьте эталон.")
            )
        text = self._take(answer, format) or MoodleText("", format)
        feedback = _child(answer, "feedback")
        return MoodleChoice(text, percent, None if feedback is None else self._take(feedback, format))

    def _take(self, element: Any, format: TextFormat) -> MoodleText | None:
        """A text with its pictures; None where it is empty."""
        if element is None:
            return None
        text, files = "", []
        for part in element:
            if part.tag == "text":
                text = _inner(part)
            elif part.tag == "file":
                files.append(part)
        format = _FORMATS.get(element.get("format") or "", format)
        if self._own is None:
            text = text.strip(_SPACE)
        if not text:
            return None
        if format != "plain" and ("PLUGINFILE" in text or "data:" in text):
            text = self._pictures.take(text, files)
        return MoodleText(text, format)

    def _read_own(self) -> Carried | None:
        own = self._parts.get(_OWN)
        if own is None:
            return None
        carried = unpack(own.text or "")
        if carried is None:
            self._remarks.append(UNREAD)
        return carried

    def _tell_unread(self, draft: Draft) -> None:
        name = _text_in(self._parts.get("name")).strip()
        if self._said("idnumber") and name and not _plain(draft).startswith(name.rstrip(".… ")):
            self._lose("title", "Название вопроса не перенесено: здесь у заданий нет названий.")
        if any(_text_in(self._parts.get(part)).strip() for part in _COMMON):
            self._lose("feedback_common", "Общие отзывы на верный и неверный ответ не перенесены: здесь их нет.")
        if self._said("single") in ("false", "0"):
            note = "В файле можно было выбрать несколько вариантов, хотя верный один. Здесь выбирают один."
            self._remarks.append(Remark("note", "single_choice", note))
        if self._said("shuffleanswers") in ("false", "0"):
            self._lose("order", "Постоянный порядок вариантов не перенесён: здесь он у каждого свой.")
        if self._said("hidden") == "1":
            self._lose("hidden", "В файле задание скрыто. Здесь это черновик, как и остальные.")
        if _weighs(self._said("defaultgrade")):
            self._lose("grade", "Балл за задание не перенесён: его задаёт спецификация.")

    def _said(self, name: str) -> str:
        part = self._parts.get(name)
        return "" if part is None else (part.text or "").strip()

    def _lose(self, code: str, sentence: str) -> None:
        if all(remark.code != code for remark in self._remarks):
            self._remarks.append(Remark("loss", code, sentence))


def _reject(element: Any, place: Place, reason: str) -> Rejected:
    name = _text_in(_child(element, "idnumber"), "") or _text_in(_child(element, "name"))
    original = etree.tostring(element, encoding="utf-8", with_tail=False)
    return Rejected(place, reason, _SENTENCES[reason], name.strip(), original, "application/xml")


def _child(element: Any, name: str) -> Any:
    return next((one for one in element if one.tag == name), None)


def _text_in(element: Any, within: str = "text") -> str:
    """What its element `text` says, or itself."""
    part = element if element is None or not within else _child(element, within)
    return "" if part is None else part.text or ""


def _inner(element: Any) -> str:
    """The text, with its markup where somebody forgot to escape it."""
    text = element.text or ""
    return text + "".join(etree.tostring(one, encoding="unicode") for one in element) if len(element) else text


def _plain(draft: Draft) -> str:
    return read_plain(draft.stem) if draft.markup == "html" else " ".join(draft.stem.split())


def _weighs(grade: str) -> bool:
    try:
        return bool(grade) and float(grade) != 1
    except ValueError:
        return True


def _write(item: Leaving, remarks: list[Remark]) -> str:
    draft = item.draft
    stage = draft.stages[0]
    known = as_tags(carry(item, tags=False))
    exact = all(tag == " ".join(tag.split()) and tag not in known for tag in draft.tags)
    carried = carry(item, tags=not exact or len(set(draft.tags)) != len(draft.tags))
    name = _plain(draft)
    parts = [
        '<question type="multichoice">\n',
        f"<name><text>{_escape(name if len(name) <= _NAME else name[:_NAME] + '…') or item.item}</text></name>\n",
        _text("questiontext", draft.stem, item),
        _text("generalfeedback", draft.explanation, item),
        "<defaultgrade>1</defaultgrade><penalty>0</penalty><hidden>0</hidden>\n",
        f"<idnumber>{_escape(item.item)}</idnumber>\n",
        "<single>true</single><shuffleanswers>true</shuffleanswers><answernumbering>none</answernumbering>\n",
    ]
    for choice in stage.choices:
        parts.append(_text("answer", choice.text, item, ' fraction="100"' if choice.role == Role.KEY else _WRONG))
    parts.append("<tags>")
    parts += [f"<tag><text>{_escape(tag)}</text></tag>" for tag in (*draft.tags, *known)]
    parts.append(f'</tags>\n<{MARK} xmlns="urn:{MARK}">{_escape(pack(carried))}</{MARK}>\n</question>\n')
    told = "".join(parts)
    if _NO_XML.search(told):
        told = _NO_XML.sub("", told)
        remarks.append(Remark("loss", "characters", "Знаки U+FFFE и U+FFFF в XML не помещаются и опущены."))
    if draft.markup == "html" and _lacks_pictures(item):
        remarks.append(Remark("loss", "pictures_left", "Одного из изображений нет: в файле осталось его имя."))
    if len(stage.choices) < 2 or all(choice.role != Role.KEY for choice in stage.choices):
        remarks.append(
            Remark("note", "unready", "Задание не готово: сама Moodle без двух вариантов и эталона не примет.")
        )
    return told


def _text(name: str, text: str, item: Leaving, attributes: str = "") -> str:
    if item.draft.markup == "text":
        return f'<{name}{attributes} format="plain_text"><text>{_escape(text)}</text></{name}>\n'
    text, files = put_pictures(text, item.pictures)
    return f'<{name}{attributes} format="html"><text>{_escape(text)}</text>{files}</{name}>\n'


def _lacks_pictures(item: Leaving) -> bool:
    draft = item.draft
    texts = (draft.stem, draft.explanation, *(choice.text for choice in draft.stages[0].choices))
    return any(asset not in item.pictures for text in texts if "<img" in text for asset in find_assets(text))


def _escape(text: str) -> str:
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text or ">" in text:
        text = text.replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;") if "\r" in text else text
