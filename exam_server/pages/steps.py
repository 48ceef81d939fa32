"""What the pages before the exam send: readings of the check, consents, the reference picture."""

from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from core.access import signed_in
from core.errors import Invalid, TooLarge
from core.web import csrf
from exam_server.connection import read_id
from exam_server.entrance import Consent, Entrance, Readings

T = TypeVar("T")

MAX_FORM = 8_192
MAX_PICTURE = 1_000_000
"""Bytes. The page sends a tenth of it."""


async def show_entrance(request: Request) -> Response:
    """`GET /exam/{sitting}/entrance`: the EntranceView as JSON, for a page that waits."""
    candidate = signed_in(request)
    view = await _entrance(request).view(read_id(request.path_params["sitting"]), candidate.id)
    return Response(msgspec.json.encode(view), media_type="application/json")


async def record_check(request: Request) -> Response:
    """`POST /exam/{sitting}/check` with Readings as JSON."""
    candidate = signed_in(request)
    await csrf.require(request)
    readings = _read(await read_body(request, MAX_FORM), Readings)
    await _entrance(request).record_check(read_id(request.path_params["sitting"]), candidate.id, readings)
    return JSONResponse({"ok": True})


async def record_consent(request: Request) -> Response:
    """`POST /exam/{sitting}/consent` with Consent as JSON."""
    candidate = signed_in(request)
    await csrf.require(request)
    consent = _read(await read_body(request, MAX_FORM), Consent)
    await _entrance(request).record_consent(read_id(request.path_params["sitting"]), candidate.id, consent)
    return JSONResponse({"ok": True})


async def take_reference(request: Request) -> Response:
    """`POST /exam/{sitting}/reference` with a JPEG as the body."""
    candidate = signed_in(request)
    await csrf.require(request)
    jpeg = await read_body(request, MAX_PICTURE)
    await _entrance(request).take_reference(read_id(request.path_params["sitting"]), candidate.id, jpeg)
    return JSONResponse({"ok": True})


async def read_body(request: Request, most: int) -> bytes:
    """The body, read no further than `most` bytes. Raises TooLarge."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > most:
            raise TooLarge("body_too_large", f"Отправлено больше {most // 1000} КБ. Обновите страницу и повторите.")
    return bytes(read)


def _read(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Invalid(
            "invalid_message",
            "Данные страницы не прочитаны. Обновите страницу и повторите.",
            fields={"body": str(error)[:200]},
        ) from None


def _entrance(request: Request) -> Entrance:
    entrance: Entrance = request.app.state.entrance
    return entrance


routes: list[BaseRoute] = [
    Route("/exam/{sitting}/entrance", show_entrance, methods=["GET"]),
    Route("/exam/{sitting}/check", record_check, methods=["POST"]),
    Route("/exam/{sitting}/consent", record_consent, methods=["POST"]),
    Route("/exam/{sitting}/reference", take_reference, methods=["POST"]),
]
