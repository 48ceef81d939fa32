"""Files of items brought in: sent, judged in a dry run, read about, kept. Long work goes on without its page."""

from typing import get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from admin.exchange_desk import LONGEST_NAME, MOST_FILE, ImportDesk
from admin.pages.bank import LEVEL_WORDS
from admin.pages.door import for_staff, read_id, read_page, read_query
from admin.pages.exchange_words import (
    BATCH_TONES,
    BATCH_WORDS,
    DRY_FATE,
    DRY_FATES,
    KEPT_FATE,
    KEPT_FATES,
    WEIGHT_TONES,
    WEIGHT_WORDS,
)
from admin.pages.frame import back, pages_of, show
from admin.pages.shelves import LANGUAGE_WORDS, POOL_WORDS
from core.access import Permission, Principal, people
from core.database import Database
from core.errors import AccreditationError, Conflict, Invalid
from core.moments import SECOND
from core.web.pages import render
from core.web.requests import database_of, plain, read_text
from question_bank.drafts import Defaults
from question_bank.exchange.formats import FORMATS
from question_bank.exchange.qti_read import never
from question_bank.forms import ItemPool, Language, Level
from question_bank.import_file_store import WaitingFile, list_brought, list_unread, load_file
from question_bank.import_store import (
    Kind,
    ask_to_cancel,
    count_kinds,
    is_brought_in,
    judged_batch,
    list_batches,
    load_batch,
    newest_batch,
    show_lines,
)
from question_bank.imports import FATES, Batch, Wishes
from question_bank.requirement_store import list_requirements, list_specialities

START = "/staff/bank/import"
LINES = 50
BATCHES = 50
SHOWN_ITEMS = 100
BYTES_OF_NAME = 600
UNKNOWN_WORDS = {"reject": "Отклонить", "default": "Отнести к требованию, выбранному выше"}


