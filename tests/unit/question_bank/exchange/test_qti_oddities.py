"""Items and packages that somebody broke: whatever was done to them, they are read, rejected or refused by code; and
items come and go one by one.
"""

import tempfile
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from core.errors import AccreditationError
from question_bank.drafts import Draft, DraftChoice, DraftStage
from question_bank.exchange.entries import Arriving, Leaving, Rejected
from question_bank.exchange.packages import open_package
from question_bank.exchange.qti_names import QTI_2_1, QTI_2_2, QTI_3_0
from question_bank.exchange.qti_read import read, read_beside
from question_bank.exchange.qti_write import write
from question_bank.items import Role

FOUR = tuple(DraftChoice(text, role) for text, role in zip("абвг", (Role.KEY, *[Role.DISTRACTOR] * 3), strict=True))
ACTIONS = (DraftChoice("раз", Role.REQUIRED), DraftChoice("два", Role.HARMFUL))
DRAFTS = (
    Draft("Вопрос?", (DraftStage(FOUR),), "Потому.", tags=("а",), limit=60_000),
    Draft(
        '<p>Дано: <em>x</em> <img data-asset="a-1" alt="ЭКГ"></p><table><caption>Т</caption><tbody><tr><th>1</th></tr>'
        "</tbody></table><p><math><mfrac><mi>a</mi><mn>2</mn></mfrac></math></p>",
        (
            DraftStage(FOUR, "choice", "Что?", "", False, 2),
            DraftStage(
                (DraftChoice("раз", Role.REQUIRED), DraftChoice("два", Role.HARMFUL)), "actions", "А?", "Да.", True
            ),
        ),
        markup="html",
    ),
)
PICTURE = {"a-1": (b"\x89PNG\r\n\x1a\n", "image/png")}
STRANGE = [
    "",
    "0",
    "-1",
    "1e400",
    "nan",
    "true",
    "RESPONSE",
    "A",
    "../x",
    "http://x",
    "\u0430",
    "x" * 500,
    "accreditation",
]
NAMES = [
    "itemBody",
    "choiceInteraction",
    "simpleChoice",
    "prompt",
    "responseDeclaration",
    "correctResponse",
    "value",
    "mapping",
    "mapEntry",
    "modalFeedback",
    "contentBody",
    "p",
    "div",
    "table",
    "tr",
    "td",
    "ul",
    "li",
    "img",
    "object",
    "math",
    "mfrac",
    "orderInteraction",
    "rubricBlock",
    "assessmentItem",
    "assessmentStimulusRef",
    "resource",
    "metadata",
    "lom",
    "identifier",
    "timeLimits",
    "assessmentItemRef",
    "responseProcessing",
    "responseCondition",
    "match",
]


@cache
def sound() -> tuple[dict[str, bytes], ...]:
    """Packages of ours in each version, by member."""
    made = []
    for version in (QTI_2_1, QTI_2_2, QTI_3_0):
        file = BytesIO()
        list(write(version, (Leaving(f"q-{n}", 1, draft, PICTURE) for n, draft in enumerate(DRAFTS)), file))
        with ZipFile(file) as archive:
            made.append({name: archive.read(name) for name in archive.namelist()})
    return tuple(made)


def mutate(data: st.DataObject, root: Any) -> None:
    elements = [one for one in root.iter() if isinstance(one.tag, str)]
    one = elements[data.draw(st.integers(0, len(elements) - 1))]
    space = one.tag.rpartition("}")[0]
    match data.draw(st.sampled_from(["remove", "rename", "attribute", "drop", "text", "copy", "wrap", "ours"])):
        case "remove" if one is not root:
            one.getparent().remove(one)
        case "rename":
            one.tag = f"{space}}}{data.draw(st.sampled_from(NAMES))}" if space else data.draw(st.sampled_from(NAMES))
        case "attribute":
            one.set(
                data.draw(st.sampled_from([*one.attrib, "href", "src", "class"])), data.draw(st.sampled_from(STRANGE))
            )
        case "drop" if one.attrib:
            del one.attrib[data.draw(st.sampled_from(list(one.attrib)))]
        case "text":
            one.text = data.draw(st.sampled_from(STRANGE))
            one.tail = "хвост"
        case "copy":
            other = elements[data.draw(st.integers(0, len(elements) - 1))]
            one.append(etree.fromstring(etree.tostring(other, with_tail=False)))
        case "wrap" if one is not root:
            around = etree.Element(data.draw(st.sampled_from(NAMES)))
            one.getparent().replace(one, around)
            around.append(one)
        case "ours":
            root.set("toolName", "accreditation")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_was_done_to_a_package_it_is_read_or_refused(data: st.DataObject) -> None:
    members = dict(data.draw(st.sampled_from(sound())))
    documents = st.sampled_from([name for name in members if name.endswith(".xml")])
    for name in data.draw(st.sets(documents, min_size=1)):
        root = etree.fromstring(members[name])
        for _ in range(data.draw(st.integers(1, 5))):
            mutate(data, root)
        members[name] = etree.tostring(root, encoding="utf-8", with_tail=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.zip"
        with ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        for reader, file in ((read, path), (read_beside, _unpack(path, Path(folder) / "x"))):
            try:
                entries = list(reader(file))
            except AccreditationError as error:
                assert error.code.startswith("exchange_")  # noqa: PT017
            else:
                assert all(isinstance(entry, Arriving | Rejected) for entry in entries)


def _unpack(path: Path, folder: Path) -> Path:
    with open_package(path) as package:
        for name in package.names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(package.read(name, 1_000_000))
    return folder / "imsmanifest.xml"


def test_items_are_taken_from_the_bank_one_by_one() -> None:
    taken = []

    def leave() -> Iterator[Leaving]:
        for number in range(3):
            taken.append(number)
            yield Leaving(f"q-{number}", 1, DRAFTS[0])

    written = write(QTI_2_2, leave(), BytesIO())
    for number in range(3):
        assert next(written).item == f"q-{number}"
        assert taken == list(range(number + 1))
    assert next(written, None) is None


def test_items_are_given_as_they_are_read(tmp_path: Path) -> None:
    members = dict(sound()[0])
    members["items/q-1.xml"] = b"<!DOCTYPE x>" + members["items/q-1.xml"].partition(b"?>")[2]
    path = tmp_path / "x.zip"
    with ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    entries = read(path)
    first = next(entries)
    assert isinstance(first, Arriving)
    assert first.home == "q-0"
    with pytest.raises(AccreditationError, match="exchange_dtd"):
        next(entries)


def test_names_in_the_letters_of_old_zips_are_found(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    name = "вопрос.xml"
    manifest = (
        '<manifest xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"><resources>'
        f'<resource type="imsqti_item_xmlv2p1" href="{name}"/></resources></manifest>'
    )
    for encoding in ("cp866", "utf-8"):
        stand_in = "q" * len(name.encode(encoding))
        with ZipFile(path, "w") as archive:
            archive.writestr(stand_in, sound()[0]["items/q-0.xml"])
            archive.writestr("imsmanifest.xml", manifest)
        path.write_bytes(path.read_bytes().replace(stand_in.encode(), name.encode(encoding)))
        (entry,) = read(path)
        assert isinstance(entry, Arriving)
