"""Small processes in the place of workers: what is started, started again, told, waited for and killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded import free_port
from app.supervisor import bind, reserve
from core.clock import elapsed_seconds
from core.errors import Unavailable

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 20.0
PARENT = """
import os, sys
from app import supervisor
supervisor.FIRST_PAUSE, supervisor.LONGEST_PAUSE, supervisor.LEAVE_SECONDS = 0.05, 0.2, float(sys.argv[3])
with supervisor.reserve("127.0.0.1", int(sys.argv[1])):
    command = [sys.executable, "-c", sys.argv[2], sys.argv[1]]
    raise SystemExit(supervisor.Supervisor(command, 2, dict(os.environ)).run())
"""
WORKER = """
import os, signal, sys, threading
from app.supervisor import bind
signal.signal(signal.SIGTERM, lambda *_: os._exit({code}))
def watch():
    os.read(0, 1)
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
listener = bind("127.0.0.1", int(sys.argv[1]))
listener.listen()
while True:
    caller, _ = listener.accept()
    caller.sendall(b"%d" % os.getpid())
    caller.close()
"""


class Node:
    """A supervisor with two workers on a port."""

    def __init__(self, worker: str, leave: float = 10.0) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(self.port), worker, str(leave)], cwd=ROOT, stderr=subprocess.DEVNULL
        )

    def ask(self) -> int:
        """The process id of the worker that answers."""
        end = elapsed_seconds() + PATIENCE
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as caller:
                    if said := caller.recv(32):
                        return int(said)
            except OSError:
                pass  # it does not listen yet, or the worker died with the caller in hand
            assert elapsed_seconds() < end
            time.sleep(0.01)

    def both(self) -> set[int]:
        """Both workers, once each has answered."""
        seen: set[int] = set()
        end = elapsed_seconds() + PATIENCE
        while len(seen) < 2:
            seen = (seen | {self.ask()}) & set(self.children())
            assert elapsed_seconds() < end, "only one of the workers answers"
        return seen

    def children(self) -> list[int]:
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def tell(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def nodes() -> Iterator[list[Node]]:
    made: list[Node] = []
    yield made
    for node in made:
        node.process.kill()
        node.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_workers_share_a_port_and_leave_when_told(nodes: list[Node], number: signal.Signals) -> None:
    nodes.append(node := Node(WORKER.format(code=0)))
    workers = node.both()
    assert node.tell(number) == 0
    assert not any(Path("/proc", str(worker)).exists() for worker in workers)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", node.port))


def test_a_killed_worker_is_replaced_and_the_other_goes_on(nodes: list[Node]) -> None:
    nodes.append(node := Node(WORKER.format(code=0)))
    one, other = node.both()
    os.kill(one, signal.SIGKILL)
    now = node.both()
    assert other in now
    assert one not in now
    assert node.tell(signal.SIGTERM) == 0


def test_a_worker_that_cannot_start_is_tried_again_and_again(nodes: list[Node], tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    nodes.append(node := Node(f"open({str(tries)!r}, 'a').write('x'); raise SystemExit(3)"))
    end = elapsed_seconds() + PATIENCE
    while not tries.exists() or len(tries.read_text()) < 6:
        assert elapsed_seconds() < end
        time.sleep(0.01)
    assert node.process.poll() is None
    assert node.tell(signal.SIGTERM) in (0, 1), "whether a try was under way at the end"


def test_a_worker_that_leaves_badly_is_told_by_the_exit_code(nodes: list[Node]) -> None:
    nodes.append(node := Node(WORKER.format(code=4)))
    node.both()
    assert node.tell(signal.SIGTERM) == 1


def test_a_worker_that_does_not_leave_is_killed(nodes: list[Node]) -> None:
    deaf = WORKER.format(code=0).replace("lambda *_: os._exit(0)", "signal.SIG_IGN")
    nodes.append(node := Node(deaf, leave=0.2))
    workers = node.both()
    assert node.tell(signal.SIGTERM) == 1
    assert not any(Path("/proc", str(worker)).exists() for worker in workers)


def test_workers_notice_that_their_supervisor_is_gone(nodes: list[Node]) -> None:
    nodes.append(node := Node(WORKER.format(code=0)))
    workers = node.both()
    node.tell(signal.SIGKILL)
    end = elapsed_seconds() + PATIENCE
    while any(Path("/proc", str(worker)).exists() for worker in workers):
        assert elapsed_seconds() < end
        time.sleep(0.01)


def test_an_address_that_cannot_be_had_is_named() -> None:
    with bind("127.0.0.1", 0) as other:
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Unavailable, match=str(port)) as taken:
            reserve("127.0.0.1", port)
        assert taken.value.code == "address_taken"
    with reserve("127.0.0.1", port), bind("127.0.0.1", port) as worker:
        worker.listen()
        socket.create_connection(("127.0.0.1", port)).close()
