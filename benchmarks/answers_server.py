"""The server that benchmarks.answers measures: the whole application, and two plain echoes beside it.

python -m benchmarks.answers_server together|one-by-one URL PORT CORE FOLDER
"""

import os
import sys
from pathlib import Path

from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send

from app.asgi import Flood, build
from app.serving import serve
from benchmarks.one_by_one import OneByOneLog
from benchmarks.processes import pin
from core.keys import Keys
from core.settings import Settings
from core.web.staying import stay
from proctoring.models import find_models

MODELS = Path("var/models")


async def plain_echo(scope: Scope, receive: Receive, send: Send) -> None:
    """What the ratio is taken against: receive a text, send it back, as any ASGI application does."""

    async def talk() -> None:
        while (message := await receive())["type"] != "websocket.disconnect":
            await send({"type": "websocket.send", "text": message["text"]})

    await receive()
    await send({"type": "websocket.accept"})
    await stay(scope, talk())


async def direct_echo(scope: Scope, receive: Receive, send: Send) -> None:
    """The same by the short way that exam messages take (app.sockets): the least that any answer can cost here."""
    direct = scope["extensions"]["direct"]

    def hear(data: bytes) -> bool:
        direct.write(data)
        return True

    async def wait() -> None:
        direct.listen(hear)
        while (await receive())["type"] != "websocket.disconnect":
            pass

    await receive()
    direct.claim()
    await send({"type": "websocket.accept"})
    await stay(scope, wait())


class Raw:
    """Keeps Starlette from wrapping a function into a socket class of its own."""

    def __init__(self, endpoint: object) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._endpoint(scope, receive, send)  # type: ignore[operator]


def main(kind: str, url: str, port: int, core: int, folder: Path) -> None:
    """Everything on one core, until it is told to stop."""
    pin(os.getpid(), core)
    os.environ["ACCREDITATION_DATA"] = str(folder)
    settings = Settings()
    models = find_models(settings.proctoring_models, MODELS)
    routes = [WebSocketRoute("/ws/plain-echo", Raw(plain_echo)), WebSocketRoute("/ws/direct-echo", Raw(direct_echo))]
    application = build(
        settings,
        url,
        Keys.fresh(),
        models,
        # The flood limit is part of what is measured; it only has to be wider than one answer after another.
        flood=Flood(1e6, 1_000_000),
        more_routes=routes,
        open_log=OneByOneLog if kind == "one-by-one" else None,
    )
    serve(application, "127.0.0.1", port)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
