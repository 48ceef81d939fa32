"""Texts and keys as Moodle has them, in GIFT and in its XML: four formats of text, fractions, feedback. Pure."""

import re
from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from question_bank.adaptation import Adapted, adapt, as_html, unite
from question_bank.drafts import Draft, DraftChoice, DraftStage
from question_bank.exchange.entries import Remark
from question_bank.items import Role
from question_bank.markup import Markup, clean

TextFormat = Literal["html", "moodle", "plain", "markdown"]
Picture = Callable[[dict[str, str]], str | None]

_HTML = re.compile(r"<[a-zA-Z/!]|&(?:[a-zA-Z]\w*|#\w+);")
_TOP = re.compile(r"\s*\$[^/$]*\$\s*(?:/\s*top\s*(?=/|$))?/?|\s*top\s*(?:/|$)")
_SLASHES = re.compile(r"(?<!/)/(?!/)")


class MoodleText(Struct, frozen=True):
    text: str
    format: TextFormat


class MoodleChoice(Struct, frozen=True):
    text: MoodleText
    percent: float
    """Of the question's mark; 100 is the key."""
    feedback: MoodleText | None = None


class MoodleItem(Struct, frozen=True):
    stem: MoodleText
    choices: tuple[MoodleChoice, ...]
    general: MoodleText | None = None


MARKDOWN = Remark("note", "markdown", "Разметка Markdown оставлена как текст. Проверьте, как он читается.")
FEEDBACK = Remark("note", "feedback", "Отзывы к вариантам дописаны в пояснение, каждый при словах своего варианта.")
REJECTED = {
    "true_false": "Задание «верно — неверно»: здесь такого вида нет, оно не прочитано.",
    "short_answer": "Задание с ответом, который пишут словами: здесь такого вида нет, оно не прочитано.",
    "numerical": "Задание с числовым ответом: здесь такого вида нет, оно не прочитано.",
    "matching": "Задание на соответствие: здесь такого вида нет, оно не прочитано.",
    "essay": "Задание с развёрнутым ответом: здесь такого вида нет, оно не прочитано.",
    "description": "Текст без вариантов ответа: это не задание, он не прочитан.",
    "several_keys": "Правильных ответов несколько: здесь он один, задание не прочитано.",
    "partial_credit": "Неполный ответ приносит часть балла: здесь он один и полный, задание не прочитано.",
}


def find_reason(item: MoodleItem) -> str:
    """Why the item cannot be one here: a code of REJECTED, or ""."""
    full = partial = 0
    for choice in item.choices:
        if choice.percent >= 100:
            full += 1
        elif choice.percent > 0:
            partial += 1
    if full > 1 or (partial and not full):
        return "several_keys"
    return "partial_credit" if partial else ""


def make_draft(item: MoodleItem, own: Markup | None, picture: Picture, remarks: list[Remark]) -> Draft:
    """`own`: the markup of an item that we wrote, whose texts are taken as they stand."""
    texts = [item.stem, *(choice.text for choice in item.choices)]
    if item.general is not None:
        texts.append(item.general)
    if own is not None and all(text.format == ("html" if own == "html" else "plain") for text in texts):
        markup, told = own, [clean(text.text) if own == "html" else text.text for text in texts]
        feedback: list[str] = []
    else:
        said = [choice for choice in item.choices if choice.feedback is not None]
        blocks = (0, len(item.choices) + 1)
        adapted = [_adapt_text(text, number not in blocks, picture) for number, text in enumerate(texts)]
        adapted += [_adapt_text(choice.feedback, True, picture) for choice in said if choice.feedback is not None]
        markup, told, feedback = _unite(adapted, len(texts), remarks)
        if any(text.format == "markdown" for text in texts):
            remarks.append(MARKDOWN)
        if feedback:
            named = [told[number] for number, choice in enumerate(item.choices, 1) if choice.feedback is not None]
            feedback = [f"«{option}»: {text}" for option, text in zip(named, feedback, strict=True) if text.strip()]
            remarks.append(FEEDBACK)
    options = told[1 : len(item.choices) + 1]
    explained = [text for text in (*told[len(item.choices) + 1 :], *feedback) if text]
    if markup == "html" and feedback:
        explained = [text if text.startswith("<") else f"<p>{text}</p>" for text in explained]
    roles = [Role.KEY if choice.percent >= 100 else Role.DISTRACTOR for choice in item.choices]
    if any(choice.percent < 0 for choice in item.choices):
        remarks.append(Remark("loss", "penalty", "Вычеты за неверные ответы не перенесены: здесь их нет."))
    if Role.KEY not in roles:
        remarks.append(Remark("fault", "no_key", "Эталон не указан. Отметьте правильный вариант."))
    return Draft(
        told[0],
        (DraftStage(tuple(map(DraftChoice, options, roles))),),
        ("" if markup == "html" else "\n").join(explained),
        markup=markup,
    )


def category_tag(category: str) -> str:
    """The name of a category as a tag, without where in its Moodle the categories begin."""
    match = _TOP.match(category)
    parts = _SLASHES.split(category[match.end() if match else 0 :])
    return " / ".join(part.replace("//", "/").strip() for part in parts if part.strip())


def _unite(adapted: Sequence[Adapted], count: int, remarks: list[Remark]) -> tuple[Markup, list[str], list[str]]:
    """The texts of one item in one markup: the first so many, and the others."""
    for loss in dict.fromkeys(loss for one in adapted for loss in one.losses):
        remarks.append(Remark("loss", "markup", loss))
    markup, told = unite(adapted)
    return markup, list(told[:count]), list(told[count:])


def _adapt_text(text: MoodleText, inline: bool, picture: Picture) -> Adapted:
    told = text.text
    if text.format == "html":
        return adapt(told, inline=inline, picture=picture)
    if text.format == "moodle" and _HTML.search(told):
        return adapt(told.replace("\n", "<br>"), inline=inline, picture=picture)
    return Adapted(told, "text", (), as_html(told, inline=inline))
