"""Who is before the camera: YuNet (opencv_zoo 2023mar) on a small picture, confirmed on a larger one."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from proctoring.frames import Pixels
from proctoring.signals import Face

VERSION: Final = "yunet-2023mar"

LOOK_SIDE: Final = 320
LOOK_SCORE: Final = 0.6
CONFIRM_SIDE: Final = 640
CONFIRM_SCORE: Final = 0.7
"""At 640 / 0.7 the eleven counted and four faceless pictures that we hold come out exact (15 of 15); at
320 / 0.6 thirteen of them do, the misses being a face of a tenth of the picture and one of seven in a group."""

_NMS: Final = 0.3
_TOP_K: Final = 200


class PresenceDetector:
    """Finds faces. One per thread."""

    def __init__(self, model: Path) -> None:
        self._look = self._network(model, LOOK_SIDE, LOOK_SCORE)
        self._confirm = self._network(model, CONFIRM_SIDE, CONFIRM_SCORE)

    @staticmethod
    def _network(model: Path, side: int, score: float) -> cv2.FaceDetectorYN:
        return cv2.FaceDetectorYN.create(str(model), "", (side, side), score, _NMS, _TOP_K)

    def look(self, pixels: Pixels, scale: float = 1.0) -> tuple[Face, ...]:
        """Faces at a long side of 320 and a score of 0.6 or more, largest first.

        `scale` is how many pixels of the whole frame one pixel of `pixels` stands for; boxes and landmarks
        come back in pixels of the whole frame.
        """
        return _faces(self._look, LOOK_SIDE, pixels, scale)

    def confirm(self, pixels: Pixels, scale: float = 1.0) -> tuple[Face, ...]:
        """Faces at a long side of 640 and a score of 0.7 or more, largest first: slower and surer."""
        return _faces(self._confirm, CONFIRM_SIDE, pixels, scale)


def shrink(pixels: Pixels, side: int) -> tuple[Pixels, float]:
    """The picture with a long side of at most `side`, and by how much it was shrunk (1.0: not at all)."""
    height, width = pixels.shape[:2]
    factor = max(height, width) / side
    if factor <= 1.0:
        return pixels, 1.0
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    smaller: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return smaller, factor


def _faces(network: cv2.FaceDetectorYN, side: int, pixels: Pixels, scale: float) -> tuple[Face, ...]:
    small, factor = shrink(pixels, side)
    size = (small.shape[1], small.shape[0])
    if network.getInputSize() != size:
        network.setInputSize(size)
    # Where there is no face OpenCV answers None, which its type stubs do not say.
    rows: NDArray[np.float32] | None = network.detect(small)[1]  # type: ignore[assignment]
    if rows is None:
        return ()
    faces = [_face(row, factor * scale) for row in rows.tolist()]
    return tuple(sorted(faces, key=lambda face: (-face.side, face.x, face.y)))


def _face(row: list[float], scale: float) -> Face:
    x, y, width, height, *points, score = row
    return Face(
        x=x * scale,
        y=y * scale,
        width=width * scale,
        height=height * scale,
        score=score,
        landmarks=tuple(value * scale for value in points),
    )
