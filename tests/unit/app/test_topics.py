"""What leaves for the register: the outcome in its words, and nothing of how it came about."""

from datetime import date

from msgspec.structs import replace

from app.topics import TERM, state_outcome
from core.ids import BlueprintId, PersonId, SittingId
from exam_server.conclusion import OutcomeFact
from registry import notices
from registry.notices import Decision, Kind

FACT = OutcomeFact(
    SittingId(12),
    PersonId(7),
    "Соколова Анна Викторовна",
    BlueprintId("ld-20"),
    "31.05.01",
    "Лечебное дело",
    "primary_specialised",
    True,
    date(2026, 11, 22),
    "протокол № 2026-0001",
)


def test_a_pass_asks_for_an_accreditation() -> None:
    notice = state_outcome(FACT)
    assert (notice.key, notice.sequence, notice.person.reference) == ("sitting:12", 12, "person:7")
    assert (notice.person.name, notice.speciality.code) == ("Соколова Анна Викторовна", "31.05.01")
    assert (notice.kind, notice.decision, notice.term) == (Kind.PRIMARY_SPECIALISED, Decision.PASSED, TERM)
    assert (notice.decided_on, notice.basis) == (date(2026, 11, 22), "протокол № 2026-0001")
    assert TERM.years == 5


def test_a_fail_asks_for_nothing() -> None:
    notice = state_outcome(replace(FACT, passed=False))
    assert (notice.decision, notice.term) == (Decision.FAILED, None)


def test_the_same_outcome_is_the_same_notice_byte_for_byte() -> None:
    assert notices.encode(state_outcome(FACT)) == notices.encode(state_outcome(FACT))
    assert notices.encode(state_outcome(FACT)) != notices.encode(state_outcome(replace(FACT, sitting=SittingId(13))))


def test_every_kind_of_accreditation_has_its_word() -> None:
    for accreditation in ("primary", "primary_specialised", "periodic"):
        assert state_outcome(replace(FACT, accreditation=accreditation)).kind.value == accreditation
