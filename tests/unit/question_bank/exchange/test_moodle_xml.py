"""Moodle XML: what Moodle writes is read with its pictures, what leaves comes back equal, what is lost is told."""

import contextlib
import tracemalloc
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from core.errors import AccreditationError
from question_bank.drafts import Draft
from question_bank.exchange import moodle_xml
from question_bank.exchange.carried import CASE, find_plain_choice
from question_bank.exchange.entries import Arriving, Leaving, Rejected, Remark
from question_bank.exchange.head import Head
from question_bank.exchange.moodle_xml import MOST_ANSWERS
from tests.drafts import four_option, leavings
from tests.unit.question_bank.exchange.entering import codes, many, only, roles

PNG = b"\x89PNG\r\n\x1a\n one"
OTHER = b"\x89PNG\r\n\x1a\n two"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bank.xml"


def read(file: Path, text: str | bytes) -> list[Arriving | Rejected]:
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(moodle_xml.read(file))


def carried(draft: Draft) -> Draft:
    """The draft as the format can carry it: all but two characters that XML has no place for."""

    def told(text: str) -> str:
        return text.replace("\ufffe", "").replace("\uffff", "")

    stage = draft.stages[0]
    choices = tuple(replace(choice, text=told(choice.text)) for choice in stage.choices)
    return replace(
        draft,
        stem=told(draft.stem),
        stages=(replace(stage, prompt="", choices=choices),),
        explanation=told(draft.explanation),
        sources=tuple(map(told, draft.sources)),
        tags=tuple(map(told, draft.tags)),
    )


@many
@given(st.lists(leavings(), max_size=4))
def test_what_leaves_comes_back_equal(file: Path, items: list[Leaving]) -> None:
    with file.open("wb") as target:
        written = list(moodle_xml.write(items, target))
    assert [one.item for one in written] == [item.item for item in items]
    for item, one in zip(items, written, strict=True):
        assert one.left_out is isinstance(find_plain_choice(item.draft), Remark)
        assert not one.left_out or one.remarks
    kept = [item for item, one in zip(items, written, strict=True) if not one.left_out]
    back = list(moodle_xml.read(file))
    assert [(one.home, one.identifier, one.draft, one.enemies) for one in back if isinstance(one, Arriving)] == [
        (item.item, item.item, carried(item.draft), item.enemies) for item in kept
    ]
    assert len(back) == len(kept)


def test_pictures_leave_with_the_item_and_come_back(file: Path) -> None:
    image = '<img data-asset="ekg-1" alt="ЭКГ" width="10" height="20">'
    gone = '<img data-asset="gone" alt="x" width="1" height="1">'
    draft = replace(
        four_option(f"<p>{image} src=&quot;нет&quot;</p>"), markup="html", explanation=f"<p>{image}{gone}</p>"
    )
    item = Leaving("i1", 1, draft, {"ekg-1": (PNG, "image/png")})
    with file.open("wb") as target:
        (written,) = moodle_xml.write([item], target)
    assert [remark.code for remark in written.remarks] == ["pictures_left"]
    root = etree.parse(file).getroot()
    assert root.findtext(".//questiontext/text") == (
        '<p><img src="@@PLUGINFILE@@/ekg-1.png" alt="ЭКГ" width="10" height="20"> src="нет"</p>'
    ).replace(' src="нет"', " src=&quot;нет&quot;")
    assert root.find(".//questiontext/file").get("name") == "ekg-1.png"
    entry = only(list(moodle_xml.read(file)), Arriving)
    assert entry.pictures == {"ekg-1": PNG}
    assert entry.draft == replace(draft, stem=draft.stem.replace("&quot;", '"'))


FILLED = f"""<?xml version="1.0" encoding="UTF-8"?>
<quiz>
<!-- question: 0 -->
  <question type="category"><category><text>$course$/top/Терапия/Сердце//сосуды</text></category></question>
  <question type="multichoice">
    <name><text>Название</text></name>
    <questiontext format="html">
      <text><![CDATA[<p>Что на <b>ЭКГ</b>? <img src="@@PLUGINFILE@@/a%20b.png" alt="запись" style="x"></p>]]></text>
      <file name="a b.png" path="/" encoding="base64">{b64encode(PNG).decode()}</file>
    </questiontext>
    <generalfeedback format="html">
      <text><![CDATA[<p>Потому. <img src="@@PLUGINFILE@@/a%20b.png" alt="другая"></p>]]></text>
      <file name="a b.png" path="/" encoding="base64">{b64encode(OTHER).decode()}</file>
    </generalfeedback>
    <defaultgrade>2.0000000</defaultgrade>
    <penalty>0.3333333</penalty>
    <hidden>1</hidden>
    <idnumber>q-7</idnumber>
    <single>false</single>
    <shuffleanswers>false</shuffleanswers>
    <answernumbering>abc</answernumbering>
    <correctfeedback format="html"><text>Ваш ответ верный.</text></correctfeedback>
    <answer fraction="100" format="moodle_auto_format"><text>  Норма </text>
      <feedback format="html"><text>Да!</text></feedback></answer>
    <answer fraction="-50" format="plain_text"><text>a &lt; b</text>
      <feedback format="html"><text></text></feedback></answer>
    <answer fraction="0"><text>
      <![CDATA[<img src="data:image/png;base64,{b64encode(PNG).decode()}" alt="та же">]]>
    </text></answer>
    <hint format="html"><text>Подумайте</text></hint>
    <tags><tag><text>ЭКГ</text></tag><tag><text>bank:requirement=ЛД-01</text></tag></tags>
  </question>
</quiz>
"""


