import hashlib
from collections.abc import Callable
from typing import Protocol

import pytest

from core.blobs import Blobs
from core.clock import ManualClock
from core.database import Database
from core.errors import AccreditationError
from core.ids import SittingId
from core.live import LocalLive
from proctoring import store
from proctoring.incidents import Incident
from proctoring.models import Models
from proctoring.pipeline import Pipeline
from proctoring.signals import Kind
from proctoring.store import Gap

SITTING, OTHER = SittingId(7), SittingId(8)
STRANGER = (b"\x00\x00\x00\x00" * 127) + b"\x00\x00\x80\x3f"
"""An embedding that is nobody's: the cosine with any face is near zero."""

Scene = Callable[[int], bytes]


class Camera(Protocol):
    async def film(self, *people: int) -> None: ...


class Live(Protocol):
    def of(self, sitting: SittingId, kind: str) -> list[dict[str, object]]: ...


Cameras = Callable[[SittingId], Camera]


async def kept(database: Database, sitting: SittingId = SITTING) -> list[Incident]:
    async with database.transaction() as connection:
        return await store.incidents_of(connection, sitting)


async def gaps(database: Database, sitting: SittingId = SITTING) -> list[Gap]:
    async with database.transaction() as connection:
        return await store.gaps_of(connection, sitting)


def counters(pipeline: Pipeline) -> tuple[int, int, int, int]:
    coverage = pipeline.coverage(SITTING)
    assert coverage is not None
    return coverage.received, coverage.processed, coverage.dropped, coverage.broken


async def test_somebody_leaves_and_comes_back(
    database: Database,
    blobs: Blobs,
    pipeline: Pipeline,
    camera: Cameras,
    live: Live,
    scene: Scene,
    clock: ManualClock,
) -> None:
    await pipeline.open(SITTING)
    start = clock.now()
    await camera(SITTING).film(1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1)
    (incident,) = await kept(database)
    assert incident.kind is Kind.ABSENT
    assert (incident.began_at, incident.ended_at) == (start + 3_000, start + 9_000)
    assert incident.holds
    async with database.transaction() as connection:
        stills = await store.evidence_of(connection, SITTING)
        pictures = [await blobs.get(connection, still.blob) for still in stills]
    assert [(still.role, still.taken_at - start) for still in stills] == [
        ("before", 2_000),
        ("at", 3_000),
        ("after", 9_000),
    ]
    assert pictures == [scene(1), scene(0), scene(0)]
    assert [still.sha256 for still in stills] == [hashlib.sha256(picture).hexdigest() for picture in pictures]
    assert len(live.of(SITTING, "incident")) == 2, "opened and closed"
    assert [one["faces"] for one in live.of(SITTING, "frame")][:4] == [1, 1, 0, 0]


async def test_two_people_are_seen(database: Database, pipeline: Pipeline, camera: Cameras) -> None:
    await pipeline.open(SITTING)
    await camera(SITTING).film(1, 2, 2, 2, 2)
    (incident,) = await kept(database)
    assert (incident.kind, incident.score, incident.ended_at) == (Kind.SEVERAL_FACES, 2.0, None)
    assert incident.source == "yunet-2023mar@640"


async def test_a_stranger_is_an_incident_only_after_several_comparisons(
    database: Database, pipeline: Pipeline, camera: Cameras
) -> None:
    await pipeline.open(SITTING, STRANGER)
    await camera(SITTING).film(1, 1, 1)
    assert await kept(database) == []
    await camera(SITTING).film(1, 1)
    (incident,) = await kept(database)
    assert incident.kind is Kind.OTHER_PERSON
    assert incident.score is not None
    assert abs(incident.score) < 0.3


async def test_the_same_person_is_no_incident(
    database: Database, pipeline: Pipeline, camera: Cameras, scene: Scene
) -> None:
    reference = await pipeline.embed(scene(1))
    await pipeline.open(SITTING, reference.embedding)
    await camera(SITTING).film(*[1] * 20)
    assert await kept(database) == []


async def test_a_new_reference_is_used_at_once(
    database: Database, pipeline: Pipeline, camera: Cameras, scene: Scene
) -> None:
    await pipeline.open(SITTING, (await pipeline.embed(scene(1))).embedding)
    await camera(SITTING).film(1)
    await pipeline.open(SITTING, STRANGER)
    await camera(SITTING).film(1, 1, 1, 1)
    assert [incident.kind for incident in await kept(database)] == [Kind.OTHER_PERSON], "four comparisons in a row"


