"""The embedded PostgreSQL: made once, started, found running, stopped, killed for drills.

It is a real server on 127.0.0.1 with a random password, its data under the data folder. Whoever uses it
holds a shared lock on a file beside the data, which the kernel lets go of however the process ends: the
last to stop() stops the server, and a server left behind by a killed process is found and used again.
"""

import asyncio
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import asyncpg

from app.cluster import OWNER, PAUSE_SECONDS, Cluster
from app.lodging import abandon, find_lodging
from core.clock import elapsed_seconds
from core.database import plain_url
from core.errors import Unavailable
from core.randomness import fresh_token
from core.settings import Settings

OLDEST_VERSION = 150_000
"""As `server_version_num` tells it."""
START_SECONDS = 120.0
"""Recovery after a crash can take its time."""
ANSWER_SECONDS = 2.0
"""How long one attempt to connect may take while the server starts."""


class EmbeddedPostgres:
    """One embedded server. `folder` is where its data belongs, `password_file` where its password is kept.

    `durable=False` is for tests of everything but durability: it turns fsync and synchronous_commit off.
    Every method blocks; call from a thread where that matters. Failures raise core.errors.Unavailable.
    """

    def __init__(
        self,
        folder: Path,
        password_file: Path,
        *,
        port: int | None = None,
        durable: bool = True,
        shared_buffers: str = "256MB",
    ) -> None:
        self.folder = folder.absolute()
        self.password_file = password_file.absolute()
        self.port = port
        self.durable = durable
        self.shared_buffers = shared_buffers
        self._port_is_chosen = port is not None
        self._cluster: Cluster | None = None
        self._use: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """postgresql://… of the application's database, once started."""
        if self.port is None:
            raise Unavailable("database_not_started", "База данных ещё не запущена.")
        return f"postgresql://{OWNER}:{self._password()}@127.0.0.1:{self.port}/{OWNER}"

    @property
    def cluster(self) -> Cluster:
        """The server itself; looked for, and given a home, on first use."""
        if self._cluster is None:
            lodging = find_lodging(self.folder)
            self._cluster = Cluster(lodging, durable=self.durable, shared_buffers=self.shared_buffers)
        return self._cluster

    def start(self) -> str:
        """Make the server if there is none, start it unless it runs, wait until it answers: its URL."""
        with self._alone():
            if self._use is None:
                use = self._beside("users").open("ab")
                fcntl.flock(use, fcntl.LOCK_SH)
                self._use = use
            try:
                self._start()
            except BaseException:
                self._let_go()
                raise
        return self.url

    def stop(self) -> None:
        """Stop the server cleanly, unless another process still uses it. Does nothing when not started."""
        if self._use is None:
            return
        with self._alone():
            last = _is_only_lock(self._use)
            self._let_go()
            if last:
                self.cluster.halt()

    def kill(self) -> None:
        """SIGKILL to every process of the server at once: what a power cut leaves behind."""
        self.cluster.kill()

    def suspend(self) -> None:
        """Take the server away, whoever uses it; resume() brings it back on the same port."""
        with self._alone():
            self.cluster.halt()

    def resume(self) -> str:
        """Start a suspended or killed server again on the port it had."""
        with self._alone():
            self._port_is_chosen = True
            self._start()
        return self.url

    def erase(self) -> None:
        """Stop the server and remove its data. Raises Unavailable while another process uses it."""
        with self._alone(), self._beside("users").open("ab") as users:
            self._let_go()
            if not _is_only_lock(users):
                raise Unavailable("database_in_use", "База данных занята. Остановите работающий сервер и повторите.")
            self.cluster.halt()
            self.cluster.kill()
            abandon(self.folder)
            self._cluster = None
            self.password_file.unlink(missing_ok=True)

    def _start(self) -> None:
        password_known = self.password_file.exists()
        password = self._password()
        if not self.cluster.exists:
            self.cluster.make(password)
        elif not password_known:
            self.cluster.halt()
            self.cluster.set_password(password)
        server = self.cluster.running()
        if server is not None:
            self.port = server[1]
            self._await_answer()
            return
        self._launch()

    def _launch(self) -> None:
        for attempts_left in (2, 1, 0):
            if self.port is None or not self._port_is_chosen:
                self.port = free_port()
            self.cluster.spawn(self.port)
            try:
                self._await_answer()
            except Unavailable as error:
                taken = "could not create any TCP/IP sockets" in error.message
                if not taken or self._port_is_chosen or not attempts_left:
                    raise
            else:
                return

    def _await_answer(self) -> None:
        """Wait by really connecting: a server in recovery has its port open and refuses."""
        end = elapsed_seconds() + START_SECONDS
        while True:
            try:
                ask(self.url, "SELECT 1", ANSWER_SECONDS)
            except asyncpg.InvalidPasswordError as error:
                raise Unavailable(
                    "database_password",
                    f"Пароль из {self.password_file} не подходит к работающей базе данных. "
                    "Остановите её, удалите этот файл и запустите снова.",
                ) from error
            except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError) as error:
                if self.cluster.ended or elapsed_seconds() > end:
                    raise Unavailable(
                        "database_not_started",
                        f"База данных не запустилась. Журнал: {self.cluster.log_tail()}",
                    ) from error
                time.sleep(PAUSE_SECONDS)
            else:
                return

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else starts or stops this server meanwhile."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self._beside("lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _beside(self, suffix: str) -> Path:
        return self.folder.with_name(f"{self.folder.name}.{suffix}")

    def _let_go(self) -> None:
        if self._use is not None:
            self._use.close()
            self._use = None

    def _password(self) -> str:
        """The password, made on first use; only its owner can read the file."""
        try:
            return self.password_file.read_text().strip()
        except FileNotFoundError:
            self.password_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            password = fresh_token(32)
            descriptor = os.open(self.password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(password + "\n")
            return password


def ask(url: str, statement: str, patience: float = 10.0) -> object:
    """The first value of one statement on a connection of its own; works inside a running loop too.

    A server that cannot be reached, or does not answer within `patience` seconds, raises OSError.
    """

    async def fetch() -> object:
        connection = await asyncpg.connect(plain_url(url), timeout=patience)
        try:
            return await connection.fetchval(statement, timeout=patience)
        finally:
            await connection.close(timeout=patience)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, fetch()).result()


def embedded_postgres(settings: Settings) -> EmbeddedPostgres:
    """The embedded server of this installation."""
    return EmbeddedPostgres(settings.data_dir / "postgres", settings.keys_dir / "postgres.password")


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """DATABASE_URL where it is set, else the embedded server, running for as long as this lasts.

    Raises Unavailable where the server cannot be reached, is older than PostgreSQL 15, or does not start.
    """
    if settings.database_url:
        check_version(settings.database_url)
        yield plain_url(settings.database_url)
        return
    with embedded_postgres(settings) as server:
        yield server.url


def check_version(url: str) -> None:
    """Raise Unavailable unless this is PostgreSQL 15 or newer and it answers."""
    try:
        version = int(str(ask(url, "SHOW server_version_num")))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unavailable(
            "database_away", f"База данных из DATABASE_URL не отвечает: {error}. Проверьте адрес и доступ."
        ) from error
    if version < OLDEST_VERSION:
        raise Unavailable(
            "database_too_old", f"Нужен PostgreSQL 15 или новее, а это {version // 10_000}. Обновите сервер."
        )


def _is_only_lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
