import hashlib
import tomllib

import pytest

from core.web.pages import STATIC

VENDORED = tomllib.loads((STATIC / "vendor/VENDORED.toml").read_text(encoding="utf-8"))["vendored"]


@pytest.mark.parametrize("entry", VENDORED, ids=lambda entry: str(entry["file"]))
def test_what_was_made_elsewhere_is_unchanged_and_licensed(entry: dict[str, str]) -> None:
    content = (STATIC / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert entry["version"]
    assert entry["licence"]
    for text in entry["licence_texts"]:
        assert (STATIC / text).stat().st_size > 400


def test_nothing_vendored_is_left_out() -> None:
    listed = {entry["file"] for entry in VENDORED} | {"vendor/VENDORED.toml"}
    found = {
        file.relative_to(STATIC).as_posix() for folder in ("vendor", "fonts") for file in (STATIC / folder).glob("*.*")
    }
    assert found - listed == {"fonts/OFL.txt"}
