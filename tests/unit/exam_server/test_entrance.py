"""When the identity is settled, and what the forms of the entrance accept."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import PersonId
from exam_server.entrance import CONSENT_VERSION, Consent, Readings, settled_by
from exam_server.store import Entrance

READINGS: dict[str, Any] = {
    "camera": {"width": 640, "height": 480, "label": "Камера"},
    "screen": {"width": 1366, "height": 768},
    "download_mbit": 20.5,
    "upload_mbit": 4,
    "latency_ms": 35.0,
    "secure": True,
    "storage": True,
    "websocket": True,
}

moments = st.none() | st.integers(1, 2**41)


@given(moments, moments, st.none() | st.booleans(), moments, moments)
def test_nobody_begins_before_everything_is_settled(
    checked: int | None, consented: int | None, biometrics: bool | None, referenced: int | None, identified: int | None
) -> None:
    person = None if identified is None else PersonId(1)
    by = settled_by(Entrance(checked, consented, biometrics, referenced, identified, person))
    if checked is None or consented is None:
        assert by is None
    elif biometrics:
        assert by == ("biometrics" if referenced is not None else None), "a passport does not replace a picture"
    else:
        assert by == ("person" if identified is not None else None), "a picture taken before does not count"


def test_readings_are_read() -> None:
    readings = msgspec.json.decode(json.dumps(READINGS), type=Readings)
    assert (readings.camera.width, readings.upload_mbit, readings.camera.label) == (640, 4.0, "Камера")


@pytest.mark.parametrize("label", ["", "a\tb", "\u202eMARYAC", "😀" * 100])
def test_a_camera_may_be_called_anything_that_can_be_stored(label: str) -> None:
    camera = {**READINGS["camera"], "label": label}
    assert msgspec.json.decode(json.dumps({**READINGS, "camera": camera}), type=Readings).camera.label == label


@pytest.mark.parametrize("label", ["\x00", "a\x00b", "a\n\x00", "x" * 201])
def test_a_label_that_can_not_be_stored_is_refused(label: str) -> None:
    camera = {**READINGS["camera"], "label": label}
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps({**READINGS, "camera": camera}), type=Readings)


def test_a_consent_names_the_text_that_was_agreed_to() -> None:
    right = {"version": CONSENT_VERSION, "processing": True, "biometrics": False}
    assert msgspec.json.decode(json.dumps(right), type=Consent).biometrics is False
    for wrong in ({**right, "version": "2020-1"}, {**right, "processing": "yes"}, {"version": CONSENT_VERSION}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(json.dumps(wrong), type=Consent)
