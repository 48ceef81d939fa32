"""The observation of a sitting: that none outlives its sitting, and that what a crash left is settled."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from core.blobs import Blobs
from core.database import Database
from core.errors import AccreditationError
from core.ids import SittingId
from core.moments import Moment
from exam_server.camera import Observation
from proctoring import store
from proctoring.incidents import GapChange, IncidentChange, Severity
from proctoring.pipeline import Pipeline
from proctoring.signals import Kind
from proctoring.store import Gap, Progress, Watched

SITTING, OTHER = SittingId(7), SittingId(8)


class Cameras:
    """Stands for the pipeline: what was opened and closed, in order; opening takes until the door is open."""

    def __init__(self) -> None:
        self.done: list[tuple[str, SittingId]] = []
        self.door = asyncio.Event()
        self.opening = asyncio.Event()

    async def open(
        self, sitting: SittingId, embedding: bytes | None, refused: Callable[[AccreditationError], None]
    ) -> None:
        self.opening.set()
        await self.door.wait()
        self.done.append(("open", sitting))

    async def close(self, sitting: SittingId, at: Moment) -> None:
        self.done.append(("close", sitting))


@pytest.fixture
def cameras() -> Cameras:
    return Cameras()


@pytest.fixture
def observation(database: Database, cameras: Cameras, tmp_path: Path) -> Observation:
    return Observation(database, Blobs.in_folder(tmp_path, {"one": bytes(32)}), cast(Pipeline, cameras))


def ignore(error: AccreditationError) -> None:
    raise AssertionError(error)


async def test_a_watch_that_is_still_being_opened_at_the_end_is_closed(
    observation: Observation, cameras: Cameras
) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(observation.watch(SITTING, ignore))
        await cameras.opening.wait()
        ending = tasks.create_task(observation.end(SITTING, 9_000))
        await observation.end(OTHER, 9_000)
        assert cameras.done == [("close", OTHER)], "another sitting waits for nobody"
        cameras.door.set()
        await ending
    assert cameras.done == [("close", OTHER), ("open", SITTING), ("close", SITTING)]


async def test_what_a_process_left_open_is_settled_by_the_end(database: Database, observation: Observation) -> None:
    async with database.transaction() as connection:
        left = await store.open_watch(connection, SITTING, "tried-1", 1_000)
        await store.record_progress(connection, [Progress(left, 7_000, 6, 6, 0, 0)])
        change = IncidentChange("opened", Kind.ABSENT, 3_000, 6_000, 3, 0.5, "eyes-1", 0.25, Severity.HIGH)
        await store.record_incident(connection, SITTING, change, True, "tried-1")
        await store.record_gap(connection, SITTING, GapChange("opened", 7_000), "silent")
    await observation.end(SITTING, 20_000)
    async with database.transaction() as connection:
        (incident,) = await store.incidents_of(connection, SITTING)
        assert (incident.ended_at, incident.reason) == (6_000, store.INTERRUPTED)
        assert await store.gaps_of(connection, SITTING) == [Gap(7_000, 20_000, "silent")]
        assert await store.watched(connection, SITTING, 1_000, 20_000) == Watched(complete=True, unseen=13_000)


async def test_a_preview_ends_with_its_sitting(observation: Observation) -> None:
    jpeg = (Path(__file__).parents[2] / "faces" / "collins.jpg").read_bytes()
    observation.preview(SITTING, jpeg, 1_000)
    assert observation.latest(SITTING) == (jpeg, 1_000)
    await observation.end(SITTING, 9_000)
    assert SITTING not in observation._previews
