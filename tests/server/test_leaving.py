"""A node is told to leave under load: what it acknowledged is stored, everybody goes on elsewhere, it ends in order.

That the exit code is 0 says too that it left in time: after nine and a half seconds a worker cuts itself off with 1.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import httpx

from app.verification import verify
from tests.server.booth import Booth, Page, Staff, until
from tests.server.conftest import Serve
from tests.server.processes import faults_in
from tests.server.test_crash import Answering

Booths = Callable[..., Awaitable[Booth]]
NODE = ("-m", "app.cli", "serve", "--workers", "2")
CLIENTS = 8


async def test_a_node_leaves_under_load_and_its_candidates_go_on_at_another(
    serve: Serve, node_url: str, booths: Booths
) -> None:
    node, other = serve(node_url, command=NODE), serve(node_url, command=NODE)
    made = [await booths(node) for _ in range(CLIENTS)]
    candidates = [Answering(booth, await booth.begin(), number) for number, booth in enumerate(made)]
    camera = Page(await made[0].connect(f"/ws/camera/{made[0].sitting}"))
    await camera.hear("rate")
    async with await Staff.open(node, "proktor") as proctor, httpx.AsyncClient(cookies=proctor.cookie) as viewer:
        with (
            socket.create_connection(("127.0.0.1", node.port)) as idle,
            socket.create_connection(("127.0.0.1", node.port)) as slow,
        ):
            slow.sendall(b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nlogin=")
            async with viewer.stream("GET", f"{node.address}/staff/proctor/events", timeout=60) as wall:
                assert wall.status_code == 200
                async with asyncio.TaskGroup() as group:
                    for candidate in candidates:
                        group.create_task(candidate.go())
                    await until(lambda: sum(one.count for one in candidates) >= CLIENTS * 8, "a lot is acknowledged")
                    code = await asyncio.to_thread(node.stop)
                async for _ in wall.aiter_raw():
                    pass  # the stream ends by itself
            assert code == 0, node.said()[-3000:]
            assert idle.recv(1) == b""
    assert await camera.closed() == 1012
    said = node.said()
    assert "serving.cut_off" not in said
    assert faults_in(said) == [line for line in faults_in(said) if "timeout graceful shutdown" in line]

    for one in candidates:
        socket_closed = one.page.socket.close_code
        assert socket_closed == 1012
        state = await one.booth.state()
        assert state.status == "running"
        assert not state.connected, "that the page is gone is written down too"
        assert state.streams[state.stream] >= one.acked_seq
        for (position, stage), value in one.acknowledged.items():
            assert state.items[position].answers[stage] in (value, one.sent[position, stage])
        one.page = await one.booth.open_page(server=other)
        assert one.page.seq >= one.acked_seq
        one.count = 0
        await one.go(3)
        await one.page.order("submit")
        await one.page.hear("ended")

    async def decided() -> bool:
        answers = [
            await one.booth.http.get(f"{other.address}/cabinet/results/{one.booth.sitting}") for one in candidates
        ]
        return all(answer.json()["fate"] in ("passed", "failed") for answer in answers)

    await until(decided, "the other node works out the results")
    assert other.stop() == 0
    report = await verify(node_url, None)
    assert (report.faults, report.results) == ([], CLIENTS)


async def test_a_page_that_reads_nothing_does_not_keep_a_node(serve: Serve, node_url: str, booths: Booths) -> None:
    node = serve(node_url, command=NODE)
    booth = await booths(node)
    page = await booth.begin()
    page.socket.transport.pause_reading()
    for number in range(1, 60):
        await page.say({**page.response(number % 4), "seq": page.seq + number})
    assert await asyncio.to_thread(node.stop) == 0, node.said()[-3000:]
    assert not (await booth.state()).connected


async def test_readiness_says_where_to_send_candidates(serve: Serve, node_url: str) -> None:
    node = serve(node_url, command=NODE)
    async with httpx.AsyncClient(base_url=node.address) as anybody:
        ready = await anybody.get("/ready")
        assert ready.status_code == 200
        assert ready.json() == {
            "ready": True,
            "log": "ok",
            "clock_off_ms": ready.json()["clock_off_ms"],
            "leaving": False,
        }
        assert (await anybody.get("/health")).json() == {"log": "ok"}
    assert node.stop() == 0


async def test_a_proctors_act_at_one_node_reaches_the_page_at_another(
    serve: Serve, node_url: str, booths: Booths
) -> None:
    one, other = serve(node_url, command=NODE), serve(node_url, command=NODE)
    booth = await booths(one)
    page = await booth.begin()
    before = page.snapshot
    async with await Staff.open(other, "proktor") as proctor:
        given = await proctor.post(
            f"/staff/proctor/{booth.sitting}/time", data={"minutes": "5", "reason": "Проверка связи"}
        )
        assert given.status_code == 303, given.text
        heard = await page.hear("snapshot")
        assert heard["deadline"] > before["now"]
        ended = await proctor.post(f"/staff/proctor/{booth.sitting}/end", data={"reason": "Проверка связи"})
        assert ended.status_code == 303, ended.text
        while heard.get("status") != "ended":
            heard = await page.hear("snapshot", "ended")
    for node in (one, other):
        assert node.stop() == 0