async def test_a_comparison_with_the_old_reference_does_not_count_on(
    database: Database, pipeline: Pipeline, camera: Cameras, scene: Scene
) -> None:
    await pipeline.open(SITTING, STRANGER)
    await camera(SITTING).film(1, 1, 1)
    await pipeline.open(SITTING, (await pipeline.embed(scene(1))).embedding)
    await camera(SITTING).film(1, 1, 1)
    assert await kept(database) == []


async def test_the_newest_frame_wins_and_the_others_are_counted(
    pipeline: Pipeline, scene: Scene, clock: ManualClock
) -> None:
    await pipeline.open(SITTING)
    for _ in range(40):
        pipeline.offer(SITTING, scene(1), clock.advance(10))
    await pipeline.settle(SITTING)
    received, processed, dropped, broken = counters(pipeline)
    assert received == 40 == processed + dropped
    assert dropped > 0
    assert broken == 0
    assert pipeline.latest(SITTING) == (scene(1), clock.now())


async def test_bad_frames_are_refused_counted_and_survived(
    database: Database, pipeline: Pipeline, camera: Cameras, scene: Scene, clock: ManualClock
) -> None:
    refused: list[str] = []
    await pipeline.open(SITTING, refused=lambda error: refused.append(error.code))
    for jpeg, code in [
        (b"hello", "frame_not_jpeg"),
        (bytes(300_000), "frame_too_large"),
        (scene(1)[:2_000], "frame_broken"),
    ]:
        with pytest.raises(AccreditationError, match=code):
            pipeline.offer(SITTING, jpeg, clock.now())
    # A header that is in order, and tables that make no sense.
    at = scene(1).index(b"\xff\xc4") + 5
    pipeline.offer(SITTING, scene(1)[:at] + b"\xfe" * 16 + scene(1)[at + 16 :], clock.now())
    await pipeline.settle(SITTING)
    assert refused == ["frame_broken"]
    await camera(SITTING).film(1)
    assert counters(pipeline) == (5, 1, 0, 4)


async def test_silence_is_told_and_kept_as_a_gap(
    database: Database, pipeline: Pipeline, camera: Cameras, live: Live, clock: ManualClock
) -> None:
    await pipeline.open(SITTING)
    await camera(SITTING).film(1)
    seen_at = clock.now()
    clock.advance(7_000)
    pipeline.advance()
    await pipeline.settle(SITTING)
    assert await gaps(database) == [Gap(seen_at, None, "silent")]
    assert len(live.of(SITTING, "coverage")) == 1
    await camera(SITTING).film(1)
    assert await gaps(database) == [Gap(seen_at, clock.now(), "silent")]
    assert len(live.of(SITTING, "coverage")) == 2


async def test_why_there_was_a_gap_is_not_told_by_what_ended_it(
    database: Database, pipeline: Pipeline, camera: Cameras, scene: Scene, clock: ManualClock
) -> None:
    await pipeline.open(SITTING)
    await camera(SITTING).film(1)
    clock.advance(7_000)
    pipeline.advance()
    for _ in range(40):
        pipeline.offer(SITTING, scene(1), clock.advance(10))
    await pipeline.settle(SITTING)
    assert counters(pipeline)[2] > 0
    (gap,) = await gaps(database)
    assert gap.ended_at is not None
    assert gap.reason == "silent"


async def test_a_gap_says_when_frames_came_but_could_not_be_read(
    database: Database, pipeline: Pipeline, clock: ManualClock
) -> None:
    await pipeline.open(SITTING)
    start = clock.now()
    clock.advance(7_000)
    with pytest.raises(AccreditationError):
        pipeline.offer(SITTING, b"hello", clock.now())
    pipeline.advance()
    await pipeline.settle(SITTING)
    assert await gaps(database) == [Gap(start, None, "broken")]


async def test_the_page_reports_its_window(
    database: Database, pipeline: Pipeline, camera: Cameras, clock: ManualClock
) -> None:
    await pipeline.open(SITTING)
    await camera(SITTING).film(1)
    pipeline.report_window(SITTING, "tab_hidden", clock.advance(300))
    began_at = clock.now()
    await camera(SITTING).film(1, 1)
    pipeline.report_window(SITTING, "tab_hidden", clock.advance(300), over=True)
    ended_at = clock.now()
    await camera(SITTING).film(1)
    (incident,) = await kept(database)
    assert (incident.kind, incident.began_at, incident.ended_at) == (Kind.TAB_HIDDEN, began_at, ended_at)
    async with database.transaction() as connection:
        assert "at" in {still.role for still in await store.evidence_of(connection, SITTING)}
    for kind in ("absent", "other_person", "nonsense"):
        with pytest.raises(AccreditationError, match="window_kind_unknown"):
            pipeline.report_window(SITTING, kind, clock.now())


