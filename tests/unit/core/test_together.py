"""Whoever asks while a question is under way is answered by the next one, once."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from core.together import Together


class Oracle:
    """Answers when it is told to, with every key's square; of negative ones it knows nothing."""

    def __init__(self, most: int = 250) -> None:
        self.asked: list[list[int]] = []
        self.may_answer = asyncio.Event()
        self.fault: BaseException | None = None
        self.together = Together(self.answer, most)

    async def answer(self, keys: Sequence[int]) -> Mapping[int, int]:
        self.asked.append(list(keys))
        await self.may_answer.wait()
        if self.fault is not None:
            raise self.fault
        return {key: key * key for key in keys if key >= 0}

    def ask(self, *keys: int) -> list["asyncio.Task[int | None]"]:
        return [asyncio.create_task(self.together.ask(key)) for key in keys]


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_who_come_meanwhile_go_together() -> None:
    oracle = Oracle()
    tasks = oracle.ask(1)
    await turn()
    tasks += oracle.ask(2, 3, 2, -1)
    await turn()
    assert oracle.asked == [[1]]
    oracle.may_answer.set()
    assert await asyncio.gather(*tasks) == [1, 4, 9, 4, None]
    assert oracle.asked == [[1], [2, 3, 2, -1]]
    assert await oracle.together.ask(5) == 25


async def test_no_question_is_too_long() -> None:
    oracle = Oracle(most=2)
    oracle.may_answer.set()
    assert await asyncio.gather(*oracle.ask(1, 2, 3, 4, 5)) == [1, 4, 9, 16, 25]
    assert [len(keys) for keys in oracle.asked] == [2, 2, 1]


async def test_a_fault_reaches_everybody_who_asked_and_nobody_after() -> None:
    oracle = Oracle()
    oracle.fault = OSError("away")
    tasks = oracle.ask(1, 2)
    await turn()
    oracle.may_answer.set()
    assert [type(found) for found in await asyncio.gather(*tasks, return_exceptions=True)] == [OSError, OSError]
    oracle.fault = None
    assert await oracle.together.ask(3) == 9


async def test_one_who_no_longer_wants_to_know_spoils_it_for_nobody() -> None:
    oracle = Oracle()
    gone, stays = oracle.ask(1, 2)
    await turn()
    gone.cancel()
    await turn()
    oracle.may_answer.set()
    assert await stays == 4
    assert gone.cancelled()


async def test_nobody_waits_for_ever_when_the_question_is_called_off() -> None:
    oracle = Oracle()
    oracle.fault = asyncio.CancelledError()
    tasks = oracle.ask(1)
    await turn()
    oracle.may_answer.set()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
