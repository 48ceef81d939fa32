"""Numbered lists in Word documents: where tests usually live. In only.

Paragraphs come with the labels that Word would draw before them; numbered_lists makes items of them.
"""

from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from msgspec import Struct

from question_bank.exchange.entries import Arriving, Rejected
from question_bank.exchange.head import Head
from question_bank.exchange.numbered_lists import Label, LabelKind, Paragraph, read_paragraphs
from question_bank.exchange.packages import Package, open_package, resolve
from question_bank.exchange.strict_xml import iterate, name_of, parse

DOCUMENT = "word/document.xml"
MAX_PART = 8_000_000
MAX_PICTURE = 5_000_000
MOST_REMEMBERED = 32 << 20
"""Bytes of pictures of one paragraph."""

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_KINDS: dict[str, LabelKind] = {
    "decimal": "number",
    "decimalZero": "number",
    "upperRoman": "number",
    "lowerRoman": "number",
    "upperLetter": "latin",
    "lowerLetter": "latin",
    "russianUpper": "cyrillic",
    "russianLower": "cyrillic",
    "bullet": "bullet",
}
_RAISED = {"subscript": "sub", "superscript": "sup"}
_DRAWN = (".png", ".jpg", ".jpeg", ".webp")


def recognise(head: Head) -> bool:
    return DOCUMENT in head.members


def read(path: Path) -> Iterator[Arriving | Rejected]:
    """Raises what open_package and strict_xml do."""
    with open_package(path) as package:
        yield from read_paragraphs(_Document(package).paragraphs())


class _Numbering(Struct, frozen=True):
    """Which list a paragraph is in, and how deep."""

    list: str
    level: int


class _Document:
    def __init__(self, package: Package) -> None:
        self._package = package
        self._targets = _read_targets(package)
        self._kinds = _read_kinds(package)
        self._styles = _read_styles(package)
        self._counts: Counter[tuple[str, int]] = Counter()

    def paragraphs(self) -> Iterator[Paragraph]:
        with self._package.stream(DOCUMENT) as file:
            for number, element in enumerate(iterate(file, f"{_W}p", DOCUMENT), 1):
                yield self._paragraph(element, number)

    def _paragraph(self, element: Any, number: int) -> Paragraph:
        runs = _Runs(self._package, self._targets)
        runs.read(element)
        numbering, style = self._numbering(element)
        return Paragraph(
            number,
            runs.text.strip(),
            runs.html.strip(),
            runs.rich,
            runs.bold and not runs.light,
            self._label(numbering) if numbering is not None and (runs.text.strip() or runs.pictures) else None,
            "heading" in style.lower() or style.lower() in ("title", "1", "2"),
            runs.pictures,
            tuple(sorted(runs.lost)),
        )

    def _numbering(self, element: Any) -> tuple[_Numbering | None, str]:
        properties = element.find(f"{_W}pPr")
        if properties is None:
            return None, ""
        style = _value(properties.find(f"{_W}pStyle"))
        said = properties.find(f"{_W}numPr")
        found = self._styles.get(style) if said is None else _numbering(said, self._styles.get(style))
        return (None if found is None or found.list in ("", "0") else found), style

    def _label(self, numbering: _Numbering) -> Label:
        place = (numbering.list, numbering.level)
        for deeper in [one for one in self._counts if one[0] == numbering.list and one[1] > numbering.level]:
            del self._counts[deeper]
        self._counts[place] += 1
        kind = self._kinds.get(place, "number")
        return Label(kind, self._counts[place] - 1, numbering.list, numbering.level)


