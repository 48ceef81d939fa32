"""Pages at a conduct: they come, take over from each other, go, and come too often."""

import asyncio

import pytest

from core.errors import AccreditationError, Unavailable
from core.moments import HOUR, SECOND
from exam_server.commands import Extend
from exam_server.events import Detached
from exam_server.held import MAX_WAITING
from exam_server.rulings import ATTACH_BURST, MAX_STREAMS
from exam_server.sitting import ATTACH_EVERY
from tests.histories.memory import Line, Owner, quiet
from tests.histories.sittings import FIRST, NOW, PROCTOR, SECOND_BROWSER, SITTING
from tests.unit.exam_server.room import Room, answer, land, overtake


async def test_a_newer_page_takes_over_and_the_older_one_is_told_when_that_is_durable() -> None:
    room = await Room().enter()
    older = room.line
    room.say(answer(2))
    newer = Line(room.log, SITTING, SECOND_BROWSER)
    task = asyncio.ensure_future(room.owner.conduct.attach(SITTING, newer, SECOND_BROWSER))
    await quiet()
    room.say(answer(3), line=older)
    assert older.told == []
    room.log.land_all()
    await task
    assert older.kinds() == ["ack", "taken_over"]
    assert older.closed == 4001
    assert newer.kinds() == ["snapshot"]
    assert room.stored.streams == {FIRST: 2, SECOND_BROWSER: 0}


async def test_a_page_that_was_taken_over_can_not_answer_any_more() -> None:
    room = await Room().enter()
    older = room.line
    older.close = lambda code, reason: None  # type: ignore[method-assign]
    room.held, room.line = await room.owner.attach(SITTING, SECOND_BROWSER)
    older.told.clear()
    room.say(answer(2), line=older)
    assert older.kinds() == ["taken_over"]
    room.log.land_all()
    assert room.stored.streams[FIRST] == 1


async def test_the_older_pages_loss_means_nothing_any_more() -> None:
    room = await Room().enter()
    older = room.line
    room.held, room.line = await room.owner.attach(SITTING, SECOND_BROWSER)
    room.owner.conduct.detach(room.held, older)
    await quiet()
    assert room.log.on_its_way == []
    assert room.held.line is room.line


async def test_a_lost_page_is_written_down() -> None:
    room = await Room().enter()
    room.clock.advance(5_000)
    room.owner.conduct.detach(room.held, room.line)
    room.log.land()
    assert room.log.events(SITTING)[-1] == Detached(NOW + 5_000)
    assert room.held.line is None


async def test_two_pages_that_attach_at_once_and_are_overtaken_leave_the_newer_one_on() -> None:
    room = await Room().enter()
    first = room.line
    second, third = Line(room.log, SITTING, SECOND_BROWSER), Line(room.log, SITTING, "browser3")
    tasks = [asyncio.ensure_future(room.owner.conduct.attach(SITTING, line, line.stream)) for line in (second, third)]
    await quiet()
    await overtake(room, Extend(SECOND, PROCTOR, 1))
    room.log.land()
    await quiet()
    room.log.land_all()
    await asyncio.gather(*tasks)
    assert (first.closed, second.closed, third.closed) == (4001, 4001, None)
    assert room.held.line is third
    assert room.stored.stream == "browser3"


async def test_a_page_on_another_process_takes_over() -> None:
    room = await Room().enter()
    elsewhere = Owner(room.log, room.clock)
    _, newer = await elsewhere.attach(SITTING, SECOND_BROWSER)
    room.say(answer(2))
    room.log.land_all()
    await quiet()
    room.log.land_all()
    assert room.line.kinds() == ["taken_over"]
    assert room.line.closed == 4001
    assert newer.kinds() == ["snapshot"]
    assert room.stored.streams[FIRST] == 1


async def test_of_two_pages_that_attach_on_two_processes_at_once_the_later_one_stays() -> None:
    room = await Room().enter()
    elsewhere = Owner(room.log, room.clock)
    here, there = Line(room.log, SITTING, "here"), Line(room.log, SITTING, "there")
    task = asyncio.ensure_future(room.owner.conduct.attach(SITTING, here, "here"))
    await quiet()
    ours, room.log.on_its_way = room.log.on_its_way, []
    for _ in range(2):  # twice, so that their epoch is past ours
        await elsewhere.attach(SITTING, "there")
    _, there = await elsewhere.attach(SITTING, "there")
    room.log.on_its_way = ours
    room.log.land()
    await quiet()
    room.log.land_all()
    await task
    assert here.closed is None
    assert here.kinds() == ["snapshot"]
    assert room.line.closed == 4001
    await elsewhere.rounds.compare()
    await quiet()
    assert there.kinds()[-1] == "taken_over"


async def test_one_device_too_many_does_not_disturb_the_page_that_is_on() -> None:
    room = await Room().enter()
    for number in range(MAX_STREAMS - 1):
        room.clock.advance(ATTACH_EVERY)
        room.held, room.line = await room.owner.attach(SITTING, f"browser-{number}")
    line = Line(room.log, SITTING, "one-more")
    with pytest.raises(AccreditationError, match="too_many_devices"):
        await room.owner.conduct.attach(SITTING, line, "one-more")
    assert room.held.line is room.line
    assert room.held.state.connected
    assert room.line.closed is None


