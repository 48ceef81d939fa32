"""What is stored: every event survives its bytes, and carries nothing that a log must not hold."""

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from core.ids import ChoiceId, PersonId
from exam_server.events import (
    SCHEMA,
    AdmissionWithdrawn,
    Admitted,
    Allowance,
    AllowanceSet,
    AnyEvent,
    Attached,
    BreakBegun,
    BreakOver,
    CloseMoved,
    Created,
    Detached,
    Ended,
    EndReason,
    Event,
    Extended,
    Flagged,
    FormReplaced,
    HelpAnswered,
    HelpAsked,
    ItemExpired,
    ItemLocked,
    ItemWithdrawn,
    LateAdmitted,
    NoticeRead,
    OutageCompensated,
    Paused,
    Questioned,
    Responded,
    RespondedLate,
    Resumed,
    SectionClosed,
    SectionExpired,
    Shown,
    StageLocked,
    Started,
    Told,
    decode_batch,
    encode_batch,
    trace_of,
)
from exam_server.sitting import fold
from tests.histories.sittings import SITTING, creations, forms, thorough

moments = st.integers(0, 2**45)
places = st.integers(0, 9_999)
numbers = st.integers(1, 2**53)
values = st.lists(st.text(max_size=64).map(ChoiceId), max_size=32).map(tuple)
people = st.integers(1, 2**62).map(PersonId)
optional_numbers = st.none() | numbers
allowances = st.builds(Allowance, st.integers(100, 400), st.integers(0, 10**7), st.integers(0, 20))

EVERY: dict[type[Event], st.SearchStrategy[AnyEvent]] = {
    Created: creations(),
    Admitted: st.builds(Admitted, moments, st.sampled_from(["biometrics", "person"])),
    AdmissionWithdrawn: st.builds(AdmissionWithdrawn, moments),
    Started: st.builds(Started, moments, numbers),
    Attached: st.builds(Attached, moments, st.text(max_size=64), numbers),
    Detached: st.builds(Detached, moments),
    Shown: st.builds(Shown, moments, places, optional_numbers),
    Responded: st.builds(Responded, moments, places, places, values, numbers),
    StageLocked: st.builds(StageLocked, moments, places, places, numbers),
    ItemLocked: st.builds(ItemLocked, moments, places, st.none() | st.integers(1, 2**40)),
    ItemExpired: st.builds(ItemExpired, moments, places),
    Flagged: st.builds(Flagged, moments, places, st.booleans(), numbers),
    RespondedLate: st.builds(RespondedLate, moments, places, places, values, numbers),
    Extended: st.builds(Extended, moments, st.integers(1, 10**9), people, numbers),
    LateAdmitted: st.builds(LateAdmitted, moments, places, people, numbers),
    OutageCompensated: st.builds(OutageCompensated, moments, st.integers(1, 10**9), moments),
    Paused: st.builds(Paused, moments, people, numbers),
    Resumed: st.builds(Resumed, moments, people),
    BreakBegun: st.builds(BreakBegun, moments, moments, numbers),
    BreakOver: st.builds(BreakOver, moments, optional_numbers),
    AllowanceSet: st.builds(AllowanceSet, moments, allowances, people, numbers),
    CloseMoved: st.builds(CloseMoved, moments, moments, people, numbers),
    SectionClosed: st.builds(SectionClosed, moments, places, optional_numbers),
    SectionExpired: st.builds(SectionExpired, moments, places),
    ItemWithdrawn: st.builds(ItemWithdrawn, moments, places),
    FormReplaced: st.builds(FormReplaced, moments, forms()),
    Questioned: st.builds(Questioned, moments, places, numbers, numbers),
    HelpAsked: st.builds(HelpAsked, moments, numbers, optional_numbers),
    HelpAnswered: st.builds(HelpAnswered, moments, people),
    Told: st.builds(Told, moments, st.sampled_from(["message", "warning"]), numbers, people),
    NoticeRead: st.builds(NoticeRead, moments, numbers, numbers),
    Ended: st.builds(
        Ended, moments, st.sampled_from(get_args(EndReason)), optional_numbers, st.none() | people, optional_numbers
    ),
}


def test_every_event_is_tried() -> None:
    assert set(EVERY) == set(get_args(AnyEvent)) == set(Event.__subclasses__())


@given(st.lists(st.one_of(*EVERY.values()), max_size=8).map(tuple))
@thorough(150)
def test_events_come_back_from_their_bytes(events: tuple[AnyEvent, ...]) -> None:
    stored = encode_batch(events)
    assert decode_batch(stored) == events
    assert encode_batch(decode_batch(stored)) == stored


def test_a_batch_names_its_schema() -> None:
    assert msgspec.json.decode(encode_batch((Detached(5),))) == {
        "schema": SCHEMA,
        "events": [{"e": "detached", "at": 5}],
    }


@pytest.mark.parametrize(
    "stored", [b"", b"{}", b'{"schema":1,"events":[{"e":"deleted","at":1}]}', b'{"schema":99,"events":[]}', b"\xff"]
)
def test_foreign_bytes_are_not_read(stored: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeError)):
        decode_batch(stored)


def test_no_event_has_room_for_free_text_or_addresses() -> None:
    """Texts inside events are ids, names of streams and fixed words; each new one has to be thought about here."""
    texts = {
        f"{kind.__name__}.{field.name}"
        for kind in EVERY
        if kind not in (Created, FormReplaced)
        for field in inspect.type_info(kind).fields  # type: ignore[attr-defined]
        if holds_text(field.type)
    }
    assert texts == {"Attached.stream", "Responded.value", "RespondedLate.value"}


def holds_text(node: Any) -> bool:
    if isinstance(node, inspect.StrType):
        return True
    if isinstance(node, inspect.UnionType):
        return any(holds_text(part) for part in node.types)
    return holds_text(node.item_type) if hasattr(node, "item_type") else False


GOLDEN = json.loads((Path(__file__).parent / "golden" / "schema-1.json").read_text())


@pytest.mark.parametrize("name", GOLDEN)
def test_logs_of_earlier_releases_fold_to_what_they_meant_then(name: str) -> None:
    """Written by the release that had schema 1; the file is never made anew."""
    log = GOLDEN[name]
    sitting = fold(SITTING, [event for row in log["rows"] for event in decode_batch(row.encode())])
    state = {
        "status": sitting.status,
        "end_reason": sitting.end_reason,
        "admitted": sitting.admitted,
        "started_at": sitting.started_at,
        "ended_at": sitting.ended_at,
        "deadline": sitting.deadline,
        "current": sitting.current,
        "extra": sitting.extra,
        "late": len(sitting.late),
        "epoch": sitting.epoch,
        "streams": sitting.streams,
        "answers": [[list(value) for value in item.answers] for item in sitting.items],
        "stages": [item.stage for item in sitting.items],
        "locked": [item.locked for item in sitting.items],
        "expired": [item.expired for item in sitting.items],
        "flagged": [item.flagged for item in sitting.items],
    }
    assert state == log["state"]


def test_a_batch_with_an_event_is_told_by_its_trace() -> None:
    batches = {kind: encode_batch((Detached(1), kind_of(kind))) for kind in (LateAdmitted, Started, RespondedLate)}
    for kind, stored in batches.items():
        assert [other for other in batches if trace_of(other) in stored] == [kind]


def kind_of(kind: type[Event]) -> AnyEvent:
    made: dict[type[Event], AnyEvent] = {
        LateAdmitted: LateAdmitted(2, 0, PersonId(2), 9),
        Started: Started(2, 1),
        RespondedLate: RespondedLate(2, 4, 0, (), 7),
    }
    return made[kind]
