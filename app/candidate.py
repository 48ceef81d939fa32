"""A candidate without a browser: signs in and takes whole exams over the public HTTP and WebSocket interface.

It serves as load generator and as an example of a client. It knows nothing but what the interface tells it.
"""

import asyncio
import json
import re
import statistics
from collections.abc import Sequence
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx
import websockets
from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from core.clock import elapsed_seconds
from core.errors import AccreditationError, Unavailable

PROCTOR = ("proktor", "Demo-2026")
"""Who confirms identity by passport on the demo when no face is given."""
ACK_TIMEOUT = 30.0
AT_ONCE, A_SECOND = 90, 18
"""Edits that are sent without a pause, and how many a second then: a little below what closes a socket as a flood."""
RESULT_TRIES = 60
_TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]+)"')
_ENTER = re.compile(r'action="(/cabinet/bookings/\d+/enter)"')
READINGS = {
    "camera": {"width": 640, "height": 480, "label": "headless"},
    "screen": {"width": 1280, "height": 800},
    "download_mbit": 100.0,
    "upload_mbit": 100.0,
    "latency_ms": 1.0,
    "secure": False,
    "storage": True,
    "websocket": True,
}


class Taken(Struct):
    """One exam as its candidate lived it."""

    login: str
    sitting: int = 0
    sent: int = 0
    acknowledged: int = 0
    fate: str = ""
    delays: list[float] = []


