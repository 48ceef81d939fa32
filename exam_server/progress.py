"""Parts of a sitting's state: how far each item is, what halts the clocks, what came late, what is unread. Pure."""

from msgspec import Struct

from core.ids import ChoiceId
from core.moments import Moment, Span
from exam_server.events import NoticeKind


class ItemProgress(Struct, frozen=True, gc=False):
    """How far the candidate is with one item. `answers` has one tuple of chosen ids per stage.

    `spent` is the response time: how long it was on screen over all visits, by the server's clock. `extra` was given
    back on top of its limit. `epoch` and `stream` are those of the newest answer, `first_at` is the moment of the
    first; `revisions` counts them all.
    """

    answers: tuple[tuple[ChoiceId, ...], ...]
    spent: Span = 0
    extra: Span = 0
    stage: int = 0
    visited: bool = False
    locked: bool = False
    expired: bool = False
    flagged: bool = False
    withdrawn: bool = False
    questioned: bool = False
    first_at: Moment | None = None
    revisions: int = 0
    epoch: int = 0
    stream: str = ""


class Halt(Struct, frozen=True):
    """The clocks stand since a moment: a proctor's pause (with its note), or the candidate's break until a moment."""

    since: Moment
    until: Moment | None = None
    note: int | None = None


class LateAnswer(Struct, frozen=True):
    """Received after deadline and grace; counts only once the commission has admitted it."""

    position: int
    stage: int
    value: tuple[ChoiceId, ...]
    at: Moment
    admitted: bool = False


class Unread(Struct, frozen=True):
    """A message of the proctor that the candidate has not confirmed."""

    note: int
    kind: NoticeKind
    at: Moment
