"""Practice runs: begun at any time, one at a time; explained to their candidate alone, and only once locked."""

from collections.abc import Awaitable
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy.exc import DBAPIError

from core.access.roles import Principal
from core.database import execute, fetch_all
from core.errors import AccreditationError
from core.ids import BlueprintId, SittingId
from core.moments import DAY, MINUTE
from exam_server import practice
from exam_server.commands import Attach, Command, LockStage, Respond, Settle, Show, Start, Submit
from exam_server.conclusion import load_outcome
from exam_server.practice import OPEN_FOR, Explanation, begin_run, explain, find_open
from exam_server.scheduling import past_attempts
from exam_server.store import load_card, load_sitting
from question_bank.blueprint_store import save_blueprint
from scoring.practice_store import list_practice, load_practice
from scoring.store import load_results
from tests.stores.cabinet.centre import EXAM, EXPLAINING, PRACTICE, Centre


async def code_of(asked: Awaitable[object]) -> str:
    with pytest.raises(AccreditationError) as refusal:
        await asked
    return refusal.value.code


class Trainee:
    """A candidate in front of practice."""

    def __init__(self, centre: Centre, candidate: Principal) -> None:
        self.centre = centre
        self.candidate = candidate
        self.sitting = SittingId(0)

    async def begin(self, blueprint: BlueprintId = EXPLAINING.id, seed: int = 3) -> SittingId:
        async with self.centre.database.transaction() as connection:
            self.sitting = await begin_run(
                connection,
                blueprint,
                self.candidate.id,
                pools=self.centre.pools,
                seed=seed,
                now=self.centre.clock.now(),
            )
        return self.sitting

    async def obey(self, *commands: Command) -> None:
        await self.centre.obey(self.sitting, commands)

    async def explain(self, position: int, who: Principal | None = None) -> Explanation:
        async with self.centre.database.transaction() as connection:
            return await explain(connection, self.sitting, (who or self.candidate).id, position)

    async def response(self, seq: int, position: int, which: int = 0) -> Respond:
        async with self.centre.database.transaction() as connection:
            entry = (await load_sitting(connection, self.sitting)).form.entries[position]
        return Respond(seq, position, 0, (entry.stages[0].choices[which],))


@pytest.fixture
async def trainee(centre: Centre) -> Trainee:
    """Admitted to nothing and booked for nothing."""
    return Trainee(centre, await centre.person("somebody"))


async def test_a_run_needs_no_booking_no_admission_and_no_entrance(centre: Centre, trainee: Trainee) -> None:
    sitting = await trainee.begin()
    async with centre.database.transaction() as connection:
        card, state = await load_card(connection, sitting), await load_sitting(connection, sitting)
    assert (card.booking, card.window, card.practice, card.attempt) == (None, None, True, 1)
    assert (state.rules.practice, state.rules.explanations) == (True, "item")
    assert state.closes_at == centre.clock.now() + OPEN_FOR
    assert {entry.item[:2] for entry in state.form.entries} == {"p-"}
    await trainee.obey(Attach("browser01"), Start(1))


async def test_there_is_one_run_at_a_time_and_no_end_of_them(centre: Centre, trainee: Trainee) -> None:
    first = await trainee.begin()
    assert await trainee.begin(seed=4) == first
    assert await code_of(trainee.begin(PRACTICE.id)) == "practice_open"
    await trainee.obey(Attach("browser01"), Start(1), Submit(2))
    for run in range(5):
        other = await trainee.begin(PRACTICE.id, seed=run)
        assert other != first
        await trainee.obey(Attach("browser01"), Start(1), Submit(2))
        await centre.conclude(other)
    async with centre.database.transaction() as connection:
        assert await find_open(connection, trainee.candidate.id) is None
        assert len(await list_practice(connection, trainee.candidate.id)) == 5
        assert (await load_card(connection, other)).attempt == 5


async def test_only_so_many_runs_are_begun_within_a_day(
    centre: Centre, trainee: Trainee, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice, "MOST_RUNS", 2)
    for exam in (PRACTICE.id, EXPLAINING.id):
        run = await trainee.begin(exam)
        assert await trainee.begin(exam) == run, "the unfinished one can be gone on with"
        await trainee.obey(Attach("browser01"), Start(1), Submit(2))
    assert await code_of(trainee.begin(PRACTICE.id)) == "too_many_runs"
    other = Trainee(centre, await centre.person("another"))
    assert await other.begin() > run
    centre.clock.advance(DAY)
    assert await trainee.begin() > run


async def test_only_practice_is_begun_like_this(trainee: Trainee) -> None:
    assert await code_of(trainee.begin(EXAM.id)) == "unknown_practice"
    assert await code_of(trainee.begin(BlueprintId("nothing"))) == "blueprint_unknown"


