"""A small school for the staff's pages: people of every role, a bank, exams that are really sat, and the pages."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import httpx
import msgspec
from argon2 import PasswordHasher
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from admin.blueprint_pools import DraftPools
from admin.errands import Errands
from admin.exchange_desk import ImportDesk
from admin.export_desk import ExportDesk
from admin.pages import routes
from core.access import LOGIN_COOKIE, LoginGate, Principal, Role, create_person, person
from core.access.logins import digest, open_login
from core.blobs import Blobs
from core.clock import ManualClock
from core.database import Database, fetch_all
from core.ids import BlueprintId, IncidentId, ItemId, PersonId, SittingId, WindowId
from core.live import LocalLive
from core.moments import HOUR, MINUTE, SECOND, Moment
from core.randomness import fresh_token
from core.settings import Settings
from core.signatures import Signer
from core.web import csrf, problems
from core.web.pages import Pages
from core.web.security import SameOrigin, SecurityHeaders
from exam_server import scheduling
from exam_server.allowances import Allowances
from exam_server.closing import Closing
from exam_server.commands import Respond, Show, Start, Submit
from exam_server.conclusion import conclude
from exam_server.conduct import Conduct
from exam_server.entrance import CameraReading, Consent, Entrance, Readings, ScreenReading
from exam_server.event_log import EventLog
from exam_server.held import Held
from exam_server.invigilation import Invigilation
from exam_server.late_answers import LateAnswers
from exam_server.preparation import enter
from exam_server.source import DatabaseSource
from exam_server.withdrawal import Withdrawals
from proctoring import store as watched
from proctoring.evidence import Role as StillRole
from proctoring.evidence import Still, seal
from proctoring.incidents import GapChange, IncidentChange, Severity
from proctoring.signals import Kind
from proctoring.store import Reference
from proctoring.watching import Counters
from question_bank.blueprint_store import save_blueprint
from question_bank.blueprints import Blueprint, Cell, Confirmation
from question_bank.form_builds import FormBuilds
from question_bank.items import Item, make_stage
from question_bank.items import Role as ChoiceRole
from question_bank.pool_store import PreparedPools
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement, Speciality
from question_bank.store import load_items, publish_items

HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "Осень-2026!"
SECRET = b"a secret of the tests, 32 bytes."
JPEG = b"\xff\xd8\xff\xe0 not a picture, but sealed like one \xff\xd9"
ITEMS = 4


class Cameras:
    """Stands for the pipeline and the observation: what cameras show is what the test puts here."""

    def __init__(self) -> None:
        self.pictures: dict[SittingId, tuple[bytes, Moment]] = {}

    def latest(self, sitting: SittingId) -> tuple[bytes, Moment] | None:
        return self.pictures.get(sitting)

    def watching(self) -> tuple[SittingId, ...]:
        return tuple(self.pictures)

    def coverage(self, sitting: SittingId) -> Counters | None:
        return Counters(received=10, processed=7, dropped=2, broken=1)

    async def judge_reference(self, jpeg: bytes) -> Reference:
        return Reference(b"\x01" * 512, "names-1", 150.0, 5.0, 100.0)

    async def keep_reference(
        self, connection: AsyncConnection, sitting: SittingId, reference: Reference, jpeg: bytes, at: Moment
    ) -> None:
        self.pictures[sitting] = (jpeg, at)


class Page:
    """The candidate's page: hears what the engine says and can wait for an acknowledgement."""

    def __init__(self) -> None:
        self.closed = False
        self._last = 0
        self._heard = asyncio.Event()

    def send(self, data: bytes) -> None:
        message = msgspec.json.decode(data)
        if message["type"] == "refused":
            raise AssertionError(message)
        if message["type"] == "ack":
            self._last = message["seq"]
            self._heard.set()

    def close(self, code: int, reason: str) -> None:
        self.closed = True

    async def acknowledged(self, seq: int) -> None:
        async with asyncio.timeout(10):
            while self._last < seq:
                self._heard.clear()
                await self._heard.wait()


