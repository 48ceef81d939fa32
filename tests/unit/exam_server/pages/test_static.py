"""The scripts of the pages, as far as they can be judged without running them."""

import re
from pathlib import Path

import pytest

import exam_server.pages
from exam_server import wire
from exam_server.events import EndReason

STATIC = Path(exam_server.pages.__file__).parent / "static"
CORE = Path(exam_server.pages.__file__).parents[2] / "core/web/static"
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js")}
EXAM_TABLES = ("exam_words.js", "halt_words.js", "practice_words.js", "run_words.js")
TABLES = (*EXAM_TABLES, "entrance_words.js")


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_import_leads_to_a_file_that_is_shipped(name: str) -> None:
    for path in re.findall(r'from "([^"]+)"', SCRIPTS[name]):
        assert path.startswith(("./", "../core/")), path
        target = CORE / path.removeprefix("../core/") if path.startswith("../") else STATIC / path
        assert target.is_file(), path


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_imported_name_is_exported(name: str) -> None:
    for names, path in re.findall(r'import \{([^}]+)\} from "\./([^"]+)"', SCRIPTS[name]):
        exported = set(re.findall(r"^export (?:async )?(?:function|class|const|let) (\w+)", SCRIPTS[path], re.M))
        wanted = {part.split(" as ")[0].strip() for part in names.split(",")}
        assert wanted <= exported, (path, wanted - exported)


@pytest.mark.parametrize("name", SCRIPTS)
def test_nothing_is_built_from_text_at_run_time(name: str) -> None:
    assert not re.search(r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write", SCRIPTS[name])


def keys_of(table: str) -> set[str]:
    return set(re.findall(r"^  (\w+): (?:\[|exam\.)", SCRIPTS[table], re.M))


@pytest.mark.parametrize("table", TABLES)
def test_every_sentence_is_there_in_russian_and_in_english(table: str) -> None:
    body = SCRIPTS[table].partition("export const words = {")[2]
    entries = re.split(r"^  (?=\w+: )", body, flags=re.M)[1:]
    assert len(entries) == len(keys_of(table)) > 20
    for entry in entries:
        if ": exam." in entry:
            continue
        texts = re.findall(r'"((?:[^"\\]|\\.)*)"', entry)
        russian = [text for text in texts if re.search("[А-Яа-яЁё]", text)]
        assert len(texts) > len(russian), entry
        assert russian or not re.search("[A-Za-z]{3}", re.sub(r"\{\w+\}", "", texts[0])), entry
        values = [set(re.findall(r"\{(\w+)\}", text)) for text in texts]
        assert all(value == values[0] for value in values), entry


def test_every_sentence_that_is_said_is_in_the_table() -> None:
    exam = set().union(*(keys_of(table) for table in EXAM_TABLES))
    said = {
        key
        for name, script in SCRIPTS.items()
        if name not in {"entrance.js", "checks.js", "waiting.js", *TABLES}
        for key in re.findall(r'say\("(\w+)"', script)
    }
    assert said <= exam, said - exam
    entrance = keys_of("entrance_words.js")
    said = set(re.findall(r'say\("(\w+)"', SCRIPTS["entrance.js"] + SCRIPTS["waiting.js"]))
    said |= set(re.findall(r'(?:advice: |\? |: )"([a-z]\w*[A-Z]\w+)"', SCRIPTS["checks.js"]))
    said |= set(re.findall(r'(?:return|:) "(camera\w+)"', SCRIPTS["lens.js"]))
    assert said <= entrance, said - entrance


@pytest.mark.parametrize("table", TABLES)
def test_no_sentence_is_left_over(table: str) -> None:
    used = set(re.findall(r'"(\w+)"|exam\.(\w+)', "".join(text for name, text in SCRIPTS.items() if name != table)))
    left = keys_of(table) - {name for pair in used for name in pair} - {"ok", "warn", "bad", "running"}
    assert not left


def test_every_ending_and_every_message_of_the_server_is_known_to_the_page() -> None:
    endings = re.search(r"const ENDINGS = \{(.*?)\};", SCRIPTS["endings.js"], re.S)
    assert endings is not None
    assert set(re.findall(r"^  (\w+):", endings[1], re.M)) == set(EndReason.__args__)  # type: ignore[attr-defined]
    heard = set(re.findall(r'case "(\w+)":', SCRIPTS["exam.js"] + SCRIPTS["state.js"]))
    heard |= set(re.findall(r'type === "(\w+)"', SCRIPTS["link.js"]))
    told = {message.__struct_config__.tag for message in wire.AnyOutgoing.__args__}
    assert told <= heard, told - heard


def test_sheets_take_their_colours_from_the_design_system() -> None:
    for sheet in STATIC.glob("*.css"):
        colours = re.findall(r"#[0-9a-f]{3,8}\b", re.sub(r"#\w[\w-]* ", "", sheet.read_text()))
        assert set(colours) <= {"#ffffff"}, (sheet.name, colours)
