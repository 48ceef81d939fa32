from pathlib import Path

import cv2
import numpy as np
import pytest

from proctoring.detectors.presence import PresenceDetector, shrink
from proctoring.frames import Pixels
from proctoring.models import Models


@pytest.fixture(scope="module")
def detector(models: Models) -> PresenceDetector:
    return PresenceDetector(models.detector)


def test_a_portrait_is_one_face_with_landmarks_inside_it(detector: PresenceDetector, portrait: Pixels) -> None:
    for faces in (detector.look(portrait), detector.confirm(portrait)):
        (face,) = faces
        xs, ys = face.landmarks[::2], face.landmarks[1::2]
        assert all(face.x < x < face.x + face.width for x in xs)
        assert all(face.y < y < face.y + face.height for y in ys)
        assert face.score > 0.6


def test_a_scale_is_applied(detector: PresenceDetector, portrait: Pixels) -> None:
    (one,), (double,) = detector.look(portrait), detector.look(portrait, 2.0)
    assert double.x == pytest.approx(one.x * 2)
    assert double.landmarks == pytest.approx(tuple(value * 2 for value in one.landmarks))


def test_sizes_may_change_between_frames(detector: PresenceDetector, portrait: Pixels) -> None:
    before = detector.look(portrait)
    assert len(detector.look(cv2.resize(portrait, (200, 260)).astype(np.uint8))) == 1
    assert detector.look(portrait) == before


def test_shrinking_keeps_the_shape() -> None:
    pixels = np.zeros((480, 640, 3), np.uint8)
    small, factor = shrink(pixels, 320)
    assert small.shape == (240, 320, 3)
    assert factor == 2.0
    same, factor = shrink(pixels, 640)
    assert same is pixels
    assert factor == 1.0


def test_counted_pictures_are_counted_exactly(detector: PresenceDetector, counted: dict[Path, int]) -> None:
    found = {}
    for path in counted:
        pixels = cv2.imread(str(path))
        assert pixels is not None
        found[path] = len(detector.confirm(pixels.astype(np.uint8)))
    empty = [path for path, faces in counted.items() if faces == 0]
    assert [found[path] for path in empty] == [0] * len(empty)
    assert sum(found[path] == faces for path, faces in counted.items() if faces) >= 10
