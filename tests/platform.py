"""`yinfeng up`, or its supervisor with small children, in a process of its own."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from yinfeng.embedded.postgres import end_servers_of
from yinfeng.status_file import ChildState, PlatformState, read_state

PORTS = range(10_000, 19_000)
_looked = itertools.count()
STARTS_WITHIN = 180.0  # seconds: a few on a machine that is free


class Platform:
    """A supervisor in a process of its own, and what it said."""

    def __init__(self, home: Path, port: int, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self.home, self.port = home, port
        self.console = home.with_name(f"{home.name}-{time.monotonic_ns()}.txt")
        with self.console.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
            )

    def said(self) -> str:
        return self.console.read_text()

    def until_said(self, text: str, seconds: float = 60) -> None:
        until(lambda: text in self.said() or self.process.poll() is not None, seconds)
        assert text in self.said()

    def state(self) -> PlatformState:
        state = read_state(self.home)
        assert state is not None
        return state

    def child(self, name: str) -> ChildState:
        return next(child for child in self.state().children if child.name == name)

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill_child(self, name: str) -> None:
        pid = self.child(name).pid
        assert pid is not None
        psutil.Process(pid).kill()

    def until_back(self, name: str) -> None:
        until(lambda: self.child(name).restarts > 0 and self.child(name).state == "ready")


def silence(pid: int) -> None:
    """Stop a process until SIGCONT: once this returns no thread of it runs; the signal alone does not promise it."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: all(line.split(")")[-1].split()[0] in "Tt" for line in _threads(pid)))


def _threads(pid: int) -> list[str]:
    return [stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat")]


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited for {seconds:.0f} seconds"
        time.sleep(0.02)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


def free_port() -> int:
    """A port of loopback that nobody has. Not one of those that outgoing lines take: it would be lost between two
    servers that a test starts on it one after the other. Each process looks from elsewhere."""
    for _ in range(len(PORTS)):
        port = PORTS[(os.getpid() * 61 + next(_looked)) % len(PORTS)]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise AssertionError("no port is free")


def whole(home: Path, **env: str) -> Platform:
    """`yinfeng up` as a user runs it, ready. End it with `stop`."""
    port = free_port()
    bare = dict.fromkeys(("YINFENG_DATABASE_URL", "YINFENG_KAFKA"), "")
    platform = Platform(home, port, ["yinfeng", "up", "--port", str(port)], {**bare, "YINFENG_HOME": str(home), **env})
    try:
        platform.until_said("Ready in", STARTS_WITHIN)
    except BaseException:
        stop(platform)
        raise
    return platform


def stop(platform: Platform) -> None:
    """End it in order; by force when that fails, so that nothing outlives a test."""
    family = platform.family() if platform.process.poll() is None else []
    platform.process.send_signal(signal.SIGTERM)
    try:
        platform.process.wait(60)
    finally:
        platform.process.kill()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        end_servers_of(platform.home / "postgres", lambda text: None)
