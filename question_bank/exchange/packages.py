"""Packages from strangers: a zip is looked at as a whole before anything in it is read, and nothing is ever unpacked to
disk. Pure.

What is refused: names that lead out of the package, two members of one name, encryption, more members, bytes or
packing than any honest package has. What a member says of its size is held to while it is read.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, FileIO
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import IO, Protocol
from urllib.parse import unquote
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from core.errors import AccreditationError, Invalid, TooLarge

MAX_MEMBERS = 500_000
MAX_DIRECTORY = 64_000_000
"""Bytes of the list of contents."""
MAX_MEMBER = 1_000_000_000
MAX_TOTAL = 8_000_000_000
"""Bytes unpacked."""
MAX_RATIO = 200
"""How many times smaller an honest member of any size can be packed: the list of 100,000 like items is, 40 times."""
SMALL = 1_000_000
"""Bytes up to which the ratio does not matter."""

_BROKEN = (BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_SIMPLE = re.compile(r"(?:[\w-]+/)*[\w-]+\.\w+", re.ASCII)
"""Names that need no thought."""
_DRIVE = re.compile(r"[a-zA-Z]:")


class Files(Protocol):
    """Files that speak of each other by relative names."""

    def has(self, name: str) -> bool: ...

    def read(self, name: str, most: int) -> bytes: ...


class Package:
    """A zip that was looked at and may be read, member by member."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self._members = archive.NameToInfo | _other_names(archive)
        self.names = archive.NameToInfo.keys()

    def has(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str, most: int) -> bytes:
        """A member's bytes. Raises TooLarge (`exchange_too_large`), Invalid (`exchange_zip`, `exchange_missing`)."""
        info = self._info(name)
        if info.file_size > most:
            raise TooLarge(
                "exchange_too_large",
                f"Файл «{name[:80]}» в пакете больше {most // 1_000_000} МБ. Уменьшите его.",
                fields={"member": name},
            )
        try:
            return self._archive.read(info)
        except _BROKEN:
            raise broken(name) from None

    @contextmanager
    def stream(self, name: str) -> Iterator[IO[bytes]]:
        """A member as a stream. Raises as read does, but for the size."""
        try:
            with self._archive.open(self._info(name)) as file:
                yield file
        except AccreditationError:
            raise
        except _BROKEN:
            raise broken(name) from None

    def _info(self, name: str) -> ZipInfo:
        found = self._members.get(name)
        if found is None:
            raise Invalid("exchange_missing", f"В пакете нет файла «{name[:80]}».", fields={"member": name})
        return found


