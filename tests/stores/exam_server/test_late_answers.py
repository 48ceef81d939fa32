"""A late answer counts once the commission admits it, while the outcome is preliminary, and never half."""

import asyncio
from collections.abc import Awaitable
from fractions import Fraction

import pytest

from app.verification import CONCLUDED_WITHIN, verify
from core.access.roles import Principal, Role
from core.clock import ManualClock
from core.database import Database, execute, fetch_all
from core.errors import AccreditationError
from core.ids import ChoiceId, SittingId
from core.moments import SECOND
from exam_server import store
from exam_server.commands import Admit, AdmitLate, Attach, Detach, Respond, Settle, Show, Start, Submit
from exam_server.conclusion import Conclusion, Outcome, load_outcome
from exam_server.events import LateAdmitted
from exam_server.late_answers import LateAnswers, mark_again
from exam_server.protocols import draft_lines, sign_protocol
from exam_server.timing import BROKEN_GRACE, exam_deadline, item_deadline
from question_bank.blueprints import Blueprint
from question_bank.items import Role as OptionRole
from question_bank.store import load_items
from scoring.results import Result
from scoring.store import Superseded, load_result, superseded_of
from tests.stores.cabinet.centre import AUTOMATIC, EXAM, Centre
from tests.stores.exam_server.conftest import Engine

REASON = "Обрыв связи подтверждён записями"
DAYS = 30


class Commission:
    """One sitting with a late answer, and what becomes of it."""

    def __init__(self, centre: Centre, engine: Engine, database: Database) -> None:
        self.centre, self.engine, self.database = centre, engine, database
        self.desk = LateAnswers(database, centre.clock, engine.conduct)
        self.sitting = SittingId(0)

    async def take(self, candidate: Principal, right: int, blueprint: Blueprint = EXAM) -> None:
        """So many right answers in time, and one more right one after its item's time; concluded."""
        centre, engine = self.centre, self.engine
        booking = await centre.book(candidate, await centre.window(blueprint))
        self.sitting = sitting = await centre.enter(candidate, booking)
        await engine.order(sitting, Admit("person"), Attach("browser01"), Start(1))
        entries = (await engine.stored(sitting)).form.entries
        async with self.database.transaction() as connection:
            items = await load_items(connection, [(entry.item, entry.version) for entry in entries])
        seq = 1
        for position, entry in enumerate(entries[: right + 1]):
            choices = items[entry.item, entry.version].stages[0].choices
            key = next(choice.id for choice in choices if choice.role is OptionRole.KEY)
            await engine.order(sitting, Show(seq + 1, position))
            if position == right:
                deadline = item_deadline(await engine.stored(sitting))
                assert deadline is not None
                centre.clock.set(deadline + BROKEN_GRACE + SECOND)
                await engine.order(sitting, Settle())
            await engine.order(sitting, Respond(seq + 2, position, 0, (key,)))
            seq += 2
        await engine.order(sitting, Submit(seq + 1))
        assert len((await engine.stored(sitting)).late) == 1
        await centre.watch(sitting)
        await centre.conclude(sitting)

    async def outcome(self) -> Outcome:
        async with self.database.transaction() as connection:
            found = await load_outcome(connection, self.sitting)
        assert found is not None
        return found

    async def result(self) -> Result:
        async with self.database.transaction() as connection:
            return await load_result(connection, self.sitting)

    async def before(self) -> list[Superseded]:
        async with self.database.transaction() as connection:
            return await superseded_of(connection, self.sitting)

    async def journaled(self, action: str) -> int:
        async with self.database.transaction() as connection:
            rows = await fetch_all(
                connection, "SELECT convert_from(body, 'UTF8') AS body FROM core.outbox WHERE topic = 'journal'"
            )
        return sum(action in row["body"] for row in rows)

    async def notes(self) -> list[str]:
        async with self.database.transaction() as connection:
            return [note.body for note in (await store.load_notes(connection, self.sitting)).values()]


async def code_of(work: Awaitable[object]) -> str:
    with pytest.raises(AccreditationError) as refusal:
        await work
    return refusal.value.code


@pytest.fixture
def commission(centre: Centre, engine: Engine, database: Database) -> Commission:
    return Commission(centre, engine, database)


@pytest.fixture
async def member(centre: Centre) -> Principal:
    return await centre.person("member", Role.COMMISSION)


@pytest.fixture
async def chair(centre: Centre) -> Principal:
    return await centre.person("chair", Role.COMMISSION_CHAIR)


