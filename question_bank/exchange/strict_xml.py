"""The one door through which XML comes in: no DTD, no entities, nothing fetched, everything bounded. Pure.

A document type is refused outright, before a parser sees it (the rule of defusedxml: forbid_dtd); entities that a
document could declare are then not there to be expanded. libxml2 itself, without `huge_tree`, bounds the depth (256)
and a single text or attribute (10 MB).
"""

import re
from collections.abc import Iterator
from typing import IO, Any

from lxml import etree

from core.errors import AccreditationError, Invalid, TooLarge

MAX_DOCUMENT = 32_000_000
"""Bytes of a document that is read as a tree, or of one element of a stream."""
HEAD = 1 << 16
"""Bytes within which the root element has to begin."""
ENCODINGS = frozenset(
    {"utf-8", "utf8", "utf-16", "us-ascii", "ascii", "windows-1251", "cp1251", "windows-1252", "koi8-r", "koi8-u"}
    | {f"iso-8859-{number}" for number in range(1, 17)}
)
"""What a document may say that it is written in: ASCII looks the same in all of them but UTF-16."""

_STRICT: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "huge_tree": False,
    "recover": False,
    "remove_comments": True,
    "remove_pis": True,
}
_PARSER = etree.XMLParser(**_STRICT)
# In pieces, libxml2 goes on after an undeclared entity that is not to be resolved, as if a new document began. There is
# no DTD that could declare one, so asking to resolve them only makes it an error.
_PIECES = _STRICT | {"resolve_entities": "internal"}
_CHUNK = 1 << 16
_PROLOG = re.compile(r"\ufeff?(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_DECLARED = re.compile(r"\ufeff?<\?xml\s[^>]*?encoding\s*=\s*[\"']([^\"']*)")
_FIRST = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)")
_WIDE = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))

_BAD_CHARACTER = 9
_NO_ENTITY = frozenset({26, 27})
_WRONG_ENCODING = frozenset({31, 32, 81, 6003})
_OVER_LIMITS = 114


def parse(data: bytes, member: str = "") -> Any:
    """The root element of a document.

    Raises TooLarge (`exchange_too_large`) or Invalid (`exchange_dtd`, `exchange_entity`, `exchange_encoding`,
    `exchange_characters`, `exchange_depth`, `exchange_xml`), with `member` and `line` in the fields as far as known.
    """
    if len(data) > MAX_DOCUMENT:
        raise _too_large(member)
    check_head(data[: HEAD + 4], member)
    try:
        root = etree.fromstring(data, _PARSER)
    except etree.XMLSyntaxError as error:
        raise _refusal(error, member) from None
    _check_type(root, member)
    return root


def iterate(file: IO[bytes], tag: str, member: str = "", most: int = MAX_DOCUMENT) -> Iterator[Any]:
    """The elements `tag` of a stream, one by one, each complete; `{*}name` is one of whatever namespace. Those
    within another such element come with it.

    An element is emptied when the next one is asked for, and what stands before it is let go. `most` bounds the bytes
    between the ends of two of them. Raises as parse does, also half way.
    """
    parser = etree.XMLPullParser(events=("end",), tag=tag, **_PIECES)
    chunk = _read_head(file)
    check_head(chunk, member)
    since = 0
    try:
        while chunk:
            parser.feed(chunk)
            since += len(chunk)
            for _event, element in parser.read_events():
                if next(element.iterancestors(tag), None) is not None:
                    continue
                _check_type(element, member)
                yield element
                _let_go(element)
                since = 0
            if since > most:
                raise _too_large(member)
            chunk = file.read(_CHUNK)
        root = parser.close()
    except etree.XMLSyntaxError as error:
        raise _refusal(error, member) from None
    _check_type(root, member)


def check_head(head: bytes, member: str = "") -> None:
    """Refuse a document by how it begins: a DTD, an encoding that is not read here, no root in sight."""
    wide = next((name for mark, name in _WIDE if head.startswith(mark)), None)
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"\0\0\0<", b"<\0\0\0")):
        raise _invalid("exchange_encoding", "Кодировка UTF-32 не читается. Сохраните файл в UTF-8.", member)
    text = head.decode(wide or "utf-8", "replace")
    declared = _DECLARED.match(text)
    if declared is not None and declared[1].lower() not in ENCODINGS:
        raise _invalid(
            "exchange_encoding", f"Кодировка «{declared[1][:40]}» не читается. Сохраните файл в UTF-8.", member
        )
    begun = _PROLOG.match(text)
    rest = text[begun.end() if begun else 0 :]
    if rest.startswith("<!DOCTYPE"):
        raise _dtd(member)
    if len(head) > HEAD and (not rest or rest.startswith(("<!", "<?"))):
        raise _invalid("exchange_xml", "До первого тега слишком много лишнего. Уберите его.", member)


def root_name(head: bytes) -> str:
    """The name of the first element of what may be the beginning of a document; "" where there is none."""
    wide = next((name for mark, name in _WIDE if head.startswith(mark)), "utf-8")
    text = head.decode(wide, "replace")
    begun = _PROLOG.match(text)
    found = _FIRST.match(text, begun.end() if begun else 0)
    return "" if found is None else found[1]


def name_of(element: Any) -> str:
    """The local name; "" for what is not an element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _read_head(file: IO[bytes]) -> bytes:
    """As much as tells how a document begins, however small the pieces that the file gives."""
    head = b""
    while len(head) < HEAD + 4 and (more := file.read(HEAD + 4 - len(head))):
        head += more
    return head


def _let_go(element: Any) -> None:
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]


def _check_type(element: Any, member: str) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise _dtd(member)


def _dtd(member: str) -> Invalid:
    return _invalid(
        "exchange_dtd",
        "В файле есть DOCTYPE. Такие файлы не принимаются: через него читают чужие файлы и переполняют память. "
        "Удалите строку <!DOCTYPE …>.",
        member,
    )


def _too_large(member: str) -> TooLarge:
    return TooLarge(
        "exchange_too_large",
        "Часть файла слишком велика для одного задания. Уменьшите её и загрузите файл снова.",
        fields=_place(member),
    )


def _refusal(error: Any, member: str) -> AccreditationError:
    line, said = int(error.lineno or 0), str(error.msg)
    if error.code in _WRONG_ENCODING:
        return _invalid(
            "exchange_encoding", "Кодировка файла не та, что в нём указана. Сохраните его в UTF-8.", member, line
        )
    if error.code == _BAD_CHARACTER:
        return _invalid("exchange_characters", "В файле есть управляющие знаки. Уберите их.", member, line)
    if error.code in _NO_ENTITY:
        return _invalid(
            "exchange_entity", "В файле есть необъявленная сущность вида &имя;. Замените её самим знаком.", member, line
        )
    if error.code == _OVER_LIMITS and "depth" in said:
        return _invalid("exchange_depth", "Теги вложены слишком глубоко.", member, line)
    if error.code == _OVER_LIMITS or "too big" in said:
        return _too_large(member)
    return _invalid("exchange_xml", "Это не правильный XML: файл повреждён или записан с ошибкой.", member, line)


def _invalid(code: str, sentence: str, member: str, line: int = 0) -> Invalid:
    return Invalid(code, sentence, fields=_place(member, line))


def _place(member: str, line: int = 0) -> dict[str, str]:
    return ({"member": member} if member else {}) | ({"line": str(line)} if line else {})