async def test_closing_closes_everything_and_keeps_the_counters(
    database: Database, pipeline: Pipeline, camera: Cameras, scene: Scene, clock: ManualClock
) -> None:
    await pipeline.open(SITTING)
    opened_at = clock.now()
    await camera(SITTING).film(0, 0, 0, 0, 0)
    pipeline.offer(SITTING, scene(0), clock.advance(1_000))
    await pipeline.close(SITTING, clock.advance(1_000))
    await pipeline.close(SITTING, clock.now())
    (incident,) = await kept(database)
    assert (incident.reason, incident.ended_at) == ("finished", clock.now() - 1_000)
    await pipeline.settle(SITTING)
    async with database.transaction() as connection:
        coverage = await store.coverage_of(connection, SITTING)
        stills = await store.evidence_of(connection, SITTING)
    assert (coverage.received, coverage.processed, coverage.watched) == (6, 6, clock.now() - opened_at)
    assert [still.role for still in stills] == ["at", "after"]
    assert pipeline.watching() == ()
    assert pipeline.latest(SITTING) is None
    with pytest.raises(AccreditationError, match="camera_not_open"):
        pipeline.offer(SITTING, scene(1), clock.now())


async def test_sittings_do_not_mix(database: Database, pipeline: Pipeline, camera: Cameras, live: Live) -> None:
    await pipeline.open(SITTING)
    await pipeline.open(OTHER)
    one, other = camera(SITTING), camera(OTHER)
    for _ in range(5):
        await one.film(1)
        await other.film(0)
    assert await kept(database, SITTING) == []
    assert [incident.kind for incident in await kept(database, OTHER)] == [Kind.ABSENT]
    assert live.of(SITTING, "incident") == []
    assert set(pipeline.watching()) == {SITTING, OTHER}


async def test_after_a_crash_watching_goes_on(
    database: Database,
    blobs: Blobs,
    clock: ManualClock,
    models: Models,
    scene: Scene,
    camera: Cameras,
    pipeline: Pipeline,
) -> None:
    await pipeline.open(SITTING)
    await camera(SITTING).film(1, 0, 0, 0, 0, 0)
    seen_at = clock.now()
    clock.advance(10_000)
    pipeline.advance()
    await pipeline.settle(SITTING)
    clock.advance(20_000)
    another = Pipeline(database, blobs, LocalLive(), clock, models, workers=1)
    await another.start()
    await another.open(SITTING)
    for _ in range(4):
        another.offer(SITTING, scene(1), clock.advance(1_000))
        await another.settle(SITTING)
    await another.close(SITTING, clock.now())
    await another.stop()
    (incident,) = await kept(database)
    assert (incident.reason, incident.ended_at) == (store.INTERRUPTED, incident.seen_at)
    (gap,) = await gaps(database)
    assert (gap.began_at, gap.ended_at) == (seen_at, clock.now() - 4_000)


async def test_stopping_stores_what_was_decided(
    database: Database, blobs: Blobs, clock: ManualClock, models: Models, scene: Scene
) -> None:
    pipeline = Pipeline(database, blobs, LocalLive(), clock, models, workers=1)
    await pipeline.start()
    await pipeline.open(SITTING)
    for _ in range(5):
        pipeline.offer(SITTING, scene(0), clock.advance(1_000))
        await pipeline.settle(SITTING)
    pipeline.offer(SITTING, scene(0), clock.advance(1_000))
    await pipeline.stop()
    (incident,) = await kept(database)
    assert incident.ended_at is None
    async with database.transaction() as connection:
        assert (await store.coverage_of(connection, SITTING)).processed == 6


@pytest.mark.parametrize(("people", "code"), [(0, "reference_no_face"), (2, "reference_several_faces")])
async def test_a_reference_has_one_face(pipeline: Pipeline, scene: Scene, people: int, code: str) -> None:
    with pytest.raises(AccreditationError, match=code):
        await pipeline.embed(scene(people))


async def test_a_damaged_embedding_is_refused(pipeline: Pipeline) -> None:
    with pytest.raises(AccreditationError, match="reference_broken"):
        await pipeline.open(SITTING, b"short")
    assert pipeline.watching() == ()
