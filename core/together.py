"""One question to the database for all who ask at the same time.

No timer is needed: while one question is under way the next one gathers. Thousands who connect in the same second
cost a few statements, and need a few connections of the pool.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

MOST = 250
"""Questions asked at once."""


class Together(Generic[Key, Value]):
    """`answer` is given keys, perhaps the same one twice, and gives what it found of each."""

    def __init__(self, answer: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]], most: int = MOST) -> None:
        self._answer = answer
        self._most = most
        self._waiting: list[tuple[Key, asyncio.Future[Value | None]]] = []
        self._working: asyncio.Task[None] | None = None

    async def ask(self, key: Key) -> Value | None:
        """What was found; None when nothing was. Raises what the common question failed with."""
        asked: asyncio.Future[Value | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, asked))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await asked

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._settle(batch)
        finally:
            self._working = None

    async def _settle(self, batch: list[tuple[Key, asyncio.Future[Value | None]]]) -> None:
        try:
            found = await self._answer([key for key, _ in batch])
        except BaseException as error:
            for _, asked in batch:
                if not asked.done():
                    if isinstance(error, Exception):
                        asked.set_exception(error)
                    else:
                        asked.cancel()
            if not isinstance(error, Exception):
                raise
        else:
            for key, asked in batch:
                if not asked.done():
                    asked.set_result(found.get(key))
