"""The timetable: windows that are open, to come or over, and planning a new one."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import planning
from admin.pages.door import for_staff, read_page
from admin.pages.frame import back, pages_of, show
from admin.planning import Plan
from core.access import Permission, Principal
from core.errors import AccreditationError, Forbidden
from core.web.requests import database_of, read_text
from question_bank.blueprint_store import list_blueprints

FIELDS = ("blueprint", "day", "time", "hours", "capacity", "place")
EMPTY = {"blueprint": "", "day": "", "time": "09:00", "hours": "8", "capacity": "30", "place": ""}


@for_staff(Permission.PLANNING_EDIT)
async def show_windows(request: Request, reader: Principal) -> Response:
    """`GET /staff/windows?past=1&page=`."""
    return await _windows(request, reader, EMPTY)


@for_staff(Permission.PLANNING_EDIT)
async def plan(request: Request, reader: Principal) -> Response:
    """`POST /staff/windows`."""
    typed = {name: await read_text(request, name, 300) for name in FIELDS}
    try:
        async with database_of(request).transaction() as connection:
            await planning.plan_window(connection, Plan(**typed), reader, request.app.state.clock.now())
    except Forbidden:
        raise
    except AccreditationError as problem:
        return await _windows(request, reader, typed, problem)
    return back("/staff/windows", "window")


async def _windows(
    request: Request, reader: Principal, typed: dict[str, str], problem: AccreditationError | None = None
) -> Response:
    past, page, now = request.query_params.get("past") == "1", read_page(request), request.app.state.clock.now()
    async with database_of(request).transaction() as connection:
        found = await planning.list_all_windows(connection, now, past=past, page=page)
        blueprints = await list_blueprints(connection)
    context = {
        "found": found,
        "blueprints": blueprints,
        "typed": typed,
        "past": past,
        "now": now,
        "page": page,
        "pages": pages_of(found.total, planning.PAGE),
        "address": "/staff/windows?past=1&page=" if past else "/staff/windows?page=",
    }
    return show(request, reader, "windows", context, problem)


routes: list[BaseRoute] = [
    Route("/staff/windows", show_windows, methods=["GET"]),
    Route("/staff/windows", plan, methods=["POST"]),
]
