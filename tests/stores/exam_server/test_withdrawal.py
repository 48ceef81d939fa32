"""An item withdrawn in the middle of a window: nobody is given it any more, and nobody is marked by it."""

from collections.abc import AsyncIterator
from fractions import Fraction

import pytest
from msgspec.structs import replace

from app.verification import verify
from core.access.roles import Principal
from core.database import Database, fetch_all
from core.errors import Unavailable
from core.ids import ItemId, SittingId
from core.moments import HOUR, MINUTE
from exam_server.commands import Admit, Attach, Command, Respond, Settle, Show, Start, Submit
from exam_server.conclusion import conclude, load_outcome
from exam_server.event_log import EventLog
from exam_server.events import FormReplaced, ItemWithdrawn, Shown
from exam_server.reckoning import counted_form
from exam_server.ruling import Ruling
from exam_server.withdrawal import Reach, Withdrawal, Withdrawals, foresee, list_kept, load_withdrawal, withdraw
from question_bank.assembly import prove
from question_bank.items import Role
from question_bank.pool_store import PreparedPools, load_snapshot
from question_bank.store import load_items
from scoring.decision import points_needed
from scoring.store import load_result
from tests.stores.cabinet.centre import EXAM, Centre
from tests.stores.exam_server.conftest import Engine
from tests.stores.exam_server.test_closing import seat
from tests.stores.exam_server.test_preparation import Office
from tests.stores.exam_server.test_scheduling import code_of

REASON = "Задание опубликовано в открытом доступе."


@pytest.fixture
def office(centre: Centre, engine: Engine) -> Office:
    return Office(centre, engine)


@pytest.fixture
async def elsewhere(database_url: str, database: Database, centre: Centre) -> AsyncIterator[Engine]:
    """The engine of another process."""
    log = EventLog(database_url)
    await log.start()
    yield Engine(log, database, centre.clock)
    await log.close()


class Desk:
    """Withdraws items as the methodologist does."""

    def __init__(self, centre: Centre, boss: Principal, engine: Engine) -> None:
        self.centre = centre
        self.boss = boss
        self.withdrawals = Withdrawals(centre.database, centre.clock, engine.conduct, PreparedPools())

    async def decide(self, item: ItemId, reason: str = REASON) -> None:
        async with self.centre.database.transaction() as connection:
            await withdraw(connection, item, self.boss.id, reason, self.centre.clock.now())

    async def withdraw(self, item: ItemId) -> Withdrawal:
        await self.decide(item)
        await self.withdrawals.hasten(30)
        async with self.centre.database.transaction() as connection:
            found = await load_withdrawal(connection, item)
        assert found is not None
        return found

    async def kept(self, item: ItemId) -> list[SittingId]:
        async with self.centre.database.transaction() as connection:
            return await list_kept(connection, item)


@pytest.fixture
async def desk(centre: Centre, engine: Engine) -> Desk:
    return Desk(centre, await centre.person("boss"), engine)


async def begin(engine: Engine, sitting: SittingId) -> None:
    await engine.order(sitting, Admit("person"), Attach("browser01"), Start(1))


async def test_everybody_is_seen_to_by_how_far_they_are(
    centre: Centre, office: Office, engine: Engine, elsewhere: Engine, desk: Desk, database: Database
) -> None:
    window = await centre.window()
    seen = await seat(centre, window, "seen")
    await begin(elsewhere, seen)
    item = (await office.stored(seen)).form.entries[0].item
    others = [await seat(centre, window, f"k{number}") for number in range(6)]
    having = [one for one in others if item in {entry.item for entry in (await office.stored(one)).form.entries}]
    ready, running = having[0], having[1]
    await begin(elsewhere, running)
    if (await office.stored(running)).items[0].visited:
        assert (await office.stored(running)).form.entries[0].item != item
    before = await office.stored(ready)
    async with database.transaction() as connection:
        assert await foresee(connection, item) == Reach(drawn=0, entered=len(having) + 1, over=0)

    found = await desk.withdraw(item)
    assert (found.removed, found.kept, found.replaced) == (1, 1, len(having) - 1)
    assert (found.left, found.over, found.applied_at, found.reason) == (0, 0, centre.clock.now(), REASON)
    assert [one.going for one in (found, replace(found, applied_at=None), replace(found, left=1))] == [
        False,
        True,
        True,
    ]
    assert await desk.kept(item) == [seen]
    after = await office.stored(ready)
    assert item not in {entry.item for entry in after.form.entries}
    assert (after.form.seed, len(after.form.entries)) != (before.form.seed, 0)
    async with database.transaction() as connection:
        assert prove(after.form, EXAM, await load_snapshot(connection, after.form.snapshot))
        rows = await fetch_all(connection, "SELECT items FROM exam_server.form WHERE sitting_id = :id", id=ready)
    assert rows[0]["items"] == [entry.item for entry in after.form.entries]
    (place,) = [
        position for position, entry in enumerate((await office.stored(running)).form.entries) if entry.item == item
    ]
    state = await office.stored(running)
    assert (state.items[place].withdrawn, state.items[place].locked, state.items[place].visited) == (True, True, False)
    kept = await office.stored(seen)
    assert not kept.items[0].withdrawn
    late = await seat(centre, window, "late")
    assert item not in {entry.item for entry in (await office.stored(late)).form.entries}
    assert await desk.withdraw(item) == found


