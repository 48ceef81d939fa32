"""The headless client as people start it: whole exams over the public interface."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from app.verification import verify
from core.database import fetch_all
from core.ids import SittingId
from exam_server.events import Admitted
from exam_server.store import load_events
from tests.server.booth import Booth
from tests.server.conftest import FACE
from tests.server.processes import ROOT, Server

Booths = Callable[..., Awaitable[Booth]]


def run_candidates(server: Server, *arguments: str) -> dict[str, Any]:
    """`python -m app.cli candidate …` against this server; its report."""
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "candidate", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": server.url,
            "ACCREDITATION_DATA": str(server.data),
            "PORT": str(server.port),
        },
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return report


async def test_the_headless_client_takes_whole_exams(house: Server, booths: Booths) -> None:
    known = await booths(house)
    before = await latest_sitting(known)
    report = await asyncio.to_thread(run_candidates, house, "--sittings", "3")
    assert report["sittings"] == report["finished"] == 3
    assert report["sent"] == report["acknowledged"] >= 3 * 40
    assert set(report["fates"]) <= {"passed", "failed"}
    assert report["ack_p50_ms"] > 0
    made = [SittingId(number) for number in range(before + 1, await latest_sitting(known) + 1)]
    assert len(made) == 3
    for sitting in made:
        assert await admitted_by(known, sitting) == "person"
    checked = await verify(house.url, made)
    assert (checked.faults, checked.results) == ([], 3)


async def test_the_headless_client_shows_its_face(house: Server, booths: Booths) -> None:
    known = await booths(house)
    before = await latest_sitting(known)
    report = await asyncio.to_thread(run_candidates, house, "--face", str(FACE), "--skill", "0.5")
    assert report["finished"] == 1
    assert set(report["fates"]) <= {"passed", "failed"}, "nothing was flagged"
    sitting = SittingId(before + 1)
    assert await admitted_by(known, sitting) == "biometrics"


async def latest_sitting(booth: Booth) -> int:
    async with booth.database.transaction() as connection:
        rows = await fetch_all(connection, "SELECT coalesce(max(id), 0) AS last FROM exam_server.sitting")
    return int(rows[0]["last"])


async def admitted_by(booth: Booth, sitting: SittingId) -> str:
    async with booth.database.transaction() as connection:
        events = await load_events(connection, sitting)
    return next(event.by for event in events if isinstance(event, Admitted))
