"""The server that benchmarks.answers measures: the engine as it is in production, and a plain echo beside it."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send

from app.asgi import Flood, build
from app.embedded import EmbeddedPostgres
from app.migrate import check_durability, migrate
from app.serving import serve as run
from benchmarks.processes import pin
from core.access.logins import open_login
from core.access.people import create_person
from core.access.roles import Role
from core.clock import SystemClock
from core.database import Database
from core.ids import BlueprintId, ItemId, SittingId
from core.keys import Keys
from core.moments import HOUR, MINUTE
from core.randomness import fresh_token
from core.settings import Settings
from exam_server.commands import Admit, Attach, Start
from exam_server.conduct import Conduct
from exam_server.event_log import EventLog
from exam_server.preparation import enter
from exam_server.scheduling import book, decide_admission, open_window
from exam_server.source import DatabaseSource
from proctoring.models import find_models
from question_bank.blueprint_store import save_blueprint
from question_bank.blueprints import Blueprint, Cell
from question_bank.items import Item, make_stage
from question_bank.items import Role as ChoiceRole
from question_bank.pool_store import PreparedPools
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement, Speciality
from question_bank.store import publish_items

ITEMS = 80
MODELS = Path("var/models")


@dataclass
class Place:
    """Where to measure: addresses, processes, and a sitting with a login for each connection."""

    url: str
    postmaster: int
    sittings: list[tuple[SittingId, str]]
    choices: tuple[bytes, ...] = ()
    server: int = 0
    notes: list[str] = field(default_factory=list)


class PlainEcho:
    """What the ratio is taken against: receive a text, send it back."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            await send({"type": "websocket.send", "text": message["text"]})


@contextlib.contextmanager
def prepare(folder: Path, connections: int) -> Iterator[Place]:
    """An embedded PostgreSQL with a bank of one blueprint and a running sitting for each connection."""
    folder.chmod(0o711)
    with EmbeddedPostgres(folder / "postgres", folder / "password") as server:
        try:
            place = asyncio.run(_fill(server.url, connections))
            running = server.cluster.running()
            assert running is not None
            place.postmaster = running[0]
            yield place
        finally:
            server.stop()
            server.erase()


async def _fill(url: str, connections: int) -> Place:
    await migrate(url)
    await check_durability(url)
    database, clock = Database(url), SystemClock()
    log = EventLog(url)
    await log.start()
    conduct = Conduct(log, DatabaseSource(database), clock)
    pools = PreparedPools()
    now = clock.now()
    place = Place(url, 0, [])
    async with database.transaction() as connection:
        await save_requirements(connection, [Speciality("0", "Benchmark")], [Requirement("R", "0", "Benchmark")])
        await publish_items(connection, [_item(number) for number in range(ITEMS)], now)
        await save_blueprint(connection, _blueprint(), now)
        window = await open_window(connection, _blueprint(), now - HOUR, now + 6 * HOUR, connections)
    for number in range(connections):
        async with database.transaction() as connection:
            person = await create_person(
                connection,
                login=f"load{number}",
                password=None,
                family_name="Load",
                roles=[Role.CANDIDATE],
                now=now,
            )
            await decide_admission(connection, person, "0", [], now)
            booking = await book(connection, window, person, now)
            sitting = await enter(connection, booking, person, pools=pools, seed=1, now=now, attempts_allowed=3)
            token = fresh_token(32)
            await open_login(connection, token, person, "127.0.0.1", now, 12)
        await conduct.order(sitting, Admit("person"))
        await conduct.order(sitting, Attach("preparation"))
        await conduct.order(sitting, Start(1))
        place.sittings.append((sitting, token))
    state = (await conduct.hold(place.sittings[0][0])).state
    # Every form is drawn with the same seed, so that one set of options serves all clients.
    place.choices = tuple(choice.encode() for choice in state.form.entries[0].stages[0].choices)
    await log.close()
    await database.close()
    return place


def _item(number: int) -> Item:
    texts = [f"Option {number}.{letter}" for letter in range(4)]
    item = ItemId(f"bench-{number}")
    roles = tuple((text, ChoiceRole.DISTRACTOR if place else ChoiceRole.KEY) for place, text in enumerate(texts))
    stage = make_stage(item, 1, 0, "choice", roles)
    return Item(item, 1, "0", "R", "recall", 0.7, HOUR, f"Stem {number}", (stage,), "Because.")


def _blueprint() -> Blueprint:
    return Blueprint(
        id=BlueprintId("bench"),
        version=1,
        title="Benchmark",
        speciality="0",
        speciality_title="Benchmark",
        cells=(Cell("R", "four_option", ITEMS),),
        exam_limit=5 * HOUR + 30 * MINUTE,
        navigation="free",
        on_item_timeout="advance",
        flags=True,
        confirmation="automatic",
        cut=85,
        accreditation="primary",
    )


def serve(url: str, port: int, core: int, folder: Path) -> None:
    """The whole application on one core, with the plain echo beside it, until it is told to stop."""
    pin(os.getpid(), core)
    os.environ["ACCREDITATION_DATA"] = str(folder)
    settings = Settings()
    models = find_models(settings.proctoring_models, MODELS)
    echo = WebSocketRoute("/ws/plain-echo", PlainEcho())
    # The flood limit is part of what is measured; it only has to be wider than one answer after another.
    application = build(settings, url, Keys.fresh(), models, flood=Flood(1e6, 1_000_000), more_routes=[echo])
    run(application, "127.0.0.1", port)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
