"""What leaves as QTI comes back as it was: every text to the last blank, keys, roles, weights, codes and pictures."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from core.moments import MINUTE, SECOND
from question_bank.drafts import Draft, DraftChoice, DraftStage
from question_bank.exchange.entries import Arriving, Leaving, Written
from question_bank.exchange.packages import open_package
from question_bank.exchange.qti_names import QTI_2_1, QTI_2_2, QTI_3_0, Version
from question_bank.exchange.qti_read import read
from question_bank.exchange.qti_write import write
from question_bank.items import Role
from question_bank.markup import clean
from tests.exchange_corpus import DATA

VERSIONS = {version.name: version for version in (QTI_2_1, QTI_2_2, QTI_3_0)}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(40))
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(40))
PICTURES = {"ecg-1": (PNG, "image/png"), "rentgen": (JPEG, "image/jpeg")}

KNOWN = st.sampled_from(
    ["", " ", "Больной 50 лет жалуется на боль.", "«Ёлочки» и \"лапки\"", "a < b & c > d", "&amp; &lt;b&gt;",
     "раз\nдва\n\nтри", "  два  пробела  ", "\tс табуляцией", "\r\nпо-виндовски\r\n", "]]>", "<!-- -->",
     "x\u00a0y", "😀", "длинно " * 700]
)  # fmt: skip
WORDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff\x7f", min_codepoint=32), max_size=60
)
PLAIN = st.one_of(KNOWN, WORDS)
INLINE = st.recursive(
    st.one_of(
        st.sampled_from(["Дозы: ", "a &lt; b &amp; c", "«х» \"у\"", "<br>", "два  пробела\n",
                         '<img data-asset="ecg-1" alt="ЭКГ &quot;до&quot;">',
                         "<math><mfrac><mi>a</mi><mn>2</mn></mfrac></math>", "x&nbsp;y",
                         '<img alt="Снимок" data-asset="rentgen" width="20" height="30">']),
        WORDS.map(lambda text: text.replace("&", "&amp;").replace("<", "&lt;")),
    ),
    lambda inner: st.tuples(st.sampled_from(["em", "strong", "sub", "sup"]), inner).map(
        lambda pair: f"<{pair[0]}>{pair[1]}</{pair[0]}>"
    ),
    max_leaves=4,
)  # fmt: skip
LINE = st.lists(INLINE, max_size=4).map("".join).map(clean)
BLOCK = st.one_of(
    LINE.map(lambda text: f"<p>{text}</p>"),
    LINE.map(lambda text: f"<ul><li>{text}</li><li>раз</li></ul>"),
    LINE.map(
        lambda text: "<table><caption>Анализ</caption><thead><tr><th scope=\"col\">а</th><th>б</th></tr></thead>"
        f"<tbody><tr><td colspan=\"2\">{text}</td></tr></tbody></table>"
    ),
)  # fmt: skip
RICH = st.lists(BLOCK, max_size=3).map("".join).map(clean)
CODES = st.one_of(st.just(""), st.sampled_from(["31.05.01", "ЛД-01", "a&b <c>"]))
TAG = st.sampled_from(["ЭКГ", "a&b", "«х»", " с пробелом ", 'k"v'])


def choices(text: st.SearchStrategy[str], roles: Sequence[Role]) -> st.SearchStrategy[tuple[DraftChoice, ...]]:
    return st.lists(st.builds(DraftChoice, text, st.sampled_from(roles)), max_size=7).map(tuple)


def stages(text: st.SearchStrategy[str], line: st.SearchStrategy[str]) -> st.SearchStrategy[DraftStage]:
    weight = st.sampled_from([1, 1, 2, 3, 7, 1000])
    return st.one_of(
        st.builds(
            DraftStage,
            choices(line, (Role.KEY, Role.DISTRACTOR)),
            st.just("choice"),
            text,
            text,
            st.just(False),
            weight,
        ),
        st.builds(
            DraftStage,
            choices(line, (Role.REQUIRED, Role.NEUTRAL, Role.HARMFUL)),
            st.just("actions"),
            text,
            text,
            st.booleans(),
            weight,
        ),
    )


def drafts(markup: str, text: st.SearchStrategy[str], line: st.SearchStrategy[str]) -> st.SearchStrategy[Draft]:
    return st.builds(
        Draft,
        stem=text,
        stages=st.lists(stages(text, line), max_size=4).map(tuple),
        explanation=text,
        sources=st.lists(st.sampled_from(["Приказ № 1", "п. 2 & 3", " <x> "]), max_size=2).map(tuple),
        markup=st.just(markup),
        speciality=CODES,
        requirement=CODES,
        level=st.sampled_from([None, "recall", "application", "analysis"]),
        difficulty=st.one_of(st.none(), st.floats(0.001, 0.999)),
        limit=st.one_of(st.none(), st.integers(5 * SECOND, 60 * MINUTE)),
        tags=st.lists(TAG, max_size=3).map(tuple),
        language=st.sampled_from([None, "ru", "en"]),
        pool=st.sampled_from([None, "exam", "practice"]),
    )


DRAFTS = st.one_of(drafts("text", PLAIN, PLAIN), drafts("html", RICH, LINE))


def go_round(version: Version, leaving: list[Leaving]) -> tuple[list[Arriving], list[Written]]:
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        written = list(write(version, leaving, file))
        file.flush()
        arrived = []
        for entry in read(Path(file.name)):
            assert isinstance(entry, Arriving)
            arrived.append(entry)
    return arrived, written


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(VERSIONS.values())), st.lists(DRAFTS, min_size=1, max_size=3))
def test_drafts_come_back_equal(version: Version, given_drafts: list[Draft]) -> None:
    leaving = [
        Leaving(f"вопрос {number}" if number else "q-1", number + 1, draft, PICTURES, ("q-2", "другой"))
        for number, draft in enumerate(given_drafts)
    ]
    arrived, written = go_round(version, leaving)
    assert [one.draft for one in arrived] == given_drafts
    assert [one.home for one in arrived] == [one.item for one in leaving]
    assert [one.enemies for one in arrived] == [("q-2", "другой")] * len(leaving)
    assert [one.remarks for one in arrived] == [()] * len(leaving)
    assert written == [Written(one.item) for one in leaving]
    for one in arrived:
        assert all(PICTURES[name][0] == data for name, data in one.pictures.items())


FOUR = (
    DraftChoice("Да", Role.DISTRACTOR),
    DraftChoice("Нет", Role.KEY),
    DraftChoice("<Иногда>", Role.DISTRACTOR),
    DraftChoice("Не знаю", Role.DISTRACTOR),
)
ACTIONS = (
    DraftChoice("Вызвать помощь", Role.REQUIRED),
    DraftChoice("Дать воды", Role.HARMFUL),
    DraftChoice("Начать массаж", Role.REQUIRED),
    DraftChoice("Измерить рост", Role.NEUTRAL),
)
SINGLE = Draft("Верно ли?", (DraftStage(FOUR),), "Потому что.", language="ru", limit=90_500)
CASE = Draft(
    '<p>Больной без сознания. <img data-asset="ecg-1" alt="ЭКГ"></p>',
    (
        DraftStage(ACTIONS, "actions", "Что делать?", "", True, 2),
        DraftStage(ACTIONS, "actions", "Что ещё?", "<p>Пульса нет.</p>", False, 3),
        DraftStage(FOUR, "choice", "<p>Что</p><p>это?</p>", "<p>Пульс есть.</p>"),
    ),
    "<p>Так <em>надо</em>.</p>",
    markup="html",
)


def members(version: Version, leaving: list[Leaving], tmp_path: Path) -> dict[str, bytes]:
    path = tmp_path / "package.zip"
    with path.open("wb") as file:
        list(write(version, leaving, file))
    with open_package(path) as package:
        return {name: package.read(name, 10_000_000) for name in package.names}


@pytest.mark.parametrize("name", ["2.1", "2.2"])
def test_what_leaves_is_valid_by_the_schemas(name: str, tmp_path: Path) -> None:
    schemas = DATA / "exchange/qti-pie/packages/to-pie/schemas/qti"
    if not schemas.is_dir():
        pytest.skip(f"the schemas of QTI are not at {schemas}")
    schema = etree.XMLSchema(etree.parse(schemas / f"imsqti_v{name.replace('.', 'p')}.xsd"))
    leaving = [
        Leaving("one", 1, SINGLE),
        Leaving("two", 1, CASE, PICTURES),
        Leaving("three", 1, Draft("?", (DraftStage(FOUR),))),
    ]
    found = members(VERSIONS[name], leaving, tmp_path)
    documents = [member for member in found if member.endswith(".xml") and member != "imsmanifest.xml"]
    assert len(documents) == 4
    for member in documents:
        schema.assertValid(etree.fromstring(found[member]))


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
def test_others_find_one_choice_with_its_key_where_they_look_for_it(version: Version, tmp_path: Path) -> None:
    found = members(version, [Leaving("q-1", 4, SINGLE)], tmp_path)
    item = etree.fromstring(found["items/q-1.xml"])
    dashed = version.name == "3.0"
    spell = {"n": version.namespace}
    (value,) = item.xpath(
        "//n:qti-correct-response/n:qti-value" if dashed else "//n:correctResponse/n:value", namespaces=spell
    )
    (text,) = item.xpath(f"//*[@identifier='{value.text}' and starts-with(., 'Нет')]")
    assert text.tag.endswith("imple-choice" if dashed else "impleChoice")
    (interaction,) = item.xpath("//n:qti-choice-interaction" if dashed else "//n:choiceInteraction", namespaces=spell)
    assert interaction.get("max-choices" if dashed else "maxChoices") == "1"
    test = etree.fromstring(found["test.xml"])
    (limits,) = test.xpath("//n:qti-time-limits" if dashed else "//n:timeLimits", namespaces=spell)
    assert limits.get("max-time" if dashed else "maxTime") == "90.5"
    assert f'type="imsqti_item_xml{version.type}"'.encode() in found["imsmanifest.xml"]


def test_the_mapping_gives_the_marks_that_we_give(tmp_path: Path) -> None:
    found = members(QTI_2_2, [Leaving("q-1", 1, CASE, PICTURES)], tmp_path)
    item = etree.fromstring(found["items/q-1.xml"])
    mapping = item.find(".//{*}responseDeclaration[@identifier='RESPONSE2']/{*}mapping")
    assert mapping is not None
    assert (mapping.get("lowerBound"), mapping.get("upperBound")) == ("0", "3")
    assert [float(entry.get("mappedValue")) for entry in mapping] == [1.5, -3, 1.5, -0.75]


def test_the_same_package_is_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        with (tmp_path / name).open("wb") as file:
            list(write(QTI_3_0, [Leaving("q-1", 1, CASE, PICTURES)], file))
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]


def test_a_picture_of_several_items_is_there_once(tmp_path: Path) -> None:
    found = members(QTI_2_1, [Leaving("a", 1, CASE, PICTURES), Leaving("A", 1, CASE, PICTURES)], tmp_path)
    assert [name for name in found if name.startswith("items/")] == [
        "items/pictures/ecg-1.png",
        "items/a.xml",
        "items/A-2.xml",
    ]


def test_what_cannot_be_in_a_file_is_told() -> None:
    draft = Draft(
        '<p>\u000cДа\ufffe</p><p><img data-asset="lost" alt="Рентген"></p>', (DraftStage(FOUR),), markup="html"
    )
    (arrived,), (written,) = go_round(QTI_2_1, [Leaving("q-1", 1, draft)])
    assert {remark.code for remark in written.remarks} == {"characters", "picture_missing"}
    assert arrived.draft.stem == "<p>Да</p><p>Рентген</p>"


def test_an_item_that_somebody_had_a_hand_in_is_read_as_others_are(tmp_path: Path) -> None:
    found = members(QTI_2_1, [Leaving("q-1", 1, SINGLE)], tmp_path)
    path = tmp_path / "item.xml"
    path.write_bytes(
        found["items/q-1.xml"].replace(b"<itemBody", b"<itemBody id='x'").replace(b"accreditation-text", b"")
    )
    (entry,) = read(path)
    assert isinstance(entry, Arriving)
    assert (entry.home, entry.draft.stem, entry.draft.explanation) == ("", "Верно ли?", "Потому что.")
    assert [choice.role for choice in entry.draft.stages[0].choices] == [choice.role for choice in FOUR]


def test_a_file_of_others_is_never_taken_for_ours(tmp_path: Path) -> None:
    path = tmp_path / "item.xml"
    path.write_text(
        '<assessmentItem toolName="accreditation" identifier="q-1" xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1">'
        '<responseDeclaration identifier="R" cardinality="single" baseType="identifier"/><itemBody>'
        '<choiceInteraction responseIdentifier="R" maxChoices="1"><simpleChoice identifier="A">а</simpleChoice>'
        "</choiceInteraction></itemBody></assessmentItem>"
    )
    (entry,) = read(path)
    assert isinstance(entry, Arriving)
    assert entry.home == ""
