"""The roof: builds everything from settings and joins it into one ASGI application."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from importlib import import_module
from typing import Any, NamedTuple

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from admin.blueprint_draft import MAX_DRAFT
from admin.blueprint_pools import DraftPools
from admin.errands import Errands
from admin.exchange_desk import MOST_FILE, ImportDesk
from admin.export_desk import ExportDesk
from admin.pages.authoring import LARGE_BODIES as LETTERS
from admin.pages.requirements import LARGE_BODIES as LISTS
from app.aftermath import Aftermath
from app.demo.people import DemoPerson
from app.jobs import CONSEQUENCES_EVERY, EXPOSURE_EVERY, PREPARE_EVERY, TIDY_EVERY, Jobs
from app.neighbours import Neighbours
from app.topics import join_topics
from core.access.gate import LoginGate
from core.blobs import Blobs
from core.clock import Clock, SystemClock
from core.database import Database
from core.keys import Keys
from core.live import Live, open_live
from core.moments import HOUR
from core.randomness import fresh_token
from core.settings import Settings
from core.web import components, language, problems
from core.web.bodies import MOST_BYTES, BoundedBodies
from core.web.pages import Pages
from core.web.security import SameOrigin, SecurityHeaders
from core.web.statics import Statics
from core.web.staying import Staying
from exam_server import media
from exam_server.allowances import Allowances
from exam_server.camera import CameraSocket, Observation
from exam_server.closing import Closing
from exam_server.conclusion import Conclusion
from exam_server.conduct import CLOCK_TOLERANCE, Conduct
from exam_server.connection import SittingSocket
from exam_server.entrance import Entrance
from exam_server.event_log import EventLog
from exam_server.events import AnyEvent
from exam_server.exposure import Exposure
from exam_server.fallback import Fallback
from exam_server.invigilation import Invigilation
from exam_server.late_answers import LateAnswers
from exam_server.outages import Amends, Pulse
from exam_server.pages.samples import MAX_SAMPLE
from exam_server.pages.steps import MAX_PICTURE
from exam_server.preparation import Preparation
from exam_server.records import DatabaseRecords
from exam_server.rounds import Rounds
from exam_server.sitting import Sitting
from exam_server.source import DatabaseSource
from exam_server.waiting import Waiting
from exam_server.withdrawal import Withdrawals
from proctoring.models import Models
from proctoring.pipeline import Pipeline
from question_bank.form_builds import FormBuilds
from question_bank.pictures import MAX_BYTES
from question_bank.pool_store import PreparedPools
from registry.intake import Intake, Sender

FACES = ("exam_server", "registry", "cabinet", "admin")
"""Packages with pages."""
SENDER = "exam"
LARGE_BODIES = {
    "/exam/sample": MAX_SAMPLE + MOST_BYTES,
    "/exam/{sitting}/reference": MAX_PICTURE + MOST_BYTES,
    "/staff/bank/assets": MAX_BYTES + MOST_BYTES,
    "/staff/bank/import/files": MOST_FILE + MOST_BYTES,
    **LETTERS,
    **LISTS,
    **{f"/staff/blueprints/{name}": MAX_DRAFT + MOST_BYTES for name in ("check", "example", "save")},
}
"""Bytes for what is no form. The endpoints' own bounds are narrower, and their refusals say more."""


FLUSH_SECONDS = 1.5
"""How long a process that leaves tries to write what waits; none of it was acknowledged."""
CLOSE_SECONDS = 2.0
"""How long each round of its closings may take."""

_log = structlog.get_logger()


class Flood(NamedTuple):
    """How many messages a page may send: a second, and at once."""

    rate: float
    burst: int


DEFAULT_FLOOD = Flood(20.0, 100)


