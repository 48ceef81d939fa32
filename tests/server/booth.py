"""Who sits at the other end: a candidate with a browser's two sockets, and a member of staff, both signed in.

They say exactly what a test tells them to, wrong things included; `app.candidate` is the well-behaved client.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

import httpx
import websockets
from websockets.asyncio.client import ClientConnection, connect

from app.candidate import READINGS
from app.demo.seed import GENERAL_MEDICINE, QUICK, current_window
from core.access import LOGIN_COOKIE, Role, create_person, find_person
from core.access.logins import digest, open_login
from core.clock import SystemClock, elapsed_seconds
from core.database import Database
from core.ids import BlueprintId, BookingId, PersonId, SittingId
from core.randomness import fresh_token
from core.web import csrf
from exam_server.scheduling import book, decide_admission
from exam_server.sitting import Sitting
from exam_server.store import load_sitting
from tests.server.processes import Server

PATIENCE = 20.0
CONSENT = {"version": "2026-1", "processing": True, "biometrics": False}
STREAM = "browser01"


class Visitor:
    """Somebody with a login cookie and a way to the database, which only the test looks into."""

    def __init__(self, server: Server, database: Database, person: PersonId, token: str) -> None:
        self.server = server
        self.database = database
        self.person = person
        self.cookie = {LOGIN_COOKIE: token} if token else {}
        self.csrf = csrf.token(server.keys.secret, "login:" + digest(token).hex())
        self.http = httpx.AsyncClient(
            base_url=server.address,
            timeout=PATIENCE,
            cookies=self.cookie,
            headers={"Origin": server.address, "Accept": "application/json"},
        )
        self._sockets: list[ClientConnection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def post(self, path: str, **content: Any) -> httpx.Response:
        return await self.http.post(path, headers={"X-CSRF-Token": self.csrf}, **content)

    async def close(self) -> None:
        """Leave, with every socket closed that still is not."""
        for socket in self._sockets:
            socket.transport.abort()
            async with asyncio.timeout(PATIENCE):
                await socket.wait_closed()
        await self.http.aclose()
        await self.database.close()


class Staff(Visitor):
    @classmethod
    async def open(cls, server: Server, login: str) -> Self:
        database = Database(server.url, pool_size=1)
        async with database.transaction() as connection:
            who = await find_person(connection, login)
            assert who is not None
        return cls(server, database, who.id, await sign_in(database, who.id))

    async def confirm_identity(self, sitting: SittingId) -> None:
        answer = await self.post(f"/staff/proctor/{sitting}/identity")
        assert answer.status_code == 303, answer.text


class Booth(Visitor):
    """A candidate. `booking` is for the quick exam, `sitting` is there once it has been entered."""

    booking: BookingId
    sitting: SittingId

    @classmethod
    async def open(cls, server: Server, blueprint: BlueprintId = QUICK) -> Self:
        database = Database(server.url, pool_size=1)
        now = SystemClock().now()
        async with database.transaction() as connection:
            window = await current_window(connection, blueprint, now)
            assert window is not None
            who = await create_person(
                connection,
                login=f"k-{fresh_token(8)}".replace("_", "."),
                password=None,
                family_name="Проверкина",
                given_name="Вера",
                roles=[Role.CANDIDATE],
                now=now,
            )
            await decide_admission(connection, who, GENERAL_MEDICINE, [], now)
            booking = await book(connection, window, who, now)
        made = cls(server, database, who, await sign_in(database, who))
        made.booking = booking
        return made

    async def enter(self) -> SittingId:
        answer = await self.post(f"/cabinet/bookings/{self.booking}/enter")
        assert answer.status_code == 303, answer.text
        self.sitting = SittingId(int(answer.headers["location"].rpartition("/")[2]))
        return self.sitting

    async def pass_entrance(self, face: bytes | None = None) -> None:
        """Check, consent, and the identity: by a picture, or by a proctor where biometrics was refused."""
        await self.enter()
        for step, content in (("check", READINGS), ("consent", {**CONSENT, "biometrics": face is not None})):
            answer = await self.post(f"/exam/{self.sitting}/{step}", json=content)
            assert answer.status_code == 200, answer.text
        if face is not None:
            answer = await self.post(f"/exam/{self.sitting}/reference", content=face)
            assert answer.status_code == 200, answer.text
            return
        async with await Staff.open(self.server, "proktor") as proctor:
            await proctor.confirm_identity(self.sitting)

    async def begin(self, stream: str = STREAM, face: bytes | None = None) -> "Page":
        """The entrance, a page, the start: the first item is on screen."""
        await self.pass_entrance(face)
        page = await self.open_page(stream)
        await page.order("start")
        await page.hear("item")
        return page

    async def open_page(self, stream: str = STREAM, server: Server | None = None) -> "Page":
        """A page that has been told the state."""
        page = Page(await self.connect(f"/ws/sittings/{self.sitting}?stream={stream}", server))
        await page.hear("snapshot")
        return page

    async def connect(self, path: str, server: Server | None = None, **headers: str) -> ClientConnection:
        """A WebSocket with the candidate's cookie."""
        socket = await dial(server or self.server, path, self.cookie, **headers)
        self._sockets.append(socket)
        return socket

    async def state(self) -> Sitting:
        """What the log says, its digest chain checked."""
        async with self.database.transaction() as connection:
            return await load_sitting(connection, self.sitting)

    async def fate(self) -> str:
        answer = await self.http.get(f"/cabinet/results/{self.sitting}")
        return str(answer.json()["fate"])


