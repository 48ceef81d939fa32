"""Choosing, drafting, proving who signs, signing, and checking what was signed."""

import asyncio

import msgspec
import pytest

from admin import protocols_desk
from core.access import Principal, Role
from core.access.people import FAILURES_PER_LOGIN_AND_ADDRESS
from core.database import execute, fetch_all
from core.errors import Conflict, Invalid, TooMany
from core.ids import SittingId
from core.signatures import Signer
from exam_server.conclusion import load_outcomes
from exam_server.protocols import list_protocols
from proctoring.review import Decision, Finding, Ruling, Verdict
from proctoring.signals import Kind
from proctoring.store import incidents_of, record_decision, record_finding
from tests.stores.admin.school import HASHER, PASSWORD, School


@pytest.fixture
def chair(school: School) -> Principal:
    return school.staff[Role.COMMISSION_CHAIR]


@pytest.fixture
async def ended(school: School) -> list[SittingId]:
    """One that passed and one that failed, both clean."""
    return [
        await school.finish(await school.hire("anna", Role.CANDIDATE, family_name="Соколова")),
        await school.finish(await school.hire("boris", Role.CANDIDATE, family_name="<b>Юдин</b>"), right=1),
    ]


async def reviewed(school: School, ruling: Ruling) -> SittingId:
    sitting = await school.finish(await school.hire(f"case-{ruling}", Role.CANDIDATE), incidents=1)
    reviewer, now = school.staff[Role.COMMISSION].id, school.clock.now()
    async with school.database.transaction() as connection:
        (one,) = await incidents_of(connection, sitting)
        await record_finding(connection, Finding(one.id, Verdict.CONFIRMED, reviewer, "Видно", now))
        await record_decision(connection, Decision(sitting, ruling, reviewer, "По материалам", now))
    return sitting


async def states(school: School, sittings: list[SittingId]) -> list[str]:
    async with school.database.transaction() as connection:
        found = await load_outcomes(connection, sittings)
    return [found[one].state for one in sittings]


async def mark(school: School, sittings: list[SittingId]) -> str:
    async with school.database.transaction() as connection:
        return (await protocols_desk.draft(connection, sittings)).mark


async def open_logins(school: School, who: Principal) -> int:
    async with school.database.transaction() as connection:
        return len(await fetch_all(connection, "SELECT 1 FROM core.login WHERE person_id = :id", id=who.id))


def chosen(sittings: list[SittingId]) -> list[str]:
    return [str(one) for one in sittings]


async def test_ready_is_what_no_review_holds_and_nobodys_own(
    school: School, chair: Principal, ended: list[SittingId]
) -> None:
    await school.finish(await school.hire("held", Role.CANDIDATE), incidents=1)
    annulled = await reviewed(school, Ruling.ANNUL)
    both = await school.hire("both", Role.CANDIDATE, Role.COMMISSION_CHAIR)
    own = await school.finish(both)
    async with school.database.transaction() as connection:
        ready = await protocols_desk.list_ready(connection, chair)
        theirs = await protocols_desk.list_ready(connection, both)
        assert await protocols_desk.count_ready(connection) == 4
    assert [(one.sitting, one.clean, one.ruling) for one in ready] == [
        (ended[0], True, None),
        (ended[1], True, None),
        (annulled, False, Ruling.ANNUL),
        (own, True, None),
    ]
    assert own not in [one.sitting for one in theirs]


async def test_a_draft_is_read_and_signed_with_the_password(
    school: School, chair: Principal, ended: list[SittingId]
) -> None:
    annulled = await reviewed(school, Ruling.ANNUL)
    everything = [*ended, annulled]
    draft = await school.post(chair, "/staff/protocols/draft", sitting=chosen(everything))
    assert draft.status_code == 200
    assert "Утверждается: 2. Аннулируется: 1." in draft.text.replace("\u00a0", " ")
    assert "<b>Юдин</b>" not in draft.text
    assert await states(school, everything) == ["preliminary"] * 3
    answer = await school.post(
        chair,
        "/staff/protocols/sign",
        sitting=chosen(everything),
        mark=await mark(school, everything),
        password=PASSWORD,
    )
    assert answer.status_code == 303
    assert await states(school, everything) == ["confirmed", "confirmed", "annulled"]
    signed = await school.get(chair, answer.headers["location"])
    assert "Подпись верна" in signed.text
    assert "Протокол подписан" in signed.text
    assert "Соколова" in signed.text
    assert "<b>Юдин</b>" not in signed.text
    assert await open_logins(school, chair) == 1
    assert "2026-0001" in (await school.get(chair, "/staff/protocols")).text


async def test_what_nobody_had_to_read_is_still_counted(
    school: School, chair: Principal, ended: list[SittingId]
) -> None:
    noticed = await school.finish(await school.hire("vera", Role.CANDIDATE))
    await school.notice(noticed, Kind.DARK, holds=False)
    async with school.database.transaction() as connection:
        ready = await protocols_desk.list_ready(connection, chair)
        draft = await protocols_desk.draft(connection, [*ended, noticed])
    assert [(one.clean, one.incidents) for one in ready] == [(True, 0), (True, 0), (True, 1)]
    assert draft.incidents == {noticed: 1}
    desk = await school.get(chair, "/staff/protocols")
    drafted = await school.post(chair, "/staff/protocols/draft", sitting=chosen([*ended, noticed]))
    answer = await school.post(
        chair, "/staff/protocols/sign", sitting=chosen([*ended, noticed]), mark=draft.mark, password=PASSWORD
    )
    for page in (desk, drafted, await school.get(chair, answer.headers["location"])):
        assert page.text.count("Без инцидентов") == 2
        assert page.text.count("Не требует рассмотрения, инцидентов: 1") == 1


