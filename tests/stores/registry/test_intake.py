import asyncio
import hashlib
import itertools
import random
from datetime import date

import pytest
from msgspec.structs import replace

from core import journal, outbox
from core.clock import ManualClock
from core.database import Database, fetch_all
from core.errors import AccreditationError, Conflict, Invalid
from core.signatures import Signer, verify
from registry import numbers, store
from registry.entries import Entry, Status, status
from registry.intake import Intake, Sender
from registry.notices import NOTICE_TYPE, RECEIPT_TYPE, Decision, Effect, Person, Receipt, encode
from tests.stores.registry.conftest import EXAM, REGISTRY, Receive, opened, signed
from tests.unit.registry.samples import ANNA, MEDICINE, PASSED, TODAY, annulled, failed, passed

TABLES = ("notice", "notice_conflict", "receipt", "entry", "entry_version", "speciality")


async def entry(database: Database, receipt: Receipt) -> Entry:
    assert receipt.number is not None
    async with database.transaction() as connection:
        found = await store.entry(connection, receipt.number)
    assert found is not None
    return found


async def counts(database: Database) -> dict[str, int]:
    async with database.transaction() as connection:
        return {table: len(await fetch_all(connection, f"SELECT 1 FROM registry.{table}")) for table in TABLES} | {
            "outbox": len(await fetch_all(connection, "SELECT 1 FROM core.outbox"))
        }


async def refusal(intake: Intake, token: str) -> AccreditationError:
    with pytest.raises(AccreditationError) as error:
        await intake.receive(token)
    return error.value


async def test_who_passed_is_entered(database: Database, receive: Receive, clock: ManualClock) -> None:
    receipt = await receive(PASSED)
    assert (receipt.key, receipt.effect) == ("outcome-1", Effect.ENTERED)
    assert receipt.digest == hashlib.sha256(encode(PASSED)).hexdigest()
    assert receipt.received_at == clock.now()
    assert (receipt.valid_from, receipt.valid_to) == (date(2026, 5, 14), date(2031, 5, 14))
    found = await entry(database, receipt)
    assert numbers.read(found.number) == receipt.number
    assert found.number.startswith("77-2026-")
    assert (found.name, found.birth_date, found.speciality) == (ANNA.name, ANNA.birth_date, MEDICINE)
    assert status(found, TODAY) is Status.VALID


async def test_who_failed_gets_a_receipt_and_no_entry(database: Database, receive: Receive) -> None:
    receipt = await receive(failed(1))
    assert (receipt.effect, receipt.number) == (Effect.RECORDED, None)
    kept = await counts(database)
    assert (kept["notice"], kept["receipt"], kept["entry"]) == (1, 1, 0)


async def test_the_same_notice_again_gets_the_same_receipt(
    database: Database, intake: Intake, clock: ManualClock
) -> None:
    first = await intake.receive(signed(PASSED))
    before = await counts(database)
    clock.advance(60_000)
    assert await intake.receive(signed(PASSED)) == first
    assert await counts(database) == before


async def test_another_body_under_the_same_key_is_refused_and_kept(database: Database, intake: Intake) -> None:
    first = await intake.receive(signed(PASSED))
    other = signed(replace(PASSED, decided_on=date(2026, 5, 15)))
    for _ in range(2):
        error = await refusal(intake, other)
        assert isinstance(error, Conflict)
        assert (error.code, error.status) == ("notice_conflict", 409)
    async with database.transaction() as connection:
        ((sender, key, token, _),) = await store.conflicts(connection)
    assert (sender, key, token) == ("exam", "outcome-1", other)
    assert await intake.receive(signed(PASSED)) == first
    assert (await entry(database, opened(first))).valid_from == date(2026, 5, 14)


async def test_deliveries_at_once_make_one_entry_and_one_receipt(database: Database, intake: Intake) -> None:
    receipts = await asyncio.gather(*(intake.receive(signed(PASSED)) for _ in range(8)))
    assert len(set(receipts)) == 1
    assert {name: rows for name, rows in (await counts(database)).items() if name != "speciality"} == {
        "notice": 1,
        "notice_conflict": 0,
        "receipt": 1,
        "entry": 1,
        "entry_version": 1,
        "outbox": 1,
    }


