"""Packages from strangers: looked at whole before anything is read, bounded, never unpacked."""

import contextlib
import struct
import tempfile
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import AccreditationError
from question_bank.exchange.packages import Folder, list_members, open_package, resolve

SMALL = {"imsmanifest.xml": b"<manifest/>", "items/a.xml": b"<a/>"}


def pack(path: Path, members: dict[str, bytes], compression: int = ZIP_DEFLATED) -> Path:
    with ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(ZipInfo(name), data, compression)
    return path


def refused(path: Path) -> str:
    with pytest.raises(AccreditationError) as refusal, open_package(path) as package:
        for name in package.names:
            package.read(name, 10_000_000)
    return refusal.value.code


def test_members_are_read(tmp_path: Path) -> None:
    with open_package(pack(tmp_path / "x.zip", SMALL)) as package:
        assert {name: package.read(name, 100) for name in package.names} == SMALL
        assert package.has("items/a.xml")
        assert not package.has("items/b.xml")
        with package.stream("items/a.xml") as file:
            assert file.read() == b"<a/>"
        for name, most in (("items/b.xml", 100), ("imsmanifest.xml", 3)):
            with pytest.raises(AccreditationError):
                package.read(name, most)


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/passwd", "C:/x", "c:x", "a\\..\\x", "..", "a/..", "\\\\host\\x"]
)
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    assert refused(pack(tmp_path / "x.zip", SMALL | {name: b""})) == "exchange_zip_path"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("a", b"1")
        archive.writestr("a", b"2")
    assert refused(path) == "exchange_zip_duplicate"


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    assert refused(pack(tmp_path / "x.zip", {"a.xml": b"\0" * 30_000_000})) == "exchange_zip_bomb"


def test_a_small_member_may_be_packed_well(tmp_path: Path) -> None:
    with open_package(pack(tmp_path / "x.zip", {"a.xml": b" " * 900_000})) as package:
        assert len(package.read("a.xml", 1_000_000)) == 900_000


def test_what_a_member_says_of_its_size_is_held_to(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", {"a.xml": b"x" * 5_000})
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<I", 5_000), struct.pack("<I", 10)))
    assert refused(path) == "exchange_zip"


def test_encrypted_and_oddly_packed_ones_are_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", {"a.xml": b"x"})
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\x01\x02")
    data[place + 8] |= 1
    path.write_bytes(data)
    assert refused(path) == "exchange_zip_encrypted"
    assert refused(pack(tmp_path / "y.zip", {"a.xml": b"x"}, ZIP_BZIP2)) == "exchange_zip_packing"


def test_a_list_of_contents_longer_than_any_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(200_000_000)
        file.seek(0, 2)
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65_000, 65_000, 150_000_000, 50_000_000, 0))
    assert refused(path) == "exchange_zip_bomb"
    assert list_members(path) == ()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18, b"no zip at all"])
def test_what_is_no_zip_is_refused_or_empty(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    if data.startswith(b"PK\x05\x06"):
        with open_package(path) as package:
            assert not package.names
    else:
        assert refused(path) == "exchange_zip"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_zip_is_read_or_refused_by_name(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = pack(Path(folder) / "x.zip", SMALL)
        bytes_ = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            bytes_[data.draw(st.integers(0, len(bytes_) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(bytes_[: data.draw(st.integers(len(bytes_) - 30, len(bytes_)))])
        list_members(path)
        with contextlib.suppress(AccreditationError), open_package(path) as package:
            assert all(isinstance(package.read(name, 1_000), bytes) for name in package.names)


@pytest.mark.parametrize(
    ("member", "reference", "found"),
    [
        ("items/a.xml", "pictures/b.png", "items/pictures/b.png"),
        ("items/a.xml", "../b.png", "b.png"),
        ("items/a.xml", "./b%20c.png#x", "items/b c.png"),
        ("a.xml", "images\\b.png", "images/b.png"),
        ("a.xml", "ё.png", "ё.png"),
        ("items/a.xml", "../../b.png", None),
        ("a.xml", "..%2f..%2fb.png", None),
        ("a.xml", "/etc/passwd", None),
        ("a.xml", "//host/b.png", None),
        ("a.xml", "https://host/b.png", None),
        ("a.xml", "file:///etc/passwd", None),
        ("a.xml", "C:\\b.png", None),
        ("a.xml", " javascript:x", None),
        ("a.xml", "b%00.png", None),
        ("a.xml", "", None),
        ("a.xml", "#x", None),
    ],
)
def test_references_stay_in_the_package(member: str, reference: str, found: str | None) -> None:
    assert resolve(member, reference) == found


def test_a_folder_gives_no_more_than_what_is_in_it(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret").write_text("x")
    (inside / "a").write_text("y")
    (inside / "link").symlink_to(tmp_path / "secret")
    folder = Folder(inside)
    assert folder.read("a", 10) == b"y"
    assert [folder.has(name) for name in ("a", "link", "../secret", str(tmp_path / "secret"), "\0")] == [
        True, False, False, False, False
    ]  # fmt: skip
