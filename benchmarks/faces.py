"""How well faces are told apart, and where the thresholds of `proctoring.signals` come from.

    python -m benchmarks.faces --data FOLDER [--people N]

FOLDER holds a folder for each person with pictures of them. Faces are found by YuNet as in the pipeline (the one
nearest to the middle of the picture), embedded by SFace, and every picture is compared with every other one.
Degraded probes are compared with clean references: blurred, darkened, small, coarse JPEG.

The last line is JSON: `tar_1e-2`, `tar_1e-3`, `tar_1e-4` (genuine pairs accepted at that rate of accepted
impostors), `eer`, `degraded_tar_1e-3` (all degraded probes together), `threshold` (of a false-match rate of 1e-3),
`fmr` and `fnmr` at MATCH_AT, and `fnmr_mismatch` (genuine pairs below MISMATCH_BELOW), `found` (share of pictures
in which a face was found).
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from app.provisions import get_models
from core.settings import Settings
from proctoring.detectors.identity import Embedding, IdentityDetector
from proctoring.detectors.presence import PresenceDetector
from proctoring.frames import Pixels
from proctoring.signals import MATCH_AT, MISMATCH_BELOW, Face

Scores = NDArray[np.float64]
Change = Callable[[Pixels], Pixels]


def _blurred(sigma: float) -> Change:
    return lambda pixels: cv2.GaussianBlur(pixels, (0, 0), sigma).astype(np.uint8)


def _coarse(pixels: Pixels) -> Pixels:
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 25])[1]
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded.astype(np.uint8)


def _small(pixels: Pixels) -> Pixels:
    return cv2.resize(pixels, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA).astype(np.uint8)


DEGRADED: dict[str, Change] = {
    "blur sigma 2": _blurred(2),
    "blur sigma 3": _blurred(3),
    "light x 0.3": lambda pixels: (pixels * 0.3).astype(np.uint8),
    "size x 0.4": _small,
    "JPEG quality 25": _coarse,
}


class Album(msgspec.Struct):
    """Who is in which picture, and the embeddings of the faces found (None: none was)."""

    people: list[str]
    embeddings: list[Embedding | None]


def _in_the_middle(faces: tuple[Face, ...], pixels: Pixels) -> Face:
    height, width = pixels.shape[:2]
    return min(faces, key=lambda one: abs(one.x + one.width / 2 - width / 2) + abs(one.y + one.height / 2 - height / 2))


def embed(paths: list[Path], change: Change, eyes: PresenceDetector, names: IdentityDetector) -> Album:
    album = Album([], [])
    for path in paths:
        read = cv2.imread(str(path))
        if read is None:
            raise SystemExit(f"{path} is not a picture")
        pixels = change(read.astype(np.uint8))
        faces = eyes.confirm(pixels)
        album.people.append(path.parent.name)
        album.embeddings.append(names.embed(names.align(pixels, _in_the_middle(faces, pixels))) if faces else None)
    return album


def compare(references: Album, probes: Album) -> tuple[Scores, Scores]:
    """Cosines of genuine and of impostor pairs; a picture is never compared with itself."""
    genuine: list[float] = []
    impostors: list[float] = []
    same_album = references is probes
    known = [number for number, one in enumerate(references.embeddings) if one is not None]
    matrix = np.array([references.embeddings[number] for number in known])
    for probe, embedding in enumerate(probes.embeddings):
        if embedding is None:
            continue
        for number, score in zip(known, (matrix @ embedding).tolist(), strict=True):
            if number == probe or (same_album and number > probe):
                continue
            same = references.people[number] == probes.people[probe]
            (genuine if same else impostors).append(score)
    return np.array(genuine), np.array(impostors)


def threshold_at(impostors: Scores, rate: float) -> float:
    """The cosine that so many impostors reach."""
    return float(np.quantile(impostors, 1 - rate))


def accepted(genuine: Scores, impostors: Scores, rate: float) -> float:
    """TAR at a FAR."""
    return float(np.mean(genuine >= threshold_at(impostors, rate)))


def equal_error(genuine: Scores, impostors: Scores) -> float:
    candidates = np.linspace(-0.2, 0.9, 1101)
    misses = np.array([np.mean(genuine < one) for one in candidates])
    false = np.array([np.mean(impostors >= one) for one in candidates])
    nearest = int(np.argmin(np.abs(misses - false)))
    return float((misses[nearest] + false[nearest]) / 2)


def _row(name: str, genuine: Scores, impostors: Scores) -> str:
    tars = "  ".join(f"{accepted(genuine, impostors, rate):.4f}" for rate in (1e-2, 1e-3, 1e-4))
    marks = "  ".join(
        f"{mark:.3f}: {np.mean(impostors >= mark):.1e} / {np.mean(genuine < mark):.2%}"
        for mark in (0.25, MISMATCH_BELOW, MATCH_AT, 0.4)
    )
    return f"{name:16} {tars}   {marks}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--people", type=int, default=0, help="only the first so many")
    chosen = parser.parse_args()
    folders = sorted(folder for folder in chosen.data.iterdir() if folder.is_dir())
    paths = [path for folder in folders[: chosen.people or None] for path in sorted(folder.glob("*.jpg"))]
    if not paths:
        raise SystemExit(f"no pictures in {chosen.data}")
    models = get_models(Settings())
    eyes, names = PresenceDetector(models.detector), IdentityDetector(models.recognizer)
    clean = embed(paths, lambda pixels: pixels, eyes, names)
    genuine, impostors = compare(clean, clean)
    print(f"{len(paths)} pictures, {len(genuine)} genuine pairs, {len(impostors)} impostor pairs")
    print(f"{'probes':16} TAR at FAR 1e-2, 1e-3, 1e-4   threshold: FMR / FNMR")
    print(_row("clean", genuine, impostors))
    worse: list[tuple[Scores, Scores]] = []
    for name, change in DEGRADED.items():
        worse.append(compare(clean, embed(paths, change, eyes, names)))
        print(_row(name, *worse[-1]))
    print(
        json.dumps(
            {
                "tar_1e-2": round(accepted(genuine, impostors, 1e-2), 4),
                "tar_1e-3": round(accepted(genuine, impostors, 1e-3), 4),
                "tar_1e-4": round(accepted(genuine, impostors, 1e-4), 4),
                "eer": round(equal_error(genuine, impostors), 4),
                "degraded_tar_1e-3": round(
                    accepted(
                        np.concatenate([one for one, _ in worse]), np.concatenate([one for _, one in worse]), 1e-3
                    ),
                    4,
                ),
                "threshold": round(threshold_at(impostors, 1e-3), 4),
                "fmr": round(float(np.mean(impostors >= MATCH_AT)), 6),
                "fnmr": round(float(np.mean(genuine < MATCH_AT)), 4),
                "fnmr_mismatch": round(float(np.mean(genuine < MISMATCH_BELOW)), 4),
                "found": round(np.mean([one is not None for one in clean.embeddings]).item(), 4),
            }
        )
    )


if __name__ == "__main__":
    main()
