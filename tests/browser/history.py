"""A small simulated history for the demo, so that every page has something to show."""

from msgspec import Struct

from app.demo import simulation
from core.clock import SystemClock
from core.database import Database, fetch_all, fetch_one
from core.ids import PersonId, ProtocolId, SittingId
from exam_server.event_log import EventLog
from exam_server.source import DatabaseSource
from tests.server.booth import until
from tests.server.processes import Server

COUNT = 24
KEPT = 2
"""Results that are left for the protocol desk."""


class History(Struct, frozen=True):
    """What stands in the database, one of each kind. `sittings`: sitting and candidate by how it came out."""

    sittings: dict[str, tuple[SittingId, PersonId]]
    register_number: str
    protocol: ProtocolId


FATES = {
    "passed": "state = 'confirmed' AND passed AND register_number IS NOT NULL",
    "failed": "state = 'confirmed' AND NOT passed",
    "preliminary": "state = 'preliminary' AND NOT flagged",
    "review": "state = 'preliminary' AND flagged",
}


async def simulate(server: Server) -> None:
    """Hold COUNT sittings through the real engine and sign protocols.

    Before the server runs: their deadlines are long past, and it would settle them at its first sweep.
    """
    database, log = Database(server.url, pool_size=simulation.AT_ONCE), EventLog(server.url)
    try:
        await log.start()
        run = simulation.Simulation(database, log, DatabaseSource(database), 1)
        now = SystemClock().now()
        await run.run(now, COUNT, lambda done: None)
        await simulation.sign_some_protocols(database, server.keys.platform, now, KEPT)
    finally:
        await log.close()
        await database.close()


async def look_up(database: Database) -> History:
    """One of each kind, once the running server has brought every outcome to the register."""

    async def delivered() -> bool:
        async with database.transaction() as connection:
            return await fetch_one(connection, "SELECT 1 FROM core.outbox WHERE sent IS NULL LIMIT 1") is None

    await until(delivered, "the register has every outcome", 60)
    sittings = {}
    async with database.transaction() as connection:
        for fate, condition in FATES.items():
            rows = await fetch_all(
                connection,
                f"SELECT sitting_id, candidate FROM exam_server.outcome WHERE {condition} ORDER BY sitting_id LIMIT 1",
            )
            assert rows, f"the simulated history has a sitting that is {fate}"
            sittings[fate] = (SittingId(rows[0]["sitting_id"]), PersonId(rows[0]["candidate"]))
        entry = await fetch_one(
            connection,
            "SELECT register_number FROM exam_server.outcome WHERE sitting_id = :id",
            id=sittings["passed"][0],
        )
        protocol = await fetch_one(connection, "SELECT id FROM exam_server.protocol ORDER BY id LIMIT 1")
    assert entry is not None
    assert protocol is not None
    return History(sittings, entry["register_number"], ProtocolId(protocol["id"]))
