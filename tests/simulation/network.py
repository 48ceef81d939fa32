"""Connections between pages and processes, as TCP has them: in order, delayed, broken, or dead without a word.

What is lost is lost with its connection; what belongs to different connections overtakes freely.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.moments import SECOND, Span

if TYPE_CHECKING:
    from tests.simulation.candidates import Tab
    from tests.simulation.node import Node
    from tests.simulation.world import World

OPEN_WITHIN: Span = 10 * SECOND
PONG_WITHIN: Span = 10 * SECOND
PING_EVERY: Span = 5 * SECOND
"""As link.js has them. Pings that would be answered are left out; what silence leads to is not."""
SERVER_NOTICES = (20 * SECOND, 40 * SECOND)
"""A page that is gone without a word is missed by the server's own pings after this long."""


class Connection:
    """One WebSocket. Each end knows only what reached it."""

    def __init__(self, world: "World", tab: "Tab", node: "Node") -> None:
        self.world = world
        self.timeline = world.timeline
        self.tab = tab
        self.node = node
        self.sitting = tab.candidate.sitting
        self.stream: str = tab.stream
        self.cut = False
        """Nothing passes any more, whatever the ends believe."""
        self.page_there = True
        self.server_there = True
        self.opened = False
        self.heard_at = self.timeline.now
        self._up_last = self._down_last = 0
        self._arrived: deque[dict[str, Any]] = deque([{"type": "websocket.connect"}])
        self._waiter: asyncio.Future[None] | None = None
        self.timeline.at(self._arrival("_up_last"), node.enter, node.accept, self)
        self.timeline.later(OPEN_WITHIN, self._miss_opening)

    # --- the way ------------------------------------------------------------------------------------------

    def _arrival(self, way: str) -> int:
        """When what leaves now arrives: never before what left earlier."""
        tab, timeline = self.tab, self.timeline
        span = tab.latency + timeline.between(0, tab.jitter)
        when: int = max(timeline.now + span, tab.blocked_until, getattr(self, way))
        setattr(self, way, when)
        return when

    def say(self, text: str) -> None:
        """The page sends a message."""
        if self.page_there and self.opened:
            self.timeline.at(self._arrival("_up_last"), self._come_in, text)

    def _come_in(self, text: str) -> None:
        if not self.cut:
            self.node.enter(self._push, {"type": "websocket.receive", "text": text})

    def _push(self, message: dict[str, Any]) -> None:
        self._arrived.append(message)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- the server's end, as ASGI has it ---------------------------------------------------------------------

    def scope(self) -> dict[str, Any]:
        return {
            "type": "websocket",
            "path_params": {"sitting": str(self.sitting)},
            "query_string": f"stream={self.stream}".encode(),
            "state": {"principal": self.tab.candidate},
            "headers": [],
            "client": ("192.0.2.1", 1),
        }

    async def receive(self) -> dict[str, Any]:
        while not self._arrived:
            self._waiter = self.node.loop.create_future()
            await self._waiter
        return self._arrived.popleft()

    async def send(self, message: Mapping[str, Any]) -> None:
        if self.node.dead or not self.server_there:
            return
        match message["type"]:
            case "websocket.accept":
                self.timeline.at(self._arrival("_down_last"), self._open)
            case "websocket.send":
                text = message["text"]
                self.world.witness.leaves(self, text)
                self.timeline.at(self._arrival("_down_last"), self._reach_page, text)
            case "websocket.close":
                self.server_there = False
                self.timeline.note(self.node.name, "closes", self.tab.id, message["code"], message["reason"])
                self.timeline.at(self._arrival("_down_last"), self._close_at_page, message["code"])
                low, high = (0, 200) if not self.cut and self.page_there else SERVER_NOTICES
                self.timeline.later(
                    self.timeline.between(low, high), self.node.enter, self._push, {"type": "websocket.disconnect"}
                )

    # --- the page's end -------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self.page_there and not self.cut:
            self.opened = True
            self.heard_at = self.timeline.now
            self.watch()

    def _reach_page(self, text: str) -> None:
        if self.page_there and not self.cut:
            self.heard_at = self.timeline.now
            self.tab.hear(self, text)

    def _close_at_page(self, code: int) -> None:
        if self.page_there and not self.cut:
            self.page_there = False
            self.tab.closed(self, code)

    def _miss_opening(self) -> None:
        if self.page_there and not self.opened:
            self.leave()
            self.tab.closed(self, 1006)

    def watch(self) -> None:
        """Something may have fallen silent: the page's own pings will show it."""
        self.timeline.later(PONG_WITHIN + self.timeline.between(1, PING_EVERY), self._miss, self.timeline.now)

    def _miss(self, since: int) -> None:
        silent = self.cut or self.node.paused or self.node.dead or self.tab.blocked_until > self.timeline.now
        if self.page_there and (silent or not self.tab.live) and self.heard_at <= since:
            self.leave()
            self.tab.closed(self, 1006)

    def leave(self) -> None:
        """The page hangs up; the server learns of it when that arrives, or misses the page in the end."""
        if not self.page_there:
            return
        self.page_there = False
        if self.cut:
            self._be_missed()
        else:
            self.timeline.at(self._arrival("_up_last"), self._part)

    def _part(self) -> None:
        self.node.enter(self._push, {"type": "websocket.disconnect"})

    def _be_missed(self) -> None:
        self.timeline.later(self.timeline.between(*SERVER_NOTICES), self._part)

    # --- what befalls it --------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Both ends are told; what was under way is lost."""
        self.cut = True
        self.timeline.later(self.timeline.between(0, 300), self._part)
        self._tell_page()

    def vanish(self) -> None:
        """Neither end is told."""
        self.cut = True
        self._be_missed()
        self.watch()

    def forget_page(self) -> None:
        """Only the page is told; the server believes that it is still there."""
        self.cut = True
        self._be_missed()
        self._tell_page()

    def forget_server(self) -> None:
        """Only the server is told."""
        self.cut = True
        self.timeline.later(self.timeline.between(0, 300), self._part)
        self.watch()

    def _tell_page(self) -> None:
        self.timeline.later(self.timeline.between(0, 300), self._be_told)

    def _be_told(self) -> None:
        if self.page_there:
            self.page_there = False
            self.tab.closed(self, 1006)


def is_taken_over(text: str) -> bool:
    return text.startswith('{"type":"taken_over"')
