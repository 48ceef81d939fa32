"""Key material: made once, kept in files only the service can read, and told apart by what it is for."""

import binascii
import hashlib
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from pathlib import Path

from core.randomness import fresh_bytes, fresh_token
from core.settings import Settings
from core.signatures import Signer

KEY_BYTES = 32


class Keys:
    """Everything secret that the platform holds.

    `secret` is for CSRF tokens and the like; `masters` wrap the data keys of encrypted files (by kid, the
    first one wraps, all unwrap); `platform` signs outcome notices and protocols; `registry` signs receipts.
    """

    def __init__(self, secret: bytes, masters: Mapping[str, bytes], platform: Signer, registry: Signer) -> None:
        if len(secret) != KEY_BYTES or not masters or any(len(key) != KEY_BYTES for key in masters.values()):
            raise ValueError("keys have 32 bytes")
        self.secret = secret
        self.masters = dict(masters)
        self.platform = platform
        self.registry = registry

    @classmethod
    def open(cls, settings: Settings) -> "Keys":
        """The keys in `settings.keys_dir`; what is missing is made (mode 0600).

        SECRET_KEY replaces the secret and MASTER_KEY the master keys, each 32 bytes in base64; MASTER_KEY
        may hold several, separated by commas, the newest first. Malformed ones raise ValueError. Several
        processes may start at once: all end up with the same keys.
        """
        folder = settings.keys_dir
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        given_secret, given_masters = settings.secret_key, settings.master_key
        masters = (
            [_decode("MASTER_KEY", part) for part in given_masters.get_secret_value().split(",")]
            if given_masters
            else [_decode("master.key", _kept(folder / "master.key", _fresh_text).decode())]
        )
        return cls(
            secret=_decode("SECRET_KEY", given_secret.get_secret_value())
            if given_secret
            else _decode("secret.key", _kept(folder / "secret.key", _fresh_text).decode()),
            masters={master_kid(key): key for key in masters},
            platform=_signer(folder / "platform.pem"),
            registry=_signer(folder / "registry.pem"),
        )

    @classmethod
    def fresh(cls) -> "Keys":
        """New keys that are kept nowhere."""
        master = fresh_bytes(KEY_BYTES)
        return cls(fresh_bytes(KEY_BYTES), {master_kid(master): master}, Signer.fresh(), Signer.fresh())


def master_kid(key: bytes) -> str:
    """The name of a master key, which tells nothing of the key: 16 hex digits."""
    return hashlib.sha256(b"master key name\0" + key).hexdigest()[:16]


def _signer(path: Path) -> Signer:
    return Signer.from_pem(_kept(path, lambda: Signer.fresh().to_pem()))


def _fresh_text() -> bytes:
    return b64encode(fresh_bytes(KEY_BYTES)) + b"\n"


def _kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """The file's content. If there is none it appears complete or not at all, and the first one stays."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{fresh_token(6)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(make())
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()


def _decode(name: str, text: str) -> bytes:
    try:
        key = b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{name} is not base64") from error
    if len(key) != KEY_BYTES:
        raise ValueError(f"{name} must hold {KEY_BYTES} bytes")
    return key
