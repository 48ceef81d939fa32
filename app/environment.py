"""Makes .venv and installs the locked dependencies into it. Needs nothing but Python: it runs before they exist.

`python3 app/environment.py run` installs what the platform needs, `… dev` what its tests and checks need
too. A stamp says which lock is installed, so that the second time costs nothing and a changed lock counts.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "locked.json"
OLDEST = (3, 11)


def main() -> int:
    """Exit code 0 when .venv holds at least the lock asked for."""
    profile = sys.argv[1] if len(sys.argv) == 2 else ""
    if profile not in {"run", "dev"}:
        say("usage: python3 app/environment.py run|dev")
        return 2
    if sys.version_info < OLDEST:
        say(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {sys.version.split()[0]}.")
        return 1
    if is_ready(profile):
        return 0
    if not works() and not make_venv():
        return 1
    # A lock that grows must not lose what the other one brought.
    wanted = "dev" if stamp().get("profile") == "dev" else profile
    say(f"Installing locks/{wanted}.txt into .venv …")
    install = [str(PYTHON), "-m", "pip", "install", "-qq", "--no-deps", "--require-hashes"]
    install += ["--disable-pip-version-check", "--no-input", "-r", str(lock(wanted))]
    if subprocess.run(install, check=False).returncode:
        say("The dependencies could not be installed: see above. Is the package index reachable?")
        return 1
    STAMP.write_text(json.dumps({"profile": wanted, "sha256": digest(wanted), "root": str(ROOT)}))
    return 0


def say(line: str) -> None:
    sys.stderr.write(line + "\n")


def lock(profile: str) -> Path:
    return ROOT / "locks" / f"{profile}.txt"


def digest(profile: str) -> str:
    return hashlib.sha256(lock(profile).read_bytes()).hexdigest()


def stamp() -> dict[str, str]:
    """What is installed: profile, sha256 of its lock, and the checkout's folder; empty when nothing is."""
    try:
        content = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def is_ready(profile: str) -> bool:
    installed = stamp()
    name = installed.get("profile", "")
    return (
        (name == profile or name == "dev")
        and installed.get("sha256") == digest(name)
        and installed.get("root") == str(ROOT)
        and PYTHON.exists()
    )


def works() -> bool:
    """Whether .venv has a Python new enough, with pip, made for this folder."""
    if stamp().get("root", str(ROOT)) != str(ROOT):
        return False
    probe = f"import sys, pip; sys.exit(sys.version_info < {OLDEST!r})"
    return PYTHON.exists() and run(str(PYTHON), "-c", probe)


def make_venv() -> bool:
    """A fresh .venv with pip, by whichever way this machine has."""
    say(f"Making .venv with Python {sys.version.split()[0]} …")
    if attempt_all():
        return True
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    package = f"python{version}-venv"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"This Python has no ensurepip: installing {package} …")
        run("apt-get", "update", "-q")
        if run("apt-get", "install", "-y", "-q", "--no-install-recommends", package) and attempt_all():
            return True
    say(f"This Python cannot make a virtual environment: install {package} (Debian, Ubuntu) or virtualenv.")
    return False


def attempt_all() -> bool:
    """The standard library's way, virtualenv, or an empty environment filled by the machine's own pip."""
    venv = str(VENV)
    return (
        (run(sys.executable, "-m", "venv", "--clear", venv) and works())
        or (run(sys.executable, "-m", "virtualenv", "--clear", venv) and works())
        or (
            run(sys.executable, "-m", "venv", "--clear", "--without-pip", venv)
            and run(sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", "pip")
            and works()
        )
    )


def run(*command: str) -> bool:
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
