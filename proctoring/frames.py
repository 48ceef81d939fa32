"""One webcam frame: bytes from a stranger, checked before they are decoded.

The dimensions are read out of the JPEG header first, so that a small file cannot claim a large picture
(a decompression bomb), and the number of scans is bounded, so that it cannot claim much work either.
"""

from typing import Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from core.errors import AccreditationError, Invalid, TooLarge

Pixels = NDArray[np.uint8]
"""Height x width x 3, blue-green-red, 0..255."""

MAX_BYTES: Final = 200_000
SHORTEST: Final = (160, 120)
"""Least long side and least short side, pixels."""
LONGEST: Final = (1280, 960)
"""Greatest long side and greatest short side, pixels; a phone held upright has them swapped."""
MAX_SCANS: Final = 16
"""A progressive picture has about ten; thousands of them in a small file would cost seconds to decode."""

_BASELINE_AND_PROGRESSIVE: Final = {0xC0, 0xC1, 0xC2}
_OTHER_FRAMES: Final = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_REDUCED: Final = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


class Size(msgspec.Struct, frozen=True):
    """Pixels."""

    width: int
    height: int

    @property
    def long_side(self) -> int:
        return max(self.width, self.height)

    @property
    def short_side(self) -> int:
        return min(self.width, self.height)


def _not_jpeg() -> AccreditationError:
    return Invalid("frame_not_jpeg", "Кадр не является снимком JPEG. Обновите страницу экзамена.")


def _broken() -> AccreditationError:
    return Invalid("frame_broken", "Кадр повреждён и не читается. Проверьте камеру; следующий кадр будет принят.")


def check(jpeg: bytes, max_bytes: int = MAX_BYTES) -> Size:
    """Everything that can be said of a frame without decoding it: length, magic, header, dimensions.

    Raises AccreditationError with frame_too_large, frame_not_jpeg, frame_bad_size or frame_broken,
    and nothing else, whatever the bytes. Costs microseconds.
    """
    if len(jpeg) > max_bytes:
        raise TooLarge(
            "frame_too_large", f"Кадр больше {max_bytes // 1000} КБ. Уменьшите разрешение камеры в её настройках."
        )
    if jpeg[:3] != b"\xff\xd8\xff":
        raise _not_jpeg()
    size, after = _dimensions(jpeg)
    if not (SHORTEST[0] <= size.long_side <= LONGEST[0] and SHORTEST[1] <= size.short_side <= LONGEST[1]):
        raise Invalid(
            "frame_bad_size",
            f"Кадр {size.width}×{size.height} точек не подходит: нужно от {SHORTEST[0]}×{SHORTEST[1]} "
            f"до {LONGEST[0]}×{LONGEST[1]}. Выберите другое разрешение камеры.",
        )
    if not 1 <= jpeg.count(b"\xff\xda", after) <= MAX_SCANS or jpeg.rfind(b"\xff\xd9", after) < 0:
        raise _broken()
    return size


def _dimensions(jpeg: bytes) -> tuple[Size, int]:
    """The size in the first frame header, and where the bytes after that header begin (ITU-T T.81, annex B)."""
    at, end = 2, len(jpeg)
    while at + 4 <= end:
        if jpeg[at] != 0xFF:
            raise _broken()
        marker = jpeg[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if marker in _BASELINE_AND_PROGRESSIVE:
            if length < 8 or at + 2 + length > end:
                raise _broken()
            height = int.from_bytes(jpeg[at + 5 : at + 7], "big")
            width = int.from_bytes(jpeg[at + 7 : at + 9], "big")
            return Size(width=width, height=height), at + 2 + length
        if marker in _OTHER_FRAMES or marker < 0xC0 or 0xD0 <= marker <= 0xDA or length < 2:
            raise _broken()
        at += 2 + length
    raise _broken()


def decode(jpeg: bytes, size: Size, at_least: int | None = None) -> Pixels:
    """The picture of a frame that `check` has let through; EXIF orientation is ignored.

    With `at_least`, the picture may come back reduced 2, 4 or 8 times, as long as its long side keeps that
    many pixels; the decoder then skips most of the work. Raises AccreditationError frame_broken only.
    """
    factor = 1
    if at_least is not None:
        while factor < 8 and size.long_side >= at_least * factor * 2:
            factor *= 2
    flag = _REDUCED.get(factor, cv2.IMREAD_COLOR) | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        # With no such picture OpenCV answers None, which its type stubs do not say.
        pixels: Pixels | None = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flag)  # type: ignore[assignment]
    except cv2.error as error:
        raise _broken() from error
    expected = (-(-size.height // factor), -(-size.width // factor), 3)
    if pixels is None or pixels.shape != expected:
        raise _broken()
    return pixels


def encode(pixels: Pixels, quality: int = 80) -> bytes:
    """A picture as a JPEG; `quality` 1..100."""
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise _broken()
    return data.tobytes()
