"""Encodings: found out where it can be told, refused where it cannot."""

from pathlib import Path

import pytest

from core.errors import Invalid
from question_bank.exchange.text_files import find_encoding, open_text, peek

TEXT = "Что из перечисленного следует сделать в первую очередь при остром инфаркте — «да» или «нет»?\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bank.txt"


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        (TEXT, "utf-8", "utf-8-sig"),
        (TEXT, "utf-8-sig", "utf-8-sig"),
        (TEXT, "utf-16", "utf-16"),
        (TEXT, "cp1251", "cp1251"),
        (TEXT.upper(), "cp1251", "cp1251"),
        ("ёж", "cp1251", "cp1251"),
        ("№ 5: «37 °C ± 1» тут\n" * 9, "cp1251", "cp1251"),
        ("plain", "ascii", "utf-8-sig"),
        ("", "ascii", "utf-8-sig"),
    ],
)
def test_an_encoding_that_can_be_told_is_read(file: Path, text: str, encoding: str, found: str) -> None:
    file.write_bytes(text.encode(encoding))
    assert find_encoding(file) == found
    with open_text(file) as stream:
        assert stream.read() == text
    assert peek(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["koi8-r", "cp866", "iso8859-5"])
@pytest.mark.parametrize("times", [1, 50_000])
def test_russian_in_another_encoding_is_not_read_as_something_else(file: Path, encoding: str, times: int) -> None:
    file.write_bytes((TEXT.translate({ord(sign): None for sign in "—«»"}) * times).encode(encoding))
    with pytest.raises(Invalid) as refusal:
        find_encoding(file)
    assert refusal.value.code == "exchange_encoding"


def test_a_western_encoding_is_not_read_as_russian(file: Path) -> None:
    file.write_bytes(
        ("Où est la fièvre jaune répandue, et par quel vecteur est-elle transmise? " * 9).encode("latin-1")
    )
    with pytest.raises(Invalid) as refusal:
        find_encoding(file)
    assert refusal.value.code == "exchange_encoding"


def test_a_place_where_the_encoding_breaks_is_named(file: Path) -> None:
    file.write_bytes(f"{TEXT}{TEXT}".encode() + b"\xff\xfe\n")
    with pytest.raises(Invalid) as refusal:
        find_encoding(file)
    assert (refusal.value.code, refusal.value.fields) == ("exchange_encoding", {"line": "3"})


def test_what_is_no_text_is_refused(file: Path) -> None:
    file.write_bytes(b"PK\0\1")
    with pytest.raises(Invalid) as refusal:
        find_encoding(file)
    assert refusal.value.code == "exchange_not_text"
    assert peek(b"PK\0\1") == ""
