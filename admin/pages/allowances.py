"""Allowances decided before an exam."""

from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import allowances_desk
from admin.allowances_desk import Typed
from admin.pages.door import for_staff
from admin.pages.frame import back, show
from core.access import Permission, Principal
from core.errors import AccreditationError, Invalid
from core.moments import MINUTE
from core.web.requests import database_of, read_text
from exam_server import interventions
from exam_server.closing import LONGEST_REASON

FIELDS = ("login", "blueprint", "percent", "minutes", "breaks", "reason")


@for_staff(Permission.PLANNING_EDIT)
async def show_allowances(request: Request, reader: Principal) -> Response:
    """`GET /staff/allowances`."""
    return await _allowances(request, reader, Typed())


@for_staff(Permission.PLANNING_EDIT)
async def give(request: Request, reader: Principal) -> Response:
    """`POST /staff/allowances`. Sittings that are there already follow at once."""
    typed = Typed(**{name: await read_text(request, name, LONGEST_REASON) for name in FIELDS})
    try:
        async with database_of(request).transaction() as connection:
            await allowances_desk.give(connection, typed, reader, request.app.state.clock.now())
    except Invalid as problem:
        return await _allowances(request, reader, typed, problem)
    await request.app.state.allowances.hasten()
    return back("/staff/allowances", "allowance_given")


@for_staff(Permission.PLANNING_EDIT)
async def show_list(request: Request, reader: Principal) -> Response:
    """`GET /staff/allowances/list`: what was given, the part of the page that changes by itself."""
    async with database_of(request).transaction() as connection:
        found = await allowances_desk.load_list(connection)
    return show(request, reader, "allowances_list", {"found": found, "asked": True})


async def _allowances(
    request: Request, reader: Principal, typed: Typed, problem: AccreditationError | None = None
) -> Response:
    async with database_of(request).transaction() as connection:
        found = await allowances_desk.load_list(connection)
    context = {
        "found": found,
        "asked": False,
        "typed": asdict(typed),
        "minute": MINUTE,
        "most_percent": interventions.MOST_PERCENT,
        "most_minutes": interventions.MOST_EXTRA // MINUTE,
        "most_breaks": interventions.MOST_BREAKS,
    }
    return show(request, reader, "allowances", context, problem)


routes: list[BaseRoute] = [
    Route("/staff/allowances", show_allowances, methods=["GET"]),
    Route("/staff/allowances", give, methods=["POST"]),
    Route("/staff/allowances/list", show_list, methods=["GET"]),
]
