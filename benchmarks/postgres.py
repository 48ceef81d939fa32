"""A PostgreSQL of one measurement's or drill's own, gone at its end whatever becomes of the process.

    python -m benchmarks.postgres FOLDER

erases what stands in the folder: what is left to be done where the process was killed.
"""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

from app.embedded import EmbeddedPostgres
from core.errors import Unavailable

ROOT = Path(__file__).resolve().parent.parent
TRIES, PAUSE_SECONDS = 50, 0.2
"""Other processes of the dead one may still write into the folder."""


@contextlib.contextmanager
def fleeting(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A durable server in the folder, erased at the end; the folder too, should this process be killed."""
    folder.chmod(0o711)  # PostgreSQL's own account has to get through
    with should_this_be_killed(*erasure(folder)):
        postgres = EmbeddedPostgres(folder / "postgres", folder / "password")
        try:
            postgres.start()
            yield postgres
        finally:
            postgres.stop()
            postgres.erase()


@contextlib.contextmanager
def should_this_be_killed(*command: str) -> Iterator[None]:
    """Leave somebody behind who runs the command unless this process lives to the end of the block.

    It waits at a pipe that no other process has the other end of, in a session that no signal to this one reaches.
    """
    heir = ["/bin/sh", "-c", 'read -r line || "$@"', "sh", *command]
    with subprocess.Popen(heir, stdin=subprocess.PIPE, cwd=ROOT, start_new_session=True) as waiting:
        try:
            yield
        finally:
            assert waiting.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                waiting.stdin.write(b"\n")
                waiting.stdin.flush()


def erasure(folder: Path) -> tuple[str, ...]:
    """The command that erases a folder and the server in it."""
    return (sys.executable, "-m", "benchmarks.postgres", str(folder.absolute()))


def erase(folder: Path) -> None:
    for _ in range(TRIES):
        with contextlib.suppress(OSError, Unavailable):
            EmbeddedPostgres(folder / "postgres", folder / "password").erase()
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    erase(Path(sys.argv[1]))
