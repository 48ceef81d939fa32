"""Embedded servers for the tests of the launcher itself."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded import EmbeddedPostgres
from tests.places import quick_folder


@pytest.fixture
def reachable() -> Iterator[Path]:
    """An empty folder that any account can enter (pytest's own are closed to all but their owner)."""
    folder = Path(tempfile.mkdtemp(prefix=f"accreditation-postgres-{os.getpid()}-", dir=quick_folder()))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def server(reachable: Path) -> Iterator[EmbeddedPostgres]:
    """A server that is not started yet, in a folder of its own, erased at the end."""
    made = EmbeddedPostgres(
        reachable / "postgres", reachable / "keys" / "password", durable=False, shared_buffers="16MB"
    )
    yield made
    made.erase()


@pytest.fixture
def twin(server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """The same server as another process would see it."""
    other = EmbeddedPostgres(server.folder, server.password_file, durable=False, shared_buffers="16MB")
    yield other
    other.stop()
