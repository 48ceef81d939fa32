"""GIFT, Moodle's format of plain text. What it has no place for stands in comments, which others pass over."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from msgspec.structs import replace

from question_bank.drafts import DraftChoice
from question_bank.exchange.carried import (
    MARK,
    SPACES,
    UNREAD,
    Carried,
    carry,
    find_plain_choice,
    from_tags,
    give_back,
    pack,
    settle_ends,
    settle_tags,
    unpack,
)
from question_bank.exchange.entries import Arriving, Leaving, Place, Rejected, Remark, Written
from question_bank.exchange.gift_syntax import (
    KEPT,
    LONGEST,
    Block,
    Question,
    Unreadable,
    escape,
    parse,
    read_blocks,
    starts_with_format,
)
from question_bank.exchange.head import Head
from question_bank.exchange.moodle_texts import REJECTED, category_tag, find_reason, make_draft
from question_bank.exchange.text_files import GUESSED, find_encoding, peek
from question_bank.items import Role

_CATEGORY = "$CATEGORY:"
# Bounded, for a comment may be a megabyte of beginnings.
_ID = re.compile(r"\[id:((?:[^\]\\\x00-\x1f\x7f]{1,100}+|\\\]?+){1,8}+)\]")
_TAG = re.compile(r"\[tag:((?:[^\]\\<>`\x00-\x1f\x7f]{1,100}+|\\\]?+){1,8}+)\]")
_PLAIN_TAG = re.compile(r"[^<>`\x00-\x1f\x7f\\]+")
_OWN = re.compile(rf"\s*//\s*\[{MARK}:(.*)\]\s*")
_BEGINS = re.compile(r"^[ \t]*(?:\$CATEGORY:|::[^:\n]+::)", re.MULTILINE)
_BRACED = re.compile(r"(?<!\\)\{([^{}]*)\}")
_ANSWERS = re.compile(r"(?<!\\)[~=#]|^[ \t]*(?:T|F|TRUE|FALSE)$")

_SENTENCES = REJECTED | {
    "unclosed": "Фигурная скобка с ответами не закрыта: вопрос не прочитан. Закройте её и загрузите файл снова.",
    "too_long": f"Вопрос длиннее {LONGEST} знаков и не прочитан; сохранено его начало, {KEPT} знаков.",
}
_EDGES = (" ", "\t", "\r")
_BRACKET = "\\]"
_PLAIN_ID = re.compile(r"[^\]\x00-\x1f\x7f\\]+")
_FEW = Remark("loss", "no_distractors", "В задании нет ни одного дистрактора: в этом формате это задание другого вида.")
_PICTURES = Remark(
    "loss",
    "pictures_left",
    "Изображения в этот формат не помещаются, в нём остаются их имена: "
    "задание прочтётся там, где эти изображения есть.",
)


def recognise(head: Head) -> bool:
    text = peek(head.start)
    if text.lstrip().startswith("<") and not head.name.endswith(".gift"):
        return False
    if _BEGINS.search(text) is not None:
        return True
    return any(_ANSWERS.search(braced[1].rstrip()) is not None for braced in _BRACED.finditer(text))


def read(path: Path) -> Iterator[Arriving | Rejected]:
    """Raises Invalid of find_encoding."""
    encoding = find_encoding(path)
    guessed = encoding == "cp1251"
    number, category = 0, ""
    with path.open(encoding=encoding) as file:
        for block in read_blocks(file):
            text, line = block.text, block.line
            if not block.fault and text.startswith(_CATEGORY):
                named, _, text = text[len(_CATEGORY) :].partition("\n")
                category = category_tag(named.strip())
                if not text.strip():
                    continue
                line += 1
            number += 1
            entry = _read(block, text, Place(number, line=line), category)
            if guessed and isinstance(entry, Arriving):
                entry, guessed = replace(entry, remarks=(GUESSED, *entry.remarks)), False
            yield entry


def write(items: Iterable[Leaving], target: IO[bytes]) -> Iterator[Written]:
    for item in items:
        stage = find_plain_choice(item.draft)
        if isinstance(stage, Remark):
            yield Written(item.item, (stage,), left_out=True)
        elif all(choice.role == Role.KEY for choice in stage.choices):
            yield Written(item.item, (_FEW,), left_out=True)
        else:
            target.write(_write(item, stage.choices).encode())
            yield Written(item.item, _remarks(item))


def _read(block: Block, text: str, place: Place, category: str) -> Arriving | Rejected:
    comments = "".join(block.comments)
    identifier = _unescape(found[1]) if comments and (found := _ID.search(comments)) else ""
    reason = sentence = ""
    try:
        question = None if block.fault else parse(text)
    except Unreadable as error:
        question, reason, sentence = None, "syntax", str(error)
    if question is None:
        reason = reason or block.fault
    else:
        identifier = identifier or question.title
        reason = find_reason(question.item) if question.kind == "choice" else question.kind
    if question is None or reason:
        original = "".join(block.lines).encode(errors="replace")
        return Rejected(place, reason, sentence or _SENTENCES[reason], identifier, original)
    return _arriving(question, comments, place, identifier, category)


def _arriving(question: Question, comments: str, place: Place, identifier: str, category: str) -> Arriving:
    remarks: list[Remark] = []
    carried, tags = _carried(comments, remarks) if comments else (None, ())
    tags = settle_tags([*tags, category], remarks) if category or tags else ()
    draft = make_draft(question.item, None if carried is None else carried.markup, _no_picture, remarks)
    if tags:
        draft = replace(draft, tags=tags)
    if carried is not None:
        return Arriving(
            place,
            give_back(draft, carried),
            identifier or carried.home,
            carried.home,
            tuple(remarks),
            enemies=carried.enemies,
        )
    if question.title and identifier != question.title and not draft.stem.startswith(question.title):
        remarks.append(Remark("loss", "title", "Название вопроса не перенесено: здесь у заданий нет названий."))
    return Arriving(place, draft, identifier, remarks=tuple(remarks))


def _carried(comments: str, remarks: list[Remark]) -> tuple[Carried | None, tuple[str, ...]]:
    carried = None
    if f"[{MARK}:" in comments:
        own = next((match[1] for line in comments.split("\n") if (match := _OWN.fullmatch(line))), "")
        carried = unpack(own)
        if carried is None:
            remarks.append(UNREAD)
    tags = tuple(_unescape(tag) for tag in _TAG.findall(comments)) if "[tag:" in comments else ()
    if carried is None:
        carried, tags = from_tags(tags)
    return carried, tags


def _write(item: Leaving, choices: tuple[DraftChoice, ...]) -> str:
    draft = item.draft
    told = all(_PLAIN_TAG.fullmatch(tag) and tag == " ".join(tag.split()) for tag in draft.tags)
    exact = told and len(set(draft.tags)) == len(draft.tags)
    carried = carry(item, tags=not exact)
    names = [f"[id:{item.item}]"] if _PLAIN_ID.fullmatch(item.item) else []
    names += [f"[tag:{tag.replace(']', _BRACKET)}]" for tag in draft.tags if _PLAIN_TAG.fullmatch(tag)]
    format = "[html]" if draft.markup == "html" else "[plain]"
    lines = [
        f"// {' '.join(names)}" if names else "//",
        f"// [{MARK}:{pack(carried)}]",
        f"{format}{_escape(draft.stem)}{{",
    ]
    for choice in choices:
        sign = "=" if choice.role == Role.KEY else "~"
        text = _escape(choice.text)
        if text.lstrip().startswith("%") or starts_with_format(text):
            text = format + text
        lines.append(f"\t{sign}{text}")
    if draft.explanation:
        text = _escape(draft.explanation)
        lines.append(f"\t####{format if starts_with_format(text) else ''}{text}")
    return "\n".join((*lines, "}", "", ""))


def _escape(text: str) -> str:
    return escape(settle_ends(text))


def _remarks(item: Leaving) -> tuple[Remark, ...]:
    draft = item.draft
    remarks = []
    if item.pictures:
        remarks.append(_PICTURES)
    texts = (draft.stem, draft.explanation, *(choice.text for choice in draft.stages[0].choices))
    if any("\r" in text or text[:1] in _EDGES or text[-1:] in _EDGES for text in texts if text):
        remarks.append(SPACES)
    return tuple(remarks)


def _unescape(text: str) -> str:
    return text.replace(_BRACKET, "]").strip()


def _no_picture(_attributes: dict[str, str]) -> str | None:
    return None
