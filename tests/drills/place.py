"""Where a drill is held: a durable PostgreSQL with its candidates, servers to kill; and what is reported of it."""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import uvloop
from msgspec.structs import asdict

from app.embedded import EmbeddedPostgres, free_port
from app.provisions import get_models
from app.verification import verify
from benchmarks.hall import Plan, Seat, open_hall
from core.clock import elapsed_seconds
from core.database import Database
from core.moments import SECOND
from core.settings import Settings
from exam_server.store import load_events
from tests.drills.clients import Candidate
from tests.drills.reckoning import Tally, reckon
from tests.limit import alarmed
from tests.server.processes import Server, faults_in

PLAN = Plan(length=60, bank=120, limits=(6 * SECOND, 15 * SECOND, 60 * SECOND))
"""Short enough for items to run out of time while a drill lasts."""
SERVER = "tests.server.child"
LONGEST = 360
"""Seconds after which a drill has failed: nothing in it may wait for ever."""


class Place:
    """PostgreSQL, seats, and servers on one database and one data folder, as processes of one service are."""

    def __init__(self, postgres: EmbeddedPostgres, seats: Sequence[Seat], data: Path, module: str) -> None:
        self.postgres = postgres
        self.seats = seats
        self._data = data
        self._command = ("-m", module)
        self._models = get_models(Settings()).detector.parent
        self.servers: list[Server] = []

    async def serve(self, **environment: str) -> Server:
        """One more server process, once it answers."""
        server = Server(
            self.postgres.url, self._data, free_port(), self._models, self._command, environment=environment
        )
        self.servers.append(server)
        await asyncio.to_thread(server.start)
        return server

    async def restart(self, server: Server) -> float:
        """SIGKILL and start again on the same port; how many seconds nobody answered there."""
        began = elapsed_seconds()
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        return elapsed_seconds() - began

    async def reckon(self, candidates: Sequence[Candidate]) -> dict[str, Any]:
        """Stop the servers, then read every log, digests checked, and hold the candidates' accounts to it."""
        for server in self.servers:
            await asyncio.to_thread(server.stop)
        tally = Tally()
        database = Database(self.postgres.url, pool_size=1)
        try:
            async with database.transaction() as connection:
                for candidate in candidates:
                    tally.add(reckon(candidate.account(), await load_events(connection, candidate.seat.sitting)))
        finally:
            await database.close()
        report = await verify(self.postgres.url, None)
        errors = [line for server in self.servers for line in faults_in(server.said()) if "Exception" in line]
        for line in (*report.faults[:5], *errors[:5]):
            print(line, file=sys.stderr)
        nothing = {
            "expelled": sum(candidate.expelled != 0 for candidate in candidates),
            "faults": len(report.faults),
            "errors": len(errors),
        }
        broken = tally.broken + [name for name, count in nothing.items() if count]
        silences = sum(candidate.silences for candidate in candidates)
        closings = sum((candidate.closings for candidate in candidates), Counter[int]())
        codes = {str(code): count for code, count in sorted(closings.items())}
        return {
            **asdict(tally),
            **nothing,
            "closings": codes,
            "silences": silences,
            "verified": report.sittings,
            "broken": broken,
        }


@contextlib.contextmanager
def open_place(seats: int, plan: Plan, module: str) -> Iterator[Place]:
    """PostgreSQL with so many candidates, no server yet; everything ends and is erased with the block."""
    with tempfile.TemporaryDirectory(prefix="drill-") as folder, open_hall(Path(folder), seats, plan) as hall:
        place = Place(hall.postgres, hall.seats, Path(folder) / "data", module)
        try:
            yield place
        finally:
            for server in place.servers:
                server.kill()


Drill: TypeAlias = Callable[[Place, argparse.Namespace], Coroutine[Any, Any, dict[str, Any]]]


def hold(drill: Drill, about: str, plan: Plan = PLAN, **defaults: float) -> None:
    """A drill as a command: one option for each default, one JSON line last, exit code 1 where something is broken."""
    parser = argparse.ArgumentParser(description=about)
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    parser.add_argument("--server", default=SERVER, help="the module that a server process runs")
    options = parser.parse_args()
    began = elapsed_seconds()
    with alarmed("the drill", LONGEST), open_place(options.clients, plan, options.server) as place:
        found: dict[str, Any] = uvloop.run(drill(place, options))
    print(json.dumps({**vars(options), **found, "seconds": round(elapsed_seconds() - began, 1)}))
    sys.exit(1 if found["broken"] else 0)
