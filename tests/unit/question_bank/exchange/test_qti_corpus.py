"""Every QTI file that others wrote is read, reported with a reason, or refused by code; and where one option is right,
it is the one that the file says, as a reading of our own here finds it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from lxml import etree

from core.errors import AccreditationError
from question_bank.exchange.entries import Arriving, Rejected
from question_bank.exchange.qti_read import read, read_beside
from question_bank.items import Role
from tests.exchange_corpus import DATA, count_corpus, find_files

EXCHANGE = DATA / "exchange"
FOLDERS = ("qti-1edtech", "qti-pie", "qti-qtiworks", "qti-scoring-citolab")
SERVICES = EXCHANGE / "qti-qtiworks/qtiworks-engine/src/test/resources/uk/ac/ed/ph/qtiworks/services"
HOSTILE = {
    "ZipSlip": "exchange_zip_path",
    "BadManifest": "exchange_xml",
    "BadMix": "exchange_manifest",
    "ExternalHref": "exchange_reference",
    "MissingFile": "exchange_missing",
    "NotContentPackage": "exchange_no_manifest",
    "WebDeveloperTest1-incomplete": "exchange_zip",
}
pytestmark = pytest.mark.skipif(not EXCHANGE.is_dir(), reason=f"the files of others are not at {EXCHANGE}")


def local(element: Any) -> str:
    """`qti-simple-choice` and `simpleChoice` alike: simplechoice."""
    name = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    return name.removeprefix("qti-").replace("-", "").lower()


def said(element: Any, name: str) -> str:
    found = {key.replace("-", "").lower(): value for key, value in element.attrib.items()}
    return str(found.get(name, ""))


def own_key(root: Any) -> int | None:
    """Which simpleChoice the declaration says is right, where the item is one choice of one and nothing else."""
    if local(root) != "assessmentitem" or said(root, "adaptive") == "true":
        return None
    if any(local(one) in ("templateprocessing", "templatedeclaration") for one in root):
        return None
    asking = [one for one in root.iter() if local(one).endswith("interaction")]
    if [local(one) for one in asking] != ["choiceinteraction"]:
        return None
    for declaration in root:
        if local(declaration) == "responsedeclaration" and said(declaration, "identifier") == said(
            asking[0], "responseidentifier"
        ):
            correct = [group for group in declaration if local(group) == "correctresponse"]
            values = [one.text.strip() for group in correct for one in group if local(one) == "value"]
            names = [said(one, "identifier") for one in asking[0] if local(one) == "simplechoice"]
            if said(declaration, "cardinality") == "single" and len(values) == 1:
                return names.index(values[0])
    return None


def key_of(entry: Arriving) -> int:
    (stage,) = entry.draft.stages
    (key,) = (place for place, choice in enumerate(stage.choices) if choice.role is Role.KEY)
    return key


def documents(path: Path) -> Iterator[tuple[str, bytes]]:
    """What is to be read of a file: itself, or the XML of a package."""
    if path.suffix == ".zip":
        with ZipFile(path) as package:
            for name in package.namelist():
                if name.endswith(".xml") and not name.endswith("imsmanifest.xml"):
                    yield name, package.read(name)
    else:
        yield path.name, path.read_bytes()


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_read_or_reported_or_refused(folder: str) -> None:
    counted = count_corpus(EXCHANGE / folder, read_beside, (".xml", ".zip"))
    assert counted.read > 0
    assert all(code.startswith("exchange_") for code in counted.failed)
    if folder == "qti-1edtech":  # all its packages with items but a few were meant to be read
        assert "exchange_manifest" not in counted.failed


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_did_not_come_is_kept_as_it_stood(folder: str) -> None:
    checked = 0
    for path in find_files(EXCHANGE / folder, (".xml",)):
        try:
            entries = list(read(path))
        except AccreditationError:
            continue
        for entry in entries:
            if isinstance(entry, Rejected):
                checked += 1
                assert entry.sentence
                assert entry.original in (b"" if entry.code == "missing_file" else path.read_bytes(), path.read_bytes())
    assert checked


@pytest.mark.parametrize(("folder", "least"), [("qti-1edtech", 150), ("qti-pie", 20), ("qti-qtiworks", 25)])
def test_items_of_one_choice_come_with_the_key_that_the_file_says(folder: str, least: int) -> None:
    checked = 0
    for path in find_files(EXCHANGE / folder, (".xml", ".zip")):
        try:
            entries = {entry.place.member: entry for entry in read(path)}
            sources = list(documents(path))
        except AccreditationError:
            continue
        for name, data in sources:
            try:
                root = etree.fromstring(data)
            except etree.XMLSyntaxError:
                continue
            key = own_key(root)
            if key is None or (path.suffix == ".zip" and name not in entries):
                continue
            entry = entries[name]
            assert isinstance(entry, Arriving), (path, name, entry)
            assert key_of(entry) == key, (path, name)
            checked += 1
    assert checked >= least


def test_the_answers_that_pie_gives_points_for_are_the_keys() -> None:
    checked = 0
    for path in find_files(EXCHANGE / "qti-pie", (".json",)):
        if path.name != "cases.json":
            continue
        (entry,) = read(path.with_name("item.xml"))
        cases = json.loads(path.read_text())["cases"]
        points = {
            one["responses"]["RESPONSE"]: one["expect"].get("outcomes", {}).get("SCORE")
            for one in cases
            if isinstance(one.get("responses", {}).get("RESPONSE"), str) and list(one["responses"]) == ["RESPONSE"]
        }
        points = {answer: score for answer, score in points.items() if isinstance(score, int | float)}
        if not isinstance(entry, Arriving) or not points or max(points.values()) <= 0:
            continue
        best = [answer for answer, score in points.items() if score == max(points.values())]
        root = etree.fromstring(path.with_name("item.xml").read_bytes())
        names = [said(one, "identifier") for one in root.iter() if local(one) == "simplechoice"]
        if any(choice.role is Role.KEY for choice in entry.draft.stages[0].choices):
            assert names[key_of(entry)] in best, path
            checked += 1
    assert checked >= 3


@pytest.mark.parametrize("name", HOSTILE)
def test_what_qtiworks_sends_to_break_readers_is_refused_by_name(name: str) -> None:
    with pytest.raises(AccreditationError) as refusal:
        list(read(SERVICES / f"{name}.zip"))
    assert refusal.value.code == HOSTILE[name]


def test_the_sound_packages_of_qtiworks_are_read() -> None:
    read_of = {name: list(read(SERVICES / f"{name}.zip")) for name in ("WebDeveloperTest1", "Aardvark-cannon")}
    assert [type(entry) for entry in read_of["WebDeveloperTest1"]].count(Arriving) >= 6
    assert len(read_of["Aardvark-cannon"]) == 1


def test_a_stimulus_that_several_items_share_is_part_of_each() -> None:
    path = EXCHANGE / "qti-1edtech/qtiv3-examples/packaging/sharedStimulus/sharedStimulus.zip"
    shared = [one for one in read(path) if isinstance(one, Arriving)]
    assert shared
    for entry in shared:
        assert "Unbelievable Night" in entry.draft.stem
        assert "stimulus" in {remark.code for remark in entry.remarks}
