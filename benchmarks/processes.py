"""Processes that are measured: their CPU time and memory, read from /proc, their placement, and when they listen."""

import os
import socket
import subprocess
from pathlib import Path
from time import sleep

_TICK = os.sysconf("SC_CLK_TCK")


def pin(process: int, core: int) -> None:
    """Let a process run on one core only."""
    os.sched_setaffinity(process, {core})


def cpu_seconds(process: int) -> float:
    """User and system time a process and its ended children have used, in seconds."""
    fields = (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / _TICK


def family_cpu_seconds(parent: int) -> float:
    """The same for a process and its living children together.

    A child that ends meanwhile would be counted never or twice: its time becomes its parent's.
    """
    while True:
        children = _children(parent)
        try:
            used = cpu_seconds(parent) + sum(map(cpu_seconds, children))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if _children(parent) == children:
            return used


def _children(parent: int) -> set[int]:
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == parent:
                found.add(int(folder.name))
    return found


def resident_kib(process: int) -> int:
    """Resident memory of a process, KiB."""
    status = (Path("/proc") / str(process) / "status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server accepts connections. Raises RuntimeError when it ends instead."""
    while server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.05)
    raise RuntimeError("the server did not start")
