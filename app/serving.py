"""The web server around the application, with the settings it was measured with."""

import signal
import socket
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from app.sockets import DirectProtocol

MAX_MESSAGE = 1_048_576
"""Bytes of one WebSocket message; what is larger closes the connection with 1009."""
GRACE_SECONDS = 5


class Server(uvicorn.Server):
    """Tells open streams at the signal itself: they would hold up the shutdown that tells them later."""

    def __init__(self, config: "Config") -> None:
        super().__init__(config)
        self._state = config.application.state

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        stopping = getattr(self._state, "stopping", None)
        if stopping is not None:
            stopping.set()
        super().handle_exit(sig, frame)


class Config(uvicorn.Config):
    """How we serve: no compression (it costs up to 100 KB a connection), the sans-IO WebSocket protocol, uvloop.

    `trusted_proxies`: addresses and networks whose X-Forwarded-For and X-Forwarded-Proto count. Empty: nobody's, or
    whoever is on this machine could name any address.
    """

    def __init__(
        self, application: Starlette, host: str = "127.0.0.1", port: int = 8000, trusted_proxies: str = ""
    ) -> None:
        super().__init__(
            application,
            host=host,
            port=port,
            ws=DirectProtocol,
            ws_per_message_deflate=False,
            ws_max_size=MAX_MESSAGE,
            loop="uvloop",
            log_level="warning",
            timeout_graceful_shutdown=GRACE_SECONDS,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=trusted_proxies,
        )
        self.application = application


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)  # uvicorn raises the signal again once it has shut down


def serve(application: Starlette, host: str, port: int, trusted_proxies: str = "") -> None:
    """Serve until SIGINT or SIGTERM; returns in both cases, so that whoever started the database can stop it."""
    signal.signal(signal.SIGTERM, _leave)
    Server(Config(application, host, port, trusted_proxies)).run()


def serve_on(application: Starlette, listener: socket.socket, trusted_proxies: str = "") -> None:
    """The same on a socket that listens already and that other processes accept from too."""
    signal.signal(signal.SIGTERM, _leave)
    Server(Config(application, trusted_proxies=trusted_proxies)).run([listener])
