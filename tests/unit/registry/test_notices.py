import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.errors import Invalid
from registry.notices import (
    Effect,
    OutcomeNotice,
    Person,
    Receipt,
    Term,
    encode,
    last_day,
    read_notice,
    read_receipt,
)
from tests.unit.registry.samples import ANNA, PASSED, TODAY, annulled, failed, passed


def refusal(notice: OutcomeNotice) -> str:
    with pytest.raises(Invalid) as error:
        read_notice(encode(notice), TODAY)
    return error.value.code


def changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(encode(PASSED)) | fields).encode()


@pytest.mark.parametrize("notice", [PASSED, failed(2), annulled(3, of=1), passed(4, term=Term(days=365))])
def test_a_notice_comes_through_as_it_was(notice: OutcomeNotice) -> None:
    assert read_notice(encode(notice), TODAY) == notice


def test_the_bytes_are_the_same_for_the_same_notice() -> None:
    assert encode(PASSED) == encode(read_notice(encode(PASSED), TODAY))
    assert encode(PASSED).startswith(b'{"annuls":null,"basis":')


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"schema": 2}, "notice_schema"),
        ({"schema": "1"}, "notice_malformed"),
        ({"extra": 1}, "notice_malformed"),
        ({"key": ""}, "notice_malformed"),
        ({"key": "x" * 201}, "notice_malformed"),
        ({"key": "a\0b"}, "notice_malformed"),
        ({"basis": "  "}, "notice_malformed"),
        ({"basis": "line\nline"}, "notice_malformed"),
        ({"sequence": 0}, "notice_malformed"),
        ({"sequence": 2**63}, "notice_malformed"),
        ({"decided_on": "14.05.2026"}, "notice_malformed"),
        ({"decided_on": "2026-02-30"}, "notice_malformed"),
        ({"kind": "secondary"}, "notice_malformed"),
        ({"person": {"reference": "1"}}, "notice_malformed"),
        ({"term": {"years": -1}}, "notice_malformed"),
        ({"term": {"years": 10**30}}, "notice_malformed"),
    ],
)
def test_what_does_not_fit_the_schema_is_refused(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as error:
        read_notice(changed(**fields), TODAY)
    assert error.value.code == code


def test_the_refusal_names_the_place() -> None:
    with pytest.raises(Invalid) as error:
        read_notice(changed(person={"reference": "1", "name": ""}), TODAY)
    assert "$.person.name" in error.value.fields["body"]


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"[]", b"\xff\xfe", b"{", b"[" * 100_000, b'{"schema": 1}', b'"\\ud800"']
)
def test_what_is_no_notice_is_refused(payload: bytes) -> None:
    with pytest.raises(Invalid) as error:
        read_notice(payload, TODAY)
    assert error.value.code == "notice_malformed"


@given(st.binary(max_size=300))
def test_any_bytes_are_answered(payload: bytes) -> None:
    with pytest.raises(Invalid):
        read_notice(payload, TODAY)


def test_the_senders_clock_may_be_a_day_ahead_and_no_more() -> None:
    tomorrow = passed(1, decided_on=TODAY + timedelta(days=1))
    assert read_notice(encode(tomorrow), TODAY) == tomorrow
    assert refusal(passed(1, decided_on=TODAY + timedelta(days=2))) == "notice_from_future"
    assert refusal(passed(1, decided_on=date.max)) == "notice_from_future"


@pytest.mark.parametrize(
    "term", [None, Term(), Term(years=6), Term(years=5, days=1), Term(days=1827), Term(years=4, days=366)]
)
def test_a_term_is_given_and_five_years_at_most(term: Term | None) -> None:
    """From 14 May 2026 to 14 May 2031 there are 1826 days."""
    assert refusal(passed(1, term=term)) == "notice_term"


@pytest.mark.parametrize("term", [Term(years=5), Term(days=1826), Term(years=4, days=365), Term(days=1)])
def test_terms_up_to_five_years_are_taken(term: Term) -> None:
    assert read_notice(encode(passed(1, term=term)), TODAY).term == term


def test_only_who_passed_has_a_term_and_only_an_annulment_names_another() -> None:
    assert refusal(failed(1, term=Term(years=1))) == "notice_term"
    assert refusal(annulled(2, of=1, term=Term(years=1))) == "notice_term"
    assert refusal(annulled(2, of=2)) == "notice_annuls"
    assert refusal(annulled(2, of=1, annuls=None)) == "notice_annuls"
    assert refusal(passed(2, annuls="outcome-1")) == "notice_annuls"


def test_nobody_is_accredited_before_birth() -> None:
    assert refusal(passed(1, person=replace(ANNA, birth_date=date(2026, 5, 14)))) == "notice_birth_date"
    assert read_notice(encode(passed(1, person=Person("1", "Ли Мария"))), TODAY).person.birth_date is None


@pytest.mark.parametrize(
    ("decided_on", "term", "last"),
    [
        (date(2026, 5, 14), Term(years=5), date(2031, 5, 14)),
        (date(2024, 2, 29), Term(years=5), date(2029, 2, 28)),
        (date(2024, 2, 29), Term(years=4), date(2028, 2, 29)),
        (date(2026, 12, 31), Term(days=1), date(2027, 1, 1)),
        (date(2026, 1, 31), Term(years=1, days=1), date(2027, 2, 1)),
    ],
)
def test_a_term_ends_on_its_day(decided_on: date, term: Term, last: date) -> None:
    assert last_day(decided_on, term) == last


def test_a_receipt_comes_through_as_it_was() -> None:
    receipt = Receipt(key="outcome-1", digest="00" * 32, received_at=1, effect=Effect.RECORDED)
    assert read_receipt(encode(receipt)) == receipt
    with pytest.raises(Invalid):
        read_receipt(b"{}")
