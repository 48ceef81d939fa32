"""How many webcam frames one core looks at, against the bare detector on the same frames in the same run.

    python -m benchmarks.frames [--smoke]

The whole pipeline runs in one process pinned to one core, with one worker thread, a real database and real
evidence files: check, decode, YuNet at 320, fold, ring, live news. The bare loop decodes the same JPEG frames in
full, shrinks them to 320 and runs YuNet, nothing else. Rounds alternate; figures are medians of the rounds.

The last line is JSON: `frames_per_s` and `bare_per_s`, `ratio` of the two (one person, nobody to compare with),
`identity_ratio` (the same with a comparison every 15 s of film), `sface_ms` per embedding with its alignment,
`confirm_ms` per look at 640, `check_us` per header check, `kib_per_candidate` held in rings.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from app.migrate import migrate
from app.provisions import get_models
from benchmarks.postgres import fleeting
from benchmarks.processes import pin
from core.blobs import Blobs
from core.clock import ManualClock, elapsed_seconds
from core.database import Database
from core.ids import SittingId
from core.live import LocalLive
from core.moments import SECOND
from core.settings import Settings
from proctoring import frames
from proctoring.detectors import presence
from proctoring.detectors.identity import IdentityDetector
from proctoring.detectors.presence import LOOK_SCORE, LOOK_SIDE, PresenceDetector
from proctoring.evidence import RING_FRAMES
from proctoring.models import Models
from proctoring.pipeline import Pipeline

PORTRAIT = Path(__file__).parents[1] / "tests" / "faces" / "collins.jpg"
CANDIDATES = 16
START = 1_795_338_000_000


def film(length: int) -> list[bytes]:
    """640 x 480 frames of one person who sways before a noisy wall."""
    random = np.random.default_rng(5)
    portrait = cv2.imread(str(PORTRAIT))
    if portrait is None:
        raise SystemExit(f"{PORTRAIT} is missing")
    height, width = portrait.shape[:2]
    wall = cv2.resize(random.integers(90, 150, (30, 40, 3), np.uint8), (640, 480), interpolation=cv2.INTER_CUBIC)
    made = []
    for number in range(length):
        picture = wall.copy()
        left = round(120 + 60 * np.sin(number / 7))
        top = round(90 + 40 * np.sin(number / 11))
        picture[top : top + height, left : left + width] = portrait
        noise = random.normal(0, 4, picture.shape)
        made.append(frames.encode(np.clip(picture + noise, 0, 255).astype(np.uint8)))
    return made


def bare_loop(models: Models, pictures: list[bytes]) -> Callable[[int], float]:
    """A function that looks at so many frames and returns frames per second."""
    network = cv2.FaceDetectorYN.create(str(models.detector), "", (LOOK_SIDE, LOOK_SIDE * 3 // 4), LOOK_SCORE)

    def run(count: int) -> float:
        began = elapsed_seconds()
        for number in range(count):
            jpeg = np.frombuffer(pictures[number % len(pictures)], np.uint8)
            picture = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
            assert picture is not None
            small = cv2.resize(picture, (LOOK_SIDE, LOOK_SIDE * 3 // 4), interpolation=cv2.INTER_AREA)
            network.detect(small)
        return count / (elapsed_seconds() - began)

    return run


class Place:
    """A pipeline with open sittings, half of them with a reference picture."""

    def __init__(self, pipeline: Pipeline, clock: ManualClock, pictures: list[bytes]) -> None:
        self.pipeline = pipeline
        self._clock = clock
        self._pictures = pictures
        self.plain = [SittingId(number) for number in range(1, CANDIDATES + 1)]
        self.compared = [SittingId(100 + number) for number in range(1, CANDIDATES + 1)]

    async def open(self) -> None:
        reference = await self.pipeline.embed(self._pictures[0])
        for sitting in self.plain:
            await self.pipeline.open(sitting)
        for sitting in self.compared:
            await self.pipeline.open(sitting, reference.embedding)

    async def run(self, sittings: list[SittingId], count: int) -> float:
        """Every sitting sends a frame a second of film, as fast as they are looked at; frames per second."""
        began = elapsed_seconds()
        for number in range(count // len(sittings)):
            now = self._clock.advance(SECOND)
            for shift, sitting in enumerate(sittings):
                self.pipeline.offer(sitting, self._pictures[(number + shift) % len(self._pictures)], now)
            await asyncio.gather(*(self.pipeline.settle(sitting) for sitting in sittings))
        return count // len(sittings) * len(sittings) / (elapsed_seconds() - began)


def milliseconds(work: Callable[[], object], count: int) -> float:
    """Median time of one call."""
    work()
    spans = []
    for _ in range(count):
        began = elapsed_seconds()
        work()
        spans.append(elapsed_seconds() - began)
    return statistics.median(spans) * 1_000


def parts(models: Models, jpeg: bytes, count: int) -> dict[str, float]:
    """What single steps cost."""
    size = frames.check(jpeg)
    pixels = frames.decode(jpeg, size)
    eyes, names = PresenceDetector(models.detector), IdentityDetector(models.recognizer)
    (face,) = eyes.look(pixels)
    return {
        "sface_ms": round(milliseconds(lambda: names.embed(names.align(pixels, face)), count), 2),
        "confirm_ms": round(milliseconds(lambda: eyes.confirm(pixels), count), 2),
        "decode_ms": round(milliseconds(lambda: frames.decode(jpeg, size, presence.LOOK_SIDE), count), 3),
        "check_us": round(milliseconds(lambda: frames.check(jpeg), count) * 1_000, 1),
    }


async def measure(url: str, folder: Path, models: Models, rounds: int, count: int) -> dict[str, float]:
    await migrate(url)
    pictures = film(60)
    database, clock = Database(url), ManualClock(START)
    blobs = Blobs.in_folder(folder / "blobs", {"benchmark": bytes(32)})
    pipeline = Pipeline(database, blobs, LocalLive(), clock, models, workers=1)
    await pipeline.start()
    place = Place(pipeline, clock, pictures)
    await place.open()
    bare = bare_loop(models, pictures)
    bare(count // 4)
    speeds: dict[str, list[float]] = {"bare": [], "plain": [], "compared": []}
    for number in range(rounds):
        speeds["bare"].append(bare(count))
        speeds["plain"].append(await place.run(place.plain, count))
        speeds["compared"].append(await place.run(place.compared, count))
        print(f"round {number + 1}:", {name: round(values[-1], 1) for name, values in speeds.items()})
    coverage = pipeline.coverage(place.plain[0])
    assert coverage is not None
    if coverage.processed != coverage.received:
        raise SystemExit(f"frames were lost: {coverage}")
    await pipeline.stop()
    await database.close()
    ratios = [plain / alone for plain, alone in zip(speeds["plain"], speeds["bare"], strict=True)]
    compared = [one / alone for one, alone in zip(speeds["compared"], speeds["bare"], strict=True)]
    return {
        "frames_per_s": round(statistics.median(speeds["plain"]), 1),
        "bare_per_s": round(statistics.median(speeds["bare"]), 1),
        "ratio": round(statistics.median(ratios), 3),
        "identity_ratio": round(statistics.median(compared), 3),
        **parts(models, pictures[0], max(10, count // 20)),
        "kib_per_candidate": round(statistics.mean(map(len, pictures)) * RING_FRAMES / 1024, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=800, help="in each part of a round")
    parser.add_argument("--smoke", action="store_true", help="seconds, figures mean little")
    chosen = parser.parse_args()
    rounds, count = (1, 48) if chosen.smoke else (chosen.rounds, chosen.frames)
    models = get_models(Settings())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with fleeting(folder) as server:
            # The database runs already, on whichever core is free; from here on this process has one.
            pin(0, max(os.sched_getaffinity(0)))
            figures = asyncio.run(measure(server.url, folder, models, rounds, count))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
