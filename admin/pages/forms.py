"""Fixed and emergency forms of an exam: searched for with a progress bar, judged by their curves, given to windows."""

from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import forms_desk, forms_plot
from admin.pages.door import for_staff, read_id
from admin.pages.frame import back, show
from core.access import Permission, Principal
from core.errors import Conflict, Invalid, NotFound
from core.ids import BlueprintId, WindowId
from core.randomness import fresh_int
from core.web.requests import database_of, read_field, read_text
from question_bank.fixed_form_store import ask_stop
from question_bank.fixed_forms import MOST_FORMS
from question_bank.form_builds import FormBuilds

FIELDS = ("count", "overlap", "seconds")
USUAL = {"count": "2", "overlap": "0", "seconds": "60"}
SEEDS = 2**31
STATE_WORDS = {
    "running": "Идёт подбор",
    "done": "Готово",
    "failed": "Не удалось",
    "cancelled": "Остановлено",
    "lost": "Прервано",
}
STATE_TONES = {"running": "info", "done": "ok", "failed": "danger", "cancelled": "neutral", "lost": "warn"}
ENDING_WORDS = {
    "close_enough": "наборы так же равны, как обычные",
    "time_limit": "вышло время поиска, показано лучшее из найденного",
}


@for_staff(Permission.BANK_READ, Permission.PLANNING_EDIT)
async def show_forms(request: Request, reader: Principal) -> Response:
    """`GET /staff/blueprints/{id}/forms`."""
    return await _forms(request, reader, USUAL)


@for_staff(Permission.BANK_EDIT)
async def begin(request: Request, reader: Principal) -> Response:
    """`POST /staff/blueprints/{id}/forms` with `count`, `overlap`, `seconds`: a search goes on by itself."""
    typed = {name: await read_field(request, name, 20) for name in FIELDS}
    builds: FormBuilds = request.app.state.form_builds
    blueprint = _blueprint(request)
    try:
        order = forms_desk.read_order(typed["count"], typed["overlap"], typed["seconds"], 1 + fresh_int(SEEDS - 1))
        number = await builds.begin(blueprint, order, reader.id)
    except (Invalid, Conflict) as problem:
        return await _forms(request, reader, typed, problem)
    return back(_address(blueprint, number))


@for_staff(Permission.BANK_READ, Permission.PLANNING_EDIT)
async def show_build(request: Request, reader: Principal) -> Response:
    """`GET /staff/blueprints/{id}/forms/{build}`."""
    return await _build(request, reader, "form_build")


@for_staff(Permission.BANK_READ, Permission.PLANNING_EDIT)
async def show_state(request: Request, reader: Principal) -> Response:
    """`GET /staff/blueprints/{id}/forms/{build}/state`: the part of the page that changes by itself."""
    return await _build(request, reader, "form_build_state")


@for_staff(Permission.BANK_EDIT)
async def stop(request: Request, reader: Principal) -> Response:
    """`POST /staff/blueprints/{id}/forms/{build}/stop`."""
    blueprint, number = _blueprint(request), read_id(request, "build")
    async with database_of(request).transaction() as connection:
        await _open(request, connection, number)
        await ask_stop(connection, number)
    return back(_address(blueprint, number), "build_stopped")


@for_staff(Permission.PLANNING_EDIT)
async def give(request: Request, reader: Principal) -> Response:
    """`POST /staff/windows/{id}/form` with `form`: a digest, or "" for a form of each candidate's own."""
    window, digest = WindowId(read_id(request)), await read_text(request, "form", 64)
    async with database_of(request).transaction() as connection:
        await forms_desk.give_form(connection, window, digest or None, reader, request.app.state.clock.now())
    return back(f"/staff/windows/{window}", "form_given")


async def _forms(
    request: Request, reader: Principal, typed: dict[str, str], problem: Invalid | Conflict | None = None
) -> Response:
    async with database_of(request).transaction() as connection:
        sheet = await forms_desk.open_forms(connection, _blueprint(request), request.app.state.clock.now())
    words = {"state_words": STATE_WORDS, "state_tones": STATE_TONES}
    return show(request, reader, "forms", {"sheet": sheet, "typed": typed, "most": MOST_FORMS, **words}, problem)


async def _build(request: Request, reader: Principal, name: str) -> Response:
    async with database_of(request).transaction() as connection:
        sheet = await _open(request, connection, read_id(request, "build"))
    context = {
        "sheet": sheet,
        "plot": forms_plot,
        "asked": name == "form_build_state",
        "state_words": STATE_WORDS,
        "state_tones": STATE_TONES,
        "ending_words": ENDING_WORDS,
    }
    return show(request, reader, name, context)


async def _open(request: Request, connection: AsyncConnection, number: int) -> forms_desk.BuildSheet:
    sheet = await forms_desk.open_build(connection, number, request.app.state.clock.now())
    if sheet.build.blueprint != _blueprint(request):
        raise NotFound("build_unknown", "Такого подбора наборов нет. Откройте список.")
    return sheet


def _blueprint(request: Request) -> BlueprintId:
    return BlueprintId(str(request.path_params["id"])[:200].replace("\x00", ""))


def _address(blueprint: BlueprintId, number: int) -> str:
    return f"/staff/blueprints/{quote(blueprint, safe='')}/forms/{number}"


routes: list[BaseRoute] = [
    Route("/staff/blueprints/{id}/forms", show_forms, methods=["GET"]),
    Route("/staff/blueprints/{id}/forms", begin, methods=["POST"]),
    Route("/staff/blueprints/{id}/forms/{build}", show_build, methods=["GET"]),
    Route("/staff/blueprints/{id}/forms/{build}/state", show_state, methods=["GET"]),
    Route("/staff/blueprints/{id}/forms/{build}/stop", stop, methods=["POST"]),
    Route("/staff/windows/{id}/form", give, methods=["POST"]),
]
