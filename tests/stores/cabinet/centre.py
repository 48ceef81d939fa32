"""A small exam centre: a bank, exams, windows, people, and sittings taken with so many right answers."""

from collections.abc import Iterable

import httpx
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.applications import Starlette
from starlette.middleware import Middleware

from cabinet.pages import routes
from core.access import LOGIN_COOKIE, LoginGate, create_person, find_person
from core.access.logins import digest, open_login
from core.access.people import person
from core.access.roles import Principal, Role
from core.clock import ManualClock
from core.database import Database, execute, fetch_one
from core.ids import BlueprintId, BookingId, ItemId, SittingId, WindowId
from core.moments import HOUR, MINUTE, SECOND, Moment, Span, to_datetime
from core.randomness import fresh_token
from core.settings import Settings
from core.signatures import Signer
from core.web import csrf, language, problems
from core.web.pages import Pages
from core.web.security import SameOrigin, SecurityHeaders
from exam_server import scheduling
from exam_server.chain import link
from exam_server.commands import Admit, Attach, Command, Respond, Settle, Show, Start, Submit
from exam_server.conclusion import conclude, record_receipt
from exam_server.events import AnyEvent, encode_batch
from exam_server.preparation import enter
from exam_server.protocols import sign_protocol
from exam_server.rulings import decide
from exam_server.sitting import Sitting, evolve
from exam_server.store import load_sitting
from proctoring.incidents import IncidentChange, Severity
from proctoring.review import Decision, Finding, Ruling, Verdict
from proctoring.signals import Kind
from proctoring.store import close_watch, incidents_of, open_watch, record_decision, record_finding, record_incident
from question_bank.blueprint_store import save_blueprint
from question_bank.blueprints import Blueprint, Cell
from question_bank.forms import ItemPool
from question_bank.items import Item, make_stage
from question_bank.items import Role as OptionRole
from question_bank.pool_store import PreparedPools
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement, Speciality
from question_bank.store import load_items, publish_items

SECRET = b"a secret of the tests, 32 bytes."
NURSING = "34.02.01"
AREAS = {
    "СД-01": "Безопасная среда",
    "СД-02": "Медикаментозное лечение",
    "СД-03": "Уход за тяжелобольными",
    "СД-04": "Этика и документация",
}
EXAM = Blueprint(
    BlueprintId("nursing"),
    1,
    "Сестринское дело: тестирование",
    NURSING,
    "Сестринское дело",
    tuple(Cell(code, "four_option", count) for code, count in zip(AREAS, (8, 6, 4, 2), strict=True)),
    40 * MINUTE,
    "free",
    "advance",
    True,
    "protocol",
    85,
    "primary",
)
AUTOMATIC = Blueprint(
    BlueprintId("nursing-quick"),
    1,
    "Сестринское дело: короткое",
    NURSING,
    "Сестринское дело",
    EXAM.cells,
    20 * MINUTE,
    "free",
    "advance",
    True,
    "automatic",
    85,
    "primary",
)
PRACTICE = Blueprint(
    BlueprintId("nursing-practice"),
    1,
    "Сестринское дело: пробное",
    NURSING,
    "Сестринское дело",
    (Cell("СД-01", "four_option", 5),),
    10 * MINUTE,
    "free",
    "advance",
    True,
    "automatic",
    85,
    "primary",
    practice=True,
    explanations="end",
)
EXPLAINING = replace(
    PRACTICE,
    id=BlueprintId("nursing-explained"),
    title="Сестринское дело: тренировка",
    navigation="linear",
    flags=False,
    explanations="item",
)


