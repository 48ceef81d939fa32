"""What a long connection costs: the way it came in is gone through once, and only its conversation stays.

An endpoint that has let somebody in hands on what remains to be said (`stay`) and returns through routing and gates,
whose frames and objects would otherwise be kept for hours, several KiB for each of thousands of connections.
"""

from collections.abc import Coroutine

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

_KEY = "conversations"


class Staying(Starlette):
    """An application whose WebSocket endpoints may hand their conversation on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await super().__call__(scope, receive, send)
            return
        handed_on: list[Coroutine[object, object, None]] = []
        scope[_KEY] = handed_on
        await super().__call__(scope, receive, send)
        if handed_on:
            scope.clear()  # the server keeps it as long as the connection; nobody reads it any more
            await handed_on.pop()


async def stay(scope: Scope, conversation: Coroutine[object, object, None]) -> None:
    """Have the conversation held once everything that led here has returned; at once where nobody takes it."""
    handed_on = scope.get(_KEY)
    if handed_on is None:
        await conversation
    else:
        handed_on.append(conversation)