class School:
    """Everything the staff's pages need, really running on one database."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path) -> None:
        self.database = database
        self.clock = clock
        self.cameras = Cameras()
        self.log = EventLog(database.url)
        self.conduct = Conduct(self.log, DatabaseSource(database), clock)
        self.pools = PreparedPools()
        self.builds = FormBuilds(database, clock)
        self.blobs = Blobs.in_folder(folder, {"k1": bytes(range(32))})
        self.folder, self.errands = folder, Errands()
        self.signer = Signer.fresh()
        self.staff: dict[Role, Principal] = {}
        self.tokens: dict[PersonId, str] = {}
        self.window = WindowId(0)
        self.app = self._build()

    def _build(self) -> Starlette:
        pages = Pages(["admin", "exam_server"])
        app = Starlette(
            routes=[*routes, *(Mount(at, StaticFiles(directory=folder)) for at, folder in pages.static_mounts())],
            middleware=[Middleware(SecurityHeaders), Middleware(SameOrigin), Middleware(LoginGate)],
            exception_handlers=problems.handlers,
        )
        parts = {
            "settings": Settings(),
            "database": self.database,
            "clock": self.clock,
            "live": LocalLive(),
            "blobs": self.blobs,
            "pages": pages,
            "csrf_secret": SECRET,
            "signer": self.signer,
            "conduct": self.conduct,
            "event_log": self.log,
            "pipeline": self.cameras,
            "camera": self.cameras,
            "entrance": Entrance(self.database, self.clock, self.conduct, self.cameras),
            "invigilation": Invigilation(self.database, self.clock, self.conduct),
            "late_answers": LateAnswers(self.database, self.clock, self.conduct),
            "closing": Closing(self.database, self.clock, self.conduct),
            "allowances": Allowances(self.database, self.clock, self.conduct),
            "withdrawals": Withdrawals(self.database, self.clock, self.conduct, self.pools),
            "pools": self.pools,
            "draft_pools": DraftPools(),
            "form_builds": self.builds,
            "stopping": asyncio.Event(),
            "import_desk": ImportDesk(self.database, self.blobs, self.clock, self.folder / "incoming", self.errands),
            "export_desk": ExportDesk(self.database, self.blobs, self.clock, self.folder / "outgoing", self.errands),
        }
        for name, part in parts.items():
            setattr(app.state, name, part)
        return app

    async def open(self) -> None:
        """Start the log, hire everybody, fill the bank, open a window."""
        await self.log.start()
        for role in Role:
            self.staff[role] = await self.hire(role.value, role)
        await self.fill_bank()

    async def close(self) -> None:
        self.app.state.stopping.set()
        await self.builds.close()
        await self.errands.stop()
        await self.log.close()

    # --- people

    async def hire(self, login: str, *roles: Role, family_name: str = "", password: str | None = PASSWORD) -> Principal:
        """A person who is signed in."""
        async with self.database.transaction() as connection:
            made = await create_person(
                connection,
                login=login,
                password=password,
                family_name=family_name or f"Фамилия-{login}",
                given_name="Анна",
                patronymic="Ивановна",
                roles=roles,
                now=self.clock.now(),
                hasher=HASHER,
            )
            who = await person(connection, made)
            token = fresh_token(24)
            await open_login(connection, token, made, "127.0.0.1", self.clock.now(), 24)
        assert who is not None
        self.tokens[made] = token
        return who

    def client(self, who: Principal | None = None) -> httpx.AsyncClient:
        """A browser in which the person is signed in."""
        cookies = {} if who is None else {LOGIN_COOKIE: self.tokens[who.id]}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://exam.test", cookies=cookies)

    def csrf(self, who: Principal) -> str:
        """The token that this person's forms carry."""
        return csrf.token(SECRET, "login:" + digest(self.tokens[who.id]).hex())

    async def get(self, who: Principal | None, path: str, **kwargs: object) -> httpx.Response:
        async with self.client(who) as client:
            return await client.get(path, **kwargs)  # type: ignore[arg-type]

    async def post(self, who: Principal, path: str, **fields: str | Sequence[str]) -> httpx.Response:
        """Send a form of one of our pages."""
        async with self.client(who) as client:
            headers = {"origin": "http://exam.test"}
            return await client.post(path, data={"csrf": self.csrf(who), **fields}, headers=headers)

    async def send(
        self, who: Principal, path: str, body: object, method: str = "POST", token: str | None = None
    ) -> httpx.Response:
        """JSON as a page of ours sends it; bytes go as they are."""
        headers = {
            "origin": "http://exam.test",
            "accept": "application/json",
            "content-type": "application/json",
            "x-csrf-token": self.csrf(who) if token is None else token,
        }
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        async with self.client(who) as client:
            return await client.request(method, path, content=content, headers=headers)

    # --- the bank

    async def fill_bank(self) -> None:
        items = [_item(number) for number in range(2 * ITEMS)]
        async with self.database.transaction() as connection:
            await save_requirements(
                connection,
                [Speciality("31.02.01", "Лечебное дело")],
                [Requirement("ОТ-1", "31.02.01", "Неотложная помощь")],
            )
            await publish_items(connection, items, self.clock.now())
        self.window = await self.open_exam("exam", "Лечебное дело, экзамен", "protocol")

    async def open_exam(self, name: str, title: str, confirmation: Confirmation, hours: int = 8) -> WindowId:
        """A blueprint and a window for it that is open now, for so many hours more."""
        blueprint = Blueprint(
            id=BlueprintId(name),
            version=1,
            title=title,
            speciality="31.02.01",
            speciality_title="Лечебное дело",
            cells=(Cell("ОТ-1", "four_option", ITEMS),),
            exam_limit=HOUR,
            navigation="free",
            on_item_timeout="advance",
            flags=True,
            confirmation=confirmation,
            cut=85,
            accreditation="primary",
        )
        async with self.database.transaction() as connection:
            await save_blueprint(connection, blueprint, self.clock.now())
            now = self.clock.now()
            return await scheduling.open_window(connection, blueprint, now - HOUR, now + hours * HOUR, 1_000, "Зал 1")

    # --- sittings

    async def admit(
        self, candidate: Principal, *, biometrics: bool = True, window: WindowId | None = None
    ) -> SittingId:
        """A sitting with check and consent; with biometrics it may start, without a person must look first."""
        now = self.clock.now()
        async with self.database.transaction() as connection:
            await scheduling.decide_admission(connection, candidate.id, "31.02.01", [], now)
            booking = await scheduling.book(connection, window or self.window, candidate.id, now)
            sitting = await enter(
                connection, booking, candidate.id, pools=self.pools, seed=7, now=now, attempts_allowed=3
            )
        entrance: Entrance = self.app.state.entrance
        readings = Readings(CameraReading(640, 480, "Камера"), ScreenReading(1920, 1080), 20, 10, 15, True, True, True)
        await entrance.record_check(sitting, candidate.id, readings)
        await entrance.record_consent(sitting, candidate.id, Consent("2026-1", True, biometrics))
        if biometrics:
            await entrance.take_reference(sitting, candidate.id, JPEG)
        return sitting

    async def start(self, sitting: SittingId) -> tuple[Held, Page]:
        """The candidate's page connects and begins."""
        page = Page()
        held = await self.conduct.attach(sitting, page, "browser-1")
        self.conduct.receive(held, page, Start(1), self.clock.now())
        await page.acknowledged(1)
        return held, page

    async def answer(self, held: Held, page: Page, right: int) -> None:
        """Answer every item, so many of them rightly."""
        entries = held.state.form.entries
        async with self.database.transaction() as connection:
            items = await load_items(connection, [(entry.item, entry.version) for entry in entries])
        seq = 1
        for position, entry in enumerate(entries):
            choices = items[entry.item, entry.version].stages[0].choices
            role = ChoiceRole.KEY if position < right else ChoiceRole.DISTRACTOR
            chosen = next(choice.id for choice in choices if choice.role is role)
            self.clock.advance(20 * SECOND)
            self.conduct.receive(held, page, Show(seq + 1, position), self.clock.now())
            self.conduct.receive(held, page, Respond(seq + 2, position, 0, (chosen,)), self.clock.now())
            seq += 2
            await page.acknowledged(seq)

    async def submit(self, held: Held, page: Page) -> None:
        seq = held.state.streams[held.state.stream] + 1
        self.conduct.receive(held, page, Submit(seq), self.clock.now())
        await page.acknowledged(seq)
        await self.conclude(held.state.id)

    async def conclude(self, sitting: SittingId) -> None:
        async with self.database.transaction() as connection:
            await conclude(connection, sitting, 30, self.clock.now())

    async def finish(self, candidate: Principal, right: int = ITEMS, *, incidents: int = 0) -> SittingId:
        """A whole sitting, with incidents that a person must read."""
        sitting = await self.admit(candidate)
        held, page = await self.start(sitting)
        await self.answer(held, page, right)
        for number in range(incidents):
            await self.notice(sitting, at=self.clock.now() - (number + 1) * 10 * SECOND)
        await self.submit(held, page)
        return sitting

    async def notice(
        self,
        sitting: SittingId,
        kind: Kind = Kind.OTHER_PERSON,
        *,
        at: Moment | None = None,
        holds: bool = True,
        open_still: bool = False,
        score: float = 0.21,
    ) -> IncidentId:
        """An incident with a sealed still."""
        began = self.clock.now() if at is None else at
        change = IncidentChange(
            step="opened" if open_still else "closed",
            kind=kind,
            began_at=began,
            seen_at=began + 5 * SECOND,
            readings=6,
            strength=0.8,
            source="sface-2021dec",
            score=score,
            severity=Severity.HIGH,
            reason="" if open_still else "over",
        )
        async with self.database.transaction() as connection:
            incident = await watched.record_incident(connection, sitting, change, holds, "standard-1")
            await seal(connection, self.blobs, sitting, incident, StillRole.AT, Still(began, JPEG))
        return incident

    async def lose_sight(self, sitting: SittingId, *, since: Moment, until: Moment | None = None) -> None:
        """A coverage gap, open without `until`."""
        change = GapChange("opened" if until is None else "closed", since, until)
        async with self.database.transaction() as connection:
            await watched.record_gap(connection, sitting, change, "silent")

    async def evidence(self, sitting: SittingId) -> int:
        """The id of one still of the sitting."""
        async with self.database.transaction() as connection:
            return (await watched.evidence_of(connection, sitting))[0].id

    async def journaled(self, action: str) -> list[tuple[str, str, dict[str, str]]]:
        """Actor, subject and fields of what was posted to the journal under this action."""
        async with self.database.transaction() as connection:
            rows = await fetch_all(connection, "SELECT body FROM core.outbox WHERE topic = 'journal' ORDER BY id")
        posted = [msgspec.json.decode(row["body"]) for row in rows]
        return [(one["actor"], one["subject"], one["fields"]) for one in posted if one["action"] == action]


def _item(number: int) -> Item:
    id = ItemId(f"ld-{number:03}")
    options = tuple(
        (f"Вариант {letter} задания {number}", ChoiceRole.KEY if place == number % 4 else ChoiceRole.DISTRACTOR)
        for place, letter in enumerate("абвг")
    )
    stage = make_stage(id, 1, 0, "choice", options)
    return Item(id, 1, "31.02.01", "ОТ-1", "recall", 0.7, MINUTE, f"Вопрос {number} о помощи?", (stage,), "Потому что.")
