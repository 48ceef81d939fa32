"""What was seen, in words: from detector readings and the page's own reports to signals. Pure.

A signal is an observation, never an accusation: `incidents` waits until it persists, `review` asks a person.
"""

from enum import StrEnum
from math import hypot
from typing import Final

import msgspec

from core.moments import SECOND, Moment, Span


class Kind(StrEnum):
    """What a signal, and later an incident, is about."""

    ABSENT = "absent"
    SEVERAL_FACES = "several_faces"
    OTHER_PERSON = "other_person"
    IDENTITY_UNCERTAIN = "identity_uncertain"
    DARK = "dark"
    TAB_HIDDEN = "tab_hidden"
    BLUR = "blur"
    FULLSCREEN_LEFT = "fullscreen_left"
    PASTE = "paste"


CAMERA_KINDS: Final = frozenset(
    {Kind.ABSENT, Kind.SEVERAL_FACES, Kind.OTHER_PERSON, Kind.IDENTITY_UNCERTAIN, Kind.DARK}
)
WINDOW_KINDS: Final = frozenset({Kind.TAB_HIDDEN, Kind.BLUR, Kind.FULLSCREEN_LEFT, Kind.PASTE})

TITLES: Final[dict[Kind, str]] = {
    Kind.ABSENT: "Нет лица в кадре",
    Kind.SEVERAL_FACES: "Несколько лиц в кадре",
    Kind.OTHER_PERSON: "Лицо не похоже на контрольный снимок",
    Kind.IDENTITY_UNCERTAIN: "Сходство с контрольным снимком не подтверждено",
    Kind.DARK: "Кадр слишком тёмный",
    Kind.TAB_HIDDEN: "Вкладка с тестированием скрыта",
    Kind.BLUR: "Окно тестирования потеряло фокус",
    Kind.FULLSCREEN_LEFT: "Выход из полноэкранного режима",
    Kind.PASTE: "Вставка из буфера обмена",
}
"""How people read a kind."""


class Identity(StrEnum):
    """The three answers of a comparison with the reference picture."""

    MATCH = "match"
    UNCERTAIN = "uncertain"
    MISMATCH = "mismatch"


MATCH_AT: Final = 0.363
MISMATCH_BELOW: Final = 0.3
"""Cosines of SFace. Measured by `python -m benchmarks.faces` on 733 pictures of 200 people of Labeled Faces in
the Wild (999 genuine pairs, 267,279 impostor pairs, faces found by YuNet at 640):

| threshold | impostors at or above (FMR) | genuine below (FNMR) | FNMR, probe blurred by sigma 3 |
|-----------|-----------------------------|----------------------|--------------------------------|
| 0.250     | 3.6e-2                      | 0.7 %                | 1.5 %                          |
| 0.300     | 9.0e-3                      | 0.7 %                | 2.8 %                          |
| 0.363     | 1.1e-3                      | 1.1 %                | 6.5 %                          |
| 0.400     | 2.5e-4                      | 1.5 %                | 11.9 %                         |

0.363 is also what OpenCV publishes for SFace. Between the two numbers the answer is "uncertain".
"""
FALSE_MATCH_RATE: Final = 1.1e-3
"""Of MATCH_AT, from the same table."""

IDENTITY_EVERY: Final[Span] = 15 * SECOND
IDENTITY_IN_DOUBT: Final[Span] = SECOND // 2
"""How often to compare while the last answer was not a match: at one frame a second, every frame."""
SAME_TRACK_OVERLAP: Final = 0.1
"""Intersection over union of two boxes, below which the face before the camera may be a new one."""

DARK_BELOW: Final = 30.0
"""Mean of the picture, 0..255. Of the whole picture, never of the skin."""

PROBE_SIDE: Final = 40.0
PROBE_SHARPNESS: Final = 1.2
PROBE_TURN: Final = 0.35
REFERENCE_SIDE: Final = 64.0
REFERENCE_SHARPNESS: Final = 3.0
REFERENCE_BRIGHTNESS: Final = 40.0
"""Least quality for a comparison (probe) and for the picture compared with (reference). Measured on the same
pictures: at a side of 34 pixels 98.5 % of genuine pairs still reach 0.363; sharpness (see
`detectors.identity.Quality`) is 4.4 or more on 99 % of clean pictures, 3.5 after a blur of sigma 2, 1.6 after
sigma 3 and 0.9 after sigma 4, where a face stops resembling itself."""


class Face(msgspec.Struct, frozen=True):
    """A found face in pixels of the whole frame. Landmarks: x and y of right eye, left eye, nose tip, right
    and left corner of the mouth (the person's own right). `score` 0..1."""

    x: float
    y: float
    width: float
    height: float
    score: float
    landmarks: tuple[float, ...]

    @property
    def side(self) -> float:
        """Short side of the box."""
        return min(self.width, self.height)

    @property
    def turn(self) -> float:
        """How far the nose is from the middle of the eyes, in distances between the eyes: 0 is straight on."""
        right_x, right_y, left_x, left_y, nose_x, nose_y = self.landmarks[:6]
        across, down = left_x - right_x, left_y - right_y
        length = hypot(across, down)
        if length < 1.0:
            return 1.0
        middle_x, middle_y = (right_x + left_x) / 2, (right_y + left_y) / 2
        along = (nose_x - middle_x) * across + (nose_y - middle_y) * down
        return abs(along) / (length * length)


