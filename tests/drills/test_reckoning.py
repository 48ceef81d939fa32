"""The reckoning flags what it is there for, and nothing else."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from core.ids import ChoiceId
from core.moments import HOUR, SECOND, Moment
from exam_server.events import (
    AnyEvent,
    Attached,
    Detached,
    Ended,
    Extended,
    Flagged,
    ItemExpired,
    OutageCompensated,
    Responded,
    RespondedLate,
    Shown,
    Started,
)
from tests.drills.reckoning import SLACK, Account, Edit, Tally, reckon
from tests.histories.sittings import NOW, PROCTOR, SITTING, make_created, make_form, make_rules

STREAM = "browser01"
START = NOW + SECOND
DEADLINE = START + 60 * SECOND
"""Of the first item."""
CREATED = make_created(make_form(("choice",), ("choice",)), make_rules())
BEGUN: list[AnyEvent] = [CREATED, Attached(NOW, STREAM, 1), Started(START, 1), Shown(START, 0)]


def edit(seq: int, kind: str = "respond", at: Moment = START, **fields: object) -> Edit:
    made = Edit(seq, kind, 0, value=("0.0.a",) if kind == "respond" else (), first_sent=at, acknowledged=True)
    return replace(made, **fields)


def responded(at: Moment, seq: int = 2, choice: str = "0.0.a") -> Responded:
    return Responded(at, 0, 0, (ChoiceId(choice),), seq)


def count(edits: Sequence[Edit], *more: AnyEvent) -> Tally:
    start = Edit(1, "start", first_sent=START, acknowledged=True)
    return reckon(Account(SITTING, STREAM, (start, *edits)), [*BEGUN, *more])


def test_an_account_that_the_log_bears_out() -> None:
    edits = [
        edit(2),
        edit(3, "flag", on=True),
        edit(4, "show", position=1),
        edit(5, position=1, acknowledged=False, refused="item_locked"),
        edit(6, "submit", position=-1),
        edit(7, acknowledged=False, first_sent=None),
    ]
    tally = count(
        edits, responded(START), Flagged(START, 0, True, 3), Shown(START, 1, 4), Ended(START, "submitted", seq=6)
    )
    assert tally == Tally(sent=6, acknowledged=5, refused=1, stored=5)
    assert tally.broken == []


def test_what_was_acknowledged_and_is_not_there_is_missing() -> None:
    tally = count([edit(2), edit(3)], responded(START, 3))
    assert (tally.missing, tally.stored, tally.broken) == (1, 2, ["missing"])
    unsent = count([edit(2, acknowledged=False, first_sent=None)])
    assert unsent.broken == []


def test_an_edit_that_stands_there_twice_is_duplicated() -> None:
    assert count([edit(2)], responded(START), responded(START + 1)).broken == ["duplicated"]


@pytest.mark.parametrize(
    ("made", "event"),
    [
        (edit(2), responded(START, choice="0.0.b")),
        (edit(2), Flagged(START, 0, True, 2)),
        (edit(2, "flag", on=True), Flagged(START, 0, False, 2)),
        (edit(2, "show", position=1), Shown(START, 0, 2)),
    ],
)
def test_another_content_than_was_sent_is_altered(made: Edit, event: AnyEvent) -> None:
    assert count([made], event).broken == ["altered"]


def test_what_nobody_sent_is_foreign() -> None:
    assert count([], responded(START)).broken == ["foreign"]
    assert count([edit(2, first_sent=None, acknowledged=False)], responded(START)).broken == ["foreign"]


def test_a_receipt_cannot_be_earlier_than_the_sending() -> None:
    assert count([edit(2, at=START + SLACK)], responded(START)).broken == []
    assert count([edit(2, at=START + SLACK + 1)], responded(START)).broken == ["foreign"]


def test_what_was_refused_is_not_stored() -> None:
    assert count([edit(2, acknowledged=False, refused="item_locked")], responded(START)).broken == ["stored_refused"]


def test_what_nobody_ever_answered_is_unsettled() -> None:
    assert count([edit(2, acknowledged=False)], responded(START)).broken == ["unsettled"]


def test_edits_of_another_browser_are_not_counted() -> None:
    other: list[AnyEvent] = [Attached(START, "browser02", 2), responded(START, seq=9)]
    assert count([edit(2)], responded(START), *other).broken == []


def late(at: Moment, *between: AnyEvent) -> int:
    return count([edit(2, at=at)], *between, responded(at)).accepted_late


def test_on_a_live_connection_two_seconds_are_given() -> None:
    assert late(DEADLINE + 2 * SECOND) == 0
    assert late(DEADLINE + 2 * SECOND + 1) == 1


def test_where_the_connection_was_down_across_the_deadline_ten_are() -> None:
    down: list[AnyEvent] = [Detached(DEADLINE - 1), Attached(DEADLINE + SECOND, STREAM, 2)]
    assert late(DEADLINE + 10 * SECOND, *down) == 0
    assert late(DEADLINE + 10 * SECOND + 1, *down) == 1


def test_a_connection_that_breaks_after_the_deadline_was_live_across_it() -> None:
    down: list[AnyEvent] = [Detached(DEADLINE + 1), Attached(DEADLINE + SECOND, STREAM, 2)]
    assert late(DEADLINE + 2 * SECOND + 1, *down) == 1


def test_an_answer_that_was_sent_late_is_late_whatever_the_log_says_of_its_receipt() -> None:
    tally = count([edit(2, at=DEADLINE + 3 * SECOND)], responded(DEADLINE))
    assert tally.accepted_late == tally.foreign == 1


def test_time_spent_on_an_earlier_visit_counts() -> None:
    visits: list[AnyEvent] = [Shown(START + 40 * SECOND, 1, 3), Shown(START + HOUR // 60, 0, 4)]
    edits = [edit(3, "show", position=1), edit(4, "show")]
    end = START + HOUR // 60 + 20 * SECOND + 2 * SECOND
    assert count([*edits, edit(2, at=end)], *visits, responded(end)).accepted_late == 0
    assert count([*edits, edit(2, at=end + 1)], *visits, responded(end + 1)).accepted_late == 1


@pytest.mark.parametrize(
    "given", [Extended(START, 30 * SECOND, PROCTOR, 1), OutageCompensated(START, 30 * SECOND, START - 40 * SECOND)]
)
def test_time_that_was_given_back_counts(given: AnyEvent) -> None:
    assert late(DEADLINE + 32 * SECOND, given) == 0
    assert late(DEADLINE + 32 * SECOND + 1, given) == 1


def test_an_answer_to_an_item_that_has_expired_is_late_and_evidence_of_it_is_not() -> None:
    expired = ItemExpired(DEADLINE, 0)
    assert late(DEADLINE + SECOND, expired) == 1
    kept = RespondedLate(DEADLINE + 3 * SECOND, 0, 0, (ChoiceId("0.0.a"),), 2)
    tally = count([edit(2, at=DEADLINE + 3 * SECOND)], expired, kept)
    assert (tally.late, tally.expired, tally.broken) == (1, 1, [])


def test_the_whole_exam_ends_too() -> None:
    short = replace(CREATED, rules=replace(CREATED.rules, exam_limit=10 * SECOND))
    log = [short, *BEGUN[1:]]
    for at, expected in ((START + 12 * SECOND, 0), (START + 12 * SECOND + 1, 1)):
        account = Account(SITTING, STREAM, (Edit(1, "start", first_sent=START, acknowledged=True), edit(2, at=at)))
        assert reckon(account, [*log, responded(at)]).accepted_late == expected


def test_tallies_add_up() -> None:
    sum_of_two = Tally(sent=2)
    sum_of_two.add(Tally(sent=3, missing=1))
    assert sum_of_two == Tally(sent=5, missing=1)
    assert sum_of_two.broken == ["missing"]
