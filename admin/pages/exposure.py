"""The exposure report: how often items were drawn and seen, by window, and which are due to be replaced."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin.blueprint_pools import DraftPools
from admin.exposure_desk import ExposureSheet, open_exposure
from admin.exposure_plot import BOTTOM, HEIGHT, WIDTH
from admin.pages.door import for_staff, read_page, read_query
from admin.pages.frame import pages_of, show
from core.access import Permission, Principal
from core.ids import BlueprintId
from core.web.requests import database_of
from exam_server.exposure import PAGE
from question_bank.blueprint_store import list_blueprints


@for_staff(Permission.BANK_READ)
async def show_exposure(request: Request, reader: Principal) -> Response:
    """`GET /staff/exposure?blueprint=&page=`: of the exam that is chosen, of the first one otherwise."""
    wanted, page, now = read_query(request, "blueprint"), read_page(request), request.app.state.clock.now()
    sheet: ExposureSheet | None = None
    pools: DraftPools = request.app.state.draft_pools
    async with pools.turn, database_of(request).transaction() as connection:
        exams = [one for one in await list_blueprints(connection) if not one.practice]
        chosen = wanted or (exams[0].id if exams else "")
        if chosen:
            sheet = await open_exposure(connection, pools, BlueprintId(chosen), page, now)
    context = {
        "exams": exams,
        "sheet": sheet,
        "page": page,
        "pages": pages_of(sheet.page.total if sheet else 0, PAGE),
        "address": "/staff/exposure?" + urlencode({"blueprint": chosen, "page": ""}),
        "size": (WIDTH, HEIGHT, BOTTOM),
    }
    return show(request, reader, "exposure", context)


routes: list[BaseRoute] = [Route("/staff/exposure", show_exposure, methods=["GET"])]
