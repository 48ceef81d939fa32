"""Two nodes behind nginx with the configuration of deploy/: one is killed, and its candidates go on at the other."""

import os
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
import websockets

from app.asgi import LARGE_BODIES
from app.embedded import free_port
from app.verification import verify
from core.database import fetch_all
from proctoring.models import Models
from tests.server.booth import Booth, Page, Staff, dial, until
from tests.server.conftest import Serve
from tests.server.processes import ROOT, Server

Booths = Callable[..., Awaitable[Booth]]
NODE = ("-m", "app.cli", "serve", "--workers", "2")
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
CLIENTS = 6
CONFIGURATION = """
{user}
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache keys_zone=statics:1m;
    map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
    upstream exam {{
        least_conn;
        server 127.0.0.1:{one} max_fails=1 fail_timeout=5s;
        server 127.0.0.1:{other} max_fails=1 fail_timeout=5s;
        keepalive 64;
    }}
    upstream cameras {{ server 127.0.0.1:{cameras} max_fails=0; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port};
        include {locations};
    }}
}}
"""

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light")


class Front(Server):
    """What visitors reach: nginx on a port, in the place of a server. It is never started as one."""

    def __init__(self, node: Server, models: Path, folder: Path, ports: tuple[int, int, int]) -> None:
        super().__init__(node.url, node.data, free_port(), models)
        self.folder = folder
        one, other, cameras = ports
        self.configuration = folder / "nginx.conf"
        self.configuration.write_text(
            CONFIGURATION.format(
                user="user root;" if os.geteuid() == 0 else "",
                folder=folder,
                one=one,
                other=other,
                cameras=cameras,
                port=self.port,
                locations=ROOT / "deploy" / "nginx" / "locations.conf",
            )
        )
        assert NGINX is not None
        self.nginx = subprocess.Popen([NGINX, "-c", str(self.configuration)], stderr=subprocess.DEVNULL)

    def end(self) -> None:
        self.nginx.send_signal(signal.SIGTERM)
        self.nginx.wait(10)


@pytest.fixture
def place(
    serve: Serve, node_url: str, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Front, Server, Server]]:
    """nginx and two nodes; the other one has the cameras."""
    monkeypatch.setenv("TRUSTED_PROXIES", "127.0.0.1")
    one, other = serve(node_url, command=NODE), serve(node_url, command=("-m", "app.cli", "serve"))
    folder = tmp_path / "nginx"
    folder.mkdir()
    front = Front(one, models.detector.parent, folder, (one.port, other.port, other.port))
    try:
        yield front, one, other
    finally:
        front.end()


async def addresses(booth: Booth) -> list[str]:
    async with booth.database.transaction() as connection:
        rows = await fetch_all(
            connection,
            "SELECT address FROM exam_server.connection WHERE sitting_id = :id ORDER BY epoch",
            id=booth.sitting,
        )
    return [row["address"] for row in rows]


async def test_a_sitting_goes_on_over_nginx_when_one_node_is_killed(
    place: tuple[Front, Server, Server], booths: Booths
) -> None:
    front, one, other = place
    async with httpx.AsyncClient() as anybody:

        async def answers() -> bool:
            try:
                return (await anybody.get(f"{front.address}/login")).status_code == 200
            except httpx.TransportError:
                return False

        await until(answers, "nginx answers")
        style = await anybody.get(f"{front.address}/static/core/base.css?v=1")
        assert "immutable" in style.headers["cache-control"]
        assert (await anybody.get(f"{front.address}/ready")).status_code == 404
        health = await anybody.get(f"{front.address}/health")
        assert health.status_code == 200, "a page takes to requests only where this is answered"

    made = [await booths(front) for _ in range(CLIENTS)]
    pages = [await booth.begin() for booth in made]
    kept = [await page.answer(number % 4) for number, page in enumerate(pages)]
    sample = await made[0].post("/exam/sample", content=bytes(LARGE_BODIES["/exam/sample"] - 100_000))
    assert sample.status_code != 413, "nginx lets through what the application takes"
    camera = Page(await made[0].connect(f"/ws/camera/{made[0].sitting}"))
    await camera.hear("rate")
    async with (
        await Staff.open(front, "proktor") as proctor,
        proctor.http.stream("GET", "/staff/proctor/events") as wall,
    ):
        assert wall.headers["content-type"].startswith("text/event-stream")
        assert b"event:" in await anext(wall.aiter_raw()), "news come at once, unbuffered"

    # Whatever a visitor claims, the address is the one nginx sees; what nginx says is believed.
    path, claim = f"/ws/sittings/{made[0].sitting}?stream=browser02", {"X-Forwarded-For": "203.0.113.9"}
    for server in (front, one):
        claimed = Page(await dial(server, path, made[0].cookie, **claim))
        await claimed.hear("snapshot")
        await claimed.leave()

    async def three() -> bool:
        return len(await addresses(made[0])) == 3

    await until(three, "each connection is on record, a moment after the page has its snapshot")
    assert await addresses(made[0]) == ["127.0.0.1", "127.0.0.1", "203.0.113.9"]
    pages[0] = await made[0].open_page()

    for worker in one.workers:
        os.kill(worker, signal.SIGKILL)
    one.kill()
    moved = 0
    for booth, page, answer in zip(made, pages, kept, strict=True):
        try:
            await page.say({"type": "ping", "sent": 1})
            await page.hear("pong")
        except websockets.ConnectionClosed:
            moved += 1
            page = await booth.open_page()
            assert page.item is not None
            assert page.item["answers"] == [[answer]]
        await page.answer(3)
        await page.order("submit")
        await page.hear("ended")
    assert 0 < moved < CLIENTS, "both nodes had candidates"

    async def decided() -> bool:
        return all([await booth.fate() in ("passed", "failed") for booth in made])

    await until(decided, "the node that is left works out the results")
    report = await verify(front.url, None)
    assert (report.faults, report.results) == ([], CLIENTS)
    assert other.stop() == 0


def test_the_configuration_of_deploy_is_one_that_nginx_takes(tmp_path: Path) -> None:
    """Both variants, with a certificate of this test's own and the names of machines that are not here."""
    certificate, key = make_certificate(tmp_path)
    for name in ("accreditation.conf", "compose.conf"):
        text = (ROOT / "deploy" / "nginx" / name).read_text()
        for place, here in {
            "/etc/nginx/accreditation/certificate.pem": str(certificate),
            "/etc/nginx/accreditation/key.pem": str(key),
            "/etc/nginx/accreditation/locations.conf": str(ROOT / "deploy" / "nginx" / "locations.conf"),
            "/var/cache/nginx/accreditation": str(tmp_path / name / "cache"),
            "exam-1:": "127.0.0.1:",
            "exam-2:": "127.0.0.2:",
            "proctoring:": "127.0.0.3:",
        }.items():
            text = text.replace(place, here)
        folder = tmp_path / name
        folder.mkdir()
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        configuration = folder / "nginx.conf"
        configuration.write_text(
            f"pid {folder}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{text}\n}}\n"
        )
        assert NGINX is not None
        checked = subprocess.run([NGINX, "-t", "-c", str(configuration)], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        assert "warn" not in checked.stderr, checked.stderr


def make_certificate(folder: Path) -> tuple[Path, Path]:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "exam.example.org")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3_650))
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
