"""The browser protocol: whatever arrives is understood or refused, and no key has a place in what leaves."""

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import inspect

from core.ids import ChoiceId
from exam_server import wire
from exam_server.commands import Flag, LockStage, RefusalCode, Respond, Show, Start, Submit
from exam_server.wire import AnyOutgoing, Incoming, Ping, Refused, WireCode
from tests.histories.sittings import thorough

CODES = {code for part in get_args(WireCode) for code in get_args(part)} | set(get_args(RefusalCode))
KEY_WORDS = {"key", "keys", "role", "roles", "correct", "right", "weight", "weights", "explanation", "score", "points"}

numbers = st.integers(1, 2**53)
places = st.integers(0, 9_999)
understood: st.SearchStrategy[Incoming] = st.one_of(
    st.builds(Start, numbers),
    st.builds(Show, numbers, places),
    st.builds(Respond, numbers, places, places, st.lists(st.text(max_size=64).map(ChoiceId), max_size=32).map(tuple)),
    st.builds(LockStage, numbers, places, places),
    st.builds(Flag, numbers, places, st.booleans()),
    st.builds(Submit, numbers),
    st.builds(Ping, st.floats(0, 1e15)),
)
anything_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(["type", "seq", "position", "stage", "value", "on", "sent", "x"])
kinds = st.sampled_from(["start", "show", "respond", "lock", "flag", "submit", "ping", "nope", ""])
half_right = st.dictionaries(names, anything_json | kinds | st.integers(-1, 3), max_size=6).map(json.dumps)


@given(understood)
@thorough(200)
def test_what_a_page_may_say_is_understood(message: Incoming) -> None:
    data = msgspec.json.encode(message)
    assert wire.decode(data) == message
    assert wire.decode(data.decode()) == message


@given(st.binary(max_size=200) | st.text(max_size=100) | half_right | anything_json.map(json.dumps))
@example("")
@example(b"\xff\xfe{}")
@example("\ud800")
@example("[" * wire.MAX_MESSAGE)
@example('{"type":"nope","seq":1,"x":' + "[" * 16_000 + "]" * 16_000 + "}")
@example('{"x":' + '{"a":' * 3_000)
@example('{"type":"nope","seq":' + "9" * 4_000 + "}")
@example('{"type":"respond","seq":' + "9" * 4_000 + "}")
@example('{"type":"ping","sent":1e999}')
@example('{"type":"ping","sent":NaN}')
@thorough(400)
def test_whatever_else_arrives_is_refused_with_a_code(data: str | bytes) -> None:
    decoded = wire.decode(data)
    if isinstance(decoded, Refused):
        assert decoded.code in {"malformed", "unknown_type", "invalid_message"}
        assert decoded.seq is None or 0 <= decoded.seq <= 2**53
        assert len(wire.encode(decoded)) < 2_000
    else:
        assert isinstance(decoded, Incoming)


@given(understood, st.data())
@thorough(150)
def test_a_damaged_message_never_raises(message: Incoming, data: st.DataObject) -> None:
    stored = bytearray(msgspec.json.encode(message))
    for _ in range(data.draw(st.integers(1, 3))):
        stored[data.draw(st.integers(0, len(stored) - 1))] = data.draw(st.integers(0, 255))
    wire.decode(bytes(stored[: data.draw(st.integers(0, len(stored)))]))
    wire.decode(bytes(stored))


@pytest.mark.parametrize(
    ("data", "code", "seq"),
    [
        ('{"type":"hack","seq":4}', "unknown_type", 4),
        ('{"seq":4}', "unknown_type", 4),
        ("{}", "unknown_type", None),
        ('{"type":7,"seq":"x"}', "unknown_type", None),
        ('{"type":"respond","seq":4}', "invalid_message", 4),
        ('{"type":"submit","seq":4,"score":100}', "invalid_message", 4),
        ('{"type":"submit","seq":0}', "invalid_message", 0),
        ('{"type":"submit","seq":-1}', "invalid_message", None),
        ('{"type":"submit","seq":1.5}', "invalid_message", None),
        ('{"type":"show","seq":1,"position":10000}', "invalid_message", 1),
        ('{"type":"respond","seq":1,"position":0,"stage":0,"value":["' + "x" * 65 + '"]}', "invalid_message", 1),
        (
            '{"type":"respond","seq":1,"position":0,"stage":0,"value":' + json.dumps(["a"] * 33) + "}",
            "invalid_message",
            1,
        ),
        ("[]", "invalid_message", None),
        ("hello", "malformed", None),
    ],
)
def test_a_refusal_says_why_and_names_the_edit(data: str, code: str, seq: int | None) -> None:
    refused = wire.decode(data)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.seq) == (code, seq)


@given(st.integers(1, 2**53))
@thorough(50)
def test_the_short_way_to_an_acknowledgement_is_the_same(seq: int) -> None:
    assert wire.encode_ack(seq) == wire.encode(wire.Ack(seq))


def test_every_code_has_a_sentence() -> None:
    assert set(wire.SENTENCES) == CODES
    assert all(sentence.endswith(".") for sentence in wire.SENTENCES.values())


def walk(kind: Any) -> set[tuple[str, str]]:
    """Every (type, field) that can be reached from a type."""
    found: set[tuple[str, str]] = set()
    seen: set[type] = set()

    def visit(node: Any) -> None:
        if isinstance(node, inspect.StructType):
            if node.cls in seen:
                return
            seen.add(node.cls)
            for field in node.fields:
                found.add((node.cls.__name__, field.encode_name))
                visit(field.type)
        elif isinstance(node, inspect.UnionType):
            for part in node.types:
                visit(part)
        elif isinstance(node, inspect.TupleType):
            for part in node.item_types:
                visit(part)
        elif hasattr(node, "item_type"):
            visit(node.item_type)
        else:
            assert not isinstance(node, inspect.DictType | inspect.AnyType | inspect.RawType), (
                f"{node} can hold anything"
            )

    visit(inspect.type_info(kind))
    return found


def test_nothing_that_leaves_has_a_place_for_a_key() -> None:
    fields = walk(AnyOutgoing)
    assert ("CandidateChoice", "text") in fields  # the walk gets to the bottom
    assert ("OpenItem", "content") in fields
    assert not {field for field in fields if KEY_WORDS & set(field[1].split("_"))}


def test_the_walk_would_find_a_key() -> None:
    class Leaky(msgspec.Struct):
        inner: tuple[tuple[ChoiceId, ...], ...]
        correct: bool

    class Outer(msgspec.Struct):
        leaky: list[Leaky] | None

    assert ("Leaky", "correct") in walk(Outer)
