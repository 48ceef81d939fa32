"""How often items were drawn and seen: counted once, by window, practice apart; and the cap that follows from it."""

import asyncio
from collections import Counter

from msgspec.structs import replace

from core.database import Database, execute, fetch_one
from core.ids import BlueprintId, ItemId, SittingId
from core.moments import DAY, HOUR
from exam_server import scheduling
from exam_server.exposure import (
    EVER_DRAWN,
    NEVER_DRAWN,
    Exposure,
    count_drawn,
    count_forms,
    count_uses,
    list_exposure,
    list_overdrawn,
)
from exam_server.practice import begin_run
from exam_server.preparation import prepare_some
from exam_server.store import load_sitting
from question_bank.blueprint_store import save_blueprint
from question_bank.catalogue import list_ids
from question_bank.exposure import SOONEST
from question_bank.exposure_store import load_controlled, load_opennesses
from question_bank.health import Used
from question_bank.pool_store import PreparedPools
from question_bank.wanted import Wanted
from tests.stores.cabinet.centre import AUTOMATIC, EXAM, PRACTICE, Centre

CAPPED = replace(EXAM, id=BlueprintId("capped"), exposure_cap=0.6)


async def forms_of(database: Database, *sittings: SittingId) -> tuple[Counter[ItemId], Counter[ItemId]]:
    """What was drawn and what was shown, by the logs."""
    drawn: Counter[ItemId] = Counter()
    seen: Counter[ItemId] = Counter()
    async with database.transaction() as connection:
        for sitting in sittings:
            state = await load_sitting(connection, sitting)
            for entry, progress in zip(state.form.entries, state.items, strict=True):
                drawn[entry.item] += 1
                seen[entry.item] += progress.visited
    return drawn, seen


async def uses_of(database: Database, blueprint: BlueprintId) -> dict[ItemId, Used]:
    async with database.transaction() as connection:
        return await count_uses(connection, blueprint)


async def test_what_was_drawn_and_seen_is_what_the_logs_say(centre: Centre) -> None:
    window, later = await centre.window(), await centre.window(opens_in=DAY)
    sittings = []
    for number in range(3):
        one = await centre.person(f"k{number}")
        await centre.admit(one)
        sittings.append(await centre.take(one, await centre.book(one, window), 4 + number))
    waiting = await centre.person("waiting")
    await centre.admit(waiting)
    await centre.book(waiting, later)
    async with centre.database.transaction() as connection:
        (prepared,) = await prepare_some(connection, later, pools=centre.pools, seeds=lambda: 5, now=centre.clock.now())
    exposure = Exposure(centre.database, centre.clock)
    before = await uses_of(centre.database, EXAM.id)
    assert await exposure.sweep() == 3
    assert await exposure.sweep() == 0
    drawn, seen = await forms_of(centre.database, *sittings)
    ahead, _ = await forms_of(centre.database, prepared)
    assert sum(seen.values()) == 4 + 5 + 6
    wanted = {item: Used(drawn[item] + ahead[item], seen[item]) for item in drawn | ahead}
    assert await uses_of(centre.database, EXAM.id) == wanted
    assert {item: one.drawn for item, one in before.items()} == {item: one.drawn for item, one in wanted.items()}
    assert await uses_of(centre.database, AUTOMATIC.id) == {}

    async with centre.database.transaction() as connection:
        assert await list_ids(connection, Wanted(beside=EVER_DRAWN), "") == sorted(wanted)
        everything = await list_ids(connection, Wanted(), "")
        never = await list_ids(connection, Wanted(beside=NEVER_DRAWN), "")
        assert never == [item for item in everything if item not in wanted] != []
        some = [*list(wanted)[:3], ItemId("nobody")]
        assert await count_drawn(connection, some) == {item: wanted[item].drawn for item in some[:3]}
        assert await list_overdrawn(connection) == (), "no exam has a cap"
        page = await list_exposure(connection, EXAM.id, limit=5)
        rest = await list_exposure(connection, EXAM.id, limit=500, offset=5)
    assert page.forms == 4
    assert [(one.window, one.forms, one.ended) for one in page.windows] == [(later, 1, 0), (window, 3, 3)]
    rows = [*page.rows, *rest.rows]
    assert page.total == len(rows) == len(wanted)
    assert [(-row.seen, -row.drawn, row.item) for row in rows] == sorted(
        (-row.seen, -row.drawn, row.item) for row in rows
    )
    for row in rows:
        assert (row.drawn, row.seen) == (wanted[row.item].drawn, wanted[row.item].seen)
        assert row.share == row.drawn / 4
        assert row.open_to == 1
        assert row.windows.get(window, Used(0, 0)) == Used(drawn[row.item], seen[row.item])
        assert row.windows.get(later, Used(0, 0)) == Used(ahead[row.item], 0)


