"""That a PostgreSQL which was started for a while is gone after it, however the process ends."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded import EmbeddedPostgres
from benchmarks.postgres import erase
from tests.commands import ROOT
from tests.places import quick_folder
from tests.server.booth import until

PROGRAM = """
import sys
from pathlib import Path
from benchmarks.postgres import fleeting

with fleeting(Path(sys.argv[1])) as postgres:
    print("ready", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="fleeting-", dir=quick_folder()))
    yield made
    erase(made)


def start(folder: Path) -> subprocess.Popen[bytes]:
    """A process that has a server in the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def server_in(folder: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(folder / "postgres", folder / "password")


def lives(pid: int) -> bool:
    """Whether the process is there, and not only until somebody asks how it ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_killed_process_leaves_no_server_and_no_folder(folder: Path, how: signal.Signals) -> None:
    with start(folder) as process:
        running = server_in(folder).cluster.processes()
        assert running
        process.send_signal(how)
    assert process.returncode == -how
    await until(lambda: not folder.exists(), "the folder is removed")
    assert not any(map(lives, running))


def test_a_process_that_ends_erases_its_server_itself(folder: Path) -> None:
    with start(folder) as process:
        process.communicate(b"\n")
    assert process.returncode == 0
    assert folder.exists()
    assert not (folder / "postgres").exists()
