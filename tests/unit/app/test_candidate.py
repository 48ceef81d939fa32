"""The example client, against the real engine in memory: whole exams, every edit acknowledged."""

import asyncio
import json
from random import Random
from typing import Any, cast

import httpx
import pytest
import websockets
from starlette.types import Message, Scope

from app.asgi import DEFAULT_FLOOD
from app.candidate import Person, Sitter, Taken, find_token, pause
from core.clock import ManualClock
from core.errors import AccreditationError
from core.ids import PersonId
from exam_server.commands import Admit
from exam_server.connection import Flow, SittingSocket
from exam_server.events import Created
from exam_server.sitting import Sitting
from question_bank.forms import Navigation
from tests.histories.memory import MemoryLog, MemoryRecords, Owner
from tests.histories.sittings import (
    CANDIDATE,
    CHOICE,
    NOW,
    SECOND_BROWSER,
    SITTING,
    UNFOLDING,
    make_created,
    make_form,
    make_rules,
)


class SignedIn:
    id = PersonId(CANDIDATE)


class Wire:
    """A client's socket whose other end is the exam's ASGI callable, without a network between."""

    def __init__(self, socket: SittingSocket, stream: str = "headless1") -> None:
        self._up: asyncio.Queue[Message] = asyncio.Queue()
        self._down: asyncio.Queue[Message] = asyncio.Queue()
        self._up.put_nowait({"type": "websocket.connect"})
        scope: Scope = {
            "type": "websocket",
            "path_params": {"sitting": SITTING},
            "query_string": f"stream={stream}".encode(),
            "state": {"principal": SignedIn()},
        }
        self.sent: list[dict[str, Any]] = []
        self.task = asyncio.ensure_future(socket(scope, self._up.get, self._down.put))

    async def send(self, text: str) -> None:
        self.sent.append(json.loads(text))
        await self._up.put({"type": "websocket.receive", "text": text})

    async def recv(self) -> str:
        while (message := await self._down.get())["type"] != "websocket.send":
            pass
        return str(message["text"])

    async def close(self) -> None:
        await self._up.put({"type": "websocket.disconnect", "code": 1000})
        await self.task


class Exam:
    """One admitted sitting."""

    def __init__(self, created: Created) -> None:
        self.log = MemoryLog()
        self.log.by_itself = True
        self.log.create(SITTING, created)
        clock = ManualClock(NOW)
        self.owner = Owner(self.log, clock)
        self.socket = SittingSocket(self.owner.conduct, clock, MemoryRecords(), 1e6, 10**6)

    async def sit(self, share: float = 1.0, seed: int = 1) -> tuple[Taken, Wire]:
        await self.owner.conduct.order(SITTING, Admit("person"))
        taken, wire = Taken("k"), Wire(self.socket)
        async with asyncio.timeout(10):
            await Sitter(cast(websockets.ClientConnection, wire), taken, share, Random(seed)).sit()
        await wire.close()
        return taken, wire

    @property
    def state(self) -> Sitting:
        return self.log.state(SITTING)


def mixed(navigation: Navigation) -> Created:
    rules = make_rules(navigation, flags=navigation == "free")
    return make_created(make_form(CHOICE, UNFOLDING, CHOICE, ("choice", "actions"), CHOICE), rules)


@pytest.mark.parametrize("navigation", ["free", "linear"])
@pytest.mark.parametrize("seed", range(5))
async def test_a_whole_exam_is_taken_and_every_edit_is_acknowledged(navigation: Navigation, seed: int) -> None:
    exam = Exam(mixed(navigation))
    taken, wire = await exam.sit(seed=seed)
    state = exam.state
    assert state.status == "ended"
    assert state.end_reason in ("submitted", "completed")
    assert all(all(item.answers) for item in state.items), "every stage of every item is answered"
    assert taken.sent == taken.acknowledged == len(taken.delays) == len(wire.sent)
    assert [message["seq"] for message in wire.sent] == list(range(1, taken.sent + 1))
    assert not state.late


async def test_one_that_ends_with_a_case_is_over_when_that_is() -> None:
    exam = Exam(make_created(make_form(UNFOLDING)))
    await exam.sit()
    assert exam.state.end_reason == "completed"


