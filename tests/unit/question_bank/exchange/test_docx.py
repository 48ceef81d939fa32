"""Word documents: lists that Word numbers, bold, indices, pictures; documents that somebody broke."""

import contextlib
import io
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import AccreditationError, Invalid
from question_bank.exchange import docx
from question_bank.exchange.entries import Arriving, Rejected
from question_bank.exchange.formats import find_format
from question_bank.exchange.head import look
from question_bank.items import Role

W = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)
NUMBERING = f"""<w:numbering {W}>
<w:abstractNum w:abstractNumId="3"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl>
<w:lvl w:ilvl="1"><w:numFmt w:val="russianLower"/></w:lvl></w:abstractNum>
<w:num w:numId="5"><w:abstractNumId w:val="3"/></w:num></w:numbering>"""
STYLES = f"""<w:styles {W}><w:style w:styleId="Q"><w:pPr><w:numPr><w:numId w:val="5"/></w:numPr></w:pPr></w:style>
</w:styles>"""
RELATIONS = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId7" Target="media/image1.png"/><Relationship Id="rId8" Target="../../etc/passwd.png"/>
<Relationship Id="rId9" Target="http://example.org/a.png" TargetMode="External"/>
<Relationship Id="rId6" Target="media/image2.emf"/></Relationships>"""


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def picture(relation: str, words: str = "") -> str:
    return (
        f'<w:r><w:drawing><wp:inline><wp:docPr descr="{words}"/>'
        f'<a:blip r:embed="{relation}"/></wp:inline></w:drawing></w:r>'
    )


def paragraph(runs: str, level: int | None = None, style: str = "") -> str:
    numbering = "" if level is None else f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="5"/></w:numPr>'
    styled = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{styled}{numbering}</w:pPr>{runs}</w:p>"


def document(*paragraphs: str) -> bytes:
    target = io.BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", f"<w:document {W}><w:body>{''.join(paragraphs)}</w:body></w:document>")
        archive.writestr("word/numbering.xml", NUMBERING)
        archive.writestr("word/styles.xml", STYLES)
        archive.writestr("word/_rels/document.xml.rels", RELATIONS)
        archive.writestr("word/media/image1.png", b"\x89PNG")
        archive.writestr("word/media/image2.emf", b"emf")
    return target.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "items.docx"


def read(file: Path, data: bytes) -> list[Arriving | Rejected]:
    file.write_bytes(data)
    return list(docx.read(file))


def only(entries: list[Arriving | Rejected]) -> Arriving:
    (entry,) = entries
    assert isinstance(entry, Arriving)
    return entry


BOLD = "<w:b/>"


def test_lists_that_word_numbers(file: Path) -> None:
    one = [
        paragraph(run("Сколько ") + run("кислорода?"), style="Q"),
        paragraph(run("много"), 1),
        paragraph(run("ма", BOLD) + run("ло", BOLD), 1),
        paragraph(run("нисколько", '<w:b w:val="0"/>'), 1),
        paragraph("", 1),
    ]
    first, second = read(file, document(*one, *one))
    for entry in (first, second):
        assert isinstance(entry, Arriving)
        assert (entry.draft.stem, entry.draft.markup) == ("Сколько кислорода?", "text")
        choices = [(choice.text, choice.role) for choice in entry.draft.stages[0].choices]
        assert choices == [
            ("много", Role.DISTRACTOR), ("мало", Role.KEY), ("нисколько", Role.DISTRACTOR),
        ]  # fmt: skip
        assert entry.remarks == ()
    assert isinstance(second, Arriving)
    assert (first.identifier, second.identifier) == ("1", "2")


def test_indices_and_pictures_come_along(file: Path) -> None:
    entry = only(
        read(
            file,
            document(
                paragraph(run("1. Что на плёнке?") + picture("rId7", "ЭКГ &amp; пульс")),
                paragraph(run("А) H") + run("2", '<w:vertAlign w:val="subscript"/>') + run("O")),
                paragraph(run("Б) *") + run("x &lt; y", "<w:i/>")),
                paragraph(run("Ответ: А")),
            ),
        )
    )
    assert entry.draft.markup == "html"
    assert entry.draft.stem == 'Что на плёнке?<img data-asset="word/media/image1.png" alt="ЭКГ &amp; пульс">'
    assert entry.pictures == {"word/media/image1.png": b"\x89PNG"}
    assert entry.draft.stages[0].choices[0].text == "H<sub>2</sub>O"


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        (picture("rId6"), "picture_lost"),
        (picture("rId8"), "picture_lost"),
        (picture("rId9"), "picture_lost"),
        ("<m:oMath><m:r><m:t>x=1</m:t></m:r></m:oMath>", "formula_lost"),
        ("<w:r><w:object/></w:r>", "object_lost"),
    ],
)
def test_what_does_not_come_along_is_told(file: Path, runs: str, code: str) -> None:
    entry = only(
        read(file, document(paragraph(run("1. Что?") + runs), paragraph(run("А) да")), paragraph(run("*Б) нет"))))
    )
    assert [(remark.weight, remark.code) for remark in entry.remarks] == [("loss", code)]
    assert entry.pictures == {}


def test_a_deleted_text_is_not_there(file: Path) -> None:
    gone = "<w:del><w:r><w:delText>не </w:delText></w:r></w:del>"
    entry = only(
        read(
            file,
            document(paragraph(run("1. Кто ") + gone + run("он?")), paragraph(run("*А) я")), paragraph(run("Б) ты"))),
        )
    )
    assert entry.draft.stem == "Кто он?"


@pytest.mark.parametrize(
    ("part", "content", "code"),
    [
        ("word/document.xml", "<!DOCTYPE x><w:p/>", "exchange_dtd"),
        ("word/document.xml", "<w:p", "exchange_xml"),
        ("word/numbering.xml", "<x>&lol;</x>", "exchange_entity"),
        ("../evil", "x", "exchange_zip_path"),
    ],
)
def test_a_hostile_document_is_refused(file: Path, part: str, content: str, code: str) -> None:
    with ZipFile(io.BytesIO(document(paragraph(run("1. x"))))) as old, ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name == part else old.read(name))
        if part not in old.namelist():
            new.writestr(part, content)
    with pytest.raises(AccreditationError) as refusal:
        list(docx.read(file))
    assert refusal.value.code == code


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60), st.integers(0, 3_000))
def test_any_bytes_give_entries_or_a_refusal(file: Path, data: bytes, place: int) -> None:
    good = document(paragraph(run("1. Что?")), paragraph(run("*А) да")))
    with contextlib.suppress(AccreditationError):
        assert all(isinstance(entry, Arriving | Rejected) for entry in read(file, good[:place] + data + good[place:]))


def test_it_is_recognised_and_not_written(file: Path) -> None:
    file.write_bytes(document())
    format = find_format(look(file))
    assert (format.name, format.write) == ("docx", None)
    with pytest.raises(Invalid, match="exchange_"):
        read(file, b"PK\x03\x04")
