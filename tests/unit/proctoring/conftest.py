"""Pictures: a committed portrait, scenes made of it, and a larger collection where there is one."""

import csv
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from proctoring import frames
from proctoring.frames import Pixels
from proctoring.inspection import Inspector
from proctoring.models import Models

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def portrait() -> Pixels:
    """A portrait of one person, 400 x 300."""
    picture = cv2.imread(str(ROOT / "tests" / "faces" / "collins.jpg"))
    assert picture is not None
    return picture.astype(np.uint8)


@pytest.fixture(scope="session")
def scene(portrait: Pixels) -> Callable[..., bytes]:
    """Make a 640 x 480 webcam frame: `people` copies of the portrait, blurred or darkened if wanted."""

    def make(people: int = 1, blur: float = 0.0, light: float = 1.0, size: float = 1.0, moved: int = 0) -> bytes:
        canvas = np.full((480, 640, 3), 120, np.uint8)
        person = cv2.resize(portrait, None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
        if people > 1:
            person = cv2.resize(portrait, (320, 240), interpolation=cv2.INTER_AREA)
        height, width = person.shape[:2]
        for number in range(people):
            left = (640 // people) * number + (640 // people - width) // 2 + moved
            canvas[100 : 100 + height, left : left + width] = person if number % 2 == 0 else person[:, ::-1]
        if blur:
            canvas = cv2.GaussianBlur(canvas, (0, 0), blur).astype(np.uint8)
        return frames.encode((canvas * light).astype(np.uint8))

    return make


@pytest.fixture(scope="session")
def inspector(models: Models) -> Inspector:
    return Inspector(models)


@pytest.fixture(scope="session")
def faces_folder() -> Path:
    """A collection of face pictures, no part of the repository: where ACCREDITATION_FACES says, or beside it."""
    folder = Path(os.environ.get("ACCREDITATION_FACES", ROOT.parent / "shared" / "data" / "faces"))
    if not folder.is_dir():
        pytest.skip(
            "the collection of face pictures is not part of the repository and was not found; everything else is"
            " tested without it. To run this test too, set ACCREDITATION_FACES to the folder of the collection"
        )
    return folder


@pytest.fixture(scope="session")
def counted(faces_folder: Path) -> dict[Path, int]:
    """Pictures with a known number of faces."""
    with (faces_folder / "counted" / "counts.csv").open() as file:
        known = {faces_folder / "counted" / row["file"]: int(row["faces"]) for row in csv.DictReader(file)}
    return known | dict.fromkeys(sorted((faces_folder / "no_face").glob("*.jpg")), 0)
