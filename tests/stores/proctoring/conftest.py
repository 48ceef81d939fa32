"""A pipeline on a real database, and webcam frames made of the committed portrait."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.blobs import Blobs
from core.clock import ManualClock
from core.database import Database
from core.ids import SittingId
from core.live import LocalLive, channel_of
from proctoring import frames
from proctoring.models import Models
from proctoring.pipeline import Pipeline

PORTRAIT = Path(__file__).parents[2] / "faces" / "collins.jpg"

Scene = Callable[[int], bytes]


@pytest.fixture(scope="session")
def scene() -> Scene:
    """A 640 x 480 frame with nobody, one or two people (the second one mirrored)."""
    portrait = cv2.imread(str(PORTRAIT))
    assert portrait is not None
    person = cv2.resize(portrait, (320, 240), interpolation=cv2.INTER_AREA)
    made: dict[int, bytes] = {}

    def make(people: int) -> bytes:
        if people not in made:
            canvas = np.full((480, 640, 3), 120, np.uint8)
            for number in range(people):
                canvas[100:340, 320 * number : 320 * number + 320] = person if number == 0 else person[:, ::-1]
            made[people] = frames.encode(canvas)
        return made[people]

    return make


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs.in_folder(tmp_path / "blobs", {"one": bytes(32)})


class RecordingLive(LocalLive):
    """A fan-out in this process that remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, dict[str, object]]] = []

    def publish(self, channel: str, message: bytes) -> None:
        self.told.append((channel, json.loads(message)))
        super().publish(channel, message)

    def of(self, sitting: SittingId, kind: str) -> list[dict[str, object]]:
        """News of one kind about one sitting, oldest first."""
        return [one for channel, one in self.told if channel == channel_of(sitting) and one["kind"] == kind]


@pytest.fixture
def live() -> RecordingLive:
    return RecordingLive()


class Camera:
    """Sends frames of one sitting, one a second of the manual clock."""

    def __init__(self, pipeline: Pipeline, clock: ManualClock, scene: Scene, sitting: SittingId) -> None:
        self._pipeline = pipeline
        self._clock = clock
        self._scene = scene
        self._sitting = sitting

    async def film(self, *people: int) -> None:
        """A frame for each number of people, each looked at before the next one is sent."""
        for count in people:
            self._clock.advance(1_000)
            self._pipeline.advance()
            self._pipeline.offer(self._sitting, self._scene(count), self._clock.now())
            await self._pipeline.settle(self._sitting)


@pytest.fixture
async def pipeline(
    database: Database, blobs: Blobs, live: RecordingLive, clock: ManualClock, models: Models
) -> AsyncIterator[Pipeline]:
    """Two workers. Time passes only where a test says so (`advance`)."""
    made = Pipeline(database, blobs, live, clock, models, workers=2)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def camera(pipeline: Pipeline, clock: ManualClock, scene: Scene) -> Callable[[SittingId], Camera]:
    return lambda sitting: Camera(pipeline, clock, scene, sitting)
