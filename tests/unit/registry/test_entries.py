from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.errors import Conflict, Invalid
from core.ids import RegisterNumber
from registry.entries import SOON, Entry, Status, annul, enter, resume, settle, status, suspend
from registry.notices import Decision, OutcomeNotice
from tests.unit.registry.samples import PASSED, TODAY, annulled, failed, passed

ENTRY = enter(PASSED, RegisterNumber("number-1"))


def number(notice: OutcomeNotice) -> RegisterNumber:
    return RegisterNumber(notice.key.replace("outcome", "number"))


def register(notices: Sequence[OutcomeNotice]) -> dict[str, Entry]:
    """What stands after the notices came one by one, by key."""
    entries: dict[str, Entry] = {}
    gone: set[str] = set()
    for notice in notices:
        if notice.decision is Decision.PASSED:
            entries[notice.key] = enter(notice, number(notice))
        if notice.annuls:
            gone.add(notice.annuls)
        for entry in settle(list(entries.values()), gone):
            assert entry.version == entries[entry.key].version + 1
            entries[entry.key] = entry
    return entries


def test_an_entry_says_what_the_notice_said() -> None:
    assert (ENTRY.number, ENTRY.version, ENTRY.name) == ("number-1", 1, "Иванова Анна Петровна")
    assert (ENTRY.valid_from, ENTRY.valid_to) == (date(2026, 5, 14), date(2031, 5, 14))
    assert ENTRY.reason == "Внесена: протокол № 12"
    with pytest.raises(ValueError, match="passed"):
        enter(failed(1), RegisterNumber("number-1"))


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 5, 14), Status.VALID),
        (date(2031, 5, 14) - SOON - timedelta(days=1), Status.VALID),
        (date(2031, 5, 14) - SOON, Status.EXPIRES_SOON),
        (date(2031, 5, 14), Status.EXPIRES_SOON),
        (date(2031, 5, 15), Status.EXPIRED),
    ],
)
def test_the_status_follows_the_calendar(today: date, expected: Status) -> None:
    assert status(ENTRY, today) is expected


@pytest.mark.parametrize(
    ("suspended", "gone", "by", "late", "expected"),
    [
        (True, False, None, False, Status.SUSPENDED),
        (True, False, None, True, Status.EXPIRED),
        (True, False, "number-2", False, Status.SUPERSEDED),
        (True, True, "number-2", False, Status.ANNULLED),
        (False, True, None, True, Status.ANNULLED),
        (False, False, "number-2", True, Status.SUPERSEDED),
    ],
)
def test_the_gravest_fact_is_the_status(
    suspended: bool, gone: bool, by: str | None, late: bool, expected: Status
) -> None:
    entry = replace(ENTRY, suspended=suspended, annulled=gone, superseded_by=RegisterNumber(by) if by else None)
    assert status(entry, date(2032, 1, 1) if late else TODAY) is expected


def test_a_later_entry_supersedes_the_earlier_one() -> None:
    entries = register([passed(1), passed(2)])
    assert entries["outcome-1"].superseded_by == "number-2"
    assert entries["outcome-1"].reason == "Заменена записью number-2"
    assert entries["outcome-2"].superseded_by is None


def test_an_annulment_brings_the_earlier_entry_back() -> None:
    entries = register([passed(1), passed(2), annulled(3, of=2)])
    assert (entries["outcome-1"].superseded_by, entries["outcome-1"].version) == (None, 3)
    assert status(entries["outcome-2"], TODAY) is Status.ANNULLED


def test_a_failure_changes_no_entry() -> None:
    assert register([passed(1), failed(2)]) == register([passed(1)])


def test_settling_twice_changes_nothing_more() -> None:
    entries = list(register([passed(1), passed(2), passed(3), annulled(4, of=3)]).values())
    assert settle(entries, {"outcome-3"}) == []
    assert settle([], set()) == []


@st.composite
def histories(draw: st.DrawFn) -> list[OutcomeNotice]:
    """Notices about one person in the order of their sequence."""
    history: list[OutcomeNotice] = []
    for position in range(1, draw(st.integers(1, 7)) + 1):
        decision = draw(st.sampled_from(Decision))
        if decision is Decision.PASSED or position == 1:
            history.append(passed(position))
        elif decision is Decision.FAILED:
            history.append(failed(position))
        else:
            history.append(annulled(position, of=draw(st.integers(1, position - 1))))
    return history


@given(histories(), st.data())
def test_the_order_of_arrival_does_not_matter(history: list[OutcomeNotice], data: st.DataObject) -> None:
    in_order = register(history)
    shuffled = register(data.draw(st.permutations(history)))
    facts = {
        key: (entry.annulled, entry.superseded_by if not entry.annulled else None) for key, entry in in_order.items()
    }
    assert facts == {
        key: (entry.annulled, entry.superseded_by if not entry.annulled else None) for key, entry in shuffled.items()
    }


@given(histories())
def test_at_most_one_entry_stands_and_it_is_the_latest_that_may(history: list[OutcomeNotice]) -> None:
    gone = {notice.annuls for notice in history}
    eligible = [n for n in history if n.decision is Decision.PASSED and n.key not in gone]
    standing = [key for key, entry in register(history).items() if status(entry, TODAY) is Status.VALID]
    assert standing == [notice.key for notice in eligible[-1:]]


def test_a_keeper_suspends_and_resumes_with_a_reason() -> None:
    suspended = suspend(ENTRY, "  Решение  № 5 ")
    assert (suspended.version, suspended.reason, status(suspended, TODAY)) == (2, "Решение № 5", Status.SUSPENDED)
    resumed = resume(suspended, "Решение № 6")
    assert (resumed.version, status(resumed, TODAY)) == (3, Status.VALID)


def test_what_a_keeper_cannot_do_is_a_conflict() -> None:
    gone = annul(ENTRY, "Решение суда")
    replaced = replace(ENTRY, superseded_by=RegisterNumber("number-2"))
    refusals = []
    for act, entry in [
        (suspend, gone),
        (resume, gone),
        (annul, gone),
        (suspend, replaced),
        (resume, replaced),
        (suspend, suspend(ENTRY, "x")),
        (resume, ENTRY),
    ]:
        with pytest.raises(Conflict) as error:
            act(entry, "Причина")
        refusals.append(error.value.code)
    assert refusals == [
        "entry_annulled",
        "entry_annulled",
        "entry_annulled",
        "entry_superseded",
        "entry_superseded",
        "entry_suspended",
        "entry_not_suspended",
    ]


@pytest.mark.parametrize("reason", ["", " \n ", "x" * 501])
def test_every_change_has_a_reason(reason: str) -> None:
    with pytest.raises(Invalid) as error:
        suspend(ENTRY, reason)
    assert error.value.code == "reason_missing"


def test_suspension_outlives_supersession() -> None:
    suspended = suspend(ENTRY, "Решение № 5")
    later = enter(passed(2), RegisterNumber("number-2"))
    (replaced,) = settle([suspended, later], set())
    assert status(replaced, TODAY) is Status.SUPERSEDED
    back = {entry.key: entry for entry in settle([replaced, later], {"outcome-2"})}["outcome-1"]
    assert status(back, TODAY) is Status.SUSPENDED
