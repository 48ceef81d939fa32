"""Chromium for the browser tests: found, or installed where there is none."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from core.errors import Unavailable
from core.settings import Settings

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PACKAGES = ("chromium", "fonts-dejavu-core")
"""Debian's names; without a font of its own the browser would show Russian text as boxes."""


def find_chromium(browsers: Path) -> Path | None:
    """CHROMIUM, else one on the PATH, else one that Playwright put into `browsers`; None where there is none.

    A CHROMIUM that does not run raises Unavailable: whoever names one means that one.
    """
    named = os.environ.get("CHROMIUM")
    if named:
        path = Path(shutil.which(named) or named)
        if not runs(path):
            raise Unavailable("chromium_broken", f"CHROMIUM={named} не запускается.")
        return path
    return next((path for path in _candidates(browsers) if runs(path)), None)


def get_chromium(browsers: Path) -> Path:
    """Chromium, installed first where there is none: apt as root, Playwright's own download otherwise.

    Raises Unavailable where none can be had.
    """
    found = find_chromium(browsers)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        sys.stderr.write("Installing Chromium with apt …\n")
        _install_with_apt()
        found = find_chromium(browsers)
    if found is None:
        sys.stderr.write("Installing Chromium with Playwright …\n")
        _install_with_playwright(browsers)
        found = find_chromium(browsers)
    if found is None:
        raise Unavailable(
            "chromium_missing",
            "Не найден и не устанавливается Chromium. Установите пакет chromium или укажите программу в CHROMIUM.",
        )
    return found


def runs(path: Path) -> bool:
    """Whether this really is a Chromium: some systems have a stub by that name that only says what to install."""
    try:
        outcome = subprocess.run(
            [str(path), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return outcome.returncode == 0 and "Chrom" in outcome.stdout


def _candidates(browsers: Path) -> Iterator[Path]:
    for name in NAMES:
        path = shutil.which(name)
        if path is not None:
            yield Path(path)
    yield from sorted(browsers.glob("chromium-*/chrome-linux*/chrome"), reverse=True)


def _install_with_apt() -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
    for command in (["apt-get", "update", "-qq"], install):
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)


def _install_with_playwright(browsers: Path) -> None:
    environment = {**os.environ, "PLAYWRIGHT_BROWSERS_PATH": str(browsers.absolute())}
    command = [sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"]
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)


def browsers_folder(settings: Settings) -> Path:
    """Where Playwright's own download goes."""
    return settings.data_dir / "browsers"


def main() -> int:
    """`python -m app.chromium`: exit code 0 when there is one, whose path is printed."""
    try:
        sys.stdout.write(f"Chromium: {get_chromium(browsers_folder(Settings()))}\n")
    except Unavailable as error:
        sys.stderr.write(error.message + "\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