@pytest.mark.parametrize("navigation", ["free", "linear"])
async def test_whoever_knows_nothing_submits_an_empty_form(navigation: Navigation) -> None:
    exam = Exam(mixed(navigation))
    taken, _ = await exam.sit(share=0.0)
    assert exam.state.end_reason == "submitted"
    assert not any(any(item.answers) for item in exam.state.items)
    assert taken.sent == taken.acknowledged


async def test_the_same_chance_takes_the_same_exam() -> None:
    runs = [await Exam(mixed("free")).sit(seed=9) for _ in range(2)]
    assert runs[0][1].sent == runs[1][1].sent
    other = await Exam(mixed("free")).sit(seed=10)
    assert other[1].sent != runs[0][1].sent


async def test_a_client_that_is_taken_over_says_so() -> None:
    exam = Exam(mixed("free"))
    await exam.owner.conduct.order(SITTING, Admit("person"))
    wire = Wire(exam.socket)
    sitter = Sitter(cast(websockets.ClientConnection, wire), Taken("k"), 1.0, Random(1))
    await sitter._hear()
    newer = Wire(exam.socket, SECOND_BROWSER)
    with pytest.raises(AccreditationError) as refusal:
        async with asyncio.timeout(10):
            await sitter._say({"type": "start"})
    assert refusal.value.code == "taken_over"
    await wire.close()
    await newer.close()


async def test_a_refusal_is_an_error_with_its_code() -> None:
    exam = Exam(mixed("free"))
    wire = Wire(exam.socket)
    with pytest.raises(AccreditationError) as refusal:
        async with asyncio.timeout(10):
            await Sitter(cast(websockets.ClientConnection, wire), Taken("k"), 1.0, Random(1)).sit()
    assert refusal.value.code == "not_admitted"
    await wire.close()


# --- HTTP ---------------------------------------------------------------------------------------------------


def test_the_token_of_a_page() -> None:
    assert find_token('<head><meta name="csrf-token" content="a-b_c1"></head>') == "a-b_c1"
    with pytest.raises(AccreditationError) as refusal:
        find_token("<html>another server</html>")
    assert refusal.value.code == "no_token"


def person(answer: httpx.Response) -> Person:
    made = Person("http://exam.test")
    made.http = httpx.AsyncClient(base_url=made.address, transport=httpx.MockTransport(lambda _: answer))
    return made


@pytest.mark.parametrize(
    ("answer", "code", "word"),
    [
        (httpx.Response(403, json={"code": "csrf_failed", "detail": "Страница устарела."}), "csrf_failed", "устарела"),
        (httpx.Response(502, text="<html>proxy</html>"), "http_error", "Bad Gateway"),
        (httpx.Response(500, json={}), "", "POST /x"),
    ],
)
async def test_a_refusal_over_http_is_an_error_with_its_code_and_place(
    answer: httpx.Response, code: str, word: str
) -> None:
    async with person(answer) as one:
        with pytest.raises(AccreditationError) as refusal:
            await one.post("/x", "token")
    assert (refusal.value.code, refusal.value.status) == (code, answer.status_code)
    assert word in refusal.value.message


async def test_a_sign_in_without_a_cookie_has_failed() -> None:
    page = httpx.Response(200, text='<meta name="csrf-token" content="t">')
    async with person(page) as one:
        with pytest.raises(AccreditationError) as refusal:
            await one.sign_in("kandidat", "wrong")
    assert refusal.value.code == "sign_in_failed"


@pytest.mark.parametrize("answered_in", [0.0, 0.002, 0.02, 0.1])
def test_a_quick_client_is_never_taken_for_a_flood(answered_in: float) -> None:
    flow, elapsed, waited = Flow(*DEFAULT_FLOOD, NOW), 0.0, 0.0
    for sent in range(600):
        wait = pause(sent, elapsed)
        elapsed, waited = elapsed + wait, waited + wait
        assert flow.admit(NOW + int(elapsed * 1_000)), sent
        elapsed += answered_in
    assert (waited > 0) == (answered_in < 0.05), "one that is slow anyway never waits"
