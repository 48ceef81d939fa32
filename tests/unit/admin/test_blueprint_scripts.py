"""The scripts of the pages about blueprints, as far as they can be judged without running them."""

import re
from pathlib import Path

import pytest

import admin
from admin.blueprint_draft import find_problems, read_draft
from core.web import language
from core.web.pages import Pages
from tests.unit.admin.test_blueprint_draft import sent

STATIC = Path(admin.__file__).parent / "pages/static"
ROOT = STATIC.parents[2]
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("blueprint*.js")}
WORDS = SCRIPTS["blueprint_words.js"]
SAID = re.compile(r'"(\w+)"')


def folder_of(path: str) -> Path:
    package, _, name = path.removeprefix("../").partition("/")
    return {"core": ROOT / "core/web/static", "exam_server": ROOT / "exam_server/pages/static"}[package] / name


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_import_leads_to_what_is_exported(name: str) -> None:
    for names, path in re.findall(r'import \{([^}]+)\} from "([^"]+)"', SCRIPTS[name]):
        target = folder_of(path) if path.startswith("../") else STATIC / path.removeprefix("./")
        text = target.read_text(encoding="utf-8")
        exported = set(re.findall(r"^export (?:async )?(?:function|class|const|let) (\w+)", text, re.M))
        exported |= set(re.findall(r"\w+ as (\w+)", text))
        wanted = {part.strip() for part in names.split(",") if part.strip()}
        assert wanted <= exported, (path, wanted - exported)


@pytest.mark.parametrize("name", SCRIPTS)
def test_nothing_is_built_from_text_at_run_time(name: str) -> None:
    assert not re.search(r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write", SCRIPTS[name])


def entries() -> dict[str, str]:
    body = WORDS.partition("export const words = {")[2]
    parts = re.split(r"^  (?=\w+: )", body, flags=re.M)[1:]
    return {part.partition(":")[0]: part for part in parts}


def test_every_sentence_is_there_in_russian_and_in_english() -> None:
    assert len(entries()) > 80
    for name, entry in entries().items():
        texts = re.findall(r'"((?:[^"\\]|\\.)*)"', entry)
        values = [set(re.findall(r"\{(\w+)\}", text)) for text in texts]
        assert len(texts) == 2, name
        assert values[0] == values[1], name
        assert re.search("[А-Яа-яЁё]", texts[0]) or not re.search("[A-Za-z]{3}", re.sub(r"\{\w+\}", "", texts[0])), name
        assert not re.search("[А-Яа-яЁё]", texts[1]), name


def test_what_is_said_is_in_the_table_and_nothing_is_left_over() -> None:
    others = "".join(text for name, text in SCRIPTS.items() if name != "blueprint_words.js")
    said = set(re.findall(r'say\("(\w+)"', others))
    assert said <= set(entries()), said - set(entries())
    left = set(entries()) - set(SAID.findall(others))
    assert not left


def test_what_is_wrong_with_a_draft_is_said_in_english_too() -> None:
    Pages(["admin"])
    cells = [{"requirement": "R9", "kind": "case", "count": count, "weight": weight, "section": 3}
             for count, weight in ((0, -1), (501, 1001))]  # fmt: skip
    wrong = {
        "id": "", "title": "х" * 201, "speciality": "", "cells": cells * 251, "exam_limit": 0, "cut": 0, "version": -1,
        "sections": [{"title": "", "limit": 1}] * 21, "breaks": 11, "explanations": "end", "flags": True, "pilots": -1,
        "exposure_cap": 0, "minimum_information": -1,
    }  # fmt: skip
    more = {"cells": [], "pilots": 1, "practice": True, "breaks": 1, "break_limit": 1, "title": ""}
    sentences = {
        text for changed in (wrong, more) for text in find_problems(read_draft(sent(**changed)), {"R0"}).values()
    }
    assert len(sentences) > 20
    english = language.gettext("en")
    assert [text for text in sorted(sentences) if english(text) == text] == []
    language.load()