class Person:
    """One signed-in client of the HTTP interface."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.http = httpx.AsyncClient(base_url=address, timeout=30.0, headers={"Origin": address})

    async def __aenter__(self) -> "Person":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def page(self, path: str) -> str:
        """The text of a page. Raises AccreditationError for anything but 200."""
        response = await self.http.get(path)
        self._insist(response)
        return response.text

    async def post(self, path: str, token: str, media_type: str | None = None, **content: Any) -> httpx.Response:
        """Post a form, JSON, or `content` bytes of a media type. Raises AccreditationError for a refusal."""
        headers = {"X-CSRF-Token": token, "Accept": "application/json"}
        if media_type is not None:
            headers["Content-Type"] = media_type
        response = await self.http.post(path, headers=headers, **content)
        self._insist(response)
        return response

    async def sign_in(self, login: str, password: str) -> None:
        token = find_token(await self.page("/login"))
        await self.post("/login", token, data={"login": login, "password": password, "csrf": token})
        if "login" not in self.http.cookies:
            raise AccreditationError("sign_in_failed", f"Войти как {login} не удалось.", status=401)

    @staticmethod
    def _insist(response: httpx.Response) -> None:
        if response.status_code >= 400:
            try:
                problem = response.json()
                code, message = str(problem.get("code", "")), str(problem.get("detail") or problem.get("message", ""))
            except ValueError:
                code, message = "http_error", response.reason_phrase
            where = f"{response.request.method} {response.request.url.path}"
            raise AccreditationError(code, f"{where}: {message}", status=response.status_code)


def find_token(page: str) -> str:
    """The CSRF token of a page."""
    found = _TOKEN.search(page)
    if found is None:
        raise AccreditationError("no_token", "На странице нет ключа формы: это не тот сервер?")
    return found[1]


async def take_exams(
    address: str,
    people: Sequence[tuple[str, str]],
    *,
    at_once: int,
    face: bytes | None,
    share: float,
    out: Console,
) -> str:
    """Let each person take the exam they are booked for; a report as one JSON line."""
    slots = asyncio.Semaphore(at_once)
    began = elapsed_seconds()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        async with Person(address) as proctor:
            if face is None:
                await proctor.sign_in(*PROCTOR)
            with Progress(*columns, console=out) as bar:
                task = bar.add_task("Экзамены", total=len(people))

                async def one(number: int, login: str, password: str) -> Taken:
                    async with slots:
                        taken = await take_exam(address, login, password, proctor, face, share, Random(number))
                    bar.advance(task)
                    return taken

                taken = await asyncio.gather(*(one(n, *person) for n, person in enumerate(people)))
    except httpx.TransportError as error:
        raise Unavailable("no_server", f"Сервер {address} не отвечает: {error}. Запустите `make run`.") from error
    except (websockets.WebSocketException, OSError, TimeoutError) as error:
        raise Unavailable("connection_lost", f"Соединение с {address} прервано: {error or 'нет ответа'}.") from error
    delays = sorted(delay for exam in taken for delay in exam.delays)
    return json.dumps(
        {
            "sittings": len(taken),
            "finished": sum(1 for exam in taken if exam.fate not in ("", "running", "computing")),
            "sent": sum(exam.sent for exam in taken),
            "acknowledged": sum(exam.acknowledged for exam in taken),
            "fates": {fate: sum(1 for exam in taken if exam.fate == fate) for fate in {exam.fate for exam in taken}},
            "ack_p50_ms": round(statistics.median(delays) * 1e3, 2) if delays else None,
            "ack_p99_ms": round(delays[int(len(delays) * 0.99)] * 1e3, 2) if delays else None,
            "seconds": round(elapsed_seconds() - began, 1),
        }
    )


async def take_exam(
    address: str, login: str, password: str, proctor: Person, face: bytes | None, share: float, random: Random
) -> Taken:
    """From sign-in to the result."""
    taken = Taken(login)
    async with Person(address) as person:
        await person.sign_in(login, password)
        home = await person.page("/cabinet")
        entry = _ENTER.search(home)
        if entry is None:
            raise AccreditationError("nothing_booked", f"У {login} нет экзамена, к которому можно приступить.")
        response = await person.post(entry[1], find_token(home))
        if not response.has_redirect_location:
            raise AccreditationError("not_entered", f"{login}: экзамен не открылся.")
        path = urlsplit(response.headers["location"]).path
        taken.sitting = int(path.rpartition("/")[2])
        await pass_entrance(person, path, proctor, face)
        await sit(person, taken, face, share, random)
        for attempt in range(RESULT_TRIES):
            result = await person.http.get(f"/cabinet/results/{taken.sitting}", headers={"Accept": "application/json"})
            taken.fate = str(result.json()["fate"])
            if taken.fate not in ("running", "computing"):
                break
            await asyncio.sleep(min(0.2 * (attempt + 1), 2.0))
    return taken


async def pass_entrance(person: Person, path: str, proctor: Person, face: bytes | None) -> None:
    """Technical check, consent, identity: by picture, or by a proctor who looks at the passport."""
    token = find_token(await person.page(path))
    await person.post(f"{path}/check", token, json=READINGS)
    consent = {"version": "2026-1", "processing": True, "biometrics": face is not None}
    await person.post(f"{path}/consent", token, json=consent)
    if face is not None:
        await person.post(f"{path}/reference", token, "image/jpeg", content=face)
        return
    sitting = path.rpartition("/")[2]
    room = find_token(await proctor.page(f"/staff/proctor/{sitting}"))
    await proctor.post(f"/staff/proctor/{sitting}/identity", room, data={"csrf": room})


async def sit(person: Person, taken: Taken, face: bytes | None, share: float, random: Random) -> None:
    """Answer item after item over the exam's WebSocket, with a second one for the camera."""
    base = person.address.replace("http", "ws", 1)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in person.http.cookies.jar)
    headers = {"Cookie": cookies}
    stream = f"headless{random.randrange(10**8):08d}"
    origin = websockets.Origin(person.address)
    url = f"{base}/ws/sittings/{taken.sitting}?stream={stream}"
    async with websockets.connect(url, additional_headers=headers, origin=origin, compression=None) as socket:
        filming = asyncio.create_task(_film(person, base, headers, taken.sitting, face)) if face else None
        try:
            await Sitter(socket, taken, share, random).sit()
        finally:
            if filming is not None:
                filming.cancel()
                await asyncio.gather(filming, return_exceptions=True)


def pause(sent: int, elapsed: float) -> float:
    """Seconds to wait before the next edit, after so many in so many seconds: no person is as quick as a program."""
    return max(0.0, (sent + 1 - AT_ONCE) / A_SECOND - elapsed)


