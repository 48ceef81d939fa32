"""What a page of practice is told about a locked item."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from core.access import signed_in
from core.errors import NotFound
from core.web.requests import database_of
from exam_server.connection import read_id
from exam_server.media import EXPLAINED_FOR
from exam_server.practice import Signing, explain


async def show_explanation(request: Request) -> Response:
    """`GET /exam/{sitting}/items/{position}/explanation`: an Explanation as JSON, read from what is durable."""
    candidate = signed_in(request)
    sitting = read_id(request.path_params["sitting"])
    position = read_position(request.path_params["position"])
    state = request.app.state
    signing = Signing(state.media_key, state.clock.now() + EXPLAINED_FOR)
    async with database_of(request).transaction() as connection:
        found = await explain(connection, sitting, candidate.id, position, signing)
    return Response(
        msgspec.json.encode(found), media_type="application/json", headers={"cache-control": "private, no-store"}
    )


def read_position(text: str) -> int:
    """A place of the form, from 0. Raises NotFound for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise NotFound("unknown_item", "Такого задания нет в вашем наборе.")
    return int(text)


routes: list[BaseRoute] = [
    Route("/exam/{sitting}/items/{position}/explanation", show_explanation, methods=["GET"]),
]