async def test_a_wrong_password_signs_nothing_and_counts(
    school: School, chair: Principal, ended: list[SittingId]
) -> None:
    what = {"sitting": chosen(ended), "mark": await mark(school, ended)}
    for _ in range(FAILURES_PER_LOGIN_AND_ADDRESS):
        answer = await school.post(chair, "/staff/protocols/sign", password="не тот", **what)
        assert answer.status_code == 422
        assert "пароль не подходит" in answer.text
        assert "не тот" not in answer.text
    locked = await school.post(chair, "/staff/protocols/sign", password=PASSWORD, **what)
    assert locked.status_code == 429
    assert await states(school, ended) == ["preliminary"] * 2
    assert await open_logins(school, chair) == 1


async def test_the_proof_leaves_no_login_and_forgets_failures(school: School, chair: Principal) -> None:
    with pytest.raises(Invalid, match="password_wrong"):
        await protocols_desk.prove(school.database, chair, "не тот", "10.0.0.1", school.clock.now(), HASHER)
    for _ in range(FAILURES_PER_LOGIN_AND_ADDRESS + 1):
        await protocols_desk.prove(school.database, chair, PASSWORD, "10.0.0.1", school.clock.now(), HASHER)
    assert await open_logins(school, chair) == 1
    for _ in range(FAILURES_PER_LOGIN_AND_ADDRESS):
        with pytest.raises(Invalid):
            await protocols_desk.prove(school.database, chair, "не тот", "10.0.0.1", school.clock.now(), HASHER)
    with pytest.raises(TooMany):
        await protocols_desk.prove(school.database, chair, PASSWORD, "10.0.0.1", school.clock.now(), HASHER)


async def test_what_changed_since_the_draft_is_not_signed(
    school: School, chair: Principal, ended: list[SittingId]
) -> None:
    seen = await mark(school, ended)
    more = [*ended, await reviewed(school, Ruling.WARNING)]
    answer = await school.post(chair, "/staff/protocols/sign", sitting=chosen(more), mark=seen, password=PASSWORD)
    assert answer.status_code == 409
    assert "draft_changed" in answer.text
    assert await states(school, more) == ["preliminary"] * 3
    async with school.database.transaction() as connection:
        assert await list_protocols(connection) == []


async def test_two_who_sign_the_same_at_once_make_one_protocol(
    school: School, chair: Principal, ended: list[SittingId]
) -> None:
    seen, now = await mark(school, ended), school.clock.now()
    signers = (chair, school.staff[Role.COMMISSION_SECRETARY])
    fates = await asyncio.gather(
        *(protocols_desk.sign(school.database, who, school.signer, ended, seen, now) for who in signers),
        return_exceptions=True,
    )
    assert sorted(isinstance(fate, Conflict) for fate in fates) == [False, True]
    async with school.database.transaction() as connection:
        assert len(await list_protocols(connection)) == 1


@pytest.mark.parametrize("what", [[], ["0"], ["x"], ["9999"]])
async def test_nothing_or_nonsense_makes_no_draft(school: School, chair: Principal, what: list[str]) -> None:
    answer = await school.post(chair, "/staff/protocols/draft", sitting=what)
    assert answer.status_code in (404, 422)
    assert "Готово к утверждению" in answer.text


async def test_a_held_or_own_sitting_is_not_drafted_or_signed(school: School) -> None:
    both = await school.hire("both", Role.CANDIDATE, Role.COMMISSION_CHAIR)
    own = await school.finish(both)
    held = await school.finish(await school.hire("held", Role.CANDIDATE), incidents=1)
    assert (await school.post(both, "/staff/protocols/draft", sitting=[str(held)])).status_code == 409
    answer = await school.post(
        both, "/staff/protocols/sign", sitting=[str(own)], mark=await mark(school, [own]), password=PASSWORD
    )
    assert answer.status_code == 403
    assert await states(school, [own]) == ["preliminary"]


async def test_a_changed_protocol_and_a_foreign_key_show(
    school: School, chair: Principal, ended: list[SittingId]
) -> None:
    now = school.clock.now()
    signed = await protocols_desk.sign(school.database, chair, school.signer, ended, await mark(school, ended), now)
    known = {school.signer.kid: school.signer.public}
    assert protocols_desk.check(signed, known).holds is True
    assert protocols_desk.check(signed, known).kid == school.signer.kid
    other = Signer.fresh()
    assert protocols_desk.check(signed, {other.kid: other.public}).holds is None
    changed = msgspec.structs.replace(signed, content=signed.content.replace(b"confirm", b"annul"))
    assert protocols_desk.check(changed, known).holds is False
    assert protocols_desk.check(msgspec.structs.replace(signed, signature="no.jws.here"), known).holds is False
    async with school.database.transaction() as connection:
        await execute(
            connection, "UPDATE exam_server.protocol SET signature = signature || 'A' WHERE id = :id", id=signed.id
        )
    assert "Подпись не сходится" in (await school.get(chair, f"/staff/protocols/{signed.id}")).text


async def test_who_only_reads_has_nothing_to_tick(school: School, ended: list[SittingId]) -> None:
    page = (await school.get(school.staff[Role.COMMISSION], "/staff/protocols")).text
    assert "Соколова" in page
    assert 'type="checkbox"' not in page


async def test_an_empty_desk_says_what_will_be_here(school: School, chair: Principal) -> None:
    page = (await school.get(chair, "/staff/protocols")).text
    assert "Утверждать пока нечего" in page
    assert "Протоколов пока нет" in page
