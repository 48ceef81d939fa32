"""An exam hall to measure in: PostgreSQL with a bank, one blueprint, and a candidate with a sitting at each seat."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import uvloop
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from app.embedded import EmbeddedPostgres
from app.migrate import check_durability, migrate
from benchmarks.postgres import fleeting
from benchmarks.processes import await_port, free_port
from core.access.logins import open_login
from core.access.people import create_person
from core.access.roles import Role
from core.clock import SystemClock
from core.database import Database
from core.ids import BlueprintId, ItemId, PersonId, SittingId, WindowId
from core.moments import HOUR, MINUTE, Moment, Span
from core.randomness import fresh_token
from exam_server.commands import Admit, Attach, Detach, Start
from exam_server.conduct import Conduct
from exam_server.event_log import EventLog
from exam_server.preparation import enter
from exam_server.scheduling import book, decide_admission, open_window
from exam_server.source import DatabaseSource
from question_bank.blueprint_store import save_blueprint
from question_bank.blueprints import Blueprint, Cell
from question_bank.items import Item, make_stage
from question_bank.items import Role as ChoiceRole
from question_bank.pool_store import PreparedPools
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement, Speciality
from question_bank.store import publish_items

WORKERS = 4
AT_ONCE = 25
"""Candidates that are seated in one transaction."""
STREAM = "benchmark0"


class Plan(Struct, frozen=True):
    """How the exam is made: a form of `length` out of `bank` items, whose limits take turns."""

    length: int = 80
    bank: int = 400
    limits: tuple[Span, ...] = (HOUR,)
    exam_limit: Span = 5 * HOUR + 30 * MINUTE
    started: bool = False
    """Whether the sittings are running already, each with its first item on screen and nobody connected."""


class Seat(Struct, frozen=True):
    """A sitting with the candidate's login. Whoever connects says that cookie."""

    sitting: SittingId
    person: PersonId
    token: str


class Hall(Struct, frozen=True):
    """Where to measure: `postmaster` is the id of PostgreSQL's first process."""

    postgres: EmbeddedPostgres
    seats: tuple[Seat, ...]

    @property
    def url(self) -> str:
        return self.postgres.url

    @property
    def postmaster(self) -> int:
        running = self.postgres.cluster.running()
        assert running is not None
        return running[0]


@contextlib.contextmanager
def open_hall(folder: Path, seats: int, plan: Plan = Plan()) -> Iterator[Hall]:
    """An embedded PostgreSQL, durable, in the folder, with so many admitted candidates; erased at the end."""
    with fleeting(folder) as postgres:
        yield Hall(postgres, tuple(uvloop.run(furnish(postgres.url, seats, plan))))


async def furnish(url: str, seats: int, plan: Plan) -> list[Seat]:
    """Bring an empty database to an exam that is about to begin: its seats in the order of their sittings."""
    await migrate(url)
    await check_durability(url)
    database, clock, log = Database(url), SystemClock(), EventLog(url)
    await log.start()
    try:
        now = clock.now()
        blueprint = _blueprint(plan)
        async with database.transaction() as connection:
            await save_requirements(connection, [Speciality("0", "Benchmark")], [Requirement("R", "0", "Benchmark")])
            items = [_item(number, plan.limits[number % len(plan.limits)]) for number in range(plan.bank)]
            await publish_items(connection, items, now)
            await save_blueprint(connection, blueprint, now)
            # A window of its own for each worker: bookings of one window wait for each other.
            windows = [
                await open_window(connection, blueprint, now - HOUR, now + 6 * HOUR, seats) for _ in range(WORKERS)
            ]
        pools, numbers = PreparedPools(), iter(range(seats))
        conduct = Conduct(log, DatabaseSource(database), clock)
        made: list[Seat] = []

        async def work(window: WindowId) -> None:
            while batch := list(islice(numbers, AT_ONCE)):
                async with database.transaction() as connection:
                    seated = [await _seat(connection, number, window, pools, now) for number in batch]
                await asyncio.gather(*(_admit(conduct, seat.sitting, plan.started) for seat in seated))
                made.extend(seated)

        await asyncio.gather(*(work(window) for window in windows))
    finally:
        await log.close()
        await database.close()
    return sorted(made, key=lambda seat: seat.sitting)


async def _seat(connection: AsyncConnection, number: int, window: WindowId, pools: PreparedPools, now: Moment) -> Seat:
    person = await create_person(
        connection, login=f"load{number}", password=None, family_name="Load", roles=[Role.CANDIDATE], now=now
    )
    await decide_admission(connection, person, "0", [], now)
    booking = await book(connection, window, person, now)
    sitting = await enter(connection, booking, person, pools=pools, seed=number, now=now, attempts_allowed=3)
    token = fresh_token(32)
    await open_login(connection, token, person, "127.0.0.1", now, 12)
    return Seat(sitting, person, token)


async def _admit(conduct: Conduct, sitting: SittingId, started: bool) -> None:
    await conduct.order(sitting, Admit("person"))
    if started:
        await conduct.order(sitting, Attach(STREAM))
        await conduct.order(sitting, Start(1))
        await conduct.order(sitting, Detach(1))
    conduct.forget(sitting)


def _item(number: int, limit: Span) -> Item:
    item = ItemId(f"bench-{number}")
    texts = [f"Option {number}.{letter}, as long as most that candidates have to read." for letter in range(4)]
    roles = tuple((text, ChoiceRole.DISTRACTOR if place else ChoiceRole.KEY) for place, text in enumerate(texts))
    stage = make_stage(item, 1, 0, "choice", roles)
    stem = f"Stem {number}: " + "what a candidate reads before choosing. " * 8
    return Item(item, 1, "0", "R", "recall", 0.7, limit, stem, (stage,), "Because.")


def _blueprint(plan: Plan) -> Blueprint:
    return Blueprint(
        id=BlueprintId("bench"),
        version=1,
        title="Benchmark",
        speciality="0",
        speciality_title="Benchmark",
        cells=(Cell("R", "four_option", plan.length),),
        exam_limit=plan.exam_limit,
        navigation="free",
        on_item_timeout="advance",
        flags=True,
        confirmation="automatic",
        cut=85,
        accreditation="primary",
    )


def cookies(seat: Seat, port: int) -> Sequence[tuple[str, str]]:
    """The headers of a handshake from the server's own pages."""
    return (("Cookie", f"login={seat.token}"), ("Origin", f"http://127.0.0.1:{port}"))


@contextlib.contextmanager
def served(kind: str, core: int, folder: Path, url: str = "") -> Iterator[tuple[int, int]]:
    """A server process of benchmarks.hall_server: its port and its id."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.hall_server", kind, str(port), str(core), str(folder), url]
    with subprocess.Popen(command) as process:
        try:
            await_port(port, process)
            yield port, process.pid
        finally:
            process.terminate()
