"""The webcam's own WebSocket: checks owner, size and rate, stamps the receipt, hands the frame on.

It carries nothing that decides anything, and its trouble never reaches the exam's connection.
"""

from collections.abc import Callable
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.types import Receive, Scope, Send

from core.blobs import Blobs
from core.clock import Clock
from core.database import Database
from core.errors import AccreditationError
from core.ids import SittingId
from core.moments import Moment
from exam_server.conduct import Conduct
from exam_server.connection import Flow, read_id, who_is
from exam_server.page_line import PageLine
from exam_server.sitting import Sitting
from proctoring.frames import check
from proctoring.pipeline import Pipeline
from proctoring.store import Reference, record_reference, reference_embedding, settle
from proctoring.turns import Turns

FRAME_INTERVAL = 1_000
"""Milliseconds between frames that the page is asked for."""
FRAMES_PER_SECOND, FRAMES_AT_ONCE = 3.0, 10
MESSAGES_PER_SECOND, MESSAGES_AT_ONCE = 20.0, 60
MAX_TEXT = 1_024

WindowKind = Literal["tab_hidden", "blur", "fullscreen_left", "paste"]
_BEGINS: dict[str, WindowKind] = {
    "tab_hidden": "tab_hidden",
    "blur": "blur",
    "fullscreen_left": "fullscreen_left",
    "paste": "paste",
}
_ENDS: dict[str, WindowKind] = {"tab_shown": "tab_hidden", "focus": "blur", "fullscreen_entered": "fullscreen_left"}


class WindowReport(Struct, frozen=True, tag_field="type", tag="window", forbid_unknown_fields=True):
    """What the page noticed about its own window."""

    kind: Annotated[str, Meta(max_length=32)]


class CameraOutgoing(Struct, frozen=True, tag_field="type"):
    """Something the page's camera is told."""


class FrameRate(CameraOutgoing, frozen=True, tag="rate"):
    """Send a frame this often."""

    interval_ms: int


class CameraRefused(CameraOutgoing, frozen=True, tag="refused"):
    """A frame or message that was not used, and why. The camera and the exam go on."""

    code: str
    message: str


class CameraClosed(CameraOutgoing, frozen=True, tag="closed"):
    """Observation is over; the camera may be switched off."""


AnyCameraOutgoing: TypeAlias = FrameRate | CameraRefused | CameraClosed

_reports: msgspec.json.Decoder[WindowReport] = msgspec.json.Decoder(WindowReport)


class Observation:
    """What the exam needs of proctoring: references before the start, watching until the end."""

    def __init__(self, database: Database, blobs: Blobs, pipeline: Pipeline) -> None:
        self._database = database
        self._blobs = blobs
        self.pipeline = pipeline
        self._previews: dict[SittingId, tuple[bytes, Moment]] = {}
        self._turns = Turns()

    async def judge_reference(self, jpeg: bytes) -> Reference:
        """The face of a reference picture. Raises AccreditationError saying what to do better."""
        return await self.pipeline.embed(jpeg)

    async def keep_reference(
        self, connection: AsyncConnection, sitting: SittingId, reference: Reference, jpeg: bytes, at: Moment
    ) -> None:
        """Seal a picture that was judged; it replaces an earlier one. Raises Unavailable."""
        await record_reference(connection, self._blobs, sitting, reference, jpeg, at)

    async def watch(self, sitting: SittingId, refused: Callable[[AccreditationError], None]) -> None:
        """Begin, or go on, to look at the frames of a sitting. `refused` hears of frames that can't be read."""
        async with self._turns.of(sitting):
            async with self._database.transaction() as connection:
                embedding = await reference_embedding(connection, self._blobs, sitting)
            self._previews.pop(sitting, None)
            await self.pipeline.open(sitting, embedding, refused)

    def preview(self, sitting: SittingId, jpeg: bytes, at: Moment) -> None:
        """Before the start a proctor may see the passport check; no detector looks and nothing is kept."""
        check(jpeg)
        self._previews[sitting] = (jpeg, at)

    def latest(self, sitting: SittingId) -> tuple[bytes, Moment] | None:
        """The newest picture of a sitting held in memory: JPEG as received, and when."""
        return self._previews.get(sitting) or self.pipeline.latest(sitting)

    async def end(self, sitting: SittingId, at: Moment) -> None:
        """Stop looking; on return all that was decided is stored, by a process that crashed too. Stills may follow.

        Whoever asked to watch before this has done so by then, and what that began is ended here.
        """
        async with self._turns.of(sitting):
            self._previews.pop(sitting, None)
            await self.pipeline.close(sitting, at)
            async with self._database.transaction() as connection:
                await settle(connection, sitting, at)