def test_a_question_with_all_that_it_may_have(file: Path) -> None:
    entry = only(read(file, FILLED), Arriving)
    assert (entry.identifier, entry.home, entry.place.number, entry.place.line) == ("q-7", "", 1, 5)
    draft = entry.draft
    assert draft.markup == "html"
    assert draft.stem == '<p>Что на <strong>ЭКГ</strong>? <img data-asset="picture-1" alt="запись"></p>'
    assert draft.explanation == '<p>Потому. <img data-asset="picture-2" alt="другая"></p><p>«Норма»: Да!</p>'
    assert roles(draft) == [
        ("Норма", True),
        ("a &lt; b", False),
        ('<img data-asset="picture-1" alt="та же">', False),
    ]
    assert draft.tags == ("ЭКГ", "Терапия / Сердце/сосуды")
    assert draft.requirement == "ЛД-01"
    assert entry.pictures == {"picture-1": PNG, "picture-2": OTHER}
    assert codes(entry) == {
        ("note", "feedback"),
        ("note", "single_choice"),
        ("loss", "markup"),
        ("loss", "penalty"),
        ("loss", "hints"),
        ("loss", "title"),
        ("loss", "feedback_common"),
        ("loss", "order"),
        ("loss", "hidden"),
        ("loss", "grade"),
    }


def question(kind: str, inside: str = "") -> str:
    return (
        f'<quiz><question type="{kind}"><name><text>имя</text></name>'
        f'<questiontext format="html"><text>Что?</text></questiontext>{inside}</question></quiz>'
    )


@pytest.mark.parametrize(
    ("kind", "inside", "code"),
    [
        ("truefalse", "", "true_false"),
        ("shortanswer", "", "short_answer"),
        ("numerical", "", "numerical"),
        ("calculatedmulti", "", "numerical"),
        ("matching", "", "matching"),
        ("essay", "", "essay"),
        ("description", "", "description"),
        ("cloze", "", "cloze"),
        ("ddwtos", "", "interaction"),
        ("", "", "interaction"),
        ("multichoice", '<answer fraction="100"><text>a</text></answer>' * 2, "several_keys"),
        ("multichoice", '<answer fraction="33.333"><text>a</text></answer>' * 3, "several_keys"),
        ("multichoice", "<answer/>" * (MOST_ANSWERS + 1), "too_many_options"),
        (
            "multichoice",
            '<answer fraction="100"><text>a</text></answer><answer fraction="50"><text>b</text></answer>',
            "partial_credit",
        ),
    ],
)
def test_what_cannot_be_an_item_is_told_and_kept(file: Path, kind: str, inside: str, code: str) -> None:
    entry = only(read(file, question(kind, inside)), Rejected)
    assert (entry.code, entry.identifier, entry.media_type) == (code, "имя", "application/xml")
    assert entry.sentence
    assert entry.original.decode() == question(kind, inside)[len("<quiz>") : -len("</quiz>")]


def test_an_item_without_a_key_or_text_is_a_draft(file: Path) -> None:
    entry = only(
        read(file, '<quiz><question type="multichoice"><answer fraction="x"/><answer/></question></quiz>'), Arriving
    )
    assert entry.draft.stem == ""
    assert roles(entry.draft) == [("", False), ("", False)]
    assert codes(entry) == {("fault", "no_key"), ("fault", "fraction_unread")}


def test_a_broken_picture_and_one_that_is_elsewhere_are_told(file: Path) -> None:
    inside = (
        '<generalfeedback format="html"><text>&lt;img src="@@PLUGINFILE@@/a.png"&gt;&lt;img src="https://x.ru/b.png"&gt;'
        '&lt;b&gt;да&lt;/b&gt;</text><file name="a.png" encoding="base64">***</file></generalfeedback>'
    )
    entry = only(read(file, question("multichoice", inside)), Arriving)
    assert {"picture_broken", "markup"} <= {code for _, code in codes(entry)}
    assert entry.pictures == {}