@for_staff(Permission.BANK_EDIT)
async def show_start(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/import?page=`: a place for a file, and what became of others."""
    page = read_page(request)
    async with database_of(request).transaction() as connection:
        batches = await list_batches(connection, BATCHES + 1, (page - 1) * BATCHES)
        waiting = await list_unread(connection)
        known = await people(
            connection, {one.done_by for one in batches if one.done_by} | {one.brought_by for one in waiting}
        )
    context = {
        "batches": batches[:BATCHES],
        "waiting": waiting,
        "names": {one.id: one.name for one in known},
        "page": page,
        "pages": page + (len(batches) > BATCHES),
        "most": MOST_FILE,
        "formats": [one.title for one in FORMATS if one.recognise is not never],
        "suffixes": ",".join(dict.fromkeys(suffix for one in FORMATS for suffix in one.suffixes)),
        **_WORDS,
    }
    return show(request, reader, "import", context)


@for_staff(Permission.BANK_EDIT)
async def take_file(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/import/files?name=` with the bytes of the file and the token in a header: `{address}`."""
    if "x-csrf-token" not in request.headers:
        raise Invalid("file_unread", "Файл отправлен не со страницы загрузки. Откройте её и выберите файл ещё раз.")
    name = plain(request.query_params.get("name", ""), BYTES_OF_NAME).replace("\\", "/").rpartition("/")[2]
    number = await _desk(request).take(request.stream(), name.replace("\n", " ").strip()[-LONGEST_NAME:], reader)
    return JSONResponse({"address": f"{START}/{number}"})


@for_staff(Permission.BANK_EDIT)
async def show_file(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/import/{file}`: in which format it is, and what is taken where it does not say."""
    return await _draw_file(request, reader)


@for_staff(Permission.BANK_EDIT)
async def check(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/import/{file}/check`: a dry run begins."""
    file = await _file(request)
    typed = {name: await read_text(request, name) for name in TYPED}
    try:
        batch = await _desk(request).check(file, _wishes(typed), reader)
    except Conflict as problem:
        return await _begun(request, reader, problem, file, typed)
    except AccreditationError as problem:
        return await _draw_file(request, reader, problem, typed)
    return back(f"{START}/runs/{batch}")


@for_staff(Permission.BANK_EDIT)
async def drop(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/import/{file}/drop`."""
    file = await _file(request)
    try:
        await _desk(request).drop(file)
    except Conflict as problem:
        return await _draw_file(request, reader, problem)
    return back(START, "file_dropped")


@for_staff(Permission.BANK_EDIT)
async def show_run(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/import/runs/{run}?kind=&page=`: how far it is, or its report."""
    return await _draw_run(request, reader)


@for_staff(Permission.BANK_EDIT)
async def show_progress(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/import/runs/{run}/progress`: the part that changes by itself; the page anew once it ended."""
    async with database_of(request).transaction() as connection:
        batch = await load_batch(connection, read_id(request, "run"))
        judged = await judged_batch(connection, batch.file) if batch.file and not batch.dry else None
    context = {"batch": batch, "total": judged.counts.read if judged else 0, "zone": reader.zone}
    answer = render(request, "admin/import_progress.html", context)
    if batch.state != "running":
        answer.headers["hx-refresh"] = "true"
    return answer


@for_staff(Permission.BANK_EDIT)
async def cancel(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/import/runs/{run}/cancel`: whichever process it runs in."""
    number = read_id(request, "run")
    async with database_of(request).transaction() as connection:
        await load_batch(connection, number)
        await ask_to_cancel(connection, number)
    return back(f"{START}/runs/{number}")


@for_staff(Permission.BANK_EDIT)
async def bring_in(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/import/runs/{run}/keep`: what a dry run found is brought in."""
    async with database_of(request).transaction() as connection:
        judged = await load_batch(connection, read_id(request, "run"))
        file = await load_file(connection, judged.file or 0)
    try:
        batch = await _desk(request).bring_in(file, judged, reader)
    except Conflict as problem:
        if problem.code == "import_begun":
            return await _begun(request, reader, problem, file, None)
        return await _draw_run(request, reader, problem)
    except AccreditationError as problem:
        return await _draw_run(request, reader, problem)
    return back(f"{START}/runs/{batch}")


async def _begun(
    request: Request, reader: Principal, problem: Conflict, file: WaitingFile, typed: dict[str, str] | None
) -> Response:
    """Where a second click leads: to what the first one began."""
    async with database_of(request).transaction() as connection:
        newest = await newest_batch(connection, file.id)
    if problem.code == "import_begun" and newest is not None:
        return back(f"{START}/runs/{newest.id}")
    return await _draw_file(request, reader, problem, typed)


async def _draw_file(
    request: Request,
    reader: Principal,
    problem: AccreditationError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    file = await _file(request)
    async with database_of(request).transaction() as connection:
        newest, brought = await newest_batch(connection, file.id), await is_brought_in(connection, file.id)
        specialities = {one.code: one.title for one in await list_specialities(connection)}
        requirements = await list_requirements(connection)
        known = await people(connection, {file.brought_by})
    here = _is_here(request, file)
    found = await _desk(request).recognise(file) if here else ""
    groups: dict[str, list[tuple[str, str]]] = {}
    for one in requirements:
        if one.repealed_at is None:
            title = f"{one.speciality} {specialities.get(one.speciality, '')}".strip()
            groups.setdefault(title, []).append((f"{one.speciality}/{one.code}", f"{one.code} {one.title}"))
    context = {
        "file": file,
        "here": here,
        "found": next((one.title for one in FORMATS if one.name == found), ""),
        "newest": newest,
        "brought": brought,
        "by": known[0].name if known else "",
        "groups": groups,
        "formats": [(one.name, one.title) for one in FORMATS if one.recognise is not never],
        "typed": typed if typed is not None else _typed(newest),
        "level_words": LEVEL_WORDS,
        "pool_words": POOL_WORDS,
        "language_words": LANGUAGE_WORDS,
        "unknown_words": UNKNOWN_WORDS,
        **_WORDS,
    }
    return show(request, reader, "import_file", context, problem)


async def _draw_run(request: Request, reader: Principal, problem: AccreditationError | None = None) -> Response:
    number, page = read_id(request, "run"), read_page(request)
    weight, _, code = read_query(request, "kind").partition(":")
    async with database_of(request).transaction() as connection:
        batch = await load_batch(connection, number)
        kinds = await count_kinds(connection, number)
        chosen = [one for one in kinds if weight in ("", one.weight) and code in ("", one.code)]
        total = sum(one.count for one in chosen)
        lines = await show_lines(connection, number, weight=weight, code=code, limit=LINES, offset=(page - 1) * LINES)
        file = await load_file(connection, batch.file) if batch.file else None
        newest = await newest_batch(connection, batch.file) if batch.file else None
        judged = await judged_batch(connection, batch.file) if batch.file and not batch.dry else None
        brought = await is_brought_in(connection, batch.file) if batch.file else False
        finished = not batch.dry and batch.state == "done"
        items = await list_brought(connection, batch, SHOWN_ITEMS) if finished else []
        known = await people(connection, {batch.done_by} if batch.done_by else set())
    kind = f"{weight}:{code}" if code else weight
    weights: dict[str, list[Kind]] = {}
    for one in kinds:
        weights.setdefault(one.weight, []).append(one)
    context = {
        "batch": batch,
        "by": known[0].name if known else "",
        "file": file,
        "here": file is not None and _is_here(request, file),
        "newest": newest,
        "brought": brought,
        "total": judged.counts.read if judged else 0,
        "kinds": weights,
        "sums": {name: sum(one.count for one in kinds if one.weight == name) for name in weights},
        "kind": kind,
        "lines": lines,
        "found": total,
        "items": items,
        "format": next((one.title for one in FORMATS if one.name == batch.format), batch.format),
        "fate_word": DRY_FATE if batch.dry else KEPT_FATE,
        "fate_names": FATES,
        "fate_words": DRY_FATES if batch.dry else KEPT_FATES,
        "page": page,
        "pages": pages_of(total, LINES),
        "address": f"{START}/runs/{number}?" + (f"kind={kind}&" if kind else "") + "page=",
        **_WORDS,
    }
    return show(request, reader, "import_run", context, problem)


TYPED = ("format", "requirement", "level", "difficulty", "limit", "language", "pool", "unknown")


def _typed(batch: Batch | None) -> dict[str, str]:
    """What stands in the form: what was asked for last time, or what is usual."""
    defaults = Defaults("", "") if batch is None else batch.defaults
    return {
        "format": "" if batch is None else batch.format,
        "requirement": f"{defaults.speciality}/{defaults.requirement}" if defaults.requirement else "",
        "level": defaults.level,
        "difficulty": f"{defaults.difficulty:g}".replace(".", ","),
        "limit": str(defaults.limit // SECOND),
        "language": defaults.language,
        "pool": defaults.pool,
        "unknown": "reject" if batch is None else batch.unknown_requirement,
    }


def _wishes(typed: dict[str, str]) -> Wishes:
    """Raises Invalid (`import_wishes`) naming the fields."""
    wrong: dict[str, str] = {}
    try:
        difficulty = float(typed["difficulty"].strip().replace(",", "."))
    except ValueError:
        difficulty = 0.0
    if not 0.01 <= difficulty <= 0.99:
        wrong["difficulty"] = "Впишите число от 0,01 до 0,99."
    told = typed["limit"].strip()
    limit = int(told) if told.isascii() and told.isdigit() and len(told) < 6 else 0
    if not 5 <= limit <= 3_600:
        wrong["limit"] = "Впишите число секунд от 5 до 3600."
    speciality, _, requirement = typed["requirement"].partition("/")
    level = next((one for one in get_args(Level) if one == typed["level"]), None)
    language = next((one for one in get_args(Language) if one == typed["language"]), None)
    pool = next((one for one in get_args(ItemPool) if one == typed["pool"]), None)
    for name, value in {"level": level, "language": language, "pool": pool}.items():
        if value is None:
            wrong[name] = "Выберите из списка."
    if typed["format"] and typed["format"] not in {one.name for one in FORMATS}:
        wrong["format"] = "Выберите из списка."
    if typed["unknown"] == "default" and not requirement:
        wrong["requirement"] = "Выберите требование, к которому отнести такие задания."
    if wrong or level is None or language is None or pool is None:
        raise Invalid("import_wishes", "Проверьте отмеченные поля.", fields=wrong)
    return Wishes(
        Defaults(speciality, requirement, level, difficulty, limit * SECOND, language, pool),
        typed["format"],
        "default" if typed["unknown"] == "default" else "reject",
    )


async def _file(request: Request) -> WaitingFile:
    database: Database = database_of(request)
    async with database.transaction() as connection:
        return await load_file(connection, read_id(request, "file"))


def _is_here(request: Request, file: WaitingFile) -> bool:
    try:
        _desk(request).path_of(file)
    except AccreditationError:
        return False
    return True


def _desk(request: Request) -> ImportDesk:
    desk: ImportDesk = request.app.state.import_desk
    return desk


_WORDS = {
    "batch_words": BATCH_WORDS,
    "batch_tones": BATCH_TONES,
    "weight_words": WEIGHT_WORDS,
    "weight_tones": WEIGHT_TONES,
}

routes: list[BaseRoute] = [
    Route(START, show_start, methods=["GET"]),
    Route(f"{START}/files", take_file, methods=["POST"]),
    Route(f"{START}/runs/{{run}}", show_run, methods=["GET"]),
    Route(f"{START}/runs/{{run}}/progress", show_progress, methods=["GET"]),
    Route(f"{START}/runs/{{run}}/cancel", cancel, methods=["POST"]),
    Route(f"{START}/runs/{{run}}/keep", bring_in, methods=["POST"]),
    Route(f"{START}/{{file}}", show_file, methods=["GET"]),
    Route(f"{START}/{{file}}/check", check, methods=["POST"]),
    Route(f"{START}/{{file}}/drop", drop, methods=["POST"]),
]
