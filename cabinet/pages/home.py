"""The cabinet's home, and entering the exam from it."""

from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from cabinet.account import has_desk
from cabinet.bookings import give_back
from cabinet.home import STEPS, find_path, load_home
from cabinet.pages.entry import for_candidates, for_examinees, read_id
from cabinet.pages.words import day_moment, points
from core.access.roles import Principal
from core.errors import AccreditationError, Conflict
from core.ids import BookingId
from core.randomness import fresh_seed
from core.web.pages import render
from core.web.requests import database_of
from exam_server.eligibility import SENTENCES
from exam_server.preparation import enter
from exam_server.scheduling import NO_BOOKING
from scoring.decision import points_needed

NOT_PREPARED = Conflict(
    "exam_not_prepared",
    "Организатор ещё не подготовил задания. Попытка не израсходована; сообщите об этом в аккредитационную подкомиссию.",
)
"""What a candidate reads where the bank can't fill the exam; what is wrong with it is for staff, in the log."""

_log = structlog.get_logger()


@for_candidates
async def show_home(request: Request, candidate: Principal) -> Response:
    """`GET /cabinet`. The open page asks with `seen` what it shows, and is reloaded only when that has changed."""
    return await _home_page(request, candidate)


@for_examinees
async def enter_exam(request: Request, candidate: Principal) -> Response:
    """`POST /cabinet/bookings/{booking}/enter`: the sitting, made at the first call; off to the exam."""
    state = request.app.state
    booking = BookingId(read_id(request.path_params["booking"], NO_BOOKING))
    try:
        async with database_of(request).transaction() as connection:
            sitting = await enter(
                connection,
                booking,
                candidate.id,
                pools=state.pools,
                seed=fresh_seed(),
                now=state.clock.now(),
                attempts_allowed=state.settings.attempts,
            )
    except Conflict as refusal:
        if refusal.code in SENTENCES:
            return await _home_page(request, candidate, refusal)
        _log.error("cabinet.entering_failed", booking=booking, code=refusal.code, message=refusal.message)
        return await _home_page(request, candidate, NOT_PREPARED)
    return RedirectResponse(f"/exam/{sitting}", status_code=303)


@for_candidates
async def cancel_booking(request: Request, candidate: Principal) -> Response:
    """`POST /cabinet/bookings/{booking}/cancel`."""
    state = request.app.state
    booking = BookingId(read_id(request.path_params["booking"], NO_BOOKING))
    try:
        async with database_of(request).transaction() as connection:
            await give_back(connection, booking, candidate, state.clock.now())
    except Conflict as refusal:
        return await _home_page(request, candidate, refusal)
    return RedirectResponse("/cabinet", status_code=303)


routes: list[BaseRoute] = [
    Route("/cabinet", show_home, methods=["GET"]),
    Route("/cabinet/bookings/{booking}/enter", enter_exam, methods=["POST"]),
    Route("/cabinet/bookings/{booking}/cancel", cancel_booking, methods=["POST"]),
]


async def _home_page(request: Request, candidate: Principal, refusal: AccreditationError | None = None) -> Response:
    state = request.app.state
    now = state.clock.now()
    async with database_of(request).transaction() as connection:
        home = await load_home(connection, candidate, now, state.settings.attempts)
    if "hx-request" in request.headers:
        shown = "" if home.next is None else f"{home.next.stage}-{home.next.booking.id}"
        same = request.query_params.get("seen") == shown
        return Response(status_code=204, headers={} if same else {"hx-redirect": "/cabinet"})
    context: dict[str, Any] = {
        "home": home,
        "now": now,
        "zone": candidate.zone,
        "refusal": refusal,
        "path": dict(zip(STEPS, find_path(home.next, home.admitted), strict=True)),
        "day_moment": day_moment,
        "points": points,
        "points_needed": points_needed,
        "has_desk": has_desk(candidate),
        "attempts_allowed": state.settings.attempts,
    }
    return render(request, "cabinet/home.html", context, 200 if refusal is None else refusal.status)
