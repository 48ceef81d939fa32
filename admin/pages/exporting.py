"""Items taken away in a file: chosen as in the list, written beside everything else, fetched from here."""

from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from admin.export_desk import ExportDesk
from admin.pages.asked import Asked, read_asked
from admin.pages.bank import KIND_WORDS, LEVEL_WORDS
from admin.pages.door import for_staff, read_id, read_page
from admin.pages.exchange_words import BATCH_TONES, BATCH_WORDS, CARRIED_WORDS
from admin.pages.frame import back, pages_of, show
from admin.pages.item_words import STATE_WORDS
from admin.pages.shelves import BAND_WORDS, EXPOSED_WORDS, KNOWN_WORDS, LANGUAGE_WORDS, POOL_WORDS, WHERE_WORDS
from admin.shelves import narrow
from core.access import Permission, Principal, people
from core.errors import AccreditationError, Invalid
from core.ids import PersonId
from core.web.pages import render
from core.web.requests import database_of, read_number, read_text
from question_bank.exchange.formats import FORMATS
from question_bank.export_store import Run, ask_to_stop, list_runs, list_told, load_run
from question_bank.wanted import Wanted
from question_bank.workflow import State

START = "/staff/bank/export"
TOLD = 50
ASKED_WORDS: dict[str, tuple[str, dict[str, str]]] = {
    "q": ("Слова", {}),
    "speciality": ("Специальность", {}),
    "where": ("Состояние", WHERE_WORDS),
    "section": ("Раздел", {}),
    "requirement": ("Требование", {}),
    "kind": ("Вид", KIND_WORDS),
    "level": ("Уровень", LEVEL_WORDS),
    "band": ("Трудность", BAND_WORDS),
    "pool": ("Где даётся", POOL_WORDS),
    "language": ("Язык", LANGUAGE_WORDS),
    "author": ("Автор", {"me": "Это я"}),
    "tag": ("Метка", {}),
    "known": ("Что известно", KNOWN_WORDS),
    "exposed": ("В тестированиях", dict(EXPOSED_WORDS.items())),
}
_OUT = [one for one in FORMATS if one.write is not None]


