"""The queue, a finding for each incident, the decision; and never one's own."""

import pytest
from sqlalchemy.exc import DBAPIError

from admin import review_room
from admin.review_room import likeness
from core.access import Role
from core.database import execute
from core.ids import IncidentId, SittingId
from exam_server.conclusion import confirm_outcome
from proctoring import store as watched
from proctoring.review import Ruling, Stage, Verdict
from proctoring.signals import MATCH_AT, Kind
from tests.stores.admin.school import School


@pytest.fixture
async def held(school: School) -> SittingId:
    return await school.finish(await school.hire("anna", Role.CANDIDATE, family_name="Соколова"), incidents=2)


async def incidents(school: School, sitting: SittingId) -> list[int]:
    async with school.database.transaction() as connection:
        return [one.id for one in await watched.incidents_of(connection, sitting)]


async def stage(school: School, sitting: SittingId) -> Stage:
    async with school.database.transaction() as connection:
        return (await watched.review_of(connection, sitting)).stage


async def find(school: School, sitting: SittingId, incident: int, verdict: str, reason: str = "Видно на снимке") -> int:
    reviewer = school.staff[Role.COMMISSION]
    path = f"/staff/reviews/{sitting}/findings"
    answer = await school.post(reviewer, path, incident=str(incident), verdict=verdict, reason=reason)
    return answer.status_code


async def decide(school: School, sitting: SittingId, ruling: str, reason: str = "По материалам") -> int:
    reviewer = school.staff[Role.COMMISSION]
    return (await school.post(reviewer, f"/staff/reviews/{sitting}/decision", ruling=ruling, reason=reason)).status_code


async def test_the_queue_holds_what_waits_the_longest_waiting_first(school: School, held: SittingId) -> None:
    await school.finish(await school.hire("clean", Role.CANDIDATE))
    later = await school.finish(await school.hire("vera", Role.CANDIDATE), incidents=1)
    live = await school.admit(await school.hire("live", Role.CANDIDATE))
    await school.start(live)
    await school.notice(live)
    async with school.database.transaction() as connection:
        cases = await review_room.queue(connection, school.staff[Role.COMMISSION])
        assert [(case.sitting, case.holding, case.unread) for case in cases] == [(held, 2, 2), (later, 1, 1)]
        assert await review_room.count_waiting(connection) == 2


async def test_a_review_from_the_first_finding_to_the_decision(school: School, held: SittingId) -> None:
    first, second = await incidents(school, held)
    assert await decide(school, held, "no_violation") == 409
    assert await find(school, held, first, "confirmed") == 303
    assert await find(school, held, second, "dismissed", "Зашла мама") == 303
    assert await stage(school, held) is Stage.OPEN
    assert await decide(school, held, "warning", "Была помощь") == 303
    async with school.database.transaction() as connection:
        decision = await watched.decision_of(connection, held)
        findings = await watched.findings_of(connection, held)
        assert await review_room.queue(connection, school.staff[Role.COMMISSION]) == []
    assert decision is not None
    assert (decision.ruling, decision.reason) == (Ruling.WARNING, "Была помощь")
    assert [one.verdict for one in findings] == [Verdict.CONFIRMED, Verdict.DISMISSED]
    page = (await school.get(school.staff[Role.COMMISSION], f"/staff/reviews/{held}")).text
    assert "Решение принято" in page
    assert 'name="verdict"' not in page
    assert len(await school.journaled("review.found")) == 2
    assert [fields for _, _, fields in await school.journaled("review.decided")] == [{"ruling": "warning"}]
    assert await decide(school, held, "no_violation") == 409
    assert await find(school, held, first, "dismissed") == 409


