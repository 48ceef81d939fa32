import re
from pathlib import Path

import httpx
import pytest
from jinja2 import UndefinedError
from starlette.applications import Starlette
from starlette.requests import Request

from core.web import language
from core.web.pages import Pages, render

AT = 1_795_347_000_000


class Person:
    name = "Ковалёва <Анна>"
    roles = frozenset({"candidate"})


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with one template, one static file and an English catalogue."""
    root = tmp_path / "clinic_pages_example"
    templates, static = root / "pages/templates/clinic_pages_example", root / "pages/static"
    catalogue = root / "pages/locale/en/LC_MESSAGES"
    for folder in (templates, static, catalogue):
        folder.mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (templates / "hello.html").write_text(
        '{% extends "core/layout.html" %}{% block main %}<p id="hello">{{ _("Здравствуйте") }}, {{ who }}</p>'
        '{{ moment | datetime }}|{{ moment | datetime("Asia/Omsk") }}|{{ 4800000 | duration }}{% endblock %}'
    )
    (templates / "bare.html").write_text('{% extends "core/layout_bare.html" %}{% block main %}bare{% endblock %}')
    (static / "hello.css").write_text("p { color: red }")
    (catalogue / "messages.po").write_text('msgid "Здравствуйте"\nmsgstr "Good day"\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    return root.name


def request(pages: Pages, **headers: str) -> Request:
    app = Starlette()
    app.state.pages, app.state.csrf_secret = pages, b"secret"
    return Request(
        {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "server": ("exam.test", 80),
            "path": "/x",
            "query_string": b"a=1&b=2",
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
            "app": app,
            "state": {"principal": Person(), "login_key": "k"},
        }
    )


def body(answer: object) -> str:
    return bytes(answer.body).decode()  # type: ignore[attr-defined]


def test_a_page_of_a_package_stands_in_the_layout(package: str) -> None:
    answer = render(request(Pages([package])), f"{package}/hello.html", {"who": "<b>", "moment": AT}, 201)
    text = body(answer)
    assert answer.status_code == 201
    assert '<p id="hello">Здравствуйте, &lt;b&gt;</p>' in text
    assert "22\xa0ноября\xa02026, 14:30\xa0(МСК)|22\xa0ноября\xa02026, 17:30\xa0(МСК+3)|1\xa0ч\xa020\xa0мин" in text
    assert "Ковалёва &lt;Анна&gt;" in text
    assert 'action="/logout"' in text
    assert 'name="next" value="/x?a=1&amp;b=2"' in text
    assert len(set(re.findall(r'name="csrf(?:-token)?" (?:content|value)="([^"]{24})"', text))) == 1


def test_english_comes_from_the_package_and_from_core(package: str) -> None:
    asked = request(Pages([package]), accept_language="en")
    text = body(render(asked, f"{package}/hello.html", {"who": "Ann", "moment": AT}))
    assert "Good day, Ann" in text
    assert "Sign out" in text
    assert "22\xa0November\xa02026" in text


@pytest.mark.parametrize(
    ("cookie", "mark"), [("theme=dark", ' data-theme="dark"'), ('theme="><script>', ""), ("theme=pink", ""), ("", "")]
)
def test_only_a_known_theme_is_taken_from_the_cookie(package: str, cookie: str, mark: str) -> None:
    text = body(render(request(Pages([package]), cookie=cookie), f"{package}/bare.html"))
    assert text.startswith(f'<!doctype html>\n<html lang="ru"{mark}>')


def test_the_bare_layout_has_nothing_but_main(package: str) -> None:
    text = body(render(request(Pages([package])), f"{package}/bare.html"))
    assert '<main id="main" tabindex="-1">bare</main>' in text
    assert "<header" not in text
    assert "<footer" not in text


def test_a_forgotten_value_is_an_error_and_not_an_empty_place(package: str) -> None:
    with pytest.raises(UndefinedError, match="moment"):
        render(request(Pages([package])), f"{package}/hello.html", {"who": "Анна"})


def test_static_folders_and_their_addresses(package: str) -> None:
    pages = Pages(["core.web", package])
    mounts = dict(pages.static_mounts())
    assert list(mounts) == ["/static/core", f"/static/{package}"]
    assert (mounts["/static/core"] / "tokens.css").is_file()
    address = pages.asset(f"{package}/hello.css")
    assert re.fullmatch(rf"/static/{package}/hello\.css\?v=[0-9a-f]{{10}}", address)
    (mounts[f"/static/{package}"] / "hello.css").write_text("p { color: green; background: none }")
    assert pages.asset(f"{package}/hello.css") != address


def test_a_page_cannot_ask_for_a_file_that_is_not_there(package: str) -> None:
    pages = Pages([package])
    for path in ("core/absent.css", "absent/x.css"):
        with pytest.raises(FileNotFoundError):
            pages.asset(path)


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_package_here"):
        Pages(["no_such_package_here"])


def test_texts_from_elsewhere_are_translated_and_stay_text() -> None:
    environment = Pages([]).environment
    template = environment.from_string('{{ text | translated | typeset }} {{ _("Выйти") | typeset }}')
    assert template.render(text="<i> 5 %") == "&lt;i&gt; 5\xa0% Выйти"


def test_a_constant_is_not_written_once_for_all_languages() -> None:
    pages = Pages([])
    template = pages.environment.from_string('{{ 60000 | duration }} {{ 1.5 | number }} {{ "Выйти" | translated }}')
    spoken = {}
    for lang in ("ru", "en"):
        with language.speaking(lang):
            spoken[lang] = template.render()
    assert spoken == {"ru": "1\xa0мин 1,5 Выйти", "en": "1\xa0min 1.5 Sign out"}


async def test_no_page_carries_inline_style_or_script(client: httpx.AsyncClient) -> None:
    for path in ("/staff/components", "/absent"):
        text = (await client.get(path, headers={"accept": "text/html"})).text
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
