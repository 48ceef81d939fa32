"""Every test: those that need browsers or much time, and beside them, on the other core, all others.

    python -m tests [options of pytest]

With options there is one run of pytest, as usual. Else what the second one says stands after the first is over.
"""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

HERE = Path(__file__).resolve().parent
LONG = ("browser", "drills", "histories", "simulation", "benchmarks")
"""They wait much. What is measured comes last: the other run is over by then."""


def main(options: list[str]) -> int:
    signal.signal(signal.SIGTERM, _leave)
    if options:
        return subprocess.call(command(*options), cwd=HERE.parent)
    with tempfile.TemporaryFile() as said:
        running = [
            subprocess.Popen(
                command("-o", "cache_dir=.pytest_cache/others", *others()),
                cwd=HERE.parent,
                stdout=said,
                stderr=subprocess.STDOUT,
            ),
            subprocess.Popen(command(*(f"tests/{name}" for name in LONG)), cwd=HERE.parent),
        ]
        try:
            codes = [run.wait() for run in reversed(running)]
        finally:
            for run in running:
                run.terminate()
                run.wait()
            said.seek(0)
            sys.stdout.write(said.read().decode(errors="replace"))
    return max(codes, key=abs)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", *arguments]


def others() -> list[str]:
    """Every folder of tests that is not LONG."""
    folders = {test.relative_to(HERE).parts[0] for test in HERE.rglob("test_*.py")}
    return [f"tests/{name}" for name in sorted(folders - set(LONG))]


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
