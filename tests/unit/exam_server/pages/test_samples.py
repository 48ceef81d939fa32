import zlib

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from exam_server.pages.samples import BLOCK, ECHOES, MAX_ECHO, MAX_SAMPLE


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, MAX_SAMPLE])
async def test_a_sample_has_exactly_the_size_asked_for(client: httpx.AsyncClient, size: int) -> None:
    answer = await client.get(f"/exam/sample/{size}")
    assert answer.status_code == 200
    assert len(answer.content) == size == int(answer.headers["content-length"])
    assert "no-store" in answer.headers["cache-control"]


async def test_a_sample_cannot_be_compressed_on_the_way(client: httpx.AsyncClient) -> None:
    content = (await client.get("/exam/sample/1000000")).content
    assert len(zlib.compress(content, 9)) > 0.99 * len(content)


async def test_a_larger_sample_is_refused(client: httpx.AsyncClient, token: dict[str, str]) -> None:
    assert (await client.get(f"/exam/sample/{MAX_SAMPLE + 1}")).status_code == 422
    answer = await client.post("/exam/sample", content=b"x" * (MAX_SAMPLE + 1), headers=token)
    assert answer.status_code == 413


async def test_sent_bytes_are_counted(client: httpx.AsyncClient, token: dict[str, str]) -> None:
    answer = await client.post("/exam/sample", content=b"x" * 300_000, headers=token)
    assert answer.json() == {"received": 300_000}
    assert (await client.post("/exam/sample", content=b"x")).status_code == 403


@pytest.mark.usefixtures("nobody")
async def test_samples_are_for_those_who_are_signed_in(client: httpx.AsyncClient, token: dict[str, str]) -> None:
    assert (await client.get("/exam/sample/10")).status_code == 401
    assert (await client.post("/exam/sample", content=b"x", headers=token)).status_code == 401


async def talk(app: Starlette, *said: Message) -> list[Message]:
    """What the echo socket answers to a page that says all this and then goes away."""
    waiting: list[Message] = [{"type": "websocket.connect"}, *said, {"type": "websocket.disconnect", "code": 1000}]
    heard: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        heard.append(message)

    scope = {"type": "websocket", "path": "/ws/echo", "headers": [], "query_string": b"", "scheme": "ws"}
    await app(scope, receive, send)
    assert heard.pop(0)["type"] == "websocket.accept"
    return heard


def text(value: str) -> Message:
    return {"type": "websocket.receive", "text": value}


async def test_the_socket_sends_back_what_it_gets_and_not_for_ever(app: Starlette) -> None:
    heard = await talk(app, *(text(f"привет {number}") for number in range(ECHOES + 1)))
    assert [message.get("text") for message in heard[:-1]] == [f"привет {number}" for number in range(ECHOES)]
    assert (heard[-1]["type"], heard[-1]["code"]) == ("websocket.close", 1000)


async def test_the_socket_hangs_up_on_long_texts(app: Starlette) -> None:
    (heard,) = await talk(app, text("x" * (MAX_ECHO + 1)))
    assert (heard["type"], heard["code"]) == ("websocket.close", 1009)


async def test_the_socket_bears_binary_frames_and_pages_that_leave(app: Starlette) -> None:
    assert await talk(app) == []
    assert await talk(app, {"type": "websocket.receive", "bytes": b"x"}) == []


@pytest.mark.usefixtures("nobody")
async def test_the_socket_is_for_those_who_are_signed_in(app: Starlette) -> None:
    (heard,) = await talk(app, text("x"))
    assert (heard["type"], heard["code"]) == ("websocket.close", 4401)
