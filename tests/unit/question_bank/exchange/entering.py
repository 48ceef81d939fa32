"""What tests of several formats ask of what was read."""

from typing import TypeVar

from hypothesis import HealthCheck, settings

from question_bank.drafts import Draft
from question_bank.exchange.entries import Arriving, Rejected
from question_bank.items import Role

Entry = TypeVar("Entry", Arriving, Rejected)
many = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def only(entries: list[Arriving | Rejected], kind: type[Entry]) -> Entry:
    (entry,) = entries
    assert isinstance(entry, kind)
    return entry


def roles(draft: Draft) -> list[tuple[str, bool]]:
    return [(choice.text, choice.role == Role.KEY) for choice in draft.stages[0].choices]


def codes(entry: Arriving) -> set[tuple[str, str]]:
    return {(remark.weight, remark.code) for remark in entry.remarks}
