"""Files that others wrote, counted by what becomes of them: for tests, and for the table in docs/formats.md."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from core.errors import AccreditationError
from question_bank.exchange.entries import Arriving, Rejected

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Read-only, and not everywhere: what needs it skips where it is absent."""

Read = Callable[[Path], Iterator[Arriving | Rejected]]


class Corpus(Struct, frozen=True):
    """What became of the files of a folder: items read, items rejected by code, files refused by code."""

    files: int
    read: int
    rejected: dict[str, int]
    failed: dict[str, int]


def count_corpus(folder: Path, read: Read, suffixes: tuple[str, ...]) -> Corpus:
    """Read every file of those suffixes, at any depth. Whatever is no refusal by code is let through."""
    files, found = 0, 0
    rejected: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for path in find_files(folder, suffixes):
        files += 1
        try:
            for entry in read(path):
                if isinstance(entry, Arriving):
                    found += 1
                else:
                    rejected[entry.code] += 1
        except AccreditationError as error:
            failed[error.code] += 1
    return Corpus(files, found, dict(sorted(rejected.items())), dict(sorted(failed.items())))


def find_files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
