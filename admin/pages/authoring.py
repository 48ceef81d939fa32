"""The editor of items and what its page asks for: JSON in, JSON out, each with the token of the login."""

from msgspec import to_builtins
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from admin import authoring
from admin.pages.door import for_staff, read_query
from admin.pages.frame import say_in, show
from core.access import Permission, Principal
from core.errors import Invalid
from core.ids import ItemId
from core.web.requests import database_of
from exam_server.pages.steps import read_body
from question_bank import faults
from question_bank.advice import advise
from question_bank.catalogue import list_items
from question_bank.forms import Level
from question_bank.likeness_store import find_alike
from question_bank.requirement_store import list_requirements, list_specialities
from question_bank.version_store import list_steps, next_item_id
from question_bank.working_copies import LARGEST, drop_copy

MAX_LETTER = LARGEST + 64 * 1024
FOUND_ITEMS = 10
MOST_ALIKE = 5
LEVELS: tuple[Level, ...] = ("recall", "application", "analysis")
BOUNDS = {
    "text": faults.MAX_TEXT,
    "choice": faults.MAX_CHOICE_TEXT,
    "choices": faults.MAX_ACTIONS,
    "stages": faults.MAX_STAGES,
    "sources": faults.MAX_SOURCES,
    "source": faults.MAX_SOURCE,
    "tags": faults.MAX_TAGS,
    "tag": faults.MAX_TAG,
    "weight": faults.MAX_WEIGHT,
    "letter": LARGEST,
}


@for_staff(Permission.BANK_EDIT)
async def begin(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/new`: the editor of an item with a number: a page that is loaded again finds its text."""
    async with database_of(request).transaction() as connection:
        item = await next_item_id(connection)
    return RedirectResponse(f"/staff/bank/{item}/edit", status_code=303)


@for_staff(Permission.BANK_EDIT)
async def show_editor(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/{item}/edit`."""
    item = read_item(request)
    now = request.app.state.clock.now()
    async with database_of(request).transaction() as connection:
        sheet = await authoring.open_editor(connection, item, reader, now)
        specialities = await list_specialities(connection)
        requirements = await list_requirements(connection, sheet.draft.speciality or None)
        steps = await list_steps(connection, item)
        enemies = await authoring.list_stems(connection, sheet.enemies)
    titles = {one.code: one.title for one in requirements if one.speciality == sheet.draft.speciality}
    data = {
        "item": item,
        "person": reader.id,
        "name": reader.name,
        "zone": reader.zone,
        "now": now,
        "latest": sheet.latest,
        "state": sheet.state,
        "draft": to_builtins(sheet.draft),
        "copy": None if sheet.copy is None else to_builtins(sheet.copy),
        "enemies": to_builtins(enemies),
        "specialities": to_builtins(specialities),
        "requirement": titles.get(sheet.draft.requirement, ""),
        "levels": LEVELS,
        "bounds": BOUNDS,
        "icons": request.app.state.pages.asset("core/icons.svg"),
        "comments": [
            {"field": step.field, "words": step.words, "version": step.version}
            for step in steps
            if step.what in ("comment", "return") and step.version == sheet.latest
        ],
    }
    return show(request, reader, "editor", {"item": item, "sheet": sheet, "data": data})


@for_staff(Permission.BANK_EDIT)
async def check(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/{item}/check` with a Letter: `{faults: {unfit, unready}, advice, alike}`."""
    letter = authoring.read_letter(await read_body(request, MAX_LETTER))
    async with database_of(request).transaction() as connection:
        found = await authoring.check(connection, read_item(request), letter.draft)
        alike = await find_alike(connection, letter.draft, MOST_ALIKE, besides=read_item(request))
    say, _ = say_in(request)
    told = {
        "unfit": {field: say(sentence) for field, sentence in found.unfit.items()},
        "unready": {field: say(sentence) for field, sentence in found.unready.items()},
    }
    advice = [{"code": one.code, "field": one.field, "sentence": say(one.sentence)} for one in advise(letter.draft)]
    return JSONResponse({"faults": told, "advice": advice, "alike": to_builtins(alike)})


@for_staff(Permission.BANK_EDIT)
async def keep(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/{item}/working-copy` with a Letter."""
    letter = authoring.read_letter(await read_body(request, MAX_LETTER))
    now = request.app.state.clock.now()
    async with database_of(request).transaction() as connection:
        await authoring.keep(connection, read_item(request), letter, reader, now)
    return JSONResponse({"saved_at": now})


@for_staff(Permission.BANK_EDIT)
async def drop(request: Request, reader: Principal) -> Response:
    """`DELETE /staff/bank/{item}/working-copy`."""
    async with database_of(request).transaction() as connection:
        await drop_copy(connection, reader.id, read_item(request))
    return Response(status_code=204)


@for_staff(Permission.BANK_EDIT)
async def save(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/{item}/versions` with a Letter: `{version, state, saved_at, refusal}`."""
    letter = authoring.read_letter(await read_body(request, MAX_LETTER))
    now = request.app.state.clock.now()
    async with database_of(request).transaction() as connection:
        saved = await authoring.save(connection, read_item(request), letter, reader, now)
    say, _ = say_in(request)
    refusal = None if saved.refusal is None else say(saved.refusal.message)
    return JSONResponse({"version": saved.version, "state": saved.state, "saved_at": now, "refusal": refusal})


@for_staff(Permission.BANK_EDIT)
async def compare(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/{item}/newest` with a Letter: the newest version, and what the letter's draft changes in it."""
    letter = authoring.read_letter(await read_body(request, MAX_LETTER))
    now = request.app.state.clock.now()
    async with database_of(request).transaction() as connection:
        found = await authoring.compare_with_newest(connection, read_item(request), letter.draft, reader, now)
    return JSONResponse(to_builtins(found))


@for_staff(Permission.BANK_EDIT)
async def find_requirements(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/find/requirements?q=&speciality=`."""
    async with database_of(request).transaction() as connection:
        found = await authoring.find_requirements(
            connection, read_query(request, "q"), read_query(request, "speciality")
        )
    return JSONResponse({"found": to_builtins(found)})


@for_staff(Permission.BANK_EDIT)
async def find_items(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/find/items?q=`: numbers and the beginnings of stems, for naming one in another."""
    words = read_query(request, "q")
    if not words:
        raise Invalid("words_missing", "Введите слова или номер задания.")
    async with database_of(request).transaction() as connection:
        page = await list_items(connection, words=words, limit=FOUND_ITEMS)
    return JSONResponse({"found": [{"item": row.item, "stem": row.stem[:160]} for row in page.rows]})


def read_item(request: Request) -> ItemId:
    return ItemId(str(request.path_params["item"])[:200].replace("\x00", ""))


routes: list[BaseRoute] = [
    Route("/staff/bank/new", begin, methods=["GET"]),
    Route("/staff/bank/find/requirements", find_requirements, methods=["GET"]),
    Route("/staff/bank/find/items", find_items, methods=["GET"]),
    Route("/staff/bank/{item}/edit", show_editor, methods=["GET"]),
    Route("/staff/bank/{item}/check", check, methods=["POST"]),
    Route("/staff/bank/{item}/working-copy", keep, methods=["POST"]),
    Route("/staff/bank/{item}/working-copy", drop, methods=["DELETE"]),
    Route("/staff/bank/{item}/newest", compare, methods=["POST"]),
    Route("/staff/bank/{item}/versions", save, methods=["POST"]),
]
LARGE_BODIES = {f"/staff/bank/{{item}}/{name}": MAX_LETTER for name in ("check", "working-copy", "newest", "versions")}
