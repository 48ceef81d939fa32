"""QTI 2.1, 2.2 and 3.0 out: a package of items, their pictures, one test and the list of contents. Pure but for the
file that is written.

Members are written as items come; the test and the list of contents grow in temporary files and come last. Others get
items that they can use: one choice with its key, a case as several interactions whose mappings give our marks (but for
an ordered stage, which gives all or nothing).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from html import escape
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from core.moments import SECOND
from question_bank.drafts import Draft, DraftStage
from question_bank.exchange.entries import Leaving, Remark, Written
from question_bank.exchange.qti_metadata import write_metadata
from question_bank.exchange.qti_names import (
    CATALOG,
    LOM,
    MATH,
    QTI_2_1,
    QTI_2_2,
    QTI_3_0,
    TOOL,
    Version,
    dash,
)
from question_bank.exchange.qti_own import PROMPT, REVEAL, STEM
from question_bank.exchange.qti_read import MANIFEST
from question_bank.items import Role
from question_bank.markup import clean, read_plain

TEST = "test.xml"
LONGEST_TITLE = 80
COMPRESSION = 3

_WHEN = (1980, 1, 1, 0, 0, 0)
_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,79}", re.ASCII)
_IMAGE = re.compile(r'<img((?: [a-z-]+="[^"]*")*)>')
_ASSET = re.compile(r' data-asset="([^"]*)"')
_BLOCK = re.compile(r"<(?:p|ul|ol|table)>")
_LOST_CHARACTERS = Remark("loss", "characters", "Управляющих знаков в XML быть не может: они опущены.")
_LOST_PICTURE = Remark("loss", "picture_missing", "Изображения нет в банке: вместо него написано, что на нём.")

Picture = Callable[[str], str | None]
"""The address of a picture by its asset id."""


def write_2_1(items: Iterable[Leaving], target: IO[bytes]) -> Iterator[Written]:
    return write(QTI_2_1, items, target)


def write_2_2(items: Iterable[Leaving], target: IO[bytes]) -> Iterator[Written]:
    return write(QTI_2_2, items, target)


def write_3_0(items: Iterable[Leaving], target: IO[bytes]) -> Iterator[Written]:
    return write(QTI_3_0, items, target)


def write(version: Version, items: Iterable[Leaving], target: IO[bytes]) -> Iterator[Written]:
    """A package, and what became of each item; done when the last one was asked for."""
    with (
        ZipFile(target, "w", ZIP_DEFLATED, compresslevel=COMPRESSION) as archive,
        TemporaryFile() as manifest,
        TemporaryFile() as test,
    ):
        writer = _Writer(version, archive)
        manifest.write(writer.open_manifest().encode())
        test.write(writer.open_test().encode())
        for leaving in items:
            resource, reference, written = writer.write(leaving)
            manifest.write(resource.encode())
            test.write(reference.encode())
            yield written
        manifest.write(b"</resources></manifest>\n")
        test.write(writer.close_test().encode())
        for name, file in ((TEST, test), (MANIFEST, manifest)):
            file.seek(0)
            with archive.open(_info(name), "w", force_zip64=True) as member:
                copyfileobj(file, member)


class _Writer:
    def __init__(self, version: Version, archive: ZipFile) -> None:
        self._version, self._archive = version, archive
        self._names: set[str] = set()
        self._pictures: dict[str, tuple[str, bytes]] = {}

    def write(self, leaving: Leaving) -> tuple[str, str, Written]:
        """The item's member; then its entry in the list of contents, its line in the test, and what was lost."""
        name = self._name(leaving.item)
        used: dict[str, None] = {}
        lost: dict[str, Remark] = {}

        def picture(asset: str) -> str | None:
            file = self._picture(asset, leaving)
            if file is None:
                lost["picture_missing"] = _LOST_PICTURE
            else:
                used[file] = None
            return file

        title = _title(leaving.draft)
        document = _Item(self._version, leaving.draft, picture).make(name, title)
        metadata = write_metadata(leaving, title)
        if _ILLEGAL.search(document) or _ILLEGAL.search(metadata):
            lost["characters"] = _LOST_CHARACTERS
            document, metadata = _ILLEGAL.sub("", document), _ILLEGAL.sub("", metadata)
        member = f"items/{name}.xml"
        self._archive.writestr(_info(member), document.encode(), compresslevel=COMPRESSION)
        files = "".join(f'<file href="items/{file}"/>' for file in used)
        resource = (
            f'<resource identifier="R-{name}" type="imsqti_item_xml{self._version.type}" href="{member}">{metadata}'
            f'<file href="{member}"/>{files}</resource>\n'
        )
        return resource, self._reference(name, member, leaving.draft), Written(leaving.item, tuple(lost.values()))

    def open_manifest(self) -> str:
        version = self._version
        home = (
            f"<metadata><imsmd:lom><imsmd:general><imsmd:identifier><imsmd:catalog>{CATALOG}</imsmd:catalog>"
            "<imsmd:entry>test</imsmd:entry></imsmd:identifier></imsmd:general></imsmd:lom></metadata>"
        )
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<manifest xmlns="{version.package_namespace}" '
            f'xmlns:imsmd="{LOM}" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:schemaLocation="{version.package_namespace} {version.package_schema}" identifier="MANIFEST">'
            f"<metadata><schema>{version.package_title}</schema><schemaversion>{version.package_version}</schemaversion>"
            f'</metadata><organizations/><resources>\n<resource identifier="TEST" '
            f'type="imsqti_test_xml{version.type}" href="{TEST}">{home}<file href="{TEST}"/></resource>\n'
        )

    def open_test(self) -> str:
        tag = _Tags(self._version)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            + tag.open("assessmentTest", identifier="TEST", title="Задания", toolName=TOOL, **tag.root())
            + tag.open("testPart", identifier="PART", navigationMode="linear", submissionMode="individual")
            + tag.open("assessmentSection", identifier="SECTION", title="Задания", visible="true")
            + "\n"
        )

    def close_test(self) -> str:
        tag = _Tags(self._version)
        return tag.close("assessmentSection") + tag.close("testPart") + tag.close("assessmentTest") + "\n"

    def _reference(self, name: str, member: str, draft: Draft) -> str:
        tag = _Tags(self._version)
        limit = "" if draft.limit is None else tag.empty("timeLimits", maxTime=f"{draft.limit / SECOND:g}")
        return tag.whole("assessmentItemRef", limit, identifier=f"I-{name}", href=member) + "\n"

    def _name(self, item: str) -> str:
        """A name for files and identifiers that no other item has, on any file system."""
        wished = (
            item if _IDENTIFIER.fullmatch(item) else f"item-{sha256(item.encode(errors='replace')).hexdigest()[:16]}"
        )
        name, count = wished, 1
        while name.casefold() in self._names:
            count += 1
            name = f"{wished}-{count}"
        self._names.add(name.casefold())
        return name

    def _picture(self, asset: str, leaving: Leaving) -> str | None:
        """The file of a picture beside the items, written once."""
        if asset not in leaving.pictures:
            return None
        data, media_type = leaving.pictures[asset]
        digest = sha256(data).digest()
        known = self._pictures.get(asset)
        if known is not None and known[1] == digest:
            return known[0]
        file = (
            f"pictures/{asset if known is None else f'{asset}-{digest.hex()[:12]}'}.{_SUFFIXES.get(media_type, 'png')}"
        )
        self._pictures[asset] = (file, digest)
        if f"items/{file}" not in self._archive.NameToInfo:
            self._archive.writestr(_info(f"items/{file}", ZIP_STORED), data)
        return file