async def test_an_admitted_answer_turns_a_fail_into_a_pass_and_what_was_is_kept(
    commission: Commission, candidate: Principal, member: Principal, database_url: str, clock: ManualClock
) -> None:
    await commission.take(candidate, 16)
    first = await commission.result()
    retake_on = (await commission.outcome()).retake_on
    assert (first.decision.passed, first.decision.raw, first.retake_on) == (False, Fraction(16), retake_on)
    clock.advance(SECOND)
    assert await commission.desk.admit(commission.sitting, 0, member, f" {REASON} ")
    second, outcome = await commission.result(), await commission.outcome()
    assert (second.decision.passed, second.decision.raw) == (True, Fraction(17))
    assert (second.retake_on, second.advice, second.decided_at) == (None, (), clock.now())
    assert (outcome.state, outcome.passed, outcome.retake_on) == ("preliminary", True, retake_on)
    (kept,) = await commission.before()
    assert (kept.revision, kept.raw, kept.passed, kept.cause) == (1, Fraction(16), False, "late_admitted")
    assert (kept.decided_at, kept.superseded_at) == (first.decided_at, clock.now())
    (event,) = [one for one in await commission.engine.events(commission.sitting) if isinstance(one, LateAdmitted)]
    assert (event.late, event.by) == (0, member.id)
    assert await commission.notes() == [REASON]
    assert await commission.journaled("sitting.late_admitted") == await commission.journaled("outcome.recomputed") == 1
    assert (await verify(database_url, None, clock)).faults == []


async def test_one_that_changes_no_decision_still_counts(
    commission: Commission, candidate: Principal, member: Principal
) -> None:
    await commission.take(candidate, 10)
    assert await commission.desk.admit(commission.sitting, 0, member, REASON)
    result, outcome = await commission.result(), await commission.outcome()
    assert (result.decision.raw, result.decision.passed, outcome.passed) == (Fraction(11), False, False)
    assert result.retake_on == outcome.retake_on
    assert await code_of(commission.desk.admit(commission.sitting, 0, member, REASON)) == "unknown_late"
    assert await code_of(commission.desk.admit(commission.sitting, 7, member, REASON)) == "unknown_late"
    assert await commission.notes() == [REASON], "nothing is kept of what was refused"


async def test_after_the_protocol_it_is_too_late(
    commission: Commission, candidate: Principal, member: Principal
) -> None:
    await commission.take(candidate, 16)
    await commission.centre.sign(commission.sitting)
    assert await code_of(commission.desk.admit(commission.sitting, 0, member, REASON)) == "already_final"
    assert (await commission.engine.stored(commission.sitting)).late[0].admitted is False
    assert ((await commission.outcome()).passed, await commission.notes()) == (False, [])


async def test_before_the_conclusion_it_is_too_early(
    commission: Commission, candidate: Principal, member: Principal, engine: Engine
) -> None:
    centre = commission.centre
    sitting = await centre.enter(candidate, await centre.book(candidate, await centre.window()))
    assert await code_of(commission.desk.admit(sitting, 0, member, REASON)) == "no_outcome_yet"
    assert await code_of(commission.desk.admit(SittingId(404), 0, member, REASON)) == "unknown_sitting"


async def test_only_the_commission_admits_and_nobody_their_own(
    commission: Commission, candidate: Principal, centre: Centre
) -> None:
    await commission.take(candidate, 16)
    for role in (Role.PROCTOR, Role.METHODOLOGIST, Role.OPERATOR, Role.APPEAL_COMMISSION):
        one = await centre.person(f"one-{role.value}", role)
        assert await code_of(commission.desk.admit(commission.sitting, 0, one, REASON)) == "forbidden"
    own = Principal(candidate.id, candidate.login, candidate.name, frozenset({Role.COMMISSION}))
    assert await code_of(commission.desk.admit(commission.sitting, 0, own, REASON)) == "own_sitting"
    member = await centre.person("member", Role.COMMISSION)
    for reason in ("", "потому", "x" * 2_001):
        assert await code_of(commission.desk.admit(commission.sitting, 0, member, reason)) == "reason_missing"
    assert await commission.notes() == []


async def test_an_exam_that_confirms_itself_waits_where_an_answer_came_late(
    commission: Commission, candidate: Principal, member: Principal
) -> None:
    await commission.take(candidate, 18, AUTOMATIC)
    assert (await commission.outcome()).state == "preliminary"
    assert await commission.desk.admit(commission.sitting, 0, member, REASON)


async def test_a_failure_that_the_clock_ended_waits_for_what_may_still_come(
    commission: Commission, candidate: Principal, member: Principal
) -> None:
    """The page was away at the end and comes back long after the outcome: its answer can still be admitted."""
    centre, engine = commission.centre, commission.engine
    commission.sitting = sitting = await centre.enter(
        candidate, await centre.book(candidate, await centre.window(AUTOMATIC))
    )
    await engine.order(sitting, Admit("person"), Attach("browser01"), Start(1))
    entries = (await engine.stored(sitting)).form.entries
    async with commission.database.transaction() as connection:
        items = await load_items(connection, [(entry.item, entry.version) for entry in entries])

    def right(position: int) -> ChoiceId:
        entry = entries[position]
        choices = items[entry.item, entry.version].stages[0].choices
        return next(choice.id for choice in choices if choice.role is OptionRole.KEY)

    for position in range(16):
        await engine.order(sitting, Show(2 * position + 2, position))
        await engine.order(sitting, Respond(2 * position + 3, position, 0, (right(position),)))
    await engine.order(sitting, Show(34, 16), Detach(1))
    centre.clock.set(exam_deadline(await engine.stored(sitting)) + BROKEN_GRACE + SECOND)
    await engine.order(sitting, Settle())
    await centre.watch(sitting)
    await centre.conclude(sitting)
    outcome = await commission.outcome()
    assert (outcome.state, outcome.passed) == ("preliminary", False)
    await engine.order(sitting, Attach("browser01"), Respond(35, 16, 0, (right(16),)))
    assert await commission.desk.admit(sitting, 0, member, REASON)
    outcome = await commission.outcome()
    assert (outcome.state, outcome.passed) == ("preliminary", True)


