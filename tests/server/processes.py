"""Server processes that a test starts, kills and starts again on the same port."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from core.clock import elapsed_seconds
from core.keys import Keys
from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0
STOP_SECONDS = 20.0
PAUSE = 0.02


class Server:
    """One process, and what it stands on: a database and a data folder with keys, blobs and its log."""

    def __init__(
        self,
        url: str,
        data: Path,
        port: int,
        models: Path,
        command: Sequence[str] = ("-m", "tests.server.child"),
        burst: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.url = url
        self.data = data
        self.port = port
        self.address = f"http://127.0.0.1:{port}"
        self.settings = Settings(ACCREDITATION_DATA=data, database_url=url)  # type: ignore[call-arg]
        self._command = [sys.executable, *command]
        self._environment = {
            **os.environ,
            "ACCREDITATION_DATA": str(data),
            "DATABASE_URL": url,
            "PORT": str(port),
            "PROCTORING_MODELS": str(models),
            "FRAME_WORKERS": "1",
            **({} if burst is None else {"FLOOD_BURST": str(burst)}),
            **(environment or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def keys(self) -> Keys:
        return Keys.open(self.settings)

    @property
    def log(self) -> Path:
        return self.data / f"server-{self.port}.log"

    def start(self) -> "Server":
        """Start and wait until it answers."""
        self.spawn()
        self.await_answer()
        return self

    def spawn(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdin=subprocess.PIPE, stdout=log, stderr=log
            )

    def await_answer(self) -> None:
        end = elapsed_seconds() + START_SECONDS
        while True:
            assert self._process is not None
            assert self._process.poll() is None, f"the server ended: {self.said()[-3000:]}"
            assert elapsed_seconds() < end, f"the server does not answer: {self.said()[-3000:]}"
            try:
                if httpx.get(f"{self.address}/health", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(PAUSE)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def workers(self) -> list[int]:
        """Process ids of the processes that it has started."""
        assert self._process is not None
        pid = self._process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def kill(self) -> None:
        """SIGKILL: no farewell to anybody."""
        self._end(signal.SIGKILL)

    def stop(self) -> int | None:
        """SIGTERM, as an orderly restart does it; the exit code, None when it was not running."""
        return self._end(signal.SIGTERM)

    def said(self) -> str:
        """Everything the process wrote."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _end(self, how: signal.Signals) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdin is not None
        process.stdin.close()
        return process.returncode


def faults_in(log: str) -> list[str]:
    """Errors that the server wrote, less those that uvicorn calls its own: broken UTF-8, and a handshake denied."""
    known = ("Invalid UTF-8 sequence received", "'utf-8' codec can't decode", "returned without completing handshake")
    errors = re.findall(r"^.*(?:error).*$", log, re.MULTILINE | re.IGNORECASE)
    return [line for line in errors if not any(part in line for part in known)]
