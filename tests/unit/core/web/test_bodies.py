"""A body is refused by what its header declares, and by what arrives, whatever was declared."""

from collections.abc import AsyncIterator, Iterable

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from core.web import csrf, problems
from core.web.bodies import BoundedBodies
from core.web.pages import Pages
from core.web.security import SecurityHeaders

MOST = 1000
WIDE = 5000
FORM = {"content-type": "application/x-www-form-urlencoded"}


async def read_form(request: Request) -> Response:
    await csrf.require(request)
    raise AssertionError("no form of these tests has a token")


async def read_stream(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def ignore(request: Request) -> Response:
    return PlainTextResponse("not read")


@pytest.fixture(scope="module")
def bounded() -> Starlette:
    app = Starlette(
        routes=[
            Route("/form", read_form, methods=["POST"]),
            Route("/stream", read_stream, methods=["POST"]),
            Route("/ignore", ignore, methods=["POST"]),
            Route("/wide/{number}", read_stream, methods=["POST"]),
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(BoundedBodies, most=MOST, others={"/wide/{number}": WIDE})],
        exception_handlers=problems.handlers,
    )
    app.state.pages = Pages([])
    app.state.csrf_secret = b"a secret of the tests, 32 bytes."
    return app


@pytest.fixture
async def http(bounded: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bounded), base_url="http://exam.test") as client:
        yield client


async def pieces(size: int, of: int = 100) -> AsyncIterator[bytes]:
    """A body without a length: httpx sends it chunked."""
    for start in range(0, size, of):
        yield b"x" * min(of, size - start)


async def post(app: Starlette, path: str, chunks: Iterable[bytes], length: str | None) -> tuple[int, int]:
    """The status of the answer, and how many chunks were taken, for whatever length the header names."""
    waiting, taken, sent = list(chunks), 0, list[Message]()

    async def receive() -> Message:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(name.encode(), value.encode()) for name, value in FORM.items()]
    if length is not None:
        headers.append((b"content-length", length.encode()))
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("10.0.0.1", 1),
        "server": ("exam.test", 80),
    }
    await app(scope, receive, send)
    return sent[0]["status"], taken


@pytest.mark.parametrize(("path", "most"), [("/stream", MOST), ("/wide/7", WIDE)])
async def test_a_body_up_to_the_bound_of_its_path_passes(http: httpx.AsyncClient, path: str, most: int) -> None:
    for content in (b"x" * most, pieces(most)):
        answer = await http.post(path, content=content)
        assert (answer.status_code, answer.text) == (200, str(most))
    for more in (b"x" * (most + 1), pieces(most + 1)):
        answer = await http.post(path, content=more)
        assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/wide/7/8", "/wide/", "/Wide/7", "/stream/wide/7"])
async def test_a_wider_bound_is_for_its_path_alone(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.post(path, content=b"x" * (MOST + 1))).status_code == 413


@pytest.mark.parametrize("declared", [True, False])
async def test_the_refusal_is_a_problem_or_a_page(http: httpx.AsyncClient, declared: bool) -> None:
    def body() -> bytes | AsyncIterator[bytes]:
        return b"x" * (MOST + 1) if declared else pieces(MOST + 1)

    told = await http.post("/stream", content=body(), headers={"accept": "application/json"})
    assert (told.status_code, told.headers["content-type"]) == (413, problems.JSON_TYPE)
    assert (told.json()["code"], told.json()["instance"]) == ("body_too_large", "/stream")
    page = await http.post("/stream", content=body(), headers={"accept": "text/html", "accept-language": "ru"})
    assert page.status_code == 413
    assert page.headers["content-type"].startswith("text/html")
    assert "Отправлено слишком много данных" in page.text
    assert "content-security-policy" in page.headers
    english = await http.post("/stream", content=body(), headers={"accept": "text/html", "accept-language": "en"})
    assert "Too much data was sent" in english.text


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
async def test_a_form_is_refused_before_it_is_parsed(http: httpx.AsyncClient, kind: str) -> None:
    start = (
        b'--b\r\nContent-Disposition: form-data; name="csrf"; filename="f"\r\n\r\n' if "multipart" in kind else b"csrf="
    )

    async def endless() -> AsyncIterator[bytes]:
        yield start
        async for piece in pieces(100 * MOST):
            yield piece

    answer = await http.post("/form", content=endless(), headers={"content-type": kind, "accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_what_is_declared_too_large_is_not_read(bounded: Starlette) -> None:
    assert await post(bounded, "/form", [b"x"] * 5, str(MOST + 1)) == (413, 0)
    assert await post(bounded, "/form", [b"x"] * 5, "9" * 5000) == (413, 0)


@pytest.mark.parametrize("length", ["10", "0", "-1", "+5", "1e9", "², ٣", "", None])
async def test_a_lying_length_does_not_help(bounded: Starlette, length: str | None) -> None:
    status, taken = await post(bounded, "/form", [b"x" * 100] * 1000, length)
    assert status == 413
    assert taken == MOST // 100 + 1, "nothing is read beyond the chunk that is too much"


async def test_a_body_that_nobody_reads_does_no_harm(bounded: Starlette) -> None:
    assert await post(bounded, "/ignore", [b"x" * 100] * 1000, None) == (200, 0)


async def test_sockets_pass_untouched() -> None:
    reached: list[tuple[Scope, Receive]] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append((scope, receive))

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    await BoundedBodies(inner, most=0)({"type": "websocket", "path": "/ws", "headers": []}, receive, send)
    assert reached == [({"type": "websocket", "path": "/ws", "headers": []}, receive)]