async def test_practice_is_counted_nowhere_and_looked_at_once(centre: Centre) -> None:
    one = await centre.person("k")
    async with centre.database.transaction() as connection:
        run = await begin_run(connection, PRACTICE.id, one.id, pools=centre.pools, seed=3, now=centre.clock.now())
    centre.clock.advance(2 * DAY)
    await centre.settle(run)
    exposure = Exposure(centre.database, centre.clock)
    assert await exposure.sweep() == 1
    assert await exposure.sweep() == 0
    assert await uses_of(centre.database, PRACTICE.id) == {}
    async with centre.database.transaction() as connection:
        assert await list_ids(connection, Wanted(beside=EVER_DRAWN), "") == []
        assert await list_ids(connection, Wanted(beside=NEVER_DRAWN), "") == await list_ids(connection, Wanted(), "")


async def test_a_log_that_cannot_be_read_holds_up_no_other(centre: Centre) -> None:
    window = await centre.window()
    sittings = []
    for number in range(2):
        one = await centre.person(f"k{number}")
        await centre.admit(one)
        sittings.append(await centre.take(one, await centre.book(one, window), 3))
    async with centre.database.transaction() as connection:
        await execute(
            connection,
            """INSERT INTO exam_server.log (sitting_id, version, prev, digest, events)
               VALUES (:id, 999, '\\x00', '\\x00', '{}')""",
            id=sittings[0],
        )
    await Exposure(centre.database, centre.clock).sweep()
    async with centre.database.transaction() as connection:
        rows = [
            await fetch_one(connection, "SELECT seen FROM exam_server.form WHERE sitting_id = :id", id=sitting)
            for sitting in sittings
        ]
        assert await count_forms(connection, EXAM.id) == 2
    assert [row is not None and row["seen"] is not None for row in rows] == [False, True]


async def test_processes_that_count_at_once_count_nothing_twice(centre: Centre) -> None:
    window = await centre.window()
    for number in range(4):
        one = await centre.person(f"k{number}")
        await centre.admit(one)
        await centre.take(one, await centre.book(one, window), 3)
    counted = await asyncio.gather(*(Exposure(centre.database, centre.clock).sweep() for _ in range(3)))
    assert sum(counted) >= 4
    await Exposure(centre.database, centre.clock).sweep()
    uses = await uses_of(centre.database, EXAM.id)
    assert sum(one.drawn for one in uses.values()) == 4 * EXAM.length
    assert sum(one.seen for one in uses.values()) == 4 * 3


async def test_items_that_stand_on_too_many_forms_are_closed_to_the_next(centre: Centre) -> None:
    """8 of 10 items of one area are on each form: a cap of 0.6 can't hold there, and elsewhere has nothing to do."""
    async with centre.database.transaction() as connection:
        await save_blueprint(connection, CAPPED, centre.clock.now())
    window = await centre.window(CAPPED, opens_in=HOUR, capacity=200)
    for number in range(SOONEST + 10):
        one = await centre.person(f"k{number}")
        async with centre.database.transaction() as connection:
            await scheduling.book(connection, window, one.id, centre.clock.now())
    pools, seeds = PreparedPools(), iter(range(1_000))
    while True:
        async with centre.database.transaction() as connection:
            if not await prepare_some(
                connection, window, pools=pools, seeds=lambda: next(seeds), now=centre.clock.now(), limit=SOONEST
            ):
                break
    async with centre.database.transaction() as connection:
        assert await load_controlled(connection, CAPPED.id) == SOONEST
        opennesses = await load_opennesses(connection, CAPPED.id)
        uses = await count_uses(connection, CAPPED.id)
        assert await count_forms(connection, CAPPED.id) == SOONEST + 10
        page = await list_exposure(connection, CAPPED.id, limit=500)
        over = await list_overdrawn(connection)
    assert opennesses
    assert over == tuple(sorted(row.item for row in page.rows if row.share > 0.6)) != ()
    busy = {item for item, one in uses.items() if one.drawn > 0.75 * (SOONEST + 10)}
    assert busy <= opennesses.keys()
    assert {row.item for row in page.rows if row.open_to < 1} == {
        item for item, one in opennesses.items() if one.share < 1_000_000
    }