def test_the_picture_of_an_old_moodle_stands_below_the_stem(file: Path) -> None:
    inside = f"<image>a.png</image><image_base64>\n{b64encode(PNG).decode()}\n</image_base64>"
    entry = only(read(file, question("multichoice", inside)), Arriving)
    assert entry.draft.stem.startswith('<p>Что?</p><p><img data-asset="picture-1"')
    assert entry.pictures == {"picture-1": PNG}


def test_a_sound_is_told_to_be_lost(file: Path) -> None:
    inside = (
        '<generalfeedback format="html"><text>&lt;a href="@@PLUGINFILE@@/a.mp3"&gt;Звук&lt;/a&gt;</text>'
        '<file name="a.mp3" encoding="base64">SUQz</file></generalfeedback>'
    )
    entry = only(read(file, question("multichoice", inside)), Arriving)
    assert {"files", "markup"} <= {code for _, code in codes(entry)}
    assert entry.draft.explanation == "Звук"


def test_a_namespace_that_moodle_does_not_have_is_no_silence(file: Path) -> None:
    text = question("multichoice").replace("<quiz>", '<quiz xmlns="urn:x">')
    assert only(read(file, text), Rejected).code == "interaction"


PARTS = (
    "<answer fraction='100'>",
    "<answer fraction='1e999'>",
    "</answer>",
    "<text>",
    "</text>",
    "<![CDATA[<b>]]>",
    "&lt;img src='data:image/png;base64,x'&gt;",
    "<tags><tag><text>bank:limit=x</text></tag></tags>",
    "<accreditation xmlns='urn:accreditation'>{}</accreditation>",
    "<accreditation xmlns='urn:accreditation'>[</accreditation>",
    "<questiontext format='markdown'>",
    "</questiontext>",
    "<single/>",
    "<idnumber>1</idnumber>",
    "да",
)


@many
@given(st.text() | st.lists(st.sampled_from(PARTS), max_size=12).map("".join))
def test_any_text_gives_entries_or_a_refusal(file: Path, text: str) -> None:
    for told in (text, f'<quiz><question type="multichoice">{text}</question></quiz>'):
        with contextlib.suppress(AccreditationError):
            entries = read(file, told.encode(errors="replace"))
            assert all(isinstance(entry, Arriving | Rejected) for entry in entries)
            assert moodle_xml.recognise(Head("x", file.read_bytes())) in (True, False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_every_encoding_that_is_said_is_read(file: Path, encoding: str) -> None:
    name = {"cp1251": "windows-1251", "utf-8-sig": "utf-8"}.get(encoding, encoding)
    text = f'<?xml version="1.0" encoding="{name}"?>\r\n' + question(
        "multichoice", "<generalfeedback><text>ёж</text></generalfeedback>"
    )
    entry = only(read(file, text.encode(encoding)), Arriving)
    assert entry.draft.explanation == "ёж"
    assert moodle_xml.recognise(Head("x", text.encode(encoding)))


def test_a_dtd_is_refused(file: Path) -> None:
    with pytest.raises(AccreditationError) as refusal:
        read(file, "<!DOCTYPE quiz [<!ENTITY a 'b'>]>" + question("multichoice"))
    assert refusal.value.code == "exchange_dtd"


def test_many_questions_are_read_in_little_memory(file: Path) -> None:
    items = (Leaving(f"i{number}", 1, four_option(f"Вопрос {number}?")) for number in range(5_000))
    with file.open("wb") as target:
        assert sum(1 for _ in moodle_xml.write(items, target)) == 5_000
    tracemalloc.start()
    try:
        assert sum(isinstance(entry, Arriving) for entry in moodle_xml.read(file)) == 5_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < file.stat().st_size / 4


def test_cases_are_left_out_and_said_so(file: Path) -> None:
    case = four_option()
    case = replace(case, stages=(*case.stages, *case.stages))
    with file.open("wb") as target:
        (out,) = moodle_xml.write([Leaving("i1", 1, case)], target)
    assert (out.left_out, out.remarks) == (True, (CASE,))
    assert not list(moodle_xml.read(file))


@pytest.mark.parametrize(
    ("start", "yes"),
    [
        (b"<quiz>", True),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\r\n<!-- x -->\n<quiz >", True),
        (b"<quizzes>", False),
        (b"<assessmentItem><quiz>", False),
        (b"text <quiz>", False),
    ],
)
def test_it_is_known_by_its_root(start: bytes, yes: bool) -> None:
    assert moodle_xml.recognise(Head("x.xml", start)) is yes