async def test_a_protocol_and_an_admission_at_once_leave_one_of_two_whole_stories(
    commission: Commission, candidate: Principal, member: Principal, chair: Principal, database_url: str
) -> None:
    await commission.take(candidate, 16)

    async def sign() -> None:
        async with commission.database.transaction() as connection:
            await sign_protocol(
                connection, [commission.sitting], chair, commission.centre.signer, commission.centre.clock.now()
            )

    signed, admitted = await asyncio.gather(
        sign(), commission.desk.admit(commission.sitting, 0, member, REASON), return_exceptions=True
    )
    assert signed is None
    outcome, state = await commission.outcome(), await commission.engine.stored(commission.sitting)
    if isinstance(admitted, AccreditationError):
        assert (admitted.code, outcome.passed, state.late[0].admitted) == ("already_final", False, False)
    else:
        assert (admitted, outcome.passed, state.late[0].admitted) == (True, True, True)
    assert outcome.state == "confirmed"
    assert (await verify(database_url, None)).faults == []


async def crash(commission: Commission, by: Principal) -> None:
    """The event is durable, and the process gone before the result was worked out."""
    async with commission.database.transaction() as connection:
        note = await store.write_note(connection, commission.sitting, by.id, "late", REASON, 0)
    await commission.engine.order(commission.sitting, AdmitLate(0, by.id, note))


async def test_the_sweep_counts_what_a_crash_left_uncounted(
    commission: Commission, candidate: Principal, member: Principal, clock: ManualClock, database_url: str
) -> None:
    await commission.take(candidate, 16)
    sweeper = Conclusion(commission.database, clock, DAYS)
    await commission.engine.order(commission.sitting, Detach(1))  # the page was closed: nothing to work out
    assert await sweeper.sweep() == 0
    await crash(commission, member)
    assert (await verify(database_url, None, clock)).faults == []
    clock.advance(CONCLUDED_WITHIN + 1)
    assert "does not follow" in (await verify(database_url, None, clock)).faults[0]
    assert await sweeper.sweep() == 1
    assert (await commission.outcome()).passed
    assert await sweeper.sweep() == 0
    assert (await verify(database_url, None, clock)).faults == []
    assert len(await commission.before()) == 1


async def test_no_protocol_is_signed_over_a_result_that_is_out_of_date(
    commission: Commission, candidate: Principal, member: Principal, chair: Principal
) -> None:
    await commission.take(candidate, 16)
    async with commission.database.transaction() as connection:
        (line,) = await draft_lines(connection, [commission.sitting])
    assert line.passed is False
    await crash(commission, member)
    async with commission.database.transaction() as connection:
        protocol = await sign_protocol(
            connection, [commission.sitting], chair, commission.centre.signer, commission.centre.clock.now()
        )
    assert [line.passed for line in protocol.minutes.lines] == [True]
    assert ((await commission.outcome()).state, (await commission.outcome()).passed) == ("confirmed", True)


async def test_working_out_again_is_whole_or_not_there(
    commission: Commission, candidate: Principal, member: Principal, clock: ManualClock
) -> None:
    await commission.take(candidate, 16)
    await crash(commission, member)
    with pytest.raises(RuntimeError):
        async with commission.database.transaction() as connection:
            assert await mark_again(connection, commission.sitting, clock.now())
            raise RuntimeError("the process dies here")
    assert ((await commission.outcome()).passed, await commission.before()) == (False, [])
    async with commission.database.transaction() as connection:
        assert await mark_again(connection, commission.sitting, clock.now())
        assert not await mark_again(connection, commission.sitting, clock.now())


async def test_a_final_outcome_is_never_worked_out_anew(
    commission: Commission, candidate: Principal, member: Principal, clock: ManualClock
) -> None:
    await commission.take(candidate, 16)
    await crash(commission, member)
    before = await commission.outcome()
    async with commission.database.transaction() as connection:
        await execute(
            connection,
            "UPDATE exam_server.outcome SET state = 'annulled' WHERE sitting_id = :id",
            id=commission.sitting,
        )
        assert not await mark_again(connection, commission.sitting, clock.now())
    after = await commission.outcome()
    assert (after.state, after.passed) == ("annulled", before.passed)
