"""Signed messages: compact JWS (RFC 7515) with Ed25519, the fully specified name of RFC 9864 for EdDSA.

The header's `typ` says what a message is for, and a verifier asks for the one it wants: a receipt can never
pass for an outcome notice.
"""

from collections.abc import Mapping

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from core.errors import Invalid

ALGORITHM = "Ed25519"
LONGEST_TOKEN = 256 * 1024


class PublicKey:
    """What a signature is verified with. `kid` is the RFC 7638 thumbprint of the key."""

    def __init__(self, key: OKPKey) -> None:
        if key.curve_name != "Ed25519":
            raise ValueError("an Ed25519 key is needed")
        # Never more than the public half, whatever was handed in.
        self.key = OKPKey.import_key(key.as_dict(private=False))
        self.kid = self.key.thumbprint()


class Signer:
    """Signs with one private key."""

    def __init__(self, key: OKPKey) -> None:
        if not key.is_private:
            raise ValueError("a private key is needed")
        self._key = key
        self.public = PublicKey(key)

    @classmethod
    def from_pem(cls, pem: bytes) -> "Signer":
        """From an unencrypted PKCS #8 file. Anything else raises ValueError."""
        try:
            return cls(OKPKey.import_key(pem))
        except (JoseError, ValueError) as error:
            raise ValueError("not an Ed25519 key") from error

    @classmethod
    def fresh(cls) -> "Signer":
        """A new key."""
        return cls(OKPKey.generate_key("Ed25519"))

    def to_pem(self) -> bytes:
        """The private key as an unencrypted PKCS #8 file."""
        return self._key.as_pem(private=True)

    @property
    def kid(self) -> str:
        return self.public.kid

    def sign(self, payload: bytes, typ: str) -> str:
        """The payload as a compact JWS whose header holds alg, kid and typ."""
        header = {"alg": ALGORITHM, "kid": self.kid, "typ": typ}
        return jws.serialize_compact(header, payload, self._key, algorithms=[ALGORITHM])


class Verified(msgspec.Struct, frozen=True):
    """A payload whose signature held, and the key that made it."""

    kid: str
    payload: bytes


def verify(token: str, known: Mapping[str, PublicKey], typ: str) -> Verified:
    """The payload of a compact JWS signed by one of the known keys (by kid).

    Raises Invalid: `signature_malformed`, `signature_other_type`, `signature_unknown_key`, `signature_wrong`.
    """
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise _malformed()
    try:
        unverified = jws.extract_compact(token.encode())
        header = unverified.headers()
        kid = header.get("kid")
        if header.get("alg") != ALGORITHM or not isinstance(kid, str):
            raise _malformed()
    except (JoseError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise _malformed() from error
    if header.get("typ") != typ:
        raise Invalid("signature_other_type", f"Подписано сообщение другого вида, нужно «{typ}».")
    if kid not in known:
        raise Invalid("signature_unknown_key", "Ключ подписи неизвестен. Сообщите его оператору реестра.")
    try:
        checked = jws.deserialize_compact(token, known[kid].key, algorithms=[ALGORITHM])
    except (JoseError, ValueError) as error:
        raise Invalid("signature_wrong", "Подпись не сходится с сообщением. Отправьте его заново.") from error
    return Verified(kid, checked.payload or b"")


def _malformed() -> Invalid:
    return Invalid("signature_malformed", f"Нужно сообщение JWS в краткой записи, подписанное {ALGORITHM}.")
