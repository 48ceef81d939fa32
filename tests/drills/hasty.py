"""A server with a planted fault, for the drills to find: it acknowledges at once and writes a little later."""

import asyncio
from collections.abc import Callable

from app import asgi
from exam_server.event_log import Commit, EventLog, Fate
from tests.server import child

LATER = 0.5


class HastyLog(EventLog):
    """Says `durable` of what is not."""

    def append(self, commit: Commit) -> None:
        done = commit.done
        told: Callable[[Fate], None] = lambda fate: None  # noqa: E731
        commit.done = told
        loop = asyncio.get_running_loop()
        loop.call_soon(done, "durable")
        loop.call_later(LATER, super().append, commit)


if __name__ == "__main__":
    vars(asgi)["EventLog"] = HastyLog
    child.main()