class Reading(msgspec.Struct, frozen=True):
    """What the detectors say of one frame.

    `at`: when the server received it; `faces`: largest first; `identity`: cosine with the reference, None where
    it was not compared (not due, no reference, or no face good enough); `brightness`: mean of the picture,
    0..255; `presence_model`, `identity_model`: which model, at which size, said so.
    """

    at: Moment
    width: int
    height: int
    faces: tuple[Face, ...]
    brightness: float
    identity: float | None = None
    presence_model: str = ""
    identity_model: str = ""


class Signal(msgspec.Struct, frozen=True):
    """One thing seen. `strength` 0..1; the interval in moments; `source`: detector and model version, or the page;
    `score`: the detector's own figure, where there is one (cosine, number of faces, brightness)."""

    kind: Kind
    strength: float
    began_at: Moment
    ended_at: Moment
    source: str
    score: float | None = None


class Observation(msgspec.Struct, frozen=True):
    """All that one frame or one report of the page says. A kind in `informs` without a signal was looked for and
    not seen; a kind outside `informs` was not looked for, which means nothing at all."""

    at: Moment
    signals: tuple[Signal, ...]
    informs: frozenset[Kind]
    frame: bool
    """Whether a picture was seen, which ends a coverage gap."""


def compare(cosine: float) -> Identity:
    """The answer to one comparison."""
    if cosine >= MATCH_AT:
        return Identity.MATCH
    return Identity.MISMATCH if cosine < MISMATCH_BELOW else Identity.UNCERTAIN


def observe(reading: Reading) -> Observation:
    """The signals of one frame.

    A dark picture says nothing about absence: what cannot be seen is reported as dark, not as nobody.
    `identity_uncertain` covers both doubtful answers, `other_person` only the clear mismatch.
    """
    signals: list[Signal] = []
    informs = {Kind.DARK, Kind.SEVERAL_FACES}

    def add(kind: Kind, strength: float, source: str, score: float) -> None:
        bounded = min(1.0, max(0.0, strength))
        signals.append(Signal(kind, bounded, reading.at, reading.at, source, score))

    count = len(reading.faces)
    dark = reading.brightness < DARK_BELOW
    if dark:
        add(Kind.DARK, 1 - reading.brightness / DARK_BELOW, "mean", reading.brightness)
    if count or not dark:
        informs.add(Kind.ABSENT)
    if not count and not dark:
        add(Kind.ABSENT, 1.0, reading.presence_model, 0)
    if count > 1:
        add(Kind.SEVERAL_FACES, reading.faces[1].score, reading.presence_model, count)
    if reading.identity is not None:
        informs |= {Kind.OTHER_PERSON, Kind.IDENTITY_UNCERTAIN}
        answer = compare(reading.identity)
        doubt = (MATCH_AT - reading.identity) / MATCH_AT
        if answer is Identity.MISMATCH:
            add(Kind.OTHER_PERSON, doubt, reading.identity_model, reading.identity)
        if answer is not Identity.MATCH:
            add(Kind.IDENTITY_UNCERTAIN, doubt, reading.identity_model, reading.identity)
    return Observation(reading.at, tuple(signals), frozenset(informs), frame=True)


def report(kind: Kind, at: Moment, over: bool = False) -> Observation:
    """The page's own word that something happened in its window or, with `over`, that it has ended.

    Kinds of the camera raise ValueError: a page has no say in them.
    """
    if kind not in WINDOW_KINDS:
        raise ValueError(f"{kind} is not reported by the page")
    signals = () if over else (Signal(kind, 1.0, at, at, "page"),)
    return Observation(at, signals, frozenset({kind}), frame=False)


def same_track(one: Face, other: Face) -> bool:
    """Whether two boxes of successive frames overlap enough to be one person who moved."""
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if across <= 0 or down <= 0:
        return False
    both = across * down
    union = one.width * one.height + other.width * other.height - both
    return union > 0 and both / union >= SAME_TRACK_OVERLAP


def fit_to_compare(face: Face, sharpness: float) -> bool:
    """Whether a face is large, sharp and straight enough for a comparison to mean something."""
    return face.side >= PROBE_SIDE and sharpness >= PROBE_SHARPNESS and face.turn <= PROBE_TURN


class Watched(msgspec.Struct, frozen=True):
    """What has to be remembered of one camera to know when the next comparison is due."""

    faces: tuple[Face, ...] = ()
    compared_at: Moment | None = None
    answer: Identity | None = None


def comparison_due(before: Watched, faces: tuple[Face, ...], at: Moment) -> bool:
    """At the start, when the number of faces or the track changes, every 15 s, and all the time while in doubt."""
    if not faces:
        return False
    if before.compared_at is None:
        return True
    wait = IDENTITY_EVERY if before.answer is Identity.MATCH else IDENTITY_IN_DOUBT
    if at - before.compared_at >= wait:
        return True
    return len(faces) != len(before.faces) or not same_track(before.faces[0], faces[0])


def watch(before: Watched, reading: Reading) -> Watched:
    """What to remember after a reading. A change of faces that could not be compared stays due."""
    if reading.identity is None:
        changed = len(reading.faces) != len(before.faces) or (
            bool(reading.faces) and not same_track(before.faces[0], reading.faces[0])
        )
        return Watched(reading.faces, None if changed else before.compared_at, before.answer)
    return Watched(reading.faces, reading.at, compare(reading.identity))
