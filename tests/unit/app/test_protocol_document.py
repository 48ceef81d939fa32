"""The schema in docs is the one of the types, and it says of real messages what the decoder says."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app import protocol_document
from core.ids import ChoiceId
from exam_server import wire
from exam_server.camera import CameraRefused, FrameRate, WindowReport
from exam_server.commands import Respond

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_document_in_docs_is_up_to_date() -> None:
    kept = (DOCS / protocol_document.FILE).read_text(encoding="utf-8")
    assert kept == protocol_document.text(), "write it anew with `python -m app.cli protocol`"


def test_every_message_has_its_schema() -> None:
    described = protocol_document.describe()
    tags = {part["properties"]["type"].get("enum", [""])[0] for part in described["$defs"].values() if tagged(part)}
    assert {"start", "show", "respond", "lock", "flag", "submit", "ping"} <= tags
    assert {"snapshot", "ack", "item", "closed", "deadlines", "ended", "taken_over", "late", "pong", "refused"} <= tags
    assert {"window", "rate"} <= tags
    assert set(described["properties"]) == {"exam_incoming", "exam_outgoing", "camera_incoming", "camera_outgoing"}
    for reference in references(described):
        assert reference.removeprefix("#/$defs/") in described["$defs"]


def test_the_schema_names_bounds_and_forbids_what_is_unknown() -> None:
    respond = protocol_document.describe()["$defs"]["Respond"]
    assert respond["additionalProperties"] is False
    assert set(respond["required"]) == {"type", "seq", "position", "stage", "value"}
    assert respond["properties"]["seq"]["minimum"] == 1
    assert respond["properties"]["value"]["maxItems"] == 32
    example = msgspec.json.decode(msgspec.json.encode(Respond(1, 0, 0, (ChoiceId("a"),))))
    assert set(example) == set(respond["properties"])


def test_no_schema_has_a_place_for_a_key() -> None:
    said = protocol_document.text().lower()
    for word in ('"key"', '"role"', '"correct"', '"explanation"', '"weight"', '"difficulty"', '"score"'):
        assert word not in said


def test_every_refusal_code_of_the_wire_is_in_it() -> None:
    code = protocol_document.describe()["$defs"]["Refused"]["properties"]["code"]
    listed = {value for part in code.get("anyOf", [code]) for value in part["enum"]}
    assert listed <= set(wire.SENTENCES)
    assert {"bad_seq", "flood", "message_too_large", "ended", "unknown_item", "unknown_option"} <= listed


@pytest.mark.parametrize("message", [FrameRate(1_000), CameraRefused("code", "Предложение."), WindowReport("blur")])
def test_the_cameras_messages_are_as_the_document_says(message: msgspec.Struct) -> None:
    schema = protocol_document.describe()["$defs"][type(message).__name__]
    assert set(msgspec.json.decode(msgspec.json.encode(message))) == set(schema["properties"])


def test_the_prose_names_every_close_code_and_message_of_the_page() -> None:
    prose = (DOCS / "protocol.md").read_text(encoding="utf-8")
    for code in (4001, 4400, 4401, 4404, 4409, 1008, 1012, 1013):
        assert str(code) in prose
    for tag in [
        "start",
        "show",
        "respond",
        "lock",
        "flag",
        "submit",
        "snapshot",
        "ack",
        "refused",
        "late",
        "deadlines",
    ]:
        assert f"`{tag}`" in prose


def test_it_is_written_as_it_is_told(tmp_path: Path) -> None:
    written = protocol_document.write(tmp_path)
    assert written.read_text(encoding="utf-8") == protocol_document.text()
    assert json.loads(written.read_text(encoding="utf-8")) == json.loads(json.dumps(protocol_document.describe()))


def tagged(part: dict[str, Any]) -> bool:
    return "type" in part.get("properties", {})


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [reference for value in part.values() for reference in references(value)]
    return [reference for value in part for reference in references(value)] if isinstance(part, list) else []