class Centre:
    """Everything is made by the functions that make it in earnest; only the log is written without its writer."""

    def __init__(self, database: Database, clock: ManualClock, pages: Pages) -> None:
        self.database = database
        self.clock = clock
        self.settings = Settings(zone="Europe/Moscow")
        self.pools = PreparedPools()
        self.signer = Signer.fresh()
        self.app = Starlette(
            routes=[*routes, *language.routes],
            middleware=[Middleware(SecurityHeaders), Middleware(SameOrigin), Middleware(LoginGate)],
            exception_handlers=problems.handlers,
        )
        for name in ("database", "clock", "settings", "pools"):
            setattr(self.app.state, name, getattr(self, name))
        self.app.state.pages = pages
        self.app.state.csrf_secret = SECRET
        self.app.state.media_key = SECRET

    async def fill(self) -> None:
        """The bank and the exams."""
        async with self.database.transaction() as connection:
            await save_requirements(
                connection,
                [Speciality(NURSING, "Сестринское дело")],
                [Requirement(code, NURSING, title) for code, title in AREAS.items()],
            )
            items = [_item(code, n) for code in AREAS for n in range(10)]
            items += [_item("СД-01", n, "practice") for n in range(7)]
            await publish_items(connection, items, self.clock.now())
            for blueprint in (EXAM, AUTOMATIC, PRACTICE, EXPLAINING):
                await save_blueprint(connection, blueprint, self.clock.now())

    async def person(
        self, login: str, *roles: Role, zone: str = "Asia/Novosibirsk", family_name: str = "Ким", given_name: str = ""
    ) -> Principal:
        async with self.database.transaction() as connection:
            made = await create_person(
                connection,
                login=login,
                password=None,
                family_name=family_name,
                given_name=given_name,
                zone=zone,
                roles=roles or [Role.CANDIDATE],
                now=self.clock.now(),
            )
            found = await person(connection, made)
        assert found is not None
        return found

    async def admit(self, candidate: Principal, *missing: str) -> None:
        async with self.database.transaction() as connection:
            await scheduling.decide_admission(connection, candidate.id, NURSING, missing, self.clock.now())

    async def window(
        self, blueprint: Blueprint = EXAM, opens_in: Span = 0, lasts: Span = 4 * HOUR, capacity: int = 10
    ) -> WindowId:
        opens_at = self.clock.now() + opens_in
        async with self.database.transaction() as connection:
            return await scheduling.open_window(
                connection, blueprint, opens_at, opens_at + lasts, capacity, "Компьютерный класс 204"
            )

    async def book(self, candidate: Principal, window: WindowId) -> BookingId:
        async with self.database.transaction() as connection:
            return await scheduling.book(connection, window, candidate.id, self.clock.now())

    async def enter(self, candidate: Principal, booking: BookingId) -> SittingId:
        async with self.database.transaction() as connection:
            return await enter(
                connection,
                booking,
                candidate.id,
                pools=self.pools,
                seed=booking,
                now=self.clock.now(),
                attempts_allowed=self.settings.attempts,
            )

    async def start(self, sitting: SittingId) -> None:
        await self.obey(sitting, [Admit("person"), Attach("browser"), Start(seq=1)])

    async def answer(self, sitting: SittingId, right: int) -> None:
        """Answer the first `right` items rightly, no other, and submit."""
        async with self.database.transaction() as connection:
            state = await load_sitting(connection, sitting)
            refs = [(entry.item, entry.version) for entry in state.form.entries]
            items = await load_items(connection, refs)
        seq = 1
        commands: list[Command] = []
        for position, ref in enumerate(refs[:right]):
            key = next(choice.id for choice in items[ref].stages[0].choices if choice.role is OptionRole.KEY)
            commands += [
                Show(seq=seq + 1, position=position),
                Respond(seq=seq + 2, position=position, stage=0, value=(key,)),
            ]
            seq += 2
        await self.obey(sitting, [*commands, Submit(seq=seq + 1)])
        await self.watch(sitting)

    async def answer_late(self, sitting: SittingId) -> None:
        """One more answer to the first item, when the exam is over."""
        async with self.database.transaction() as connection:
            state = await load_sitting(connection, sitting)
            choice = state.form.entries[0].stages[0].choices[0]
            command = Respond(seq=state.streams[state.stream] + 1, position=0, stage=0, value=(choice,))
            (event,) = decide(state, command, self.clock.now()).events
            state = evolve(state, event)
            assert len(state.late) == 1
            await _append(connection, state, (event,))

    async def watch(self, sitting: SittingId) -> None:
        """The camera saw all of it."""
        async with self.database.transaction() as connection:
            state = await load_sitting(connection, sitting)
            assert state.started_at is not None
            assert state.ended_at is not None
            await close_watch(connection, await open_watch(connection, sitting, "p1", state.started_at), state.ended_at)

    async def settle(self, sitting: SittingId) -> None:
        """What the clock alone has decided."""
        await self.obey(sitting, [Settle()])

    async def take(self, candidate: Principal, booking: BookingId, right: int, flagged: bool = False) -> SittingId:
        """A whole sitting of nine minutes, concluded."""
        sitting = await self.enter(candidate, booking)
        await self.start(sitting)
        self.clock.advance(9 * MINUTE)
        await self.answer(sitting, right)
        if flagged:
            await self.flag(sitting)
        await self.conclude(sitting)
        return sitting

    async def flag(self, sitting: SittingId) -> None:
        now = self.clock.now()
        change = IncidentChange(
            "closed", Kind.SEVERAL_FACES, now - MINUTE, now - 40 * SECOND, 20, 0.9, "yunet", 0.9, Severity.HIGH, "over"
        )
        async with self.database.transaction() as connection:
            await record_incident(connection, sitting, change, True, "p1")

    async def conclude(self, sitting: SittingId) -> None:
        async with self.database.transaction() as connection:
            assert await conclude(connection, sitting, self.settings.retake_days, self.clock.now())

    async def judge(self, sitting: SittingId, ruling: Ruling) -> None:
        """An expert reads every incident and decides."""
        expert = await self.person(f"expert-{sitting}", Role.COMMISSION)
        now = self.clock.now()
        async with self.database.transaction() as connection:
            for incident in await incidents_of(connection, sitting):
                await record_finding(connection, Finding(incident.id, Verdict.CONFIRMED, expert.id, "Видно.", now))
            await record_decision(connection, Decision(sitting, ruling, expert.id, "Так решено.", now))

    async def sign(self, *sittings: SittingId) -> str:
        """The chair signs a protocol over these sittings; its number."""
        async with self.database.transaction() as connection:
            chair = await find_person(connection, "chair")
        chair = chair or await self.person("chair", Role.COMMISSION_CHAIR, family_name="Орлова")
        async with self.database.transaction() as connection:
            protocol = await sign_protocol(connection, list(sittings), chair, self.signer, self.clock.now())
        return protocol.number

    async def register(self, sitting: SittingId, number: str) -> None:
        """The register's receipt has come."""
        async with self.database.transaction() as connection:
            await record_receipt(connection, sitting, number, "receipt")

    async def obey(self, sitting: SittingId, commands: Iterable[Command]) -> None:
        async with self.database.transaction() as connection:
            state = await load_sitting(connection, sitting)
            events: list[AnyEvent] = []
            for command in commands:
                ruling = decide(state, command, self.clock.now())
                assert ruling.refusal is None, (command, ruling.refusal)
                for event in ruling.events:
                    state = evolve(state, event)
                    events.append(event)
            await _append(connection, state, tuple(events))

    async def cancel_window(self, window: WindowId) -> None:
        async with self.database.transaction() as connection:
            await execute(
                connection,
                'UPDATE exam_server."window" SET cancelled_at = :now WHERE id = :id',
                now=self.clock.now(),
                id=window,
            )

    async def browser(self, principal: Principal | None = None, lang: str = "ru") -> "Browser":
        """A browser, signed in as the person where one is given."""
        transport = httpx.ASGITransport(self.app, client=("203.0.113.7", 50_000))
        browser = Browser(transport=transport, base_url="http://exam.test", headers={"accept-language": lang})
        if principal is not None:
            token = fresh_token()
            async with self.database.transaction() as connection:
                await open_login(connection, token, principal.id, "203.0.113.7", self.clock.now(), 12)
            browser.cookies.set(LOGIN_COOKIE, token, domain="exam.test")
            browser.csrf = csrf.token(SECRET, "login:" + digest(token).hex())
        return browser


