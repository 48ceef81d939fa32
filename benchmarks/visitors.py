"""Many pages at once from one process: connections that count what they are told, and when."""

import asyncio
import json
import resource
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from time import perf_counter
from typing import Any

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.hall import STREAM, Seat, cookies

OPEN_WITHIN = 10.0
SILENT_AT_MOST = 10.0
"""Seconds without a handshake, or without a word on an open socket, after which the page connects anew."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""As exam_server/pages/static/link.js."""


class Page(WSListener):
    """One socket. `heard` is called with what comes, decoded; `lost` once it is gone."""

    transport: WSTransport

    def __init__(self, heard: Callable[["Page", dict[str, Any]], None] | None = None) -> None:
        self.heard = heard
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.snapshot: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        if frame.msg_type != WSMsgType.TEXT:
            return
        message = json.loads(frame.get_payload_as_bytes())
        if message["type"] == "snapshot" and not self.snapshot.done():
            self.snapshot.set_result(message)
        if self.heard is not None:
            self.heard(self, message)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if not self.gone.done():
            self.gone.set_result(None)
        if not self.snapshot.done():
            self.snapshot.cancel()

    def say(self, message: bytes) -> None:
        self.transport.send(WSMsgType.TEXT, message)

    def cut(self) -> None:
        self.transport.disconnect(graceful=False)


async def open_page(
    seat: Seat, port: int, heard: Callable[[Page, dict[str, Any]], None] | None = None, path: str = ""
) -> Page:
    """A page that has its snapshot. Raises OSError, TimeoutError, and what the handshake raises.

    Another `path` than the exam's is only connected to.
    """
    page = Page(heard)
    await ws_connect(
        lambda: page,
        f"ws://127.0.0.1:{port}/{path or f'ws/sittings/{seat.sitting}?stream={STREAM}'}",
        extra_headers=cookies(seat, port),
        websocket_handshake_timeout=OPEN_WITHIN,
    )
    if not path:
        try:
            async with asyncio.timeout(SILENT_AT_MOST):
                await page.snapshot
        except (TimeoutError, asyncio.CancelledError):
            page.cut()
            if asyncio.current_task().cancelling():  # type: ignore[union-attr]
                raise
            raise ConnectionError("closed, or silent for too long, before the snapshot") from None
    return page


async def come_back(seat: Seat, port: int, random: Random, delays: list[float]) -> tuple[Page, int]:
    """As a page whose connection broke: full-jitter pauses until there is a snapshot; the page and failed attempts.

    How long the attempt that succeeded took is added to `delays`, seconds.
    """
    failures = 0
    while True:
        await asyncio.sleep(0.1 + random.random() * min(LONGEST_PAUSE, FIRST_PAUSE * 2**failures))
        began = perf_counter()
        try:
            page = await open_page(seat, port)
        except Exception:
            failures += 1
            continue
        delays.append(perf_counter() - began)
        return page, failures


async def in_turn(count: int, at_once: int, work: Callable[[int], Awaitable[None]]) -> None:
    """work(0) … work(count - 1), a few at a time."""
    numbers = iter(range(count))

    async def go() -> None:
        for number in numbers:
            await work(number)

    await asyncio.gather(*(go() for _ in range(at_once)))


def percentile_ms(delays: Sequence[float], share: float) -> float:
    """Of seconds, in milliseconds."""
    found = sorted(delays)
    return round(found[min(len(found) - 1, int(len(found) * share))] * 1e3, 1)


def allow_files(count: int) -> None:
    """Let this process and its children have so many open files, or as many as the system lets them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
