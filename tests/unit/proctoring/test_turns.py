import asyncio

from core.ids import SittingId
from proctoring.turns import Turns

ONE, OTHER = SittingId(7), SittingId(8)


async def test_turns_at_one_sitting_come_in_the_order_they_were_asked_for() -> None:
    turns, open_door, seen = Turns(), asyncio.Event(), []

    async def act(name: str, sitting: SittingId) -> None:
        async with turns.of(sitting):
            seen.append(f"{name} begins")
            if sitting == ONE:
                await open_door.wait()
            seen.append(f"{name} ends")

    async with asyncio.TaskGroup() as tasks:
        for name in ("a", "b", "c"):
            tasks.create_task(act(name, ONE))
        await tasks.create_task(act("other", OTHER))
        assert seen == ["a begins", "other begins", "other ends"]
        open_door.set()
    assert seen[3:] == ["a ends", "b begins", "b ends", "c begins", "c ends"]


async def test_who_gives_up_waiting_holds_nobody_up() -> None:
    turns = Turns()
    async with turns.of(ONE):
        waiting = asyncio.ensure_future(turns.of(ONE).acquire())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    async with asyncio.timeout(5), turns.of(ONE):
        assert waiting.cancelled()


async def test_nothing_is_kept_of_sittings_that_are_over() -> None:
    turns = Turns()
    for number in range(10):
        async with turns.of(SittingId(number)):
            assert len(turns) == 1
    assert len(turns) == 0
