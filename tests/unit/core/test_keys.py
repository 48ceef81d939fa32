import stat
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from core.keys import Keys, master_kid
from core.settings import Settings


def settings(folder: Path, **given: Any) -> Settings:
    return Settings(ACCREDITATION_DATA=folder, **given)  # type: ignore[call-arg]


def base64(key: bytes) -> str:
    return b64encode(key).decode()


def test_keys_are_made_once_and_readable_by_us_alone(tmp_path: Path) -> None:
    first, again = Keys.open(settings(tmp_path)), Keys.open(settings(tmp_path))
    assert (first.secret, first.masters) == (again.secret, again.masters)
    assert (first.platform.kid, first.registry.kid) == (again.platform.kid, again.registry.kid)
    folder = tmp_path / "keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["master.key", "platform.pem", "registry.pem", "secret.key"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_no_key_serves_two_purposes(tmp_path: Path) -> None:
    keys = Keys.open(settings(tmp_path))
    assert keys.secret not in keys.masters.values()
    assert keys.platform.kid != keys.registry.kid
    assert len(keys.secret) == 32


def test_starts_at_once_end_up_with_the_same_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        opened = list(threads.map(lambda _: Keys.open(settings(tmp_path)), range(8)))
    assert len({(keys.secret, keys.platform.kid, keys.registry.kid) for keys in opened}) == 1
    assert len(list((tmp_path / "keys").iterdir())) == 4


def test_the_environment_comes_first(tmp_path: Path) -> None:
    secret, new, old = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
    keys = Keys.open(
        settings(
            tmp_path,
            secret_key=SecretStr(base64(secret)),
            master_key=SecretStr(f"{base64(new)}, {base64(old)}"),
        )
    )
    assert keys.secret == secret
    assert list(keys.masters.items()) == [(master_kid(new), new), (master_kid(old), old)]
    assert not (tmp_path / "keys" / "master.key").exists()


@pytest.mark.parametrize("given", ["short", base64(b"x" * 31), base64(b"x" * 33), "*" * 44])
@pytest.mark.parametrize("name", ["secret_key", "master_key"])
def test_malformed_keys_are_refused_without_being_shown(tmp_path: Path, name: str, given: str) -> None:
    with pytest.raises(ValueError, match=name.upper()) as error:
        Keys.open(settings(tmp_path, **{name: SecretStr(given)}))
    assert given not in str(error.value)


def test_a_damaged_file_is_not_replaced(tmp_path: Path) -> None:
    Keys.open(settings(tmp_path))
    (tmp_path / "keys" / "platform.pem").write_text("damaged")
    with pytest.raises(ValueError, match="Ed25519"):
        Keys.open(settings(tmp_path))
    assert (tmp_path / "keys" / "platform.pem").read_text() == "damaged"
