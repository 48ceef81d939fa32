"""What deploy/ says is true of the program: commands that exist, ports that meet, bounds that match."""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from app.asgi import LARGE_BODIES
from app.cli import app
from app.serving import LAST_SECONDS
from app.supervisor import LEAVE_SECONDS
from core.settings import Settings

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
NOT_OURS = {"AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


def settings() -> set[str]:
    """Every environment variable that the program reads."""
    fields = Settings.model_fields.items()
    return {str(field.validation_alias or name).upper() for name, field in fields} | NOT_OURS


def commands() -> set[str]:
    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text())
    return parser


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return read


def test_a_body_that_the_application_takes_passes_nginx() -> None:
    text = (DEPLOY / "nginx" / "locations.conf").read_text()
    (usual,) = re.findall(r"^client_max_body_size (\d+)m;", text, re.MULTILINE)
    larger = re.findall(r"^location ~ (\S+) \{[^}]*client_max_body_size +(\d+)m;", text, re.MULTILINE)
    assert larger
    for address, most in LARGE_BODIES.items():
        room = next((room for pattern, room in larger if re.search(pattern, address)), usual)
        assert int(room) * 1_048_576 >= most, address


def test_what_a_page_asks_before_it_goes_on_by_requests_passes_nginx() -> None:
    page = (DEPLOY.parent / "exam_server" / "pages" / "static" / "link.js").read_text()
    (asked,) = re.findall(r'fetch\("(/\w+)"', page)
    hidden = re.findall(r"location = (/\w+) \{", (DEPLOY / "nginx" / "locations.conf").read_text())
    assert hidden == ["/ready"]
    assert asked not in hidden


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_start_what_exists_and_wait_until_it_has_left(path: Path) -> None:
    service = unit(path)["Service"]
    command = re.fullmatch(r"/opt/accreditation/\.venv/bin/python -m app\.cli (\w+)( .*)?", service["ExecStart"])
    assert command is not None
    assert command[1] in commands()
    assert service["KillSignal"] == "SIGTERM"
    assert service["KillMode"] == "mixed", "the supervisor tells its workers"
    assert float(service["TimeoutStopSec"]) > LEAVE_SECONDS > LAST_SECONDS


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_are_ones_that_systemd_takes(path: Path, tmp_path: Path) -> None:
    """With this installation's Python and an account that is here."""
    python = shutil.which("python3")
    assert python is not None
    text = path.read_text().replace("/opt/accreditation/.venv/bin/python", python)
    copy = tmp_path / path.name.replace("@.", "@8000.")
    copy.write_text(text.replace("User=accreditation", "User=nobody").replace("Group=accreditation", "Group=root"))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )
    said = [line for line in checked.stderr.splitlines() if path.name.partition("@")[0].partition(".")[0] in line]
    assert said == []
    assert checked.returncode == 0, checked.stderr


def test_settings_in_the_example_are_ones_that_are_read() -> None:
    lines = (DEPLOY / "exam.env.example").read_text().splitlines()
    named = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert named <= settings()
    assert {"DATABASE_URL", "TRUSTED_PROXIES", "BLOBS_URL"} <= named


def test_compose_has_every_part_and_only_settings_that_are_read(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {
        "postgres", "valkey", "s3", "bucket", "schema", "exam-1", "exam-2", "proctoring", "nginx",
    }  # fmt: skip
    for name in ("exam-1", "exam-2", "proctoring", "schema"):
        assert set(services[name]["environment"]) <= settings(), name
        command = services[name].get("command")
        assert command is None or command[:3] == ["python", "-m", "app.cli"]
        assert command is None or command[3] in commands()
    for name in ("exam-1", "exam-2", "proctoring"):
        assert float(services[name]["stop_grace_period"].removesuffix("s")) > LEAVE_SECONDS
        assert services[name]["environment"]["DATABASE_URL"] == services["schema"]["environment"]["DATABASE_URL"]
        for other in services[name]["depends_on"]:
            assert other in services


def test_compose_and_nginx_speak_of_the_same_machines(compose: dict[str, Any]) -> None:
    text = (DEPLOY / "nginx" / "compose.conf").read_text()
    named = set(re.findall(r"server ([\w-]+):8000", text))
    assert named == {"exam-1", "exam-2", "proctoring"} <= set(compose["services"])
    address = compose["services"]["nginx"]["networks"]["exam"]["ipv4_address"]
    assert compose["services"]["exam-1"]["environment"]["TRUSTED_PROXIES"] == address
    for volume in compose["services"]["nginx"]["volumes"]:
        assert (DEPLOY / volume.partition(":")[0]).exists()


def test_the_image_starts_a_command_that_exists() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    (started,) = re.findall(r'^CMD \["python", "-m", "app\.cli", "(\w+)"', text, re.MULTILINE)
    assert started in commands()
    assert set(re.findall(r"\b(ACCREDITATION_DATA|PROCTORING_MODELS|HOST|PORT)=", text)) <= settings()
    for copied in re.findall(r"^COPY (\S+) \S+$", text, re.MULTILINE):
        assert (DEPLOY.parent / copied).exists()
