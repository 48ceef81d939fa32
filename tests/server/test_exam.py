"""The main job from end to end over the public interface: an exam, its decision, its place in the register."""

import html
import json
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import httpx
import pytest

from app.demo.seed import FULL
from core.access.people import person
from core.access.roles import Principal
from core.clock import SystemClock
from core.database import fetch_all
from core.errors import Forbidden
from core.moments import MINUTE
from core.signatures import verify as verify_signature
from exam_server.conclusion import Outcome, load_outcome
from exam_server.events import Ended, Extended
from exam_server.protocols import PROTOCOL_TYPE, load_sitting_protocol, sign_protocol
from exam_server.scheduling import today_in
from exam_server.store import load_events
from proctoring.store import coverage_of, incidents_of
from scoring.store import load_result
from tests.server.booth import Booth, Page, Staff, until
from tests.server.examinee import Keys, read_keys, take
from tests.server.processes import Server

Booths = Callable[..., Awaitable[Booth]]
NUMBER = re.compile(r'href="/register/([^"]+)"')


async def outcome_of(booth: Booth) -> Outcome:
    async def known() -> Outcome | None:
        async with booth.database.transaction() as connection:
            return await load_outcome(connection, booth.sitting)

    found: Outcome = await until(known, "the sitting is concluded")
    return found


async def notices(booth: Booth) -> list[str]:
    """What was sent to the register about this sitting."""
    async with booth.database.transaction() as connection:
        rows = await fetch_all(
            connection,
            "SELECT topic FROM core.outbox WHERE topic = 'exam.outcome' AND key = :key",
            key=f"sitting:{booth.sitting}",
        )
    return [row["topic"] for row in rows]


async def registered(booth: Booth) -> str:
    async def number() -> str | None:
        return (await outcome_of(booth)).register_number

    return str(await until(number, "the register has answered"))


async def read_page(booth: Booth, path: str) -> str:
    answer = await booth.http.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text[:500]
    return " ".join(html.unescape(answer.text).replace("\u00a0", " ").split())


# --- the quick exam, which confirms itself ---------------------------------------------------------------------


