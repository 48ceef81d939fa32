"""The catalogue of requirements: specialities, sections, codes; what each has; lists taken in; repeals."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import requirement_desk as desk
from admin.bulk import MOST
from admin.pages.door import for_staff, read_query
from admin.pages.frame import back, show
from admin.pages.shelves import WORDS
from admin.shelves import open_shelf
from core.access import Permission, Principal
from core.errors import AccreditationError, Forbidden
from core.web.bodies import MOST_BYTES
from core.web.requests import database_of, read_field, read_text
from question_bank.requirement_list import Listing
from question_bank.requirement_store import count_holdings, list_specialities, load_requirement
from question_bank.requirements import Requirement
from question_bank.wanted import Wanted

MOST_LETTERS = 512 * 1024
LARGE_BODIES = {"/staff/requirements/list": 4 * MOST_LETTERS + MOST_BYTES}
"""A pasted list is longer than other forms; a Cyrillic letter takes six bytes in one."""


@for_staff(Permission.BANK_READ)
async def show_catalogue(request: Request, reader: Principal) -> Response:
    """`GET /staff/requirements?speciality=&q=`."""
    return await _catalogue(request, reader)


@for_staff(Permission.BANK_EDIT)
async def add_speciality(request: Request, reader: Principal) -> Response:
    """`POST /staff/requirements/speciality` with `code`, `title`."""
    typed = {"form": "speciality", "code": await read_text(request, "code"), "title": await read_text(request, "title")}
    try:
        async with database_of(request).transaction() as connection:
            await desk.add_speciality(connection, typed["code"], typed["title"], reader, _now(request))
    except AccreditationError as problem:
        return await _catalogue(request, reader, typed, problem)
    return back(_address(typed["code"].strip()))


@for_staff(Permission.BANK_EDIT)
async def rename_speciality(request: Request, reader: Principal) -> Response:
    """`POST /staff/requirements/speciality/title` with `speciality`, `title`."""
    code, title = await read_text(request, "speciality"), await read_text(request, "title")
    try:
        async with database_of(request).transaction() as connection:
            await desk.rename_speciality(connection, code, title, reader, _now(request))
    except AccreditationError as problem:
        return await _catalogue(request, reader, {"form": "title", "speciality": code, "title": title}, problem)
    return back(f"{_address(code)}&done=speciality")


@for_staff(Permission.BANK_EDIT)
async def add_requirement(request: Request, reader: Principal) -> Response:
    """`POST /staff/requirements/add` with `speciality`, `code`, `title`, `section`."""
    typed = {"form": "requirement"} | {
        name: " ".join((await read_text(request, name)).split()) for name in ("speciality", "code", "title", "section")
    }
    wanted = Requirement(typed["code"], typed["speciality"], typed["title"], typed["section"])
    try:
        async with database_of(request).transaction() as connection:
            await desk.save_requirement(connection, wanted, True, reader, _now(request))
    except AccreditationError as problem:
        return await _catalogue(request, reader, typed, problem)
    return back(f"{_address(wanted.speciality)}&done=requirement")


@for_staff(Permission.BANK_EDIT)
async def take_list(request: Request, reader: Principal) -> Response:
    """`POST /staff/requirements/list` with `speciality`, `text`: told what would change, and done with `sure`."""
    speciality = await read_text(request, "speciality")
    text = await read_text(request, "text", MOST_LETTERS)
    try:
        async with database_of(request).transaction() as connection:
            listing = await desk.judge_list(connection, speciality, text)
            if await read_field(request, "sure") != "yes" or not listing.wanted:
                return _listing(request, reader, speciality, text, listing)
            await desk.take_list(connection, listing, reader, _now(request))
    except AccreditationError as problem:
        typed = {"form": "list", "speciality": speciality, "text": text}
        return await _catalogue(request, reader, typed, problem)
    return back(f"{_address(speciality)}&done=requirements")


@for_staff(Permission.BANK_READ)
async def show_requirement(request: Request, reader: Principal) -> Response:
    """`GET /staff/requirements/one?speciality=&code=`."""
    return await _requirement(request, reader, read_query(request, "speciality"), read_query(request, "code"))


@for_staff(Permission.BANK_EDIT)
async def rename(request: Request, reader: Principal) -> Response:
    """`POST /staff/requirements/one` with `speciality`, `code`, `title`, `section`."""
    speciality, code = await _place(request)
    title, section = [" ".join((await read_text(request, name)).split()) for name in ("title", "section")]
    try:
        async with database_of(request).transaction() as connection:
            wanted = Requirement(code, speciality, title, section)
            await desk.save_requirement(connection, wanted, False, reader, _now(request))
    except AccreditationError as problem:
        return await _requirement(request, reader, speciality, code, problem, {"title": title, "section": section})
    return _return_to(speciality, code, "requirement")


@for_staff(Permission.BANK_APPROVE)
async def repeal(request: Request, reader: Principal) -> Response:
    """`POST /staff/requirements/repeal` with `speciality`, `code`, `reason`: asks what is meant, and `sure`."""
    speciality, code = await _place(request)
    reason = await read_text(request, "reason", desk.LONGEST_REASON + 1)
    try:
        async with database_of(request).transaction() as connection:
            if await read_field(request, "sure") != "yes":
                requirement, _ = await load_requirement(connection, speciality, code)
                context = {
                    "requirement": requirement,
                    "reason": desk.read_reason(reason),
                    "reach": await desk.foresee_repeal(connection, speciality, code),
                    "address": _one(speciality, code),
                }
                return show(request, reader, "requirement_repeal", context)
            await desk.repeal(connection, speciality, code, reason, reader, _now(request))
    except Forbidden:
        raise
    except AccreditationError as problem:
        return await _requirement(request, reader, speciality, code, problem, {"reason": reason})
    return _return_to(speciality, code, "repealed")


@for_staff(Permission.BANK_APPROVE)
async def restore(request: Request, reader: Principal) -> Response:
    """`POST /staff/requirements/restore` with `speciality`, `code`."""
    speciality, code = await _place(request)
    try:
        async with database_of(request).transaction() as connection:
            await desk.restore(connection, speciality, code, reader, _now(request))
    except AccreditationError as problem:
        return await _requirement(request, reader, speciality, code, problem)
    return _return_to(speciality, code, "restored")


async def _catalogue(
    request: Request,
    reader: Principal,
    typed: dict[str, str] | None = None,
    problem: AccreditationError | None = None,
) -> Response:
    typed = {"form": "", "speciality": ""} | (typed or {})
    chosen, words = read_query(request, "speciality") or typed.get("speciality", ""), read_query(request, "q")
    async with database_of(request).transaction() as connection:
        specialities = await list_specialities(connection)
        known = {one.code: one for one in specialities}
        found = await desk.open_catalogue(connection, chosen if chosen in known else None, words)
    context = {
        "found": found,
        "specialities": specialities,
        "chosen": known.get(chosen),
        "words": words,
        "typed": typed,
        "place_of": _one,
        "address": _address,
    }
    return show(request, reader, "requirements", context, problem)


def _listing(request: Request, reader: Principal, speciality: str, text: str, listing: Listing) -> Response:
    context = {"speciality": speciality, "text": text, "listing": listing, "address": _address(speciality)}
    return show(request, reader, "requirement_list", context)


async def _requirement(
    request: Request,
    reader: Principal,
    speciality: str,
    code: str,
    problem: AccreditationError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    async with database_of(request).transaction() as connection:
        requirement, reason = await load_requirement(connection, speciality, code)
        wanted = Wanted(speciality=speciality, requirement=code)
        shelf = await open_shelf(connection, wanted, "", 1, reader, ())
        holding = (await count_holdings(connection, speciality)).get((speciality, code), desk.NOTHING)
        titles = {one.code: one.title for one in shelf.specialities}
    context = {
        "requirement": requirement,
        "reason": reason,
        "holding": holding,
        "shelf": shelf,
        "found": shelf.found,
        "speciality": titles.get(speciality, speciality),
        "typed": {"title": requirement.title, "section": requirement.section, "reason": ""} | (typed or {}),
        "asked": urlencode({"speciality": speciality, "requirement": code}),
        "address": _address(speciality),
        "most_at_once": MOST,
        **WORDS,
    }
    return show(request, reader, "requirement", context, problem)


async def _place(request: Request) -> tuple[str, str]:
    return await read_text(request, "speciality"), await read_text(request, "code")


def _address(speciality: str) -> str:
    return "/staff/requirements" + (f"?{urlencode({'speciality': speciality})}" if speciality else "")


def _one(speciality: str, code: str) -> str:
    return "/staff/requirements/one?" + urlencode({"speciality": speciality, "code": code})


def _return_to(speciality: str, code: str, done: str) -> Response:
    return back(f"{_one(speciality, code)}&done={done}")


def _now(request: Request) -> int:
    return int(request.app.state.clock.now())


routes: list[BaseRoute] = [
    Route("/staff/requirements", show_catalogue, methods=["GET"]),
    Route("/staff/requirements/speciality", add_speciality, methods=["POST"]),
    Route("/staff/requirements/speciality/title", rename_speciality, methods=["POST"]),
    Route("/staff/requirements/add", add_requirement, methods=["POST"]),
    Route("/staff/requirements/list", take_list, methods=["POST"]),
    Route("/staff/requirements/one", show_requirement, methods=["GET"]),
    Route("/staff/requirements/one", rename, methods=["POST"]),
    Route("/staff/requirements/repeal", repeal, methods=["POST"]),
    Route("/staff/requirements/restore", restore, methods=["POST"]),
]
