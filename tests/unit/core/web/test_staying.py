"""A conversation goes on after everything that led to it has returned."""

from collections.abc import Awaitable, Callable

import pytest
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.web.staying import Staying, stay


async def silence() -> Message:
    return {"type": "websocket.connect"}


async def nowhere(message: Message) -> None:
    assert message


def visit(app: ASGIApp, path: str = "/") -> tuple[Scope, Awaitable[None]]:
    scope = {"type": "websocket", "path": path, "headers": [], "query_string": b"", "root_path": ""}
    return scope, app(scope, silence, nowhere)


def house(said: list[str], end: Callable[[], None] = lambda: None) -> Staying:
    async def converse() -> None:
        said.append("conversation")
        end()

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        await stay(scope, converse())
        said.append("endpoint is done")

    class Gate:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)
            said.append("gate is done")

    class Endpoint:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await endpoint(scope, receive, send)

    return Staying(routes=[WebSocketRoute("/", Endpoint())], middleware=[Middleware(Gate)])


async def test_the_way_in_is_over_when_the_conversation_begins() -> None:
    said: list[str] = []
    scope, visited = visit(house(said))
    await visited
    assert said == ["endpoint is done", "gate is done", "conversation"]
    assert scope == {}


async def test_a_fault_of_the_conversation_reaches_the_server() -> None:
    def end() -> None:
        raise ValueError("fault")

    _, visited = visit(house([], end))
    with pytest.raises(ValueError, match="fault"):
        await visited


async def test_nobody_to_stay_with_is_no_conversation() -> None:
    said: list[str] = []
    scope, visited = visit(house(said), "/elsewhere")
    await visited
    assert "conversation" not in said
    assert scope["path"] == "/elsewhere"


async def test_without_a_house_the_conversation_is_held_at_once() -> None:
    said: list[str] = []

    async def converse() -> None:
        said.append("conversation")

    await stay({"type": "websocket"}, converse())
    assert said == ["conversation"]