async def test_the_reviewer_is_led_to_what_is_left(school: School, held: SittingId) -> None:
    first, second = await incidents(school, held)
    reviewer = school.staff[Role.COMMISSION]
    path = f"/staff/reviews/{held}/findings"
    answer = await school.post(reviewer, path, incident=str(first), verdict="dismissed", reason="Блик")
    assert answer.headers["location"].endswith(f"#incident-{second}")
    answer = await school.post(reviewer, path, incident=str(second), verdict="dismissed", reason="Блик")
    assert answer.headers["location"].endswith("#decision")


async def test_annulling_needs_something_confirmed(school: School, held: SittingId) -> None:
    for incident in await incidents(school, held):
        await find(school, held, incident, "dismissed")
    assert await decide(school, held, "annul") == 409
    page = (await school.get(school.staff[Role.COMMISSION], f"/staff/reviews/{held}")).text
    assert 'value="annul"' not in page
    assert await decide(school, held, "no_violation") == 303


@pytest.mark.parametrize(
    ("incident", "verdict", "reason", "status"),
    [
        ("", "confirmed", "Причина", 404),
        ("9999", "confirmed", "Причина", 404),
        ("first", "", "Причина", 422),
        ("first", "perhaps", "Причина", 422),
        ("first", "confirmed", "  \n ", 422),
        ("first", "confirmed", "x" * 2_001, 422),
        ("other", "confirmed", "Причина", 409),
    ],
)
async def test_a_finding_that_says_nothing_is_refused_and_stays_in_the_form(
    school: School, held: SittingId, incident: str, verdict: str, reason: str, status: int
) -> None:
    other = await school.finish(await school.hire("vera", Role.CANDIDATE), incidents=1)
    places = {"first": str((await incidents(school, held))[0]), "other": str((await incidents(school, other))[0])}
    reviewer = school.staff[Role.COMMISSION]
    answer = await school.post(
        reviewer,
        f"/staff/reviews/{held}/findings",
        incident=places.get(incident, incident),
        verdict=verdict,
        reason=reason,
    )
    assert answer.status_code == status
    if incident == "first":
        assert reason.strip() in answer.text
    async with school.database.transaction() as connection:
        assert await watched.findings_of(connection, held) == []
        assert await watched.findings_of(connection, other) == []


async def test_nobody_reviews_their_own_sitting(school: School) -> None:
    both = await school.hire("both", Role.CANDIDATE, Role.COMMISSION_CHAIR)
    own = await school.finish(both, incidents=1)
    (incident,) = await incidents(school, own)
    async with school.database.transaction() as connection:
        assert await review_room.queue(connection, both) == []
        assert len(await review_room.queue(connection, school.staff[Role.COMMISSION])) == 1
    assert (await school.get(both, f"/staff/reviews/{own}")).status_code == 403
    path = f"/staff/reviews/{own}"
    found = await school.post(both, path + "/findings", incident=str(incident), verdict="dismissed", reason="Это я")
    decided = await school.post(both, path + "/decision", ruling="no_violation", reason="Это я")
    assert (found.status_code, decided.status_code) == (403, 403)
    assert await stage(school, own) is Stage.OPEN


async def test_a_running_sitting_is_not_reviewed_yet(school: School) -> None:
    sitting = await school.admit(await school.hire("anna", Role.CANDIDATE))
    await school.start(sitting)
    incident = await school.notice(sitting)
    assert await find(school, sitting, incident, "dismissed") == 409
    assert (
        "Тестирование ещё идёт" in (await school.get(school.staff[Role.COMMISSION], f"/staff/reviews/{sitting}")).text
    )


