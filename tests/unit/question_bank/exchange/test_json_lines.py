"""Objects line by line, named as columns are."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from question_bank.exchange import json_lines
from question_bank.exchange.entries import Arriving, Rejected
from question_bank.exchange.formats import find_format
from question_bank.exchange.head import look


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bank.jsonl"


def test_an_item_without_its_key_is_a_draft_to_be_mended(file: Path) -> None:
    line = {"idx": "x7", "question": "Где?", "1": "там", "2": "тут", "3": "здесь", "4": 4, "note": None}
    file.write_text(json.dumps(line, ensure_ascii=False) + "\n\n", encoding="utf-8")
    (entry,) = json_lines.read(file)
    assert isinstance(entry, Arriving)
    assert (entry.identifier, entry.draft.stem, len(entry.draft.stages[0].choices)) == ("x7", "Где?", 4)
    assert [(remark.weight, remark.code) for remark in entry.remarks] == [("fault", "no_key")]


def test_what_is_no_item_is_rejected_with_its_line(file: Path) -> None:
    lines = [
        '{"question": "Q?", "A": "a", "B": "b", "answer": "B"}',
        "[1]",
        '{"question": {"x": 1}}',
        '{"a": 1}',
        "{",
        '{"question": "", "A": "", "B": null}',
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    first, *others = json_lines.read(file)
    assert isinstance(first, Arriving)
    assert [(one.code, one.place.line, one.original.decode()) for one in others if isinstance(one, Rejected)] == [
        ("line_unread", 2, "[1]"),
        ("line_unread", 3, '{"question": {"x": 1}}'),
        ("columns_unknown", 4, '{"a": 1}'),
        ("line_unread", 5, "{"),
        ("empty", 6, '{"question": "", "A": "", "B": null}'),
    ]


def test_a_line_beyond_measure_is_refused(file: Path) -> None:
    file.write_text('{"question": "' + "x" * (1 << 21), encoding="utf-8")
    with pytest.raises(Invalid, match="exchange_line_too_long") as refusal:
        list(json_lines.read(file))
    assert refusal.value.fields == {"line": "1"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_entries_or_a_refusal(file: Path, data: bytes) -> None:
    file.write_bytes(b'{"question": "' + data)
    with contextlib.suppress(Invalid):
        assert all(isinstance(entry, Arriving | Rejected) for entry in json_lines.read(file))


def test_it_is_recognised(file: Path) -> None:
    file.write_text('{"question": "Q?"}', encoding="utf-8")
    assert find_format(look(file)).name == "jsonl"
