import httpx
import pytest
from msgspec.structs import replace

from core.errors import Invalid
from exam_server.entrance import Consent, Readings
from exam_server.pages.steps import MAX_FORM, MAX_PICTURE
from tests.unit.exam_server.pages.hall import VIEW, FakeEntrance

READINGS = {
    "camera": {"width": 1280, "height": 720, "label": "Камера"},
    "screen": {"width": 1920, "height": 1080},
    "download_mbit": 48.5,
    "upload_mbit": 12,
    "latency_ms": 31.25,
    "secure": True,
    "storage": True,
    "websocket": True,
}
CONSENT = {"version": "2026-1", "processing": True, "biometrics": False}


async def test_what_the_check_measured_is_recorded(
    client: httpx.AsyncClient, entrance: FakeEntrance, token: dict[str, str]
) -> None:
    answer = await client.post("/exam/41/check", json=READINGS, headers=token)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    (readings,) = entrance.recorded
    assert isinstance(readings, Readings)
    assert (readings.camera.label, readings.latency_ms) == ("Камера", 31.25)


async def test_consents_are_recorded_as_given(
    client: httpx.AsyncClient, entrance: FakeEntrance, token: dict[str, str]
) -> None:
    answer = await client.post("/exam/41/consent", json=CONSENT, headers=token)
    assert answer.status_code == 200
    assert entrance.recorded == [Consent("2026-1", processing=True, biometrics=False)]


async def test_the_reference_picture_arrives_byte_for_byte(
    client: httpx.AsyncClient, entrance: FakeEntrance, token: dict[str, str]
) -> None:
    jpeg = bytes(range(256)) * 40
    answer = await client.post("/exam/41/reference", content=jpeg, headers={**token, "Content-Type": "image/jpeg"})
    assert answer.status_code == 200
    assert entrance.recorded == [jpeg]


async def test_a_refusal_comes_with_its_code_sentence_and_fields(
    client: httpx.AsyncClient, entrance: FakeEntrance, token: dict[str, str]
) -> None:
    entrance.refusal = Invalid("check_failed", "Устройство пока не готово.", fields={"camera": "Подключите камеру."})
    answer = await client.post("/exam/41/check", json=READINGS, headers=token)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "check_failed"
    assert problem["detail"] == "Устройство пока не готово."
    assert problem["fields"] == {"camera": "Подключите камеру."}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"version": "2026-1", "processing": true}',
        b'{"version": "2025-1", "processing": true, "biometrics": true}',
        b'{"version": "2026-1", "processing": 1, "biometrics": true}',
        b'{"version": "2026-1", "processing": true, "biometrics": true, "admitted": true}',
    ],
)
async def test_a_malformed_consent_is_refused(
    client: httpx.AsyncClient, entrance: FakeEntrance, token: dict[str, str], body: bytes
) -> None:
    answer = await client.post("/exam/41/consent", content=body, headers=token)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_message")
    assert entrance.recorded == []


@pytest.mark.parametrize(
    "change",
    [
        {"download_mbit": -1},
        {"latency_ms": "fast"},
        {"camera": {"width": 1, "height": 1, "label": "x" * 201}},
        {"screen": {"width": 20_001, "height": 1}},
        {"secure": None},
    ],
)
async def test_impossible_readings_are_refused(
    client: httpx.AsyncClient, entrance: FakeEntrance, token: dict[str, str], change: dict[str, object]
) -> None:
    answer = await client.post("/exam/41/check", json={**READINGS, **change}, headers=token)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_message")
    assert entrance.recorded == []


@pytest.mark.parametrize(("path", "most"), [("check", MAX_FORM), ("consent", MAX_FORM), ("reference", MAX_PICTURE)])
async def test_a_body_is_not_read_past_its_bound(
    client: httpx.AsyncClient, entrance: FakeEntrance, token: dict[str, str], path: str, most: int
) -> None:
    answer = await client.post(f"/exam/41/{path}", content=b"x" * (most + 1), headers=token)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert entrance.recorded == []


@pytest.mark.parametrize("path", ["check", "consent", "reference"])
async def test_a_post_without_the_token_of_the_login_is_refused(
    client: httpx.AsyncClient, entrance: FakeEntrance, path: str
) -> None:
    answer = await client.post(f"/exam/41/{path}", json=CONSENT, headers={"X-CSRF-Token": "A" * 24})
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert entrance.recorded == []


@pytest.mark.parametrize("path", ["check", "consent", "reference"])
async def test_a_foreign_sitting_looks_like_none(client: httpx.AsyncClient, token: dict[str, str], path: str) -> None:
    body = {"check": READINGS, "consent": CONSENT, "reference": "x"}[path]
    assert (await client.post(f"/exam/42/{path}", json=body, headers=token)).status_code == 404


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("path", ["check", "consent", "reference"])
async def test_nobody_posts_without_signing_in(client: httpx.AsyncClient, token: dict[str, str], path: str) -> None:
    assert (await client.post(f"/exam/41/{path}", json=CONSENT, headers=token)).status_code == 401


async def test_a_waiting_page_is_told_how_far_it_is(client: httpx.AsyncClient, entrance: FakeEntrance) -> None:
    entrance.now_is = replace(VIEW, checked=True, consented=True, biometrics=False, identity_by_person_pending=True)
    answer = await client.get("/exam/41/entrance")
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert (told["admitted"], told["identity_by_person_pending"], told["sitting"]) == (False, True, 41)
    assert (await client.get("/exam/42/entrance", headers={"Accept": "application/json"})).status_code == 404
