"""Checking an accreditation in a browser: one field, and an answer that is a sentence before it is a table."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from core.access import address_of
from core.errors import AccreditationError, Invalid, NotFound, TooMany
from core.moments import day_in
from core.web import formats, language
from core.web.pages import render
from core.web.requests import database_of
from registry import lookup, numbers
from registry.entries import Status
from registry.lookup import Answer
from registry.pace import Pace
from registry.pages.words import KIND_WORDS, STATUS_WORDS

TONES = {
    Status.VALID: "ok",
    Status.EXPIRES_SOON: "warn",
    Status.EXPIRED: "danger",
    Status.SUSPENDED: "danger",
    Status.ANNULLED: "danger",
    Status.SUPERSEDED: "info",
}

_SENTENCES = {
    Status.VALID: "Аккредитация действительна до %(date)s года",
    Status.EXPIRES_SOON: "Аккредитация действительна до %(date)s года, срок скоро закончится",
    Status.EXPIRED: "Аккредитация не действует: срок закончился %(date)s года",
    Status.SUSPENDED: "Аккредитация приостановлена",
    Status.ANNULLED: "Запись аннулирована, аккредитации она не подтверждает",
    Status.SUPERSEDED: "Запись заменена новой",
}


async def check(request: Request) -> Response:
    """`GET /register?q=`: by number, or by name and speciality; without `q` the empty form."""
    query = request.query_params.get("q", "").strip()
    return await _answered(request, query) if query else _shown(request, "", [])


async def show_entry(request: Request) -> Response:
    """`GET /register/{number}`: the entry with this number; the address that an extract's QR code holds."""
    return await _answered(request, request.path_params["number"], number_only=True)


def sentence(answer: Answer, lang: str = language.DEFAULT) -> str:
    """What the check says, in one sentence."""
    return language.gettext(lang)(_SENTENCES[answer.status]) % {"date": formats.day_text(answer.valid_to, lang)}


async def _answered(request: Request, query: str, number_only: bool = False) -> Response:
    try:
        answers = await _look_up(request, query, number_only)
    except (Invalid, NotFound, TooMany) as refusal:
        return _shown(request, query, [], refusal)
    if not answers:
        return _shown(
            request,
            query,
            [],
            NotFound(
                "nobody_found",
                "В реестре нет записи на это имя по этой специальности. Проверьте написание или спросите номер записи.",
            ),
        )
    return _shown(request, query, answers)


async def _look_up(request: Request, query: str, number_only: bool) -> list[Answer]:
    state = request.app.state
    now = state.clock.now()
    if not hasattr(state, "register_pace"):
        state.register_pace = Pace()
    wait = state.register_pace.wait(address_of(request), now)
    if wait:
        raise TooMany("too_many_checks", "Слишком много проверок подряд. Подождите минуту и повторите.")
    today = day_in(now, state.settings.zone)
    async with database_of(request).transaction() as connection:
        if number_only or numbers.looks_like(query):
            return [await lookup.by_number(connection, query, today)]
        return await lookup.by_name(connection, query, today)


def _shown(request: Request, query: str, answers: list[Answer], refusal: AccreditationError | None = None) -> Response:
    lang = language.of(request)
    say = language.gettext(lang)
    context = {
        "query": query,
        "refusal": say(refusal.message) if refusal else "",
        "answers": [
            {
                "sentence": sentence(answer, lang),
                "tone": TONES[answer.status],
                "status": say(STATUS_WORDS[answer.status]),
                "number": answer.number,
                "successor": answer.successor,
                "rows": [
                    (say("Фамилия, имя, отчество"), answer.name),
                    (say("Специальность"), f"{answer.speciality.title}, {answer.speciality.code}"),
                    (say("Вид аккредитации"), say(KIND_WORDS[answer.kind])),
                    (say("Первый день срока"), formats.day_text(answer.valid_from, lang)),
                    (say("Последний день срока"), formats.day_text(answer.valid_to, lang)),
                    (say("Номер записи"), answer.number),
                ],
            }
            for answer in answers
        ],
    }
    return render(request, "registry/check.html", context, refusal.status if refusal else 200)


routes: list[BaseRoute] = [
    Route("/register", check, methods=["GET"]),
    Route("/register/{number}", show_entry, methods=["GET"]),
]
