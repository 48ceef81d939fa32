"""The bank desk: items with their keys, what candidates wrote about them, withdrawing one."""

from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import bank_desk, remarks
from admin.pages.door import for_staff, read_page, read_query
from admin.pages.frame import back, pages_of, show
from admin.pages.texts import item_text
from core.access import Permission, Principal, people
from core.errors import AccreditationError, Invalid, NotFound
from core.ids import ItemId
from core.web.requests import database_of, read_field, read_text
from exam_server.closing import LONGEST_REASON, read_reason
from exam_server.withdrawal import foresee, list_kept, list_withdrawals, load_withdrawal
from exam_server.withdrawal import withdraw as withdraw_item
from question_bank.store import current_version

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
async def show_item(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/{item}?version=`."""
    return await _item(request, reader)


@for_staff(Permission.BANK_EDIT)
async def withdraw(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/{item}/withdraw` with `reason`: asks what is meant, and does it once it comes with `sure`."""
    item, reason = _item_id(request), await read_text(request, "reason", LONGEST_REASON)
    try:
        async with database_of(request).transaction() as connection:
            if await read_field(request, "sure") != "yes":
                await current_version(connection, item)
                if await load_withdrawal(connection, item) is None:
                    context = {"item": item, "reason": read_reason(reason), "reach": await foresee(connection, item)}
                    return show(request, reader, "item_withdraw", context)
            await withdraw_item(connection, item, reader.id, reason, request.app.state.clock.now())
    except Invalid as problem:
        return await _item(request, reader, reason, problem)
    await request.app.state.withdrawals.hasten()
    return back(f"/staff/bank/{quote(item, safe='')}", "withdrawn")


@for_staff(Permission.BANK_READ)
async def show_withdrawal(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/{item}/withdrawal`: how far it has come, the part of the item's page that changes by itself."""
    item = _item_id(request)
    async with database_of(request).transaction() as connection:
        gone = await load_withdrawal(connection, item)
        if gone is None:
            raise NotFound("not_withdrawn", "Это задание не отозвано. Обновите страницу.")
        who = await people(connection, [gone.decided_by])
        kept = await list_kept(connection, item)
    context = {"gone": gone, "gone_by": who[0].name if who else "", "kept": kept}
    return show(request, reader, "withdrawal", context)


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


async def _item(
    request: Request, reader: Principal, reason: str = "", problem: AccreditationError | None = None
) -> Response:
    item = _item_id(request)
    wanted = read_query(request, "version")
    version = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) <= 9 else None
    async with database_of(request).transaction() as connection:
        sheet = await bank_desk.open_item(connection, item, version, reader, request.app.state.clock.now())
    context = {
        "sheet": sheet,
        "reason": reason,
        "kind_words": KIND_WORDS,
        "level_words": LEVEL_WORDS,
        "role_words": ROLE_WORDS,
        "role_tones": ROLE_TONES,
        "item_text": item_text,
    }
    return show(request, reader, "item", context, problem)


def _item_id(request: Request) -> ItemId:
    return ItemId(str(request.path_params["item"])[:200].replace("\x00", ""))


routes: list[BaseRoute] = [
    Route("/staff/bank/{item}", show_item, methods=["GET"]),
    Route("/staff/bank/{item}/withdraw", withdraw, methods=["POST"]),
    Route("/staff/bank/{item}/withdrawal", show_withdrawal, methods=["GET"]),
    Route("/staff/withdrawals", show_withdrawals, methods=["GET"]),
    Route("/staff/remarks", show_remarks, methods=["GET"]),
]
