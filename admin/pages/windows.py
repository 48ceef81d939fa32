"""The timetable: windows that are open, to come or over, and planning a new one."""

from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import planning
from admin.forms_desk import list_choices
from admin.pages.door import for_staff, read_id, read_page
from admin.pages.frame import back, pages_of, show
from admin.planning import Plan
from core.access import Permission, Principal
from core.errors import AccreditationError, Conflict, Forbidden, Invalid
from core.ids import WindowId
from core.moments import to_datetime
from core.web.requests import database_of, read_field, read_text
from exam_server.closing import LONGEST_REASON, cancel_window, read_reason
from exam_server.scheduling import load_window
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
            await planning.plan_window(
                connection, Plan(**typed), reader, request.app.state.pools, request.app.state.clock.now()
            )
    except Forbidden:
        raise
    except AccreditationError as problem:
        return await _windows(request, reader, typed, problem)
    return back("/staff/windows", "window")


@for_staff(Permission.PLANNING_EDIT)
async def show_window(request: Request, reader: Principal) -> Response:
    """`GET /staff/windows/{id}`."""
    return await _window(request, reader)


@for_staff(Permission.PLANNING_EDIT)
async def cancel(request: Request, reader: Principal) -> Response:
    """`POST /staff/windows/{id}/cancel` with `reason`: asks what is meant, and does it once it comes with `sure`."""
    typed = {"cancel_reason": await read_text(request, "reason", LONGEST_REASON)}
    window, now = WindowId(read_id(request)), request.app.state.clock.now()
    try:
        async with database_of(request).transaction() as connection:
            if await read_field(request, "sure") != "yes":
                reason = read_reason(typed["cancel_reason"])
                sheet = await planning.open_sheet(connection, window)
                if not sheet.is_over(now):
                    return show(request, reader, "window_cancel", {"sheet": sheet, "reason": reason})
            await cancel_window(connection, window, reader.id, typed["cancel_reason"], now)
    except (Conflict, Invalid) as problem:
        return await _window(request, reader, typed, problem)
    await request.app.state.closing.hasten()
    return back(f"/staff/windows/{window}", "window_cancelled")


@for_staff(Permission.PLANNING_EDIT)
async def move(request: Request, reader: Principal) -> Response:
    """`POST /staff/windows/{id}/close` with `day`, `time` and `reason`."""
    typed = {name: await read_text(request, name, LONGEST_REASON) for name in ("day", "time", "reason")}
    window, now = WindowId(read_id(request)), request.app.state.clock.now()
    try:
        async with database_of(request).transaction() as connection:
            await planning.move_window_close(
                connection, window, typed["day"], typed["time"], typed["reason"], reader, now
            )
    except (Conflict, Invalid) as problem:
        return await _window(request, reader, typed, problem)
    await request.app.state.closing.hasten()
    return back(f"/staff/windows/{window}", "window_moved")


@for_staff(Permission.PLANNING_EDIT)
async def show_state(request: Request, reader: Principal) -> Response:
    """`GET /staff/windows/{id}/state`: how far decisions have come, the part of the page that changes by itself."""
    async with database_of(request).transaction() as connection:
        sheet = await planning.open_sheet(connection, WindowId(read_id(request)))
    return show(request, reader, "window_state", {"sheet": sheet, "asked": True})


async def _window(
    request: Request,
    reader: Principal,
    typed: dict[str, str] | None = None,
    problem: AccreditationError | None = None,
) -> Response:
    async with database_of(request).transaction() as connection:
        sheet = await planning.open_sheet(connection, WindowId(read_id(request)))
        held = await load_window(connection, sheet.window.id)
        choices = await list_choices(connection, held.blueprint, held.blueprint_version)
    local = to_datetime(sheet.window.closes_at).astimezone(ZoneInfo(reader.zone))
    usual = {"day": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M}", "reason": "", "cancel_reason": ""}
    now = request.app.state.clock.now()
    context = {
        "sheet": sheet,
        "now": now,
        "asked": False,
        "typed": {**usual, **(typed or {})},
        "given": held.fixed_form or "",
        "choices": choices,
    }
    return show(request, reader, "window", context, problem)


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
    Route("/staff/windows/{id}", show_window, methods=["GET"]),
    Route("/staff/windows/{id}/state", show_state, methods=["GET"]),
    Route("/staff/windows/{id}/cancel", cancel, methods=["POST"]),
    Route("/staff/windows/{id}/close", move, methods=["POST"]),
]