class _Tags:
    """Tags in the spelling of one version; what stands in attributes is escaped already."""

    def __init__(self, version: Version) -> None:
        self._version, self._dashed = version, version.dashed

    def root(self) -> dict[str, str]:
        version = self._version
        return {
            "xmlns": version.namespace,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": f"{version.namespace} {version.schema}",
        }

    def open(self, name: str, **attributes: str) -> str:
        return f"<{self._tag(name)}{self._given(attributes)}>"

    def close(self, name: str) -> str:
        return f"</{self._tag(name)}>"

    def empty(self, name: str, **attributes: str) -> str:
        return f"<{self._tag(name)}{self._given(attributes)}/>"

    def whole(self, name: str, inside: str, **attributes: str) -> str:
        tag = self._tag(name)
        return f"<{tag}{self._given(attributes)}>{inside}</{tag}>"

    def _tag(self, name: str) -> str:
        return f"qti-{dash(name)}" if self._dashed else name

    def _given(self, attributes: dict[str, str]) -> str:
        if not self._dashed:
            return "".join([f' {name}="{value}"' for name, value in attributes.items()])
        return "".join([f' {name if ":" in name else dash(name)}="{value}"' for name, value in attributes.items()])


class _Item:
    """One assessmentItem being made."""

    def __init__(self, version: Version, draft: Draft, picture: Picture) -> None:
        self._tag, self._version, self._draft, self._picture = _Tags(version), version, draft, picture

    def make(self, name: str, title: str) -> str:
        draft, tag = self._draft, self._tag
        stages = [_Stage(self, number, stage) for number, stage in enumerate(draft.stages)]
        language = {"xml:lang": draft.language} if draft.language else {}
        most = sum(stage.weight for stage in draft.stages)
        body = "".join([self.part(STEM, draft.stem), *(stage.body() for stage in stages)])
        explained = self._feedback()
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            + tag.open(
                "assessmentItem",
                identifier=name,
                title=title,
                adaptive="false",
                timeDependent="false",
                toolName=TOOL,
                **language,
                **tag.root(),
            )
            + "".join(stage.declaration() for stage in stages)
            + self._outcome("SCORE", "float", "0")
            + self._outcome("MAXSCORE", "float", f"{most}")
            + (self._outcome("FEEDBACK", "identifier", "") if explained else "")
            + tag.whole("itemBody", body, **{"class": f"accreditation-{draft.markup}"})
            + self._processing(stages, explained=bool(explained))
            + explained
            + tag.close("assessmentItem")
        )

    def part(self, name: str, text: str) -> str:
        return f'<div class="{name}">{self.text(text)}</div>' if text else ""

    def text(self, text: str) -> str:
        """A text of the draft as XHTML that says it exactly."""
        if self._draft.markup == "text":
            return _escape(text).replace("\n", "<br/>")
        html = _IMAGE.sub(self._image, clean(text)).replace("<br>", "<br/>").replace("&nbsp;", "&#160;")
        return html.replace("<math", f'<math xmlns="{MATH}"').replace("\r", "&#13;")

    def prompt(self, text: str) -> tuple[str, str]:
        """A task: as what stands before an interaction, or as its prompt where that may hold it."""
        if not text:
            return "", ""
        if self._draft.markup == "html" and _BLOCK.search(text):
            return self.part(PROMPT, text), ""
        return "", self._tag.whole("prompt", self.text(text))

    def _image(self, match: re.Match[str]) -> str:
        given = match[1]
        asset = _ASSET.search(given)
        file = self._picture(asset[1]) if asset else None
        if asset is None or file is None:
            alt = re.search(r' alt="([^"]*)"', given)
            return alt[1].replace("&quot;", '"') if alt else ""
        return f'<img{given[: asset.start()]} src="{file}"{given[asset.end() :]}/>'

    def _outcome(self, name: str, kind: str, value: str) -> str:
        tag = self._tag
        default = tag.whole("defaultValue", tag.whole("value", value)) if value else ""
        return tag.whole("outcomeDeclaration", default, identifier=name, cardinality="single", baseType=kind)

    def _processing(self, stages: list["_Stage"], *, explained: bool) -> str:
        tag = self._tag
        if not explained and len(stages) == 1 and stages[0].simple:
            return tag.empty("responseProcessing", template=self._version.templates.format("match_correct"))
        made = "".join(stage.points() for stage in stages)
        if explained:
            shown = tag.whole("baseValue", "EXPLANATION", baseType="identifier")
            made += tag.whole("setOutcomeValue", shown, identifier="FEEDBACK")
        return tag.whole("responseProcessing", made)

    def _feedback(self) -> str:
        tag = self._tag
        if not self._draft.explanation:
            return ""
        text = self.text(self._draft.explanation)
        return tag.whole(
            "modalFeedback",
            tag.whole("contentBody", text) if self._version.dashed else text,
            outcomeIdentifier="FEEDBACK",
            identifier="EXPLANATION",
            showHide="show",
        )


