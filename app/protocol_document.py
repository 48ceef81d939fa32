"""The browser protocol as JSON Schema, generated from its types."""

import json
from pathlib import Path
from typing import Any

import msgspec

from exam_server import camera, wire

FILE = "protocol.schema.json"


def describe() -> dict[str, Any]:
    """One schema document: what a page may send and what it is told, on both sockets."""
    parts: dict[str, Any] = {
        "exam_incoming": wire.Incoming,
        "exam_outgoing": wire.AnyOutgoing,
        "camera_incoming": camera.WindowReport,
        "camera_outgoing": camera.AnyCameraOutgoing,
    }
    schemas, components = msgspec.json.schema_components(list(parts.values()), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Exam protocol, version {wire.PROTOCOL}",
        "properties": dict(zip(parts, schemas, strict=True)),
        "$defs": dict(sorted(components.items())),
    }


def text() -> str:
    return json.dumps(describe(), ensure_ascii=False, indent=2, sort_keys=False) + "\n"


def write(folder: Path) -> Path:
    """Write the schema into a folder and return the file."""
    path = folder / FILE
    path.write_text(text(), encoding="utf-8")
    return path
