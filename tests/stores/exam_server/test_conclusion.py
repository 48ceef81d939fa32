"""From an ended sitting to an outcome: once, whole, and never past a person where a person has to look."""

import asyncio
from datetime import date, timedelta
from fractions import Fraction

import msgspec
import pytest

from core.access.roles import Principal
from core.clock import ManualClock
from core.database import execute, fetch_all
from core.errors import Conflict
from core.ids import ProtocolId, SittingId
from core.moments import HOUR, MINUTE, SECOND
from exam_server import conclusion
from exam_server.commands import Admit, Attach, Detach, Respond, Start
from exam_server.conclusion import STORED_WITHIN, TOPIC, Conclusion, Outcome, OutcomeFact, conclude, load_outcome
from exam_server.event_log import EventLog
from exam_server.events import Ended, ItemExpired
from exam_server.scheduling import today_in
from exam_server.timing import BROKEN_GRACE, LIVE_GRACE, SWEEP_MARGIN
from question_bank.blueprints import Blueprint
from scoring.practice_store import load_practice
from scoring.store import load_result, load_results
from tests.stores.cabinet.centre import AUTOMATIC, EXAM, PRACTICE, Centre
from tests.stores.exam_server.conftest import Engine, warm

DAYS = 30


class Office:
    """Concludes, and reads what became of it."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.database = centre.database

    async def take(
        self, candidate: Principal, right: int, blueprint: Blueprint = EXAM, flagged: bool = False
    ) -> SittingId:
        """An ended sitting without an outcome."""
        window = await self.centre.window(blueprint)
        sitting = await self.centre.enter(candidate, await self.centre.book(candidate, window))
        await self.centre.start(sitting)
        self.centre.clock.advance(9 * MINUTE)
        await self.centre.answer(sitting, right)
        if flagged:
            await self.centre.flag(sitting)
        return sitting

    async def conclude(self, sitting: SittingId) -> bool:
        async with self.database.transaction() as connection:
            return await conclude(connection, sitting, DAYS, self.centre.clock.now())

    async def outcome(self, sitting: SittingId) -> Outcome:
        found = await self.look(sitting)
        assert found is not None
        return found

    async def look(self, sitting: SittingId) -> Outcome | None:
        async with self.database.transaction() as connection:
            return await load_outcome(connection, sitting)

    async def facts(self) -> list[OutcomeFact]:
        async with self.database.transaction() as connection:
            rows = await fetch_all(connection, "SELECT body FROM core.outbox WHERE topic = :topic", topic=TOPIC)
        return [msgspec.json.decode(bytes(row["body"]), type=OutcomeFact) for row in rows]


@pytest.fixture
def office(centre: Centre) -> Office:
    return Office(centre)


async def test_a_pass_of_an_exam_that_confirms_itself_goes_to_the_register(
    office: Office, candidate: Principal
) -> None:
    sitting = await office.take(candidate, 17, AUTOMATIC)
    assert await office.conclude(sitting)
    outcome = await office.outcome(sitting)
    assert (outcome.state, outcome.passed, outcome.flagged) == ("confirmed", True, False)
    assert outcome.confirmed_at == office.centre.clock.now()
    assert (outcome.protocol, outcome.register_number) == (None, None)
    (fact,) = await office.facts()
    assert (fact.sitting, fact.candidate, fact.name, fact.passed) == (sitting, candidate.id, "Ким Вера", True)
    assert (fact.speciality, fact.accreditation, fact.decided_on) == ("34.02.01", "primary", date(2026, 11, 22))


async def test_the_fact_for_the_register_says_nothing_about_points_and_time() -> None:
    assert set(OutcomeFact.__struct_fields__) & {"raw", "score", "points", "maximum", "marks", "time", "spent"} == set()


@pytest.mark.parametrize(("right", "passed"), [(20, True), (17, True), (16, False), (0, False)])
async def test_the_cut_is_exact(office: Office, candidate: Principal, right: int, passed: bool) -> None:
    sitting = await office.take(candidate, right)
    await office.conclude(sitting)
    outcome = await office.outcome(sitting)
    async with office.database.transaction() as connection:
        result = await load_result(connection, sitting)
    assert (result.decision.raw, result.decision.maximum) == (Fraction(right), 20)
    assert (outcome.passed, result.decision.passed) == (passed, passed)
    ended = today_in(office.centre.clock.now(), candidate.zone)
    assert outcome.retake_on == ended + timedelta(days=DAYS), "a pass may still be annulled"


async def test_a_protocol_exam_stays_preliminary(office: Office, candidate: Principal) -> None:
    sitting = await office.take(candidate, 20)
    await office.conclude(sitting)
    assert (await office.outcome(sitting)).state == "preliminary"
    assert await office.facts() == []


async def test_an_incident_holds_even_an_exam_that_confirms_itself(office: Office, candidate: Principal) -> None:
    sitting = await office.take(candidate, 20, AUTOMATIC, flagged=True)
    await office.conclude(sitting)
    outcome = await office.outcome(sitting)
    assert (outcome.state, outcome.flagged, outcome.passed) == ("preliminary", True, True)
    assert await office.facts() == []


async def test_practice_has_a_result_and_no_consequences(office: Office, candidate: Principal) -> None:
    sitting = await office.take(candidate, 0, PRACTICE)
    assert await office.conclude(sitting)
    assert not await office.conclude(sitting)
    assert await office.look(sitting) is None
    async with office.database.transaction() as connection:
        assert await load_results(connection, [sitting]) == {}
        (result,) = (await load_practice(connection, [sitting])).values()
    assert (result.decision.passed, result.retake_on) == (False, None)
    assert await office.facts() == []


async def test_whoever_did_not_begin_was_absent(office: Office, candidate: Principal, centre: Centre) -> None:
    sitting = await centre.enter(candidate, await centre.book(candidate, await centre.window(lasts=HOUR)))
    assert await office.conclude(sitting) is False
    centre.clock.advance(HOUR + BROKEN_GRACE + 1)
    await centre.settle(sitting)
    assert await office.conclude(sitting)
    outcome = await office.outcome(sitting)
    assert (outcome.state, outcome.passed, outcome.retake_on) == ("absent", None, None)


async def test_a_sitting_is_concluded_once(office: Office, candidate: Principal) -> None:
    sitting = await office.take(candidate, 20, AUTOMATIC)
    await warm(office.database, 3)
    done = await asyncio.gather(*(office.conclude(sitting) for _ in range(3)))
    assert sorted(done) == [False, False, True]
    assert await office.conclude(sitting) is False
    assert len(await office.facts()) == 1


async def test_a_conclusion_is_whole_or_not_there(office: Office, candidate: Principal) -> None:
    sitting = await office.take(candidate, 20, AUTOMATIC)
    with pytest.raises(RuntimeError):
        async with office.database.transaction() as connection:
            assert await conclude(connection, sitting, DAYS, office.centre.clock.now())
            raise RuntimeError("the process dies here")
    assert await office.look(sitting) is None
    assert await office.facts() == []
    assert await office.conclude(sitting)


async def test_what_is_confirmed_or_annulled_stays_so(office: Office, candidate: Principal) -> None:
    sitting = await office.take(candidate, 20, AUTOMATIC)
    await office.conclude(sitting)
    now = office.centre.clock.now()
    with pytest.raises(Conflict) as refusal:
        async with office.database.transaction() as connection:
            await conclusion.confirm_outcome(connection, sitting, None, now)
    assert refusal.value.code == "not_preliminary"
    with pytest.raises(Conflict):
        async with office.database.transaction() as connection:
            await conclusion.annul_outcome(connection, sitting, (ProtocolId(1), "2026-0001"), now)
    assert (await office.outcome(sitting)).state == "confirmed"
    assert len(await office.facts()) == 1


async def test_the_registers_answer_is_kept(office: Office, candidate: Principal) -> None:
    sitting = await office.take(candidate, 20, AUTOMATIC)
    await office.conclude(sitting)
    async with office.database.transaction() as connection:
        await conclusion.record_receipt(connection, sitting, "77-2026-000001", "signed")
        outcomes = await conclusion.load_outcomes(connection, [sitting, SittingId(404)])
    assert list(outcomes) == [sitting]
    assert (outcomes[sitting].register_number, outcomes[sitting].receipt) == ("77-2026-000001", "signed")


# --- the sweep ------------------------------------------------------------------------------------------------


async def test_the_sweep_waits_for_what_the_camera_saw_to_be_stored(
    office: Office, candidate: Principal, clock: ManualClock
) -> None:
    sitting = await office.take(candidate, 20, AUTOMATIC)
    async with office.database.transaction() as connection:
        await execute(connection, "UPDATE proctoring.watch SET closed_at = NULL WHERE sitting = :id", id=sitting)
    sweeper = Conclusion(office.database, clock, DAYS)
    assert await sweeper.sweep() == 0
    clock.advance(STORED_WITHIN)
    assert await sweeper.sweep() == 1
    assert (await office.outcome(sitting)).state == "preliminary"
    assert await office.facts() == []
    assert await sweeper.sweep() == 0


async def test_an_exam_that_nobody_watched_does_not_confirm_itself(office: Office, candidate: Principal) -> None:
    sitting = await office.take(candidate, 20, AUTOMATIC)
    async with office.database.transaction() as connection:
        await execute(connection, "DELETE FROM proctoring.watch WHERE sitting = :id", id=sitting)
    assert await office.conclude(sitting)
    outcome = await office.outcome(sitting)
    assert (outcome.state, outcome.passed, outcome.flagged) == ("preliminary", True, False)
    assert await office.facts() == []


async def test_one_that_can_not_be_concluded_does_not_hold_the_others(
    office: Office, candidate: Principal, centre: Centre, clock: ManualClock
) -> None:
    other = await centre.person("other")
    await centre.admit(other)
    broken, whole = await office.take(candidate, 20), await office.take(other, 20)
    async with office.database.transaction() as connection:
        await execute(
            connection,
            """INSERT INTO exam_server.log (sitting_id, version, prev, digest, events)
               SELECT :id, 1000, '\\x00', sha256('forged'), '{}'""",
            id=broken,
        )
    sweeper = Conclusion(office.database, clock, DAYS)
    assert await sweeper.sweep() == 1
    assert await office.look(whole) is not None
    assert await office.look(broken) is None


# --- what the clock alone decides -------------------------------------------------------------------------------


async def begin(engine: Engine, sitting: SittingId) -> None:
    await engine.order(sitting, Admit("person"), Attach("browser01"), Start(1))


async def written(engine: Engine, sitting: SittingId, version: int) -> None:
    """Until the log has more events than before: it is written by a task of its own."""
    async with asyncio.timeout(10):
        while len(await engine.events(sitting)) <= version:
            await asyncio.sleep(0.01)


async def test_an_item_locks_at_its_deadline_without_any_client(
    engine: Engine, clock: ManualClock, prepared: SittingId
) -> None:
    await begin(engine, prepared)
    await engine.order(prepared, Detach(1))
    state = await engine.stored(prepared)
    count = len(await engine.events(prepared))
    deadline = state.deadline
    assert deadline is not None
    clock.set(deadline + BROKEN_GRACE)
    engine.conduct.deadlines.settle_due()
    assert len(await engine.events(prepared)) == count, "an answer on its way still has its grace"
    clock.advance(1)
    engine.conduct.deadlines.settle_due()
    await written(engine, prepared, count)
    expired = (await engine.events(prepared))[count]
    assert expired == ItemExpired(deadline, 0)
    state = await engine.stored(prepared)
    assert (state.items[0].locked, state.items[0].expired, state.status) == (True, True, "running")


async def test_the_exam_ends_at_its_deadline_without_any_client(
    engine: Engine, clock: ManualClock, prepared: SittingId, office: Office
) -> None:
    await begin(engine, prepared)
    started = clock.now()
    clock.set(started + EXAM.exam_limit + LIVE_GRACE + 1)
    count = len(await engine.events(prepared))
    engine.conduct.deadlines.settle_due()
    await written(engine, prepared, count)
    state = await engine.stored(prepared)
    assert (state.status, state.end_reason, state.ended_at) == ("ended", "exam_time", started + EXAM.exam_limit)
    assert [type(event) for _, events in engine.changes for event in events][-1] is Ended
    assert await office.conclude(prepared)
    assert (await office.outcome(prepared)).passed is False


async def test_an_abandoned_sitting_is_swept_by_another_process_and_concluded(
    engine: Engine, log: EventLog, clock: ManualClock, prepared: SittingId, office: Office
) -> None:
    await begin(engine, prepared)
    item = (await engine.stored(prepared)).form.entries[0]
    await engine.order(prepared, Respond(2, 0, 0, item.stages[0].choices[:1]))
    started = clock.now()
    sweeper = Engine(log, office.database, clock)
    clock.set(started + EXAM.exam_limit + BROKEN_GRACE + SWEEP_MARGIN)
    swept = 0
    for _ in range(EXAM.length + 1):  # every item's own limit is long over, and has its event
        swept += await sweeper.rounds.sweep()
        if (await engine.stored(prepared)).status == "ended":
            break
        clock.advance(SECOND)
    assert swept >= 1
    state = await engine.stored(prepared)
    assert (state.status, state.end_reason, state.ended_at) == ("ended", "exam_time", started + EXAM.exam_limit)
    assert any(state.items[0].answers), "what was answered is kept"
    assert sweeper.conduct.held == 0
    assert await sweeper.rounds.sweep() == 0

    conclusions = Conclusion(office.database, clock, DAYS)
    assert await conclusions.sweep() == 1
    assert (await office.outcome(prepared)).state == "preliminary"


async def test_a_sitting_nobody_began_is_swept_when_its_window_has_closed(
    engine: Engine, clock: ManualClock, prepared: SittingId
) -> None:
    closes_at = (await engine.stored(prepared)).closes_at
    clock.set(closes_at + BROKEN_GRACE + SWEEP_MARGIN)
    assert await engine.rounds.sweep() == 0
    clock.advance(1)
    assert await engine.rounds.sweep() == 1
    state = await engine.stored(prepared)
    assert (state.status, state.end_reason, state.ended_at) == ("ended", "not_started", closes_at)
