"""Refusals and faults as people and programs read them: a designed page, or RFC 9457 JSON."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler

from core.errors import AccreditationError
from core.web import language, pages, policy
from core.web.accept import weighed

JSON_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:accreditation:problem:"
_RETRY_SECONDS = "10"


class Explanation(NamedTuple):
    """What a status means for the person in front of the page."""

    code: str
    title: str
    message: str
    advice: str


EXPLANATIONS: Mapping[int, Explanation] = {
    400: Explanation(
        "bad_request",
        "Запрос не выполнен",
        "Сайт не смог разобрать запрос.",
        "Вернитесь на предыдущую страницу, обновите её и повторите действие.",
    ),
    401: Explanation(
        "unauthenticated",
        "Войдите в систему",
        "Эта страница открывается только после входа.",
        "Войдите и откройте страницу ещё раз.",
    ),
    403: Explanation(
        "forbidden",
        "Нет доступа",
        "У вас нет прав на эту страницу или это действие.",
        "Если доступ вам нужен, обратитесь к администратору вашей организации.",
    ),
    404: Explanation(
        "not_found",
        "Страница не найдена",
        "По этому адресу ничего нет. Возможно, ссылка устарела или в адресе опечатка.",
        "Проверьте адрес или начните с главной страницы.",
    ),
    405: Explanation(
        "method_not_allowed",
        "Так это действие не выполняется",
        "Страница открыта не тем способом, для которого она сделана.",
        "Вернитесь на предыдущую страницу и воспользуйтесь кнопкой на ней.",
    ),
    409: Explanation(
        "conflict",
        "Сейчас это сделать нельзя",
        "Правила или текущее состояние не позволяют выполнить действие.",
        "Обновите страницу: возможно, данные уже изменились.",
    ),
    413: Explanation(
        "too_large",
        "Файл слишком большой",
        "Размер отправленного файла больше допустимого.",
        "Уменьшите файл и отправьте его ещё раз.",
    ),
    422: Explanation(
        "invalid",
        "Проверьте введённые данные",
        "Часть данных заполнена с ошибкой.",
        "Исправьте отмеченные поля и отправьте форму ещё раз.",
    ),
    429: Explanation(
        "too_many",
        "Слишком много попыток",
        "Действие повторялось слишком часто.",
        "Подождите несколько минут и попробуйте снова.",
    ),
    500: Explanation(
        "internal",
        "Ошибка на нашей стороне",
        "Действие не выполнено. Ошибка записана в журнал сервера.",
        "Попробуйте ещё раз через несколько минут. Если ошибка повторится, напишите в поддержку.",
    ),
    503: Explanation(
        "unavailable",
        "Сервис временно недоступен",
        "Одна из частей системы сейчас не отвечает. Всё, что было сохранено, не пропало.",
        "Подождите минуту и обновите страницу.",
    ),
}


def explain(status: int) -> Explanation:
    """The explanation of a status; an unlisted one is explained as 400 or 500."""
    return EXPLANATIONS.get(status) or EXPLANATIONS[500 if status >= 500 else 400]


def respond(request: Request, error: AccreditationError) -> Response:
    """The error in the form that this request asks for."""
    answer: Response
    if prefers_json(request):
        answer = as_json(error, instance=request.url.path, lang=language.of(request))
    elif "hx-request" in request.headers and "hx-boosted" not in request.headers:
        answer = as_banner(request, error)
    else:
        answer = as_page(request, error)
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers.setdefault("retry-after", _RETRY_SECONDS)
    return answer


def as_json(error: AccreditationError, instance: str, lang: str = language.DEFAULT) -> JSONResponse:
    """RFC 9457 problem details, with our `code` and, where some are named, `fields`."""
    translate = language.gettext(lang)
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + error.code,
        "title": translate(explain(error.status).title),
        "status": error.status,
        "detail": translate(error.message),
        "instance": instance,
        "code": error.code,
    }
    if error.fields:
        body["fields"] = {name: translate(reason) for name, reason in error.fields.items()}
    return JSONResponse(body, status_code=error.status, media_type=JSON_TYPE)


def as_page(request: Request, error: AccreditationError) -> Response:
    """A whole page: what happened, what to do now, and the code to tell the support."""
    return pages.render(request, "core/error.html", _context(request, error), error.status)


def as_banner(request: Request, error: AccreditationError) -> Response:
    """A banner that htmx puts into the page's `#problem` region, leaving the page as it was."""
    answer = pages.render(request, "core/problem.html", _context(request, error), error.status)
    answer.headers["hx-retarget"] = "#problem"
    answer.headers["hx-reswap"] = "innerHTML"
    return answer


def prefers_json(request: Request) -> bool:
    """Whether `Accept` names JSON above HTML; where it does not say, an answer is like its question."""
    accept = request.headers.get("accept", "*/*")
    json, html = _quality(accept, "application", ("json", "problem+json")), _quality(accept, "text", ("html",))
    if json == html:
        return request.headers.get("content-type", "").startswith("application/json")
    return json > html


async def refused(request: Request, error: Exception) -> Response:
    """Handles AccreditationError."""
    assert isinstance(error, AccreditationError)
    return respond(request, error)


async def denied(request: Request, error: Exception) -> Response:
    """Handles what Starlette itself refuses: no such route, wrong method, a malformed body."""
    assert isinstance(error, HTTPException)
    explanation = explain(error.status_code)
    if error.status_code < 400 or error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=error.headers)
    answer = respond(request, AccreditationError(explanation.code, explanation.message, status=error.status_code))
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def failed(request: Request, error: Exception) -> Response:
    """Handles the unforeseen. Nothing of the exception is shown; the server logs it by itself."""
    explanation = explain(500)
    answer = respond(request, AccreditationError(explanation.code, explanation.message, status=500))
    # Starlette answers this one outside of all middleware, so that the headers are not added there.
    policy.harden(answer.headers, request.url.scheme == "https")
    return answer


handlers: Mapping[Any, ExceptionHandler] = {
    AccreditationError: refused,
    HTTPException: denied,
    Exception: failed,
}
"""For `Starlette(exception_handlers=...)`."""


def _context(request: Request, error: AccreditationError) -> dict[str, Any]:
    explanation = explain(error.status)
    return {
        "status": error.status,
        "code": error.code,
        "title": explanation.title,
        "message": error.message,
        "advice": explanation.advice,
        "fields": error.fields,
        "path": request.url.path,
    }


def _quality(accept: str, kind: str, subtypes: tuple[str, ...]) -> float:
    """The weight an Accept header gives to the type; the most specific range that fits decides."""
    best = (-1, 0.0)
    for media, weight in weighed(accept):
        if media == "*/*":
            rank = 0
        elif media == f"{kind}/*":
            rank = 1
        elif media in {f"{kind}/{subtype}" for subtype in subtypes}:
            rank = 2
        else:
            continue
        best = max(best, (rank, weight))
    return best[1]
