"""The camera's socket: whose it is, what it takes, and that its trouble stays its own."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace
from starlette.types import Message, Scope

from core.clock import ManualClock
from core.errors import AccreditationError, Conflict, Unavailable
from core.ids import PersonId, SittingId
from core.moments import SECOND, Moment
from exam_server.camera import FRAMES_AT_ONCE, MESSAGES_AT_ONCE, CameraSocket, Observation
from exam_server.commands import Admit, Start
from proctoring.frames import check
from tests.histories.memory import MemoryLog, Owner, quiet
from tests.histories.sittings import CANDIDATE, FIRST, NOW, PROCTOR, SITTING, make_created

JPEG = (Path(__file__).parents[2] / "faces" / "collins.jpg").read_bytes()


class Pipeline:
    """Keeps what it is offered."""

    def __init__(self) -> None:
        self.offered: list[tuple[SittingId, bytes, Moment]] = []
        self.windows: list[tuple[str, bool]] = []

    def offer(self, sitting: SittingId, jpeg: bytes, at: Moment) -> None:
        check(jpeg)
        self.offered.append((sitting, jpeg, at))

    def report_window(self, sitting: SittingId, kind: str, at: Moment, over: bool = False) -> None:
        self.windows.append((kind, over))


class Watching:
    """Stands for the observation of sittings."""

    def __init__(self) -> None:
        self.pipeline = Pipeline()
        self.previews: list[bytes] = []
        self.watched: list[SittingId] = []
        self.ended: list[tuple[SittingId, Moment]] = []
        self.refuse: Callable[[AccreditationError], None] | None = None
        self.trouble: AccreditationError | None = None

    async def watch(self, sitting: SittingId, refused: Callable[[AccreditationError], None]) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.watched.append(sitting)
        self.refuse = refused

    async def end(self, sitting: SittingId, at: Moment) -> None:
        self.ended.append((sitting, at))

    def preview(self, sitting: SittingId, jpeg: bytes, at: Moment) -> None:
        check(jpeg)
        self.previews.append(jpeg)


class SignedIn:
    def __init__(self, number: int) -> None:
        self.id = PersonId(number)


class Studio:
    """A server with one sitting and a camera in front of it."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.log = MemoryLog()
        self.log.by_itself = True
        self.log.create(SITTING, make_created())
        self.owner = Owner(self.log, self.clock)
        self.watching = Watching()
        self.socket = CameraSocket(self.owner.conduct, cast(Observation, self.watching), self.clock)
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.sent: list[Message] = []
        self.task: asyncio.Future[None] | None = None

    async def begin(self) -> None:
        await self.owner.conduct.order(SITTING, Admit("person"))
        await self.owner.attach(SITTING, FIRST)
        await self.owner.conduct.order(SITTING, Start(1))

    async def connect(self, person: int | None = CANDIDATE, sitting: Any = SITTING, unknown: bool = False) -> None:
        state: dict[str, Any] = {"principal": None if person is None else SignedIn(person), "login_unknown": unknown}
        scope: Scope = {"type": "websocket", "path_params": {"sitting": sitting}, "state": state}
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.ensure_future(self.socket(scope, self.inbox.get, self._send))
        await quiet()

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    async def say(self, *messages: str | bytes) -> None:
        for message in messages:
            key = "text" if isinstance(message, str) else "bytes"
            self.inbox.put_nowait({"type": "websocket.receive", key: message})
        await quiet()

    async def window(self, kind: str) -> None:
        await self.say(json.dumps({"type": "window", "kind": kind}))

    async def leave(self) -> None:
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
        assert self.task is not None
        await self.task

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(message["text"]) for message in self.sent if message["type"] == "websocket.send"]

    @property
    def refusals(self) -> list[str]:
        return [message["code"] for message in self.told if message["type"] == "refused"]

    @property
    def closed(self) -> int | None:
        return next((message["code"] for message in self.sent if message["type"] == "websocket.close"), None)


@pytest.mark.parametrize(
    ("visitor", "code"),
    [
        ({"person": None}, 4401),
        ({"person": None, "unknown": True}, 1013),
        ({"person": PROCTOR}, 4404),
        ({"sitting": 404}, 4404),
        ({"sitting": "abc"}, 4404),
        ({"sitting": "9" * 5_000}, 4404),
    ],
)
async def test_whoever_may_not_come_in_is_told_why(visitor: dict[str, Any], code: int) -> None:
    studio = Studio()
    await studio.connect(**visitor)
    assert (studio.closed, studio.told) == (code, [])
    assert studio.owner.source.given == [], "somebody else's log was read"
    assert studio.task is not None
    await studio.task


async def test_a_sitting_whose_window_is_not_open_yet_looks_like_none() -> None:
    studio = Studio()
    studio.log.create(SITTING, replace(make_created(), opens_at=NOW + SECOND))
    await studio.connect()
    assert (studio.closed, studio.told, studio.owner.conduct.held) == (4404, [], 0)