async def test_seventeen_of_twenty_is_a_pass_and_stands_in_the_register(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    page = await booth.begin()
    ended = await take(page, await read_keys(booth), wrong={1, 2, 3})
    assert ended["reason"] == "submitted"
    number = await registered(booth)
    outcome = await outcome_of(booth)
    assert (outcome.state, outcome.passed, outcome.flagged) == ("confirmed", True, False)
    async with booth.database.transaction() as connection:
        result = await load_result(connection, booth.sitting)
    assert (result.decision.raw, result.decision.maximum, result.decision.passed) == (Fraction(17), 20, True)

    assert await booth.fate() == "passed"
    shown = await read_page(booth, f"/cabinet/results/{booth.sitting}")
    assert "Тестирование сдано" in shown
    assert "85" in shown
    assert "Новая попытка" not in shown
    assert number in shown
    async with httpx.AsyncClient(base_url=house.address) as anybody:
        entry = (await anybody.get(f"/register/{number}")).text
        assert number in entry
        assert "Лечебное дело" in entry
        assert "действительна до" in entry
        assert (
            await anybody.get("/register", params={"q": number[:-1] + ("1" if number[-1] == "0" else "0")})
        ).status_code in (404, 422)
    await page.leave()


async def test_less_than_the_cut_is_a_fail_with_a_date_and_no_entry(house: Server, booths: Booths) -> None:
    booth = await booths(house)
    page = await booth.begin()
    await take(page, await read_keys(booth), wrong={0, 1, 2, 3})
    outcome = await outcome_of(booth)
    async with booth.database.transaction() as connection:
        result = await load_result(connection, booth.sitting)
        who = await person(connection, booth.person)
    assert who is not None
    assert (result.decision.raw, result.decision.passed) == (Fraction(16), False)
    assert (outcome.state, outcome.passed) == ("confirmed", False)
    sitting = await booth.state()
    assert sitting.ended_at is not None
    assert outcome.retake_on == today_in(sitting.ended_at, who.zone) + timedelta(days=30)

    async def told() -> bool:
        return (await outcome_of(booth)).receipt is not None

    await until(told, "the register knows of the decision")
    assert (await outcome_of(booth)).register_number is None
    shown = await read_page(booth, f"/cabinet/results/{booth.sitting}")
    assert "Тестирование не сдано" in shown
    assert "Новая попытка возможна с" in shown
    assert str(outcome.retake_on.year) in shown
    assert NUMBER.search(shown) is None
    again = await booth.post("/cabinet/bookings", data={"window": "1"})
    assert again.status_code != 500
    await page.leave()


async def test_an_exam_in_front_of_the_camera_is_looked_at_and_not_held_up(
    house: Server, booths: Booths, face: bytes
) -> None:
    booth = await booths(house)
    page = await booth.begin(face=face)
    camera = await booth.connect(f"/ws/camera/{booth.sitting}")
    for _ in range(3):
        await camera.send(face)
    async with await Staff.open(house, "proktor") as proctor:

        async def seen() -> bool:
            return (await proctor.http.get(f"/staff/proctor/{booth.sitting}/still.jpg")).content == face

        await until(seen, "a proctor sees the candidate")
    await take(page, await read_keys(booth))
    outcome = await outcome_of(booth)
    assert (outcome.state, outcome.passed, outcome.flagged) == ("confirmed", True, False)
    async with booth.database.transaction() as connection:
        coverage = await coverage_of(connection, booth.sitting)
        assert await incidents_of(connection, booth.sitting) == []
    assert (coverage.received, coverage.broken) == (3, 0)
    assert coverage.processed >= 1
    await page.leave()


# --- the real thing, which a commission confirms -----------------------------------------------------------------


async def principal(booth: Booth, login: str) -> Principal:
    async with await Staff.open(booth.server, login) as one, one.database.transaction() as connection:
        who = await person(connection, one.person)
    assert who is not None
    return who


async def test_eighty_items_stay_preliminary_until_the_chair_has_signed(annex: Server, booths: Booths) -> None:
    booth = await booths(annex, FULL)
    page = await booth.begin()
    assert page.snapshot["navigation"] == "linear"
    assert len(page.snapshot["marks"]) == 80
    await take(page, await read_keys(booth), wrong=range(12))
    outcome = await outcome_of(booth)
    assert (outcome.state, outcome.passed, outcome.register_number) == ("preliminary", True, None)
    assert await booth.fate() == "preliminary"
    assert await notices(booth) == []
    assert "предварительный" in await read_page(booth, f"/cabinet/results/{booth.sitting}")

    now, signer = SystemClock().now(), annex.keys.platform
    for login in ("ekspert", "proktor", "operator"):
        who = await principal(booth, login)
        with pytest.raises(Forbidden):
            async with booth.database.transaction() as connection:
                await sign_protocol(connection, [booth.sitting], who, signer, now)
    assert (await outcome_of(booth)).state == "preliminary"

    chair = await principal(booth, "predsedatel")
    async with booth.database.transaction() as connection:
        protocol = await sign_protocol(connection, [booth.sitting], chair, signer, now)
    number = await registered(booth)
    assert await booth.fate() == "passed"
    shown = await read_page(booth, f"/cabinet/results/{booth.sitting}")
    assert number in shown
    async with booth.database.transaction() as connection:
        kept = await load_sitting_protocol(connection, booth.sitting)
    assert kept is not None
    assert kept.number == protocol.number
    signed = verify_signature(kept.signature, {signer.kid: signer.public}, PROTOCOL_TYPE)
    assert json.loads(signed.payload)["lines"][0]["sitting"] == booth.sitting
    async with httpx.AsyncClient(base_url=annex.address) as anybody:
        assert number in (await anybody.get(f"/register/{number}")).text
    await page.leave()


async def test_a_linear_exam_does_not_go_back(annex: Server, booths: Booths) -> None:
    booth = await booths(annex, FULL)
    page = await booth.begin()
    first = page.response()
    await page.show(1)
    assert {heard["type"] for heard in page.told} >= {"closed"}
    for message, code in (
        ({"type": "show", "position": 0}, "item_locked"),
        ({"type": "show", "position": 3}, "going_back_off"),
        (first, "item_locked"),
        ({"type": "flag", "position": 1, "on": True}, "flags_off"),
    ):
        refusal = await page.ask({**message, "seq": page.seq + 1})
        assert refusal["code"] == code
    await page.answer()
    await page.leave()


# --- the proctor --------------------------------------------------------------------------------------------------


async def test_a_proctor_gives_time_and_ends_from_any_process(house: Server, annex: Server, booths: Booths) -> None:
    booth = await booths(house)
    page = await booth.begin()
    assert page.item is not None
    before = page.item["deadline"]
    kept = await page.answer(1)
    for number, server in enumerate((house, annex), start=1):
        async with await Staff.open(server, "proktor") as proctor:
            given = await proctor.post(
                f"/staff/proctor/{booth.sitting}/time", data={"minutes": "5", "reason": "Пропадала связь"}
            )
            assert given.status_code == 303, given.text
        if server is house:
            told = await page.hear("deadlines")
        else:  # written by the other process: this one notices, and tells the whole state anew
            told = await page.hear("snapshot")
            told["item_deadline"] = told["item"]["deadline"]
        assert told["item_deadline"] == before + number * 5 * MINUTE
    await page.answer(2)
    async with await Staff.open(annex, "proktor") as proctor:
        answer = await proctor.post(f"/staff/proctor/{booth.sitting}/end", data={"reason": "Посторонняя помощь"})
        assert answer.status_code == 303
    while (heard := await page.hear("ended", "snapshot"))["type"] == "snapshot":
        if heard.get("ended") == "proctor":
            break
    async with booth.database.transaction() as connection:
        events = await load_events(connection, booth.sitting)
    assert [type(event) for event in events if isinstance(event, Extended | Ended)] == [Extended, Extended, Ended]
    refusal = await page.ask({"type": "submit", "seq": page.seq + 1})
    assert refusal["code"] == "ended"
    assert (await outcome_of(booth)).passed is False
    assert kept
    await page.leave()


# --- nothing that tells a key -------------------------------------------------------------------------------------


async def test_no_key_is_in_anything_that_a_candidate_is_sent(house: Server, booths: Booths) -> None:
    """Every byte of a whole exam, over HTTP and both sockets."""
    booth = await booths(house)
    sent: list[str] = []

    async def keep(answer: httpx.Response) -> None:
        sent.append((await answer.aread()).decode("utf-8", "replace") + str(answer.headers))

    booth.http.event_hooks["response"].append(keep)
    for path in ("/cabinet", "/cabinet/windows"):
        await read_page(booth, path)
    await booth.enter()
    await read_page(booth, f"/exam/{booth.sitting}")
    page = await booth.begin()
    keys = await read_keys(booth)
    await read_page(booth, f"/exam/{booth.sitting}")
    await take(page, keys, wrong={4})
    await registered(booth)
    await read_page(booth, f"/cabinet/results/{booth.sitting}")
    await read_page(booth, "/cabinet")
    again = await booth.open_page()
    await again.leave()

    everything = "\n".join([*sent, *(text(raw) for raw in (*page.raw, *again.raw))])
    assert everything.count("stem") >= 20
    plain = html.unescape(everything)
    for item in keys.values():
        assert item.stem[:40] in plain, "the record is whole"
        assert item.explanation not in plain
        assert item.explanation[:40] not in plain
    for word in ("distractor", "harmful", "required", "neutral", "explanation", "difficulty", "weight", "correct"):
        assert f'"{word}' not in everything, word
    shown = [heard["item"] for heard in page.told if heard["type"] == "item"]
    assert {field for item in shown for field in item} == {
        "position",
        "content",
        "answers",
        "stage",
        "deadline",
        "limit",
    }
    assert {field for item in shown for field in item["content"]} == {"item", "kind", "stem", "stages"}
    assert {field for item in shown for stage in item["content"]["stages"] for field in stage} == {
        "kind",
        "prompt",
        "reveal",
        "choices",
        "ordered",
    }
    first = [solve_place(item, keys) for item in shown if item["content"]["kind"] == "four_option"]
    assert len(set(first)) > 1, "the key does not always stand in one place"
    assert find_early_stages(page, keys) == []


def text(raw: str | bytes) -> str:
    return raw if isinstance(raw, str) else raw.decode()


def solve_place(item: dict[str, Any], keys: Keys) -> int:
    roles = {choice.id: choice.role for choice in keys[item["content"]["item"]].stages[0].choices}
    order = [roles[choice["id"]].value for choice in item["content"]["stages"][0]["choices"]]
    return order.index("key")


def find_early_stages(page: Page, keys: Keys) -> list[str]:
    """What of later stages was told before they were opened."""
    early = []
    opened: dict[str, int] = {}
    for raw, heard in zip(page.raw, page.told, strict=True):
        if heard["type"] == "item":
            opened[heard["item"]["content"]["item"]] = heard["item"]["stage"]
        for item in keys.values():
            for number, stage in enumerate(item.stages):
                if number > opened.get(item.id, -1) and stage.reveal and stage.reveal in text(raw):
                    early.append(f"{item.id}: stage {number}")
    return early
