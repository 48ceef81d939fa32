"""The architecture's contracts hold, and are no empty words."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINT = "from importlinter.cli import lint_imports_command as lint; lint()"


def lint(config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-logo", "--no-cache", "--config", str(config)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_hold() -> None:
    outcome = lint(ROOT / "pyproject.toml")
    assert outcome.returncode == 0, outcome.stdout


def test_a_contract_that_is_broken_is_noticed(tmp_path: Path) -> None:
    stricter = (ROOT / "pyproject.toml").read_text()
    stricter = stricter.replace('forbidden_modules = ["question_bank.items"', 'forbidden_modules = ["core.errors"')
    (tmp_path / "stricter.toml").write_text(stricter)
    outcome = lint(tmp_path / "stricter.toml")
    assert outcome.returncode == 1
    assert "exam_server.conduct is not allowed to import core.errors" in outcome.stdout


def test_no_exception_is_made() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert len(contracts) >= 3
    assert not any("ignore_imports" in contract for contract in contracts)
