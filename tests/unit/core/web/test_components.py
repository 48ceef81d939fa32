import re
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from core.web import components

STATIC = Path(components.__file__).parent / "static"


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.pointed: list[str] = []
        self.classes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        self.classes |= set(given.get("class", "").split())
        for name in ("for", "aria-describedby", "aria-labelledby", "data-opens"):
            self.pointed += given.get(name, "").split()


@pytest.fixture
async def page(client: httpx.AsyncClient) -> Page:
    answer = await client.get("/staff/components")
    assert answer.status_code == 200
    return Page(answer.text)


async def test_ids_are_unique_and_everything_pointed_at_is_there(page: Page) -> None:
    assert sorted(page.ids) == sorted(set(page.ids))
    assert set(page.pointed) <= set(page.ids)


async def test_every_component_is_shown(page: Page) -> None:
    expected = (
        "btn--primary btn--secondary btn--danger btn--quiet field field--invalid input choice card banner--info "
        "banner--ok banner--warn banner--danger tag--ok tag--warn tag--danger tag--neutral table stack cluster grid "
        "clock clock--low clock--last bar bar--low bar--last empty skeleton steps dialog drawer kv timeline pagination"
    )
    assert set(expected.split()) <= page.classes


async def test_every_class_of_the_page_is_drawn(page: Page) -> None:
    sheets = "".join(file.read_text(encoding="utf-8") for file in STATIC.glob("*.css"))
    drawn = set(re.findall(r"\.(-?[a-zA-Z_][\w-]*)", sheets))
    # Names that say what a part is and need no rule of their own.
    plain = {"specimen", "steps__title", "timeline__event--neutral", "steps__step--next"}
    assert page.classes - drawn - plain == set()


@pytest.mark.parametrize("theme", ["light", "dark", "contrast", "contrast-dark"])
async def test_the_page_can_be_seen_in_each_theme(client: httpx.AsyncClient, theme: str) -> None:
    answer = await client.get("/staff/components", params={"theme": theme})
    assert f'<html lang="ru" data-theme="{theme}">' in answer.text


async def test_an_unknown_theme_is_passed_over(client: httpx.AsyncClient) -> None:
    answer = await client.get("/staff/components", params={"theme": '"><script>'})
    assert '<html lang="ru">' in answer.text


async def test_every_icon_that_is_used_is_in_the_sprite(client: httpx.AsyncClient) -> None:
    answer = await client.get("/staff/components")
    used = set(re.findall(r'icons\.svg\?v=[0-9a-f]+#([\w-]+)"', answer.text))
    assert used == set(components.ICONS)