def build(
    settings: Settings,
    database_url: str,
    keys: Keys,
    models: Models,
    *,
    demo_people: tuple[DemoPerson, ...] = (),
    flood: Flood = DEFAULT_FLOOD,
    more_routes: Iterable[BaseRoute] = (),
    alone: bool = True,
    open_log: Callable[[str], EventLog] | None = None,
) -> Starlette:
    """The application. Connections are opened when it starts and closed when it ends.

    `alone`: no other process serves on the same database.
    """
    clock: Clock = SystemClock()
    database = Database(database_url)
    live: Live = open_live(settings.redis_url, database_url, alone=alone)
    masters, place = keys.masters, settings.blobs_url
    blobs = Blobs.at(place, masters) if place else Blobs.in_folder(settings.blobs_dir, masters)
    pipeline = Pipeline(database, blobs, live, clock, models, settings.frame_workers)
    observation = Observation(database, blobs, pipeline)
    conclusion = Conclusion(database, clock, settings.retake_days)
    aftermath = Aftermath(live, observation, conclusion)
    log = (open_log or EventLog)(database_url)
    source, pools, neighbours = DatabaseSource(database), PreparedPools(), Neighbours(live)

    def note(sitting: Sitting, events: tuple[AnyEvent, ...]) -> None:
        neighbours.tell(sitting.id)
        aftermath.note(sitting, events)

    media_key = media.derive_key(keys.secret)
    conduct = Conduct(log, source, clock, note, media_key)
    rounds = Rounds(conduct, source, clock)

    async def hear_neighbours() -> None:
        await neighbours.listen(rounds)

    preparation = Preparation(database, clock, pools, source, settings.forms_ahead * HOUR)
    sender = Sender(SENDER, keys.platform.public)
    intake = Intake(database, {keys.platform.kid: sender}, keys.registry, clock, zone=settings.zone)
    topics = join_topics(intake, keys.registry.public, keys.platform, blobs)
    closing = Closing(database, clock, conduct)
    allowances = Allowances(database, clock, conduct)
    withdrawals = Withdrawals(database, clock, conduct, pools)
    form_builds = FormBuilds(database, clock)
    decisions = (closing, allowances, withdrawals, Amends(database, clock, conduct))
    errands = Errands()
    import_desk = ImportDesk(database, blobs, clock, settings.data_dir / "incoming", errands)
    export_desk = ExportDesk(database, blobs, clock, settings.data_dir / "outgoing", errands)
    sweeps = (
        (TIDY_EVERY, import_desk.sweep),
        (TIDY_EVERY, export_desk.sweep),
        (PREPARE_EVERY, preparation.sweep),
        (EXPOSURE_EVERY, Exposure(database, clock).sweep),
        *((CONSEQUENCES_EVERY, one.sweep) for one in decisions),
    )
    pulse = Pulse(database_url, fresh_token(9), clock, conduct.deadlines, lambda: log.able)
    jobs = Jobs(database, clock, conduct.deadlines, rounds, conclusion, topics, sweeps)
    pages = Pages(FACES)
    records = DatabaseRecords(database, clock)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.stopping = asyncio.Event()
        await log.start()
        await pipeline.start()
        await pulse.begin()
        jobs.start(aftermath.conclude, hear_neighbours, pulse.run)
        # What lives as long as the process need not be looked at again by every collection.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        try:
            yield
        finally:
            app.state.stopping.set()
            closings = [log.close(FLUSH_SECONDS), pipeline.stop(), pulse.close(), form_builds.close()]
            for some in ([jobs.stop(), errands.stop()], closings, [live.close(), database.close()]):
                await _finish(some)

    app = Staying(
        routes=[
            WebSocketRoute("/ws/sittings/{sitting}", SittingSocket(conduct, clock, records, flood.rate, flood.burst)),
            WebSocketRoute("/ws/camera/{sitting}", CameraSocket(conduct, observation, clock)),
            Route("/health", show_health),
            Route("/ready", show_readiness),
            *components.routes,
            *language.routes,
            *(route for face in FACES for route in import_module(f"{face}.pages").routes),
            *(Mount(prefix, Statics(directory=folder)) for prefix, folder in pages.static_mounts()),
            *more_routes,
        ],
        lifespan=lifespan,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(BoundedBodies, others=LARGE_BODIES),
            Middleware(SameOrigin),
            Middleware(LoginGate),
        ],
        exception_handlers=problems.handlers,
    )
    for name, part in {
        "settings": settings,
        "database": database,
        "clock": clock,
        "live": live,
        "blobs": blobs,
        "pages": pages,
        "csrf_secret": keys.secret,
        "media_key": media_key,
        "signer": keys.platform,
        "conduct": conduct,
        "event_log": log,
        "pipeline": pipeline,
        "camera": observation,
        "fallback": Fallback(conduct, clock, records, flood.rate, flood.burst),
        "entrance": Entrance(database, clock, conduct, observation),
        "waiting": Waiting(database, clock, settings.attempts),
        "invigilation": Invigilation(database, clock, conduct),
        "late_answers": LateAnswers(database, clock, conduct),
        "pools": pools,
        "draft_pools": DraftPools(),
        "form_builds": form_builds,
        "closing": closing,
        "allowances": allowances,
        "withdrawals": withdrawals,
        "intake": intake,
        "import_desk": import_desk,
        "export_desk": export_desk,
        "demo_people": tuple((person.login, person.password, person.title, person.name) for person in demo_people),
    }.items():
        setattr(app.state, name, part)
    return app


async def _finish(closings: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Let things end side by side, but not for longer than the process may take to leave."""
    tasks = [asyncio.ensure_future(closing) for closing in closings]
    _, late = await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
    for task in late:
        _log.error("closing.gave_up", what=repr(task.get_coro()))
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            _log.error("closing.failed", error=repr(outcome))


async def show_health(request: Request) -> Response:
    """Whether this process answers, 200 at all times; a database that is away is told but is no reason to end it."""
    return JSONResponse({"log": _log_of(request)})


async def show_readiness(request: Request) -> Response:
    """Whether candidates should be sent here: 503 while it leaves, cannot commit, or its clock is off."""
    conduct: Conduct = request.app.state.conduct
    found = {
        "log": _log_of(request),
        "clock_off_ms": conduct.clock_off,
        "leaving": conduct.leaving or request.app.state.stopping.is_set(),
    }
    ready = found["log"] == "ok" and conduct.clock_off <= CLOCK_TOLERANCE and not found["leaving"]
    return JSONResponse({"ready": ready, **found}, status_code=200 if ready else 503)


def _log_of(request: Request) -> str:
    log: EventLog = request.app.state.event_log
    return "away" if log.away else "ok"
