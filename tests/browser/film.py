"""The film that Chromium takes for its webcam: a .y4m file whose scene can be switched while it plays."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

PORTRAIT = Path(__file__).resolve().parent.parent / "faces" / "collins.jpg"
WIDTH, HEIGHT = 640, 480
RATE = 10
FRAMES = 13
"""Not a divisor of any whole number of seconds, so that one picture a second never looks frozen."""
HEADER = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg\n".encode()

Picture = NDArray[np.uint8]
"""HEIGHT x WIDTH x 3, BGR."""


def person() -> Picture:
    """One face in the middle."""
    return _resized(_portrait(), WIDTH, HEIGHT)


def two_people() -> Picture:
    """Two faces side by side, the right one mirrored."""
    half = _resized(_portrait()[:, 95:295], WIDTH // 2, HEIGHT)
    return np.ascontiguousarray(np.concatenate((half, half[:, ::-1]), axis=1))


def nobody() -> Picture:
    """An uneven wall."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH]
    wall = 150 + 30 * np.sin(across / 90) + 20 * np.cos(down / 70)
    return np.repeat(wall[:, :, None], 3, axis=2).astype(np.uint8)


def dark() -> Picture:
    """A covered lens."""
    return np.full((HEIGHT, WIDTH, 3), 5, dtype=np.uint8)


class Film:
    """A .y4m file that always has the same size, so that a playing browser goes on with the new scene."""

    def __init__(self, path: Path, scene: Callable[[], Picture] = person) -> None:
        self.path = path
        path.write_bytes(_encoded(frames(scene())))

    def show(self, scene: Callable[[], Picture]) -> None:
        """Switch to another scene, in place: the browser keeps the file open."""
        with self.path.open("r+b") as file:
            file.write(_encoded(frames(scene())))


def frames(picture: Picture) -> list[Picture]:
    """A picture as the frames of a live camera: it drifts a little and is grainy, the same way every time."""
    grain = np.random.default_rng(1)
    moving = []
    for number in range(FRAMES):
        angle = 2 * np.pi * number / FRAMES
        drift = (round(3 * np.sin(angle)), round(3 * np.cos(angle)))
        noise = grain.normal(0, 2, picture.shape)
        shifted = np.roll(picture, drift, axis=(0, 1)).astype(np.float64) + noise
        moving.append(np.clip(shifted, 0, 255).astype(np.uint8))
    return moving


def _encoded(pictures: list[Picture]) -> bytes:
    parts = [HEADER]
    for picture in pictures:
        parts += [b"FRAME\n", cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).tobytes()]
    return b"".join(parts)


def _portrait() -> Picture:
    portrait = cv2.imread(str(PORTRAIT))
    assert portrait is not None
    return np.asarray(portrait, dtype=np.uint8)


def _resized(picture: Picture, width: int, height: int) -> Picture:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
