"""The command line says what is wrong and what to do.

What it does with a real database, tests/server/test_run.py shows.
"""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import app
from app.embedded import free_port


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installation of its own, with a database that is not there."""
    monkeypatch.setenv("ACCREDITATION_DATA", str(tmp_path / "var"))
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    monkeypatch.setenv("PORT", str(free_port()))


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def taken_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("PORT", str(other.getsockname()[1]))
        yield other.getsockname()[1]


def plain(result: Result) -> str:
    """What was said, line breaks of the terminal undone."""
    return " ".join(result.output.split())


def test_a_port_that_is_taken_is_named(taken_port: int) -> None:
    result = call("run")
    assert result.exit_code == 1
    assert f"Порт {taken_port} занят" in plain(result)


def test_the_database_of_somebody_else_is_not_erased(tmp_path: Path) -> None:
    keys = tmp_path / "var" / "keys"
    keys.mkdir(parents=True)
    result = call("reset")
    assert result.exit_code == 1
    assert "DATABASE_URL" in plain(result)
    assert keys.exists()


def test_a_reset_erases_what_is_ours_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    for name in ("keys", "blobs", "models"):
        (tmp_path / "var" / name).mkdir(parents=True)
        (tmp_path / "var" / name / "file").touch()
    result = call("reset")
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "var" / "keys").exists()
    assert not (tmp_path / "var" / "blobs").exists()
    assert (tmp_path / "var" / "models" / "file").exists(), "models are dear and the same for everybody"


@pytest.mark.parametrize(
    "command",
    [
        ("simulate", "1"),
        ("candidate",),
        ("sitting", "verify", "--all"),
        ("staff", "add", "admin", "--name", "Носов", "--role", "operator"),
        ("staff", "password", "admin"),
    ],
    ids=" ".join,
)
def test_a_database_that_is_away_is_no_traceback(command: tuple[str, ...]) -> None:
    result = call(*command)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "не отвечает" in plain(result)


def test_a_server_that_is_away_is_no_traceback(tmp_path: Path) -> None:
    logins = tmp_path / "logins.txt"
    logins.write_text("kandidat Demo-2026\n\nkandidat2 Demo-2026\n")
    result = call("candidate", "--sittings", "2", "--logins", str(logins), "--url", f"http://127.0.0.1:{free_port()}")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "no_server" in plain(result)


@pytest.mark.parametrize("content", ["kandidat Demo-2026\n", "kandidat\nkandidat2\n", ""])
def test_a_file_of_logins_that_does_not_suffice(tmp_path: Path, content: str) -> None:
    logins = tmp_path / "logins.txt"
    logins.write_text(content)
    result = call("candidate", "--sittings", "2", "--logins", str(logins))
    assert result.exit_code == 1
    assert "не меньше 2 строк" in plain(result)


@pytest.mark.parametrize(
    "arguments",
    [
        ("candidate", "--sittings", "0"),
        ("candidate", "--sittings", "501"),
        ("candidate", "--at-once", "0"),
        ("candidate", "--skill", "1.5"),
        ("candidate", "--face", "/nowhere/face.jpg"),
        ("candidate", "--logins", "/nowhere/logins.txt"),
        ("simulate", "0"),
        ("sitting", "verify", "abc"),
        ("staff", "add", "admin", "--name", "Носов"),
        ("staff", "add", "admin", "--name", "Носов", "--role", "god"),
        ("staff", "add", "admin", "--role", "operator"),
        ("unknown",),
    ],
    ids=" ".join,
)
def test_arguments_that_make_no_sense_are_refused(arguments: tuple[str, ...]) -> None:
    assert call(*arguments).exit_code == 2


def test_verification_asks_what_to_verify() -> None:
    result = call("sitting", "verify")
    assert result.exit_code == 1
    assert "--all" in plain(result)


def test_the_protocol_is_written_where_one_says(tmp_path: Path) -> None:
    result = call("protocol", str(tmp_path))
    assert result.exit_code == 0
    (file,) = tmp_path.glob("*.json")
    assert json.loads(file.read_text())["$defs"]
