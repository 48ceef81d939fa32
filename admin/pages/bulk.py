"""One act on many items of the list: chosen there, foreseen, done, told."""

from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin.bulk import MOST, Act, Foreseen, asks_words, carry_out, foresee, is_act, offer_targets
from admin.pages.asked import read_asked
from admin.pages.door import for_staff, read_texts
from admin.pages.frame import show
from admin.pages.item_words import MOVE_WORDS
from admin.shelves import narrow
from core.access import Permission, Principal
from core.errors import AccreditationError, Invalid
from core.ids import ItemId
from core.web.requests import database_of, read_field, read_number, read_text
from question_bank.candidate_store import ItemRef
from question_bank.catalogue import list_refs
from question_bank.requirements import Requirement
from question_bank.version_store import LONGEST_WORDS

ACT_WORDS: dict[str, str] = {**dict(MOVE_WORDS.items()), "requirement": "Перенести к другому требованию"}
MEANING_WORDS: dict[str, str] = {
    "send": "Задания увидят те, кто утверждает. Править их до решения нельзя.",
    "recall": "Задания снова станут черновиками.",
    "approve": "После утверждения задания можно вводить в действие.",
    "return": "Задания снова станут черновиками, авторы увидят, почему.",
    "pilot": "Задания будут попадать в наборы без влияния на результат.",
    "activate": "Задания сразу могут попасть в новые наборы. Прежние версии выводятся.",
    "retire": "В новые наборы задания больше не попадут. В уже составленных они остаются.",
    "reopen": "Выведенные задания снова пойдут на проверку.",
    "requirement": "У каждого задания появится новая версия — черновик. Действующие версии останутся в силе, "
    "пока новые не введут вместо них.",
}
LONGEST_LIST = 60_000
_EVERYBODY = (Permission.BANK_EDIT, Permission.BANK_APPROVE)


@for_staff(*_EVERYBODY)
async def ask(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/bulk` with `act`, and `item` for each chosen one or `all` with the list's `asked`."""
    act = _act(await read_text(request, "act"))
    asked = read_asked(QueryParams(parse_qsl(await read_text(request, "asked"))), reader.id)
    chosen = _refs(await read_texts(request, "item"))
    async with database_of(request).transaction() as connection:
        if await read_field(request, "all") == "yes":
            wanted = await narrow(connection, asked.wanted, asked.exposed)
            chosen, total, _ = await list_refs(connection, wanted, asked.words, MOST)
            if total > MOST:
                raise Invalid("too_many_items", "За один раз — не больше 1 000 заданий. Уточните условия списка.")
        if not chosen:
            raise Invalid("nothing_chosen", "Отметьте в списке хотя бы одно задание.")
        foreseen = await foresee(connection, act, chosen, reader)
        targets = await offer_targets(connection, foreseen.able) if act == "requirement" else []
    return _preview(request, reader, act, foreseen, targets, asked.query)


@for_staff(*_EVERYBODY)
async def do(request: Request, reader: Principal) -> Response:
    """`POST /staff/bank/bulk/do` with `act`, `items` as they were foreseen, `words`, `requirement`."""
    act = _act(await read_text(request, "act"))
    refs = _refs((await read_text(request, "items", LONGEST_LIST)).split("\n"))
    words, wanted = await read_text(request, "words", LONGEST_WORDS + 1), await read_text(request, "requirement")
    query = read_asked(QueryParams(parse_qsl(await read_text(request, "asked"))), reader.id).query
    async with database_of(request).transaction() as connection:
        foreseen = await foresee(connection, act, refs, reader)
        targets = await offer_targets(connection, foreseen.able) if act == "requirement" else []
    target = next((one for one in targets if f"{one.speciality}/{one.code}" == wanted), None)
    try:
        if act == "requirement" and target is None and foreseen.able:
            raise Invalid("requirement_unknown", "Выберите требование.", fields={"requirement": "Выберите из списка."})
        done = await carry_out(database_of(request), request.app.state.clock, act, refs, words, target, reader)
    except AccreditationError as problem:
        return _preview(request, reader, act, foreseen, targets, query, words, wanted, problem)
    context = {"act": act, "act_words": ACT_WORDS, "outcome": done, "back_to": _list(query)}
    return show(request, reader, "bulk_done", context)


def _preview(
    request: Request,
    reader: Principal,
    act: Act,
    foreseen: Foreseen,
    targets: list[Requirement],
    query: str,
    words: str = "",
    wanted: str = "",
    problem: AccreditationError | None = None,
) -> Response:
    context = {
        "act": act,
        "act_words": ACT_WORDS,
        "meaning": MEANING_WORDS[act],
        "foreseen": foreseen,
        "items": "\n".join(f"{item}:{version}" for item, version in foreseen.able),
        "explained": asks_words(act),
        "targets": targets,
        "words": words,
        "wanted": wanted,
        "query": query,
        "back_to": _list(query),
    }
    return show(request, reader, "bulk", context, problem)


def _list(query: str) -> str:
    return "/staff/bank" + (f"?{query}" if query else "")


def _act(name: str) -> Act:
    if is_act(name):
        return name
    raise Invalid("act_unknown", "Выберите, что сделать с отмеченными заданиями.")


def _refs(told: list[str]) -> list[ItemRef]:
    """Items with their versions as forms name them; what is none is left out."""
    found = []
    for one in told[: MOST + 1]:
        item, _, version = one.strip().rpartition(":")
        number = read_number(version)
        if item and number is not None and number < 2**31:
            found.append((ItemId(item), number))
    return found


routes: list[BaseRoute] = [
    Route("/staff/bank/bulk", ask, methods=["POST"]),
    Route("/staff/bank/bulk/do", do, methods=["POST"]),
]
