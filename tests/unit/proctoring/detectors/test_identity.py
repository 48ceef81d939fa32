import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctoring.detectors.identity import EMBEDDING_BYTES, IdentityDetector, pack, quality, similarity, unpack
from proctoring.detectors.presence import PresenceDetector
from proctoring.frames import Pixels
from proctoring.models import Models
from proctoring.signals import Face


@pytest.fixture(scope="module")
def detector(models: Models) -> IdentityDetector:
    return IdentityDetector(models.recognizer)


@pytest.fixture(scope="module")
def face(models: Models, portrait: Pixels) -> Face:
    (found,) = PresenceDetector(models.detector).look(portrait)
    return found


def test_an_embedding_has_length_one_and_is_its_own_match(
    detector: IdentityDetector, portrait: Pixels, face: Face
) -> None:
    embedding = detector.embed(detector.align(portrait, face))
    assert embedding.shape == (128,)
    assert similarity(embedding, embedding) == pytest.approx(1.0, abs=1e-5)


def test_an_aligned_face_is_upright(detector: IdentityDetector, portrait: Pixels, face: Face) -> None:
    upright = detector.embed(detector.align(portrait, face))
    turned = cv2.rotate(portrait, cv2.ROTATE_90_CLOCKWISE).astype(np.uint8)
    height = portrait.shape[0]
    points = tuple(
        value for x, y in zip(face.landmarks[::2], face.landmarks[1::2], strict=True) for value in (height - 1 - y, x)
    )
    lying = Face(height - face.y - face.height, face.x, face.height, face.width, face.score, points)
    assert similarity(upright, detector.embed(detector.align(turned, lying))) > 0.95


def test_sharpness_falls_with_blur_and_not_with_light(detector: IdentityDetector, portrait: Pixels, face: Face) -> None:
    def measure(pixels: Pixels) -> float:
        return quality(detector.align(pixels, face), face).sharpness

    sharp = measure(portrait)
    blurs = [measure(cv2.GaussianBlur(portrait, (0, 0), sigma).astype(np.uint8)) for sigma in (2, 3, 4, 6)]
    assert blurs == sorted(blurs, reverse=True)
    assert blurs[0] < sharp / 2
    assert measure((portrait * 0.4).astype(np.uint8)) == pytest.approx(sharp, rel=0.15)


def test_a_flat_picture_is_not_sharp(face: Face) -> None:
    found = quality(np.full((112, 112, 3), 90, np.uint8), face)
    assert found.sharpness == 0
    assert found.brightness == pytest.approx(90, abs=1)


@given(st.lists(st.floats(-1, 1, width=32), min_size=128, max_size=128))
def test_packing_loses_nothing(values: list[float]) -> None:
    embedding = np.array(values, np.float32)
    assert len(pack(embedding)) == EMBEDDING_BYTES
    assert np.array_equal(unpack(pack(embedding)), embedding)


@pytest.mark.parametrize("size", [0, 511, 513])
def test_another_length_is_no_embedding(size: int) -> None:
    with pytest.raises(ValueError, match="512"):
        unpack(bytes(size))
