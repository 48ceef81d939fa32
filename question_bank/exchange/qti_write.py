"""QTI 2.1, 2.2 and 3.0 out: a package of items, their pictures, one test and the list of contents. Pure but for the
file that is written.

Members are written as items come; the test and the list of contents grow in temporary files and come last.
"""

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from core.moments import SECOND
from question_bank.drafts import Draft
from question_bank.exchange.entries import Leaving, Remark, Written
from question_bank.exchange.qti_document import Document, Tags, escape_text
from question_bank.exchange.qti_metadata import write_metadata
from question_bank.exchange.qti_names import CATALOG, LOM, QTI_2_1, QTI_2_2, QTI_3_0, TOOL, Version
from question_bank.exchange.qti_read import MANIFEST
from question_bank.markup import read_plain

TEST = "test.xml"
LONGEST_TITLE = 80
COMPRESSION = 3

_WHEN = (1980, 1, 1, 0, 0, 0)
_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,79}", re.ASCII)
_LOST_CHARACTERS = Remark("loss", "characters", "Управляющих знаков в XML быть не может: они опущены.")
_LOST_PICTURE = Remark("loss", "picture_missing", "Изображения нет в банке: вместо него написано, что на нём.")


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
        document = Document(self._version, leaving.draft, picture).make(name, title)
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
        tag = Tags(self._version)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            + tag.open("assessmentTest", identifier="TEST", title="Задания", toolName=TOOL, **tag.root())
            + tag.open("testPart", identifier="PART", navigationMode="linear", submissionMode="individual")
            + tag.open("assessmentSection", identifier="SECTION", title="Задания", visible="true")
            + "\n"
        )

    def close_test(self) -> str:
        tag = Tags(self._version)
        return tag.close("assessmentSection") + tag.close("testPart") + tag.close("assessmentTest") + "\n"

    def _reference(self, name: str, member: str, draft: Draft) -> str:
        tag = Tags(self._version)
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


def _title(draft: Draft) -> str:
    words = read_plain(draft.stem) if draft.markup == "html" else " ".join(draft.stem.split())
    return escape_text(words[:LONGEST_TITLE]).replace('"', "&quot;")


def _info(name: str, compression: int = ZIP_DEFLATED) -> ZipInfo:
    info = ZipInfo(name, _WHEN)
    info.compress_type = compression
    return info