class Folder:
    """The files of a folder on disk, for those who may name it: never what a stranger sent alone."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def has(self, name: str) -> bool:
        return self._path(name) is not None

    def read(self, name: str, most: int) -> bytes:
        path = self._path(name)
        if path is None:
            raise Invalid("exchange_missing", f"Нет файла «{name[:80]}».", fields={"member": name})
        if path.stat().st_size > most:
            raise TooLarge("exchange_too_large", f"Файл «{name[:80]}» слишком велик.", fields={"member": name})
        return path.read_bytes()

    @contextmanager
    def stream(self, name: str) -> Iterator[IO[bytes]]:
        path = self._path(name)
        if path is None:
            raise Invalid("exchange_missing", f"Нет файла «{name[:80]}».", fields={"member": name})
        with path.open("rb") as file:
            yield file

    def _path(self, name: str) -> Path | None:
        try:
            path = (self._root / name).resolve()
            return path if path.is_relative_to(self._root) and path.is_file() else None
        except (OSError, ValueError):
            return None


class Nothing:
    """No files at all: what a file that came alone can speak of."""

    def has(self, name: str) -> bool:
        return False

    def read(self, name: str, most: int) -> bytes:
        raise Invalid("exchange_missing", f"Нет файла «{name[:80]}».", fields={"member": name})


@contextmanager
def open_package(path: Path) -> Iterator[Package]:
    """A zip on disk.

    Raises Invalid (`exchange_zip` not a zip or damaged, `exchange_zip_path`, `exchange_zip_duplicate`,
    `exchange_zip_encrypted`, `exchange_zip_packing`) or TooLarge (`exchange_zip_bomb`).
    """
    with _Guarded(FileIO(path)) as file:
        try:
            archive = ZipFile(file)
        except _BROKEN:
            raise broken() from None
        with archive:
            _check(archive)
            yield Package(archive)


def resolve(member: str, reference: str) -> str | None:
    """The name in the package that a reference in a member means; None where it leads out of it."""
    if _SIMPLE.fullmatch(reference):
        return join(dirname(member), reference)
    reference = reference.strip()
    if _SCHEME.match(reference) or reference.startswith(("/", "\\")):
        return None
    path = unquote(reference.partition("#")[0].partition("?")[0]).replace("\\", "/")
    found = normpath(join(dirname(member), path))
    outside = found.startswith(("../", "/")) or found == ".." or "\0" in found or _DRIVE.match(found)
    return None if outside or not path else found


def list_members(path: Path) -> tuple[str, ...]:
    """Names in a zip, as they are; none where it is broken or its list of contents is beyond measure."""
    with _Guarded(FileIO(path)) as file:
        try:
            with ZipFile(file) as archive:
                return tuple(archive.NameToInfo)
        except (*_BROKEN, TooLarge):
            return ()


def is_zip(path: Path) -> bool:
    """Whether the file begins as a zip does."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def broken(member: str = "") -> Invalid:
    return Invalid(
        "exchange_zip",
        "Пакет повреждён или это не ZIP. Создайте его заново.",
        fields={"member": member} if member else {},
    )


class _Guarded(BufferedReader):
    """A file that gives no more at once than a list of contents may have: no zip can claim to have a longer one."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY:
            raise _bomb("В пакете слишком длинный список файлов.")
        return super().read(size)


def _other_names(archive: ZipFile) -> dict[str, ZipInfo]:
    """Names that are not said to be in UTF-8, as their writers saw them: in UTF-8 after all, or as in DOS."""
    found: dict[str, ZipInfo] = {}
    for name, info in archive.NameToInfo.items():
        if not info.flag_bits & 0x800 and not name.isascii():
            said = name.encode("cp437")
            try:
                found.setdefault(said.decode(), info)
            except UnicodeDecodeError:
                found.setdefault(said.decode("cp866"), info)
    return found


def _check(archive: ZipFile) -> None:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise _bomb(f"В пакете больше {MAX_MEMBERS} файлов.")
    if len(archive.NameToInfo) != len(members):
        raise Invalid("exchange_zip_duplicate", "В пакете два файла с одним именем. Создайте его заново.")
    total = 0
    for info in members:
        _check_member(info)
        total += info.file_size
    if total > MAX_TOTAL:
        raise _bomb(f"В пакете больше {MAX_TOTAL // 1_000_000_000} ГБ.")


def _check_member(info: ZipInfo) -> None:
    name = info.orig_filename
    parts = name.split("/")
    if not name or name[0] == "/" or "\\" in name or "\0" in name or ".." in parts or _DRIVE.match(name):
        raise Invalid(
            "exchange_zip_path",
            f"Имя файла «{name[:80]}» ведёт за пределы пакета. Такие пакеты не принимаются.",
            fields={"member": name},
        )
    if info.flag_bits & 1:
        raise Invalid(
            "exchange_zip_encrypted", "Пакет защищён паролем. Создайте его без пароля.", fields={"member": name}
        )
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise Invalid(
            "exchange_zip_packing",
            "Файлы в пакете сжаты необычным способом. Создайте обычный ZIP.",
            fields={"member": name},
        )
    if info.file_size > MAX_MEMBER or (
        info.file_size > SMALL and info.file_size > MAX_RATIO * max(1, info.compress_size)
    ):
        raise _bomb(f"Файл «{name[:80]}» распаковывается в {info.file_size // 1_000_000} МБ.")


def _bomb(what: str) -> TooLarge:
    return TooLarge("exchange_zip_bomb", f"{what} Такие пакеты не принимаются: разделите его на части.")
