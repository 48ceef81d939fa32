"""A history through the real engine: the same seed gives the same one, and it holds together."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from app.demo import seed, simulation
from app.demo.bank_files import read_bank
from app.demo.simulation import Simulation, _choose, sign_some_protocols
from app.verification import verify
from core.blobs import Blobs
from core.clock import ManualClock
from core.database import Database, fetch_all
from core.ids import SittingId
from core.moments import DAY, Moment
from core.signatures import Signer
from exam_server.conclusion import load_outcomes
from exam_server.event_log import EventLog
from exam_server.protocols import list_protocols
from exam_server.source import DatabaseSource
from exam_server.store import load_sitting
from proctoring.store import incidents_of
from scoring.marking import mark_stage

COUNT = 9


@pytest.fixture
async def demo(database: Database, clock: ManualClock, tmp_path: Path) -> Database:
    await seed.seed(database, clock, Blobs.in_folder(tmp_path, {"k": bytes(32)}))
    await seed.keep_windows_open(database, clock)
    return database


async def hold(database: Database, url: str, now: Moment, count: int, start: int) -> tuple[list[SittingId], list[int]]:
    log = EventLog(url)
    await log.start()
    progress: list[int] = []
    try:
        made = await Simulation(database, log, DatabaseSource(database), start).run(now, count, progress.append)
    finally:
        await log.close()
    return made, progress


async def test_a_history_is_made_by_the_real_engine(
    demo: Database, database_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "AT_ONCE", 4)
    now = clock.now()
    made, progress = await hold(demo, database_url, now, COUNT, 1)
    assert len(made) == len(set(made)) == COUNT
    assert progress == list(range(1, COUNT + 1))

    report = await verify(database_url, made)
    assert (report.faults, report.results) == ([], COUNT)
    async with demo.transaction() as connection:
        outcomes = await load_outcomes(connection, made)
        sittings = [await load_sitting(connection, sitting) for sitting in made]
        incidents = [await incidents_of(connection, sitting) for sitting in made]
    lengths = Counter(len(sitting.items) for sitting in sittings)
    assert lengths == {20: 6, 80: 3}
    for sitting, seen in zip(sittings, incidents, strict=True):
        assert sitting.started_at is not None
        assert sitting.ended_at is not None
        assert now - 61 * DAY < sitting.started_at < sitting.ended_at < now
        outcome = outcomes[sitting.id]
        automatic = len(sitting.items) == 20 and not outcome.flagged and not sitting.late
        assert outcome.state == ("confirmed" if automatic else "preliminary")
        assert all(sitting.started_at <= incident.began_at <= sitting.ended_at for incident in seen)

    # The chair signs what is clean and leaves the newest for the desk.
    waiting = [outcome for outcome in outcomes.values() if outcome.state == "preliminary" and not outcome.flagged]
    signed = await sign_some_protocols(demo, Signer.fresh(), now, keep=1)
    assert signed == max(0, len(waiting) - 1)
    async with demo.transaction() as connection:
        protocols = await list_protocols(connection)
        rows = await fetch_all(
            connection, "SELECT sitting_id FROM exam_server.outcome WHERE state = 'preliminary' AND NOT flagged"
        )
    assert sum(len(protocol.minutes.lines) for protocol in protocols) == signed
    assert len(rows) == min(1, len(waiting))


@pytest.mark.parametrize(("ability", "least", "most"), [(6.0, 0.95, 1.0), (-6.0, 0.0, 0.05)])
def test_the_able_answer_rightly_and_the_others_do_not(ability: float, least: float, most: float) -> None:
    random = Random(5)
    stages = [(stage, item.difficulty) for item in read_bank().items for stage in item.stages]
    marks = [mark_stage(stage, _choose(stage, difficulty, ability, random)) == 1 for stage, difficulty in stages]
    assert least <= sum(marks) / len(marks) <= most


def test_an_average_candidate_answers_as_the_items_say() -> None:
    """At ability 0 the expected score of an item is its difficulty."""
    random = Random(11)
    items = [item for item in read_bank().items if item.kind == "four_option"]
    right = sum(
        mark_stage(item.stages[0], _choose(item.stages[0], item.difficulty, 0.0, random)) == 1
        for item in items
        for _ in range(20)
    )
    expected = sum(item.difficulty for item in items) * 20
    assert abs(right - expected) < 4 * (expected * 0.3) ** 0.5
