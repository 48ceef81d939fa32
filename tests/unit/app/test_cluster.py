"""What other processes and earlier crashes leave behind does not keep the server from starting."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest

from app.cluster import LOG_BYTES, wait_until
from app.embedded import EmbeddedPostgres, ask
from core.errors import Unavailable


def test_a_stale_pid_file_that_names_a_live_stranger_is_removed(server: EmbeddedPostgres) -> None:
    server.start()
    cluster = server.cluster.lodging.cluster
    lines = (cluster / "postmaster.pid").read_text().splitlines()
    server.kill()
    (cluster / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert server.cluster.running() is None
    assert ask(server.start(), "SELECT 1") == 1


@pytest.mark.parametrize("content", ["", "no number\n", "1\n"])
def test_a_broken_pid_file_is_removed(server: EmbeddedPostgres, content: str) -> None:
    server.start()
    server.stop()
    (server.cluster.lodging.cluster / "postmaster.pid").write_text(content)
    assert ask(server.start(), "SELECT 1") == 1


def test_backends_that_outlive_their_postmaster_are_removed(server: EmbeddedPostgres) -> None:
    url = server.start()
    running = server.cluster.running()
    assert running is not None
    spin = "DO $$ BEGIN LOOP END LOOP; END $$"  # never waits, so it never notices
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(ask, url, spin)
        count = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO %' AND state = 'active'"
        assert wait_until(lambda: ask(url, count) == 1, 10)
        os.kill(running[0], signal.SIGKILL)
        assert wait_until(lambda: server.cluster.ended, 10)
        assert server.cluster.processes()
        assert ask(server.start(), "SELECT 1") == 1
        with pytest.raises((OSError, asyncpg.PostgresError)):
            busy.result(10)


def test_an_interrupted_initdb_is_begun_again(server: EmbeddedPostgres) -> None:
    begun = server.cluster.lodging.home / "cluster.new"
    begun.mkdir()
    (begun / "PG_VERSION").write_text("18\n")
    assert not server.cluster.exists
    assert ask(server.start(), "SELECT 1") == 1
    assert not begun.exists()


def test_the_log_is_turned_over_when_it_is_long(server: EmbeddedPostgres) -> None:
    log: Path = server.cluster.lodging.log
    log.write_bytes(b"x" * (LOG_BYTES + 1))
    server.start()
    assert log.stat().st_size < LOG_BYTES
    assert log.with_suffix(".log.1").stat().st_size == LOG_BYTES + 1


def test_a_server_that_cannot_start_says_why(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.cluster.lodging.cluster / "global" / "pg_control").unlink()
    with pytest.raises(Unavailable, match="database_not_started") as refusal:
        server.start()
    assert "pg_control" in refusal.value.message
