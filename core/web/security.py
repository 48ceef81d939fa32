"""What the browser is told about our pages, and whose requests are believed to come from them."""

from collections.abc import Iterable, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import Forbidden
from core.web import policy, problems

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OWN_SITES = frozenset({"same-origin", "none"})
_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}


class SecurityHeaders:
    """Adds the security headers to every answer; a header the answer already has is left alone.

    `form_action` lists further origins a form may lead to (a sign-in provider reached by a redirect).
    """

    def __init__(self, app: ASGIApp, form_action: Sequence[str] = ()) -> None:
        self.app = app
        self._form_action = tuple(form_action)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                policy.harden(MutableHeaders(scope=message), scope.get("scheme") == "https", self._form_action)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class SameOrigin:
    """Refuses changes and WebSocket handshakes that another site's page sent in our visitor's name.

    A request with neither `Sec-Fetch-Site` nor `Origin` nor a cookie comes from a program, not from a
    browser that could be misled, and is let through.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        guarded = kind == "websocket" or (kind == "http" and scope["method"] not in _SAFE_METHODS)
        if not guarded or is_own(scope):
            await self.app(scope, receive, send)
        elif kind == "http":
            response = problems.respond(Request(scope, receive), _refusal())
            await response(scope, receive, send)
        else:
            await _refuse_handshake(scope, send)


def is_own(scope: Scope) -> bool:
    """Whether the request's own headers say that it comes from a page of this host, or from a program."""
    headers = Headers(scope=scope)
    site = headers.get("sec-fetch-site")
    if site is not None:
        # Browsers alone write this header, and write it also where a proxy has changed the host.
        return site in _OWN_SITES
    origin = headers.get("origin")
    if origin is not None:
        scheme, _, place = origin.partition("://")
        # The scheme is not compared: behind a proxy that ends TLS we see http where the page saw https.
        return bool(place) and _with_port(place, scheme) in _hosts(headers.get("host", ""), scheme)
    return "cookie" not in headers


def _hosts(host: str, scheme: str) -> Iterable[str]:
    return {_with_port(host, scheme)} if host else set()


def _with_port(place: str, scheme: str) -> str:
    place = place.lower()
    has_port = ":" in place.rpartition("]")[2]
    return place if has_port else f"{place}:{_DEFAULT_PORTS.get(scheme, '')}"


def _refusal() -> Forbidden:
    return Forbidden(
        "cross_origin",
        "Запрос пришёл с другого сайта и не выполнен. Откройте нужную страницу здесь и повторите действие.",
    )


async def _refuse_handshake(scope: Scope, send: Send) -> None:
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": "cross_origin"})
        return
    answer = problems.as_json(_refusal(), instance=scope["path"])
    await send({"type": "websocket.http.response.start", "status": answer.status_code, "headers": answer.raw_headers})
    await send({"type": "websocket.http.response.body", "body": answer.body})