class Browser(httpx.AsyncClient):
    """Reads pages and sends forms with the token that the pages would have held."""

    csrf = ""

    async def read(self, path: str, status: int = 200) -> str:
        """The page's text with ordinary spaces."""
        answer = await self.get(path)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return plain(answer.text)

    async def submit(self, path: str, **fields: object) -> httpx.Response:
        form = {"csrf": self.csrf, **{name: str(value) for name, value in fields.items()}}
        return await self.post(path, data=form, headers={"origin": str(self.base_url)})


def plain(text: str) -> str:
    """A page as people read it: with ordinary spaces, lines joined."""
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").replace("&nbsp;", " ").split())


def _item(requirement: str, number: int, pool: ItemPool = "exam") -> Item:
    id = ItemId(f"{list(AREAS).index(requirement)}-{number}" if pool == "exam" else f"p-{number}")
    options = tuple(
        (f"Вариант {letter} задания {id}", OptionRole.KEY if place == 0 else OptionRole.DISTRACTOR)
        for place, letter in enumerate("абвг")
    )
    stage = make_stage(id, 1, 0, "choice", options)
    return Item(
        id,
        1,
        NURSING,
        requirement,
        "recall",
        0.6,
        15 * MINUTE,
        f"Вопрос задания {id}?",
        (stage,),
        f"Пояснение {id}.",
        pool,
    )


async def _append(connection: AsyncConnection, state: Sitting, events: tuple[AnyEvent, ...]) -> None:
    last = await fetch_one(
        connection,
        "SELECT version, digest FROM exam_server.log WHERE sitting_id = :id ORDER BY version DESC LIMIT 1",
        id=state.id,
    )
    assert last is not None
    stored, prev, version = encode_batch(events), bytes(last["digest"]), last["version"] + 1
    await execute(
        connection,
        "INSERT INTO exam_server.log (sitting_id, version, prev, digest, events) VALUES (:id, :v, :prev, :d, :events)",
        id=state.id,
        v=version,
        prev=prev,
        d=link(state.id, version, prev, stored),
        events=stored,
    )
    due: Moment | None = state.deadline
    await execute(
        connection,
        "UPDATE exam_server.sitting SET next_deadline = :due WHERE id = :id",
        id=state.id,
        due=None if due is None else to_datetime(due),
    )
