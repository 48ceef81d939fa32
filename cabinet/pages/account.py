"""The front page, and the way in and out."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from cabinet.account import way_in
from core.access import LOGIN_COOKIE, address_of, clear_cookie, put_cookie, sign_in, sign_out
from core.access.logins import principal_of
from core.access.people import SignInLocked
from core.errors import AccreditationError, TooMany, Unauthenticated
from core.web import csrf
from core.web.pages import render
from core.web.requests import database_of, read_field

_LONGEST_NAME = 200
LONGEST_PASSWORD = 1_024
"""Characters that a password field may bring; what is right is never as long."""


async def show_front(request: Request) -> Response:
    """`GET /`: straight home for whoever is signed in, else what this is and where to go."""
    principal = request.state.principal
    if principal is not None:
        return RedirectResponse(way_in("", principal), status_code=303)
    return render(request, "cabinet/front.html")


async def show_sign_in(request: Request) -> Response:
    """`GET /login?next=`."""
    wanted = request.query_params.get("next", "")
    principal = request.state.principal
    if principal is not None:
        return RedirectResponse(way_in(wanted, principal), status_code=303)
    return _sign_in_page(request, {"wanted": wanted})


async def take_sign_in(request: Request) -> Response:
    """`POST /login` with login, password and next."""
    await csrf.require(request)
    login = await read_field(request, "login", _LONGEST_NAME)
    password = await read_field(request, "password", LONGEST_PASSWORD)
    context: dict[str, Any] = {"wanted": await read_field(request, "next"), "login": login}
    fields = {}
    if not login.strip():
        fields["login"] = "Введите логин."
    if not password:
        fields["password"] = "Введите пароль."
    if fields:
        return _sign_in_page(request, {**context, "fields": fields}, 422)
    state = request.app.state
    hours, now = state.settings.login_hours, state.clock.now()
    try:
        token = await sign_in(database_of(request), login, password, address_of(request), now, hours)
    except (Unauthenticated, TooMany) as refusal:
        return _sign_in_page(request, {**context, "refusal": refusal}, refusal.status)
    async with database_of(request).transaction() as connection:
        principal = await principal_of(connection, token, now)
    if principal is None:
        raise Unauthenticated("unauthenticated", "Вход не состоялся. Войдите ещё раз.")
    await _end_present_login(request)
    response = RedirectResponse(way_in(context["wanted"], principal), status_code=303)
    put_cookie(response, request, token, hours)
    return response


async def take_sign_out(request: Request) -> Response:
    """`POST /logout`: ends this login here and on the server."""
    await csrf.require(request)
    await _end_present_login(request)
    response = RedirectResponse("/", status_code=303)
    clear_cookie(response)
    return response


routes: list[BaseRoute] = [
    Route("/", show_front, methods=["GET"]),
    Route("/login", show_sign_in, methods=["GET"]),
    Route("/login", take_sign_in, methods=["POST"]),
    Route("/logout", take_sign_out, methods=["POST"]),
]


def _sign_in_page(request: Request, context: dict[str, Any], status: int = 200) -> Response:
    refusal: AccreditationError | None = context.get("refusal")
    common: dict[str, Any] = {
        "login": "",
        "fields": {},
        "demo_people": getattr(request.app.state, "demo_people", ()),
        "locked_minutes": refusal.minutes if isinstance(refusal, SignInLocked) else None,
        **context,
        "refusal": refusal,
    }
    response = render(request, "cabinet/login.html", common, status)
    if status == TooMany.status:
        response.headers["retry-after"] = "60"
    return response


async def _end_present_login(request: Request) -> None:
    token = request.cookies.get(LOGIN_COOKIE, "")
    if token and request.state.principal is not None:
        await sign_out(database_of(request), token)
