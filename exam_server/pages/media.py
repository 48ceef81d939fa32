"""Pictures of items, each under a signed address."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from core.access import signed_in
from core.blobs import Blobs
from core.errors import Forbidden
from core.ids import AssetId
from core.web.requests import database_of
from exam_server import media
from exam_server.connection import read_id
from exam_server.exhibits import open_exhibit
from exam_server.pages.explanations import read_position

HEADERS = {"cache-control": "private, no-store", "content-security-policy": "default-src 'none'; sandbox"}


async def show_picture(request: Request) -> Response:
    """`GET /exam/{sitting}/media/{asset}?position=&until=&sig=`: signed, not expired, and shown to this login now."""
    candidate = signed_in(request)
    state = request.app.state
    sitting = read_id(request.path_params["sitting"])
    asset = AssetId(str(request.path_params["asset"]))
    given = request.query_params
    position = read_position(given.get("position", ""))
    until = given.get("until", "")
    if not (until.isascii() and until.isdigit() and len(until) <= 15):
        raise Forbidden("media_unsigned", "Адрес изображения неверен. Обновите страницу.")
    media.check(
        state.media_key,
        sitting,
        candidate.id,
        position,
        asset,
        int(until),
        given.get("sig", "")[:100],
        state.clock.now(),
    )
    blobs: Blobs = state.blobs
    async with database_of(request).transaction() as connection:
        found = await open_exhibit(connection, sitting, candidate.id, position, asset)
        data = await blobs.get(connection, found.blob)
    return Response(data, media_type=found.media_type, headers=HEADERS)


routes: list[BaseRoute] = [Route("/exam/{sitting}/media/{asset}", show_picture, methods=["GET"])]
