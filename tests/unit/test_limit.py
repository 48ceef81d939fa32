"""That a test which hangs fails and says where, and that the tests after it run."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

CONFTEST = """
import sys
sys.path.insert(0, {root!r})
from tests.limit import Limit

def pytest_configure(config):
    config.pluginmanager.register(Limit(seconds=1, again=1), "limit")
"""

HANGING = """
import asyncio, subprocess, sys, threading
import pytest

@pytest.fixture
async def reluctant():
    yield
    await stay_for_ever()

@pytest.fixture
async def tidy():
    yield
    print("the other fixture was torn down")

async def stay_for_ever():
    await asyncio.Event().wait()

async def test_in_a_loop():
    try:
        await asyncio.create_task(stay_for_ever(), name="the one that hangs")
    except Exception:
        pass

async def test_in_a_fixture(tidy, reluctant):
    pass

def test_for_a_thread():
    threading.Event().wait()

def test_for_a_process():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        try:
            process.wait()
        finally:
            process.kill()

async def test_after_all_of_them():
    await asyncio.sleep(0)
"""


def test_what_hangs_fails_says_where_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST.format(root=str(ROOT)))
    (tmp_path / "test_hanging.py").write_text(HANGING)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-o",
        "asyncio_mode=auto",
        "-p",
        "no:cacheprovider",
        "-rA",
        str(tmp_path),
    ]
    # where CI is said, a summary holds every trace once more
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER")}
    environment["COLUMNS"] = "200"
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    summary = {line for line in done.stdout.splitlines() if line.startswith(("PASSED", "FAILED", "ERROR"))}
    for name in ("in_a_loop", "for_a_thread", "for_a_process"):
        failed = f"FAILED test_hanging.py::test_{name} - tests.limit.TooLong: the call takes more than 1 s"
        assert any(line.startswith(failed) for line in summary), done.stdout
    failed = "ERROR test_hanging.py::test_in_a_fixture - tests.limit.TooLong: the tear-down takes more than 1 s"
    assert any(line.startswith(failed) for line in summary), done.stdout
    assert "PASSED test_hanging.py::test_after_all_of_them" in summary, done.stdout
    assert "the other fixture was torn down" in done.stdout
    assert "task the one that hangs" in done.stdout
    assert done.stdout.count("in stay_for_ever\n") == 2, done.stdout
