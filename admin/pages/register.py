"""The register desk: every entry with its versions. Reading only."""

from collections.abc import Callable
from datetime import date
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import register_desk
from admin.pages.door import for_staff, read_page, read_query
from admin.pages.frame import pages_of, show
from core.access import Permission, Principal
from core.errors import Invalid
from core.moments import day_in
from core.web import formats, language
from core.web.requests import database_of
from registry.entries import Status
from registry.pages.words import KIND_WORDS, STATUS_WORDS

STATUS_TONES = {
    Status.VALID: "ok",
    Status.EXPIRES_SOON: "warn",
    Status.EXPIRED: "neutral",
    Status.SUSPENDED: "danger",
    Status.ANNULLED: "danger",
    Status.SUPERSEDED: "info",
}

ACTOR_WORDS = {"sender:exam": "экзаменационная система"}


@for_staff(Permission.REGISTER_READ)
async def show_entries(request: Request, reader: Principal) -> Response:
    """`GET /staff/register?q=&speciality=&status=&page=`."""
    chosen = {name: read_query(request, name) for name in ("q", "speciality", "status")}
    status = next((one for one in Status if one.value == chosen["status"]), None)
    page, problem = read_page(request), None
    found = register_desk.EntryPage((), 0)
    async with database_of(request).transaction() as connection:
        specialities = await register_desk.list_specialities(connection)
        everything = await register_desk.count_entries(connection)
        try:
            found = await register_desk.list_entries(
                connection,
                _today(request),
                words=chosen["q"],
                speciality=chosen["speciality"],
                status=status,
                page=page,
            )
        except Invalid as refusal:
            problem = refusal
    context = {
        "found": found,
        "everything": everything,
        "specialities": specialities,
        "statuses": tuple(Status),
        "status_words": STATUS_WORDS,
        "status_tones": STATUS_TONES,
        "chosen": {**chosen, "status": status or ""},
        "day": _day(request),
        "page": page,
        "pages": pages_of(found.total, register_desk.PAGE),
        "address": "/staff/register?" + urlencode({**chosen, "page": ""}),
    }
    return show(request, reader, "register", context, problem)


@for_staff(Permission.REGISTER_READ)
async def show_entry(request: Request, reader: Principal) -> Response:
    """`GET /staff/register/{number}`."""
    async with database_of(request).transaction() as connection:
        sheet = await register_desk.open_entry(
            connection,
            str(request.path_params["number"]),
            _today(request),
            reader,
            request.app.state.clock.now(),
        )
    context = {
        "sheet": sheet,
        "status_words": STATUS_WORDS,
        "status_tones": STATUS_TONES,
        "kind_words": KIND_WORDS,
        "actor_words": ACTOR_WORDS,
        "day": _day(request),
    }
    return show(request, reader, "entry", context)


def _day(request: Request) -> Callable[[date], str]:
    """What writes a date in the language of the request."""
    lang = language.of(request)
    return lambda day: formats.day_text(day, lang)


def _today(request: Request) -> date:
    return day_in(request.app.state.clock.now(), request.app.state.settings.zone)


routes: list[BaseRoute] = [
    Route("/staff/register", show_entries, methods=["GET"]),
    Route("/staff/register/{number}", show_entry, methods=["GET"]),
]
