"""Notices for tests."""

from datetime import date
from typing import Any

from msgspec.structs import replace

from registry.notices import Decision, Kind, OutcomeNotice, Person, Speciality, Term

TODAY = date(2026, 11, 22)
MEDICINE = Speciality("31.05.01", "Лечебное дело")
ANNA = Person("person-1", "Иванова Анна Петровна", date(1990, 2, 14))

PASSED = OutcomeNotice(
    key="outcome-1",
    sequence=1,
    person=ANNA,
    speciality=MEDICINE,
    kind=Kind.PRIMARY,
    decision=Decision.PASSED,
    decided_on=date(2026, 5, 14),
    basis="протокол № 12",
    term=Term(years=5),
)


def passed(number: int, **changes: Any) -> OutcomeNotice:
    return replace(PASSED, key=f"outcome-{number}", sequence=number, **changes)


def failed(number: int, **changes: Any) -> OutcomeNotice:
    return passed(number, **{"decision": Decision.FAILED, "term": None} | changes)


def annulled(number: int, of: int, **changes: Any) -> OutcomeNotice:
    return passed(number, **{"decision": Decision.ANNULLED, "term": None, "annuls": f"outcome-{of}"} | changes)
