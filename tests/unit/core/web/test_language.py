from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from babel.messages.extract import extract_from_dir

from core.web import components, language, problems

TEMPLATES = Path(language.__file__).parent / "templates"


@pytest.mark.parametrize(
    ("cookie", "accept", "lang"),
    [
        (None, None, "ru"),
        (None, "", "ru"),
        (None, "en", "en"),
        (None, "en-US,en;q=0.9", "en"),
        (None, "ru,en;q=0.9", "ru"),
        (None, "en;q=0.5,ru;q=0.9", "ru"),
        (None, "en,ru", "en"),
        (None, "de,fr;q=0.9", "ru"),
        (None, "de,en;q=0.1", "en"),
        (None, "en;q=0", "ru"),
        (None, "en;q=broken,*", "ru"),
        ("en", "ru", "en"),
        ("ru", "en", "ru"),
        ("de", "en", "en"),
        ("", "en", "en"),
    ],
)
def test_the_visitors_choice_then_the_browsers_then_russian(cookie: str | None, accept: str | None, lang: str) -> None:
    assert language.choose(cookie, accept) == lang


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/cabinet?page=2", "/cabinet?page=2"),
        ("https://evil.test/", "/"),
        ("//evil.test/", "/"),
        ("/\\evil.test", "/"),
        ("\\\\evil.test", "/"),
        ("/\t/evil.test", "/"),
        ("//[", "/"),
        ("https://[", "/"),
        ("javascript:alert(1)", "/"),
        ("cabinet", "/"),
        ("", "/"),
    ],
)
async def test_the_choice_is_kept_and_leads_back_but_never_away(
    client: httpx.AsyncClient, wanted: str, led: str
) -> None:
    answer = await client.post("/language", data={"lang": "en", "next": wanted})
    assert (answer.status_code, answer.headers["location"]) == (303, led)
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("lang=en;")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


async def test_an_unknown_language_is_not_kept(client: httpx.AsyncClient) -> None:
    answer = await client.post("/language", data={"lang": "xx", "next": "/"})
    assert "set-cookie" not in answer.headers


@pytest.fixture
def another_catalogue(tmp_path: Path) -> Iterator[Path]:
    for lang, forms in {"ru": ("вопрос", "вопроса", "вопросов"), "en": ("question", "questions")}.items():
        folder = tmp_path / lang / "LC_MESSAGES"
        folder.mkdir(parents=True)
        lines = ['msgid "вопрос"', 'msgid_plural "вопросов"']
        lines += [f'msgstr[{n}] "{form}"' for n, form in enumerate(forms)]
        extra = ['msgid "Выйти"', 'msgstr "Go away"'] if lang == "en" else []
        (folder / "messages.po").write_text("\n".join([*lines, "", *extra, ""]), encoding="utf-8")
    yield tmp_path
    language.load()


def test_packages_add_catalogues_with_plural_forms(another_catalogue: Path) -> None:
    language.load([another_catalogue])
    counted = {n: language.ngettext("ru")("вопрос", "вопросов", n) for n in (1, 2, 5, 11, 21, 104)}
    assert counted == {1: "вопрос", 2: "вопроса", 5: "вопросов", 11: "вопросов", 21: "вопрос", 104: "вопроса"}
    assert language.ngettext("en")("вопрос", "вопросов", 2) == "questions"


def test_a_package_cannot_change_what_core_says(another_catalogue: Path) -> None:
    language.load([another_catalogue])
    assert language.gettext("en")("Выйти") == "Sign out"


def test_an_unknown_sentence_and_an_unknown_language_stay_russian() -> None:
    assert language.gettext("en")("Такого нет") == "Такого нет"
    assert language.gettext("xx")("Выйти") == "Выйти"


def test_speaking_ends_with_its_block() -> None:
    with language.speaking("en"):
        assert language.current() == "en"
    assert language.current() == "ru"


def spoken() -> set[str]:
    """Every Russian sentence that core.web can show."""
    found = extract_from_dir(TEMPLATES, [("**.html", "jinja2.ext:babel_extract")], strip_comment_tags=True)
    sentences = {message for _, _, message, _, _ in found if isinstance(message, str)}
    for explanation in problems.EXPLANATIONS.values():
        sentences |= {explanation.title, explanation.message, explanation.advice}
    sentences |= {row[name] for row in components.BOOKINGS for name in ("specialty", "word")}
    return sentences


def test_every_sentence_has_an_english_one() -> None:
    sentences = spoken()
    assert len(sentences) > 150
    english = language.gettext("en")
    assert [sentence for sentence in sorted(sentences) if english(sentence) == sentence] == []
