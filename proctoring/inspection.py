"""Everything one worker thread does to one frame: decode once, look, confirm, compare."""

from typing import Final

import cv2

from core.errors import AccreditationError, Invalid
from core.moments import Moment
from proctoring import frames, signals
from proctoring.detectors import identity, presence
from proctoring.detectors.identity import Embedding, IdentityDetector, Quality
from proctoring.detectors.presence import CONFIRM_SIDE, LOOK_SIDE, PresenceDetector
from proctoring.frames import Pixels, Size
from proctoring.models import Models
from proctoring.signals import Face, Reading, Watched
from proctoring.store import Reference

COMPARED_FACES: Final = 3
"""Of several faces the largest are compared and the best likeness counts: a passer-by is not a substitution."""


class Inspector:
    """The detectors of one thread: about 120 MB, never shared."""

    def __init__(self, models: Models) -> None:
        self._presence = PresenceDetector(models.detector)
        self._identity = IdentityDetector(models.recognizer)

    def inspect(
        self, jpeg: bytes, size: Size, at: Moment, reference: Embedding | None, watched: Watched
    ) -> tuple[Reading, Watched]:
        """Read one frame that `frames.check` has let through. Raises AccreditationError frame_broken.

        One face is believed at 320; nobody and several are confirmed at 640. Landmarks found at 320 compare as well
        as those found at 640 (99.1 % and 99.2 % of genuine pairs reach the threshold).
        """
        picture = _Picture(jpeg, size)
        small = picture.at_least(LOOK_SIDE)
        small, _ = presence.shrink(small, LOOK_SIDE)
        brightness = _luma(small)
        faces = self._presence.look(small, size.width / small.shape[1])
        side = LOOK_SIDE
        if len(faces) != 1:
            faces, side = self._confirm(picture), CONFIRM_SIDE
        likeness: float | None = None
        if reference is not None and signals.comparison_due(watched, faces, at):
            likeness = self._compare(picture, faces, reference)
        reading = Reading(
            at=at,
            width=size.width,
            height=size.height,
            faces=faces,
            brightness=brightness,
            identity=likeness,
            presence_model=f"{presence.VERSION}@{side}",
            identity_model=identity.VERSION,
        )
        return reading, signals.watch(watched, reading)

    def refer(self, jpeg: bytes) -> Reference:
        """The reference picture's embedding and quality.

        Raises AccreditationError: a frame_… code, reference_no_face, reference_several_faces, reference_small,
        reference_dark, reference_turned or reference_blurred; each says what to do.
        """
        size = frames.check(jpeg)
        picture = _Picture(jpeg, size)
        faces = self._confirm(picture)
        if not faces:
            if _luma(picture.at_least(LOOK_SIDE)) < signals.DARK_BELOW:
                raise _dark()
            raise Invalid(
                "reference_no_face",
                "Лицо не найдено. Сядьте прямо перед камерой, уберите то, что закрывает лицо, и повторите снимок.",
            )
        if len(faces) > 1:
            raise Invalid(
                "reference_several_faces",
                "В кадре несколько лиц. Попросите остальных отойти, уберите портреты за спиной и повторите снимок.",
            )
        aligned = self._identity.align(picture.whole(), faces[0])
        found = identity.quality(aligned, faces[0])
        _require_quality(faces[0], found)
        return Reference(
            embedding=identity.pack(self._identity.embed(aligned)),
            model=identity.VERSION,
            side=found.side,
            sharpness=found.sharpness,
            brightness=found.brightness,
        )

    def _confirm(self, picture: "_Picture") -> tuple[Face, ...]:
        pixels = picture.at_least(CONFIRM_SIDE)
        return self._presence.confirm(pixels, picture.size.width / pixels.shape[1])

    def _compare(self, picture: "_Picture", faces: tuple[Face, ...], reference: Embedding) -> float | None:
        likenesses = []
        for face in faces[:COMPARED_FACES]:
            aligned = self._identity.align(picture.whole(), face)
            if signals.fit_to_compare(face, identity.quality(aligned, face).sharpness):
                likenesses.append(identity.similarity(self._identity.embed(aligned), reference))
        return max(likenesses, default=None)


class _Picture:
    """A frame decoded no larger and no more often than somebody needs it."""

    def __init__(self, jpeg: bytes, size: Size) -> None:
        self.size = size
        self._jpeg = jpeg
        self._decoded: list[Pixels] = []

    def at_least(self, side: int) -> Pixels:
        """With a long side of `side` pixels or more, or the whole picture where it has fewer."""
        for pixels in self._decoded:
            if max(pixels.shape[:2]) >= min(side, self.size.long_side):
                return pixels
        pixels = frames.decode(self._jpeg, self.size, side)
        self._decoded.append(pixels)
        return pixels

    def whole(self) -> Pixels:
        return self.at_least(self.size.long_side)


def _luma(pixels: Pixels) -> float:
    """Mean brightness, 0..255 (ITU-R BT.601)."""
    blue, green, red, _ = cv2.mean(pixels)
    return 0.114 * blue + 0.587 * green + 0.299 * red


def _dark() -> AccreditationError:
    return Invalid(
        "reference_dark", "Слишком темно. Включите свет перед собой или повернитесь к окну и повторите снимок."
    )


def _require_quality(face: Face, found: Quality) -> None:
    if found.side < signals.REFERENCE_SIDE:
        raise Invalid("reference_small", "Лицо слишком далеко от камеры. Сядьте ближе и повторите снимок.")
    if found.brightness < signals.REFERENCE_BRIGHTNESS:
        raise _dark()
    if face.turn > signals.PROBE_TURN:
        raise Invalid("reference_turned", "Лицо повёрнуто в сторону. Посмотрите прямо в камеру и повторите снимок.")
    if found.sharpness < signals.REFERENCE_SHARPNESS:
        raise Invalid("reference_blurred", "Снимок нерезкий. Протрите объектив, не двигайтесь и повторите снимок.")
