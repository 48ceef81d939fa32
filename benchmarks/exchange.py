"""How fast items come in and leave, format by format, and in how much memory.

    python -m benchmarks.exchange --items 20000

A bank of that many four-option items (the texts of the demo bank, each with a number of its own) is written into a file
of every format and read into an empty bank, each time by a process of its own. In is from the file to the committed
transaction: read, judged, report, search index and all, on a PostgreSQL with fsync. Out is from the bank to the file.
The last line is JSON, by format:

    import_per_s, export_per_s  items a second, by the clock; null for a format that is only read
    peak_mib                    the most that either process had in memory, of which an idle one has `idle_mib`
    import_cpu_us, import_db_us CPU per item coming in, of the process and of all PostgreSQL processes: what does not
                                depend on who else is busy on the machine
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import asyncpg
from msgspec.structs import replace

from app.demo.bank_files import read_bank
from app.embedded import ask
from app.migrate import migrate
from benchmarks.postgres import ROOT, fleeting
from benchmarks.processes import family_cpu_seconds
from core.blobs import Blobs
from core.clock import SystemClock
from core.database import Database
from question_bank.drafts import Defaults, Draft, draft_of
from question_bank.exchange import csv_table, docx
from question_bank.exchange.entries import Leaving
from question_bank.exchange.formats import FORMATS, named_format
from question_bank.exporting import Selection, export_items
from question_bank.importing import Incoming, carry_out_import
from question_bank.imports import Wishes
from question_bank.items import Role
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement

ITEMS, SMOKE = 20_000, 60
MASTERS = {"benchmark": bytes(32)}


def generate(count: int) -> Iterator[Draft]:
    """Four-option items without pictures; no two say the same."""
    plain = [draft_of(item) for item in read_bank().items if item.kind == "four_option" and item.markup == "text"]
    for number, draft in zip(range(count), itertools.cycle(plain), strict=False):
        yield replace(draft, stem=f"{draft.stem} (вариант {number})", pool="exam")


def write_source(path: Path, count: int) -> None:
    with path.open("wb") as target:
        for _ in csv_table.write((Leaving(f"b{n:06}", 1, draft) for n, draft in enumerate(generate(count))), target):
            pass


def write_json_lines(path: Path, count: int) -> None:
    """What other programs write; the bank does not."""
    with path.open("w", encoding="utf-8") as target:
        for draft in generate(count):
            choices = draft.stages[0].choices
            line: dict[str, Any] = {"question": draft.stem, "requirement": draft.requirement}
            line |= {str(place): choice.text for place, choice in enumerate(choices, 1)}
            line["answer"] = 1 + next(place for place, choice in enumerate(choices) if choice.role == Role.KEY)
            target.write(json.dumps(line | {"speciality": draft.speciality}, ensure_ascii=False) + "\n")


def write_docx(path: Path, count: int) -> None:
    """A list as people type it in Word, the key in bold."""
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    with ZipFile(path, "w", ZIP_DEFLATED) as archive, archive.open(docx.DOCUMENT, "w", force_zip64=True) as part:
        part.write(f"<w:document {space}><w:body>".encode())
        for number, draft in enumerate(generate(count), 1):
            options = zip("АБВГ", draft.stages[0].choices, strict=True)
            lines = [(f"{letter}) {choice.text}", choice.role == Role.KEY) for letter, choice in options]
            for text, bold in ((f"{number}. {draft.stem}", False), *lines):
                marked = "<w:rPr><w:b/></w:rPr>" if bold else ""
                part.write(f"<w:p><w:r>{marked}<w:t>{escape(text)}</w:t></w:r></w:p>".encode())
        part.write(b"</w:body></w:document>")


async def prepare(url: str) -> None:
    """An empty bank with the catalogue."""
    await migrate(url)
    bank, database = read_bank(), Database(url, pool_size=1)
    async with database.transaction() as connection:
        await save_requirements(connection, bank.specialities, bank.requirements)
    await database.close()


@cache
def find_requirement() -> Requirement:
    """Of the demo bank; to read that is no part of an import."""
    return read_bank().requirements[0]


async def bring_in(url: str, path: Path, format: str, count: int) -> float:
    """Items per second."""
    database, first = Database(url, pool_size=3), find_requirement()
    wishes = Wishes(Defaults(first.speciality, first.code), format)
    blobs = Blobs.in_folder(path.with_name(f"{path.name}.blobs"), MASTERS)
    began = perf_counter()
    batch = await carry_out_import(database, blobs, Incoming(path, path.name), wishes, None, SystemClock())
    seconds = perf_counter() - began
    await database.close()
    if (batch.state, batch.counts.new) != ("done", count):
        raise RuntimeError(f"{format}: {batch.state} {batch.reason} {batch.counts}")
    return count / seconds


async def take_out(url: str, path: Path, format: str, count: int) -> float:
    """Items per second."""
    database = Database(url, pool_size=3)
    blobs = Blobs.in_folder(path.with_name(f"{path.name}.blobs"), MASTERS)
    began = perf_counter()
    with path.open("wb") as target:
        done = await export_items(database, blobs, Selection(), named_format(format), target)
    seconds = perf_counter() - began
    await database.close()
    if done is None or done.written != count:
        raise RuntimeError(f"{format}: {done}")
    return count / seconds


_WRITTEN = {"jsonl": write_json_lines, "docx": write_docx}
"""What others write for formats that are only read."""


def measure(work: str, url: str, path: Path, format: str, count: int) -> dict[str, float]:
    """One direction of one format, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.exchange", "--work", work, url, str(path), format]
    done = subprocess.run([*command, "--items", str(count)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def run_all(count: int, names: list[str]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="exchange-") as name:
        folder = Path(name)
        with fleeting(folder) as postgres:
            base = postgres.url.rpartition("/")[0]
            postmaster = int(next(folder.rglob("postmaster.pid")).read_text().split()[0])
            for database in ("template_exchange", "source"):
                ask(postgres.url, f"CREATE DATABASE {database}")
                asyncio.run(prepare(f"{base}/{database}"))
            write_source(folder / "source.csv", count)
            measure("in", f"{base}/source", folder / "source.csv", "csv", count)
            idle = measure("idle", base, folder, "", count)
            for format in [one for one in FORMATS if not names or one.name in names]:
                file = folder / f"bank{format.suffixes[0]}"
                out: dict[str, float] | None = None
                if format.write is not None:
                    out = measure("out", f"{base}/source", file, format.name, count)
                elif format.name in _WRITTEN:
                    _WRITTEN[format.name](file, count)
                if not file.exists():
                    continue
                bank = f"into_{format.name.replace('-', '_').replace('.', '_')}"
                ask(postgres.url, f"CREATE DATABASE {bank} TEMPLATE template_exchange")
                used = family_cpu_seconds(postmaster)
                into = measure("in", f"{base}/{bank}", file, format.name, count)
                used = family_cpu_seconds(postmaster) - used
                size = file.stat().st_size / 1e6
                results[format.name] = {
                    "import_per_s": round(into["per_s"]),
                    "export_per_s": None if out is None else round(out["per_s"]),
                    "peak_mib": round(max(into["peak_mib"], 0 if out is None else out["peak_mib"])),
                    "import_cpu_us": round(into["cpu_us"]),
                    "import_db_us": round(used / count * 1e6),
                }
                print(f"{format.title}: {results[format.name]}, {size:.1f} MB", flush=True)
                with contextlib.suppress(asyncpg.PostgresError):  # PostgreSQL's own cleaner may be at it
                    ask(postgres.url, f"DROP DATABASE {bank} WITH (FORCE)")
                file.unlink()
    return {"items": count, "idle_mib": round(idle["peak_mib"]), **results}


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast items come in and leave, format by format.")
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--format", action="append", default=[], help="only these")
    parser.add_argument("--smoke", action="store_true", help="a small run that only shows that it works")
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work, url, path, format = options.work
        directions = {"in": bring_in, "out": take_out}
        find_requirement()
        cpu = process_time()
        rate = asyncio.run(directions[work](url, Path(path), format, options.items)) if work in directions else 0.0
        cpu = (process_time() - cpu) / options.items * 1e6
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"per_s": rate, "peak_mib": peak, "cpu_us": cpu}))
    else:
        print(json.dumps(run_all(SMOKE if options.smoke else options.items, options.format)))


if __name__ == "__main__":
    main()
