"""The review room: the queue, one sitting's incidents, a finding for each, the decision."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import review_room
from admin.pages.door import for_staff, read_id
from admin.pages.frame import back, show
from admin.pages.sittings import describe
from admin.sittings import open_dossier
from core.access import Permission, Principal
from core.errors import AccreditationError, Forbidden, Invalid, NotFound
from core.ids import IncidentId, SittingId
from core.web.requests import database_of, read_text
from proctoring.review import Review, Ruling, Verdict


@for_staff(Permission.REVIEW_READ)
async def show_queue(request: Request, reader: Principal) -> Response:
    """`GET /staff/reviews`."""
    async with database_of(request).transaction() as connection:
        cases = await review_room.queue(connection, reader)
    return show(request, reader, "reviews", {"cases": cases, "present": None})


@for_staff(Permission.REVIEW_READ)
async def show_review(request: Request, reader: Principal) -> Response:
    """`GET /staff/reviews/{id}`."""
    return await _review(request, reader)


@for_staff(Permission.REVIEW_DECIDE)
async def find(request: Request, reader: Principal) -> Response:
    """`POST /staff/reviews/{id}/findings` with incident, verdict and reason."""
    sitting = SittingId(read_id(request))
    incident, verdict = await read_text(request, "incident", 20), await read_text(request, "verdict", 20)
    reason = await read_text(request, "reason")
    try:
        if verdict not in {one.value for one in Verdict}:
            raise Invalid("no_verdict", "Заключение не сохранено.", fields={"verdict": "Выберите заключение."})
        if not (incident.isascii() and incident.isdigit() and len(incident) <= 18):
            raise NotFound("incident_unknown", "Такого инцидента нет. Обновите страницу.")
        number = IncidentId(int(incident))
        async with database_of(request).transaction() as connection:
            now = request.app.state.clock.now()
            await review_room.find(connection, reader, sitting, number, Verdict(verdict), reason, now)
            stage = (await open_dossier(connection, sitting, reader)).review
    except Forbidden:
        raise
    except AccreditationError as problem:
        typed = {"incident": incident, "verdict": verdict, "reason": reason}
        return await _review(request, reader, problem, typed)
    return back(f"/staff/reviews/{sitting}", "found", _next(stage))


@for_staff(Permission.REVIEW_DECIDE)
async def decide(request: Request, reader: Principal) -> Response:
    """`POST /staff/reviews/{id}/decision` with ruling and reason."""
    sitting = SittingId(read_id(request))
    ruling, reason = await read_text(request, "ruling", 20), await read_text(request, "reason")
    try:
        if ruling not in {one.value for one in Ruling}:
            raise Invalid("no_ruling", "Решение не принято.", fields={"ruling": "Выберите решение."})
        async with database_of(request).transaction() as connection:
            now = request.app.state.clock.now()
            await review_room.decide(connection, reader, sitting, Ruling(ruling), reason, now)
    except Forbidden:
        raise
    except AccreditationError as problem:
        return await _review(request, reader, problem, {"ruling": ruling, "reason": reason})
    return back(f"/staff/reviews/{sitting}", "decided")


async def _review(
    request: Request,
    reader: Principal,
    problem: AccreditationError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    sitting = SittingId(read_id(request))
    async with database_of(request).transaction() as connection:
        dossier = await open_dossier(connection, sitting, reader)
        cases = await review_room.queue(connection, reader)
    following = next((case.sitting for case in cases if case.sitting != sitting), None)
    context = {
        **describe(request, reader, dossier),
        "cases": cases,
        "present": sitting,
        "following": following,
        "typed": {"incident": "", "verdict": "", "ruling": "", "reason": "", **(typed or {})},
    }
    return show(request, reader, "review", context, problem)


def _next(stage: Review) -> str:
    """Where the reviewer goes on: the next incident to read, or the decision."""
    return f"incident-{stage.unread[0]}" if stage.unread else "decision"


routes: list[BaseRoute] = [
    Route("/staff/reviews", show_queue, methods=["GET"]),
    Route("/staff/reviews/{id}", show_review, methods=["GET"]),
    Route("/staff/reviews/{id}/findings", find, methods=["POST"]),
    Route("/staff/reviews/{id}/decision", decide, methods=["POST"]),
]
