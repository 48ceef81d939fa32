import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from registry.names import LONGEST_QUERY, NameQuery, plain, read_query
from registry.notices import Speciality

MEDICINE = Speciality("31.05.01", "Лечебное дело")
NURSING = Speciality("34.02.01", "Сестринское дело")
PAEDIATRIC_NURSING = Speciality("34.02.02", "Детское сестринское дело")
KNOWN = [MEDICINE, NURSING, PAEDIATRIC_NURSING]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Фёдорова-Ли  Анна", "федорова-ли анна"),
        ("  ИВАНОВА\tанна. ", "иванова анна"),
        ("a%b_c", "a b c"),
        ("31.05.01", "31 05 01"),
        ("", ""),
    ],
)
def test_names_are_compared_by_their_letters(text: str, expected: str) -> None:
    assert plain(text) == expected


@given(st.text())
def test_a_plain_name_is_plain_already(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    "text",
    [
        "Иванова Анна Петровна, лечебное дело",
        "иванова анна петровна лечебное дело",
        "Иванова  Анна Петровна,31.05.01",
        "«Иванова Анна Петровна» — Лечебное дело",
    ],
)
def test_name_and_speciality_are_taken_apart(text: str) -> None:
    assert read_query(text, KNOWN) == NameQuery("иванова анна петровна", MEDICINE)


def test_the_longest_speciality_that_fits_is_meant() -> None:
    assert read_query("Ли Мария детское сестринское дело", KNOWN).speciality == PAEDIATRIC_NURSING
    assert read_query("Ли Мария сестринское дело", KNOWN).speciality == NURSING


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Иванова Анна Петровна", "query_speciality"),
        ("Иванова Анна, хирургия", "query_speciality"),
        ("Ивановалечебное дело", "query_speciality"),
        ("Иванова, лечебное дело", "query_name"),
        ("лечебное дело", "query_name"),
        ("%%% лечебное дело", "query_name"),
        ("x" * (LONGEST_QUERY + 1), "query_too_long"),
        ("", "query_speciality"),
    ],
)
def test_what_is_missing_is_said(text: str, code: str) -> None:
    with pytest.raises(Invalid) as error:
        read_query(text, KNOWN)
    assert (error.value.code, list(error.value.fields)) == (code, ["q"])
