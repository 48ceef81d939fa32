"""XML from strangers: what could reach further than the file, or take all memory, is refused with a name."""

import io
from collections.abc import Callable, Iterator

import pytest

from core.errors import AccreditationError
from question_bank.exchange.strict_xml import HEAD, iterate, name_of, parse

LIMIT = 11 << 20
"""Bytes, over what one text may have."""


def stream(data: bytes) -> list[str]:
    return [element.text for element in iterate(io.BytesIO(data), "{*}q")]


DOORS: list[Callable[[bytes], object]] = [parse, stream]
REFUSED = {
    "dtd": (b"<!DOCTYPE a [<!ENTITY b 'x'>]><a><q>&b;</q></a>", "exchange_dtd"),
    "external dtd": (
        b"\xef\xbb\xbf<?xml version='1.0'?><!-- x -->\n<!DOCTYPE a SYSTEM 'file:///x'><a/>",
        "exchange_dtd",
    ),
    "wide dtd": ("<?xml version='1.0' encoding='utf-16'?><!DOCTYPE a><a/>".encode("utf-16"), "exchange_dtd"),
    "laughs": (
        b"<!DOCTYPE a [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>]><a><q>&c;</q></a>",
        "exchange_dtd",
    ),
    "hidden far": (b"<?xml version='1.0'?>" + b" " * (HEAD + 9) + b"<!DOCTYPE a><a/>", "exchange_xml"),
    "undeclared entity": (b"<a><q>&nbsp;</q></a>", "exchange_entity"),
    "lying encoding": ("<?xml version='1.0' encoding='utf-8'?><a><q>ёж</q></a>".encode("cp1251"), "exchange_encoding"),
    "silent encoding": ("<a><q>ёж</q></a>".encode("cp1251"), "exchange_encoding"),
    "utf-7": (b"<?xml version='1.0' encoding='utf-7'?>+ADw-a/+AD4-", "exchange_encoding"),
    "utf-32": ("<a/>".encode("utf-32"), "exchange_encoding"),
    "wide in name only": (b"<?xml version='1.0' encoding='utf-16'?><a/>", "exchange_xml"),
    "zero": (b"<a><q>\0</q></a>", "exchange_characters"),
    "control": (b"<a><q>\x01</q></a>", "exchange_characters"),
    "depth": (b"<q>" * 300 + b"</q>" * 300, "exchange_depth"),
    "long text": (b"<a><q>" + b"x" * LIMIT + b"</q></a>", "exchange_too_large"),
    "long cdata": (b"<a><q><![CDATA[" + b"x" * LIMIT + b"]]></q></a>", "exchange_too_large"),
    "long comment": (b"<a><!--" + b"x" * LIMIT + b"--></a>", "exchange_too_large"),
    "long attribute": (b"<a><q b='" + b"x" * LIMIT + b"'/></a>", "exchange_too_large"),
    "cut off": (b"<a><q>x</q>", "exchange_xml"),
    "empty": (b"", "exchange_xml"),
    "no xml": (b"Question?\nA) 1\nANSWER: A", "exchange_xml"),
    "two roots": (b"<a/><b/>", "exchange_xml"),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_safe_or_not_xml_is_refused_by_name(name: str, door: Callable[[bytes], object]) -> None:
    data, code = REFUSED[name]
    with pytest.raises(AccreditationError) as refusal:
        door(data)
    assert refusal.value.code == code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251", "koi8-r"])
def test_encodings_that_people_have_are_read(encoding: str) -> None:
    named = {"utf-8-sig": "utf-8", "cp1251": "windows-1251"}.get(encoding, encoding)
    data = f"<?xml version='1.0' encoding='{named}'?>\r\n<a>\r\n<q>Ёж — это</q></a>".replace(
        "—", "-" if encoding == "koi8-r" else "—"
    )
    assert stream(data.encode(encoding))[0].startswith("Ёж ")
    assert name_of(parse(data.encode(encoding))) == "a"


def test_a_doctype_inside_a_text_is_a_text() -> None:
    assert stream(b"<a><q><![CDATA[<!DOCTYPE html>]]></q></a>") == ["<!DOCTYPE html>"]


def test_the_place_is_told() -> None:
    with pytest.raises(AccreditationError) as refusal:
        parse(b"<a>\n<b>\n</a>", "items/1.xml")
    assert refusal.value.fields == {"member": "items/1.xml", "line": "3"}


def test_namespaces_do_not_matter_where_asked() -> None:
    data = b"<a xmlns='urn:x' xmlns:y='urn:y'><q>1</q><y:q>2</y:q><z>3</z></a>"
    assert stream(data) == ["1", "2"]


class Endless(io.RawIOBase):
    """A file of so many pieces, none of which is ever held."""

    def __init__(self, head: bytes, piece: bytes, count: int, tail: bytes) -> None:
        super().__init__()
        self._pieces = self._make(head, piece, count, tail)
        self.given = 0

    @staticmethod
    def _make(head: bytes, piece: bytes, count: int, tail: bytes) -> Iterator[bytes]:
        yield head
        for _ in range(count):
            yield piece
        yield tail

    def read(self, size: int = -1) -> bytes:
        """The next piece: fewer bytes than asked for, or more."""
        found = next(self._pieces, b"")
        self.given += len(found)
        return found


def test_what_was_given_out_is_let_go() -> None:
    piece = b"<q><b>x</b>" + b"y" * 20_000 + b"</q>\n" + b"<r/>" * 40
    file = Endless(b"<a>", piece, 500, b"</a>")
    beside = [len(element.getparent()) for element in iterate(file, "q")]  # type: ignore[arg-type]
    assert len(beside) == 500
    assert max(beside) < 400


def test_a_text_without_end_is_refused_long_before_it_is_read() -> None:
    file = Endless(b"<a><q>", b"x" * 65_536, 1_600, b"</q></a>")
    with pytest.raises(AccreditationError) as refusal:
        list(iterate(file, "q"))  # type: ignore[arg-type]
    assert refusal.value.code == "exchange_too_large"
    assert file.given < 16 << 20


def test_much_that_is_no_element_of_interest_is_refused_too() -> None:
    file = Endless(b"<a>", b"<r>" + b"x" * 65_536 + b"</r>", 1_600, b"</a>")
    with pytest.raises(AccreditationError) as refusal:
        list(iterate(file, "q"))  # type: ignore[arg-type]
    assert refusal.value.code == "exchange_too_large"
    assert file.given < 64 << 20
