"""Files that others wrote, counted by what becomes of them: for tests, and for the table in docs/formats.md.

    python -m tests.exchange_corpus

prints that table.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from core.errors import AccreditationError
from question_bank.exchange.entries import Arriving, Rejected
from question_bank.exchange.formats import find_format
from question_bank.exchange.head import look

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
    """Read every file of those suffixes, of all where none are named. Whatever is no refusal by code is let through."""
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
    """At any depth."""
    return sorted(
        path for path in folder.rglob("*") if (not suffixes or path.suffix.lower() in suffixes) and path.is_file()
    )


def read_any(path: Path) -> Iterator[Arriving | Rejected]:
    """As somebody brings it in who names no format."""
    yield from find_format(look(path)).read(path)


def count_folders() -> dict[str, Corpus]:
    """Every file of every folder, whatever it is, by the folder's name."""
    folders = [folder for place in ("exchange", "items") for folder in sorted((DATA / place).iterdir())]
    return {
        f"{folder.parent.name}/{folder.name}": count_corpus(folder, read_any, ())
        for folder in folders
        if folder.is_dir()
    }


def as_table(found: dict[str, Corpus]) -> str:
    rows = ["| folder | files | read | rejected | failed |", "|---|---:|---:|---|---|"]
    for name, corpus in found.items():
        rejected, failed = _told(corpus.rejected), _told(corpus.failed)
        rows.append(f"| `{name}` | {corpus.files} | {corpus.read} | {rejected} | {failed} |")
    return "\n".join(rows)


def _told(codes: dict[str, int]) -> str:
    if not codes:
        return "0"
    by_number = sorted(codes.items(), key=lambda one: (-one[1], one[0]))
    return f"{sum(codes.values())}: " + ", ".join(f"{code} {number}" for code, number in by_number)


if __name__ == "__main__":
    print(as_table(count_folders()))
