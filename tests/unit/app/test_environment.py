"""The environment is made from the lock, once, and anew when the lock or the folder changes."""

import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import app.environment


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose lock wants one package, which a folder taken for the package index has."""
    folder = tmp_path / "checkout"
    (folder / "app").mkdir(parents=True)
    (folder / "locks").mkdir()
    shutil.copy(Path(app.environment.__file__), folder / "app")
    for version in ("1.0", "1.1"):
        pack_wheel(tmp_path / "index", version)
    lock(folder, "run", "1.0")
    lock(folder, "dev", "1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return folder


def pack_wheel(index: Path, version: str) -> None:
    index.mkdir(exist_ok=True)
    with zipfile.ZipFile(index / f"parcel-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("parcel.py", f"version = {version!r}\n")
        about = f"parcel-{version}.dist-info"
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: parcel\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


def lock(folder: Path, profile: str, version: str, digest: str | None = None) -> None:
    wheel = folder.parent / "index" / f"parcel-{version}-py3-none-any.whl"
    digest = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "locks" / f"{profile}.txt").write_text(f"parcel=={version} \\\n    --hash=sha256:{digest}\n")


def make(folder: Path, profile: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "app" / "environment.py"), profile]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def installed(folder: Path) -> str:
    python = folder / ".venv" / "bin" / "python"
    program = "import parcel; print(parcel.version)"
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_the_lock_is_installed_once_and_again_when_it_changes(checkout: Path) -> None:
    first = make(checkout, "dev")
    assert (first.returncode, installed(checkout)) == (0, "1.0")
    assert "locks/dev.txt" in first.stderr
    for profile in ("dev", "run"):
        again = make(checkout, profile)
        assert (again.returncode, again.stderr) == (0, "")
    lock(checkout, "dev", "1.1")
    assert make(checkout, "run").returncode == 0
    assert installed(checkout) == "1.1"
    lock(checkout, "dev", "1.0", digest="0" * 64)
    forged = make(checkout, "dev")
    assert forged.returncode == 1
    assert "hash" in forged.stderr.lower()
    assert make(checkout, "dev").returncode == 1
    lock(checkout, "dev", "1.1")
    moved = checkout.rename(checkout.with_name("moved"))
    assert "Making .venv" in make(moved, "dev").stderr
    assert installed(moved) == "1.1"


def test_it_says_how_it_is_used(checkout: Path) -> None:
    outcome = make(checkout, "everything")
    assert outcome.returncode == 2
    assert "run|dev" in outcome.stderr
    assert not (checkout / ".venv").exists()


def test_a_python_without_any_way_to_make_environments_is_told_what_to_install(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("venv.py", "virtualenv.py"):
        (checkout / "app" / name).write_text("raise SystemExit(1)\n")
    monkeypatch.setenv("PYTHONPATH", str(checkout / "app"))
    monkeypatch.setenv("PATH", str(checkout))  # no apt-get, which root would be helped by
    outcome = make(checkout, "run")
    assert outcome.returncode == 1
    assert "-venv" in outcome.stderr
