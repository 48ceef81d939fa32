"""Every benchmark runs, at the smallest size, and prints its one JSON line last."""

import json
from typing import Any

import pytest

from proctoring.models import Models
from tests import commands


def run(*command: str) -> dict[str, float]:
    done = commands.run(*command, seconds=120)
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_answers(models: Models) -> None:
    found = run("benchmarks.answers", "--connections", "8", "--seconds", "0.4", "--rounds", "1", "--in-flight", "4")
    for name in ("durable", "echo", "direct_echo", "pipelined"):
        assert found[f"{name}_per_cpu_s"] > 0
    assert found["ratio"] > 0
    assert found["direct_ratio"] > 0
    assert found["pipelined_ratio"] > 0
    assert found["in_flight"] == 4
    assert found["db_us_per_answer"] > 0
    assert 0 < found["ack_p50_ms"] <= found["ack_p99_ms"]
    assert 0 <= found["client_cpu_share"] <= 1


def test_answers_that_wait_for_nobody(models: Models) -> None:
    found = run("benchmarks.answers", "--connections", "8", "--seconds", "0.4", "--open-loop", "200")
    for prefix in ("", "single_"):
        assert found[f"{prefix}offered_per_s"] > 0
        assert found[f"{prefix}achieved_per_s"] > 0
        assert 0 < found[f"{prefix}ack_p50_ms"] <= found[f"{prefix}ack_p99_ms"]


def test_assembly() -> None:
    found = run("benchmarks.assembly", "--smoke")
    assert found["violations"] == 0
    assert found["sd_expected_score"] < found["random_sd"]


def test_catalogue() -> None:
    found = run("benchmarks.catalogue", "--smoke")
    for name in ("typed", "filtered", "mistyped", "plain"):
        assert 0 < found[f"{name}_p50_ms"] <= found[f"{name}_p99_ms"]
    assert found["publish_per_s"] > 0


def test_likeness() -> None:
    found = run("benchmarks.likeness", "--smoke")
    assert found["planted"] > 20
    assert found["recall"] > 0.9
    assert 0 < found["median_ms"] <= found["p99_ms"]


@pytest.mark.usefixtures("models")
def test_frames() -> None:
    assert run("benchmarks.frames", "--smoke")["ratio"] > 0


@pytest.mark.usefixtures("models")
def test_connections() -> None:
    found = run("benchmarks.connections", "--connections", "40")
    assert found["kib_per_connection"] > 0
    assert found["bare_kib"] > 0
    assert found["ratio"] > 0
    assert found["refused"] == 0
    assert 0 < found["storm_p99_ms"] <= found["storm_seconds"] * 1e3


@pytest.mark.usefixtures("models")
def test_starts() -> None:
    found = run("benchmarks.starts", "--candidates", "40", "--within", "0.2")
    assert found["starts_per_cpu_s"] > 0
    assert found["refused"] == 0
    assert 0 < found["p50_ms"] <= found["p99_ms"]


@pytest.mark.usefixtures("models")
def test_growth() -> None:
    answers = ("--sittings", "8", "24", "--seconds", "0.5", "--rounds", "1", "--in-flight", "4")
    found: dict[str, Any] = run("benchmarks.growth", *answers, "--deadlines", "16", "--minute", "5")
    assert found["sittings"] == [8, 24]
    assert len(found["cpu_us_per_answer"]) == 2
    assert (found["timers"], found["unheard"], found["early"]) == (16, 0, 0)
    assert 0 < found["timer_p50_ms"] <= found["timer_p99_ms"]


@pytest.mark.usefixtures("models")
def test_capacity() -> None:
    size = ("--drive", "20", "--within", "0.5", "--seconds", "3", "--every", "0.5")
    found = run("benchmarks.capacity", *size)
    assert (found["driven"], found["refused"]) == (20, 0)
    assert found["answers"] > 20
    assert found["start_ms_cpu"] > 0
    assert 0 < found["p50_ms"] <= found["p99_ms"]


def test_exchange() -> None:
    found: dict[str, Any] = run(
        "benchmarks.exchange", "--smoke", "--format", "csv", "--format", "jsonl", "--format", "docx"
    )
    for name in ("csv", "jsonl", "docx"):
        assert found[name]["import_per_s"] > 0
        assert found[name]["peak_mib"] >= found["idle_mib"] / 2 > 0
    assert found["csv"]["export_per_s"] > 0
    assert found["jsonl"]["export_per_s"] is found["docx"]["export_per_s"] is None
