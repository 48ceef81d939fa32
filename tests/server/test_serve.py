"""The command that a node runs: `python -m app.cli serve`, several processes on one port."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from app.candidate import find_token
from app.embedded import ask, free_port
from app.verification import verify
from proctoring.models import Models
from tests.server.booth import Booth, until
from tests.server.conftest import COPY_SECONDS, Serve
from tests.server.processes import Server, faults_in
from tests.server.test_run import command

Booths = Callable[[Server], Awaitable[Booth]]
NODE = ("-m", "app.cli", "serve", "--workers", "2")


@pytest.fixture
def bare_url(durable_database_url: str) -> Iterator[str]:
    """A durable database with nothing in it."""
    ask(durable_database_url, "CREATE DATABASE bare", COPY_SECONDS)
    yield durable_database_url.rpartition("/")[0] + "/bare"
    ask(durable_database_url, "DROP DATABASE bare WITH (FORCE)", COPY_SECONDS)


def test_an_old_schema_is_refused_until_told_to_migrate(
    bare_url: str, models: Models, serve: Serve, tmp_path: Path
) -> None:
    server = Server(bare_url, tmp_path / "var", free_port(), models.detector.parent)
    refused = command(server, "serve")
    assert refused.returncode == 1
    assert "--migrate" in refused.stdout
    too_early = command(server, "staff", "add", "admin", "--name", "Носов", "--role", "operator")
    assert (too_early.returncode, "--migrate" in too_early.stdout) == (1, True)
    node = serve(bare_url, command=(*NODE, "--migrate"))
    assert httpx.get(f"{node.address}/login").status_code == 200
    assert node.stop() == 0
    ask(bare_url, "UPDATE alembic_version SET version_num = '9999_of_another_time'")
    refused = command(server, "serve")
    assert refused.returncode == 1
    assert "новее" in refused.stdout


def test_a_database_that_may_lose_answers_is_refused(demo_url: str, models: Models, tmp_path: Path) -> None:
    refused = command(Server(demo_url, tmp_path / "var", free_port(), models.detector.parent), "serve")
    assert refused.returncode == 1
    assert "fsync" in refused.stdout


def test_a_port_that_is_taken_is_named(node_url: str, models: Models, serve: Serve, tmp_path: Path) -> None:
    node = serve(node_url, command=NODE)
    refused = command(node, "serve")
    assert refused.returncode == 1
    assert str(node.port) in refused.stdout
    assert node.stop() == 0


def test_a_node_says_what_it_is_and_how_to_go_on(bare_url: str, models: Models, serve: Serve) -> None:
    node = serve(bare_url, command=(*NODE, "--migrate"))
    said = node.said()
    where = bare_url.partition("@")[2] or bare_url.partition("//")[2]
    for words in (f"Узел: {node.address}, процессов: 2", where, str(node.data), f"{node.address}/ready"):
        assert words in said, words
    assert "staff add" in said, "nobody is there who could sign in"
    password = urlsplit(bare_url).password
    assert password is None or password not in said
    added = command(node, "staff", "add", "admin", "--name", "Носов Денис", "--role", "operator")
    assert added.returncode == 0, added.stdout
    login, _, secret = added.stdout.splitlines()[0].partition(": ")
    with httpx.Client(base_url=node.address, headers={"Origin": node.address}, timeout=30) as browser:
        form = {"login": login, "password": secret, "csrf": find_token(browser.get("/login").text)}
        assert browser.post("/login", data=form).status_code == 303
        assert browser.get("/staff").headers["location"].startswith("/account"), "a printed password is replaced first"
    assert node.stop() == 0


async def test_a_worker_is_killed_and_its_candidates_go_on(serve: Serve, node_url: str, booths: Booths) -> None:
    """Whichever process has a page when it dies: another has it next, and nothing acknowledged is missing."""
    node = serve(node_url, command=NODE)
    made = [await booths(node) for _ in range(6)]
    pages = [await booth.begin() for booth in made]
    kept = [await page.answer(number % 4) for number, page in enumerate(pages)]
    first, second = node.workers
    os.kill(first, signal.SIGKILL)

    async def replaced() -> bool:
        return len(node.workers) == 2 and first not in node.workers

    await until(replaced, "the supervisor starts another")
    assert second in node.workers
    await until(lambda: asyncio.to_thread(lambda: httpx.get(f"{node.address}/health").status_code == 200), "it serves")
    for booth, answer in zip(made, kept, strict=True):
        page = await booth.open_page()
        assert page.item is not None
        assert page.item["answers"] == [[answer]]
        await page.answer(2)
        await page.order("submit")
        await page.hear("ended")

        async def decided(booth: Booth = booth) -> bool:
            return await booth.fate() in ("passed", "failed")

        await until(decided, "the result is worked out")
    assert node.stop() == 0
    assert faults_in(node.said()) == [line for line in faults_in(node.said()) if "supervisor.worker_ended" in line]
    report = await verify(node_url, None)
    assert (report.faults, report.results) == ([], 6)
