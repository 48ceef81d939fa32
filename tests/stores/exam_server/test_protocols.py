"""The commission's protocol: who may sign, what over, and that it is carried out once."""

import asyncio

import msgspec
import pytest

from core.access.roles import Principal, Role
from core.database import fetch_all
from core.errors import AccreditationError, Conflict, Forbidden, Invalid, NotFound
from core.ids import ProtocolId, SittingId
from core.moments import DAY
from core.signatures import verify
from exam_server.conclusion import TOPIC, Outcome, OutcomeFact, load_outcome
from exam_server.protocols import (
    MOST_SITTINGS,
    PROTOCOL_TYPE,
    Line,
    Minutes,
    SignedProtocol,
    draft_lines,
    list_protocols,
    load_protocol,
    load_sitting_protocol,
    sign_protocol,
)
from proctoring.review import Ruling
from tests.stores.cabinet.centre import AUTOMATIC, Centre
from tests.stores.exam_server.conftest import warm


class Table:
    """The commission's table: preliminary results lie on it."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.database = centre.database
        self.number = 0

    async def preliminary(self, right: int = 20, flagged: bool = False) -> SittingId:
        self.number += 1
        one = await self.centre.person(f"candidate{self.number}")
        await self.centre.admit(one)
        return await self.centre.take(
            one, await self.centre.book(one, await self.centre.window()), right, flagged=flagged
        )

    async def lines(self, *sittings: SittingId) -> tuple[Line, ...]:
        async with self.database.transaction() as connection:
            return await draft_lines(connection, list(sittings))

    async def sign(self, signer: Principal, *sittings: SittingId) -> SignedProtocol:
        async with self.database.transaction() as connection:
            return await sign_protocol(connection, list(sittings), signer, self.centre.signer, self.centre.clock.now())

    async def outcome(self, sitting: SittingId) -> Outcome:
        async with self.database.transaction() as connection:
            found = await load_outcome(connection, sitting)
        assert found is not None
        return found

    async def facts(self) -> list[OutcomeFact]:
        async with self.database.transaction() as connection:
            rows = await fetch_all(
                connection, "SELECT body FROM core.outbox WHERE topic = :topic ORDER BY id", topic=TOPIC
            )
        return [msgspec.json.decode(bytes(row["body"]), type=OutcomeFact) for row in rows]


@pytest.fixture
def table(centre: Centre) -> Table:
    return Table(centre)


@pytest.fixture
async def chair(centre: Centre) -> Principal:
    return await centre.person("chair", Role.COMMISSION_CHAIR, family_name="Орлова", zone="Europe/Moscow")


async def test_a_signed_protocol_confirms_and_tells_the_register(table: Table, chair: Principal) -> None:
    passed, failed = await table.preliminary(), await table.preliminary(right=3)
    protocol = await table.sign(chair, failed, passed, passed)
    assert [(line.sitting, line.passed, line.decision, line.ruling) for line in protocol.minutes.lines] == [
        (passed, True, "confirm", ""),
        (failed, False, "confirm", ""),
    ]
    for sitting in (passed, failed):
        outcome = await table.outcome(sitting)
        assert (outcome.state, outcome.protocol, outcome.confirmed_at) == ("confirmed", protocol.id, protocol.signed_at)
    facts = await table.facts()
    assert {(fact.sitting, fact.passed, fact.basis) for fact in facts} == {
        (passed, True, f"протокол № {protocol.number}"),
        (failed, False, f"протокол № {protocol.number}"),
    }


async def test_what_is_kept_is_what_was_signed(table: Table, chair: Principal) -> None:
    sitting = await table.preliminary()
    protocol = await table.sign(chair, sitting)
    async with table.database.transaction() as connection:
        kept = await load_protocol(connection, protocol.id)
        assert await list_protocols(connection) == [kept]
        assert await load_sitting_protocol(connection, sitting) == kept
    assert kept == protocol
    signer = table.centre.signer
    signed = verify(kept.signature, {signer.kid: signer.public}, PROTOCOL_TYPE)
    assert signed.payload == kept.content
    minutes = msgspec.json.decode(kept.content, type=Minutes)
    assert (minutes.signed_by, minutes.signer, minutes.number) == (chair.id, chair.name, kept.number)


@pytest.mark.parametrize(
    "role", [role for role in Role if role not in (Role.COMMISSION_CHAIR, Role.COMMISSION_SECRETARY)]
)
async def test_nobody_but_chair_and_secretary_signs(table: Table, centre: Centre, role: Role) -> None:
    sitting = await table.preliminary()
    somebody = await centre.person("somebody", role)
    with pytest.raises(Forbidden) as refusal:
        await table.sign(somebody, sitting)
    assert refusal.value.code == "may_not_sign"
    assert (await table.outcome(sitting)).state == "preliminary"


async def test_the_secretary_may_sign(table: Table, centre: Centre) -> None:
    secretary = await centre.person("secretary", Role.COMMISSION_SECRETARY)
    protocol = await table.sign(secretary, await table.preliminary())
    assert protocol.signed_by == secretary.id


async def test_nobody_decides_about_themselves(table: Table, centre: Centre) -> None:
    chair = await centre.person("chair", Role.COMMISSION_CHAIR, Role.CANDIDATE)
    await centre.admit(chair)
    own = await centre.take(chair, await centre.book(chair, await centre.window()), 20)
    other = await table.preliminary()
    with pytest.raises(Forbidden) as refusal:
        await table.sign(chair, other, own)
    assert refusal.value.code == "own_sitting"
    assert (await table.outcome(other)).state == "preliminary"
    assert await table.facts() == []


async def test_an_open_review_keeps_a_sitting_out(table: Table, chair: Principal) -> None:
    flagged, other = await table.preliminary(flagged=True), await table.preliminary()
    with pytest.raises(Conflict) as refusal:
        await table.sign(chair, other, flagged)
    assert refusal.value.code == "review_open"
    assert (await table.outcome(other)).state == "preliminary"
    await table.centre.judge(flagged, Ruling.NO_VIOLATION)
    (line,) = await table.lines(flagged)
    assert (line.decision, line.ruling) == ("confirm", "no_violation")


async def test_an_annulment_follows_from_the_review(table: Table, chair: Principal) -> None:
    sitting = await table.preliminary(flagged=True)
    await table.centre.judge(sitting, Ruling.ANNUL)
    protocol = await table.sign(chair, sitting)
    assert [line.decision for line in protocol.minutes.lines] == ["annul"]
    assert (await table.outcome(sitting)).state == "annulled"
    assert await table.facts() == []


async def test_only_preliminary_results_are_decided(table: Table, centre: Centre, chair: Principal) -> None:
    done = await table.preliminary()
    await table.sign(chair, done)
    one = await centre.person("one")
    await centre.admit(one)
    automatic = await centre.take(one, await centre.book(one, await centre.window(AUTOMATIC)), 20)
    other = await centre.person("other")
    await centre.admit(other)
    running = await centre.enter(other, await centre.book(other, await centre.window()))
    cases: list[tuple[tuple[SittingId, ...], type[AccreditationError], str]] = [
        ((), Invalid, "nothing_chosen"),
        (tuple(SittingId(number) for number in range(1, MOST_SITTINGS + 2)), Invalid, "too_many_chosen"),
        ((SittingId(404),), NotFound, "no_outcome"),
        ((running,), NotFound, "no_outcome"),
        ((done,), Conflict, "not_preliminary"),
        ((automatic,), Conflict, "not_preliminary"),
    ]
    for sittings, kind, code in cases:
        with pytest.raises(kind) as refusal:
            await table.sign(chair, *sittings)
        assert refusal.value.code == code
    async with table.database.transaction() as connection:
        assert len(await list_protocols(connection)) == 1


async def test_numbers_count_by_year_where_the_signer_is(table: Table, chair: Principal) -> None:
    numbers = [(await table.sign(chair, await table.preliminary())).number for _ in range(2)]
    table.centre.clock.advance(41 * DAY)
    numbers.append((await table.sign(chair, await table.preliminary())).number)
    assert numbers == ["2026-0001", "2026-0002", "2027-0001"]


async def test_two_who_sign_at_once_get_two_numbers(table: Table, chair: Principal) -> None:
    sittings = [await table.preliminary() for _ in range(3)]
    await warm(table.database, 3)
    protocols = await asyncio.gather(*(table.sign(chair, sitting) for sitting in sittings))
    assert sorted(protocol.number for protocol in protocols) == ["2026-0001", "2026-0002", "2026-0003"]


async def test_one_sitting_is_decided_by_one_of_two_who_sign_at_once(table: Table, chair: Principal) -> None:
    sitting = await table.preliminary()
    await warm(table.database, 2)
    fates = await asyncio.gather(*(table.sign(chair, sitting) for _ in range(2)), return_exceptions=True)
    assert sorted(type(fate).__name__ for fate in fates) == ["Conflict", "SignedProtocol"]
    assert len(await table.facts()) == 1


async def test_what_is_not_there(table: Table, chair: Principal) -> None:
    sitting = await table.preliminary()
    async with table.database.transaction() as connection:
        with pytest.raises(NotFound):
            await load_protocol(connection, ProtocolId(404))
        assert await load_sitting_protocol(connection, sitting) is None
        assert await load_sitting_protocol(connection, SittingId(404)) is None