async def test_an_item_is_explained_once_it_is_locked(trainee: Trainee) -> None:
    await trainee.begin()
    await trainee.obey(Attach("browser01"), Start(1))
    assert await code_of(trainee.explain(0)) == "item_not_locked"
    response = await trainee.response(2, 0)
    await trainee.obey(response)
    assert await code_of(trainee.explain(0)) == "item_not_locked"
    await trainee.obey(LockStage(3, 0, 0))
    found = await trainee.explain(0)
    assert found.answers == (response.value,)
    choices = {choice.id: choice.text for choice in found.content.stages[0].choices}
    ((right,),) = [stage.right for stage in found.stages]
    assert choices[right].startswith("Вариант а"), "the key of the centre's items"
    assert found.explanation == f"Пояснение {found.content.item}."
    assert (found.requirement, found.requirement_title) == ("СД-01", "Безопасная среда")
    assert await code_of(trainee.explain(1)) == "item_not_seen"
    for stray in (-1, 5, 10_000):
        assert await code_of(trainee.explain(stray)) == "unknown_item"


async def test_at_the_end_everything_seen_is_explained_and_nothing_before(centre: Centre, trainee: Trainee) -> None:
    await trainee.begin(PRACTICE.id)
    await trainee.obey(Attach("browser01"), Start(1), await trainee.response(2, 0), LockStage(3, 0, 0), Show(4, 1))
    assert await code_of(trainee.explain(0)) == "item_not_locked"
    await trainee.obey(Submit(5))
    assert {(await trainee.explain(position)).position for position in (0, 1)} == {0, 1}
    assert await code_of(trainee.explain(2)) == "item_not_seen"


async def test_nobody_else_is_told_and_practice_may_explain_nothing(centre: Centre, trainee: Trainee) -> None:
    await trainee.begin()
    await trainee.obey(Attach("browser01"), Start(1), await trainee.response(2, 0), LockStage(3, 0, 0))
    assert await code_of(trainee.explain(0, await centre.person("other"))) == "unknown_sitting"
    await trainee.obey(Submit(4))
    silent = replace(PRACTICE, id=BlueprintId("silent"), explanations="none")
    async with centre.database.transaction() as connection:
        await save_blueprint(connection, silent, centre.clock.now())
    await trainee.begin(silent.id)
    await trainee.obey(Attach("browser01"), Start(1), Submit(2))
    assert await code_of(trainee.explain(0)) == "explanations_off"


async def test_an_exam_is_never_explained(centre: Centre, candidate: Principal) -> None:
    trainee = Trainee(centre, candidate)
    trainee.sitting = await centre.enter(candidate, await centre.book(candidate, await centre.window()))
    await centre.start(trainee.sitting)
    assert await code_of(trainee.explain(0)) == "not_practice"
    await trainee.obey(Submit(2))
    assert await code_of(trainee.explain(0)) == "not_practice"
    # Even a row that was meddled with leads no further: the log says what the sitting is, and the bank what its items.
    async with centre.database.transaction() as connection:
        await execute(connection, "UPDATE exam_server.sitting SET practice = true WHERE id = :id", id=trainee.sitting)
    assert await code_of(trainee.explain(0)) == "not_practice"


async def test_an_item_of_the_exam_is_never_explained_even_where_a_sitting_claims_practice(
    centre: Centre, trainee: Trainee, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with centre.database.transaction() as connection:
        exams = await centre.pools.pool(connection, replace(PRACTICE, practice=False, version=9))
    claimed: Any = type("Pools", (), {"pool": staticmethod(lambda *_: _give(exams))})()
    monkeypatch.setattr(centre, "pools", claimed)
    await trainee.begin()
    await trainee.obey(Attach("browser01"), Start(1), await trainee.response(2, 0), LockStage(3, 0, 0))
    assert await code_of(trainee.explain(0)) == "not_explained"


async def _give(pool: object) -> object:
    return pool


async def test_its_result_stands_apart_from_everything_of_accreditation(centre: Centre, trainee: Trainee) -> None:
    sitting = await trainee.begin()
    await trainee.obey(Attach("browser01"), Start(1), await trainee.response(2, 0), Submit(3))
    await centre.conclude(sitting)
    async with centre.database.transaction() as connection:
        assert await load_outcome(connection, sitting) is None
        assert await load_results(connection, [sitting]) == {}
        (result,) = (await load_practice(connection, [sitting])).values()
        assert await past_attempts(connection, trainee.candidate.id, EXPLAINING.id) == []
        assert await fetch_all(connection, "SELECT 1 FROM core.outbox WHERE topic = 'exam.outcome'") == []
    assert (result.person, result.blueprint, result.decision.maximum) == (trainee.candidate.id, EXPLAINING.id, 5)
    assert (result.retake_on, len(result.marks)) == (None, 5)
    with pytest.raises(DBAPIError, match="practice has no outcome"):
        async with centre.database.transaction() as connection:
            await execute(
                connection,
                """INSERT INTO exam_server.outcome (sitting_id, candidate, state, flagged, concluded_at)
                   VALUES (:id, :who, 'confirmed', false, 1)""",
                id=sitting,
                who=trainee.candidate.id,
            )


async def test_a_run_that_nobody_began_is_closed_without_a_result(centre: Centre, trainee: Trainee) -> None:
    sitting = await trainee.begin()
    centre.clock.advance(DAY + MINUTE)
    await trainee.obey(Settle())
    await centre.conclude(sitting)
    async with centre.database.transaction() as connection:
        assert await load_practice(connection, [sitting]) == {}
        assert await find_open(connection, trainee.candidate.id) is None
