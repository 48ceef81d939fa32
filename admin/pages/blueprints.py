"""Blueprints: what a form is made of, what the bank has for it, and writing one with the bank in view."""

import asyncio
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from admin import blueprint_desk
from admin.blueprint_draft import read_draft
from admin.blueprint_example import draw_example
from admin.blueprint_pools import DraftPools
from admin.pages.bank import KIND_WORDS, LEVEL_WORDS
from admin.pages.door import for_staff, read_query
from admin.pages.frame import say_in, show
from core.access import Permission, Principal
from core.errors import NotFound
from core.ids import BlueprintId
from core.moments import MINUTE
from core.randomness import fresh_int
from core.web.requests import database_of, read_number
from question_bank.blueprint_store import load_blueprint
from question_bank.blueprints import Blueprint
from question_bank.requirement_store import list_requirements, list_specialities

EXAMPLES = 3
SEEDS = 10**9
"""Of examples: any number that a page can hold."""
BAND_WORDS = {"hard": "Трудные", "medium": "Средние", "easy": "Лёгкие"}
ACCREDITATION_WORDS = {
    "primary": "первичная",
    "primary_specialised": "первичная специализированная",
    "periodic": "периодическая",
}
EXPLANATION_WORDS = {"none": "не показывают", "item": "после каждого задания", "end": "в конце"}
SETTING_WORDS = {
    "title": "Название",
    "exam_limit": "Длительность",
    "navigation": "Переход между заданиями",
    "on_item_timeout": "Когда время задания вышло",
    "flags": "Отметки для возврата",
    "confirmation": "Утверждение результата",
    "cut": "Порог прохождения",
    "accreditation": "Вид аккредитации",
    "practice": "Тренировка",
    "explanations": "Пояснения",
    "breaks": "Перерывы",
    "break_limit": "Длительность перерыва",
    "pilots": "Пробные задания",
    "exposure_cap": "Предел показов",
    "minimum_information": "Наименьшая информация на пороге",
    "sections": "Разделы",
}
WORDS: dict[str, Any] = {
    "kind_words": KIND_WORDS,
    "level_words": LEVEL_WORDS,
    "band_words": BAND_WORDS,
    "accreditation_words": ACCREDITATION_WORDS,
    "explanation_words": EXPLANATION_WORDS,
    "setting_words": SETTING_WORDS,
}


@for_staff(Permission.BANK_READ, Permission.PLANNING_EDIT)
async def show_blueprints(request: Request, reader: Principal) -> Response:
    """`GET /staff/blueprints`."""
    async with database_of(request).transaction() as connection:
        rows = await blueprint_desk.list_rows(connection)
    return show(request, reader, "blueprints", {"rows": rows})


@for_staff(Permission.BANK_READ, Permission.PLANNING_EDIT)
async def show_blueprint(request: Request, reader: Principal) -> Response:
    """`GET /staff/blueprints/{id}?version=&from=`: one version, and how it differs from another."""
    blueprint, version, old = _id(request), _version(request, "version"), _version(request, "from")
    difference = None
    async with _pools(request).turn, database_of(request).transaction() as connection:
        sheet = await blueprint_desk.open_sheet(connection, _pools(request), blueprint, version)
        if old is not None:
            difference = await blueprint_desk.compare_versions(connection, blueprint, old, sheet.blueprint.version)
    data = {**_common(request), "draft": msgspec.to_builtins(sheet.blueprint)}
    return show(request, reader, "blueprint", {"sheet": sheet, "difference": difference, "data": data, **WORDS})


@for_staff(Permission.BANK_EDIT)
async def start(request: Request, reader: Principal) -> Response:
    """`GET /staff/blueprints/new?speciality=`: an empty one, once the speciality is chosen."""
    chosen = read_query(request, "speciality")
    async with database_of(request).transaction() as connection:
        specialities = {one.code: one.title for one in await list_specialities(connection)}
    if chosen not in specialities:
        return show(request, reader, "blueprint_new", {"specialities": list(specialities.items())})
    draft = Blueprint(
        id=BlueprintId(""),
        version=0,
        title="",
        speciality=chosen,
        speciality_title=specialities[chosen],
        cells=(),
        exam_limit=60 * MINUTE,
        navigation="free",
        on_item_timeout="advance",
        flags=True,
        confirmation="protocol",
        cut=70,
        accreditation="primary",
    )
    return await _editor(request, reader, draft)


