"""The machine as its operator sees it: what waits, what is stuck, what runs, whether clocks agree."""

import platform
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal, outbox
from core.access import Principal
from core.database import fetch_one
from core.errors import NotFound
from core.moments import Moment, Span
from core.outbox import Stuck
from exam_server.conduct import CLOCK_TOLERANCE, Conduct
from exam_server.event_log import EventLog
from proctoring.pipeline import Pipeline

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


class Queue(Struct, frozen=True):
    """The outbox: how many messages wait by topic, how long the oldest has (ms), and those that keep failing."""

    waiting: dict[str, int]
    oldest: Span
    stuck: tuple[Stuck, ...]


class Machine(Struct, frozen=True):
    """One process and its database. `clock_off` in ms; `frames` received, processed, dropped, broken now."""

    release: str
    python: str
    postgres: str
    migration: str
    sittings_held: int
    clock_off: Span
    log_away: bool
    cameras: int
    frame_workers: int
    frames: tuple[int, int, int, int]
    unconcluded: int
    journal_records: int

    @property
    def clock_wrong(self) -> bool:
        """So far off that no new sitting is taken."""
        return self.clock_off > CLOCK_TOLERANCE


async def read_queue(connection: AsyncConnection) -> Queue:
    """What the outbox holds."""
    row = await fetch_one(
        connection,
        """SELECT CAST(extract(epoch FROM clock_timestamp() - min(created)) * 1000 AS bigint) AS oldest
           FROM core.outbox WHERE sent IS NULL""",
    )
    oldest = 0 if row is None or row["oldest"] is None else int(row["oldest"])
    return Queue(await outbox.waiting(connection), max(0, oldest), tuple(await outbox.stuck(connection)))


async def read_machine(
    connection: AsyncConnection, conduct: Conduct, log: EventLog, pipeline: Pipeline, frame_workers: int
) -> Machine:
    """What runs here."""
    row = await fetch_one(
        connection,
        """SELECT current_setting('server_version') AS postgres, (SELECT version_num FROM alembic_version) AS migration,
                  (SELECT count(*) FROM core.journal) AS records,
                  (SELECT count(*) FROM exam_server.sitting s WHERE s.next_deadline IS NULL
                   AND s.concluded_at IS NULL) AS unconcluded""",
    )
    assert row is not None
    watched = pipeline.watching()
    coverage = [one for sitting in watched if (one := pipeline.coverage(sitting)) is not None]
    frames = (
        sum(one.received for one in coverage),
        sum(one.processed for one in coverage),
        sum(one.dropped for one in coverage),
        sum(one.broken for one in coverage),
    )
    return Machine(
        release=_release(),
        python=platform.python_version(),
        postgres=row["postgres"],
        migration=row["migration"],
        sittings_held=conduct.held,
        clock_off=conduct.clock_off,
        log_away=log.away,
        cameras=len(watched),
        frame_workers=frame_workers,
        frames=frames,
        unconcluded=row["unconcluded"],
        journal_records=row["records"],
    )


async def retry(connection: AsyncConnection, message: int, by: Principal, now: Moment) -> None:
    """Have a message tried again at once. Raises NotFound where it has gone out meanwhile."""
    if not await outbox.hasten(connection, message):
        raise NotFound("message_gone", "Такого сообщения нет: скорее всего, оно уже доставлено. Обновите страницу.")
    await journal.record(connection, f"person:{by.id}", "operations.retried", f"message:{message}", {}, now)


def _release() -> str:
    try:
        return version("accreditation")
    except PackageNotFoundError:
        return _written_release()


def _written_release() -> str:
    """The version of a checkout that is run without being installed."""
    try:
        return str(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "—"
