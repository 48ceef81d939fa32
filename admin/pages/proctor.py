"""The proctor room: the wall, and one place looked at closely. What a proctor does there stands in `acts`."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin.chronicle import Writer, actors, allowance_text, clock_text, in_order
from admin.pages.door import for_staff, read_id
from admin.pages.frame import say_in, show
from admin.pages.sittings import describe_connectivity
from admin.place import clocks, cut_off, notices
from admin.proctor_room import Tile, Wall, open_tile
from admin.sittings import open_card
from core.access import Permission, Principal, people
from core.errors import AccreditationError
from core.ids import SittingId
from core.moments import MINUTE, to_datetime
from core.web.pages import Pages
from core.web.requests import database_of
from exam_server import store
from exam_server.camera import Observation
from exam_server.connectivity import Place, proposed_minutes, trace
from exam_server.events import NO_ALLOWANCE, AnyEvent, HelpAsked
from exam_server.invigilation import LONGEST_MESSAGE, LONGEST_REASON, LONGEST_SHOWN
from exam_server.turns import fold_in_turns
from proctoring import store as watched
from question_bank.blueprint_store import load_blueprint

NO_STORE = {"cache-control": "no-store"}
MOST_LINES = 200
CLOCK_WORDS = {
    "exam": "Осталось на тестирование",
    "section": "Осталось на раздел",
    "item": "Осталось на задание",
    "window": "До закрытия",
}
BOUNDS = {"message": LONGEST_MESSAGE, "shown": LONGEST_SHOWN, "reason": LONGEST_REASON}
"""Characters of what is typed at a place."""


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
    return await draw_place(request, reader)


@for_staff(Permission.PROCTOR_WATCH)
async def show_panel(request: Request, reader: Principal) -> Response:
    """`GET /staff/proctor/{id}/panel`: the part of the page that changes by itself."""
    sitting = SittingId(read_id(request))
    return show(request, reader, "proctor_fresh", {**await _context(request, reader, sitting), "typed": {"form": ""}})


@for_staff(Permission.PROCTOR_WATCH)
async def show_connection(request: Request, reader: Principal) -> Response:
    """`GET /staff/proctor/{id}/connection`: when the candidate was connected, from where and with what."""
    sitting = SittingId(read_id(request))
    async with database_of(request).transaction() as connection:
        card = await open_card(connection, sitting, reader)
        events = await store.load_events(connection, sitting)
        rows = await store.load_connections(connection, sitting)
        names = {one.id: one.name for one in await people(connection, {card.candidate})}
    say, _ = say_in(request)
    described = describe_connectivity(events, rows, request.app.state.clock.now(), say)
    context = {"card": card, "name": names.get(card.candidate, ""), **described}
    return show(request, reader, "proctor_connection", context)


@for_staff(Permission.PROCTOR_WATCH)
async def show_still(request: Request, reader: Principal) -> Response:
    """`GET /staff/proctor/{id}/still.jpg`: the newest frame; 204 while there is none."""
    sitting = SittingId(read_id(request))
    camera: Observation = request.app.state.camera
    newest = camera.latest(sitting)
    if newest is None:
        return Response(status_code=204, headers=NO_STORE)
    async with database_of(request).transaction() as connection:
        await open_card(connection, sitting, reader)
    jpeg, at = newest
    return Response(jpeg, media_type="image/jpeg", headers={**NO_STORE, "x-taken-at": str(at)})


async def draw_place(
    request: Request,
    reader: Principal,
    problem: AccreditationError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    """The place with its acts. `typed`: what a refused form held, and which form it was."""
    sitting = SittingId(read_id(request))
    context = await _context(request, reader, sitting)
    card: store.SittingCard = context["card"]
    async with database_of(request).transaction() as connection:
        context["exam"] = await load_blueprint(connection, card.blueprint, card.blueprint_version)
    context["typed"] = {"form": "", **(typed or {})}
    return show(request, reader, "proctor_place", context, problem)


async def place_of_another(request: Request, reader: Principal) -> SittingId:
    """The sitting in the address. Raises NotFound, and Forbidden for the reader's own."""
    sitting = SittingId(read_id(request))
    async with database_of(request).transaction() as connection:
        await open_card(connection, sitting, reader)
    return sitting


async def _context(request: Request, reader: Principal, sitting: SittingId) -> dict[str, Any]:
    async with database_of(request).transaction() as connection:
        card = await open_card(connection, sitting, reader)
        events = await store.load_events(connection, sitting)
        folded = await fold_in_turns(sitting, events)
        rows = await store.load_connections(connection, sitting)
        now = request.app.state.clock.now()
        record = trace(events, {row["epoch"]: Place(row["address"], row["device"]) for row in rows}, now)
        tile = await open_tile(connection, folded, record.away_since)
        incidents = await watched.incidents_of(connection, sitting)
        gaps = await watched.gaps_of(connection, sitting)
        notes = await store.load_notes(connection, sitting)
        ids = {card.candidate, *(note.author for note in notes.values()), *actors(events)}
        names = {one.id: one.name for one in await people(connection, ids)}
    say, lang = say_in(request)
    writer = Writer(say, lang, names, notes, reader.zone)
    told = [line for line in writer.lines(events) if not line.minor]
    lines = in_order(told, writer.incident_lines(incidents), writer.gap_lines(gaps))
    closes_at = to_datetime(folded.closes_at).astimezone(ZoneInfo(reader.zone))
    return {
        "card": card,
        "name": names.get(card.candidate, ""),
        "names": names,
        "notes": notes,
        "tile": tile,
        "sitting": folded,
        "clocks": clocks(folded, now),
        "clock_words": CLOCK_WORDS,
        "cut": cut_off(folded, now),
        "now": now,
        "answered": sum(1 for item in folded.items if any(item.answers)),
        "lines": [(clock_text(line.at, reader.zone), line) for line in reversed(lines[-MOST_LINES:])],
        "incidents": len(incidents),
        "extra_minutes": folded.extra // MINUTE,
        "told": notices(events),
        "record": record,
        "proposed": proposed_minutes(record),
        "allowance": allowance_text(folded.allowance, say, lang) if folded.allowance != NO_ALLOWANCE else "",
        "closes_on": (closes_at.strftime("%Y-%m-%d"), closes_at.strftime("%H:%M")),
        "bounds": BOUNDS,
        "call_text": _call_text(events, notes),
    }


def _call_text(events: Sequence[AnyEvent], notes: Mapping[int, store.Note]) -> str:
    """What the candidate wrote with the newest call for help."""
    note = next((event.note for event in reversed(events) if isinstance(event, HelpAsked)), None)
    found = None if note is None else notes.get(note)
    return "" if found is None else found.body


routes: list[BaseRoute] = [
    Route("/staff/proctor", show_wall, methods=["GET"]),
    Route("/staff/proctor/{id}", show_place, methods=["GET"]),
    Route("/staff/proctor/{id}/panel", show_panel, methods=["GET"]),
    Route("/staff/proctor/{id}/connection", show_connection, methods=["GET"]),
    Route("/staff/proctor/{id}/still.jpg", show_still, methods=["GET"]),
]