@for_staff(Permission.BANK_EDIT)
async def edit(request: Request, reader: Principal) -> Response:
    """`GET /staff/blueprints/{id}/edit`: the newest version, to be kept as the next one."""
    async with database_of(request).transaction() as connection:
        draft = await load_blueprint(connection, _id(request))
    return await _editor(request, reader, draft)


@for_staff(Permission.BANK_EDIT)
async def check(request: Request, reader: Principal) -> Response:
    """`POST /staff/blueprints/check?known=` with a draft as JSON: what can't be filled, why, what it comes to."""
    draft = read_draft(await request.body())
    async with _pools(request).turn, database_of(request).transaction() as connection:
        found = await blueprint_desk.check_draft(connection, _pools(request), draft, read_query(request, "known"))
    say, _ = say_in(request)
    supply = None
    if found.supply is not None:
        supply = [[one.requirement, one.kind, one.level, one.band, count] for one, count in found.supply]
    return JSONResponse(
        {
            **msgspec.to_builtins(found.verdict),
            "fields": {name: say(text) for name, text in found.problems.items()},
            "mark": found.mark,
            "supply": supply,
        }
    )


@for_staff(Permission.BANK_READ, Permission.PLANNING_EDIT)
async def draw(request: Request, reader: Principal) -> Response:
    """`POST /staff/blueprints/example` with a draft as JSON: three forms drawn for a look, nothing is kept."""
    draft = read_draft(await request.body())
    async with _pools(request).turn, database_of(request).transaction() as connection:
        pool = await blueprint_desk.pool_of_draft(connection, _pools(request), draft)
    seeds = [fresh_int(SEEDS) for _ in range(EXAMPLES)]
    example = await asyncio.to_thread(draw_example, draft, pool, seeds)
    return JSONResponse(msgspec.to_builtins(example))


@for_staff(Permission.BANK_EDIT)
async def save(request: Request, reader: Principal) -> Response:
    """`POST /staff/blueprints/save` with a draft as JSON: kept as the next version; says where it stands now."""
    draft = read_draft(await request.body())
    async with database_of(request).transaction() as connection:
        kept = await blueprint_desk.save_draft(connection, draft, reader, request.app.state.clock.now())
    return JSONResponse({"address": f"/staff/blueprints/{quote(kept.id, safe='')}?done=blueprint"})


async def _editor(request: Request, reader: Principal, draft: Blueprint) -> Response:
    async with database_of(request).transaction() as connection:
        requirements = await list_requirements(connection, draft.speciality)
    data = {
        **_common(request),
        "draft": msgspec.to_builtins(draft),
        "requirements": [
            {"code": one.code, "title": one.title, "section": one.section, "repealed": one.repealed_at is not None}
            for one in requirements
        ],
    }
    return show(request, reader, "blueprint_edit", {"draft": draft, "data": data})


def _common(request: Request) -> dict[str, Any]:
    return {"icons": request.app.state.pages.asset("core/icons.svg")}


def _pools(request: Request) -> DraftPools:
    pools: DraftPools = request.app.state.draft_pools
    return pools


def _id(request: Request) -> BlueprintId:
    return BlueprintId(str(request.path_params["id"])[:200].replace("\x00", ""))


def _version(request: Request, name: str) -> int | None:
    text = read_query(request, name)
    if not text:
        return None
    number = read_number(text)
    if number is None or number >= 2**31:
        raise NotFound("blueprint_unknown", "Такой версии нет. Выберите другую из списка.")
    return number


routes: list[BaseRoute] = [
    Route("/staff/blueprints", show_blueprints, methods=["GET"]),
    Route("/staff/blueprints/new", start, methods=["GET"]),
    Route("/staff/blueprints/check", check, methods=["POST"]),
    Route("/staff/blueprints/example", draw, methods=["POST"]),
    Route("/staff/blueprints/save", save, methods=["POST"]),
    Route("/staff/blueprints/{id}", show_blueprint, methods=["GET"]),
    Route("/staff/blueprints/{id}/edit", edit, methods=["GET"]),
]
