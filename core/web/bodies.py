"""How much a request may bring: bodies are bounded while they arrive, before anything is made of them."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import TooLarge
from core.web import problems

MOST_BYTES = 64 * 1024
"""What the largest form of ours needs, several times over."""
_MOST_DIGITS = 15


class BoundedBodies:
    """Refuses a request whose body is larger than `most` bytes: 413, `body_too_large`.

    A `Content-Length` that says so is answered without asking anybody. What arrives is counted all the same,
    and a body that goes on beyond the bound fails where it is read. `others` gives other bounds by path, as
    routes write paths.
    """

    def __init__(self, app: ASGIApp, most: int = MOST_BYTES, others: Mapping[str, int] = MappingProxyType({})) -> None:
        self.app = app
        self._most = most
        self._others = [(compile_path(path)[0], bound) for path, bound in others.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = next((bound for path, bound in self._others if path.match(scope["path"])), self._most)
        if _declares_more(Headers(scope=scope).get("content-length", ""), most):
            response = problems.respond(Request(scope, receive), _refusal())
            await response(scope, receive, send)
        else:
            await self.app(scope, _counting(receive, most), send)


def _declares_more(length: str, most: int) -> bool:
    """Whether the header names more; one that names no number is the server's affair."""
    if not (length.isascii() and length.isdigit()):
        return False
    return len(length) > _MOST_DIGITS or int(length) > most


def _counting(receive: Receive, most: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > most:
                raise _refusal()
        return message

    return counted


def _refusal() -> TooLarge:
    return TooLarge("body_too_large", "Отправлено слишком много данных. Сократите их и отправьте ещё раз.")
