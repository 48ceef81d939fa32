"""The parent of a node's worker processes: keeps their port, starts them, starts again what crashed.

Each worker is an application of its own: event loop, engine, jobs. Each listens on the same port once it is ready, and
the kernel deals connections out evenly (SO_REUSEPORT): from one shared socket a burst goes to whoever wakes first, up
to two thirds of it to one of two, and it stays for hours. A worker whose parent is gone notices by the end of its
standard input, and leaves as if it had been told to.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

import structlog

from core.clock import elapsed_seconds
from core.errors import Unavailable

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY_SECONDS = 60.0
"""A worker that lived as long is started again at once: what it died of is no fault of the start."""
LEAVE_SECONDS = 9.8
"""How long workers may take to leave before they are killed. They give up by themselves a little earlier."""

_log = structlog.get_logger(__name__)


class _Place:
    """One of the workers, across its restarts."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.failures = 0
        self.due: float | None = 0.0
        """When to start it (again)."""


class Supervisor:
    """Runs `command` `count` times."""

    def __init__(self, command: Sequence[str], count: int, environment: dict[str, str]) -> None:
        self._command = list(command)
        self._places = [_Place(number) for number in range(count)]
        self._environment = environment
        self._told: list[int] = []
        self._leave_by: float | None = None
        self._clean = True

    def run(self) -> int:
        """Supervise until SIGTERM or SIGINT and until every worker has left then: 0 when each left in order."""
        reader, writer = os.pipe()
        for end in (reader, writer):
            os.set_blocking(end, False)
        wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)  # to be woken by it
        try:
            while self._step():
                select.select([reader], [], [], self._rest())
                with contextlib.suppress(BlockingIOError):
                    os.read(reader, 1_024)
        finally:
            for place in self._places:
                if place.process is not None:
                    place.process.kill()
                    place.process.wait()
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakeup)
            os.close(reader)
            os.close(writer)
        return 0 if self._clean else 1

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._told.append(number)

    def _step(self) -> bool:
        """One round; False when all is over."""
        now = elapsed_seconds()
        if self._told and self._leave_by is None:
            self._leave_by = now + LEAVE_SECONDS
            for place in self._places:
                place.due = None
                if place.process is not None:
                    place.process.send_signal(signal.SIGTERM)
        for place in self._places:
            if place.process is not None and place.process.poll() is not None:
                self._bury(place, now)
            if place.due is not None and place.due <= now:
                self._start(place, now)
        if self._leave_by is None:
            return True
        if now >= self._leave_by:
            for place in self._places:
                if place.process is not None:
                    _log.error("supervisor.killed", worker=place.number)
                    place.process.kill()
                    place.process.wait()
                    self._bury(place, now)
        return any(place.process is not None for place in self._places)

    def _start(self, place: _Place, now: float) -> None:
        place.process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl+C is for the supervisor; workers hear of it once, from here
        )
        place.started, place.due = now, None

    def _bury(self, place: _Place, now: float) -> None:
        assert place.process is not None
        code = place.process.returncode
        assert place.process.stdin is not None
        place.process.stdin.close()
        place.process = None
        if self._leave_by is not None:
            self._clean &= code in (0, -signal.SIGTERM)  # whoever dies of the signal itself had not begun yet
            return
        place.failures = 0 if now - place.started >= STEADY_SECONDS else place.failures + 1
        pause = min(FIRST_PAUSE * 2 ** (place.failures - 1), LONGEST_PAUSE) if place.failures else 0.0
        place.due = now + pause
        _log.error("supervisor.worker_ended", worker=place.number, code=code, again_in=pause)

    def _rest(self) -> float | None:
        moments = [place.due for place in self._places if place.due is not None]
        if self._leave_by is not None:
            moments.append(self._leave_by)
        return max(0.0, min(moments) - elapsed_seconds()) if moments else None


def reserve(host: str, port: int) -> socket.socket:
    """A socket that keeps the address for this node without listening. Raises Unavailable where it is taken."""
    try:
        bind(host, port, shared=False).close()  # whoever listens there is in the way, even one who would share
        return bind(host, port)
    except OSError as error:
        raise Unavailable(
            "address_taken",
            f"Адрес {host}:{port} занять не удалось ({error.strerror}). "
            "Остановите другую программу или задайте HOST и PORT.",
        ) from error


def bind(host: str, port: int, *, shared: bool = True) -> socket.socket:
    """A socket at the address; `shared`: with others of this account that say so too. Raises OSError."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def supervise(count: int, database_url: str) -> int:
    """Serve at an address that was reserved, with so many workers, until told to stop: the exit code."""
    environment = {**os.environ, "DATABASE_URL": database_url}
    return Supervisor([sys.executable, "-m", "app.worker"], count, environment).run()