async def test_a_form_whose_candidate_never_came_concerns_nobody(
    centre: Centre, candidate: Principal, office: Office, engine: Engine
) -> None:
    await centre.book(candidate, await centre.window(opens_in=HOUR))
    await office.preparation.sweep()
    sitting = await office.prepared(candidate)
    state = await office.stored(sitting)
    centre.clock.set(state.closes_at + MINUTE)
    await engine.order(sitting, Settle())
    async with centre.database.transaction() as connection:
        assert await foresee(connection, state.form.entries[0].item) == Reach(drawn=0, entered=0, over=0)


async def test_a_prepared_form_is_drawn_again_and_can_be_begun(
    centre: Centre, candidate: Principal, office: Office, engine: Engine, elsewhere: Engine, desk: Desk
) -> None:
    booking = await centre.book(candidate, await centre.window(opens_in=HOUR))
    await office.preparation.sweep()
    sitting = await office.prepared(candidate)
    await elsewhere.conduct.hold(sitting)
    item = (await office.stored(sitting)).form.entries[0].item
    async with centre.database.transaction() as connection:
        assert await foresee(connection, item) == Reach(drawn=1, entered=0, over=0)
    found = await desk.withdraw(item)
    assert (found.replaced, found.left) == (1, 0)
    centre.clock.advance(HOUR)
    assert await centre.enter(candidate, booking) == sitting
    await begin(elsewhere, sitting)  # it holds the sitting as it was, and learns of the form from the log
    state = await office.stored(sitting)
    assert item not in {entry.item for entry in state.form.entries}
    events = await engine.events(sitting)
    assert sum(isinstance(event, FormReplaced) for event in events) == 1
    assert isinstance(events[-1], Shown)


async def test_the_log_decides_between_a_look_and_a_withdrawal(
    centre: Centre, office: Office, elsewhere: Engine, engine: Engine, desk: Desk
) -> None:
    """What was shown at another process a moment before stays, though this one does not know of it yet."""
    sitting = await seat(centre, await centre.window(), "k")
    await begin(elsewhere, sitting)
    await engine.conduct.hold(sitting)
    item = (await office.stored(sitting)).form.entries[5].item
    await elsewhere.order(sitting, Show(2, 5))
    found = await desk.withdraw(item)
    assert (found.kept, found.removed) == (1, 0)
    state = await office.stored(sitting)
    assert not state.items[5].withdrawn
    assert not any(isinstance(event, ItemWithdrawn) for event in await engine.events(sitting))


