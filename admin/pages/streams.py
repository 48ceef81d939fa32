"""The live streams of the proctor room: server-sent events that end with the server, with the login, and by themselves.

Each stream lives for a few minutes and is then opened anew by the page, so that a login that has ended, or a role
that was taken away, ends it too. What is sent is always read from the database: a message on a live channel only
says that it is time to look.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from admin.pages.door import for_staff, read_id
from admin.pages.proctor import draw_tile, seen_by, wall_of
from admin.proctor_room import Tile, changes, in_slices
from admin.sittings import open_card
from core.access import Permission, Principal
from core.clock import elapsed_seconds
from core.errors import TooMany, Unavailable
from core.ids import PersonId, SittingId
from core.live import ROOM, Live, Subscription, channel_of
from core.web import language
from core.web.requests import database_of

LIFE_SECONDS = 240.0
HEARTBEAT_SECONDS = 10.0
LOOK_SECONDS = 2.0
"""How often the wall is looked at without having been told."""
REST_SECONDS = 0.5
"""The least time between two looks of one stream."""
PULSE_SECONDS = 1.0
"""How long a stream sleeps at most before it looks whether the server is stopping."""
MOST_STREAMS = 12
"""Open at once for one person: tabs that are forgotten must not use up the server."""

HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


class Heard(msgspec.Struct):
    """What tells one message of a sitting's channel from another."""

    kind: str = ""
    at: int = 0
    faces: int | None = None


class WallChange(msgspec.Struct):
    """The places that changed, as HTML by sitting, and all places in their order."""

    order: list[SittingId]
    tiles: dict[str, str]


@for_staff(Permission.PROCTOR_WATCH)
async def stream_wall(request: Request, reader: Principal) -> Response:
    """`GET /staff/proctor/events`."""
    return _open(request, reader, wall_events(request.app, reader, language.of(request)))


@for_staff(Permission.PROCTOR_WATCH)
async def stream_place(request: Request, reader: Principal) -> Response:
    """`GET /staff/proctor/{id}/events`."""
    sitting = SittingId(read_id(request))
    async with database_of(request).transaction() as connection:
        await open_card(connection, sitting, reader)
    return _open(request, reader, place_events(request.app, sitting))


async def wall_events(app: Starlette, reader: Principal, lang: str) -> AsyncGenerator[bytes, None]:
    """First the whole wall, then what changes, and `away` while the database does not answer."""
    live: Live = app.state.live
    known: dict[SittingId, Tile] = {}
    order: list[SittingId] | None = None
    pulse = _Pulse(app)
    async with live.subscribe(ROOM) as room:
        while pulse.beats:
            try:
                tiles = seen_by(reader, await wall_of(app).tiles())
            except Unavailable:
                yield _event("away", b"{}")
            else:
                fresh = changes(known, tiles)
                now_in_order = [tile.sitting for tile in tiles]
                if fresh or now_in_order != order:
                    drawn = {
                        str(tile.sitting): draw_tile(app, tile, reader.zone, lang) async for tile in in_slices(fresh)
                    }
                    yield _event("wall", msgspec.json.encode(WallChange(now_in_order, drawn)))
                    known, order = {tile.sitting: tile for tile in tiles}, now_in_order
            if pulse.silent:
                yield _event("beat", b"{}")
            await asyncio.sleep(REST_SECONDS)
            await pulse.wait(room, LOOK_SECONDS)


async def place_events(app: Starlette, sitting: SittingId) -> AsyncGenerator[bytes, None]:
    """`frame` when a new picture is there, `changed` when the rest of the page should be read again."""
    live: Live = app.state.live
    pulse = _Pulse(app)
    async with live.subscribe(channel_of(sitting)) as news:
        yield _event("changed", b"{}")
        while pulse.beats:
            message = await pulse.wait(news, LOOK_SECONDS)
            heard = _read(message)
            if heard is not None and heard.kind == "frame":
                yield _event("frame", msgspec.json.encode(heard))
            elif heard is not None:
                yield _event("changed", b"{}")
            if pulse.silent:
                # Whoever holds the sitting may be a process that this one does not hear.
                yield _event("changed", b"{}")


class _Pulse:
    """When a stream should go on, say something, or end."""

    def __init__(self, app: Starlette) -> None:
        self._stopping: asyncio.Event = app.state.stopping
        self._ends = elapsed_seconds() + LIFE_SECONDS
        self._said = elapsed_seconds()

    @property
    def beats(self) -> bool:
        return not self._stopping.is_set() and elapsed_seconds() < self._ends

    @property
    def silent(self) -> bool:
        """True once in a heartbeat."""
        now = elapsed_seconds()
        if now - self._said < HEARTBEAT_SECONDS:
            return False
        self._said = now
        return True

    async def wait(self, subscription: Subscription, seconds: float) -> bytes | None:
        """The next message, None when none came in time or the server is stopping."""
        until = elapsed_seconds() + seconds
        while self.beats and (left := until - elapsed_seconds()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, PULSE_SECONDS)):
                    return await anext(subscription)
        return None


def _read(message: bytes | None) -> Heard | None:
    if message is None:
        return None
    try:
        return msgspec.json.decode(message, type=Heard)
    except msgspec.DecodeError:
        return None


def _event(name: str, data: bytes) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)


def _open(request: Request, reader: Principal, events: AsyncGenerator[bytes, None]) -> Response:
    streams: Counter[PersonId] | None = getattr(request.app.state, "proctor_streams", None)
    if streams is None:
        streams = request.app.state.proctor_streams = Counter()
    if streams[reader.id] >= MOST_STREAMS:
        raise TooMany("too_many_streams", "Открыто слишком много страниц наблюдения. Закройте лишние вкладки.")
    return StreamingResponse(_counted(streams, reader.id, events), media_type="text/event-stream", headers=HEADERS)


async def _counted(
    streams: Counter[PersonId], reader: PersonId, events: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    streams[reader] += 1
    try:
        async with aclosing(events):
            async for event in events:
                yield event
    finally:
        streams[reader] -= 1


routes: list[BaseRoute] = [
    Route("/staff/proctor/events", stream_wall, methods=["GET"]),
    Route("/staff/proctor/{id}/events", stream_place, methods=["GET"]),
]