class Page:
    """The exam's WebSocket with what it was told so far."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.told: list[dict[str, Any]] = []
        self.raw: list[str | bytes] = []
        self.seq = 0
        self.item: dict[str, Any] | None = None
        self.snapshot: dict[str, Any] = {}

    async def hear(self, *kinds: str) -> dict[str, Any]:
        """The next message of one of these kinds; of any where none is named."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self.raw.append(await self.socket.recv())
                heard: dict[str, Any] = json.loads(self.raw[-1])
                self.told.append(heard)
                if heard["type"] == "snapshot":
                    self.snapshot, self.seq, self.item = heard, heard["seq"], heard.get("item")
                elif heard["type"] == "item":
                    self.item = heard["item"]
                if not kinds or heard["type"] in kinds:
                    return heard

    async def say(self, message: dict[str, Any] | str | bytes) -> None:
        await self.socket.send(json.dumps(message) if isinstance(message, dict) else message)

    async def ask(self, message: dict[str, Any] | str | bytes) -> dict[str, Any]:
        """Say it and hear what is answered: an acknowledgement or a refusal."""
        await self.say(message)
        return await self.hear("ack", "refused")

    async def order(self, kind: str, **fields: Any) -> None:
        """An edit with the next number, acknowledged."""
        self.seq += 1
        answer = await self.ask({"type": kind, "seq": self.seq, **fields})
        assert answer == {"type": "ack", "seq": self.seq}, answer

    def choices(self) -> list[str]:
        """The ids of the options on screen."""
        assert self.item is not None
        return [choice["id"] for choice in self.item["content"]["stages"][self.item["stage"]]["choices"]]

    def response(self, which: int = 0) -> dict[str, Any]:
        """An answer to what is on screen, without its number."""
        assert self.item is not None
        value = [self.choices()[which]]
        return {"type": "respond", "position": self.item["position"], "stage": self.item["stage"], "value": value}

    async def answer(self, which: int = 0) -> str:
        """Choose an option of the item on screen; its id, once it is acknowledged."""
        response = self.response(which)
        self.seq += 1
        answer = await self.ask({**response, "seq": self.seq})
        assert answer == {"type": "ack", "seq": self.seq}, answer
        return str(response["value"][0])

    async def show(self, position: int) -> None:
        await self.order("show", position=position)
        await self.hear("item")

    async def closed(self) -> int:
        """The code that the server closes with; what it says before is heard."""
        try:
            while True:
                await self.hear()
        except websockets.ConnectionClosed as end:
            return end.rcvd.code if end.rcvd is not None else 1006

    async def leave(self) -> None:
        await self.socket.close()


async def dial(server: Server, path: str, cookies: dict[str, str], **headers: str) -> ClientConnection:
    """A WebSocket handshake with these cookies, from the server's own pages."""
    sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
    origin = headers.pop("Origin", server.address)
    return await connect(
        server.address.replace("http", "ws", 1) + path,
        additional_headers={**sent, **headers},
        origin=websockets.Origin(origin),
        compression=None,
        open_timeout=PATIENCE,
        close_timeout=PATIENCE,
        ping_interval=None,
    )


async def sign_in(database: Database, person: PersonId) -> str:
    """A login, made without its password: argon2 is slow on purpose, and `app.candidate` types one."""
    token = fresh_token()
    async with database.transaction() as connection:
        await open_login(connection, token, person, "127.0.0.1", SystemClock().now(), 1)
    return token


async def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Look (or await) again and again until it is true; its value then."""
    end = elapsed_seconds() + seconds
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert elapsed_seconds() < end, what
        await asyncio.sleep(0.02)
