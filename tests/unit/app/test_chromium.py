"""Finding Chromium: what is named, what is on the PATH, what was downloaded, and what only pretends."""

from pathlib import Path

import pytest

from app.chromium import find_chromium, runs
from core.errors import Unavailable

GENUINE = "#!/bin/sh\necho Chromium 1.2.3\n"
STUB = "#!/bin/sh\necho install it with: snap install chromium >&2\nexit 1\n"
OTHER = "#!/bin/sh\necho Some other program\n"


def program(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH."""
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def test_the_named_one_comes_first(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(path / "chromium", GENUINE)
    named = program(tmp_path / "mine", GENUINE)
    monkeypatch.setenv("CHROMIUM", str(named))
    assert find_chromium(tmp_path) == named


def test_a_named_one_that_does_not_run_is_refused(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(path / "chromium", GENUINE)
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "absent"))
    with pytest.raises(Unavailable, match="chromium_broken"):
        find_chromium(tmp_path)


def test_a_stub_is_passed_over(path: Path, tmp_path: Path) -> None:
    stub = program(path / "chromium-browser", STUB)
    genuine = program(path / "google-chrome", GENUINE)
    assert not runs(stub)
    assert find_chromium(tmp_path) == genuine


def test_the_newest_download_is_used_last(path: Path, tmp_path: Path) -> None:
    program(path / "chromium", OTHER)
    program(tmp_path / "chromium-1100" / "chrome-linux" / "chrome", GENUINE)
    newest = program(tmp_path / "chromium-1200" / "chrome-linux64" / "chrome", GENUINE)
    assert find_chromium(tmp_path) == newest


def test_where_there_is_none_nothing_is_found(path: Path, tmp_path: Path) -> None:
    assert find_chromium(tmp_path) is None
