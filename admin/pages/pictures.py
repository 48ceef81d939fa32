"""Pictures of the bank: one that an author adds, and any of them as staff see it."""

import asyncio

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from admin.pages.door import for_staff
from core.access import Permission, Principal
from core.blobs import Blobs
from core.errors import Invalid
from core.ids import AssetId
from core.web.requests import database_of
from question_bank.asset_store import find_picture, keep_drawn, load_asset
from question_bank.pictures import MAX_BYTES, redraw


@for_staff(Permission.BANK_READ)
async def show_picture(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/assets/{asset}`: a picture of items, for who may read the bank."""
    asset = AssetId(str(request.path_params["asset"])[:200].replace("\x00", ""))
    blobs: Blobs = request.app.state.blobs
    async with database_of(request).transaction() as connection:
        found = await load_asset(connection, asset)
        data = await blobs.get(connection, found.blob)
    return Response(data, media_type=found.media_type, headers={"cache-control": "private, no-store"})


@for_staff(Permission.BANK_EDIT)
async def add_picture(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/assets` with the file `picture`: `{asset, width, height, address}`.

    Refused as redraw refuses it; the picture is drawn while no connection to the database waits for it.
    """
    async with request.form(max_files=1) as form:
        sent = form.get("picture")
        if not isinstance(sent, UploadFile):
            raise Invalid("picture_missing", "Выберите файл изображения.", fields={"picture": "Выберите файл."})
        data = await sent.read(MAX_BYTES + 1)
    blobs: Blobs = request.app.state.blobs
    database = database_of(request)
    async with database.transaction() as connection:
        asset = await find_picture(connection, data)
    if asset is None:
        drawn = await asyncio.to_thread(redraw, data)
        async with database.transaction() as connection:
            asset = await keep_drawn(connection, blobs, drawn, request.app.state.clock.now())
    return JSONResponse(
        {
            "asset": asset.id,
            "width": asset.width,
            "height": asset.height,
            "address": f"/staff/bank/assets/{asset.id}",
        }
    )


routes: list[BaseRoute] = [
    Route("/staff/bank/assets", add_picture, methods=["POST"]),
    Route("/staff/bank/assets/{asset}", show_picture, methods=["GET"]),
]
