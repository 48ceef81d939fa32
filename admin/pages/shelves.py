"""The list of the bank: found as one types, filtered, with what waits for whoever looks."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from admin.bulk import MOST, acts_of
from admin.pages.asked import BANDS, WHERES, Asked, read_asked
from admin.pages.bank import KIND_WORDS, LEVEL_WORDS
from admin.pages.bulk import ACT_WORDS
from admin.pages.door import for_staff, read_page
from admin.pages.frame import pages_of, show
from admin.pages.item_words import STATE_TONES, STATE_WORDS
from admin.shelves import Exposed, narrow, offer_requirements, open_shelf
from core.access import Permission, Principal
from core.web.requests import database_of
from question_bank.catalogue import PAGE, SHORTLY_COUNTED, Shortcut
from question_bank.requirement_store import list_specialities

WHERE_WORDS = {
    "mine": "Ждут моей проверки",
    "draft": "Черновики",
    "review": "На проверке",
    "approved": "Утверждены, не введены",
    "piloted": "Апробация",
    "active": "Действуют",
    "retired": "Выведены",
    "withdrawn": "Отозваны",
    "unready": "С ошибками",
}
BAND_WORDS = {"hard": "Трудные", "medium": "Средние", "easy": "Лёгкие"}
POOL_WORDS = {"exam": "Экзамен", "practice": "Тренировка"}
LANGUAGE_WORDS = {"ru": "Русский", "en": "Английский"}
KNOWN_WORDS = {
    "calibrated": "Есть калибровка по ответам",
    "uncalibrated": "Калибровки ещё нет",
    "rated": "Есть оценки экспертов",
    "unrated": "Оценок экспертов нет",
}
EXPOSED_WORDS: dict[Exposed, str] = {
    "never": "Ни разу",
    "ever": "Хотя бы раз",
    "over": "Чаще предела",
}
SHORTCUTS: dict[Shortcut, tuple[str, dict[str, str]]] = {
    "drafts": ("Мои черновики", {"where": "draft", "author": "me"}),
    "reviews": ("Ждут моей проверки", {"where": "mine"}),
    "approved": ("Готовы к вводу", {"where": "approved"}),
    "unready": ("С ошибками", {"where": "unready"}),
}
WORDS: dict[str, dict[str, str]] = {
    "state_words": dict(STATE_WORDS.items()),
    "state_tones": dict(STATE_TONES.items()),
    "where_words": WHERE_WORDS,
    "kind_words": KIND_WORDS,
    "level_words": LEVEL_WORDS,
    "band_words": BAND_WORDS,
    "pool_words": POOL_WORDS,
    "language_words": LANGUAGE_WORDS,
    "known_words": KNOWN_WORDS,
    "exposed_words": dict(EXPOSED_WORDS.items()),
}


@for_staff(Permission.BANK_READ)
async def show_items(request: Request, reader: Principal) -> Response:
    """`GET /staff/bank?q=&speciality=&…&page=` (see asked)."""
    asked, page = read_asked(request.query_params, reader.id), read_page(request)
    async with database_of(request).transaction() as connection:
        asked = asked.of(await list_specialities(connection))
        requirements = await offer_requirements(connection, asked.wanted.speciality)
        asked = asked.within(requirements)
        wanted = await narrow(connection, asked.wanted, asked.exposed)
        shelf = await open_shelf(connection, wanted, asked.words, page, reader, requirements)
    context = {
        "shelf": shelf,
        "found": shelf.found,
        "chosen": asked.chosen,
        "asked": asked,
        "shortcuts": [_shortcut(name, asked, shelf.counts[name]) for name in SHORTCUTS],
        "wheres": ("mine", *WHERES),
        "bands": tuple(BANDS),
        "most_at_once": MOST,
        "acts": acts_of(reader),
        "act_words": ACT_WORDS,
        "page": page,
        "pages": pages_of(shelf.found.total, PAGE),
        "address": f"/staff/bank?{asked.query}{'&' if asked.query else ''}page=",
        **WORDS,
    }
    return show(request, reader, "bank", context)


def _shortcut(name: Shortcut, asked: Asked, count: int) -> dict[str, object]:
    title, query = SHORTCUTS[name]
    return {
        "title": title,
        "address": "/staff/bank?" + "&".join(f"{key}={value}" for key, value in query.items()),
        "count": min(count, SHORTLY_COUNTED),
        "more": count > SHORTLY_COUNTED,
        "here": {key: value for key, value in asked.chosen.items() if value} == query,
    }


routes: list[BaseRoute] = [Route("/staff/bank", show_items, methods=["GET"])]
