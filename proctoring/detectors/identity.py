"""Is it the same person: SFace (opencv_zoo 2021dec) embeddings, compared by cosine, of good faces only."""

from pathlib import Path
from typing import Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from proctoring.frames import Pixels
from proctoring.signals import Face

VERSION: Final = "sface-2021dec"

Embedding = NDArray[np.float32]
"""128 numbers of length one."""

EMBEDDING_BYTES: Final = 512


class Quality(msgspec.Struct, frozen=True):
    """Of one face. `side`: short side of its box, pixels of the whole frame; `sharpness`: of the aligned 112x112
    grey face, 1000 * variance of its Laplacian of Gaussian (sigma 1) / variance, so that neither light nor camera
    noise counts as detail; `brightness`: mean of that grey face, 0..255."""

    side: float
    sharpness: float
    brightness: float


class IdentityDetector:
    """Turns a found face into an embedding. One per thread."""

    def __init__(self, model: Path) -> None:
        self._network = cv2.FaceRecognizerSF.create(str(model), "")

    def align(self, pixels: Pixels, face: Face) -> Pixels:
        """The face turned upright and cut out: 112x112x3."""
        row = np.array([[face.x, face.y, face.width, face.height, *face.landmarks, face.score]], np.float32)
        aligned: Pixels = self._network.alignCrop(pixels, row)  # type: ignore[assignment]
        return aligned

    def embed(self, aligned: Pixels) -> Embedding:
        """The embedding of an aligned face, about 16 ms of one core."""
        feature = np.asarray(self._network.feature(aligned), np.float32).reshape(-1)
        length = float(np.linalg.norm(feature))
        embedding: Embedding = feature / length if length > 0 else feature
        return embedding


def quality(aligned: Pixels, face: Face) -> Quality:
    """How good an aligned face is for a comparison."""
    grey = cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY).astype(np.float32)
    edges = cv2.Laplacian(cv2.GaussianBlur(grey, (0, 0), 1.0), cv2.CV_32F)
    return Quality(
        side=face.side,
        sharpness=1000 * float(edges.var()) / max(float(grey.var()), 1.0),
        brightness=float(grey.mean()),
    )


def similarity(one: Embedding, other: Embedding) -> float:
    """Cosine of two embeddings, -1..1."""
    return float(np.dot(one, other))


def pack(embedding: Embedding) -> bytes:
    """512 bytes: 128 little-endian float32."""
    return embedding.astype("<f4").tobytes()


def unpack(data: bytes) -> Embedding:
    """The reverse of `pack`; any other length raises ValueError."""
    if len(data) != EMBEDDING_BYTES:
        raise ValueError(f"an embedding has {EMBEDDING_BYTES} bytes, not {len(data)}")
    return np.frombuffer(data, "<f4").astype(np.float32)
