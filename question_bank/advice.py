"""What an author may want to think over: no fault, nothing that keeps an item from review. Pure.

The rules are those of T. Haladyna, S. Downing, M. Rodriguez, «A Review of Multiple-Choice Item-Writing Guidelines for
Classroom Assessment», Applied Measurement in Education 15 (2002); their numbers there stand beside the codes. What a
rule can see of them in words is little, and it says so by being advice. Reading is taken at WORDS_A_MINUTE, slower than
the 238 that M. Brysbaert («How many words do we read per minute?», 2019) found for English prose: these are denser.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from core.moments import MINUTE
from question_bank.drafts import Draft, DraftStage
from question_bank.items import Role
from question_bank.likeness import normalise
from question_bank.markup import Markup, read_plain

Code = Literal[
    "key_long", "all_of_these", "none_of_these", "combined", "negative", "double_negative", "absolute", "contained",
    "overlap", "repeated", "clang", "article", "odd_stop", "short_stem", "no_explanation", "no_sources", "hasty",
]  # fmt: skip

SENTENCES: dict[Code, str] = {
    "key_long": "Эталон заметно длиннее остальных вариантов: его выбирают, не зная ответа. Сократите его или допишите "
    "дистракторы.",  # 24, 28d
    "all_of_these": "«Все перечисленное» угадывают, узнав два верных варианта. Замените его дистрактором.",  # 26
    "none_of_these": "«Ничего из перечисленного» проверяет, что неверно, а не что верно. Замените его дистрактором.",
    # 25
    "combined": "Вариант ссылается на другие («А и Б»), а их порядок у каждого свой. Напишите ответ словами.",  # 9
    "negative": "Отрицание в вопросе легко пропустить. Спросите утвердительно или выделите его: НЕ, КРОМЕ.",  # 17
    "double_negative": "Отрицание и в вопросе, и в варианте: двойное отрицание путает знающих. Перепишите одно из них.",
    # 17, 27
    "absolute": "Слова «всегда», «никогда», «исключительно» выдают дистрактор: так почти не бывает. Смягчите их.",
    # 28a
    "contained": "Один вариант целиком входит в другой: если верен длинный, верен и короткий. Разведите их.",  # 22
    "overlap": "Промежутки вариантов пересекаются: одно значение подходит к двум. Разведите границы.",  # 22
    "repeated": "Все варианты повторяют одни и те же слова. Перенесите их в вопрос: читать станет короче.",  # 13, 15
    "clang": "Только эталон повторяет слово из вопроса: это подсказка. Замените слово или повторите его в дистракторе.",
    # 28b
    "article": "Артикль в конце вопроса подходит только к эталону. Напишите «a(n)» или перенесите артикль в варианты.",
    # 28c
    "odd_stop": "Точка стоит в конце только одного варианта: он заметен. Оформите варианты одинаково.",  # 23, 28d
    "short_stem": "Вопрос слишком короток: о чём он, видно только из вариантов. Напишите его целиком.",  # 15
    "no_explanation": "Нет пояснения: апелляции и тренировке нечем ответить, почему эталон верен. Напишите его.",
    "no_sources": "Нет источника: эталон нечем подтвердить. Укажите клинические рекомендации, приказ или учебник.",
    "hasty": "Одно чтение займёт больше половины времени задания. Сократите текст или дайте больше времени.",  # 13
}

WORDS_A_MINUTE = 150
LONGER = 1.5
"""How many times the key is as long as the longest distractor …"""
LONGER_BY = 12
"""… and by how many characters, before it is told."""
SHORTEST_STEM = 3
"""Words."""
LONGEST_REFERENCE = 40
"""Characters of an option that says nothing but which others are right."""
ROOT = 6
"""So many letters of a word that two words share are taken for the same word."""


class Advice(Struct, frozen=True):
    """`field` as faults name it; `choices`: which of them, from 0, where some are meant."""

    code: Code
    field: str
    sentence: str
    choices: tuple[int, ...] = ()


def advise(draft: Draft) -> tuple[Advice, ...]:
    """Everything there is to say, in the order of the fields; nothing before there is a stem."""
    return tuple(Advice(code, field, SENTENCES[code], choices) for code, field, choices in _look(draft))


class _Found(NamedTuple):
    code: Code
    field: str
    choices: tuple[int, ...] = ()


def _look(draft: Draft) -> Iterator[_Found]:
    stem = _marked(draft.stem, draft.markup)
    if not stem.strip():
        return  # just begun
    single = len(draft.stages) == 1 and not draft.stages[0].prompt
    if single and len(normalise(stem).split()) < SHORTEST_STEM:
        yield _Found("short_stem", "stem")
    if single and _has_unmarked_negation(stem):
        yield _Found("negative", "stem")
    for number, stage in enumerate(draft.stages):
        prompt = _marked(stage.prompt, draft.markup)
        if not single and _has_unmarked_negation(prompt):
            yield _Found("negative", f"stages.{number}.prompt")
        if stage.kind == "choice":
            for code, choices in _look_at_choices(prompt or stem, stage, draft.markup):
                yield _Found(code, f"stages.{number}.choices", choices)
    if not read_plain(draft.explanation).strip():
        yield _Found("no_explanation", "explanation")
    if not draft.sources:
        yield _Found("no_sources", "sources")
    if draft.limit is not None and 2 * _words(draft) * MINUTE > draft.limit * WORDS_A_MINUTE:
        yield _Found("hasty", "limit")


def _look_at_choices(question: str, stage: DraftStage, markup: Markup) -> Iterator[tuple[Code, tuple[int, ...]]]:
    texts = [_plain(choice.text, markup).strip() for choice in stage.choices]
    words = [normalise(_HYPHEN.sub("", text)) for text in texts]
    keys = [number for number, choice in enumerate(stage.choices) if choice.role is Role.KEY]
    key = keys[0] if len(keys) == 1 and len(texts) > 1 else None
    all_of, none_of = _which(words, _ALL), _which(words, _NONE)
    yield from _one("all_of_these", all_of)
    yield from _one("none_of_these", none_of)
    combined = tuple(place for place in _which(words, _COMBINED) if place not in all_of + none_of)
    if 2 * len(_which(words, _PAIR)) < len(words):  # where many are pairs, such as 2 : 30, that is what is asked
        yield from _one("combined", combined)
    if key is not None and not _is_reference(words[key]):
        if _is_long(texts, key):
            yield "key_long", (key,)
        if _clangs(question, words, key):
            yield "clang", (key,)
        if _betrays_article(question, texts, key):
            yield "article", (key,)
    if _NEGATION.search(_question(question)):
        yield from _one("double_negative", _which(words, _NEGATIVE_CHOICE))
    yield from _one("absolute", _which(words, _ABSOLUTE))
    yield from _one("contained", _contained(words))
    yield from _one("overlap", _overlapping(texts))
    if _repeats(words):
        yield "repeated", ()
    stops = tuple(number for number, text in enumerate(texts) if text.endswith("."))
    if len(stops) == 1 and len(texts) > 2 and not _SHORTENED.search(texts[stops[0]]):
        yield "odd_stop", stops


def _one(code: Code, choices: tuple[int, ...]) -> Iterator[tuple[Code, tuple[int, ...]]]:
    if choices:
        yield code, choices


def _which(words: Sequence[str], pattern: "re.Pattern[str]") -> tuple[int, ...]:
    return tuple(number for number, text in enumerate(words) if pattern.search(text))


# --- texts

_MARKED = re.compile(r"<(strong|em)>((?:(?!</?\1>).)*+)</\1>", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")


def _plain(text: str, markup: Markup) -> str:
    return read_plain(text) if markup == "html" else text


def _marked(text: str, markup: Markup) -> str:
    """The plain words; those that were emphasised in capitals."""
    if markup == "html":
        text = _MARKED.sub(lambda match: _upper(match[2]), text)
    return _plain(text, markup)


def _upper(html: str) -> str:
    tags = _TAG.findall(html)
    parts = [part.upper() for part in _TAG.split(html)]
    return parts[0] + "".join(tag + part for tag, part in zip(tags, parts[1:], strict=True))


def _words(draft: Draft) -> int:
    texts = [draft.stem]
    for stage in draft.stages:
        texts += [stage.prompt, stage.reveal, *(choice.text for choice in stage.choices)]
    return sum(len(_plain(text, draft.markup).split()) for text in texts)


# --- negation

_NEGATION = re.compile(
    r"\b(?:не|кроме|исключая|за исключением|неверн\w+|ошибочн\w+|неправильн\w+|except|not|least|incorrect|false)\b",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"\bкроме(?: одного)?\s*[:.?]?\s*$|,\s*кроме\b|\bкроме\s*[:?]|\b(?:исключая|за исключением)\s*[:?]?\s*$"
    r"|\b(?:что|чего|чем|как\w{1,4}|котор\w+ из|из них|перечисленн\w+|следующ\w+)\b[^.?!]{0,80}?\bне\b(?! только)"
    r"|\bне\s+(?:явля|относ|характер|показан|применя|использу|вход|следует|рекоменд|типич|наблюда|встреча|вызыва"
    r"|привод|может|верн|соответств|включа|свойствен|выполня|провод|отмеча|сопровожда|возника|обладает|име[ею]"
    r"|требу|учитыва|назнача|допуска|развива|влия|должн|быва|оказыва|определя)\w*[^.?!,]{0,60}[:?.…]*\s*$"
    r"|\b(?:неверн\w+|неправильн\w+|ошибочн\w+)\s+(?:явля|счита|утвержд|ответ)"
    r"|\bexcept\b|\bleast likely\b|\b(?:which|what)\b[^.?!]{0,120}\bnot\b|\bnot\b[^.?!]{0,40}[:?]\s*$"
    r"|\b(?:is|are) (?:false|incorrect|not true)\b",
    re.IGNORECASE,
)
_NEGATIVE_CHOICE = re.compile(r"^(?:не|нет|никогда|not|no)\b")
_LAST = re.compile(r"(?:^|(?<=[.!?;])\s+)(?=\S)")


def _question(stem: str) -> str:
    """The last sentence: what comes before it is the case."""
    sentences = [part for part in _LAST.split(stem.strip()) if part.strip(" .:?")]
    return sentences[-1] if sentences else ""


def _has_unmarked_negation(stem: str) -> bool:
    """Whether the question asks for what is not, and not one of the words that say so stands in capitals."""
    asked = _ASKED.search(question := " ".join(_question(stem).split()))
    return asked is not None and not any(word.isupper() for word in _NEGATION.findall(question))


# --- options

_THESE = r"(?:перечислен|указан|названн|вышеперечислен|вышеуказан|приведен|ответ|вариант|верн|правильн|утвержд)\w*"
_ALL = re.compile(
    rf"^(?:верн\w+ |правильн\w+ )?вс[её]\b(?: из| эти)?(?: выше)? ?{_THESE}|^вс[её] (?:верно|правильно|варианты|ответы)"
    rf"|^(?:верн|правильн)\w* вс[её]\b|^all (?:of )?(?:the )?(?:above|these|options|answers)"
    r"|^(?:оба|обе) (?:ответа|варианта|утверждения)|^both of (?:the|these)"
)
_NONE = re.compile(
    rf"^(?:ничего|ничто|ни од\w+|нет|никак\w+|нет верн\w+) ?(?:из )?(?:выше)?{_THESE}|^нет (?:верного|правильного)"
    r"|^(?:все|верно|правильно) (?:ответы |варианты )?(?:неверн|неправильн)\w*|^none of (?:the )?(?:above|these|them)"
)
_COMBINED = re.compile(
    r"^(?:(?:верн|правильн)\w*:? )?(?:(?:ответ|вариант|пункт|утверждени)\w* )?[1-6а-е]"
    r"(?: (?:и )?[1-6а-е])* и [1-6а-е]$|^(?:options? )?[a-f](?: [a-f])* (?:and|or) [a-f](?: only)?$"
    r"|^(?:верн|правильн)\w* (?:ответ\w* )?[1-6а-е](?: [1-6а-е])*$"
)
_PAIR = re.compile(r"^\w{1,3} (?:и |and )?\w{1,3}$")
_ABSOLUTE = re.compile(
    r"\b(?:всегда|никогда|исключительно|абсолютно|ни при каких|во всех случаях|в любом случае|ни в коем случае"
    r"|always|never|absolutely|completely|in all cases|under no circumstances)\b"
)
_SHORTENED = re.compile(r"(?:\b\w{1,4}|\d)\.$")
_HYPHEN = re.compile(r"(?<=\w)-(?=\w)")


def _is_reference(words: str) -> bool:
    """Whether an option only speaks of others."""
    return len(words) <= LONGEST_REFERENCE and any(one.search(words) for one in (_ALL, _NONE, _COMBINED))


def _is_long(texts: Sequence[str], key: int) -> bool:
    longest = max(len(text) for number, text in enumerate(texts) if number != key)
    return len(texts[key]) >= max(LONGER * longest, longest + LONGER_BY)


def _contained(words: Sequence[str]) -> tuple[int, ...]:
    """The first pair of which one holds all words of the other, in their order, without a break."""
    for one, inner in enumerate(words):
        for other, outer in enumerate(words):
            if one != other and inner and inner != outer and len(inner) > 3 and f" {inner} " in f" {outer} ":
                return tuple(sorted((one, other)))
    return ()


def _repeats(words: Sequence[str]) -> bool:
    """Whether all begin or all end with the same two words, one of which is no short one, as units are."""
    cut = [text.split() for text in words]
    if len(cut) < 3 or min(map(len, cut)) < 3:
        return False
    return any(
        len({tuple(one[part]) for one in cut}) == 1 and max(map(len, cut[0][part])) >= ROOT
        for part in (slice(None, 2), slice(-2, None))
    )


def _clangs(question: str, words: Sequence[str], key: int) -> bool:
    """Whether a long word of the question is in the key and in no other option."""
    asked = {word[:ROOT] for word in normalise(question).split() if len(word) > ROOT}
    said = [{word[:ROOT] for word in text.split() if len(word) > ROOT} for text in words]
    others = set().union(*(roots for number, roots in enumerate(said) if number != key))
    return bool(asked & said[key]) and not asked & others


def _betrays_article(question: str, texts: Sequence[str], key: int) -> bool:
    article = re.search(r"\b(an?)[\s:…_.]*$", question)
    if article is None:
        return False
    vowels = [text[:1].lower() in "aeiou" for text in texts]
    fits = [vowel is (article[1] == "an") for vowel in vowels]
    return fits[key] and fits.count(True) == 1


# --- numbers

_NUMBER = r"(-?\d+(?:[.,]\d+)?)"
_RANGE = re.compile(rf"^(?:от )?{_NUMBER} ?(?:-|–|—|до|to) ?{_NUMBER}(?!\d)(?P<unit>.*)$", re.IGNORECASE)
_SINGLE = re.compile(rf"^{_NUMBER}(?![\d.,:/–—-])(?P<unit>.*)$")


def _overlapping(texts: Sequence[str]) -> tuple[int, ...]:
    """The first two ranges of one unit that share more than an end, or a number within a range."""
    spans = [_span(text) for text in texts]
    if None in spans or not spans or len({span[2] for span in spans if span}) > 1:
        return ()
    for one, (low, high, _) in ((n, span) for n, span in enumerate(spans) if span):
        for other, (least, most, _) in ((n, span) for n, span in enumerate(spans) if span and n > one):
            if max(low, least) < min(high, most) or low < least == most < high or least < low == high < most:
                return one, other
    return ()


def _span(text: str) -> tuple[float, float, str] | None:
    if match := _RANGE.match(text):
        low, high = (float(match[place].replace(",", ".")) for place in (1, 2))
        return (low, high, normalise(match["unit"])) if low < high else None
    if match := _SINGLE.match(text):
        value = float(match[1].replace(",", "."))
        return value, value, normalise(match["unit"])
    return None
