"""The two runs that `make test` consists of, and the one that options make of it."""

import subprocess
import sys
from pathlib import Path

from tests.__main__ import LONG, others

ROOT = Path(__file__).parents[2]


def test_every_folder_of_tests_is_in_one_of_the_two_runs() -> None:
    folders = {test.relative_to(ROOT / "tests").parts[0] for test in (ROOT / "tests").rglob("test_*.py")}
    assert {Path(path).name for path in others()} | set(LONG) == folders
    assert not {Path(path).name for path in others()} & set(LONG)


def test_options_are_those_of_one_run_of_pytest() -> None:
    command = [sys.executable, "-m", "tests", "--collect-only", "-q", "-k", "two_runs", "tests/unit/test_runs.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1/2 tests collected (1 deselected)" in done.stdout