@pytest.mark.parametrize("state", ["confirmed", "annulled"])
async def test_what_is_noticed_after_the_outcome_is_final_changes_nothing(school: School, state: str) -> None:
    sitting = await school.finish(await school.hire("anna", Role.CANDIDATE))
    async with school.database.transaction() as connection:
        await execute(
            connection, "UPDATE exam_server.outcome SET state = :state WHERE sitting_id = :id", state=state, id=sitting
        )
    late = await school.notice(sitting)
    assert await find(school, sitting, late, "confirmed") == 409
    assert await decide(school, sitting, "annul") == 409
    reviewer = school.staff[Role.COMMISSION]
    answer = await school.post(reviewer, f"/staff/reviews/{sitting}/decision", ruling="annul", reason="Поздно")
    assert "Результат уже утверждён; изменить его может апелляция." in answer.text.replace("\u00a0", " ")
    page = (await school.get(reviewer, f"/staff/reviews/{sitting}")).text
    assert "Изменить его может апелляция." in page.replace("\u00a0", " ")
    assert 'name="verdict"' not in page
    async with school.database.transaction() as connection:
        assert await watched.findings_of(connection, sitting) == []
        assert await watched.decision_of(connection, sitting) is None


async def test_a_result_that_is_not_worked_out_yet_is_not_reviewed(school: School) -> None:
    sitting = await school.admit(await school.hire("anna", Role.CANDIDATE))
    await school.start(sitting)
    incident = await school.notice(sitting)
    await school.app.state.invigilation.end(sitting, school.staff[Role.PROCTOR].id, "По просьбе кандидата")
    assert await find(school, sitting, incident, "dismissed") == 409
    page = (await school.get(school.staff[Role.COMMISSION], f"/staff/reviews/{sitting}")).text
    assert "Результат ещё подсчитывается" in page.replace("\u00a0", " ")
    assert 'name="verdict"' not in page
    await school.conclude(sitting)
    assert await find(school, sitting, incident, "dismissed") == 303


async def test_nobody_makes_an_outcome_final_while_its_review_is_written(school: School, held: SittingId) -> None:
    incident = IncidentId((await incidents(school, held))[0])
    reviewer, now = school.staff[Role.COMMISSION], school.clock.now()
    async with school.database.transaction() as writing:
        await review_room.find(writing, reviewer, held, incident, Verdict.CONFIRMED, "Видно на снимке", now)
        with pytest.raises(DBAPIError, match="lock"):
            async with school.database.transaction() as other:
                await execute(other, "SET LOCAL lock_timeout = '50ms'")
                await confirm_outcome(other, held, None, now)


async def test_the_appeal_commission_reads_and_decides_nothing_here(school: School, held: SittingId) -> None:
    page = (await school.get(school.staff[Role.APPEAL_COMMISSION], f"/staff/reviews/{held}")).text
    assert "Соколова" in page
    assert "Заключение дают члены подкомиссии." in page
    assert "Сначала дайте заключение" not in page
    assert 'name="verdict"' not in page


async def test_reasons_are_text_and_never_markup(school: School, held: SittingId) -> None:
    for incident in await incidents(school, held):
        await find(school, held, incident, "confirmed", "<script>alert(1)</script>")
    await decide(school, held, "annul", "<img src=x onerror=alert(2)>")
    for path in (f"/staff/reviews/{held}", f"/staff/sittings/{held}"):
        page = (await school.get(school.staff[Role.COMMISSION], path)).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page


async def test_a_score_stands_with_its_threshold_in_words(school: School, held: SittingId) -> None:
    async with school.database.transaction() as connection:
        one = (await watched.incidents_of(connection, held))[0]
    like = likeness(one)
    assert like is not None
    assert (like.match_at, like.strangers) == (MATCH_AT, 910)
    page = (await school.get(school.staff[Role.COMMISSION], f"/staff/reviews/{held}")).text
    assert "Сходство с\u00a0контрольным снимком 0,210" in page
    assert "примерно в\u00a0одном случае из\u00a0910" in page


async def test_only_comparisons_of_faces_have_a_likeness(school: School) -> None:
    sitting = await school.admit(await school.hire("anna", Role.CANDIDATE))
    await school.notice(sitting, Kind.SEVERAL_FACES, score=2)
    async with school.database.transaction() as connection:
        (one,) = await watched.incidents_of(connection, sitting)
    assert likeness(one) is None
