"""Every drill at a small size, so that it stays alive; and a planted fault that a drill has to find."""

import json
import subprocess
import sys
from typing import Any

import pytest

from proctoring.models import Models
from tests.server.processes import ROOT

pytestmark = pytest.mark.usefixtures("models")


def run(*command: str, code: int = 0) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert 0 < found["acknowledged"] <= found["sent"]
    if code == 0:
        assert found["broken"] == []
        assert found["missing"] == found["duplicated"] == found["accepted_late"] == 0
        assert found["acknowledged"] <= found["stored"] <= found["sent"]
    return found


def test_crash() -> None:
    found = run("tests.drills.crash", "--clients", "12", "--kills", "1")
    assert found["reconnects"] >= 12
    assert len(found["recovered_s"]) == 1


def test_a_server_that_acknowledges_before_the_commit_is_found_out(models: Models) -> None:
    found = run("tests.drills.crash", "--clients", "12", "--kills", "1", "--server", "tests.drills.hasty", code=1)
    assert "missing" in found["broken"]


def test_database() -> None:
    found = run("tests.drills.database", "--clients", "12", "--kills", "1", "--away", "0.5")
    assert found["acknowledged_meanwhile"] == [0]
    assert len(found["recovered_s"]) == 1
