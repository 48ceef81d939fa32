"""Practice: begun from here at any time, with the history of errors below it."""

from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from cabinet.account import has_desk
from cabinet.pages.entry import for_candidates, read_id
from cabinet.pages.words import item_text, item_words, percent, points
from cabinet.plot import HEIGHT, WIDTH, draw_line
from cabinet.practice import load_practice_page, load_run
from core.access.roles import Principal
from core.errors import AccreditationError, Conflict, NotFound, TooMany
from core.ids import BlueprintId, SittingId
from core.randomness import fresh_seed
from core.web.pages import render
from core.web.requests import database_of, read_field
from exam_server.media import EXPLAINED_FOR
from exam_server.practice import Signing, begin_run
from exam_server.store import NO_SITTING
from scoring.decision import points_needed

LONGEST_ID = 200
NOT_PREPARED = Conflict(
    "practice_not_prepared", "Заданий для этой тренировки пока не хватает. Выберите другую или зайдите позже."
)

_log = structlog.get_logger()


@for_candidates
async def show_practice(request: Request, candidate: Principal) -> Response:
    """`GET /cabinet/practice`: what can be begun, what was, and the errors by requirement."""
    return await _practice_page(request, candidate)


@for_candidates
async def begin(request: Request, candidate: Principal) -> Response:
    """`POST /cabinet/practice` with the field `exam`: a new run, or the unfinished one; off to it."""
    state = request.app.state
    exam = BlueprintId(await read_field(request, "exam", LONGEST_ID))
    try:
        async with database_of(request).transaction() as connection:
            sitting = await begin_run(
                connection, exam, candidate.id, pools=state.pools, seed=fresh_seed(), now=state.clock.now()
            )
    except (Conflict, NotFound, TooMany) as refusal:
        if refusal.code == "blueprint_unfillable":
            _log.error("cabinet.practice_failed", exam=exam, message=refusal.message)
            return await _practice_page(request, candidate, NOT_PREPARED)
        return await _practice_page(request, candidate, refusal)
    return RedirectResponse(f"/exam/{sitting}", status_code=303)


@for_candidates
async def show_run(request: Request, candidate: Principal) -> Response:
    """`GET /cabinet/practice/{sitting}`: every item of a finished run, explained; an unfinished one goes on."""
    sitting = SittingId(read_id(request.path_params["sitting"], NO_SITTING))
    async with database_of(request).transaction() as connection:
        view = await load_run(connection, sitting, candidate.id, _signing(request))
    if view is None:
        return RedirectResponse(f"/cabinet/results/{sitting}", status_code=303)
    return render(request, "cabinet/practice_run.html", {"view": view, **_common(candidate)})


routes: list[BaseRoute] = [
    Route("/cabinet/practice", show_practice, methods=["GET"]),
    Route("/cabinet/practice", begin, methods=["POST"]),
    Route("/cabinet/practice/{sitting}", show_run, methods=["GET"]),
]


async def _practice_page(request: Request, candidate: Principal, refusal: AccreditationError | None = None) -> Response:
    async with database_of(request).transaction() as connection:
        practice = await load_practice_page(connection, candidate.id, _signing(request))
    context = {"practice": practice, "refusal": refusal, **_common(candidate)}
    return render(request, "cabinet/practice.html", context, 200 if refusal is None else refusal.status)


def _signing(request: Request) -> Signing:
    state = request.app.state
    return Signing(state.media_key, state.clock.now() + EXPLAINED_FOR)


def _common(candidate: Principal) -> dict[str, Any]:
    return {
        "zone": candidate.zone,
        "has_desk": has_desk(candidate),
        "points": points,
        "points_needed": points_needed,
        "percent": percent,
        "draw_line": draw_line,
        "item_text": item_text,
        "item_words": item_words,
        "plot_size": (WIDTH, HEIGHT),
    }
