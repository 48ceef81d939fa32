"""What is measured in a hall: the whole application as in production, or a bare WebSocket on the same server.

    python -m benchmarks.hall_server app|bare PORT CORE FOLDER [URL]

SIGUSR1 makes it collect its garbage, so that its memory can be compared.
"""

import gc
import os
import signal
import sys
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send

from app.asgi import Flood, build
from app.serving import serve
from benchmarks.processes import pin
from core.keys import Keys
from core.settings import Settings
from proctoring.models import find_models

MODELS = Path("var/models")


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """The least there can be on this server: receive a text, send it back. No middleware, no routing."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "text": message["text"]})


def main(kind: str, port: int, core: int, folder: Path, url: str = "") -> None:
    pin(os.getpid(), core)
    signal.signal(signal.SIGUSR1, lambda *_: gc.collect())
    if kind == "bare":
        # As app.serving sets it, written down here: what it is compared with may change.
        uvicorn.run(
            echo,
            host="127.0.0.1",
            port=port,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            loop="uvloop",
            lifespan="off",
            log_level="warning",
        )
        return
    os.environ["ACCREDITATION_DATA"] = str(folder)
    settings = Settings()
    models = find_models(settings.proctoring_models, MODELS)
    # The flood limit is part of what is measured; it only has to be wider than one answer after another.
    serve(build(settings, url, Keys.fresh(), models, flood=Flood(1e6, 1_000_000)), "127.0.0.1", port)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), *sys.argv[5:])
