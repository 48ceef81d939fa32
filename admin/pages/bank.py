"""The bank desk: items with their keys, what candidates wrote about them, withdrawing one."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import remarks
from admin.pages.door import for_staff, read_page, read_query
from admin.pages.frame import pages_of, show
from core.access import Permission, Principal, people
from core.web.requests import database_of
from exam_server.withdrawal import list_withdrawals

KIND_WORDS = {"four_option": "Один ответ из четырёх", "case": "Ситуационная задача"}
LEVEL_WORDS = {"recall": "Знание", "application": "Применение", "analysis": "Анализ"}
ROLE_WORDS = {
    "key": "Эталон ответа",
    "distractor": "Дистрактор",
    "required": "Необходимое действие",
    "neutral": "Лишнее действие",
    "harmful": "Вредное действие",
}
ROLE_TONES = {"key": "ok", "distractor": "neutral", "required": "ok", "neutral": "neutral", "harmful": "danger"}


@for_staff(Permission.BANK_READ)
async def show_withdrawals(request: Request, reader: Principal) -> Response:
    """`GET /staff/withdrawals`."""
    async with database_of(request).transaction() as connection:
        found = await list_withdrawals(connection)
        known = await people(connection, {one.decided_by for one in found})
    context = {"found": found, "names": {one.id: one.name for one in known}}
    return show(request, reader, "withdrawals", context)


@for_staff(Permission.BANK_READ)
async def show_remarks(request: Request, reader: Principal) -> Response:
    """`GET /staff/remarks?item=&page=`."""
    item, page = read_query(request, "item"), read_page(request)
    async with database_of(request).transaction() as connection:
        found = await remarks.list_remarks(connection, item=item, page=page)
    context = {
        "found": found,
        "item": item,
        "page": page,
        "pages": pages_of(found.total, remarks.PAGE),
        "address": "/staff/remarks?" + urlencode({"item": item, "page": ""}),
    }
    return show(request, reader, "remarks", context)


routes: list[BaseRoute] = [
    Route("/staff/withdrawals", show_withdrawals, methods=["GET"]),
    Route("/staff/remarks", show_remarks, methods=["GET"]),
]
