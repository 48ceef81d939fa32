"""The page in front of an exam that is not open yet. It goes in by itself once it is."""

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from core.access import Principal, signed_in
from core.errors import NotFound
from core.ids import BookingId
from core.web.pages import render
from core.web.requests import pages_for, read_number
from exam_server.scheduling import NO_BOOKING
from exam_server.waiting import Wait, Waiting


@pages_for(signed_in, any_password=True)
async def show_wait(request: Request, candidate: Principal) -> Response:
    """`GET /exam/bookings/{booking}`; who has come in is led on to the exam. Raises NotFound."""
    found = await _view(request, candidate)
    if found.sitting is not None:
        return RedirectResponse(f"/exam/{found.sitting}", status_code=303)
    data = {"booking": found.booking, "state": found.state, "opensAt": found.opens_at, "now": found.now}
    return render(request, "exam_server/waiting.html", {"view": found, "data": data})


async def tell_wait(request: Request) -> Response:
    """`GET /exam/bookings/{booking}/state`: where the candidate stands and what time it is, as JSON.

    Raises NotFound.
    """
    found = await _view(request, signed_in(request))
    return JSONResponse({"state": found.state, "opensAt": found.opens_at, "now": found.now})


async def _view(request: Request, candidate: Principal) -> Wait:
    waiting: Waiting = request.app.state.waiting
    booking = read_number(request.path_params["booking"])
    if booking is None:
        raise NotFound(NO_BOOKING.code, NO_BOOKING.message)
    return await waiting.view(BookingId(booking), candidate)


routes: list[BaseRoute] = [
    Route("/exam/bookings/{booking}", show_wait, methods=["GET"]),
    Route("/exam/bookings/{booking}/state", tell_wait, methods=["GET"]),
]
