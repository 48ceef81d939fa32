"""A pasted list of requirements: what is new, what changes, what is not taken and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.requirement_list import MOST_LINES, find_requirement_fault, read_list
from question_bank.requirements import Requirement

KNOWN = [
    Requirement("A/01.7", "S1", "Диагностика", "Врач"),
    Requirement("A/02.7", "S1", "Лечение", "Врач"),
    Requirement("A/01.7", "S2", "Другое"),
]


@pytest.mark.parametrize("comma", [";", "\t", ","])
def test_a_list_is_told_by_what_it_changes(comma: str) -> None:
    lines = [
        ("Код", "Название", "Раздел"),
        ("A/01.7", "Диагностика", ""),
        ("A/02.7", "Назначение  лечения", "Врач"),
        ("A/03.7", "Профилактика", "Врач"),
        ("", "Без кода", ""),
        ("A/03.7", "Ещё раз", ""),
    ]
    listing = read_list("\n".join(comma.join(cells) for cells in lines), "S1", KNOWN)
    assert listing.fresh == (Requirement("A/03.7", "S1", "Профилактика", "Врач"),)
    assert listing.changed == ((KNOWN[1], Requirement("A/02.7", "S1", "Назначение лечения", "Врач")),)
    assert listing.same == 1
    assert [one.line for one in listing.wrong] == [5, 6]
    assert listing.wanted == (listing.fresh[0], listing.changed[0][1])


def test_quotes_marks_and_line_ends_of_others() -> None:
    text = '\ufeffA/05.7;"Лечение; уход";"Сестра"\r\n"A/06.7;не закрыта\r\nA/07.7;Третье'
    listing = read_list(text, "S1", [])
    assert [one.code for one in listing.fresh] == ["A/05.7", "A/07.7"]
    assert listing.fresh[0].title == "Лечение; уход"
    assert [one.line for one in listing.wrong] == [2]


def test_a_list_is_bounded_and_says_so() -> None:
    listing = read_list("\n".join(f"c{number};t" for number in range(MOST_LINES + 3)), "S1", [])
    assert len(listing.fresh) == MOST_LINES
    assert [one.line for one in listing.wrong] == [MOST_LINES + 1]
    assert [one.line for one in read_list(f"c;t\n{'щ' * 200_000};t\nd;t", "S1", []).wrong] == [2]


@pytest.mark.parametrize(
    ("code", "title", "section"),
    [
        ("", "t", ""),
        ("c", " ", ""),
        ("c" * 61, "t", ""),
        ("c", "t" * 501, ""),
        ("c", "t", "s" * 301),
        ("c\x00", "t", ""),
    ],
)
def test_what_can_not_be_kept(code: str, title: str, section: str) -> None:
    assert find_requirement_fault(code, title, section) is not None
    assert find_requirement_fault("A/01.7", "Диагностика", "") is None


@given(st.text(alphabet=st.characters() | st.sampled_from(';,"\n\t'), max_size=300))
def test_anything_can_be_pasted_and_every_line_is_accounted_for(text: str) -> None:
    listing = read_list(text, "S1", KNOWN)
    told = len(listing.fresh) + len(listing.changed) + listing.same + len(listing.wrong)
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    assert told in (len(lines), len(lines) - 1)
    assert len({one.code for one in listing.wanted}) == len(listing.wanted)
