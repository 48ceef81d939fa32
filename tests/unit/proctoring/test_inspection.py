from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import AccreditationError
from proctoring import frames
from proctoring.detectors import identity
from proctoring.inspection import Inspector
from proctoring.signals import MATCH_AT, Identity, Reading, Watched, compare
from proctoring.store import Reference

Scene = Callable[..., bytes]


def look(inspector: Inspector, jpeg: bytes, reference: Reference | None = None) -> Reading:
    embedding = None if reference is None else identity.unpack(reference.embedding)
    return inspector.inspect(jpeg, frames.check(jpeg), 1_000, embedding, Watched())[0]


@pytest.fixture(scope="module")
def reference(inspector: Inspector, scene: Scene) -> Reference:
    return inspector.refer(scene())


@pytest.mark.parametrize("people", [0, 1, 2])
def test_people_before_the_camera_are_counted(inspector: Inspector, scene: Scene, people: int) -> None:
    reading = look(inspector, scene(people))
    assert len(reading.faces) == people
    assert (reading.width, reading.height) == (640, 480)
    assert reading.identity is None


def test_boxes_are_in_pixels_of_the_whole_frame(inspector: Inspector, scene: Scene) -> None:
    (straight,) = look(inspector, scene()).faces
    (moved,) = look(inspector, scene(moved=80)).faces
    assert moved.x - straight.x == pytest.approx(80, abs=8)
    assert moved.y - straight.y == pytest.approx(0, abs=8)


def test_one_face_is_believed_at_320_and_several_are_confirmed_at_640(inspector: Inspector, scene: Scene) -> None:
    assert look(inspector, scene(1)).presence_model.endswith("@320")
    assert look(inspector, scene(2)).presence_model.endswith("@640")
    assert look(inspector, scene(0)).presence_model.endswith("@640")


def test_darkness_is_measured(inspector: Inspector, scene: Scene) -> None:
    light, dark = look(inspector, scene()), look(inspector, scene(light=0.1))
    assert dark.brightness == pytest.approx(light.brightness * 0.1, abs=3)


def test_the_same_person_matches(inspector: Inspector, scene: Scene, reference: Reference) -> None:
    for jpeg in (scene(moved=40), scene(size=0.8), scene(light=0.6), scene(2)):
        reading = look(inspector, jpeg, reference)
        assert reading.identity is not None
        assert compare(reading.identity) is Identity.MATCH


def test_nobody_and_a_blur_are_not_compared(inspector: Inspector, scene: Scene, reference: Reference) -> None:
    assert look(inspector, scene(0), reference).identity is None
    assert look(inspector, scene(blur=8), reference).identity is None


def test_a_confirmed_face_is_not_compared_on_the_next_frame(
    inspector: Inspector, scene: Scene, reference: Reference
) -> None:
    jpeg = scene()
    size, embedding = frames.check(jpeg), identity.unpack(reference.embedding)
    first, watched = inspector.inspect(jpeg, size, 1_000, embedding, Watched())
    second, watched = inspector.inspect(jpeg, size, 2_000, embedding, watched)
    later, _ = inspector.inspect(jpeg, size, 16_000, embedding, watched)
    assert first.identity is not None
    assert second.identity is None
    assert later.identity is not None


def test_a_small_camera_and_a_large_one_see_the_same(inspector: Inspector, portrait: frames.Pixels) -> None:
    for width, height in ((320, 240), (1280, 960)):
        jpeg = frames.encode(cv2.resize(portrait, (width, height)).astype(np.uint8))
        assert len(look(inspector, jpeg).faces) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"people": 0}, "reference_no_face"),
        ({"people": 0, "light": 0.1}, "reference_dark"),
        ({"people": 2}, "reference_several_faces"),
        ({"size": 0.4}, "reference_small"),
        ({"light": 0.25}, "reference_dark"),
        ({"blur": 6.0}, "reference_blurred"),
    ],
)
def test_a_bad_reference_says_what_to_do(
    inspector: Inspector, scene: Scene, arguments: dict[str, float], code: str
) -> None:
    with pytest.raises(AccreditationError) as caught:
        inspector.refer(scene(**arguments))
    assert caught.value.code == code
    assert "повторите снимок" in caught.value.message


def test_a_reference_that_is_no_picture_is_refused(inspector: Inspector) -> None:
    with pytest.raises(AccreditationError, match="frame_not_jpeg"):
        inspector.refer(b"hello")


def test_an_embedding_never_shows_up_in_a_log(reference: Reference) -> None:
    assert "embedding" not in repr(reference)
    assert len(reference.embedding) == identity.EMBEDDING_BYTES


@dataclass
class People:
    """Embeddings by person, of faces found by our own detectors."""

    embeddings: dict[str, list[identity.Embedding]]

    def pairs(self, same: bool) -> Iterator[float]:
        flat = [(name, one) for name, several in self.embeddings.items() for one in several]
        for number, (name, one) in enumerate(flat):
            for other_name, other in flat[:number]:
                if (name == other_name) is same:
                    yield identity.similarity(one, other)


@pytest.fixture(scope="module")
def people(inspector: Inspector, faces_folder: Path) -> People:
    """Forty people of Labeled Faces in the Wild, each picture made into a webcam frame."""
    found: dict[str, list[identity.Embedding]] = {}
    for folder in sorted((faces_folder / "lfw_small").iterdir())[::5]:
        for path in sorted(folder.glob("*.jpg"))[:3]:
            pixels = cv2.imread(str(path))
            assert pixels is not None
            # The middle of the picture, where the named person is alone.
            middle = cv2.resize(pixels[45:205, 45:205], (480, 480), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
            try:
                reference = inspector.refer(frames.encode(middle))
            except AccreditationError:
                continue
            found.setdefault(folder.name, []).append(identity.unpack(reference.embedding))
    return People(found)


def test_different_people_seldom_match_and_the_same_nearly_always(people: People) -> None:
    genuine, impostors = list(people.pairs(same=True)), list(people.pairs(same=False))
    assert len(genuine) > 60
    assert len(impostors) > 3_000
    assert np.mean(np.array(genuine) >= MATCH_AT) >= 0.95
    assert np.mean(np.array(impostors) >= MATCH_AT) <= 0.005