class _Runs:
    """The text of a paragraph, plain and as HTML."""

    def __init__(self, package: Package, targets: dict[str, str]) -> None:
        self._package, self._targets = package, targets
        self.text = self.html = ""
        self.rich = self.bold = self.light = False
        self.pictures: dict[str, bytes] = {}
        self.lost: set[str] = set()

    def read(self, paragraph: Any) -> None:
        for element in paragraph.iter():
            name = name_of(element)
            if name == "r" and element.tag.startswith(_W):
                self._read_run(element)
            elif name == "oMath":
                self._add("".join(element.itertext()), set())
                self.lost.add("formula")
            elif name == "blip":
                self._read_picture(element)
            elif name in ("object", "pict", "OLEObject", "chart", "relIds"):
                self.lost.add("object")

    def _read_run(self, run: Any) -> None:
        properties = run.find(f"{_W}rPr")
        marks: set[str] = set()
        bold = False
        if properties is not None:
            if (raised := _RAISED.get(_value(properties.find(f"{_W}vertAlign")))) is not None:
                marks.add(raised)
            if _is_on(properties.find(f"{_W}i")):
                marks.add("em")
            bold = _is_on(properties.find(f"{_W}b"))
        text = "".join(_text(child) for child in run)
        if text.strip():
            self.bold, self.light = self.bold or bold, self.light or not bold
        self._add(text, marks)

    def _add(self, text: str, marks: set[str]) -> None:
        self.text += text
        html = escape(text, quote=False).replace("\n", "<br>")
        if marks and text.strip():
            self.rich = True
            for mark in sorted(marks):
                html = f"<{mark}>{html}</{mark}>"
        self.html += html

    def _read_picture(self, blip: Any) -> None:
        reference = next((value for name, value in blip.attrib.items() if name.endswith("}embed")), "")
        target = self._targets.get(reference, "")
        if not target.lower().endswith(_DRAWN) or not self._package.has(target):
            self.lost.add("picture")
            return
        if sum(map(len, self.pictures.values())) > MOST_REMEMBERED:
            self.lost.add("picture")
            return
        self.pictures[target] = self._package.read(target, MAX_PICTURE)
        described = ""
        for above in blip.iterancestors():
            if name_of(above) in ("inline", "anchor"):
                described = next((one.get("descr", "") for one in above if name_of(one) == "docPr"), "")
                break
        self.rich = True
        self.html += f'<img data-asset="{escape(target)}" alt="{escape(described)}">'


def _text(element: Any) -> str:
    match name_of(element):
        case "t":
            return element.text or ""
        case "tab":
            return " "
        case "br" | "cr":
            return "\n"
        case "noBreakHyphen":
            return "\u2011"
        case _:
            return ""


def _numbering(element: Any, inherited: _Numbering | None) -> _Numbering:
    level, named = element.find(f"{_W}ilvl"), element.find(f"{_W}numId")
    depth = _value(level)
    return _Numbering(
        _value(named) if named is not None else "" if inherited is None else inherited.list,
        int(depth) if depth.isdecimal() and len(depth) < 3 else 0,
    )


def _read_targets(package: Package) -> dict[str, str]:
    """Members by the ids of relations."""
    found: dict[str, str] = {}
    for element in _parts(package, "word/_rels/document.xml.rels"):
        if element.get("TargetMode") != "External":
            found[element.get("Id", "")] = resolve(DOCUMENT, element.get("Target", "").removeprefix("/word/")) or ""
    return found


def _read_kinds(package: Package) -> dict[tuple[str, int], LabelKind]:
    """How each level of each list is counted."""
    abstract: dict[str, dict[int, LabelKind]] = {}
    found: dict[tuple[str, int], LabelKind] = {}
    for element in _parts(package, "word/numbering.xml"):
        if name_of(element) == "abstractNum":
            levels = {
                int(level.get(f"{_W}ilvl", "0")): _KINDS.get(_value(level.find(f"{_W}numFmt")), "number")
                for level in element.iterfind(f"{_W}lvl")
                if level.get(f"{_W}ilvl", "0").isdecimal()
            }
            abstract[element.get(f"{_W}abstractNumId", "")] = levels
        elif name_of(element) == "num":
            for level, kind in abstract.get(_value(element.find(f"{_W}abstractNumId")), {}).items():
                found[element.get(f"{_W}numId", ""), level] = kind
    return found


def _read_styles(package: Package) -> dict[str, _Numbering]:
    found: dict[str, _Numbering] = {}
    for style in _parts(package, "word/styles.xml"):
        numbering = style.find(f"{_W}pPr/{_W}numPr")
        if numbering is not None:
            found[style.get(f"{_W}styleId", "")] = _numbering(numbering, None)
    return found


def _parts(package: Package, member: str) -> list[Any]:
    return list(parse(package.read(member, MAX_PART), member)) if package.has(member) else []


def _value(element: Any) -> str:
    return "" if element is None else str(element.get(f"{_W}val", ""))


def _is_on(element: Any) -> bool:
    return element is not None and element.get(f"{_W}val", "1") not in ("0", "false", "off")