async def test_a_crash_in_the_middle_is_made_good(
    centre: Centre, office: Office, engine: Engine, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = await centre.window()
    sittings = [await seat(centre, window, f"k{number}") for number in range(4)]
    item = (await office.stored(sittings[0])).form.entries[0].item
    real = engine.conduct.order

    async def order(sitting: SittingId, command: Command) -> Ruling:
        raise Unavailable("gone", "Процесса больше нет.")

    monkeypatch.setattr(engine.conduct, "order", order)
    found = await desk.withdraw(item)
    having = found.left
    assert (found.replaced, found.applied_at) == (0, None)
    assert having >= 1
    monkeypatch.setattr(engine.conduct, "order", real)
    await desk.withdrawals.sweep()
    async with centre.database.transaction() as connection:
        again = await load_withdrawal(connection, item)
    assert again is not None
    assert (again.replaced, again.left, again.applied_at) == (having, 0, centre.clock.now())


async def test_what_was_withdrawn_counts_neither_for_nor_against(
    centre: Centre, office: Office, engine: Engine, desk: Desk, database: Database, database_url: str
) -> None:
    sitting = await seat(centre, await centre.window(), "k")
    await begin(engine, sitting)
    state = await office.stored(sitting)
    gone = [entry.item for entry in state.form.entries[-3:]]
    for item in gone:
        await desk.withdraw(item)
    left = state.form.entries[:-3]
    need = points_needed(len(left), EXAM.cut)
    async with database.transaction() as connection:
        items = await load_items(connection, [(entry.item, entry.version) for entry in left])
    seq = 1
    for position, entry in enumerate(left[:need]):
        key = next(c.id for c in items[entry.item, entry.version].stages[0].choices if c.role is Role.KEY)
        await engine.order(sitting, Show(seq + 1, position), Respond(seq + 2, position, 0, (key,)))
        seq += 2
    await engine.order(sitting, Submit(seq + 1))
    await centre.watch(sitting)
    await centre.conclude(sitting)
    async with database.transaction() as connection:
        result = await load_result(connection, sitting)
    assert (result.decision.maximum, result.decision.raw, result.decision.passed) == (len(left), Fraction(need), True)
    assert [mark.item for mark in result.marks] == [entry.item for entry in left]
    assert len(counted_form(await office.stored(sitting)).entries) == len(left)
    report = await verify(database_url, [sitting], centre.clock)
    assert (report.faults, report.results) == ([], 1)


async def test_with_a_whole_requirement_withdrawn_its_points_are_nobodys(
    centre: Centre, office: Office, engine: Engine, desk: Desk, database: Database
) -> None:
    sitting = await seat(centre, await centre.window(), "k")
    await begin(engine, sitting)
    state = await office.stored(sitting)
    async with database.transaction() as connection:
        items = await load_items(connection, [(entry.item, entry.version) for entry in state.form.entries])
    shown = items[state.form.entries[0].item, 1].requirement
    area = next(item.requirement for item in items.values() if item.requirement != shown)
    for entry in state.form.entries:
        if items[entry.item, entry.version].requirement == area:
            await desk.withdraw(entry.item)
    await engine.order(sitting, Submit(2))
    await centre.watch(sitting)
    await centre.conclude(sitting)
    async with database.transaction() as connection:
        result = await load_result(connection, sitting)
    assert area not in {mark.requirement for mark in result.marks}
    assert area not in {weak.requirement for weak in result.advice}


async def test_with_everything_withdrawn_there_is_nothing_to_decide_by(
    centre: Centre, office: Office, engine: Engine, desk: Desk, database: Database, database_url: str
) -> None:
    """The bank is too small for another form, so the one there is runs empty: it is cancelled, and no attempt."""
    sitting = await seat(centre, await centre.window(), "k")
    state = await office.stored(sitting)
    async with database.transaction() as connection:
        rows = await fetch_all(connection, "SELECT id FROM question_bank.item ORDER BY id")
    for row in rows:
        await desk.decide(ItemId(row["id"]))
    await desk.withdrawals.sweep()
    assert all(item.withdrawn for item in (await office.stored(sitting)).items)
    await begin(engine, sitting)
    state = await office.stored(sitting)
    assert (state.status, state.end_reason) == ("ended", "completed")
    centre.clock.advance(MINUTE)
    async with database.transaction() as connection:
        assert await conclude(connection, sitting, 30, centre.clock.now())
        outcome = await load_outcome(connection, sitting)
    assert outcome is not None
    assert (outcome.state, outcome.passed) == ("cancelled", None)
    assert (await verify(database_url, [sitting], centre.clock)).faults == []


async def test_what_is_refused(desk: Desk) -> None:
    assert await code_of(desk.decide(ItemId("no-such"))) == "item_unknown"
    assert await code_of(desk.decide(ItemId("0-1"), "?")) == "reason_missing"
