"""Pictures from a stranger: what they claim is checked first, then they are drawn anew.

Nothing of the file that was sent survives but its pixels: no metadata, no place where it was taken, no second file
behind the first. Vector graphics are not taken: they are programs.
"""

from hashlib import sha256
from typing import Any, Literal

import cv2
import numpy as np
from msgspec import Struct

from core.errors import Invalid, TooLarge
from core.ids import AssetId

MediaType = Literal["image/png", "image/jpeg", "image/webp"]

MAX_BYTES = 5_000_000
MAX_SIDE = 4_096
MAX_PIXELS = 12_000_000
MIN_SIDE = 8
QUALITY = 90
LOSSLESS = 101
"""The quality that OpenCV takes for a WebP without loss."""


class Picture(Struct, frozen=True):
    """A picture of our own making; width and height in pixels."""

    data: bytes
    media_type: MediaType
    width: int
    height: int


def redraw(data: bytes) -> Picture:
    """The picture drawn anew, in the format that it came in: a photograph made a PNG would be ten times as large.

    A WebP without loss stays without loss. Raises TooLarge over MAX_BYTES, Invalid (`bad_picture`) for what is no PNG,
    JPEG or WebP that can be read, and for one whose sides are out of bounds, found before anything is unpacked.
    Takes up to some seconds for the largest: a thread's work.
    """
    if len(data) > MAX_BYTES:
        raise TooLarge("picture_too_large", f"Файл больше {MAX_BYTES // 1_000_000} МБ. Уменьшите изображение.")
    claimed = _claim(data)
    if claimed is None:
        raise _bad("Это не PNG, JPEG или WebP. Сохраните изображение в одном из этих форматов.")
    kind, width, height = claimed
    _check_size(width, height)
    pixels = cv2.imdecode(
        np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR if kind == "image/jpeg" else cv2.IMREAD_UNCHANGED
    )
    if pixels is None:
        raise _bad("Изображение повреждено и не читается. Сохраните его заново.")
    pixels = _on_white(pixels)
    height, width = pixels.shape[:2]  # turned as the camera was held
    _check_size(width, height)
    fine, drawn = _encode(pixels, kind, lossless=b"VP8L" in data[12:80])
    if not fine:
        raise _bad("Изображение не удалось пересохранить. Сохраните его заново.")
    if drawn.size > MAX_BYTES:
        raise TooLarge("picture_too_large", f"Файл больше {MAX_BYTES // 1_000_000} МБ. Уменьшите изображение.")
    return Picture(drawn.tobytes(), kind, width, height)


def content_id(picture: Picture) -> AssetId:
    """The id that says what is in the picture: the same bytes have the same one."""
    return AssetId(f"p-{sha256(picture.data).hexdigest()[:20]}")


def _encode(pixels: Any, kind: MediaType, *, lossless: bool) -> tuple[bool, Any]:
    match kind:
        case "image/jpeg":
            fine, drawn = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        case "image/webp":
            fine, drawn = cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, LOSSLESS if lossless else QUALITY])
        case "image/png":
            fine, drawn = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return fine, drawn


def _on_white(pixels: Any) -> Any:
    """Eight bits a channel, grey or colour; what was see-through shows white."""
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        share = pixels[:, :, 3:].astype(np.float32) / 255
        pixels = pixels[:, :, :3] * share + 255 * (1 - share)
    return np.ascontiguousarray(pixels.astype(np.uint8))


def _check_size(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE or max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise _bad(f"Стороны изображения — от {MIN_SIDE} до {MAX_SIDE} точек, всего не больше 12 мегапикселей.")


def _claim(data: bytes) -> tuple[MediaType, int, int] | None:
    """Type, width and height as the head of the file has them."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR" and len(data) >= 24:
        return "image/png", int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) >= 30:
        return _claim_webp(data)
    return _claim_jpeg(data) if data[:3] == b"\xff\xd8\xff" else None


def _claim_webp(data: bytes) -> tuple[MediaType, int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return "image/webp", int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return "image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = int.from_bytes(data[26:28], "little"), int.from_bytes(data[28:30], "little")
        return "image/webp", width & 0x3FFF, height & 0x3FFF
    return None


def _claim_jpeg(data: bytes) -> tuple[MediaType, int, int] | None:
    """From segment to segment up to the one that tells the size."""
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return (
                "image/jpeg",
                int.from_bytes(data[place + 7 : place + 9]),
                int.from_bytes(data[place + 5 : place + 7]),
            )
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
    return None


def _bad(message: str) -> Invalid:
    return Invalid("bad_picture", message, fields={"picture": message})
