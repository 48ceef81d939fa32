"""One's own account: who is signed in, and another password."""

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from cabinet.account import way_back
from cabinet.bookings import find_running
from cabinet.pages.account import LONGEST_PASSWORD
from core.access import LOGIN_COOKIE, Principal, address_of, change_password, signed_in
from core.access.logins import digest
from core.access.people import SHORTEST_PASSWORD, PasswordLocked
from core.errors import AccreditationError, Conflict, Invalid
from core.web.pages import render
from core.web.requests import ACCOUNT, database_of, pages_for, read_field

_for_everybody = pages_for(signed_in, any_password=True)


@_for_everybody
async def show_account(request: Request, reader: Principal) -> Response:
    """`GET /account?next=`; `done=1` once the password is another."""
    wanted = request.query_params.get("next", "")
    return await _account(request, reader, {"wanted": wanted, "done": request.query_params.get("done") == "1"})


@_for_everybody
async def take_password(request: Request, reader: Principal) -> Response:
    """`POST /account` with `old`, `password`, `again` and `next`. This login stays, the person's others are closed."""
    old, new, again = [await read_field(request, name, LONGEST_PASSWORD) for name in ("old", "password", "again")]
    wanted = await read_field(request, "next")
    fields = {}
    if not old:
        fields["old"] = "Введите нынешний пароль."
    if not new:
        fields["password"] = "Введите новый пароль."
    elif new != again:
        fields["again"] = "Пароли не совпадают. Введите новый пароль ещё раз."
    if fields:
        return await _account(request, reader, {"wanted": wanted, "fields": fields}, Invalid.status)
    try:
        await change_password(
            database_of(request),
            reader.id,
            old,
            new,
            kept=digest(request.cookies.get(LOGIN_COOKIE, "")),
            address=address_of(request),
            now=request.app.state.clock.now(),
        )
    except Invalid as refusal:
        return await _account(request, reader, {"wanted": wanted, "fields": refusal.fields}, refusal.status)
    except (Conflict, PasswordLocked) as refusal:
        return await _account(request, reader, {"wanted": wanted, "refusal": refusal}, refusal.status)
    onward = way_back(wanted, reader)
    return RedirectResponse(f"{ACCOUNT}?done=1&next={quote(onward)}", status_code=303)


async def _account(request: Request, reader: Principal, context: dict[str, Any], status: int = 200) -> Response:
    async with database_of(request).transaction() as connection:
        running = await find_running(connection, reader.id)
    refusal: AccreditationError | None = context.get("refusal")
    common: dict[str, Any] = {
        "fields": {},
        "done": False,
        "running": running,
        "shortest": SHORTEST_PASSWORD,
        "locked_minutes": refusal.minutes if isinstance(refusal, PasswordLocked) else None,
        **context,
        "refusal": refusal,
        "onward": way_back(context["wanted"], reader),
    }
    response = render(request, "cabinet/account.html", common, status)
    if isinstance(refusal, PasswordLocked):
        response.headers["retry-after"] = "60"
    return response


routes: list[BaseRoute] = [
    Route(ACCOUNT, show_account, methods=["GET"]),
    Route(ACCOUNT, take_password, methods=["POST"]),
]
