"""The embedded server through its life: made, stopped, killed, shared, taken away, erased."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

import app.embedded
from app.embedded import EmbeddedPostgres, ask, check_version, database_url, embedded_postgres
from core.errors import Unavailable
from core.settings import Settings

KEEP = "CREATE TABLE kept AS SELECT 7 AS number"
KEPT = "SELECT number FROM kept"


def is_away(url: str) -> bool:
    try:
        ask(url, "SELECT 1")
    except OSError:
        return True
    return False


def test_it_is_a_postgresql_on_the_loopback_for_a_role_without_privileges(server: EmbeddedPostgres) -> None:
    url = server.start()
    assert "@127.0.0.1:" in url
    assert ask(url, "SELECT current_user || current_database()") == "accreditationaccreditation"
    assert ask(url, "SELECT NOT rolsuper FROM pg_roles WHERE rolname = current_user")
    assert ask(url, "SHOW listen_addresses") == "127.0.0.1"
    check_version(url)


def test_it_keeps_what_it_acknowledges_unless_told_otherwise(own_postgres: EmbeddedPostgres) -> None:
    url = own_postgres.start()
    settings = ("fsync", "full_page_writes", "synchronous_commit")
    assert [ask(url, f"SHOW {name}") for name in settings] == ["on", "on", "on"]


def test_a_wrong_password_is_refused_and_the_right_one_is_private(server: EmbeddedPostgres) -> None:
    url = server.start()
    password = server.password_file.read_text().strip()
    assert server.password_file.stat().st_mode & 0o777 == 0o600
    assert len(password) > 40
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(url.replace(password, "guessed"), "SELECT 1")


def test_data_outlives_a_stop_and_a_kill(server: EmbeddedPostgres) -> None:
    ask(server.start(), KEEP)
    server.stop()
    assert is_away(server.url)
    assert ask(server.start(), KEPT) == 7
    server.kill()
    assert (server.cluster.lodging.cluster / "postmaster.pid").exists()
    assert ask(server.start(), KEPT) == 7


def test_it_starts_inside_a_running_loop(server: EmbeddedPostgres) -> None:
    async def start() -> object:
        return ask(server.start(), "SELECT 1")

    assert asyncio.run(start()) == 1


def test_a_server_that_takes_too_long_to_answer_is_not_waited_for(server: EmbeddedPostgres) -> None:
    with pytest.raises(TimeoutError):
        ask(server.start(), "SELECT pg_sleep(60)", 0.5)


def test_the_second_to_start_uses_the_running_server_and_the_last_to_stop_stops_it(
    server: EmbeddedPostgres, twin: EmbeddedPostgres
) -> None:
    assert server.start() == twin.start()
    server.stop()
    assert not is_away(twin.url)
    twin.stop()
    assert is_away(twin.url)


def test_a_server_left_behind_by_a_killed_process_is_used_again(server: EmbeddedPostgres, reachable: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from app.embedded import EmbeddedPostgres, ask
server = EmbeddedPostgres(Path({str(server.folder)!r}), Path({str(server.password_file)!r}))
ask(server.start(), {KEEP!r})
print(server.url, flush=True)
sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        started = ask(url, "SELECT pg_postmaster_start_time()::text")
        process.kill()
    assert not is_away(url)
    assert server.start() == url
    assert ask(url, KEPT) == 7
    assert ask(url, "SELECT pg_postmaster_start_time()::text") == started
    server.stop()
    assert is_away(url)


def test_a_suspended_server_comes_back_on_its_port(server: EmbeddedPostgres) -> None:
    url = server.start()
    ask(url, KEEP)
    server.suspend()
    assert is_away(url)
    assert server.resume() == url
    assert ask(url, KEPT) == 7


def test_a_lost_password_is_replaced_and_the_data_kept(server: EmbeddedPostgres) -> None:
    first = server.start()
    ask(first, KEEP)
    server.stop()
    server.password_file.unlink()
    second = server.start()
    assert first.rpartition("@")[0] != second.rpartition("@")[0]
    assert ask(second, KEPT) == 7


def test_a_taken_port_is_avoided_unless_it_was_asked_for(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken, socket.socket() as free:
        taken.bind(("127.0.0.1", 0))
        free.bind(("127.0.0.1", 0))
        port, other = taken.getsockname()[1], free.getsockname()[1]
        free.close()
        stubborn = EmbeddedPostgres(server.folder, server.password_file, port=port, durable=False)
        with pytest.raises(Unavailable, match="database_not_started") as refusal:
            stubborn.start()
        assert str(port) in refusal.value.message
        ports = iter((port, other))
        monkeypatch.setattr(app.embedded, "free_port", lambda: next(ports))
        server.start()
        assert server.port == other


def test_erasing_waits_for_nobody_and_takes_no_one_s_data_away(
    server: EmbeddedPostgres, twin: EmbeddedPostgres
) -> None:
    ask(server.start(), KEEP)
    twin.start()
    with pytest.raises(Unavailable, match="database_in_use"):
        server.erase()
    assert ask(twin.url, KEPT) == 7
    twin.stop()
    server.erase()
    assert not server.folder.exists()
    assert not server.password_file.exists()
    assert ask(server.start(), "SELECT to_regclass('kept')") is None


def test_the_process_that_stops_it_is_not_stopped_by_its_signals(server: EmbeddedPostgres) -> None:
    url = server.start()
    pid = server.cluster.running()
    assert pid is not None
    assert os.getpgid(pid[0]) != os.getpgid(0)
    os.kill(pid[0], signal.SIGHUP)
    assert ask(url, "SELECT 1") == 1


def test_the_url_of_a_named_database_is_checked_and_passed_on(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url.replace("postgresql://", "postgres://"))
    with app.embedded.database_url(Settings()) as url:
        assert url == database_url
    monkeypatch.setattr(app.embedded, "OLDEST_VERSION", 990_000)
    with pytest.raises(Unavailable, match="database_too_old"), app.embedded.database_url(Settings()):
        pass


def test_a_named_database_that_is_away_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("DATABASE_URL", f"postgresql://a:b@127.0.0.1:{closed.getsockname()[1]}/c")
        with pytest.raises(Unavailable, match="database_away"), database_url(Settings()):
            pass


def test_without_a_named_database_the_embedded_one_runs_while_it_is_used(
    reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("ACCREDITATION_DATA", str(reachable / "var"))
    settings = Settings()
    try:
        with database_url(settings) as url:
            assert ask(url, "SHOW fsync") == "on"
        assert is_away(url)
        assert (settings.keys_dir / "postgres.password").exists()
    finally:
        embedded_postgres(settings).erase()
