"""Pictures are believed nothing: they are measured before they are unpacked, and drawn anew."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from core.errors import AccreditationError
from question_bank.markup import is_asset_id
from question_bank.pictures import LOSSLESS, MAX_BYTES, MAX_SIDE, QUALITY, content_id, redraw

PIXELS = np.full((40, 60, 3), 200, np.uint8)


def encoded(extension: str, pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]" = PIXELS) -> bytes:
    return bytes(cv2.imencode(extension, pixels)[1].tobytes())


def png_of(width: int, height: int) -> bytes:
    """A head that claims a size, and nothing behind it."""
    head = struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


NOISE = np.random.default_rng(7).integers(0, 256, (120, 160, 3), np.uint8)


@pytest.mark.parametrize(
    ("extension", "kind"), [(".png", "image/png"), (".jpg", "image/jpeg"), (".webp", "image/webp")]
)
def test_a_picture_is_drawn_anew_in_its_own_format(extension: str, kind: str) -> None:
    picture = redraw(encoded(extension))
    assert (picture.media_type, picture.width, picture.height) == (kind, 60, 40)
    assert redraw(picture.data).data == picture.data


@pytest.mark.parametrize(("extension", "quality"), [(".png", ()), (".webp", (cv2.IMWRITE_WEBP_QUALITY, LOSSLESS))])
def test_what_came_without_loss_loses_nothing(extension: str, quality: tuple[int, ...]) -> None:
    picture = redraw(cv2.imencode(extension, NOISE, quality)[1].tobytes())
    drawn = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)
    assert drawn is not None
    assert np.array_equal(drawn, NOISE)
    assert redraw(picture.data).data == picture.data


def test_a_photograph_stays_as_small_as_it_came() -> None:
    photograph = cv2.imencode(".webp", cv2.GaussianBlur(NOISE, (9, 9), 0), (cv2.IMWRITE_WEBP_QUALITY, QUALITY))[1]
    assert len(redraw(photograph.tobytes()).data) < 1.2 * photograph.size


def test_the_id_of_a_picture_says_what_is_in_it() -> None:
    one, other = redraw(encoded(".png")), redraw(encoded(".png", NOISE))
    assert content_id(one) == content_id(redraw(encoded(".png"))) != content_id(other)
    assert is_asset_id(content_id(one))
    assert len(content_id(one)) == 22


def test_nothing_but_pixels_survives() -> None:
    text = b"tEXtComment\0secret place"
    png = encoded(".png")
    with_text = png[:33] + struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text)) + png[33:]
    assert b"secret" not in redraw(with_text + b"PK\x03\x04 a second file: secret").data
    jpeg = encoded(".jpg")
    exif = b"Exif\0\0secret place"
    with_exif = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    assert b"secret" not in redraw(with_exif).data


def test_what_is_see_through_shows_white() -> None:
    clear = np.zeros((20, 20, 4), np.uint8)
    picture = redraw(encoded(".png", clear))
    drawn = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)
    assert drawn is not None
    assert drawn.min() == 255


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "bad_picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "bad_picture"),
        (b"GIF89a" + bytes(40), "bad_picture"),
        (encoded(".png")[:60], "bad_picture"),
        (encoded(".jpg")[:40], "bad_picture"),
        (b"RIFF\0\0\0\0WEBPVP8X" + bytes(40), "bad_picture"),
        (b"\xff\xd8\xff" + b"\xff" * 60, "bad_picture"),
        (png_of(30_000, 30_000), "bad_picture"),
        (png_of(MAX_SIDE + 1, 10), "bad_picture"),
        (png_of(4, 4), "bad_picture"),
        (bytes(MAX_BYTES + 1), "picture_too_large"),
    ],
)
def test_what_is_no_fit_picture_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(AccreditationError) as refusal:
        redraw(data)
    assert refusal.value.code == code
