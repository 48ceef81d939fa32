"""What proctors hear of a sitting while it goes on: JSON on the live channel `sitting:{id}`. Pure."""

from typing import Final, Literal

import msgspec

from core.ids import IncidentId, SittingId
from core.moments import Moment
from proctoring.incidents import IncidentChange, Severity
from proctoring.signals import TITLES, Identity, Kind, Reading, compare


class FrameNews(msgspec.Struct, frozen=True, tag_field="kind", tag="frame"):
    """A frame was looked at. `boxes`: x, y, width, height as parts of the frame, 0..1, largest face first;
    `likeness`: cosine with the reference where it was compared on this frame."""

    sitting: SittingId
    at: Moment
    faces: int
    boxes: tuple[tuple[float, float, float, float], ...]
    brightness: float
    identity: Identity | None
    likeness: float | None


class IncidentNews(msgspec.Struct, frozen=True, tag_field="kind", tag="incident"):
    """An incident was opened, extended or closed, and that is stored. `what`: its kind; `seen_at`: last seen;
    `ended_at`: once closed."""

    sitting: SittingId
    incident: IncidentId
    step: Literal["opened", "extended", "closed"]
    what: Kind
    title: str
    severity: Severity
    holds: bool
    began_at: Moment
    seen_at: Moment
    ended_at: Moment | None
    score: float | None


class CoverageNews(msgspec.Struct, frozen=True, tag_field="kind", tag="coverage"):
    """How much of a sitting is seen: totals of this stretch of watching; `gap_at`: since when nothing is seen."""

    sitting: SittingId
    at: Moment
    gap_at: Moment | None
    received: int
    processed: int
    dropped: int
    broken: int


News = FrameNews | IncidentNews | CoverageNews

_DIGITS: Final = 4


def channel(sitting: SittingId) -> str:
    """Where news of a sitting are published."""
    return f"sitting:{sitting}"


def encode(news: News) -> bytes:
    return msgspec.json.encode(news)


def of_frame(sitting: SittingId, reading: Reading) -> FrameNews:
    return FrameNews(
        sitting=sitting,
        at=reading.at,
        faces=len(reading.faces),
        boxes=tuple(
            (
                round(face.x / reading.width, _DIGITS),
                round(face.y / reading.height, _DIGITS),
                round(face.width / reading.width, _DIGITS),
                round(face.height / reading.height, _DIGITS),
            )
            for face in reading.faces
        ),
        brightness=round(reading.brightness, 1),
        identity=None if reading.identity is None else compare(reading.identity),
        likeness=None if reading.identity is None else round(reading.identity, _DIGITS),
    )


def of_incident(sitting: SittingId, incident: IncidentId, change: IncidentChange, holds: bool) -> IncidentNews:
    return IncidentNews(
        sitting=sitting,
        incident=incident,
        step=change.step,
        what=change.kind,
        title=TITLES[change.kind],
        severity=change.severity,
        holds=holds,
        began_at=change.began_at,
        seen_at=change.seen_at,
        ended_at=change.seen_at if change.step == "closed" else None,
        score=change.score,
    )
