from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from core.web.security import SameOrigin, SecurityHeaders

HOST = "exam.test"


def headers(given: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in given.items()]


@pytest.mark.parametrize(
    ("given", "passes"),
    [
        # What browsers write about the page that asks.
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": ""}, False),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "https://public.test"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "http://exam.test"}, False),
        ({"sec-fetch-site": "same-origin", "cookie": "login=1"}, True),
        # Older browsers, and pages over plain http, write only the origin.
        ({"origin": "http://exam.test"}, True),
        ({"origin": "https://exam.test"}, True),
        ({"origin": "HTTPS://EXAM.TEST"}, True),
        ({"origin": "http://exam.test:80"}, True),
        ({"origin": "http://exam.test:8000"}, False),
        ({"origin": "http://exam.test.evil.test"}, False),
        ({"origin": "http://evil.test"}, False),
        ({"origin": "http://sub.exam.test"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"origin": "exam.test"}, False),
        ({"origin": "https://exam.test:8443", "host": "exam.test:8443"}, True),
        ({"origin": "https://exam.test", "host": "exam.test:443"}, True),
        ({"origin": "http://[::1]:8000", "host": "[::1]:8000"}, True),
        ({"origin": "http://[::1]", "host": "[::1]"}, True),
        ({"origin": "http://[::1]", "host": "[::2]"}, False),
        ({"origin": "http://", "host": ""}, False),
        # Programs write neither; with a cookie it may be a browser that hides both.
        ({}, True),
        ({"authorization": "Bearer x"}, True),
        ({"cookie": "login=1"}, False),
    ],
)
@pytest.mark.parametrize("kind", ["POST", "DELETE", "websocket"])
async def test_changes_and_handshakes_come_from_our_own_pages(
    app: Starlette, kind: str, given: dict[str, str], passes: bool
) -> None:
    reached: list[str] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(scope["type"])

    sent = await ask(SameOrigin(inner), app, kind, {"host": HOST} | given)
    assert bool(reached) is passes
    if not passes and kind == "websocket":
        assert sent == [{"type": "websocket.close", "code": 1008, "reason": "cross_origin"}]
    elif not passes:
        assert sent[0]["status"] == 403
        assert b"cross_origin" in sent[1]["body"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_reading_is_open_to_links_from_elsewhere(app: Starlette, method: str) -> None:
    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("read")(scope, receive, send)

    sent = await ask(SameOrigin(inner), app, method, {"host": HOST, "sec-fetch-site": "cross-site", "cookie": "a=1"})
    assert sent[0]["status"] == 200


async def test_a_refused_handshake_says_why_where_the_server_can(app: Starlette) -> None:
    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("must not be reached")

    sent = await ask(
        SameOrigin(inner),
        app,
        "websocket",
        {"host": HOST, "origin": "http://evil.test"},
        extensions={"websocket.http.response": {}},
    )
    assert [message["type"] for message in sent] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert sent[0]["status"] == 403
    assert b'"code":"cross_origin"' in sent[1]["body"]


async def test_a_program_reads_the_refusal_as_json(client: httpx.AsyncClient) -> None:
    answer = await client.post("/change", headers={"origin": "http://evil.test", "accept": "application/json"})
    assert answer.status_code == 403
    assert answer.json()["code"] == "cross_origin"


async def test_every_answer_carries_the_policy(client: httpx.AsyncClient) -> None:
    for path in ("/staff/components", "/absent", "/broken"):
        answer = await client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "connect-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["permissions-policy"].startswith("camera=(self)")
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in answer.headers


async def test_https_is_promised_only_over_https(app: Starlette) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://exam.test") as client:
        answer = await client.get("/staff/components")
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
    assert "upgrade-insecure-requests" in answer.headers["content-security-policy"]


async def test_an_answer_may_bring_its_own_header_and_a_form_a_further_target(app: Starlette) -> None:
    own = PlainTextResponse("x", headers={"referrer-policy": "no-referrer"})
    sent = await ask(SecurityHeaders(own, form_action=["https://id.test"]), app, "GET", {"host": HOST})
    found = dict(sent[0]["headers"])
    assert found[b"referrer-policy"] == b"no-referrer"
    assert b"form-action 'self' https://id.test;" in found[b"content-security-policy"]


async def ask(
    asked: Any, app: Starlette, kind: str, given: dict[str, str], extensions: dict[str, Any] | None = None
) -> list[Message]:
    scope: Scope = {
        "type": "websocket" if kind == "websocket" else "http",
        "method": kind,
        "scheme": "http",
        "path": "/x",
        "raw_path": b"/x",
        "query_string": b"",
        "root_path": "",
        "headers": headers(given),
        "extensions": extensions or {},
        "app": app,
        "server": (HOST, 80),
        "client": ("127.0.0.1", 1),
        "state": {},
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await asked(scope, receive, send)
    return sent
