"""What stands before every page for people who are signed in, and how what they sent is read."""

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.access.roles import Principal
from core.database import Database
from core.errors import Forbidden
from core.web import csrf

Page = Callable[[Request, Principal], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]

ACCOUNT = "/account"
"""The page where people change their password."""
LONGEST_FIELD = 2_000
LONGEST_TEXT = 4_000

_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_STRANGE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def pages_for(admit: Callable[[Request], Principal], *, any_password: bool = False) -> Callable[[Page], Endpoint]:
    """What makes a page an endpoint: `admit` says who opens it or raises; a change must carry the CSRF token.

    Who opens a page without being signed in is led to the sign-in and back. Who has a password that somebody else
    chose is led to choosing another one, save where `any_password` lets them in: no exam waits for a password.
    """

    def guard(page: Page) -> Endpoint:
        @wraps(page)
        async def guarded(request: Request) -> Response:
            if _asks_for_page(request) and request.state.principal is None and not request.state.login_unknown:
                return RedirectResponse(f"/login?next={_address(request)}", status_code=303)
            principal = admit(request)
            if principal.password_given and not any_password:
                if _asks_for_page(request):
                    return RedirectResponse(f"{ACCOUNT}?next={_address(request)}", status_code=303)
                await request.close()
                raise Forbidden("password_given", "Смените пароль, который вам выдали: откройте свою учётную запись.")
            if request.method not in ("GET", "HEAD"):
                await csrf.require(request)
            return await page(request, principal)

        return guarded

    return guard


def database_of(request: Request) -> Database:
    """The database of the application that answers."""
    database: Database = request.app.state.database
    return database


def read_number(text: str) -> int | None:
    """An id as it stands in an address or a form; None for what no id looks like."""
    return int(text) if _NUMBER.fullmatch(text) else None


async def read_field(request: Request, name: str, longest: int = LONGEST_FIELD) -> str:
    """A field of the form exactly as it was sent; a missing, overlong or uploaded one is empty."""
    value = (await request.form()).get(name)
    return value if isinstance(value, str) and len(value) <= longest else ""


async def read_text(request: Request, name: str, longest: int = LONGEST_TEXT) -> str:
    """A text of the form that is to be kept: plain, cut where it is too long; a missing or uploaded one is empty."""
    value = (await request.form()).get(name)
    return plain(value, longest) if isinstance(value, str) else ""


def plain(text: str, longest: int) -> str:
    """Text from people without control characters and lone surrogates, with plain line ends."""
    return _STRANGE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))[:longest]


def _address(request: Request) -> str:
    return quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""))


def _asks_for_page(request: Request) -> bool:
    """Whether a person opens a page, in contrast to a script that fetches a part of one or data."""
    accept = request.headers.get("accept", "*/*")
    return (
        request.method in ("GET", "HEAD")
        and "hx-request" not in request.headers
        and (accept == "*/*" or "text/html" in accept)
    )
