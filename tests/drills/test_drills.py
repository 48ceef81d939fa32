"""Every drill at a small size, so that it stays alive; and a planted fault that a drill has to find.

They wait much, so a few are held at the same time, each with its own PostgreSQL and servers.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from proctoring.models import Models
from tests.commands import run

SMALL = {
    "crash": ("crash", "--clients", "12", "--kills", "1"),
    "hasty": ("crash", "--clients", "12", "--kills", "1", "--server", "tests.drills.hasty"),
    "database": ("database", "--clients", "12", "--kills", "1", "--away", "0.5"),
    "redis": ("redis", "--clients", "12", "--away", "1.5", "--calm", "1"),
    "two_nodes": ("two_nodes", "--clients", "12", "--rounds", "1"),
    "slow_clients": ("slow_clients", "--clients", "10", "--slow", "2", "--rate", "150", "--calm", "0.5"),
    "flood": ("flood", "--clients", "12", "--bad", "4", "--load", "2", "--calm", "0.5"),
}
AT_ONCE = 3
PATIENCE = 400
Report = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def report(models: Models) -> Iterator[Report]:
    """`report(name)`: what a drill printed last, once it is over with the exit code that is expected."""
    assert models
    pool = ThreadPoolExecutor(AT_ONCE)
    held = {
        name: pool.submit(run, f"tests.drills.{module}", *options, seconds=PATIENCE)
        for name, (module, *options) in SMALL.items()
    }

    def read(name: str, code: int = 0) -> dict[str, Any]:
        done = held[name].result()
        assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        assert 0 < found["acknowledged"] <= found["sent"]
        return found

    yield read
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", [name for name in SMALL if name != "hasty"])
def test_nothing_acknowledged_is_missing(report: Report, name: str) -> None:
    found = report(name)
    assert found["broken"] == []
    assert found["missing"] == found["duplicated"] == found["accepted_late"] == 0
    assert found["acknowledged"] <= found["stored"] <= found["sent"]
    match name:
        case "crash":
            assert (len(found["recovered_s"]), found["reconnects"] >= 12) == (1, True)
        case "database":
            assert found["acknowledged_meanwhile"] == [0]
        case "redis":
            assert found["acknowledged_meanwhile"] > 0
            assert found["heard_after"] > 0
        case "two_nodes":
            assert found["carried"] == [6]
        case "slow_clients":
            assert (found["dropped"], found["came_back"], found["healthy_dropped"]) == (2, 2, 0)
        case "flood":
            assert (found["ended"], found["healthy_dropped"]) == (0, 0)
            assert found["abused"] > 0


def test_a_server_that_acknowledges_before_the_commit_is_found_out(report: Report) -> None:
    assert "missing" in report("hasty", code=1)["broken"]
