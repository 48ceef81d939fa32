"""One PostgreSQL cluster: its data folder made by initdb, and the server processes that stand on it.

Knows nothing of who uses it; app.embedded does. Whether a process is ours is asked of /proc, never of
postmaster.pid alone: that file outlives a killed server, and its number may be another process by then.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from app.lodging import Lodging
from core.clock import elapsed_seconds
from core.errors import Unavailable

OWNER = "accreditation"
"""The role that owns the database of the same name; may create databases, is no superuser."""
SUPERUSER = "postgres"
STOP_SECONDS = 30.0
LOG_BYTES = 4_000_000
PAUSE_SECONDS = 0.02

# Run as the server's account: even root may not look at another account's processes in some containers.
PROCESSES = """
for process in /proc/[0-9]*; do
    if [ "$process/cwd" -ef "$1" ] && read -r name < "$process/comm" && [ "$name" = postgres ]; then
        echo "${process#/proc/}"
    fi
done 2>/dev/null
exit 0
"""


class Cluster:
    """The data folder of one lodging. `durable=False` turns fsync and synchronous_commit off."""

    def __init__(self, lodging: Lodging, *, durable: bool, shared_buffers: str) -> None:
        self.lodging = lodging
        self.durable = durable
        self.shared_buffers = shared_buffers
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def exists(self) -> bool:
        return (self.lodging.cluster / "PG_VERSION").exists()

    def make(self, password: str) -> None:
        """initdb, roles and an empty database, in a folder that gets its name only when complete."""
        lodging = self.lodging
        fresh = lodging.home / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        options = [
            f"--pgdata={fresh}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--auth=reject",
            "--no-instructions",
        ]
        if not self.durable:
            options.append("--no-sync")
        self._run([str(lodging.binaries / "bin" / "initdb"), *options])
        rules = fresh / "pg_hba.conf"
        rules.write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        rules.chmod(0o600)
        lodging.own(rules)
        self._single(fresh, f"CREATE ROLE {OWNER} LOGIN CREATEDB;\nCREATE DATABASE {OWNER} OWNER {OWNER};\n")
        self.set_password(password, fresh)
        fresh.rename(lodging.cluster)

    def set_password(self, password: str, cluster: Path | None = None) -> None:
        """Give both roles this password. The server must be down."""
        statements = (f"ALTER ROLE {role} PASSWORD '{password}';\n" for role in (SUPERUSER, OWNER))
        self._single(cluster or self.lodging.cluster, "".join(statements))

    def running(self) -> tuple[int, int] | None:
        """Process id and port of the server that runs now; a stale postmaster.pid is removed."""
        path = self.lodging.cluster / "postmaster.pid"
        if self._process is not None:
            self._process.poll()
        try:
            lines = path.read_text().splitlines()
            pid, port = int(lines[0]), int(lines[3])
        except (FileNotFoundError, IndexError, ValueError):
            pid, port = 0, 0
        if pid and self._serves(pid):
            return pid, port
        path.unlink(missing_ok=True)
        return None

    def spawn(self, port: int) -> None:
        """Start the server process; it does not answer yet."""
        if self.running() is None:
            # What outlived a killed server holds its shared memory and would keep the new one out.
            self.kill()
        lodging = self.lodging
        if lodging.log.exists() and lodging.log.stat().st_size > LOG_BYTES:
            lodging.log.rename(lodging.log.with_suffix(".log.1"))
        durability = "on" if self.durable else "off"
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "fsync": durability,
            # A worker at a copy that a test is done with would keep it from being dropped.
            "autovacuum": durability,
            "full_page_writes": durability,
            "synchronous_commit": durability,
            "shared_buffers": self.shared_buffers,
            # In the data folder: /dev/shm is tiny in containers, and a killed server leaves its part there.
            "dynamic_shared_memory_type": "mmap",
            "max_connections": "200",
            "checkpoint_timeout": "15min",
            "max_wal_size": "2GB",
            "random_page_cost": "1.1",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
            "logging_collector": "off",
        }
        command = [str(lodging.binaries / "bin" / "postgres"), "-D", str(lodging.cluster)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with lodging.log.open("ab") as log:
            # A session of its own, or Ctrl-C would stop the database before the application.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                umask=0o077,
                **lodging.credentials(),
            )

    @property
    def ended(self) -> bool:
        """Whether the server process that this object started has exited."""
        return self._process is not None and self._process.poll() is not None

    def halt(self) -> None:
        """Stop the server: cleanly, or at once where it does not listen."""
        server = self.running()
        if server is None:
            return
        pid, _ = server
        for how, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, STOP_SECONDS / 3)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
            if wait_until(lambda: not self._serves(pid), seconds):
                self._reap()
                return
        self.kill()

    def kill(self) -> None:
        """SIGKILL to every process of the server: what a power cut leaves behind."""

        def none_left() -> bool:
            pids = self.processes()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not pids

        if not wait_until(none_left, STOP_SECONDS):
            raise Unavailable("database_not_stopped", f"Процессы базы данных не завершаются: {self.processes()}.")
        self._reap()

    def processes(self) -> list[int]:
        """Ids of all live server processes of this cluster: each stands in its data folder."""
        if self._process is not None:
            self._process.poll()
        if not self.lodging.cluster.exists():
            return []
        return [int(line) for line in self._run(["/bin/sh", "-c", PROCESSES, "sh", str(self.lodging.cluster)])]

    def log_tail(self) -> str:
        try:
            return self.lodging.log.read_text(errors="replace")[-1500:].strip()
        except OSError:
            return "пуст"

    def _serves(self, pid: int) -> bool:
        if self._process is not None:
            self._process.poll()
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return command[1:3] == [b"-D", os.fsencode(self.lodging.cluster)]

    def _reap(self) -> None:
        """See the stopped server's process to its end: it is out of sight a moment before it is over."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)

    def _single(self, cluster: Path, statements: str) -> None:
        """Run statements, one a line, on a server that nobody can connect to."""
        # The password is 32 random bytes: stretching it would only slow every connection down.
        options = ["-c", "scram_iterations=64", "-c", f"fsync={'on' if self.durable else 'off'}"]
        postgres = str(self.lodging.binaries / "bin" / "postgres")
        self._run([postgres, "--single", *options, "-D", str(cluster), SUPERUSER], statements)

    def _run(self, command: list[str], sent: str = "") -> list[str]:
        outcome = subprocess.run(
            command,
            input=sent,
            capture_output=True,
            text=True,
            cwd="/",
            env=_environment(),
            umask=0o077,
            check=False,
            **self.lodging.credentials(),
        )
        # A single-user server answers an error and goes on, so the exit code alone says too little.
        if outcome.returncode or "ERROR:" in outcome.stderr:
            raise Unavailable(
                "database_not_made", f"Не удалось подготовить базу данных: {outcome.stderr.strip()[-2000:]}"
            )
        return outcome.stdout.splitlines()


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Look again and again until the condition holds (True) or the seconds are over (False)."""
    end = elapsed_seconds() + seconds
    while not condition():
        if elapsed_seconds() > end:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
