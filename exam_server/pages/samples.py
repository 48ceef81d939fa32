"""What the technical check measures against: bytes to fetch, bytes to send, a socket that answers."""

from collections.abc import AsyncIterator
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from core.access import signed_in
from core.errors import Invalid, TooLarge, Unauthenticated, Unavailable
from core.randomness import fresh_bytes
from core.web import csrf

MAX_SAMPLE = 4_000_000
BLOCK = 262_144
"""Bytes. Longer than the window of any compression on the way, so that repeating it stays incompressible."""
MAX_ECHO = 64
ECHOES = 100


async def send_sample(request: Request) -> Response:
    """`GET /exam/sample/{size}`: that many random bytes, at most MAX_SAMPLE."""
    signed_in(request)
    asked: str = request.path_params["size"]
    size = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else None
    if size is None or size > MAX_SAMPLE:
        raise Invalid("sample_too_large", f"Для измерения выдаётся не больше {MAX_SAMPLE} байт.")
    return StreamingResponse(
        _blocks(size),
        media_type="application/octet-stream",
        headers={"cache-control": "no-store, no-transform", "content-length": str(size)},
    )


async def take_sample(request: Request) -> Response:
    """`POST /exam/sample`: counts the bytes and forgets them."""
    signed_in(request)
    await csrf.require(request)
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > MAX_SAMPLE:
            raise TooLarge("sample_too_large", f"Для измерения принимается не больше {MAX_SAMPLE} байт.")
    return JSONResponse({"received": received})


async def echo(socket: WebSocket) -> None:
    """`/ws/echo`: sends each text of at most MAX_ECHO characters back, ECHOES times."""
    await socket.accept()
    try:
        signed_in(socket)
    except Unauthenticated:
        await socket.close(4401, "sign in")
        return
    except Unavailable:
        await socket.close(1013, "database_away")
        return
    try:
        for _ in range(ECHOES):
            text = await socket.receive_text()
            if len(text) > MAX_ECHO:
                await socket.close(1009, "too long")
                return
            await socket.send_text(text)
        await socket.close(1000)
    except (WebSocketDisconnect, KeyError):  # KeyError: a binary frame
        return


async def _blocks(size: int) -> AsyncIterator[bytes]:
    block = _random_block()
    for start in range(0, size, BLOCK):
        yield block[: min(BLOCK, size - start)]


@lru_cache(maxsize=1)
def _random_block() -> bytes:
    return fresh_bytes(BLOCK)


routes: list[BaseRoute] = [
    Route("/exam/sample/{size}", send_sample, methods=["GET"]),
    Route("/exam/sample", take_sample, methods=["POST"]),
    WebSocketRoute("/ws/echo", echo),
]
