import pytest

from core.errors import AccreditationError
from core.ids import IncidentId, PersonId, SittingId
from proctoring.incidents import Incident, Severity
from proctoring.review import (
    REASON_LENGTH,
    Appeal,
    Decision,
    Finding,
    Ruling,
    Stage,
    Verdict,
    check_appeal,
    check_decision,
    check_reason,
    flagged,
    must_read,
    newest,
    review,
)
from proctoring.signals import Kind

SITTING = SittingId(7)
READER, OTHER = PersonId(1), PersonId(2)


def incident(number: int, holds: bool = True, began_at: int = 1_000) -> Incident:
    return Incident(
        IncidentId(number), SITTING, Kind.ABSENT, Severity.MEDIUM, holds, began_at, began_at, began_at,
        "over", 3, 1.0, None, "eyes-1", "standard-1",
    )  # fmt: skip


def finding(number: int, verdict: Verdict = Verdict.DISMISSED, at: int = 5_000, by: PersonId = READER) -> Finding:
    return Finding(IncidentId(number), verdict, by, "Видно на снимке", at)


def decision(ruling: Ruling = Ruling.NO_VIOLATION, reason: str = "Просмотрено") -> Decision:
    return Decision(SITTING, ruling, READER, reason, 9_000)


def code(*arguments: object) -> str:
    with pytest.raises(AccreditationError) as caught:
        check_decision(*arguments)  # type: ignore[arg-type]
    return caught.value.code


def test_only_what_the_policy_holds_must_be_read() -> None:
    incidents = [incident(2, began_at=2_000), incident(1, began_at=3_000), incident(3, holds=False)]
    assert [one.id for one in must_read(incidents)] == [2, 1]
    assert flagged(incidents)
    assert not flagged([incident(3, holds=False)])


def test_nothing_to_read_holds_nothing() -> None:
    stands = review([incident(1, holds=False)], [], None)
    assert stands.stage is Stage.NOTHING
    assert not stands.holds_outcome


def test_a_review_is_open_until_somebody_decides() -> None:
    incidents = [incident(1), incident(2)]
    assert review(incidents, [finding(2)], None).unread == (1,)
    read = review(incidents, [finding(1), finding(2)], None)
    assert read.unread == ()
    assert read.holds_outcome
    done = review(incidents, [finding(1), finding(2)], decision())
    assert (done.stage, done.ruling, done.holds_outcome) == (Stage.DONE, Ruling.NO_VIOLATION, False)


def test_the_last_finding_stands() -> None:
    later = finding(1, Verdict.CONFIRMED, at=6_000)
    assert newest([later, finding(1)]) == {1: later}


def test_a_decision_waits_for_what_must_be_read() -> None:
    assert code([incident(1), incident(2)], [finding(1)], None, decision()) == "review_unread"
    check_decision([incident(1), incident(2, holds=False)], [finding(1)], None, decision())


@pytest.mark.parametrize("ruling", [Ruling.WARNING, Ruling.ANNUL])
def test_a_sanction_rests_on_a_confirmed_incident(ruling: Ruling) -> None:
    assert code([incident(1)], [finding(1)], None, decision(ruling)) == "review_nothing_confirmed"
    assert code([incident(1)], [], None, decision(ruling)) == "review_unread"
    check_decision([incident(1)], [finding(1, Verdict.CONFIRMED)], None, decision(ruling))


def test_a_withdrawn_confirmation_carries_no_sanction() -> None:
    findings = [finding(1, Verdict.CONFIRMED), finding(1, Verdict.DISMISSED, at=6_000)]
    assert code([incident(1)], findings, None, decision(Ruling.ANNUL)) == "review_nothing_confirmed"


def test_a_decision_is_made_once() -> None:
    assert code([incident(1)], [finding(1)], decision(), decision()) == "review_decided"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("", "reason_missing"), (" \n", "reason_missing"), ("а" * (REASON_LENGTH + 1), "reason_too_long")],
)
def test_a_reason_is_given_and_bounded(reason: str, expected: str) -> None:
    assert code([incident(1)], [finding(1)], None, decision(reason=reason)) == expected


def test_a_reason_loses_its_outer_blanks() -> None:
    assert check_reason("  Вышел  ") == "Вышел"


def test_nobody_hears_an_appeal_against_themselves() -> None:
    check_appeal(Appeal(decision(), OTHER, 10_000), [finding(1)])
    for appeal, findings in [
        (Appeal(decision(), READER, 10_000), []),
        (Appeal(decision(), OTHER, 10_000), [finding(1, by=OTHER)]),
    ]:
        with pytest.raises(AccreditationError, match="appeal_same_reviewer"):
            check_appeal(appeal, findings)
