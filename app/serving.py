"""The web server around the application, with the settings it was measured with, and how a process leaves.

At SIGTERM: nobody new is accepted; what pages have sent is committed and acknowledged, then they are told to go
elsewhere (close code 1012); requests under way end; the application closes what it holds. Each step has its time, and
what is not over within ten seconds is cut off, whatever clients and databases do.
"""

import asyncio
import os
import signal
import socket
import threading
from types import FrameType

import structlog
import uvicorn
from starlette.applications import Starlette

from app.sockets import DirectProtocol
from exam_server.conduct import Conduct

MAX_MESSAGE = 1_048_576
"""Bytes of one WebSocket message; what is larger closes the connection with 1009."""
PING_SECONDS = 20.0
"""Each page is asked so often whether it is there, and is gone when it has not answered within as long."""
LEAVE_SECONDS = 2.5
"""How long pages are kept for their last acknowledgement."""
GRACE_SECONDS = 2
"""How long requests and closing handshakes may then take."""
LAST_SECONDS = 9.5
"""After as long the process ends in any case, with exit code 1."""

_log = structlog.get_logger(__name__)


class Server(uvicorn.Server):
    """Tells open streams at the signal itself: they would hold up the shutdown that tells them later."""

    def __init__(self, config: "Config") -> None:
        super().__init__(config)
        self._state = config.application.state
        self._last = threading.Timer(LAST_SECONDS, _give_up)
        self._last.daemon = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        stopping = getattr(self._state, "stopping", None)
        if stopping is not None and not stopping.is_set():
            stopping.set()
            self._last.start()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        conduct: Conduct | None = getattr(self._state, "conduct", None)
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                if conduct is not None:
                    await conduct.leave()
        except TimeoutError:
            _log.warning("serving.unacknowledged")  # the database is away: pages keep their queue and come back
        await super().shutdown(sockets)

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            super().run(sockets)
        finally:
            self._last.cancel()


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
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            loop="uvloop",
            log_level="warning",
            timeout_graceful_shutdown=GRACE_SECONDS,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=trusted_proxies,
        )
        self.application = application


def serve(application: Starlette, host: str, port: int, trusted_proxies: str = "") -> None:
    """Serve until SIGINT or SIGTERM; returns in both cases, so that whoever started the database can stop it."""
    signal.signal(signal.SIGTERM, _leave)
    Server(Config(application, host, port, trusted_proxies)).run()


def serve_on(application: Starlette, bound: socket.socket, trusted_proxies: str = "") -> None:
    """The same on a socket that has its address; it listens once the application is ready."""
    signal.signal(signal.SIGTERM, _leave)
    Server(Config(application, trusted_proxies=trusted_proxies)).run([bound])


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)  # uvicorn raises the signal again once it has shut down


def _give_up() -> None:
    _log.error("serving.cut_off", seconds=LAST_SECONDS)
    os._exit(1)
