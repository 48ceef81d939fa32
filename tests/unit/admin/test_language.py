"""Every sentence of the staff's pages has an English one, and counted ones have all their Russian forms."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

import admin
from admin.bulk import UNSUITED
from admin.pages.bank import KIND_WORDS, LEVEL_WORDS
from admin.pages.bank import ROLE_WORDS as CHOICE_WORDS
from admin.pages.blueprints import (
    ACCREDITATION_WORDS,
    BAND_WORDS,
    EXPLANATION_WORDS,
    SETTING_WORDS,
)
from admin.pages.bulk import ACT_WORDS, MEANING_WORDS
from admin.pages.exchange import UNKNOWN_WORDS
from admin.pages.exchange_words import (
    BATCH_WORDS,
    CARRIED_WORDS,
    DRY_FATE,
    DRY_FATES,
    KEPT_FATE,
    KEPT_FATES,
    WEIGHT_WORDS,
)
from admin.pages.forms import ENDING_WORDS
from admin.pages.forms import STATE_WORDS as SEARCH_WORDS
from admin.pages.frame import DONE, SECTIONS
from admin.pages.item_words import FIELD_WORDS, MOVE_WORDS, STEP_WORDS, VALUE_WORDS
from admin.pages.item_words import STATE_WORDS as VERSION_WORDS
from admin.pages.operations import TOPIC_WORDS
from admin.pages.people import ROLE_WORDS, ZONE_WORDS
from admin.pages.proctor import CLOCK_WORDS
from admin.pages.register import ACTOR_WORDS
from admin.pages.shelves import SHORTCUTS
from admin.pages.shelves import WORDS as SHELF_WORDS
from admin.pages.sittings import CHANGE_WORDS, SEVERITY_WORDS, STATE_WORDS, VIA_WORDS
from admin.pages.sittings import ROLE_WORDS as STILL_WORDS
from core.web import language
from core.web.pages import Pages
from exam_server import allowances, closing, invigilation, late_answers
from exam_server.invigilation import SENTENCES
from proctoring.signals import TITLES
from question_bank import workflow
from question_bank.advice import SENTENCES as ADVICE
from registry.pages.words import KIND_WORDS as ENTRY_KIND_WORDS
from registry.pages.words import STATUS_WORDS

PACKAGE = Path(admin.__file__).parent
CAPITALS = "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЭЮЯ"
STAFF_CODES = (
    "bad_span", "past_window", "paused", "not_paused", "on_break", "bad_allowance", "bad_moment", "too_many_notices",
    "not_started", "ended", "not_ended", "unknown_late",
)  # fmt: skip
ERRORS = {"Invalid", "Conflict", "NotFound", "Forbidden", "TooMany", "TooLarge", "Unavailable"}


@pytest.fixture(autouse=True)
def _catalogues() -> Iterator[None]:
    Pages(["admin"])
    yield
    language.load()


def spoken() -> set[str]:
    """Every Russian sentence that the staff's pages can show by themselves."""
    methods = [("**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
    keywords = {"_": None, "gettext": None, "say": None}
    found = extract_from_dir(PACKAGE, methods, keywords=keywords)
    sentences = {message for _, _, message, _, _ in found if isinstance(message, str)}
    for words in (
        KIND_WORDS, LEVEL_WORDS, CHOICE_WORDS, DONE, TOPIC_WORDS, ROLE_WORDS, ZONE_WORDS, ENTRY_KIND_WORDS,
        STATUS_WORDS, STILL_WORDS, SEVERITY_WORDS, STATE_WORDS, TITLES, ACTOR_WORDS, CLOCK_WORDS,
        CHANGE_WORDS, VIA_WORDS, ACT_WORDS, MEANING_WORDS, UNSUITED, ADVICE,
        CARRIED_WORDS, BATCH_WORDS, DRY_FATE, DRY_FATES, KEPT_FATE, KEPT_FATES, WEIGHT_WORDS, UNKNOWN_WORDS,
        CHANGE_WORDS, VIA_WORDS, FIELD_WORDS, MOVE_WORDS, STEP_WORDS, VALUE_WORDS, VERSION_WORDS,
        ENDING_WORDS, SEARCH_WORDS, ACCREDITATION_WORDS, BAND_WORDS, EXPLANATION_WORDS, SETTING_WORDS,
    ):  # fmt: skip
        sentences |= set(words.values())
    for words in (words for name, words in SHELF_WORDS.items() if name.endswith("_words")):
        sentences |= set(words.values())
    sentences |= {title for title, _ in SHORTCUTS.values()}
    for section in SECTIONS:
        sentences |= {section.title, section.about}
    return sentences | set(refusals())


def refusals() -> Iterator[str]:
    """Constant sentences and field reasons of the errors that this package raises, and of what staff do to sittings."""
    yield from (SENTENCES[code] for code in STAFF_CODES)
    engine = (Path(str(module.__file__)) for module in (allowances, closing, invigilation, late_answers, workflow))
    for file in (*PACKAGE.rglob("*.py"), *engine):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith(("problems[", "fields[")):
                yield from _constants([node.value])
            if isinstance(node, ast.IfExp):
                yield from _constants([node.body, node.orelse])
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS):
                continue
            values = [*node.args[1:2]]
            values += [
                value for word in node.keywords if isinstance(word.value, ast.Dict) for value in word.value.values
            ]
            yield from _constants(values)


def _constants(values: list[ast.expr]) -> Iterator[str]:
    for one in values:
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value[:1] in CAPITALS:
            yield one.value


def test_every_sentence_has_an_english_one() -> None:
    sentences = spoken()
    assert len(sentences) > 350
    english = language.gettext("en")
    assert [sentence for sentence in sorted(sentences) if english(sentence) == sentence] == []


def test_nothing_is_lost_in_translation() -> None:
    english = language.gettext("en")
    for sentence in spoken():
        for name in {part.split(")s")[0] for part in sentence.split("%(")[1:]}:
            assert f"%({name})s" in english(sentence), sentence


@pytest.mark.parametrize(
    ("one", "many", "few", "english"),
    [
        ("тестирование идёт", "тестирований идёт", "тестирования идут", "exams running"),
        ("ждёт рассмотрения", "ждут рассмотрения", "ждут рассмотрения", "wait for a review"),
        ("сообщение не уходит", "сообщений не уходят", "сообщения не уходят", "messages do not go out"),
    ],
)  # fmt: skip
def test_counted_words_have_all_their_forms(one: str, many: str, few: str, english: str) -> None:
    assert [language.ngettext("ru")(one, many, count) for count in (1, 2, 5)] == [one, few, many]
    assert language.ngettext("en")(one, many, 5) == english
