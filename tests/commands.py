"""Modules that are run as commands, in a process of their own."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(module: str, *options: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run it to its end. Raises subprocess.TimeoutExpired; the command is killed then.

    What it says goes to files: the other end of a pipe may live on in a process that it started.
    """
    command = [sys.executable, "-m", module, *options]
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        done = subprocess.run(command, cwd=ROOT, stdout=said, stderr=complained, timeout=seconds, check=False)
        for file in (said, complained):
            file.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, said.read(), complained.read())
