"""Blueprints: what a form is made of, and what the bank has for it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import blueprint_desk
from admin.pages.bank import KIND_WORDS
from admin.pages.door import for_staff
from admin.pages.frame import show
from core.access import Permission, Principal
from core.web.requests import database_of


@for_staff(Permission.BANK_READ, Permission.PLANNING_EDIT)
async def show_blueprints(request: Request, reader: Principal) -> Response:
    """`GET /staff/blueprints`."""
    async with database_of(request).transaction() as connection:
        sheets = await blueprint_desk.list_sheets(connection)
    return show(request, reader, "blueprints", {"sheets": sheets, "kind_words": KIND_WORDS})


routes: list[BaseRoute] = [
    Route("/staff/blueprints", show_blueprints, methods=["GET"]),
]
