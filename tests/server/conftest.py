"""Real server processes on real databases that hold the demo, and candidates in front of them."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from app.demo import seed
from app.embedded import EmbeddedPostgres, ask, free_port
from app.migrate import migrate
from core.blobs import Blobs
from core.clock import SystemClock
from core.database import Database
from core.ids import BlueprintId
from core.keys import Keys
from core.settings import Settings
from proctoring.models import Models
from tests.conftest import Cloned
from tests.server.booth import Booth
from tests.server.processes import ROOT, Server

Result = TypeVar("Result")
Serve = Callable[..., Server]
DEMO_DATA = "demo-data"
COPY_SECONDS = 60.0
FACE = ROOT / "tests" / "faces" / "collins.jpg"


def wait_for(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run something asynchronous to its end, on a loop of its own, from wherever this is."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work()).result()


async def fill(url: str, data: Path | None = None) -> None:
    """The demo's bank, exams, people and windows. Its pictures are sealed with the keys of a data folder."""
    database = Database(url, pool_size=1)
    folder = data or Path(tempfile.mkdtemp(prefix="demo-data-"))
    settings = Settings(ACCREDITATION_DATA=folder)  # type: ignore[call-arg]
    try:
        blobs = Blobs.in_folder(settings.blobs_dir, Keys.open(settings).masters)
        await seed.seed(database, SystemClock(), blobs)
        await seed.keep_windows_open(database, SystemClock())
    finally:
        await database.close()
        if data is None:
            shutil.rmtree(folder)


def furnish(factory: pytest.TempPathFactory, name: str) -> Path:
    """A data folder for one server, with the keys and the pictures of the demo."""
    folder = factory.mktemp(name)
    shutil.copytree(factory.getbasetemp() / DEMO_DATA, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def _demo(_clones: Cloned, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with the demo in it, to be copied and not used."""
    data = tmp_path_factory.getbasetemp() / DEMO_DATA
    with _clones.clone() as url:
        wait_for(lambda: fill(url, data))
        yield url


@pytest.fixture(scope="session")
def _demo_copies(_demo: str) -> Callable[[str], str]:
    base, _, name = _demo.rpartition("/")

    def copy(label: str) -> str:
        ask(f"{base}/accreditation", f"CREATE DATABASE {name}_{label} TEMPLATE {name} STRATEGY file_copy", COPY_SECONDS)
        return f"{base}/{name}_{label}"

    return copy


def drop(url: str) -> None:
    base, _, name = url.rpartition("/")
    ask(f"{base}/accreditation", f"DROP DATABASE {name} WITH (FORCE)", COPY_SECONDS)


@pytest.fixture(scope="session")
def house(
    _demo_copies: Callable[[str], str], models: Models, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A running server that all tests share who need nothing special of it."""
    url = _demo_copies("house")
    server = Server(url, furnish(tmp_path_factory, "house"), free_port(), models.detector.parent)
    try:
        yield server.start()
    finally:
        server.stop()
        drop(url)
    assert "graceful shutdown exceeded" not in server.said(), "the end of some connection was not noticed"


@pytest.fixture(scope="session")
def annex(house: Server, models: Models) -> Iterator[Server]:
    """Another process of the same service: the same database, keys and files. Here nothing counts as a flood."""
    server = Server(house.url, house.data, free_port(), models.detector.parent, burst=100_000)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def demo_url(_demo_copies: Callable[[str], str]) -> Iterator[str]:
    """A database of this test's own, with the demo in it."""
    url = _demo_copies("own")
    yield url
    drop(url)


@pytest.fixture
def node_url(durable_database_url: str) -> str:
    """The same on a server that keeps what it acknowledges: `serve` takes no other."""
    wait_for(lambda: fill(durable_database_url))
    return durable_database_url


@pytest.fixture
def postgres(own_postgres: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """A durable server with the demo in its database, which the test may take away."""
    url = own_postgres.start()
    wait_for(lambda: migrate(url))
    wait_for(lambda: fill(url))
    yield own_postgres


@pytest.fixture
def serve(tmp_path: Path, models: Models) -> Iterator[Serve]:
    """`serve(url)`: servers of this test's own; they share one data folder, as processes of one service do."""
    started: list[Server] = []

    def start(url: str, **options: Any) -> Server:
        server = Server(url, tmp_path / "var", free_port(), models.detector.parent, **options)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.kill()


@pytest.fixture
async def booths() -> AsyncIterator[Callable[..., Awaitable[Booth]]]:
    """`await booths(server)`: a fresh candidate, booked for the quick exam or another one, and signed in."""
    made: list[Booth] = []

    async def make(server: Server, blueprint: BlueprintId = seed.QUICK) -> Booth:
        made.append(await Booth.open(server, blueprint))
        return made[-1]

    yield make
    for booth in made:
        await booth.close()


@pytest.fixture(scope="session")
def face() -> bytes:
    """A portrait as a JPEG."""
    return FACE.read_bytes()
