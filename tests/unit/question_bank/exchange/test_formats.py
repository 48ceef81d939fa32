"""A file's format is found by what is in it; the suffix decides where several would do."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from question_bank.exchange.entries import Arriving, Leaving, Rejected
from question_bank.exchange.formats import FORMATS, Format, find_format, named_format
from question_bank.exchange.head import Head, look
from tests.drafts import four_option


def nothing(path: Path) -> Iterator[Arriving | Rejected]:
    yield from ()


def form(name: str, suffix: str, mark: bytes) -> Format:
    return Format(name, name.upper(), (suffix,), "text/plain", nothing, None, lambda head: mark in head.start)


FIRST, SECOND = form("first", ".a", b"!"), form("second", ".b", b"!")


@pytest.mark.parametrize(
    ("name", "found"), [("x.a", "first"), ("x.b", "second"), ("X.B", "second"), ("x.txt", "first")]
)
def test_the_suffix_decides_where_the_contents_leave_a_choice(tmp_path: Path, name: str, found: str) -> None:
    (tmp_path / name).write_bytes(b"!")
    assert find_format(look(tmp_path / name), formats=(FIRST, SECOND)).name == found


def test_a_suffix_alone_proves_nothing() -> None:
    with pytest.raises(Invalid) as refusal:
        find_format(Head("x.a", b"?"), formats=(FIRST, SECOND))
    assert refusal.value.code == "exchange_format_unknown"
    assert "FIRST, SECOND" in refusal.value.message


def test_a_named_format_is_taken_at_its_word() -> None:
    assert find_format(Head("x.a", b"?"), "SECOND", (FIRST, SECOND)) is SECOND
    with pytest.raises(Invalid, match="exchange_format_unknown"):
        named_format("third", (FIRST, SECOND))


def test_a_zip_shows_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "on-disk"
    with ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "")
    assert look(file, "Банк.XLSX") == Head("банк.xlsx", file.read_bytes(), ("xl/workbook.xml",))
    file.write_bytes(file.read_bytes()[:-10])
    assert look(file).members == ()


@given(st.binary(max_size=200))
def test_any_bytes_have_a_format_or_none(start: bytes) -> None:
    for head in (Head("x", start), Head("x.csv", b"PK\x03\x04" + start)):
        with contextlib.suppress(Invalid):
            assert find_format(head) in FORMATS


def test_names_are_unique() -> None:
    assert len({one.name for one in FORMATS}) == len(FORMATS)


@pytest.mark.parametrize("suffix", [None, "", ".txt", ".dat"])
@pytest.mark.parametrize("name", [one.name for one in FORMATS if one.write is not None])
def test_what_leaves_is_known_when_it_comes_back(tmp_path: Path, name: str, suffix: str | None) -> None:
    format = named_format(name)
    assert format.write is not None
    file = tmp_path / f"bank{format.suffixes[0] if suffix is None else suffix}"
    with file.open("wb") as target:
        list(format.write([Leaving("i1", 1, four_option("Что такое {=а ~б}, А) и <quiz>?"))], target))
    if suffix is None or name in ("gift", "aiken", "moodle-xml"):
        found = find_format(look(file))
        assert found.read == format.read
        (entry,) = found.read(file)
        assert isinstance(entry, Arriving)
        assert entry.draft.stem == "Что такое {=а ~б}, А) и <quiz>?"
