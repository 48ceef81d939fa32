"""Every form and JSON field that a candidate can send over HTTP: a clear code for anything, and never a 500."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from admin.pages.acts import ACTS
from app.candidate import READINGS, find_token
from core.access.people import FAILURES_PER_LOGIN_AND_ADDRESS
from exam_server.pages.samples import MAX_SAMPLE
from exam_server.pages.steps import MAX_FORM, MAX_PICTURE
from tests.server.booth import CONSENT, Booth, Staff
from tests.server.processes import Server, faults_in

Booths = Callable[[Server], Awaitable[Booth]]
HUGE = "9" * 5_000
NUL, SURROGATE = "\\u0000", "\\ud800"
"""As they are written in JSON."""


def check(answer: httpx.Response, status: int | tuple[int, ...], code: str = "") -> None:
    """A refusal by a problem document with a code and a sentence."""
    said = (answer.request.method, answer.request.url.path[:80], answer.status_code, answer.text[:300])
    assert answer.status_code in ((status,) if isinstance(status, int) else status), said
    problem = answer.json()
    assert problem["code"], said
    assert problem["detail"], said
    assert problem["status"] == answer.status_code
    if code:
        assert problem["code"] == code, said


def changed(value: dict[str, Any], path: str, to: Any) -> dict[str, Any]:
    """The same with one field, named like `camera.width`, set to something else; `...` takes it away."""
    copy: dict[str, Any] = json.loads(json.dumps(value))
    *outer, last = path.split(".")
    place = copy
    for name in outer:
        place = place[name]
    if to is ...:
        del place[last]
    else:
        place[last] = to
    return copy


BAD_BODIES = ["", "{", "null", "[]", "7", '"x"', "{}", "[" * 8_000, "\x00", "true", '{"a":' + HUGE + "}"]
WRONG_READINGS: dict[str, tuple[Any, ...]] = {
    "camera": (None, 7, "x", [], {}, ...),
    "camera.width": (None, "640", -1, 1.5, 20_001, 2**64, True, [], ...),
    "camera.label": (None, 7, "x" * 201, ["x"], ...),
    "screen": (None, [], ...),
    "screen.height": (-5, "x", 1e300),
    "download_mbit": (None, "1", -1, 1e9, [], ...),
    "latency_ms": (-0.5, True, "soon"),
    "secure": (None, 1, "true", ...),
    "storage": ("", 0),
    "websocket": (None, "yes", ...),
    "extra": (1,),
}
WRONG_CONSENTS: dict[str, tuple[Any, ...]] = {
    "version": (None, "", "2025-1", 2026, ...),
    "processing": (None, "true", 1, ...),
    "biometrics": (None, "no", 0, ...),
    "extra": (1,),
}
BAD_READINGS = [changed(READINGS, path, to) for path, values in WRONG_READINGS.items() for to in values]
BAD_CONSENTS = [changed(CONSENT, path, to) for path, values in WRONG_CONSENTS.items() for to in values]


@pytest.mark.parametrize(("step", "bad"), [("check", BAD_READINGS), ("consent", BAD_CONSENTS)])
async def test_every_field_of_the_entrance_is_validated(
    house: Server, booths: Booths, step: str, bad: list[dict[str, Any]]
) -> None:
    booth = await booths(house)
    await booth.enter()
    path = f"/exam/{booth.sitting}/{step}"
    for body in BAD_BODIES:
        check(await booth.post(path, content=body), 422, "invalid_message")
    check(await booth.post(path, content=b"\xff\xfe{}"), 422, "invalid_message")
    check(await booth.post(path, content=b'{"version":"\xc3\x28"}'), 422, "invalid_message")
    for value in bad:
        check(await booth.post(path, json=value), 422, "invalid_message")
    check(await booth.post(path, content=" " * (MAX_FORM + 1)), 413, "body_too_large")
    view = (await booth.http.get(f"/exam/{booth.sitting}/entrance")).json()
    assert (view["checked"], view["consented"], view["biometrics"]) == (False, False, None)

    good = READINGS if step == "check" else CONSENT
    assert (await booth.post(path, json=good)).status_code == 200


@pytest.mark.parametrize("label", [NUL, SURROGATE, "a" + NUL + "b", "\\uffff", "\\u202e", "<script>", "'; --", "\\\\"])
async def test_a_camera_may_be_called_anything(house: Server, booths: Booths, label: str) -> None:
    booth = await booths(house)
    await booth.enter()
    body = json.dumps(READINGS).replace("headless", label)
    answer = await booth.post(f"/exam/{booth.sitting}/check", content=body)
    if answer.status_code != 200:
        check(answer, 422)


async def test_a_device_that_can_not_work_is_turned_away_with_the_reasons(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    await booth.enter()
    bad = changed(changed(changed(READINGS, "camera.width", 160), "websocket", False), "storage", False)
    answer = await booth.post(f"/exam/{booth.sitting}/check", json=bad)
    check(answer, 422, "check_failed")
    assert set(answer.json()["fields"]) == {"camera", "websocket", "storage"}
    check(await booth.post(f"/exam/{booth.sitting}/consent", json=changed(CONSENT, "processing", False)), 422)


async def test_a_reference_picture_is_judged(house: Server, booths: Booths, face: bytes) -> None:
    booth = await booths(house)
    await booth.enter()
    path = f"/exam/{booth.sitting}/reference"
    check(await booth.post(path, content=face), 409, "no_biometrics")
    await booth.post(f"/exam/{booth.sitting}/check", json=READINGS)
    await booth.post(f"/exam/{booth.sitting}/consent", json=changed(CONSENT, "biometrics", True))
    for body, status, code in (
        (b"", 422, "frame_not_jpeg"),
        (b"no picture", 422, "frame_not_jpeg"),
        (face[:4_000], 422, "frame_broken"),
        (face[:-2], 422, "frame_broken"),
        (jpeg(np.zeros((480, 640, 3), np.uint8)), 422, ""),
        (jpeg(np.zeros((60, 80, 3), np.uint8)), 422, "frame_bad_size"),
        (b"\xff\xd8\xff" * 100_000, 413, "frame_too_large"),
        (b"\xff" * (MAX_PICTURE + 1), 413, "body_too_large"),
    ):
        check(await booth.post(path, content=body), status, code)
    view = (await booth.http.get(f"/exam/{booth.sitting}/entrance")).json()
    assert (view["referenced"], view["admitted"]) == (False, False)
    assert (await booth.post(path, content=face)).status_code == 200
    assert (await booth.http.get(f"/exam/{booth.sitting}/entrance")).json()["admitted"]


def jpeg(pixels: Any) -> bytes:
    return cv2.imencode(".jpg", pixels)[1].tobytes()


CHANGES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/exam/{sitting}/check", {"json": READINGS}),
    ("/exam/{sitting}/consent", {"json": CONSENT}),
    ("/exam/{sitting}/reference", {"content": b"\xff\xd8\xff"}),
    ("/cabinet/bookings/{booking}/enter", {}),
    ("/cabinet/bookings/{booking}/cancel", {}),
)


async def test_nothing_changes_without_the_token_of_ones_own_login(house: Server, booths: Booths) -> None:
    booth, other = await booths(house), await booths(house)
    await booth.enter()
    for path, content in (*CHANGES, ("/cabinet/bookings", {}), ("/exam/sample", {}), ("/logout", {})):
        place = path.format(sitting=booth.sitting, booking=booth.booking)
        for headers in (
            {},
            {"X-CSRF-Token": ""},
            {"X-CSRF-Token": "x" * 4_000},
            {"X-CSRF-Token": "\u00e9\u00ff"},
            {"X-CSRF-Token": other.csrf},
        ):
            sent = httpx.Headers(headers, encoding="latin-1")
            check(await booth.http.post(place, headers=sent, **content), 403, "csrf_failed")
        from_elsewhere = {"X-CSRF-Token": booth.csrf, "Origin": "http://elsewhere.example"}
        check(await booth.http.post(place, headers=from_elsewhere, **content), 403, "cross_origin")
        async with httpx.AsyncClient(base_url=house.address, headers={"Accept": "application/json"}) as nobody:
            check(await nobody.post(place, headers={"X-CSRF-Token": booth.csrf}, **content), (401, 403))


async def test_what_is_somebody_elses_looks_like_nothing(house: Server, booths: Booths) -> None:
    booth, other = await booths(house), await booths(house)
    await booth.enter()
    await other.enter()
    strange = ("0", "-1", "abc", "1e3", "９", "%00", "%2e%2e", "9" * 19, HUGE)
    for path, content in CHANGES:
        for place in (str(other.sitting if "{sitting}" in path else other.booking), "987654321", *strange):
            check(await booth.post(path.format(sitting=place, booking=place), **content), 404)
    for place in (str(other.sitting), "987654321", *strange):
        for path in (f"/exam/{place}", f"/exam/{place}/entrance", f"/cabinet/results/{place}"):
            check(await booth.http.get(path), 404)
    view = (await other.http.get(f"/exam/{other.sitting}/entrance")).json()
    assert (view["checked"], view["consented"]) == (False, False)


async def test_the_entrance_is_closed_once_the_exam_has_begun(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    page = await booth.begin()
    for step, content in (
        ("check", {"json": READINGS}),
        ("consent", {"json": CONSENT}),
        ("reference", {"content": b""}),
    ):
        check(await booth.post(f"/exam/{booth.sitting}/{step}", **content), 409, "already_started")
    await page.answer()
    assert (
        (await booth.post(f"/cabinet/bookings/{booth.booking}/enter")).headers["location"].endswith(str(booth.sitting))
    )
    await page.leave()


async def test_the_fields_of_the_cabinet(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    for window in ("", "0", "-1", "abc", "9" * 19, HUGE, "\x00", "1;2", "９"):
        check(await booth.post("/cabinet/bookings", data={"window": window}), 404)
    check(await booth.post("/cabinet/bookings", files={"window": ("w.txt", b"1")}), 404)
    check(await booth.post("/cabinet/bookings", json={"window": 1}), 404)
    many = "&".join(f"field{number}=1" for number in range(2_000))
    form = {"content-type": "application/x-www-form-urlencoded"}
    sent = {"X-CSRF-Token": booth.csrf, **form}
    check(await booth.http.post("/cabinet/bookings", headers=sent, content=many), (400, 404, 413))
    check(
        await booth.http.post("/cabinet/bookings", headers=sent, content="window=" + "1" * 3_000_000), (400, 404, 413)
    )
    torn = {"X-CSRF-Token": booth.csrf, "content-type": "multipart/form-data; boundary=x"}
    for body in ("", "--x", "--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--", "junk"):
        check(await booth.http.post("/cabinet/bookings", headers=torn, content=body), (400, 404))
    for query in ("page=" + HUGE, "page=-1", "page=abc", "exam=%00", "exam=" + "x" * 5_000, "all=%ff", "lang=%00"):
        assert (await booth.http.get(f"/cabinet/windows?{query}", headers={"Accept": "text/html"})).status_code == 200
    for query in ("asked=" + HUGE, "asked=-1", "asked=%F0%9F%98%80"):
        await booth.enter()
        answer = await booth.http.get(f"/cabinet/results/{booth.sitting}?{query}", headers={"Accept": "text/html"})
        assert answer.status_code == 200


async def test_the_samples_of_the_check_are_bounded(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    assert len((await booth.http.get("/exam/sample/100000")).content) == 100_000
    check(await booth.http.get(f"/exam/sample/{MAX_SAMPLE + 1}"), 422, "sample_too_large")
    for size in ("-1", "abc", "1.5", HUGE):
        check(await booth.http.get(f"/exam/sample/{size}"), 422, "sample_too_large")
    check(await booth.post("/exam/sample", content=b"\x00" * (MAX_SAMPLE + 1)), 413, "sample_too_large")


# --- signing in ---------------------------------------------------------------------------------------------


async def attempt(person: httpx.AsyncClient, **fields: str) -> httpx.Response:
    token = find_token((await person.get("/login", headers={"Accept": "text/html"})).text)
    return await person.post("/login", data={"csrf": token, **fields})


async def test_every_field_of_the_sign_in(house: Server) -> None:
    async with httpx.AsyncClient(base_url=house.address, headers={"Origin": house.address}, timeout=30) as person:
        right = {"login": "kandidat", "password": "Demo-2026"}
        for fields, status in (
            ({}, 422),
            ({"login": "kandidat"}, 422),
            ({"password": "Demo-2026"}, 422),
            ({"login": " ", "password": " "}, 422),
            ({"login": "kandidat\x00", "password": "Demo-2026"}, 401),
            ({"login": "\x00", "password": "\x00"}, 401),
            ({"login": "' OR 1=1 --", "password": "x"}, 401),
            ({"login": "канд\u202eидат", "password": "😀" * 200}, 401),
            ({"login": "kandidat", "password": "Demo-2026\x00"}, 401),
            ({"login": "x" * 10_000, "password": "y" * 50_000}, 422),
            ({"login": "x" * 100_000, "password": "y" * 900_000}, 413),
            ({**right, "next": "//elsewhere.example"}, 303),
        ):
            answer = await attempt(person, **fields)
            assert answer.status_code == status, (fields, answer.status_code)
            assert "login" not in person.cookies or status == 303
        assert answer.headers["location"] == "/cabinet"

    async with httpx.AsyncClient(base_url=house.address, headers={"Origin": house.address}, timeout=30) as person:
        json_too = {"Accept": "application/json"}
        token = find_token((await person.get("/login")).text)
        for refused in (
            {"data": right},
            {"data": {**right, "csrf": "x" * 5_000}},
            {"data": {**right, "csrf": "\x00"}},
            {"json": {**right, "csrf": token}},
            {"content": b"\x00" * 10_000},
            {"files": {"csrf": ("token.txt", token.encode())}},
        ):
            check(await person.post("/login", headers=json_too, **refused), 403, "csrf_failed")
        form = {**json_too, "content-type": "application/x-www-form-urlencoded"}
        for content in ("login=" + "x" * 5_000_000, "&".join(["login=1"] * 5_000)):
            check(await person.post("/login", headers=form, content=content), (400, 403, 413))
        film = {"file": ("film.mp4", b"\x00" * 8_000_000)}
        check(await person.post("/login", headers=json_too, data={**right, "csrf": token}, files=film), 413)
        uploaded = {name: (f"{name}.txt", value.encode()) for name, value in right.items()}
        answer = await person.post("/login", data={"csrf": token}, files=uploaded)
        assert answer.status_code == 422
        assert "login" not in person.cookies


async def test_guessing_a_password_is_slowed_down(house: Server) -> None:
    async with httpx.AsyncClient(base_url=house.address, headers={"Origin": house.address}, timeout=30) as person:
        guess = {"login": "metodist", "password": "Demo-2025"}
        answers = [(await attempt(person, **guess)).status_code for _ in range(FAILURES_PER_LOGIN_AND_ADDRESS)]
        assert set(answers) == {401}
        answer = await attempt(person, login="metodist", password="Demo-2026")
        assert answer.status_code == 429
        assert "retry-after" in answer.headers


# --- the rest of the house, as a candidate meets it ----------------------------------------------------------


async def test_the_register_answers_anything(house: Server, booths: Booths) -> None:
    async with httpx.AsyncClient(base_url=house.address, headers={"Accept": "text/html"}) as person:
        for query in ("%00", "%ff", "a" * 5_000, "' OR 1=1 --", "%F0%9F%98%80", "0" * 40, "..%2f..", "Иванов%00, ЛД"):
            for path in (f"/register?q={query}", f"/register/{query}"):
                answer = await person.get(path)
                assert answer.status_code in (200, 404, 422, 429), (path[:60], answer.status_code)


async def test_a_candidate_has_no_business_with_the_staff(house: Server, booths: Booths) -> None:
    booth, other = await booths(house), await booths(house)
    await other.enter()
    for path in (
        "/staff/proctor",
        f"/staff/proctor/{other.sitting}",
        "/staff/bank",
        "/staff/protocols",
        "/staff/people",
    ):
        check(await booth.http.get(path), 403, "forbidden")
    acts = [f"/staff/proctor/{other.sitting}/{act}" for act in ACTS]
    for path in (*acts, f"/staff/sittings/{other.sitting}/late/1"):
        check(await booth.post(path, data={"minutes": "10", "reason": "просто так"}), 403, "forbidden")
    async with await Staff.open(house, "proktor") as proctor:
        for minutes in ("", "0", "-5", "241", "abc", HUGE, "\x00", "1.5"):
            answer = await proctor.post(
                f"/staff/proctor/{other.sitting}/time", data={"minutes": minutes, "reason": "Сбой связи"}
            )
            assert answer.status_code == 422, (minutes[:9], answer.status_code)
        for reason in ("", "  ", "\x00\x00\x00", "x" * 5_000):
            answer = await proctor.post(f"/staff/proctor/{other.sitting}/end", data={"reason": reason})
            assert answer.status_code == 422, (reason[:9], answer.status_code)


async def test_an_act_that_makes_no_sense_is_refused_and_nothing_is_done(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    page = await booth.begin()
    before = await booth.state()
    strange = ("", "-1", "1e9", HUGE, "\x00", "x" * 5_000, "0001-01-01", "9999-12-31", "24:60", "💥")
    async with await Staff.open(house, "proktor") as proctor:
        for act in ("warning", "message", "pause", "time", "outage", "allowance", "close", "end"):
            for value in strange:
                fields = dict.fromkeys(("minutes", "percent", "extra", "breaks", "day", "time"), value)
                written = value if len(value.strip("\x00")) in (0, 5_000) else "Сбой связи"
                if act in ("warning", "message", "pause", "end") and written == "Сбой связи":
                    continue  # they take any sentence
                answer = await proctor.post(
                    f"/staff/proctor/{booth.sitting}/{act}", data={**fields, "reason": written, "text": written}
                )
                assert answer.status_code in (409, 422), (act, value[:12], answer.status_code)
        for number in ("0", "-1", "x", "9" * 30):
            answer = await proctor.post(f"/staff/proctor/{number}/pause", data={"reason": "Сбой связи"})
            assert answer.status_code == 404, number
    assert await booth.state() == before
    await page.leave()


async def test_none_of_it_was_a_fault_of_the_server(house: Server) -> None:
    assert faults_in(house.said()) == []
