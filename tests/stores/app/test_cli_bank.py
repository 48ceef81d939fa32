"""The bank's commands on a real database: a file in, a report, a file out."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.cli import app
from app.embedded import ask
from core.database import Database
from question_bank.exchange.csv_table import write
from question_bank.exchange.entries import Leaving
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement, Speciality
from tests.drafts import four_option
from tests.server.processes import ROOT


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    monkeypatch.setenv("ACCREDITATION_DATA", str(tmp_path / "var"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)

    async def fill() -> None:
        database = Database(database_url, pool_size=1)
        async with database.transaction() as connection:
            known = (Requirement("ЛД-01", "31.05.01", "Неотложная помощь"),)
            await save_requirements(connection, (Speciality("31.05.01", "Лечебное дело"),), known)
        await database.close()

    asyncio.run(fill())
    return database_url


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["bank", *arguments])


def count(url: str) -> object:
    return ask(url, "SELECT count(*) FROM question_bank.item_version")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows = ["вопрос;а;б;в;г;ключ", "Где?;там;тут;здесь;нигде;Б", "Когда?;вчера;сегодня;завтра;никогда;", "Раздел;;;;;"]
    (tmp_path / "items.csv").write_text("\n".join(rows), encoding="cp1251")
    return tmp_path / "items.csv"


PLACE = ("--speciality", "31.05.01", "--requirement", "ЛД-01")


def test_a_dry_run_reports_and_keeps_nothing(url: str, file: Path, tmp_path: Path) -> None:
    done = call("import", str(file), "--dry-run", "--report", str(tmp_path / "report.json"), *PLACE)
    assert done.exit_code == 3, done.output
    assert count(url) == 0
    report: dict[str, Any] = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert (report["state"], report["dry_run"], report["format"]) == ("done", True, "csv")
    assert {name: report["counts"][name] for name in ("read", "new", "rejected", "reasons")} == {
        "read": 3, "new": 2, "rejected": 1, "reasons": {"no_options": 1},
    }  # fmt: skip
    assert [(line["place"]["number"], line["place"]["line"], line["code"]) for line in report["lines"]] == [
        (2, 3, "no_key"), (3, 4, "no_options"),
    ]  # fmt: skip
    assert report["lines"][0]["what_happens"] == "будет принято черновиком"
    assert all(line["reason"] for line in report["lines"])


def test_in_and_out_and_in_again(url: str, file: Path, tmp_path: Path) -> None:
    done = call("import", str(file), *PLACE)
    assert done.exit_code == 3, done.output
    assert "Эталон не указан" in done.output
    assert count(url) == 2
    assert call("export", "--format", "xlsx", "--to", str(tmp_path / "out.xlsx")).exit_code == 0
    again = call("import", str(tmp_path / "out.xlsx"))
    assert again.exit_code == 0, again.output
    assert count(url) == 2
    assert call("export", "--format", "csv", "--state", "active").exit_code == 0
    assert len((tmp_path / "bank.csv").read_text(encoding="utf-8-sig").splitlines()) == 1
    taken = call("export", "--format", "csv")
    assert (taken.exit_code, "уже есть" in taken.output) == (1, True)
    assert not list(tmp_path.glob("*.part"))


def test_what_cannot_be_done_is_said(url: str, file: Path, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("just words", encoding="utf-8")
    strange = call("import", str(tmp_path / "words.txt"))
    assert (strange.exit_code, "exchange_format_unknown" in strange.output) == (1, True)
    nobody = call("import", str(file), "--by", "nobody")
    assert (nobody.exit_code, "unknown_person" in nobody.output) == (1, True)
    broken = tmp_path / "broken.csv"
    broken.write_text('question,A,B,key\nQ,a,b,A\n"' + "x" * 200_000, encoding="utf-8")
    failed = call("import", str(broken), *PLACE)
    assert (failed.exit_code, count(url)) == (1, 0)
    assert "строка 3" in " ".join(failed.output.split())
    inwards = call("export", "--format", "jsonl", "--to", str(tmp_path / "out.jsonl"))
    assert (inwards.exit_code, (tmp_path / "out.jsonl").exists()) == (1, False)


@pytest.fixture
def long_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "long.csv"
    with path.open("wb") as target:
        for _ in write((Leaving(f"x{n}", 1, four_option(f"Вопрос {n}?")) for n in range(30_000)), target):
            pass
    yield path


def test_ctrl_c_leaves_nothing(url: str, long_file: Path) -> None:
    command = [sys.executable, "-m", "app.cli", "bank", "import", str(long_file)]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        while ask(url, "SELECT count(*) FROM question_bank.import_batch WHERE counts->>'read' > '0'") == 0:
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate(timeout=60)
    assert running.returncode == 130, output
    assert count(url) == 0
    assert ask(url, "SELECT state FROM question_bank.import_batch") == "cancelled"
    assert "отменена" in output