class _Stage:
    """A stage as an interaction with its declaration."""

    def __init__(self, item: _Item, number: int, stage: DraftStage) -> None:
        self._item, self._tag, self._stage, self._number = item, item._tag, stage, number
        self._response = "RESPONSE" if number == 0 else f"RESPONSE{number + 1}"
        self._names = [_letter(place) for place in range(len(stage.choices))]
        self._roles = dict(zip(self._names, (choice.role for choice in stage.choices), strict=True))
        self._right = [name for name, role in self._roles.items() if role in (Role.KEY, Role.REQUIRED)]

    @property
    def simple(self) -> bool:
        """Whether right or wrong, one point, is all there is to it."""
        return self._stage.kind == "choice" and self._stage.weight == 1

    def declaration(self) -> str:
        tag, stage = self._tag, self._stage
        values = "".join(tag.whole("value", name) for name in self._right)
        correct = tag.whole("correctResponse", values) if values else ""
        several = "multiple" if stage.kind == "actions" or len(self._right) > 1 else "single"
        return tag.whole(
            "responseDeclaration",
            correct + ("" if self.simple else self._mapping()),
            identifier=self._response,
            cardinality="ordered" if stage.ordered else several,
            baseType="identifier",
        )

    def body(self) -> str:
        tag, stage = self._tag, self._stage
        before, prompt = self._item.prompt(stage.prompt)
        options = "".join(
            tag.whole("simpleChoice", self._item.text(choice.text), identifier=name)
            for name, choice in zip(self._names, stage.choices, strict=True)
        )
        common = {"responseIdentifier": self._response, "shuffle": "true"}
        if stage.ordered:
            made = tag.whole("orderInteraction", prompt + options, **common, minChoices="1")
        else:
            made = tag.whole(
                "choiceInteraction", prompt + options, **common, maxChoices="1" if stage.kind == "choice" else "0"
            )
        return self._item.part(REVEAL, stage.reveal) + before + made

    def points(self) -> str:
        """What the stage earns, added to the score."""
        tag, response = self._tag, self._response
        if not (self.simple or self._stage.ordered):
            return self._add(tag.empty("mapResponse", identifier=response))
        right = tag.whole(
            "match", tag.empty("variable", identifier=response) + tag.empty("correct", identifier=response)
        )
        earned = self._add(tag.whole("baseValue", f"{self._stage.weight}", baseType="float"))
        return tag.whole("responseCondition", tag.whole("responseIf", right + earned))

    def _add(self, earned: str) -> str:
        tag = self._tag
        total = tag.whole("sum", tag.empty("variable", identifier="SCORE") + earned)
        return tag.whole("setOutcomeValue", total, identifier="SCORE")

    def _mapping(self) -> str:
        tag, weight = self._tag, self._stage.weight
        needed = len(self._right)
        worth = {
            Role.KEY: f"{weight}",
            Role.DISTRACTOR: "0",
            Role.REQUIRED: repr(weight / max(1, needed)),
            Role.NEUTRAL: repr(-weight / (2 * max(1, needed))),
            Role.HARMFUL: f"{-weight}",
        }
        entries = "".join(
            tag.empty("mapEntry", mapKey=name, mappedValue=worth[role]) for name, role in self._roles.items()
        )
        return tag.whole("mapping", entries, lowerBound="0", upperBound=f"{weight}", defaultValue="0")


def _title(draft: Draft) -> str:
    words = read_plain(draft.stem) if draft.markup == "html" else " ".join(draft.stem.split())
    return _escape(words[:LONGEST_TITLE]).replace('"', "&quot;")


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else f"C{place + 1}"


def _escape(text: str) -> str:
    return escape(text, quote=False).replace("\r", "&#13;")


def _info(name: str, compression: int = ZIP_DEFLATED) -> ZipInfo:
    info = ZipInfo(name, _WHEN)
    info.compress_type = compression
    return info
