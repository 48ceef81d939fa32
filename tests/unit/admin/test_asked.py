"""What an address of the bank's list asks for; anything may stand in one."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from admin.pages.asked import NAMES, Asked, read_asked
from core.ids import PersonId
from question_bank.requirements import Requirement, Speciality
from question_bank.wanted import Wanted

ME = PersonId(7)
VALUES = st.text(max_size=30) | st.sampled_from(
    ["draft", "mine", "me", "hard", "case", "exam", "ru", "12", "rated", "over"]
)


def ask(**query: str) -> Asked:
    return read_asked(QueryParams(query), ME)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, Wanted()),
        ({"where": "draft", "author": "me"}, Wanted(where="draft", author=ME)),
        ({"where": "mine"}, Wanted(reviewer=ME)),
        ({"band": "medium"}, Wanted(easier=0.5, harder=0.75)),
        ({"band": "hard", "known": "unrated"}, Wanted(harder=0.5, rated=False)),
        ({"known": "calibrated"}, Wanted(calibrated=True)),
        ({"kind": "case", "level": "recall", "pool": "practice", "language": "en"},
         Wanted(kind="case", level="recall", pool="practice", language="en")),
        ({"author": "15", "tag": " срочно "}, Wanted(author=PersonId(15), tag="срочно")),
        ({"where": "nowhere", "kind": "x", "author": "-1", "band": "?", "known": "all"}, Wanted()),
    ],
)  # fmt: skip
def test_an_address_is_read(query: dict[str, str], wanted: Wanted) -> None:
    assert ask(**query).wanted == wanted


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_anything_may_stand_in_an_address_and_what_is_written_again_reads_the_same(query: dict[str, str]) -> None:
    asked = ask(**query)
    again = ask(**dict(parse_qsl(asked.query)))
    assert again == asked
    assert all("\x00" not in value for value in asked.chosen.values())


def test_what_another_speciality_has_not_is_dropped() -> None:
    asked = ask(speciality="S1", requirement="R1", section="Хирургия", q="слово")
    assert asked.narrowed == 2
    known = [Requirement("R1", "S1", "Первое", "Терапия")]
    kept = asked.within(known)
    assert (kept.wanted.requirement, kept.wanted.section) == ("R1", None)
    assert kept.query == ask(q="слово", speciality="S1", requirement="R1").query
    assert asked.within([]).wanted == Wanted(speciality="S1")


def test_a_speciality_that_the_bank_has_not_is_any() -> None:
    asked = ask(speciality="S9", kind="case", exposed="never")
    assert asked.of([Speciality("S9", "Девятая")]) == asked
    anything = asked.of([Speciality("S1", "Первая")])
    assert anything == ask(kind="case", exposed="never")
    assert anything.of([]) == anything


def test_what_was_drawn_is_asked_beside_what_the_bank_knows() -> None:
    asked = ask(exposed="over", q="слово")
    assert (asked.exposed, asked.wanted, asked.narrowed) == ("over", Wanted(), 1)
    assert asked.within([]).exposed == "over"
    assert ask(exposed="often").exposed is None
