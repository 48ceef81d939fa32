"""What every staff endpoint asks of a request, and how it reads what people sent."""

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.access import Permission, Principal, require, signed_in
from core.errors import NotFound
from core.web import csrf

StaffPage = Callable[[Request, Principal], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]

LONGEST_TEXT = 4_000
LONGEST_QUERY = 200
MOST_PAGES = 100_000

_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_STRANGE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def for_staff(*permissions: Permission) -> Callable[[StaffPage], Endpoint]:
    """An endpoint for whoever has one of the permissions; a change must carry the CSRF token.

    Who opens a page without being signed in is led to the sign-in and back.
    """

    def guard(page: StaffPage) -> Endpoint:
        @wraps(page)
        async def guarded(request: Request) -> Response:
            state = request.state
            reads = request.method in ("GET", "HEAD")
            accept = request.headers.get("accept", "*/*")
            wants_page = accept == "*/*" or "text/html" in accept
            if reads and wants_page and state.principal is None and not state.login_unknown:
                query = f"?{request.url.query}" if request.url.query else ""
                return RedirectResponse(f"/login?next={quote(request.url.path + query)}", status_code=303)
            reader = signed_in(request)
            if not any(reader.may(permission) for permission in permissions):
                require(request, permissions[0])
            if not reads:
                await csrf.require(request)
            return await page(request, reader)

        return guarded

    return guard


def read_id(request: Request, name: str = "id") -> int:
    """An id as it stands in the address; anything else is as unknown as an unknown id."""
    text = str(request.path_params[name])
    if not _NUMBER.fullmatch(text):
        raise NotFound("not_found", "По этому адресу ничего нет. Откройте нужную запись из списка.")
    return int(text)


def read_ids(texts: list[str]) -> list[int]:
    """Ids from a form; what is none is left out."""
    return [int(text) for text in texts if _NUMBER.fullmatch(text)]


def read_page(request: Request) -> int:
    """The page of a list that the address asks for, the first one by default."""
    text = request.query_params.get("page", "")
    return min(int(text), MOST_PAGES) if _NUMBER.fullmatch(text) else 1


def read_query(request: Request, name: str) -> str:
    """A parameter of the address without what can't be typed, bounded."""
    return plain(request.query_params.get(name, ""), LONGEST_QUERY).strip()


async def read_field(request: Request, name: str, longest: int = LONGEST_TEXT) -> str:
    """A text field of the form; a missing or uploaded one is empty, one that is too long is cut."""
    value = (await request.form()).get(name)
    return plain(value, longest) if isinstance(value, str) else ""


async def read_fields(request: Request, name: str) -> list[str]:
    """All values of a field that may stand in a form several times."""
    return [plain(value, LONGEST_QUERY) for value in (await request.form()).getlist(name) if isinstance(value, str)]


def plain(text: str, longest: int) -> str:
    """Text from people without control characters and lone surrogates, with plain line ends."""
    return _STRANGE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))[:longest]
