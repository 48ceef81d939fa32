"""A server with a planted fault, for the drills to find: it acknowledges at once and writes a little later."""

import asyncio

from app import asgi
from exam_server.event_log import Commit, EventLog, Fate
from tests.server import child

LATER = 0.5


class Silent:
    """A commit whose maker has heard already."""

    def __init__(self, commit: Commit) -> None:
        self.sitting_id = commit.sitting_id
        self.version = commit.version
        self.prev = commit.prev
        self.digest = commit.digest
        self.events = commit.events
        self.due = commit.due
        self.due_changed = commit.due_changed

    def done(self, fate: Fate) -> None:
        """Nobody listens."""


class HastyLog(EventLog):
    """Says `durable` of what is not."""

    def append(self, commit: Commit) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(commit.done, "durable")
        loop.call_later(LATER, super().append, Silent(commit))


if __name__ == "__main__":
    vars(asgi)["EventLog"] = HastyLog
    child.main()
