"""What every cabinet endpoint asks of a request before it does anything."""

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.access import require
from core.access.roles import Permission, Principal
from core.errors import AccreditationError, NotFound
from core.web import csrf

CandidatePage = Callable[[Request, Principal], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]

_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def for_candidates(page: CandidatePage) -> Endpoint:
    """An endpoint for whoever has a cabinet; a change must carry the CSRF token.

    Who opens a page without being signed in is led to the sign-in and back.
    """

    @wraps(page)
    async def guarded(request: Request) -> Response:
        state = request.state
        if (
            request.method in ("GET", "HEAD")
            and "hx-request" not in request.headers
            and state.principal is None
            and not state.login_unknown
        ):
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(f"/login?next={quote(request.url.path + query)}", status_code=303)
        candidate = require(request, Permission.CABINET_OWN)
        if request.method not in ("GET", "HEAD"):
            await csrf.require(request)
        return await page(request, candidate)

    return guarded


def read_number(text: str, missing: AccreditationError) -> int:
    """An id as it stands in an address or a form; anything else raises `missing`, as an unknown id would."""
    if not _NUMBER.fullmatch(text):
        raise NotFound(missing.code, missing.message)
    return int(text)


async def read_field(request: Request, name: str, longest: int = 2_000) -> str:
    """A text field of the form; a missing, overlong or uploaded one is empty."""
    value = (await request.form()).get(name)
    return value if isinstance(value, str) and len(value) <= longest else ""