class CameraSocket:
    """ASGI callable for /ws/camera/{sitting}: binary JPEG frames in, text both ways."""

    def __init__(self, conduct: Conduct, observation: Observation, clock: Clock) -> None:
        self._conduct = conduct
        self._observation = observation
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        line = PageLine(send)
        try:
            await self._admit(scope, receive, line)
        finally:
            await line.finish()

    async def _admit(self, scope: Scope, receive: Receive, line: PageLine) -> None:
        person = who_is(scope, line)
        if person is None:
            return
        try:
            sitting_id = read_id(scope["path_params"]["sitting"])
            held = await self._conduct.hold_for(sitting_id, person.id)
            if held.state.rules.practice:  # nobody consented to being watched
                line.close(1008, "practice")
                return
            _say(line, FrameRate(FRAME_INTERVAL))
            await self._listen(sitting_id, receive, line)
        except AccreditationError as error:
            line.close(4404 if error.status == 404 else 1013, error.code)

    async def _listen(self, sitting_id: SittingId, receive: Receive, line: PageLine) -> None:
        frames = Flow(FRAMES_PER_SECOND, FRAMES_AT_ONCE, self._clock.now())
        messages = Flow(MESSAGES_PER_SECOND, MESSAGES_AT_ONCE, self._clock.now())
        watched = False
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            now = self._clock.now()
            if not messages.admit(now):
                line.close(1008, "flood")
                return
            sitting = (await self._conduct.hold(sitting_id)).state
            if sitting.status == "ended":
                await self._observation.end(sitting_id, sitting.ended_at or sitting.last_at)
                _say(line, CameraClosed())
                line.close(1000, "ended")
                return
            if sitting.status == "running" and not watched:
                await self._observation.watch(sitting_id, lambda error: _refuse(line, error))
                self._forget_window(sitting_id, now)
                watched = True
            try:
                data = message.get("bytes")
                if data is None:
                    self._report(sitting, message.get("text") or "", now)
                elif frames.admit(now):
                    self._take(sitting, data, now)
                else:
                    _say(line, CameraRefused("too_many_frames", "Кадры приходят слишком часто."))
            except AccreditationError as error:
                _refuse(line, error)

    def _forget_window(self, sitting_id: SittingId, now: Moment) -> None:
        """A page that has just connected says itself what its window is like; what the last one said is over."""
        for kind in _ENDS.values():
            self._observation.pipeline.report_window(sitting_id, kind, now, over=True)

    def _take(self, sitting: Sitting, jpeg: bytes, now: Moment) -> None:
        if sitting.status == "running":
            self._observation.pipeline.offer(sitting.id, jpeg, now)
        else:
            self._observation.preview(sitting.id, jpeg, now)

    def _report(self, sitting: Sitting, text: str, now: Moment) -> None:
        try:
            if len(text) > MAX_TEXT:
                raise msgspec.ValidationError("too long")
            kind = _reports.decode(text).kind
        except (msgspec.DecodeError, UnicodeError):
            raise AccreditationError("invalid_message", "Сообщение заполнено неверно.") from None
        if kind not in _BEGINS and kind not in _ENDS:
            raise AccreditationError("unknown_window_kind", "Неизвестное событие окна. Обновите страницу экзамена.")
        if sitting.status != "running":
            return
        if kind in _BEGINS:
            self._observation.pipeline.report_window(sitting.id, _BEGINS[kind], now)
        else:
            self._observation.pipeline.report_window(sitting.id, _ENDS[kind], now, over=True)


def _say(line: PageLine, message: AnyCameraOutgoing) -> None:
    line.send(msgspec.json.encode(message))


def _refuse(line: PageLine, error: AccreditationError) -> None:
    _say(line, CameraRefused(error.code, error.message))