@for_staff(Permission.BANK_EDIT)
async def show_start(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/export?q=&speciality=&…` as the list: how many there are, and what each format can carry."""
    return await _draw(request, reader, read_asked(request.query_params, reader.id))


@for_staff(Permission.BANK_EDIT)
async def begin(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/export` with the list's `asked`, `format`, `state`: the file is begun."""
    asked = read_asked(QueryParams(parse_qsl(await read_text(request, "asked"))), reader.id)
    typed = {name: await read_text(request, name) for name in ("format", "state")}
    try:
        format = next((one for one in _OUT if one.name == typed["format"]), None)
        if format is None:
            raise Invalid("export_format", "Выберите формат.", fields={"format": "Выберите из списка."})
        state, wanted = _state(typed["state"]), await _wanted(request, asked)
        run = await _desk(request).begin(format, wanted, asked.words, state, asked.query, reader)
    except AccreditationError as problem:
        return await _draw(request, reader, asked, typed, problem)
    return back(f"{START}/{run}")


@for_staff(Permission.BANK_EDIT)
async def show_run(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/export/{run}?page=`: how far it is; then the file, and what did not fit into it."""
    run, page = await _run(request), read_page(request)
    async with database_of(request).transaction() as connection:
        told = await list_told(connection, run.id)
        known = await people(connection, {run.done_by})
    context = {
        "run": run,
        "by": known[0].name if known else "",
        "format": _title(run),
        "here": _is_here(request, run),
        "asked": _tell(read_asked(QueryParams(parse_qsl(run.query)), run.done_by), {}),
        "told": told[(page - 1) * TOLD : page * TOLD],
        "samples": {remark.code: remark for one in reversed(told) for remark in one.remarks},
        "page": page,
        "pages": pages_of(len(told), TOLD),
        **_WORDS,
    }
    return show(request, reader, "export_run", context)


@for_staff(Permission.BANK_EDIT)
async def show_progress(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/export/{run}/progress`: the part that changes by itself; the page anew once it ended."""
    run = await _run(request)
    answer = render(request, "admin/export_progress.html", {"run": run})
    if run.state != "running":
        answer.headers["hx-refresh"] = "true"
    return answer


@for_staff(Permission.BANK_EDIT)
async def cancel(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/export/{run}/cancel`: whichever process it runs in."""
    run = await _run(request)
    async with database_of(request).transaction() as connection:
        await ask_to_stop(connection, run.id)
    return back(f"{START}/{run.id}")


@for_staff(Permission.BANK_EDIT)
async def take_file(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/export/{run}/file`."""
    run = await _run(request)
    path = _desk(request).path_of(run)
    format = next(one for one in FORMATS if one.name == run.format)
    return FileResponse(
        path,
        media_type=format.media_type,
        filename=f"bank-{run.id}{format.suffixes[0]}",
        headers={"cache-control": "private, no-store"},
    )


async def _draw(
    request: Request,
    reader: Principal,
    asked: Asked,
    typed: dict[str, str] | None = None,
    problem: AccreditationError | None = None,
) -> Response:
    typed = typed or {"format": "", "state": ""}
    count = await _desk(request).count(await _wanted(request, asked), asked.words, None)
    author = read_number(asked.chosen["author"])
    async with database_of(request).transaction() as connection:
        runs = await list_runs(connection)
        known = await people(connection, {one.done_by for one in runs} | ({PersonId(author)} if author else set()))
    names = {one.id: one.name for one in known}
    context = {
        "asked": asked,
        "told": _tell(asked, names),
        "count": count,
        "formats": _OUT,
        "typed": typed,
        "runs": runs,
        "titles": {one.name: one.title for one in FORMATS},
        "names": names,
        "state_words": STATE_WORDS,
        **_WORDS,
    }
    return show(request, reader, "export", context, problem)


async def _wanted(request: Request, asked: Asked) -> Wanted:
    async with database_of(request).transaction() as connection:
        return await narrow(connection, asked.wanted, asked.exposed)


def _tell(asked: Asked, names: dict[PersonId, str]) -> list[tuple[str, str]]:
    """What was asked of the list, each with its name; both to be translated."""
    told = []
    for name, (title, words) in ASKED_WORDS.items():
        if value := asked.chosen[name]:
            person = read_number(value) if name == "author" else None
            told.append((title, words.get(value, names.get(PersonId(person), value) if person else value)))
    return told


def _state(text: str) -> State | None:
    return next((one for one in STATE_WORDS if one == text), None)


def _title(run: Run) -> str:
    return next((one.title for one in FORMATS if one.name == run.format), run.format)


def _is_here(request: Request, run: Run) -> bool:
    try:
        _desk(request).path_of(run)
    except AccreditationError:
        return False
    return True


async def _run(request: Request) -> Run:
    async with database_of(request).transaction() as connection:
        return await load_run(connection, read_id(request, "run"))


def _desk(request: Request) -> ExportDesk:
    desk: ExportDesk = request.app.state.export_desk
    return desk


_WORDS = {"batch_words": BATCH_WORDS, "batch_tones": BATCH_TONES, "carried_words": CARRIED_WORDS}

routes: list[BaseRoute] = [
    Route(START, show_start, methods=["GET"]),
    Route(START, begin, methods=["POST"]),
    Route(f"{START}/{{run}}", show_run, methods=["GET"]),
    Route(f"{START}/{{run}}/progress", show_progress, methods=["GET"]),
    Route(f"{START}/{{run}}/cancel", cancel, methods=["POST"]),
    Route(f"{START}/{{run}}/file", take_file, methods=["GET"]),
]
