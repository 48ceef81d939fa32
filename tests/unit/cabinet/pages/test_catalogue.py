"""Nothing that a candidate reads is left in Russian on an English page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

import cabinet.pages
from cabinet.pages.home import NOT_PREPARED
from cabinet.pages.practice import NOT_PREPARED as NO_PRACTICE
from core.web import language
from core.web.pages import Pages
from exam_server import practice
from exam_server.eligibility import SENTENCES
from exam_server.scheduling import NO_BOOKING, NO_WINDOW
from exam_server.store import NO_SITTING

TEMPLATES = Path(cabinet.pages.__file__).parent / "templates"
MODULES = TEMPLATES.parents[1]


@pytest.fixture(autouse=True)
def _catalogues() -> Iterator[None]:
    Pages(["cabinet"])
    yield
    language.load()


def spoken() -> tuple[set[str], set[tuple[str, str]]]:
    found = list(extract_from_dir(TEMPLATES, [("**.html", "jinja2.ext:babel_extract")]))
    sentences = {message for _, _, message, _, _ in found if isinstance(message, str)}
    counted = {(message[0], message[1]) for _, _, message, _, _ in found if isinstance(message, tuple)}
    sentences |= {*SENTENCES.values(), *practice.SENTENCES.values(), NO_PRACTICE.message}
    sentences |= {error.message for error in (NOT_PREPARED, NO_BOOKING, NO_WINDOW, NO_SITTING)}
    return sentences, counted


def test_every_sentence_has_an_english_one() -> None:
    sentences, _ = spoken()
    english = language.gettext("en")
    assert len(sentences) > 150
    assert [sentence for sentence in sorted(sentences) if english(sentence) == sentence] == []


def test_everything_counted_has_its_forms_in_both_languages() -> None:
    _, counted = spoken()
    assert len(counted) >= 8
    for one, many in counted:
        forms = [language.ngettext("ru")(one, many, count) for count in (1, 3, 5)]
        assert forms[0] == one
        assert forms[2] == many
        for count in (1, 5):
            assert language.ngettext("en")(one, many, count) not in (one, many)


@pytest.mark.parametrize(("count", "text"), [(1, "день"), (2, "дня"), (5, "дней"), (11, "дней"), (21, "день")])
def test_days_agree_with_their_number(count: int, text: str) -> None:
    said = language.ngettext("ru")("Через %(num)s день", "Через %(num)s дней", count)
    assert said % {"num": count} == f"Через {count} {text}"


@pytest.mark.parametrize(("maximum", "text"), [(20, "баллов"), (21, "балла"), (22, "баллов"), (80, "баллов")])
def test_points_agree_with_the_maximum(maximum: int, text: str) -> None:
    said = language.ngettext("ru")("%(earned)s из %(num)s балла", "%(earned)s из %(num)s баллов", maximum)
    assert said % {"earned": "18", "num": maximum} == f"18 из {maximum} {text}"