async def test_frames_of_a_running_sitting_are_looked_at_with_their_moment_of_receipt() -> None:
    studio = Studio()
    await studio.begin()
    await studio.connect()
    assert studio.told == [{"type": "rate", "interval_ms": 1_000}]
    await studio.say(JPEG)
    studio.clock.advance(SECOND)
    await studio.say(JPEG)
    assert studio.watching.pipeline.offered == [(SITTING, JPEG, NOW), (SITTING, JPEG, NOW + SECOND)]
    assert studio.watching.watched == [SITTING]
    await studio.leave()


async def test_before_the_start_a_frame_is_shown_to_the_proctor_and_looked_at_by_no_detector() -> None:
    studio = Studio()
    await studio.connect()
    await studio.say(JPEG)
    await studio.window("blur")
    assert studio.watching.previews == [JPEG]
    assert (studio.watching.watched, studio.watching.pipeline.offered, studio.watching.pipeline.windows) == ([], [], [])
    await studio.begin()
    await studio.say(JPEG)
    assert studio.watching.pipeline.offered == [(SITTING, JPEG, NOW)]
    await studio.leave()


async def test_what_the_window_says_begins_and_ends() -> None:
    studio = Studio()
    await studio.begin()
    await studio.connect()
    for kind in ("tab_hidden", "tab_shown", "blur", "focus", "fullscreen_left", "fullscreen_entered", "paste"):
        await studio.window(kind)
    said = studio.watching.pipeline.windows
    fresh = said[: said.index(("tab_hidden", False))]
    assert set(fresh) == {("tab_hidden", True), ("blur", True), ("fullscreen_left", True)}, "a new page starts anew"
    assert said[len(fresh) :] == [
        ("tab_hidden", False),
        ("tab_hidden", True),
        ("blur", False),
        ("blur", True),
        ("fullscreen_left", False),
        ("fullscreen_left", True),
        ("paste", False),
    ]
    assert studio.refusals == []
    await studio.leave()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"", "frame_not_jpeg"),
        (b"\xff\xd8\xff", "frame_broken"),
        ("", "invalid_message"),
        ("null", "invalid_message"),
        ("\ud800", "invalid_message"),
        ("x" * 2_000, "invalid_message"),
        ('{"type":"window","kind":"earthquake"}', "unknown_window_kind"),
        ('{"type":"window","kind":"absent"}', "unknown_window_kind"),
    ],
)
@pytest.mark.parametrize("begun", [False, True])
async def test_what_can_not_be_used_is_refused_and_the_camera_goes_on(
    message: str | bytes, code: str, begun: bool
) -> None:
    studio = Studio()
    if begun:
        await studio.begin()
    await studio.connect()
    await studio.say(message, JPEG)
    assert studio.refusals == [code]
    assert len(studio.watching.previews) + len(studio.watching.pipeline.offered) == 1
    assert studio.closed is None
    await studio.leave()


async def test_a_frame_that_turns_out_unreadable_is_refused_later() -> None:
    studio = Studio()
    await studio.begin()
    await studio.connect()
    await studio.say(JPEG)
    assert studio.watching.refuse is not None
    studio.watching.refuse(Conflict("frame_broken", "Кадр повреждён."))
    await quiet()
    assert studio.refusals == ["frame_broken"]
    await studio.leave()


async def test_too_many_frames_are_refused_until_time_has_passed() -> None:
    studio = Studio()
    await studio.begin()
    await studio.connect()
    await studio.say(*[JPEG] * (FRAMES_AT_ONCE + 2))
    assert studio.refusals == ["too_many_frames"] * 2
    studio.clock.advance(SECOND)
    await studio.say(JPEG)
    assert len(studio.watching.pipeline.offered) == FRAMES_AT_ONCE + 1
    await studio.leave()


async def test_a_flood_ends_the_camera() -> None:
    studio = Studio()
    await studio.begin()
    await studio.connect()
    await studio.say(*["nonsense"] * (MESSAGES_AT_ONCE + 1))
    assert studio.closed == 1008


async def test_after_the_end_it_is_told_so() -> None:
    studio = Studio()
    await studio.begin()
    await studio.connect()
    studio.clock.set(NOW + 24 * 3_600 * SECOND + 60 * SECOND)
    studio.owner.conduct.deadlines.settle_due()
    await quiet()
    await studio.say(JPEG)
    assert studio.told[-1] == {"type": "closed"}
    assert studio.closed == 1000
    assert studio.watching.ended == [(SITTING, studio.log.state(SITTING).ended_at)]
    assert studio.watching.pipeline.offered == []


async def test_a_camera_that_can_not_be_watched_now_is_asked_to_come_back() -> None:
    studio = Studio()
    await studio.begin()
    studio.watching.trouble = Unavailable("database_away", "База данных недоступна.")
    await studio.connect()
    await studio.say(JPEG)
    assert studio.closed == 1013
    assert studio.log.state(SITTING).status == "running"
