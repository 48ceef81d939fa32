"""One item: its text with the key, its life, withdrawing it; versions moved on, commented on, rated."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin import bank_desk, item_life
from admin.pages.bank import KIND_WORDS, LEVEL_WORDS, ROLE_TONES, ROLE_WORDS
from admin.pages.door import for_staff, read_query
from admin.pages.frame import back, show
from admin.pages.item_words import FIELD_WORDS, STAGE_FIELD, words_for
from admin.pages.texts import item_text
from core.access import Permission, Principal, people
from core.errors import AccreditationError, Invalid, NotFound
from core.ids import ItemId
from core.web.requests import database_of, read_field, read_number, read_text
from exam_server.closing import LONGEST_REASON, read_reason
from exam_server.withdrawal import foresee, list_kept, load_withdrawal
from exam_server.withdrawal import withdraw as withdraw_item
from question_bank.store import current_version
from question_bank.version_store import LONGEST_WORDS
from question_bank.workflow import MOVES, Move

MOST_VERSIONS = 1_000_000


@for_staff(Permission.BANK_READ)
async def show_item(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank/{item}?version=&against=`: one version, and what it changes in another."""
    return await _draw(request, reader)


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
        return await _draw(request, reader, problem, {"reason": reason})
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


@for_staff(Permission.BANK_EDIT, Permission.BANK_APPROVE)
async def move(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/{item}/move?version=` with `move` and `words`."""
    step = _read_move(await read_field(request, "move"))
    words = await read_text(request, "words", LONGEST_WORDS + 1)
    item, version = _item_id(request), _read_version(request)
    try:
        async with database_of(request).transaction() as connection:
            await item_life.move(connection, item, version, step, reader, request.app.state.clock.now(), words)
    except AccreditationError as problem:
        if isinstance(problem, NotFound):
            raise
        return await _draw(request, reader, problem, {"words": words})
    return back(_address(request, version), f"moved_{step}")


@for_staff(Permission.BANK_EDIT, Permission.BANK_APPROVE)
async def comment(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/{item}/comment?version=` with `comment` and `field`."""
    words = await read_text(request, "comment", LONGEST_WORDS + 1)
    field = await read_field(request, "field")
    field = field if field in FIELD_WORDS or STAGE_FIELD.fullmatch(field) else ""
    item, version = _item_id(request), _read_version(request)
    try:
        async with database_of(request).transaction() as connection:
            await item_life.comment(connection, item, version, words, field, reader, request.app.state.clock.now())
    except Invalid as problem:
        said = Invalid(problem.code, problem.message, fields={"comment": problem.message})
        return await _draw(request, reader, said, {"comment": words, "field": field})
    return back(_address(request, version), "commented")


@for_staff(Permission.BANK_EDIT, Permission.BANK_APPROVE)
async def rate(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/{item}/rate?version=` with `rating`, 0..100."""
    text = (await read_field(request, "rating")).strip()
    item, version = _item_id(request), _read_version(request)
    rating = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else -1
    try:
        async with database_of(request).transaction() as connection:
            await item_life.give_rating(connection, item, version, rating, reader, request.app.state.clock.now())
    except Invalid as problem:
        return await _draw(request, reader, problem, {"rating": text[:20]})
    return back(_address(request, version), "rated")


async def _draw(
    request: Request,
    reader: Principal,
    problem: AccreditationError | None = None,
    typed: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """`typed`: what stood in the fields of a form that was refused."""
    item = _item_id(request)
    wanted, against = (_number(read_query(request, name)) for name in ("version", "against"))
    asked = "against" in request.query_params
    async with database_of(request).transaction() as connection:
        sheet = await bank_desk.open_item(connection, item, wanted, reader, request.app.state.clock.now())
        life = await item_life.open_life(connection, sheet.item, reader, against, asked=asked)
    context = {
        "sheet": sheet,
        "life": life,
        "typed": {"reason": "", "words": "", "comment": "", "field": "", "rating": "", **typed},
        "kind_words": KIND_WORDS,
        "level_words": LEVEL_WORDS,
        "role_words": ROLE_WORDS,
        "role_tones": ROLE_TONES,
        "item_text": item_text,
        **words_for(request),
    }
    return show(request, reader, "item", context, problem)


def _item_id(request: Request) -> ItemId:
    return ItemId(str(request.path_params["item"])[:200].replace("\x00", ""))


def _number(text: str) -> int | None:
    number = read_number(text)
    return number if number is not None and number <= MOST_VERSIONS else None


def _read_move(text: str) -> Move:
    for _, step in MOVES:
        if step == text:
            return step
    raise Invalid("move_unknown", "Такого шага нет. Обновите страницу.")


def _read_version(request: Request) -> int:
    version = _number(read_query(request, "version"))
    if version is None:
        raise NotFound("item_unknown", "Такой версии нет. Откройте задание из списка.")
    return version


def _address(request: Request, version: int) -> str:
    return f"/staff/bank/{quote(_item_id(request), safe='')}?version={version}"


routes: list[BaseRoute] = [
    Route("/staff/bank/{item}", show_item, methods=["GET"]),
    Route("/staff/bank/{item}/withdraw", withdraw, methods=["POST"]),
    Route("/staff/bank/{item}/withdrawal", show_withdrawal, methods=["GET"]),
    Route("/staff/bank/{item}/move", move, methods=["POST"]),
    Route("/staff/bank/{item}/comment", comment, methods=["POST"]),
    Route("/staff/bank/{item}/rate", rate, methods=["POST"]),
]