async def test_different_bodies_at_once_under_one_key_leave_one(database: Database, intake: Intake) -> None:
    """Even where they are about different people, who are locked apart."""
    tokens = [signed(replace(PASSED, person=Person(f"person-{n}", "Ли Мария"))) for n in range(6)]
    results = await asyncio.gather(*(intake.receive(token) for token in tokens), return_exceptions=True)
    assert sum(isinstance(result, str) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 5
    kept = await counts(database)
    assert (kept["notice"], kept["notice_conflict"], kept["entry"]) == (1, 5, 1)


async def test_a_later_entry_supersedes_the_earlier_one(database: Database, receive: Receive) -> None:
    first, second = await receive(passed(1)), await receive(passed(2))
    assert second.effect is Effect.ENTERED
    assert (await entry(database, first)).superseded_by == second.number


async def test_an_annulment_takes_the_entry_back(database: Database, receive: Receive) -> None:
    first, second = await receive(passed(1)), await receive(passed(2))
    receipt = await receive(annulled(3, of=2))
    assert (receipt.effect, receipt.number) == (Effect.ANNULLED, second.number)
    assert status(await entry(database, second), TODAY) is Status.ANNULLED
    assert status(await entry(database, first), TODAY) is Status.VALID
    assert (await receive(annulled(5, of=4))).effect is Effect.AWAITED
    await receive(failed(6))
    assert (await receive(annulled(7, of=6))).effect is Effect.RECORDED


async def test_any_order_of_arrival_leads_to_the_same_register(database: Database, receive: Receive) -> None:
    history = [passed(1), passed(2), annulled(3, of=2), failed(4), passed(5), annulled(6, of=1)]
    ends = set()
    for run, order in enumerate(random.Random(7).sample(list(itertools.permutations(history)), 20)):
        made = {}
        for notice in order:
            receipt = await receive(
                replace(
                    notice,
                    key=f"{run}:{notice.key}",
                    annuls=notice.annuls and f"{run}:{notice.annuls}",
                    person=replace(ANNA, reference=f"person-{run}"),
                )
            )
            if notice.decision is Decision.PASSED:
                made[notice.key] = receipt
        ends.add(tuple(sorted([(key, status(await entry(database, made[key]), TODAY)) for key in made])))
    assert ends == {(("outcome-1", Status.ANNULLED), ("outcome-2", Status.ANNULLED), ("outcome-5", Status.VALID))}


async def test_a_notice_that_comes_late_is_outdated(database: Database, receive: Receive) -> None:
    assert (await receive(annulled(2, of=1))).effect is Effect.AWAITED
    late = await receive(passed(1))
    assert late.effect is Effect.OUTDATED
    assert status(await entry(database, late), TODAY) is Status.ANNULLED
    newer = await receive(passed(5))
    assert (await receive(passed(4))).effect is Effect.OUTDATED
    assert status(await entry(database, newer), TODAY) is Status.VALID


async def test_notices_about_one_person_at_once_agree(database: Database, receive: Receive) -> None:
    receipts = await asyncio.gather(*(receive(passed(number)) for number in range(1, 9)))
    standing = [receipt.key for receipt in receipts if status(await entry(database, receipt), TODAY) is Status.VALID]
    assert standing == ["outcome-8"]


async def test_nobody_else_can_be_annulled(database: Database, intake: Intake, receive: Receive) -> None:
    await receive(passed(1))
    before = await counts(database)
    other = annulled(2, of=1, person=replace(ANNA, reference="person-2"))
    assert (await refusal(intake, signed(other))).code == "annuls_other"
    assert await counts(database) == before


async def test_what_is_not_signed_by_a_known_sender_enters_nothing(database: Database, intake: Intake) -> None:
    stranger = Signer.fresh()
    good = signed(PASSED)
    forged = good[:-8] + ("A" if good[-8] != "A" else "B") + good[-7:]
    attempts = {
        signed(PASSED, stranger): "signature_unknown_key",
        forged: "signature_wrong",
        EXAM.sign(encode(PASSED), RECEIPT_TYPE): "signature_other_type",
        "": "signature_malformed",
        encode(PASSED).decode(): "signature_malformed",
        EXAM.sign(b"{}", NOTICE_TYPE): "notice_malformed",
        EXAM.sign(encode(PASSED).replace(b'"schema":1', b'"schema":9'), NOTICE_TYPE): "notice_schema",
        signed(passed(1, decided_on=date(2027, 1, 1))): "notice_from_future",
        signed(passed(1, term=None)): "notice_term",
    }
    for token, code in attempts.items():
        error = await refusal(intake, token)
        assert (type(error), error.code) == (Invalid, code)
    assert set((await counts(database)).values()) == {0}


async def test_a_sender_may_change_keys_and_stays_the_same_sender(
    database: Database, clock: ManualClock, intake: Intake
) -> None:
    first = await intake.receive(signed(PASSED))
    new = Signer.fresh()
    rotated = Intake(
        database,
        {EXAM.kid: Sender("exam", EXAM.public), new.kid: Sender("exam", new.public)},
        REGISTRY,
        clock,
    )
    assert await rotated.receive(signed(PASSED, new)) == first


async def test_senders_have_keys_and_people_of_their_own(database: Database, clock: ManualClock) -> None:
    clinic = Signer.fresh()
    intake = Intake(
        database,
        {EXAM.kid: Sender("exam", EXAM.public), clinic.kid: Sender("clinic", clinic.public)},
        REGISTRY,
        clock,
    )
    one, other = opened(await intake.receive(signed(PASSED))), opened(await intake.receive(signed(PASSED, clinic)))
    assert one.number != other.number
    assert status(await entry(database, one), TODAY) is Status.VALID


async def test_a_taken_number_is_passed_over(database: Database, clock: ManualClock) -> None:
    source = iter([5, 5, 5, 6])
    intake = Intake(
        database,
        {EXAM.kid: Sender("exam", EXAM.public)},
        REGISTRY,
        clock,
        region="50",
        number_source=lambda: next(source),
    )
    made = [opened(await intake.receive(signed(passed(number)))).number for number in (1, 2)]
    assert made == [numbers.compose("50", 2026, 5), numbers.compose("50", 2026, 6)]


async def test_every_notice_is_journaled(database: Database, intake: Intake) -> None:
    await intake.receive(signed(PASSED))
    await intake.receive(signed(PASSED))
    await refusal(intake, signed(replace(PASSED, basis="другой протокол")))
    assert await outbox.deliver(database, {journal.TOPIC: journal.append}) == 2
    async with database.transaction() as connection:
        records = await journal.read(connection, subject="notice:exam:outcome-1")
    assert [(record.actor, record.action) for record in records] == [
        ("sender:exam", "registry.notice_received"),
        ("sender:exam", "registry.notice_conflicted"),
    ]
    assert ANNA.name not in str(records)


async def test_the_year_is_counted_in_the_registers_zone(
    database: Database, intake: Intake, clock: ManualClock
) -> None:
    clock.set(1_798_750_800_000 - 1)  # 2026-12-31T20:59:59.999Z, one millisecond to New Year in Moscow
    before = opened(await intake.receive(signed(passed(1))))
    clock.advance(1)
    after = opened(await intake.receive(signed(passed(2))))
    assert [str(receipt.number)[3:7] for receipt in (before, after)] == ["2026", "2027"]


def test_a_receipt_is_signed_for_receipts_alone() -> None:
    token = REGISTRY.sign(b"{}", RECEIPT_TYPE)
    with pytest.raises(Invalid):
        verify(token, {REGISTRY.kid: REGISTRY.public}, NOTICE_TYPE)
