"""A candidate's own result: waiting for it, then reading it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from cabinet.account import has_desk
from cabinet.outcomes import load_view
from cabinet.pages.entry import for_candidates, read_id
from cabinet.pages.words import day_moment, percent, points
from core.access.roles import Principal
from core.ids import SittingId
from core.web.pages import render
from core.web.problems import prefers_json
from core.web.requests import database_of
from exam_server.store import NO_SITTING
from scoring.decision import points_needed

PATIENCE = (2, 3, 5, 8, 13, 20, 30)
"""Seconds until the waiting page asks again, the last of them for ever."""


@for_candidates
async def show_result(request: Request, candidate: Principal) -> Response:
    """`GET /cabinet/results/{sitting}`: the page, or its bare fate for a client that prefers JSON.

    `asked` counts how often the waiting page has asked already.
    """
    state = request.app.state
    sitting = SittingId(read_id(request.path_params["sitting"], NO_SITTING))
    asked = request.query_params.get("asked", "0")
    times = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 0
    async with database_of(request).transaction() as connection:
        view = await load_view(connection, sitting, candidate.id, state.clock.now(), state.settings.attempts)
    if prefers_json(request):
        return JSONResponse({"sitting": sitting, "fate": view.fate})
    context: dict[str, Any] = {
        "view": view,
        "zone": candidate.zone,
        "points": points,
        "points_needed": points_needed,
        "percent": percent,
        "day_moment": day_moment,
        "has_desk": has_desk(candidate),
        "asks_in": PATIENCE[min(times, len(PATIENCE) - 1)],
        "asked": times + 1,
        "attempts_allowed": state.settings.attempts,
    }
    if "hx-request" not in request.headers:
        return render(request, "cabinet/result.html", context)
    if view.fate == "computing":
        return render(request, "cabinet/asking.html", context)
    return Response(status_code=204, headers={"hx-refresh": "true"})


routes: list[BaseRoute] = [Route("/cabinet/results/{sitting}", show_result, methods=["GET"])]
