"""QTI 2.1, 2.2 and 3.0 in: an item, a test, or a package of them. Pure but for the file that is read.

A package is gone through twice by its list of contents, which is streamed: first everything that it names is looked
for, and tests are asked for limits; then the items come one by one, each member opened when its turn has come.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname
from typing import Any

from msgspec import Struct

from core.errors import AccreditationError, Invalid, TooLarge
from core.moments import SECOND
from question_bank.exchange.entries import Arriving, Place, Rejected
from question_bank.exchange.head import Head
from question_bank.exchange.packages import Files, Folder, Nothing, Package, is_zip, open_package, resolve
from question_bank.exchange.qti_item import Reference, Source, read_item, refuse
from question_bank.exchange.qti_key import number
from question_bank.exchange.qti_metadata import read_metadata
from question_bank.exchange.qti_names import XML, attribute, child, children, plain_name
from question_bank.exchange.strict_xml import MAX_DOCUMENT, iterate, parse, root_name

MANIFEST = "imsmanifest.xml"
MAX_SECTIONS = 100
"""How many files of sections are followed."""
_TYPE = re.compile(r"imsqti_(?:(?:apip)?(item|test)_xml)?v[23]p[0-9]")
_OLD_TYPE = re.compile(r"imsqti(?:_\w+)?_xmlv1p[0-9]")
_ITEM, _TEST, _LIST = "assessmentItem", "assessmentTest", "manifest"
_OFFICE = frozenset({"[Content_Types].xml"})
_FAULTY = frozenset({"exchange_xml", "exchange_entity", "exchange_characters", "exchange_encoding"})
"""What is wrong with one item only; the others of its package may still come."""

Entry = Arriving | Rejected
References = dict[str, Reference]
"""By the member that is referred to, in the order of the tests."""
_SECTION = Reference()
"""What stands for a section that is in a file of its own."""


def read(path: Path) -> Iterator[Entry]:
    """The items of a file: what it refers to outside itself is not looked for.

    Raises Invalid or TooLarge (`exchange_…`) for a file that is not read at all, from the first `next` on.
    """
    if is_zip(path):
        with open_package(path) as package:
            yield from _read_package(package, _find_manifest(package))
    else:
        yield from _read_document(path, None)


def read_beside(path: Path) -> Iterator[Entry]:
    """As read; a test, an item or a list of contents that is no package is read with the files of its own folder.

    Only for who may read that folder anyway: at the command line, not for what came by the network.
    """
    if is_zip(path):
        yield from read(path)
    else:
        yield from _read_document(path, Folder(path.parent))


def recognise(head: Head) -> bool:
    """Whether the file is QTI, by how it begins or by what is in the package; a zip that is nothing else, too."""
    if head.start[:2] == b"PK":
        if any(name.endswith(MANIFEST) and name.count("/") <= 1 for name in head.members):
            return True
        return head.name.endswith(".zip") and not _OFFICE.intersection(head.members)
    return plain_name(root_name(head.start)) in (_ITEM, _TEST)


def never(_head: Head) -> bool:
    """For what is only written: what is read is known by `recognise`, whichever version it is of."""
    return False


def _read_document(path: Path, folder: Folder | None) -> Iterator[Entry]:
    if path.stat().st_size > MAX_DOCUMENT:
        raise TooLarge("exchange_too_large", f"Файл больше {MAX_DOCUMENT // 1_000_000} МБ. Уменьшите его.")
    data = path.read_bytes()
    root = parse(data)
    kind = plain_name(root.tag)
    files: Files = folder or Nothing()
    if kind == _ITEM:
        yield read_item(root, Source(Place(1, path.name), files, data))
    elif kind == _TEST:
        yield from _read_referred(_references(root, path.name, files), files, 0)
    elif kind == _LIST and folder is not None:
        yield from _read_package(folder, path.name)
    else:
        raise Invalid(
            "exchange_not_qti",
            "В файле нет ни заданий, ни теста QTI. Если это часть пакета, загрузите весь пакет (ZIP).",
        )


def _find_manifest(package: Package) -> str:
    """The list of contents, which people also zip together with its folder."""
    if package.has(MANIFEST):
        return MANIFEST
    found = [name for name in package.names if name.endswith("/" + MANIFEST) and name.count("/") == 1]
    if len(found) != 1:
        raise Invalid(
            "exchange_no_manifest",
            "В пакете нет списка содержимого imsmanifest.xml. Выгрузите пакет QTI заново, не меняя его.",
        )
    return found[0]


class _Resource(Struct, frozen=True):
    """An entry of a list of contents; the element is good until the next one is asked for."""

    kind: str
    """item, test, old."""
    member: str
    element: Any


def _read_package(package: Package | Folder, manifest: str) -> Iterator[Entry]:
    referred, there, named = _survey(package, manifest)
    if not named and not referred:
        raise Invalid("exchange_no_items", "В пакете нет заданий QTI.")
    if not there and not any(package.has(member) for member in referred):
        raise Invalid("exchange_missing", "Ни одного из файлов, которые названы в пакете, в нём нет.")
    seen: set[str] = set()
    count = 0
    for resource in _resources(package, manifest):
        if resource.kind == "test" or resource.member in seen:
            continue
        seen.add(resource.member)
        count += 1
        place = Place(count, resource.member)
        if resource.kind == "old":
            yield refuse(Source(place, package, _original(package, resource.member)), "version")
            continue
        metadata = read_metadata(resource.element)
        yield _read_member(package, Source(place, package, b"", metadata, referred.get(resource.member, Reference())))
    yield from _read_referred({member: one for member, one in referred.items() if member not in seen}, package, count)


def _survey(package: Package | Folder, manifest: str) -> tuple[References, int, int]:
    """What tests say of items; how many items are there, of how many that are named."""
    tests: list[str] = []
    there, named = 0, 0
    for resource in _resources(package, manifest):
        if resource.kind == "test":
            if _is_own(resource.element):  # what it says its items say themselves
                return {}, 1, 1
            tests.append(resource.member)
        else:
            named += 1
            there += package.has(resource.member)
    referred: References = {}
    for member in dict.fromkeys(tests):
        if not package.has(member):
            raise Invalid("exchange_missing", f"В пакете нет файла теста «{member[:80]}».", fields={"member": member})
        root = parse(package.read(member, MAX_DOCUMENT), member)
        if plain_name(root.tag) == _ITEM:
            raise Invalid(
                "exchange_manifest",
                f"Список содержимого пакета неверен: «{member[:80]}» назван тестом, а это задание.",
                fields={"member": member},
            )
        referred |= _references(root, member, package)
    return referred, there, named


def _resources(package: Package | Folder, manifest: str) -> Iterator[_Resource]:
    """Items and tests of a list of contents. Raises Invalid (`exchange_reference`) for what leads out of it."""
    found = False
    with package.stream(manifest) as file:
        for element in iterate(file, "{*}resource", manifest):
            found = True
            said = element.get("type") or ""
            kind = _TYPE.match(said)
            old = kind is None and _OLD_TYPE.match(said) is not None
            if kind is None and not old:
                continue
            href = element.get("href") or _first_file(element)
            member = resolve(_base(element, manifest), href)
            if member is None:
                raise Invalid(
                    "exchange_reference",
                    f"Пакет ссылается на файл вне себя: «{href[:80]}». Такие пакеты не принимаются.",
                    fields={"member": manifest},
                )
            yield _Resource("old" if kind is None else kind[1] or "item", member, element)
    if not found:
        raise Invalid("exchange_no_items", "В списке содержимого пакета ничего не названо.")


def _base(element: Any, manifest: str) -> str:
    """Where names in an entry start from: the list's own folder, or what xml:base adds."""
    added = ""
    while element is not None:
        added = (element.get(f"{XML}base") or "") + added
        element = element.getparent()
    return f"{dirname(manifest)}/{added}" if added and dirname(manifest) else added or manifest


