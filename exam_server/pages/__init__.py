"""What the candidate sees of the engine: the way in, and the exam page."""

from typing import Any
from zoneinfo import ZoneInfo

from msgspec import to_builtins
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from core.access import Principal, signed_in
from core.errors import NotFound
from core.moments import to_datetime
from core.web import formats, language
from core.web.pages import render
from core.web.requests import pages_for
from exam_server.connection import read_id
from exam_server.entrance import CONSENT_VERSION, Entrance, EntranceView
from exam_server.pages import edits, explanations, media, samples, steps, waiting
from exam_server.waiting import Waiting

STEPS = ("check", "consent", "identity")


@pages_for(signed_in, any_password=True)
async def show_exam(request: Request, candidate: Principal) -> Response:
    """`GET /exam/{sitting}`: the steps that are left before the start, else the exam itself.

    `?step=check|consent|identity` opens that step again while the exam has not begun. Who is not signed in is led
    to the sign-in and back, and whose own exam is not open yet to the page that waits for it. Raises NotFound for a
    sitting that does not exist or is somebody else's.
    """
    sitting = read_id(request.path_params["sitting"])
    entrance: Entrance = request.app.state.entrance
    try:
        view = await entrance.view(sitting, candidate.id)
    except NotFound:
        door: Waiting = request.app.state.waiting
        booking = await door.find_booking(sitting, candidate.id)
        return RedirectResponse(f"/exam/bookings/{booking}", status_code=303)
    if view.status == "ended":
        return RedirectResponse(f"/cabinet/results/{sitting}", status_code=303)
    wanted = request.query_params.get("step")
    if view.status == "ready" and not view.practice and (wanted in STEPS or next_step(view) is not None):
        return render(request, "exam_server/entrance.html", describe_entrance(request, view, wanted))
    return render(request, "exam_server/exam.html", describe_exam(request, view, candidate))


def next_step(view: EntranceView) -> str | None:
    """The first step that is not done; None when the candidate may begin. Practice has none."""
    if view.practice:
        return None
    if not view.checked:
        return "check"
    if not view.consented:
        return "consent"
    return None if view.admitted else "identity"


def describe_entrance(request: Request, view: EntranceView, wanted: str | None) -> dict[str, Any]:
    """What the entrance template needs. A wanted step is shown only where the ones before it are done."""
    due = next_step(view) or "done"
    places = (*STEPS, "done")
    step = wanted if wanted in STEPS and places.index(wanted) <= places.index(due) else due
    done = {"check": view.checked, "consent": view.consented, "identity": view.admitted}
    return {
        "view": view,
        "step": step,
        "path": {name: "current" if name == step else "done" if done[name] else "next" for name in STEPS},
        "data": {
            "sitting": view.sitting,
            "step": step,
            "version": CONSENT_VERSION,
            "checked": view.checked,
            "consented": view.consented,
            "biometrics": view.biometrics,
            "pictures_left": view.pictures_left,
            "admitted": view.admitted,
        },
    }


def describe_exam(request: Request, view: EntranceView, candidate: Principal) -> dict[str, Any]:
    """What the exam template needs."""
    pages = request.app.state.pages
    local = to_datetime(view.closes_at).astimezone(ZoneInfo(candidate.zone))
    return {
        "view": view,
        "data": {
            "sitting": view.sitting,
            "candidate": candidate.name,
            "title": view.title,
            "speciality": view.speciality,
            "items": view.items,
            "exam_limit": view.exam_limit,
            "zone": candidate.zone,
            "zone_text": formats.zone_text(local, language.of(request)),
            "sections": [to_builtins(section) for section in view.sections],
            "practice": view.practice,
            "icons": pages.asset("core/icons.svg"),
        },
    }


routes: list[BaseRoute] = [
    *waiting.routes,
    Route("/exam/{sitting}", show_exam, methods=["GET"]),
    *steps.routes,
    *edits.routes,
    *samples.routes,
    *explanations.routes,
    *media.routes,
]
