"""QTI of others: what one choice comes as, what is told of it, and what is refused."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from core.errors import AccreditationError
from question_bank.exchange.entries import Arriving, Rejected
from question_bank.exchange.head import look
from question_bank.exchange.qti_read import read, read_beside, recognise
from question_bank.items import Role

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
V2 = "http://www.imsglobal.org/xsd/imsqti_v2p1"
CP = "http://www.imsglobal.org/xsd/imscp_v1p1"
CHOICES = "".join(f'<simpleChoice identifier="{name}">{name} есть</simpleChoice>' for name in "ABCD")
KEY = "<correctResponse><value>B</value></correctResponse>"
DECLARED = '<responseDeclaration identifier="R" cardinality="single" baseType="identifier">{}</responseDeclaration>'
ASKED = (
    '<choiceInteraction responseIdentifier="R" maxChoices="1" shuffle="true"><prompt>Что?</prompt>'
    f"{CHOICES}</choiceInteraction>"
)


SEVERAL = ASKED.replace('maxChoices="1"', 'maxChoices="0"')


def mapping(**worth: str) -> str:
    entries = "".join(f'<mapEntry mapKey="{name}" mappedValue="{value}"/>' for name, value in worth.items())
    return f"<mapping>{entries}</mapping>"


def item(body: str = f"<p>Дано.</p>{ASKED}", declared: str = KEY, after: str = "", given: str = "") -> str:
    return (
        f'<assessmentItem xmlns="{V2}" identifier="q" {given}>{DECLARED.format(declared)}<itemBody>{body}</itemBody>'
        f"{after}</assessmentItem>"
    )


def read_one(tmp_path: Path, source: str) -> Arriving | Rejected:
    path = tmp_path / "item.xml"
    path.write_text(source, "utf-8")
    (entry,) = read(path)
    return entry


def arrive(tmp_path: Path, source: str) -> Arriving:
    entry = read_one(tmp_path, source)
    assert isinstance(entry, Arriving), entry
    return entry


def keys(entry: Arriving) -> str:
    return "".join(choice.text[0] for choice in entry.draft.stages[0].choices if choice.role is Role.KEY)


def codes(entry: Arriving) -> list[str]:
    return [remark.code for remark in entry.remarks]


def package(path: Path, members: dict[str, str | bytes], resources: str = "", base: str = "") -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        if resources:
            archive.writestr(
                f"{base}imsmanifest.xml", f'<manifest xmlns="{CP}"><resources>{resources}</resources></manifest>'
            )
    return path


def resource(name: str, kind: str = "item", inside: str = "") -> str:
    return f'<resource identifier="{name}" type="imsqti_{kind}_xmlv2p1" href="{name}">{inside}</resource>'


def refused(path: Path) -> AccreditationError:
    with pytest.raises(AccreditationError) as refusal:
        list(read(path))
    return refusal.value


def test_one_choice_of_four(tmp_path: Path) -> None:
    entry = arrive(tmp_path, item())
    assert (entry.draft.stem, entry.draft.markup, entry.identifier) == ("Дано.\nЧто?", "text", "q")
    assert keys(entry) == "B"
    assert codes(entry) == []


def test_the_third_version_says_the_same_with_dashes(tmp_path: Path) -> None:
    entry = arrive(
        tmp_path,
        '<qti-assessment-item xmlns="http://www.imsglobal.org/xsd/imsqtiasi_v3p0" identifier="q" title="q">'
        '<qti-response-declaration identifier="R" cardinality="single" base-type="identifier"><qti-correct-response>'
        "<qti-value>B</qti-value></qti-correct-response></qti-response-declaration><qti-item-body>"
        '<qti-choice-interaction response-identifier="R" max-choices="1" shuffle="true"><qti-prompt>Что?</qti-prompt>'
        '<qti-simple-choice identifier="A">А</qti-simple-choice><qti-simple-choice identifier="B">Б</qti-simple-choice>'
        "</qti-choice-interaction></qti-item-body></qti-assessment-item>",
    )
    assert (entry.draft.stem, keys(entry), codes(entry)) == ("Что?", "Б", [])


def test_no_namespace_is_read_too(tmp_path: Path) -> None:
    assert keys(arrive(tmp_path, item().replace(f' xmlns="{V2}"', ""))) == "B"


@pytest.mark.parametrize(
    ("declared", "after", "key", "told"),
    [
        (mapping(C="1"), "", "C", []),
        (mapping(C="2", A="1"), "", "C", ["points"]),
        (mapping(C="1", A="-1"), "", "C", ["points"]),
        (KEY + mapping(C="1"), "", "B", ["mapping"]),
        (KEY + mapping(C="0"), "", "B", []),
        ("", "", "", ["no_key"]),
        ("<correctResponse><value>Z</value></correctResponse>", "", "", ["no_key"]),
        (mapping(C="много"), "", "", ["no_key"]),
    ],
)  # fmt: skip
def test_the_key_is_where_the_file_has_it(tmp_path: Path, declared: str, after: str, key: str, told: list[str]) -> None:
    entry = arrive(tmp_path, item(declared=declared, after=after))
    assert (keys(entry), codes(entry)) == (key, told)


def condition(option: str, points: str) -> str:
    return (
        f'<responseCondition><responseIf><match><variable identifier="R"/><baseValue baseType="identifier">{option}'
        f'</baseValue></match><setOutcomeValue identifier="SCORE"><baseValue baseType="float">{points}</baseValue>'
        '</setOutcomeValue></responseIf><responseElse><setOutcomeValue identifier="SCORE"><baseValue baseType="float">0'
        "</baseValue></setOutcomeValue></responseElse></responseCondition>"
    )


def test_processing_that_names_one_option_gives_the_key(tmp_path: Path) -> None:
    plain = f"<responseProcessing>{condition('A', '0')}{condition('D', '1')}</responseProcessing>"
    assert keys(arrive(tmp_path, item(declared="", after=plain))) == "D"
    foreign = plain.replace('variable identifier="R"', 'variable identifier="S"')
    assert codes(arrive(tmp_path, item(declared="", after=foreign))) == ["no_key"]
    other = f"<responseProcessing>{condition('D', '1')}<exitResponse/></responseProcessing>"
    assert codes(arrive(tmp_path, item(declared="", after=other))) == ["no_key"]


def test_three_options_are_read(tmp_path: Path) -> None:
    body = ASKED.replace('<simpleChoice identifier="D">D есть</simpleChoice>', "")
    assert len(arrive(tmp_path, item(body)).draft.stages[0].choices) == 3


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (item("<p>Только текст.</p>"), "no_interaction"),
        (item(ASKED + ASKED), "composite"),
        (item('<p><textEntryInteraction responseIdentifier="R"/></p>'), "interaction"),
        (item(given='adaptive="true"'), "adaptive"),
        (item(after="<templateProcessing/>"), "template"),
        (item(declared="<correctResponse><value>A</value><value>B</value></correctResponse>"), "several_keys"),
        (item(declared=mapping(A="1", B="1")), "several_keys"),
        (item(SEVERAL).replace('"single"', '"multiple"'), "several_keys"),
        (item().replace('baseType="identifier"', 'baseType="pair"'), "response"),
    ],
)  # fmt: skip
def test_what_is_not_one_choice_of_one_is_rejected_as_it_stood(tmp_path: Path, source: str, code: str) -> None:
    entry = read_one(tmp_path, source)
    assert isinstance(entry, Rejected)
    assert (entry.code, entry.original, entry.identifier) == (code, source.encode(), "q")
    assert entry.sentence


def test_several_may_be_allowed_where_one_may_be_chosen(tmp_path: Path) -> None:
    assert keys(arrive(tmp_path, item().replace('cardinality="single"', 'cardinality="multiple"'))) == "B"


def test_rich_texts_become_ours_and_losses_are_told(tmp_path: Path) -> None:
    body = (
        '<div class="x"><p>Дано: <b>боль</b> <a href="http://x">там</a></p><ul><li>раз</li></ul></div>'
        '<feedbackInline outcomeIdentifier="F" identifier="A" showHide="show">Нет!</feedbackInline>'
        '<rubricBlock view="scorer"><p>Ключ: B</p></rubricBlock><audio src="x.mp3"/>' + ASKED
    )
    entry = arrive(tmp_path, item(body, given='title="Название" xml:lang="nl"'))
    assert entry.draft.markup == "html"
    assert entry.draft.stem == "<p>Дано: <strong>боль</strong> там</p><ul><li>раз</li></ul><p>Что?</p>"
    assert {"style", "feedback", "rubric", "media", "title", "language", "markup"} == set(codes(entry))


def test_the_language_and_the_feedback_of_the_key_come_along(tmp_path: Path) -> None:
    feedback = "".join(
        f'<modalFeedback outcomeIdentifier="F" identifier="{name}" showHide="show">Про {name}</modalFeedback>'
        for name in "AB"
    )
    entry = arrive(tmp_path, item(after=feedback, given='xml:lang="en-GB"'))
    assert (entry.draft.explanation, entry.draft.language, codes(entry)) == ("Про B", "en", ["feedback"])


def test_pictures_of_the_package_come_and_others_leave_their_words(tmp_path: Path) -> None:
    body = "".join(
        f'<p><img src="{source}" alt="{alt}"/></p>'
        for source, alt in (
            ("images/ecg.png", "ЭКГ"), ("https://x/y.png", "Чужое"), ("../../z.png", "Дальнее"), ("v.svg", "Вектор"),
            ("no.png", "Нет"), ("images/text.png", "Текст"), ("data:image/png;base64,iVBORw0KGgo=", "Внутри"),
        )
    )  # fmt: skip
    path = package(
        tmp_path / "x.zip",
        {"items/q.xml": item(body + ASKED), "items/images/ecg.png": PNG, "items/images/text.png": b"text"},
        resource("items/q.xml"),
    )
    (entry,) = read(path)
    assert isinstance(entry, Arriving)
    assert entry.pictures == {"ecg": PNG, "picture-2": b"\x89PNG\r\n\x1a\n"}
    assert 'data-asset="ecg" alt="ЭКГ"' in entry.draft.stem
    assert "<p>Чужое</p><p>Дальнее</p><p>Вектор</p><p>Нет</p><p>Текст</p>" in entry.draft.stem
    assert set(codes(entry)) == {"picture_remote", "picture_vector", "picture_missing", "picture_format"}


def test_an_item_takes_no_more_than_an_item_may_need(tmp_path: Path) -> None:
    many = "".join(f'<img src="{number}.png" alt="{number}"/>' for number in range(60))
    passage = f"<assessmentStimulus><stimulusBody>{'x' * 600_000}</stimulusBody></assessmentStimulus>"
    body = item(f"<p>{many}</p>{ASKED}").replace("<itemBody>", '<assessmentStimulusRef href="s.xml"/><itemBody>')
    members = {f"{number}.png": PNG + bytes([number]) for number in range(60)}
    (entry,) = read(package(tmp_path / "x.zip", {"q.xml": body, "s.xml": passage, **members}, resource("q.xml")))
    assert isinstance(entry, Arriving)
    assert len(entry.pictures) == 40
    assert {"pictures_many", "stimulus_large"} <= set(codes(entry))


def test_a_test_gives_limits_and_items_that_only_it_names(tmp_path: Path) -> None:
    test = (
        f'<assessmentTest xmlns="{V2}"><assessmentItemRef identifier="a" href="a.xml"><timeLimits maxTime="90"/>'
        '</assessmentItemRef><assessmentItemRef identifier="b" href="b.xml"><weight identifier="W" value="2"/>'
        '<timeLimits maxTime="99999"/></assessmentItemRef></assessmentTest>'
    )
    path = package(
        tmp_path / "x.zip",
        {"t.xml": test, "a.xml": item(), "b.xml": item()},
        resource("a.xml") + resource("t.xml", "test"),
    )
    first, second = read(path)
    assert isinstance(first, Arriving)
    assert isinstance(second, Arriving)
    assert (first.draft.limit, second.draft.limit) == (90_000, None)
    assert (codes(first), codes(second)) == ([], ["weight", "limit"])
    assert [first.place.member, second.place.member, second.place.number] == ["a.xml", "b.xml", 2]


def test_sections_in_files_of_their_own_are_followed_and_not_for_ever(tmp_path: Path) -> None:
    test = (
        '<assessmentTest><assessmentSectionRef href="s.xml"/><assessmentSectionRef href="gone.xml"/></assessmentTest>'
    )
    section = (
        '<assessmentSection><assessmentSectionRef href="s.xml"/><assessmentItemRef href="a.xml"/></assessmentSection>'
    )
    path = package(tmp_path / "x.zip", {"t.xml": test, "s.xml": section, "a.xml": item()}, resource("t.xml", "test"))
    found = {entry.place.member: type(entry) for entry in read(path)}
    assert found == {"a.xml": Arriving, "gone.xml": Rejected}


def test_what_lom_says_is_heard(tmp_path: Path) -> None:
    lom = (
        '<metadata><lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general><identifier><catalog>чужой</catalog><entry>7</entry>'
        '</identifier><language>ru</language><keyword><string language="ru"> ЭКГ </string></keyword></general>'
        "<educational><typicalLearningTime><duration>PT2M</duration></typicalLearningTime></educational></lom></metadata>"
    )
    (entry,) = read(package(tmp_path / "x.zip", {"a.xml": item()}, resource("a.xml", inside=lom)))
    assert isinstance(entry, Arriving)
    assert (entry.home, entry.draft.tags, entry.draft.limit, entry.draft.language) == ("", ("ЭКГ",), 120_000, "ru")


def test_a_package_in_a_folder_of_its_own_is_found(tmp_path: Path) -> None:
    path = package(tmp_path / "x.zip", {"bank/a.xml": item()}, resource("a.xml"), "bank/")
    assert [type(entry) for entry in read(path)] == [Arriving]


def test_one_broken_item_does_not_take_the_others_along(tmp_path: Path) -> None:
    path = package(
        tmp_path / "x.zip",
        {"a.xml": "<assessmentItem>", "b.xml": item(), "old.xml": "<questestinterop/>", "c.xml": "<lom/>"},
        resource("a.xml") + resource("b.xml") + resource("gone.xml") + resource("c.xml")
        + '<resource type="imsqti_xmlv1p2" href="old.xml"/><resource type="webcontent" href="http://x"/>',
    )  # fmt: skip
    found = [entry.code if isinstance(entry, Rejected) else "read" for entry in read(path)]
    assert found == ["exchange_xml", "read", "missing_file", "not_an_item", "version"]


OUTWARD = '<assessmentTest><assessmentItemRef href="../x"/></assessmentTest>'
DTD = '<!DOCTYPE a [<!ENTITY b "x">]>'


@pytest.mark.parametrize(
    ("members", "resources", "code"),
    [
        ({"a.xml": item()}, "", "exchange_no_manifest"),
        ({"a.xml": item()}, "<resource/>", "exchange_no_items"),
        ({"a.xml": DTD + item()}, resource("a.xml"), "exchange_dtd"),
        ({"a.xml": item()}, resource("../a.xml"), "exchange_reference"),
        ({"a.xml": item()}, resource("/etc/passwd"), "exchange_reference"),
        ({"a.xml": item()}, resource("http://host/a.xml"), "exchange_reference"),
        ({"a.xml": item()}, resource("b.xml"), "exchange_missing"),
        ({"a.xml": item()}, resource("a.xml") + resource("t.xml", "test"), "exchange_missing"),
        ({"a.xml": item()}, resource("a.xml", "test"), "exchange_manifest"),
        ({"t.xml": OUTWARD}, resource("t.xml", "test"), "exchange_reference"),
        ({"../a.xml": item()}, resource("a.xml"), "exchange_zip_path"),
        ({"a.xml": " " * 20_000_000}, resource("a.xml"), "exchange_zip_bomb"),
        ({"a.xml": "<q>" * 400 + "</q>" * 400}, resource("a.xml"), "exchange_depth"),
    ],
)  # fmt: skip
def test_packages_that_are_not_sound_are_refused(
    tmp_path: Path, members: dict[str, str | bytes], resources: str, code: str
) -> None:
    error = refused(package(tmp_path / "x.zip", members, resources))
    assert error.code == code
    assert error.message


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<lom/>", "exchange_not_qti"),
        (b"<manifest/>", "exchange_not_qti"),
        ((DTD + item()).encode(), "exchange_dtd"),
        (item().encode("cp1251", "replace"), "exchange_encoding"),
        (b"PK\x03\x04", "exchange_zip"),
        (b"", "exchange_xml"),
        (b"<assessmentItem><itemBody><p>" + b"x" * 11_000_000, "exchange_too_large"),
    ],
)
def test_files_that_are_not_qti_are_refused(tmp_path: Path, data: bytes, code: str) -> None:
    path = tmp_path / "x.xml"
    path.write_bytes(data)
    assert refused(path).code == code


def test_a_file_alone_reaches_no_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(item('<p><img src="ecg.png" alt="ЭКГ"/></p>' + ASKED))
    (tmp_path / "ecg.png").write_bytes(PNG)
    (tmp_path / "t.xml").write_text('<assessmentTest><assessmentItemRef href="a.xml"/></assessmentTest>')
    (entry,) = read(tmp_path / "t.xml")
    assert isinstance(entry, Rejected)
    assert entry.code == "missing_file"
    (entry,) = read(tmp_path / "a.xml")
    assert isinstance(entry, Arriving)
    assert not entry.pictures
    (entry,) = read_beside(tmp_path / "t.xml")
    assert isinstance(entry, Arriving)
    assert list(entry.pictures) == ["ecg"]


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_marks_at_the_start_and_line_ends_do_not_matter(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "x.xml"
    source = '<?xml version="1.0" encoding="UTF-8"?>\n' + item("<p>Раз\nдва</p>" + ASKED)
    path.write_bytes(b"\xef\xbb\xbf" + source.replace("\n", ending).encode())
    (entry,) = read(path)
    assert isinstance(entry, Arriving)
    assert entry.draft.stem == "Раз два\nЧто?"


def test_elements_within_elements_have_an_end(tmp_path: Path) -> None:
    deep = "<em>" * 200 + "x" + "</em>" * 200
    assert "x" in arrive(tmp_path, item(f"<p>{deep}</p>" + ASKED)).draft.stem


def test_what_is_qti_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(item())
    (tmp_path / "b.xml").write_text("<quiz><!-- <assessmentItem> --><q><![CDATA[<assessmentTest>]]></q></quiz>")
    (tmp_path / "g.xml").write_text('<?xml version="1.0"?>\n<!-- <quiz> -->\n<q:assessmentTest xmlns:q="x"/>')
    (tmp_path / "c.xml").write_bytes(item().encode("utf-16"))
    package(tmp_path / "d.zip", {"a.xml": item()}, resource("a.xml"))
    package(tmp_path / "e.zip", {"[Content_Types].xml": ""})
    (tmp_path / "f.zip").write_bytes(b"PK\x03\x04")
    found = [
        name
        for name in ("a.xml", "b.xml", "c.xml", "d.zip", "e.zip", "f.zip", "g.xml")
        if recognise(look(tmp_path / name))
    ]
    assert found == ["a.xml", "c.xml", "d.zip", "f.zip", "g.xml"]
