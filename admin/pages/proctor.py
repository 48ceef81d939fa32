"""The proctor room: the wall, one place looked at closely, and what a proctor may do there."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin.chronicle import Writer, clock_text, in_order
from admin.pages.door import for_staff, read_id
from admin.pages.frame import back, say_in, show
from admin.proctor_room import Tile, Wall, open_tile
from admin.sittings import refuse_own
from core.access import Permission, Principal, people
from core.errors import AccreditationError, Forbidden, Invalid
from core.ids import SittingId
from core.moments import MINUTE
from core.web.pages import Pages
from core.web.requests import database_of, read_text
from exam_server import store
from exam_server.camera import Observation
from exam_server.entrance import Entrance
from exam_server.events import Ended, Extended
from exam_server.invigilation import Invigilation
from exam_server.sitting import Sitting, fold
from exam_server.timing import exam_deadline
from proctoring import store as watched

NO_STORE = {"cache-control": "no-store"}
MOST_LINES = 200


def wall_of(app: Starlette) -> Wall:
    """The one wall of this process."""
    wall: Wall | None = getattr(app.state, "proctor_wall", None)
    if wall is None:
        wall = app.state.proctor_wall = Wall(app.state.database)
    return wall


def seen_by(reader: Principal, tiles: tuple[Tile, ...]) -> tuple[Tile, ...]:
    """What a proctor sees of the wall: everybody but themselves."""
    return tuple(tile for tile in tiles if tile.candidate != reader.id)


def draw_tile(app: Starlette, tile: Tile, zone: str, lang: str) -> str:
    """One tile as HTML: the same on the first page and in every later change."""
    pages: Pages = app.state.pages
    return pages.text("admin/proctor_tile.html", {"tile": tile, "zone": zone, "now": app.state.clock.now()}, lang)


@for_staff(Permission.PROCTOR_WATCH)
async def show_wall(request: Request, reader: Principal) -> Response:
    """`GET /staff/proctor`."""
    tiles = seen_by(reader, await wall_of(request.app).tiles())
    return show(request, reader, "proctor_wall", {"tiles": tiles, "now": request.app.state.clock.now()})


@for_staff(Permission.PROCTOR_WATCH)
async def show_place(request: Request, reader: Principal) -> Response:
    """`GET /staff/proctor/{id}`."""
    return await _place(request, reader)


@for_staff(Permission.PROCTOR_WATCH)
async def show_panel(request: Request, reader: Principal) -> Response:
    """`GET /staff/proctor/{id}/panel`: the part of the page that changes by itself."""
    sitting = SittingId(read_id(request))
    return show(request, reader, "proctor_panel", await _context(request, reader, sitting))


@for_staff(Permission.PROCTOR_WATCH)
async def show_still(request: Request, reader: Principal) -> Response:
    """`GET /staff/proctor/{id}/still.jpg`: the newest frame; 204 while there is none."""
    sitting = SittingId(read_id(request))
    camera: Observation = request.app.state.camera
    newest = camera.latest(sitting)
    if newest is None:
        return Response(status_code=204, headers=NO_STORE)
    async with database_of(request).transaction() as connection:
        refuse_own(reader, (await store.load_card(connection, sitting)).candidate)
    jpeg, at = newest
    return Response(jpeg, media_type="image/jpeg", headers={**NO_STORE, "x-taken-at": str(at)})


@for_staff(Permission.PROCTOR_ACT)
async def give_time(request: Request, reader: Principal) -> Response:
    """`POST /staff/proctor/{id}/time` with minutes and reason."""
    sitting = await _place_of_another(request, reader)
    minutes, reason = (await read_text(request, "minutes", 20)).strip(), await read_text(request, "reason")
    invigilation: Invigilation = request.app.state.invigilation
    try:
        if not (minutes.isascii() and minutes.isdigit() and len(minutes) <= 4):
            raise Invalid("bad_span", "Время не добавлено.", fields={"minutes": "Целое число от 1 до 240."})
        await invigilation.give_time(sitting, reader.id, int(minutes), reason)
    except AccreditationError as problem:
        return await _place(request, reader, problem, {"form": "time", "minutes": minutes, "reason": reason})
    return back(f"/staff/proctor/{sitting}", "time")


@for_staff(Permission.PROCTOR_ACT)
async def end(request: Request, reader: Principal) -> Response:
    """`POST /staff/proctor/{id}/end` with a reason."""
    sitting = await _place_of_another(request, reader)
    reason = await read_text(request, "reason")
    invigilation: Invigilation = request.app.state.invigilation
    try:
        await invigilation.end(sitting, reader.id, reason)
    except AccreditationError as problem:
        return await _place(request, reader, problem, {"form": "end", "reason": reason})
    return back(f"/staff/proctor/{sitting}", "ended")


@for_staff(Permission.PROCTOR_ACT)
async def confirm_identity(request: Request, reader: Principal) -> Response:
    """`POST /staff/proctor/{id}/identity`: the passport was compared with the face."""
    sitting = await _place_of_another(request, reader)
    entrance: Entrance = request.app.state.entrance
    try:
        await entrance.confirm_identity(sitting, reader.id)
    except Forbidden:
        raise
    except AccreditationError as problem:
        return await _place(request, reader, problem)
    return back(f"/staff/proctor/{sitting}", "identity")


async def _place(
    request: Request,
    reader: Principal,
    problem: AccreditationError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    sitting = SittingId(read_id(request))
    context = await _context(request, reader, sitting)
    context["typed"] = {"form": "", "minutes": "10", "reason": "", **(typed or {})}
    return show(request, reader, "proctor_place", context, problem)


async def _place_of_another(request: Request, reader: Principal) -> SittingId:
    sitting = SittingId(read_id(request))
    async with database_of(request).transaction() as connection:
        refuse_own(reader, (await store.load_card(connection, sitting)).candidate)
    return sitting


async def _context(request: Request, reader: Principal, sitting: SittingId) -> dict[str, Any]:
    state = request.app.state
    async with database_of(request).transaction() as connection:
        card = await store.load_card(connection, sitting)
        refuse_own(reader, card.candidate)
        events = await store.load_events(connection, sitting)
        folded: Sitting = fold(sitting, events)
        tile = await open_tile(connection, folded)
        incidents = await watched.incidents_of(connection, sitting)
        gaps = await watched.gaps_of(connection, sitting)
        notes = await store.load_notes(connection, sitting)
        ids = {card.candidate, *(note.author for note in notes.values())}
        ids |= {event.by for event in events if isinstance(event, Extended | Ended) and event.by is not None}
        names = {one.id: one.name for one in await people(connection, ids)}
    say, lang = say_in(request)
    writer = Writer(say, lang, names, notes)
    told = [line for line in writer.lines(events) if not line.minor]
    lines = in_order(told, writer.incident_lines(incidents), writer.gap_lines(gaps))
    now = state.clock.now()
    return {
        "card": card,
        "name": names.get(card.candidate, ""),
        "tile": tile,
        "sitting": folded,
        "deadline": exam_deadline(folded),
        "left": max(0, exam_deadline(folded) - now),
        "now": now,
        "answered": sum(1 for item in folded.items if any(item.answers)),
        "lines": [(clock_text(line.at, reader.zone), line) for line in reversed(lines[-MOST_LINES:])],
        "incidents": len(incidents),
        "extra_minutes": folded.extra // MINUTE,
    }


routes: list[BaseRoute] = [
    Route("/staff/proctor", show_wall, methods=["GET"]),
    Route("/staff/proctor/{id}", show_place, methods=["GET"]),
    Route("/staff/proctor/{id}/panel", show_panel, methods=["GET"]),
    Route("/staff/proctor/{id}/still.jpg", show_still, methods=["GET"]),
    Route("/staff/proctor/{id}/time", give_time, methods=["POST"]),
    Route("/staff/proctor/{id}/end", end, methods=["POST"]),
    Route("/staff/proctor/{id}/identity", confirm_identity, methods=["POST"]),
]
