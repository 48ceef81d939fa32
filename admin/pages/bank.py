"""The bank desk: items with their keys, blueprints with their cells. Reading only."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import bank_desk
from admin.pages.door import for_staff, read_page, read_query
from admin.pages.frame import pages_of, show
from core.access import Permission, Principal
from core.ids import ItemId
from core.web.requests import database_of
from question_bank.forms import ItemKind
from question_bank.requirement_store import list_requirements, list_specialities
from question_bank.store import PAGE, list_items

KINDS: tuple[ItemKind, ...] = ("four_option", "case")
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
async def show_items(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank?speciality=&requirement=&kind=&q=&page=`."""
    chosen = {name: read_query(request, name) for name in ("speciality", "requirement", "kind", "q")}
    kind = next((one for one in KINDS if one == chosen["kind"]), None)
    page = read_page(request)
    async with database_of(request).transaction() as connection:
        specialities = await list_specialities(connection)
        requirements = await list_requirements(connection, chosen["speciality"] or None)
        known = {one.code for one in requirements}
        requirement = chosen["requirement"] if chosen["requirement"] in known else None
        found = await list_items(
            connection,
            speciality=chosen["speciality"] or None,
            requirement=requirement,
            kind=kind,
            words=chosen["q"],
            offset=(page - 1) * PAGE,
        )
    chosen |= {"requirement": requirement or "", "kind": kind or ""}
    context = {
        "found": found,
        "specialities": specialities,
        "requirements": requirements,
        "requirement_titles": {(one.speciality, one.code): one.title for one in requirements},
        "kinds": KINDS,
        "kind_words": KIND_WORDS,
        "level_words": LEVEL_WORDS,
        "chosen": chosen,
        "page": page,
        "pages": pages_of(found.total, PAGE),
        "address": "/staff/bank?" + urlencode({**chosen, "page": ""}),
    }
    return show(request, reader, "bank", context)


@for_staff(Permission.BANK_READ)
async def show_item(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/{item}?version=`."""
    item = ItemId(str(request.path_params["item"])[:200].replace("\x00", ""))
    wanted = read_query(request, "version")
    version = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) <= 9 else None
    async with database_of(request).transaction() as connection:
        sheet = await bank_desk.open_item(connection, item, version, reader, request.app.state.clock.now())
    context = {
        "sheet": sheet,
        "kind_words": KIND_WORDS,
        "level_words": LEVEL_WORDS,
        "role_words": ROLE_WORDS,
        "role_tones": ROLE_TONES,
    }
    return show(request, reader, "item", context)


@for_staff(Permission.BANK_READ, Permission.PLANNING_EDIT)
async def show_blueprints(request: Request, reader: Principal) -> Response:
    """`GET /staff/blueprints`."""
    async with database_of(request).transaction() as connection:
        sheets = await bank_desk.list_sheets(connection)
    return show(request, reader, "blueprints", {"sheets": sheets, "kind_words": KIND_WORDS})


routes: list[BaseRoute] = [
    Route("/staff/bank", show_items, methods=["GET"]),
    Route("/staff/bank/{item}", show_item, methods=["GET"]),
    Route("/staff/blueprints", show_blueprints, methods=["GET"]),
]