async def test_pages_that_come_and_go_without_end_are_turned_away_and_the_one_that_is_on_goes_on() -> None:
    room = await Room().enter()
    for _ in range(ATTACH_BURST - 1):
        room.held, room.line = await room.owner.attach(SITTING, FIRST)
    rows = len(room.log.rows[SITTING])
    for number in range(100):
        with pytest.raises(Unavailable, match="busy"):
            await room.owner.attach(SITTING, SECOND_BROWSER if number % 2 else FIRST)
    assert len(room.log.rows[SITTING]) == rows
    assert room.held.line is room.line
    assert room.line.closed is None
    room.say(answer(2))
    room.log.land_all()
    assert room.line.acks() == [2]
    room.clock.advance(ATTACH_EVERY)
    await room.owner.attach(SITTING, SECOND_BROWSER)
    assert room.line.closed == 4001


async def test_what_others_wrote_counts_towards_the_pace_too() -> None:
    room = await Room().enter()
    elsewhere = Owner(room.log, room.clock)
    for _ in range(ATTACH_BURST - 1):
        await elsewhere.attach(SITTING, SECOND_BROWSER)
    newer = Line(room.log, SITTING, FIRST)
    attaching = asyncio.ensure_future(room.owner.conduct.attach(SITTING, newer, FIRST))
    await quiet()
    room.log.land_all()  # overtaken, and decided again by what the log says
    with pytest.raises(Unavailable, match="busy"):
        await attaching
    await quiet()
    assert room.stored.stream == SECOND_BROWSER
    assert room.line.closed == 4001


async def test_pages_that_wait_to_attach_are_as_bounded_as_edits_that_wait() -> None:
    room = await Room().enter()
    room.say(answer(2))  # is on its way, so that the rest waits behind it
    pages = [Line(room.log, SITTING, FIRST) for _ in range(MAX_WAITING + 50)]
    room.owner.conduct.deadlines.assure(NOW, [])
    room.clock.set(NOW + HOUR)  # whatever comes now waits until it is known whether the service was away
    tasks = [asyncio.ensure_future(room.owner.conduct.attach(SITTING, page, FIRST)) for page in pages]
    await quiet()
    turned_away = [task for task in tasks if task.done()]
    assert len(turned_away) == 50
    for task in turned_away:
        with pytest.raises(Unavailable, match="busy"):
            await task
    room.owner.conduct.deadlines.assure(room.clock.now() + HOUR, [])
    room.log.land_all()
    fates = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(fate, Unavailable) for fate in fates) == len(pages) - ATTACH_BURST
    assert room.stored.connected


async def test_a_page_that_goes_while_its_attachment_waits_takes_over_nothing() -> None:
    room = await Room().enter()
    conduct = room.owner.conduct
    room.owner.source.away = True
    conduct.reload(room.held)
    newer = Line(room.log, SITTING, SECOND_BROWSER)
    attaching = asyncio.ensure_future(conduct.attach(SITTING, newer, SECOND_BROWSER))
    await quiet()
    attaching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attaching
    room.owner.source.away = False
    await land(room)
    assert not room.held.reloading
    assert room.held.line is room.line
    assert room.line.closed is None
    assert room.stored.stream == FIRST


async def test_a_page_that_goes_while_its_attachment_is_overtaken_takes_over_nothing() -> None:
    room = await Room().enter()
    conduct = room.owner.conduct
    newer = Line(room.log, SITTING, SECOND_BROWSER)
    attaching = asyncio.ensure_future(conduct.attach(SITTING, newer, SECOND_BROWSER))
    await quiet()
    await overtake(room, Extend(SECOND, PROCTOR, 1))
    attaching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attaching
    room.log.land()
    await land(room)
    assert room.held.line is room.line
    assert room.line.closed is None
    room.say(answer(2))
    room.log.land_all()
    assert room.line.acks() == [2]


async def test_a_page_that_goes_while_its_attachment_is_on_its_way_is_gone_once_that_is_durable() -> None:
    room = await Room().enter()
    newer = Line(room.log, SITTING, SECOND_BROWSER)
    attaching = asyncio.ensure_future(room.owner.conduct.attach(SITTING, newer, SECOND_BROWSER))
    await quiet()
    attaching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attaching
    await land(room)
    assert room.held.line is None
    assert (room.stored.stream, room.stored.connected) == (SECOND_BROWSER, False)
    assert room.line.closed == 4001


async def test_where_both_pages_go_while_an_attachment_is_overtaken_nobody_is_at_it() -> None:
    room = await Room().enter()
    conduct = room.owner.conduct
    newer = Line(room.log, SITTING, SECOND_BROWSER)
    attaching = asyncio.ensure_future(conduct.attach(SITTING, newer, SECOND_BROWSER))
    await quiet()
    conduct.detach(room.held, room.line)
    await overtake(room, Extend(SECOND, PROCTOR, 1))
    attaching.cancel()
    await land(room)
    assert attaching.cancelled()
    assert room.held.line is None


async def test_both_pages_of_an_attachment_that_can_never_be_stored_have_to_come_back() -> None:
    room = await Room().enter()
    newer = Line(room.log, SITTING, SECOND_BROWSER)
    attaching = asyncio.ensure_future(room.owner.conduct.attach(SITTING, newer, SECOND_BROWSER))
    await quiet()
    room.log.refuse()
    with pytest.raises(Unavailable, match="internal"):
        await attaching
    assert (room.line.closed, newer.closed) == (1011, 1011)
