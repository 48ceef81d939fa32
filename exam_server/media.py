"""Addresses of the pictures of one item: signed, for one candidate, one place of one sitting, and not for long. Pure.

A signature alone opens nothing: whoever answers also looks at whether the item is on screen, see exam_server.exhibits.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable

from msgspec import Struct

from core.errors import Forbidden
from core.ids import AssetId, PersonId, SittingId
from core.moments import MINUTE, Moment, Span

EXPLAINED_FOR: Span = 30 * MINUTE
"""How long the pictures of an explanation can be fetched with one address."""
NO_KEY = b""
"""Where nothing is signed, items go out without addresses."""


class Exhibit(Struct, frozen=True):
    """A picture and where it can be fetched for a while."""

    asset: AssetId
    address: str


def derive_key(secret: bytes) -> bytes:
    """The key of these signatures from the platform's secret, so that it serves for nothing else."""
    return hmac.digest(secret, b"exam media", "sha256")


def sign(key: bytes, sitting: SittingId, candidate: PersonId, position: int, asset: AssetId, until: Moment) -> str:
    """43 characters that only who has the key can write."""
    text = f"{sitting}:{candidate}:{position}:{asset}:{until}"
    return urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).rstrip(b"=").decode()


def address_all(
    key: bytes, sitting: SittingId, candidate: PersonId, position: int, assets: Iterable[AssetId], until: Moment
) -> tuple[Exhibit, ...]:
    """Where each picture can be fetched until then; nothing without a key."""
    if not key:
        return ()
    return tuple(
        Exhibit(
            asset,
            f"/exam/{sitting}/media/{asset}?position={position}&until={until}"
            f"&sig={sign(key, sitting, candidate, position, asset, until)}",
        )
        for asset in assets
    )


def check(
    key: bytes,
    sitting: SittingId,
    candidate: PersonId,
    position: int,
    asset: AssetId,
    until: Moment,
    signature: str,
    now: Moment,
) -> None:
    """Raise Forbidden (`media_unsigned`, `media_expired`) unless the address is this candidate's and still good."""
    if not hmac.compare_digest(sign(key, sitting, candidate, position, asset, until).encode(), signature.encode()):
        raise Forbidden("media_unsigned", "Адрес изображения неверен. Обновите страницу.")
    if now > until:
        raise Forbidden("media_expired", "Срок адреса изображения истёк. Обновите страницу.")