class Sitter:
    """The conversation on one exam socket: every edit is numbered, and counts once it is acknowledged."""

    def __init__(self, socket: websockets.ClientConnection, taken: Taken, share: float, random: Random) -> None:
        self._socket = socket
        self._taken = taken
        self._share = share
        self._random = random
        self._seq = 0
        self._began = elapsed_seconds()
        self._marks: list[dict[str, Any]] = []
        self._item: dict[str, Any] | None = None
        self._over = False

    async def sit(self) -> None:
        snapshot = await self._hear()
        if snapshot["type"] != "snapshot":
            raise AccreditationError("unexpected", f"Вместо снимка состояния пришло {snapshot['type']}.")
        self._seq, self._marks = snapshot["seq"], snapshot["marks"]
        self._item = snapshot.get("item")
        if snapshot["status"] == "ready":
            await self._say({"type": "start"})
        while self._item is None and not self._over:
            await self._hear()
        while not self._over:
            await self._answer()
            await self._move_on()

    async def _answer(self) -> None:
        """Answer every stage of the item on screen."""
        while self._item is not None and not self._over:
            item, stage = self._item, self._item["stage"]
            content = item["content"]["stages"][stage]
            if self._random.random() < self._share:
                ids = [choice["id"] for choice in content["choices"]]
                count = 1 if content["kind"] == "choice" else self._random.randint(1, len(ids) - 1)
                value = self._random.sample(ids, count)
                await self._say({"type": "respond", "position": item["position"], "stage": stage, "value": value})
            if item["content"]["kind"] == "four_option" or not self._item_is(item):
                return
            if not item["answers"][stage] and self._share < 1:
                return
            await self._say({"type": "lock", "position": item["position"], "stage": stage})
            if self._item is item:
                return

    async def _move_on(self) -> None:
        if self._over:
            return
        unseen = [n for n, mark in enumerate(self._marks) if not mark.get("visited") and not mark.get("locked")]
        if unseen:
            await self._say({"type": "show", "position": unseen[0]})
        else:
            await self._say({"type": "submit"})

    def _item_is(self, item: dict[str, Any]) -> bool:
        return self._item is not None and self._item["position"] == item["position"]

    async def _say(self, message: dict[str, Any]) -> None:
        """Send an edit and listen until it is acknowledged or refused."""
        self._seq += 1
        await asyncio.sleep(pause(self._taken.sent, elapsed_seconds() - self._began))
        sent_at = elapsed_seconds()
        await self._socket.send(json.dumps({**message, "seq": self._seq}))
        self._taken.sent += 1
        while True:
            heard = await self._hear()
            if heard["type"] == "ack" and heard["seq"] >= self._seq:
                self._taken.acknowledged += 1
                self._taken.delays.append(elapsed_seconds() - sent_at)
                break
            if heard["type"] == "refused" and heard.get("seq") == self._seq:
                raise AccreditationError(heard["code"], f"{message['type']}: {heard['message']}")
        if message["type"] in ("start", "show", "lock", "submit"):
            await self._hear_what_follows(message)

    async def _hear_what_follows(self, message: dict[str, Any]) -> None:
        """The item or the end that an edit leads to comes right behind its acknowledgement."""
        while True:
            heard = await self._hear()
            if heard["type"] in ("item", "ended") or (heard["type"] == "closed" and message["type"] == "submit"):
                return

    async def _hear(self) -> dict[str, Any]:
        heard: dict[str, Any] = json.loads(await asyncio.wait_for(self._socket.recv(), ACK_TIMEOUT))
        if heard["type"] == "item":
            self._item = heard["item"]
            self._marks[heard["item"]["position"]]["visited"] = True
        elif heard["type"] == "closed":
            self._marks[heard["position"]]["locked"] = True
        elif heard["type"] == "ended":
            self._over = True
        elif heard["type"] == "taken_over":
            raise AccreditationError("taken_over", "Экзамен продолжен на другом устройстве.")
        return heard


async def _film(person: Person, base: str, headers: dict[str, str], sitting: int, face: bytes | None) -> None:
    """Send the same picture at the rate that the server asks for."""
    origin = websockets.Origin(person.address)
    async with websockets.connect(f"{base}/ws/camera/{sitting}", additional_headers=headers, origin=origin) as camera:
        interval = json.loads(await camera.recv())["interval_ms"] / 1_000
        while face is not None:
            await camera.send(face)
            await asyncio.sleep(interval)