def _first_file(element: Any) -> str:
    first = child(element, "file")
    return "" if first is None else first.get("href") or ""


def _is_own(element: Any) -> bool:
    """Whether a test was written by us."""
    return bool(read_metadata(element).home)


def _references(root: Any, member: str, files: Files) -> References:
    """The items that a test refers to, with what it says of them; those of sections in files of their own, too."""
    found = _referred(root, member)
    sections = [one for one, reference in found.items() if reference is _SECTION][:MAX_SECTIONS]
    followed = set(sections)
    for section in sections:  # grows
        if not files.has(section):
            continue
        del found[section]
        for one, reference in _referred(parse(files.read(section, MAX_DOCUMENT), section), section).items():
            if reference is not _SECTION:
                found.setdefault(one, reference)
            elif one not in followed and len(sections) < MAX_SECTIONS:
                followed.add(one)
                sections.append(one)
                found.setdefault(one, reference)
    return found


def _referred(root: Any, member: str) -> References:
    found: References = {}
    for one in root.iter():
        name = plain_name(one.tag)
        if name not in ("assessmentItemRef", "assessmentSectionRef"):
            continue
        target = resolve(member, attribute(one, "href"))
        if target is None:
            raise Invalid(
                "exchange_reference",
                f"Тест ссылается на файл вне пакета: «{attribute(one, 'href')[:80]}». Такие файлы не принимаются.",
                fields={"member": member},
            )
        if name == "assessmentSectionRef":
            found.setdefault(target, _SECTION)
            continue
        limits = child(one, "timeLimits")
        limit = round(number(attribute(limits, "maxTime")) * SECOND) if limits is not None else 0
        weighted = any(number(attribute(weight, "value")) != 1 for weight in children(one, "weight"))
        found.setdefault(target, Reference(limit or None, weighted))
    return found


def _read_referred(referred: References, files: Files, count: int) -> Iterator[Entry]:
    """Items that only tests speak of."""
    for number_, (member, reference) in enumerate(referred.items(), count + 1):
        yield _read_member(files, Source(Place(number_, member), files, b"", reference=reference))


def _read_member(files: Files, source: Source) -> Entry:
    member = source.place.member
    if not files.has(member):
        return refuse(source, "missing_file")
    data = files.read(member, MAX_DOCUMENT)
    source = Source(source.place, files, data, source.metadata, source.reference)
    try:
        root = parse(data, member)
    except AccreditationError as error:
        if error.code not in _FAULTY:
            raise
        return Rejected(source.place, error.code, error.message, "", data, "application/xml")
    return read_item(root, source)


def _original(files: Files, member: str) -> bytes:
    return files.read(member, MAX_DOCUMENT) if files.has(member) else b""
