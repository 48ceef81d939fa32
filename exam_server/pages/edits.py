"""Edits over HTTP, for a page whose WebSockets a proxy blocks."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from core.access import signed_in
from core.errors import Invalid
from core.web import csrf
from exam_server.connection import caller, read_id
from exam_server.fallback import Fallback, read_letter
from exam_server.pages.steps import read_body

MAX_EDITS_BODY = 65_536


async def exchange_edits(request: Request) -> Response:
    """`POST /exam/{sitting}/edits` with a Letter as JSON; answers `{"messages": [...]}`, those of the exam socket."""
    candidate = signed_in(request)
    await csrf.require(request)
    body = await read_body(request, MAX_EDITS_BODY)
    try:
        letter = read_letter(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Invalid(
            "invalid_message",
            "Данные страницы не прочитаны. Обновите страницу и повторите.",
            fields={"body": str(error)[:200]},
        ) from None
    fallback: Fallback = request.app.state.fallback
    sitting = read_id(request.path_params["sitting"])
    told = await fallback.answer(sitting, candidate.id, letter, caller(request.scope))
    return Response(b'{"messages":[' + b",".join(told) + b"]}", media_type="application/json")


routes: list[BaseRoute] = [Route("/exam/{sitting}/edits", exchange_edits, methods=["POST"])]
