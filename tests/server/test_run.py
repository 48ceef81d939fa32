"""The command that people start: `python -m app.cli run`, as `make run` does it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx

from app.candidate import find_token
from app.demo.people import CANDIDATES, STAFF
from app.embedded import ask, free_port
from proctoring.models import Models
from tests.server.processes import ROOT, Server

HISTORY = 4


def test_a_first_run_fills_the_demo_and_a_second_one_keeps_it(
    durable_database_url: str, models: Models, tmp_path: Path
) -> None:
    port = free_port()
    server = Server(
        durable_database_url,
        tmp_path / "var",
        port,
        models.detector.parent,
        command=("-m", "app.cli", "run", "--history", str(HISTORY)),
    )
    try:
        server.start()
        said = " ".join(server.said().split())
        assert server.address in said
        for person in (*STAFF, *CANDIDATES):
            assert person.login in said
            assert person.title in said
        with httpx.Client(base_url=server.address, headers={"Origin": server.address}, timeout=30) as browser:
            token = find_token(browser.get("/login").text)
            form = {"login": CANDIDATES[0].login, "password": CANDIDATES[0].password, "csrf": token}
            assert browser.post("/login", data=form).headers["location"] == "/cabinet"
            assert "/enter" in browser.get("/cabinet").text

        taken = command(server, "run")
        assert taken.returncode == 1
        assert "занят" in taken.stdout

        checked = command(server, "sitting", "verify", "--all")
        assert checked.returncode == 0, checked.stdout
        report = json.loads(checked.stdout.strip().splitlines()[-1])
        assert (report["sittings"], report["faults"]) == (HISTORY, 0)
        assert report["results"] == HISTORY

        server.stop()
        before = people(server)
        server.start()
        assert people(server) == before
        assert "Новая база" not in server.said().rpartition(server.address)[2]
        assert server.said().count("Новая база") == 1

        ask(
            server.url,
            """UPDATE exam_server.outcome SET passed = NOT passed
               WHERE sitting_id = (SELECT min(sitting_id) FROM exam_server.outcome WHERE state <> 'absent')""",
        )
        spoiled = command(server, "sitting", "verify", "--all")
        assert spoiled.returncode == 1
        assert json.loads(spoiled.stdout.strip().splitlines()[-1])["faults"] == 1
    finally:
        server.stop()


def people(server: Server) -> object:
    return ask(server.url, "SELECT string_agg(login || password_hash, ',' ORDER BY id) FROM core.person")


def command(server: Server, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "DATABASE_URL": server.url,
        "ACCREDITATION_DATA": str(server.data),
        "PORT": str(server.port),
    }
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
